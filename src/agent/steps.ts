// A call of a tool from the model's wish to its result: looked at, told to the client, asked about where the mode says so, done, and told again.

import type { ContentBlock, PermissionOption, SessionUpdate, ToolCallContent, ToolCallUpdate } from '@agentclientprotocol/sdk/unstable'
import { printableLine } from '../core/terminal-text.ts'
import { type Decision, type Mode, decide, editsGrant } from './permission/decide.ts'
import type { Questions } from './questions.ts'
import type { Tool, ToolCall, ToolResult } from './thinker.ts'
import { CallInvalid, type OwnTool, type Step, failed } from './tools/step.ts'

export interface StepsFrom {
  readonly mode: () => Mode
  /** What was allowed for the rest of the session. */
  readonly granted: Set<string>
  readonly questions: Questions
  readonly tell: (update: SessionUpdate) => Promise<void>
  /** Ids of the calls so far: a client takes the same id for the same call, and not every model gives each its own. */
  readonly ids: Set<string>
  /** After every call. */
  readonly did: (name: string, input: unknown, failed: boolean, signal: AbortSignal) => Promise<void>
}

/** What clients are shown of a result. */
const mostShown = 32 * 1024

export const asTool = (from: StepsFrom, tool: OwnTool): Tool => ({
  name: tool.name,
  description: tool.description,
  input: tool.input,
  run: async (call, signal) => {
    signal.throwIfAborted()
    const result = await perform(from, tool, { ...call, id: ownId(from.ids, call.id) }, signal)
    if (!signal.aborted) await from.did(tool.name, call.input, result.failed, signal)
    return result
  },
})

export function ownId(ids: Set<string>, id: string): string {
  const own = ids.has(id) ? `${id}-${ids.size}` : id
  ids.add(own)
  return own
}

async function perform(from: StepsFrom, tool: OwnTool, call: ToolCall, signal: AbortSignal): Promise<ToolResult> {
  const toolCallId = call.id
  let step: Step
  try {
    step = await tool.look(call.input, toolCallId)
  } catch (thrown) {
    if (!(thrown instanceof CallInvalid)) throw thrown
    await tellRefused(from, toolCallId, tool.name, call.input, thrown.message)
    return failed(thrown.message)
  }
  const told = {
    toolCallId,
    title: printableLine(step.title),
    name: tool.name,
    kind: step.kind,
    locations: step.paths.map((path) => ({ path })),
    rawInput: call.input,
    content: [...(step.content ?? [])],
  }
  const tell = async (update: SessionUpdate): Promise<void> => (step.untold ? undefined : await from.tell(update))
  await tell({ sessionUpdate: 'tool_call', ...told, status: 'pending' })
  const end = async (result: ToolResult): Promise<ToolResult> => {
    await tell({ sessionUpdate: 'tool_call_update', toolCallId, status: result.failed ? 'failed' : 'completed', content: [...(step.content ?? []), ...shownOf(result)] })
    return result
  }
  try {
    const decision: Decision = step.action ? decide(from.mode(), step.action, from.granted) : { kind: 'go' }
    if (decision.kind === 'refuse') return await end(failed(decision.why))
    if (decision.kind === 'ask') {
      const refused = await askFor(from, told, decision, signal)
      if (refused) return await end(refused)
    }
    await tell({ sessionUpdate: 'tool_call_update', toolCallId, status: 'in_progress' })
    const print = (text: string): void => void tell({ sessionUpdate: 'tool_call_update', toolCallId, content: [...(step.content ?? []), said(text)] }).catch(() => {})
    return await end(await step.run(signal, print))
  } catch (thrown) {
    if (!signal.aborted) return await end(failed(thrown instanceof Error ? thrown.message : String(thrown)))
    await end(failed('cancelled by the user'))
    throw thrown
  }
}

const said = (text: string): ToolCallContent => ({ type: 'content', content: { type: 'text', text } })

export function shownOf({ text, pictures }: ToolResult): ToolCallContent[] {
  const shown = text.length > mostShown ? `${text.slice(0, mostShown)}…` : text
  const blocks: ContentBlock[] = (pictures ?? []).map(({ mimeType, bytes }) => ({ type: 'image', mimeType, data: bytes }))
  return [said(shown), ...blocks.map((content): ToolCallContent => ({ type: 'content', content }))]
}

/** A call that came to nothing before anything was looked at. */
export async function tellRefused({ tell }: Pick<StepsFrom, 'tell'>, toolCallId: string, name: string, rawInput: unknown, why: string): Promise<void> {
  await tell({ sessionUpdate: 'tool_call', toolCallId, title: printableLine(name), name, kind: 'other', rawInput, status: 'failed', content: [said(why)] })
}

/** Undefined: it is allowed. Else what the model is told. */
async function askFor(
  { questions, granted }: StepsFrom,
  call: ToolCallUpdate,
  { why, covers }: Extract<Decision, { kind: 'ask' }>,
  signal: AbortSignal,
): Promise<ToolResult | undefined> {
  const options: PermissionOption[] = [
    { optionId: 'allow', name: 'Allow once', kind: 'allow_once' },
    ...(covers.length === 0 ? [] : [{ optionId: 'always', name: alwaysName(covers, call.kind === 'execute'), kind: 'allow_always' as const }]),
    { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
    ...(questions.canWrite ? [{ optionId: 'reject-why', name: 'Reject and say why', kind: 'reject_once' as const }] : []),
  ]
  const because = why.length === 0 ? [] : [said(`Asked because ${why.join('; ')}.`)]
  const chosen = await questions.permission({ ...call, content: [...(call.content ?? []), ...because] }, options, signal)
  if (chosen?.id === 'allow') return undefined
  if (chosen?.id === 'always' && covers.length > 0) {
    for (const one of covers) granted.add(one)
    return undefined
  }
  const reason = chosen?.reason ?? (chosen?.id === 'reject-why' ? await questions.write('Why not, or what instead?', signal, call.toolCallId) : undefined)
  return failed(reason === undefined ? 'The user did not allow this. Do not try it in another way.' : `The user did not allow this and says: ${reason}`)
}

/** Says what it allows: of commands also those that go on from there. */
const alwaysName = (covers: readonly string[], areCommands: boolean): string =>
  covers.includes(editsGrant)
    ? 'Allow all edits in the workspace, for this session'
    : `Always allow ${covers.map((one) => `\`${printableLine(one)}${areCommands ? ' …' : ''}\``).join(' and ')}, for this session`
