// `offstage demo`: three sessions of a scripted agent on a scratch project. By itself (`--auto`, or without a terminal) it answers what they ask, waits for the end and leaves
// nothing behind; in a terminal it leaves them to you.

import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entry, isCheckout } from '../../config/package-root.ts'
import type { Frame } from '../../core/api.ts'
import { isRefusal } from '../../core/errors.ts'
import { type Ask, findOption } from '../../core/requests.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { makeScratchProject, scratchChanges } from '../../demo/scratch-project.ts'
import type { Client } from '../../sdk/client.ts'
import { CommandFailed, exitCodes } from '../../client/failures.ts'
import { type Paint, painter } from '../../text/format.ts'
import { newId, ownEnvironment, submit } from '../../client/submit.ts'
import { type Args, type Context, type Verb, flag } from '../verb.ts'

const scenarios = [
  { name: 'fix-test', prompt: 'The test "quantities count" fails. Fix src/cart.js so that it passes; leave the tests alone.' },
  { name: 'remove-legacy', prompt: 'Nothing imports src/legacy/old-cart.js any more. Remove it and run the tests.' },
  { name: 'write-docs', prompt: 'Write a README.md that says what this project does.' },
] as const

/** What to type here: a checkout is not on PATH. */
const offstage = isCheckout ? 'npx offstage' : 'offstage'

const scripted = `The agent of this demo is a script, not a model: it speaks the Agent Client
Protocol like a real one, edits the files and runs the tests.`
const withARealOne = `With a real agent: "${offstage} agents" shows which are installed,
and ${offstage} bg "your task" starts one in the directory you are in.`
const longestMs = 120_000

async function run(context: Context, args: Args): Promise<number> {
  const auto = flag(args, 'auto') || context.stdin.isTTY !== true || context.stdout.isTTY !== true
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'offstage-demo-')))
  const project = join(folder, 'shop')
  await makeScratchProject(project, context.env, context.signal)
  if (!auto) return leaveToUser(context, project)
  const { connect } = await import('../../sdk/connect.ts')
  const env = { ...context.env, OFFSTAGE_HOME: join(folder, 'home') }
  const client = await connect({ env }, context.signal)
  try {
    return await byItself(context, client, project)
  } finally {
    await endAll(client)
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

async function start(context: Context, client: Client, project: string, label: (name: string) => string): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const { name, prompt } of scenarios) {
    const session = newId()
    const spec = { kind: 'agent', driver: 'acp', agent: 'scripted', argv: [process.execPath, entry('scripted-agent'), name], cwd: project } as const
    await submit(
      client,
      { session, command: { type: 'create', spec, title: prompt.slice(0, 80), label: label(name), prompt }, environment: ownEnvironment(context.env) },
      context.signal,
    )
    names.set(session, name)
  }
  return names
}

async function leaveToUser(context: Context, project: string): Promise<number> {
  const paint = painter(context.color)
  const client = await context.client()
  await start(context, client, project, (name) => `demo-${name}`)
  const steps: readonly (readonly [string, string])[] = [
    ['', 'all sessions on one screen'],
    ['requests', 'what they ask of you'],
    ['answer demo-remove-legacy allow', 'answer one'],
    ['switch demo-write-docs', 'open one; /bg leaves it running'],
    [`rm ${scenarios.map(({ name }) => `demo-${name}`).join(' ')}`, 'remove them when you are done'],
  ]
  context.out(`${scripted}\n\nThree sessions are at work in\n${project}\n\n`)
  for (const [command, what] of steps)
    context.out(`  ${paint.dim(what)}
    ${`${offstage} ${command}`.trimEnd()}
`)
  context.out(`\n${withARealOne}\n`)
  return exitCodes.done
}

