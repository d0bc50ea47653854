// The tools by which the model speaks with people other than by text: its plan as a check list, a question, and the wish to carry a plan out.

import type { PlanEntry } from '@agentclientprotocol/sdk/unstable'
import { type Mode, modeOf } from '../permission/decide.ts'
import type { Questions } from '../questions.ts'
import { CallInvalid, type Input, type OwnTool, done, failed, schema, string, text } from './step.ts'

export interface TalkFrom {
  readonly questions: Questions
  readonly tellPlan: (entries: readonly PlanEntry[]) => Promise<void>
  readonly setMode: (mode: Mode) => Promise<void>
}

const statuses = ['pending', 'in_progress', 'completed'] as const

export const planName = 'plan'

/** As the tool is given it; steps that make no sense are left out. */
export function planIn(input: Input): readonly PlanEntry[] {
  const steps = input['steps']
  if (!Array.isArray(steps)) return []
  return steps.flatMap((one: unknown): readonly PlanEntry[] => {
    if (typeof one !== 'object' || one === null) return []
    const { step, status } = one as Input
    return typeof step === 'string' ? [{ content: step, priority: 'medium', status: statuses.find((known) => known === status) ?? 'pending' }] : []
  })
}

export function talkTools({ questions, tellPlan, setMode }: TalkFrom): readonly OwnTool[] {
  const plan: OwnTool = {
    name: planName,
    description: 'Shows the user your plan as a check list. Give all steps every time, with how far each is; one is in progress at a time.',
    input: schema(
      { steps: { type: 'array', items: schema({ step: string('what is done'), status: { type: 'string', enum: statuses, description: 'how far it is' } }, ['step', 'status']) } },
      ['steps'],
    ),
    look: (input) => ({
      title: 'plan',
      kind: 'think',
      paths: [],
      untold: true,
      run: async () => {
        await tellPlan(planIn(input))
        return done('The user sees the plan.')
      },
    }),
  }
  const ask: OwnTool = {
    name: 'ask',
    description: 'Asks the user a question and waits for the answer. Give choices where there are some; the user can always answer something else.',
    input: schema(
      { question: string('the question, with what has to be known to answer it'), choices: { type: 'array', items: { type: 'string' }, description: 'answers that are offered' } },
      ['question'],
    ),
    look(input, callId) {
      const question = text(input, 'question')
      if (question.trim() === '') throw new CallInvalid('"question" is empty')
      const choices = Array.isArray(input['choices']) ? input['choices'].filter((one) => typeof one === 'string' && one !== '') : []
      return {
        title: question.split('\n', 1)[0] ?? question,
        kind: 'think',
        paths: [],
        run: async (signal) => {
          const answer = await answerTo(questions, question, choices, signal, callId)
          if (answer !== undefined) return done(`The user answers: ${answer}`)
          if (choices.length === 0 && !questions.canWrite) return failed('Nobody can be asked for a text here: end your turn with the question.')
          return failed('The user closed the question without an answer: do not guess one. Go on with what does not need it, or end your turn and say what you need.')
        },
      }
    },
  }
  const leave: OwnTool = {
    name: 'leave_plan_mode',
    description: 'Shows the user the plan and asks whether it may be carried out. Call it when the plan is complete.',
    input: schema({ plan: string('the plan, in Markdown') }, ['plan']),
    planMode: 'only',
    look(input, callId) {
      const content = [{ type: 'content' as const, content: { type: 'text' as const, text: text(input, 'plan') } }]
      return {
        title: 'carry out the plan',
        kind: 'switch_mode',
        paths: [],
        content,
        run: async (signal) => {
          const chosen = await questions.permission(
            { toolCallId: callId, title: 'carry out the plan', kind: 'switch_mode', content: [...content] },
            [
              { optionId: 'ask', name: 'Carry it out, ask before every change', kind: 'allow_once' },
              { optionId: 'accept-edits', name: 'Carry it out, edit files without asking', kind: 'allow_always' },
              { optionId: 'reject', name: 'Keep planning', kind: 'reject_once' },
            ],
            signal,
          )
          const mode = modeOf(chosen?.id ?? '')
          if (!mode)
            return failed(
              `The user does not want this plan carried out yet.${chosen?.reason === undefined ? ' Ask what should be different, or end your turn.' : ` They say: ${chosen.reason}`}`,
            )
          await setMode(mode)
          return done('The user agrees: carry the plan out now.')
        },
      }
    },
  }
  return [plan, ask, leave]
}

const somethingElse = 'something else'

async function answerTo(questions: Questions, question: string, choices: readonly string[], signal: AbortSignal, callId: string): Promise<string | undefined> {
  if (choices.length === 0) return await questions.write(question, signal, callId)
  const options = [...new Set(choices)].map((name) => ({ id: name, name }))
  const other = questions.canWrite && !choices.includes(somethingElse) ? [{ id: somethingElse, name: 'Something else' }] : []
  const chosen = await questions.choose(question, [...options, ...other], signal, callId)
  return chosen === somethingElse && other.length > 0 ? await questions.write(question, signal, callId) : chosen
}