async function byItself(context: Context, client: Client, project: string): Promise<number> {
  const paint = painter(context.color)
  context.out(`${scripted}\n\n`)
  const names = await start(context, client, project, (name) => name)
  const deadline = AbortSignal.any([context.signal, AbortSignal.timeout(longestMs)])
  const atWork = new Set(names.keys())
  const failed: string[] = []
  for await (const frame of client.watch({ after: 0, follow: true }, deadline)) {
    const line = frame.kind === 'fact' ? told(frame, paint) : undefined
    if (frame.kind !== 'fact') continue
    const { session, event } = frame.envelope
    const name = names.get(session)
    if (name === undefined) continue
    if (line) context.out(`  ${name.padEnd(14)} ${line}\n`)
    if (event.type === 'asked') await answer(context, client, session, event.ask, name)
    const view = event.type === 'turn-ended' || event.type.startsWith('run-') ? (await client.get(session, context.signal))?.session : undefined
    if (view?.status === 'completed' || view?.status === 'failed') atWork.delete(session)
    if (view?.status === 'failed') failed.push(`${name}: ${printableLine(view.reason)}`)
    if (atWork.size === 0) break
  }
  if (atWork.size > 0) failed.push(`not finished: ${[...atWork].map((session) => names.get(session)).join(', ')}`)
  if (failed.length > 0)
    throw new CommandFailed('demo-failed', `the demo did not work: ${failed.join('; ')}`, {
      exitCode: exitCodes.failed,
      hint: 'offstage demo in a terminal leaves everything there to look at',
    })
  context.out(
    `\nThree sessions completed. What they changed:\n\n${(await scratchChanges(project, context.env, context.signal)).replace(/^/gm, '  ').trimEnd()}\n\n${withARealOne}\n`,
  )
  return exitCodes.done
}

/** One line for the facts that are worth one. */
function told(frame: Extract<Frame, { kind: 'fact' }>, paint: Paint): string | undefined {
  const { event } = frame.envelope
  switch (event.type) {
    case 'entry-written': {
      const { entry } = event
      if (entry.kind === 'message') return printableLine(entry.text).slice(0, 160)
      return entry.kind === 'tool' && (entry.status === 'completed' || entry.status === 'failed')
        ? `${paint.status(entry.status, entry.status === 'completed' ? '✓' : '✗')} ${printableLine(entry.title)}`
        : undefined
    }
    case 'asked':
      return `${paint.status('waiting', '◆')} asks: ${printableLine(event.ask.title)}`
    case 'turn-ended':
      return paint.status('completed', 'completed')
    default:
      return undefined
  }
}

/** The demo says plainly that it is the demo that answers. */
async function answer(context: Context, client: Client, session: string, ask: Ask, name: string): Promise<void> {
  const option = findOption(ask, 'allow') ?? ask.options[0]
  const reply = option
    ? ({ kind: 'option', optionId: option.id } as const)
    : ({ kind: 'form', fields: Object.fromEntries((ask.fields ?? []).map((field) => [field.name, field.choices?.[0]?.value ?? 'formal'])) } as const)
  context.out(`  ${name.padEnd(14)} → the demo answers: ${printableLine(option?.label ?? 'with the first choice')}\n`)
  const result = await client.submit({ session, commandId: newId(), command: { type: 'answer', requestId: ask.id, answer: reply } }, context.signal)
  if (isRefusal(result)) throw new CommandFailed(result.refused, result.message, { exitCode: exitCodes.failed })
}

/** Has a time of its own: what the demo started is ended also when it was interrupted. */
async function endAll(client: Client): Promise<void> {
  const signal = AbortSignal.timeout(15_000)
  const sessions = await client.list({ all: true }, signal)
  await Promise.all(
    sessions.map(async ({ id }) => {
      await client.submit({ session: id, commandId: newId(), command: { type: 'end' } }, signal)
      for await (const frame of client.watch({ session: id, after: 0, follow: true }, signal)) if (frame.kind === 'fact' && frame.envelope.event.type === 'stopped') break
    }),
  )
  await client.stopDaemon(signal)
  client.close()
}

const verb: Verb = {
  name: 'demo',
  aliases: [],
  summary: 'see three scripted sessions at work',
  usage: ['demo [--auto]'],
  about: [
    'In a terminal the sessions are yours to watch and answer. With --auto, or without a terminal, the demo answers by itself, in a home of its own that it removes at the end.',
  ],
  options: { auto: { type: 'boolean', help: 'answer by itself, wait for the end, leave nothing behind' } },
  words: { min: 0, max: 0, name: 'no words' },
  examples: ['offstage demo', 'offstage demo --auto'],
  run,
}

export default verb
