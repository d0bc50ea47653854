// Facts told again from the run folders, for a database that cannot be read any more: what was started is in spec.json, what was said in the byte logs, and the driver makes
// the same reports of the same bytes. Only reads the folders, and the same folders give the same facts. What is not in them is named.

import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Paths, runFolder } from '../config/paths.ts'
import { authorOf, decide, settle } from '../core/decide.ts'
import { isRefusal } from '../core/errors.ts'
import type { Author, DriverName, Event, LaunchSpec } from '../core/events.ts'
import { isId } from '../core/ids.ts'
import type { Preparation, Worktree } from '../core/workspace.ts'
import type { Input, Report } from '../core/inputs.ts'
import type { Order } from '../core/react.ts'
import { asksAgain } from '../core/requests.ts'
import { type Session, evolve, goesOnWith, lastChosen } from '../core/session.ts'
import type { Checkpoint, Conversation, Driver, Launch, Output } from '../drivers/driver.ts'
import { processRuns } from '../keeper/process-stat.ts'
import { type InputRecord, logEnd, readIdentity, readInputs, readLog } from '../keeper/run-folder.ts'
import type { EventLog, NewEvent, StoredCheckpoint } from '../store/event-log.ts'
import { abandoned, endOf, specFile } from './keepers-on-disk.ts'
import { stepsOf } from './steps.ts'

export interface RebuildParts {
  readonly paths: Paths
  readonly driver: (name: DriverName) => Promise<Driver>
  readonly version: string
}

export interface Rebuilt {
  readonly sessions: number
  readonly runs: number
  /** What could not be made sense of, and why. One line each. */
  readonly skipped: readonly string[]
}

/** What no run folder tells. */
export const missing =
  'when things happened, who answered, prompts that were queued and not sent, labels given later, and what had been stopped, archived or removed (it is in the list again)'

const chunkBytes = 64 * 1024
/** Ids of inputs go on well above what a keeper has, or may still be handed by what its former daemon sent. */
const orderGap = 1_000_000

const carries = z.object({ untracked: z.union([z.literal('all'), z.array(z.string())]) })

const worktree = z.object({
  repository: z.string().min(1),
  path: z.string().min(1),
  below: z.string(),
  branch: z.string().min(1),
  base: z.string().min(1),
  from: z.string().exactOptional(),
  carries: carries.exactOptional(),
}) satisfies z.ZodType<Worktree>

const preparation = z.object({
  bring: z.array(z.string()).exactOptional(),
  setup: z.string().exactOptional(),
  setupIn: z.string().exactOptional(),
  ports: z.array(z.string()).exactOptional(),
  environment: z.record(z.string(), z.string()).exactOptional(),
}) satisfies z.ZodType<Preparation>

const spec = z.object({
  kind: z.enum(['agent', 'terminal']),
  driver: z.enum(['acp', 'terminal', 'command']),
  agent: z.string().min(1),
  argv: z.array(z.string()).min(1),
  resumeArgv: z.array(z.string()).min(1).exactOptional(),
  prompted: z.literal(true).exactOptional(),
  continues: z.string().min(1).exactOptional(),
  cwd: z.string().min(1),
  workspace: z.enum(['auto', 'worktree', 'in-place']).exactOptional(),
  carries: carries.exactOptional(),
  worktree: worktree.exactOptional(),
  preparation: preparation.exactOptional(),
  checks: z.array(z.string()).exactOptional(),
  checksIn: z.string().exactOptional(),
  checkRetries: z.int().min(0).exactOptional(),
  trust: z.object({ file: z.string(), digest: z.string() }).exactOptional(),
  mode: z.string().exactOptional(),
  model: z.string().exactOptional(),
  size: z.object({ columns: z.int().min(1), rows: z.int().min(1) }).exactOptional(),
  umask: z.int().min(0).max(0o777).exactOptional(),
  resume: z.enum(['ask', 'auto', 'never']).exactOptional(),
}) satisfies z.ZodType<LaunchSpec>

const specOfRun = z.object({
  session: z.string(),
  run: z.int().min(1),
  title: z.string().optional(),
  label: z.string().nullish(),
  environmentNames: z.array(z.string()),
})

interface KeptRun {
  readonly session: string
  readonly run: number
  readonly folder: string
  readonly startedAtMs: number
  readonly spec: LaunchSpec
  readonly title: string
  readonly label: string | null
  readonly environmentNames: readonly string[]
}

/** Fills an empty log from every run folder that can be made sense of. */
export async function rebuild({ paths, driver, version }: RebuildParts, log: EventLog): Promise<Rebuilt> {
  const skipped: string[] = []
  const sessions: (readonly KeptRun[])[] = []
  for (const session of (await readdir(paths.runs)).toSorted()) {
    const runs = await keptRuns(paths, session, skipped)
    if (runs.length > 0) sessions.push(runs)
  }
  let runs = 0
  for (const kept of sessions.toSorted(([one], [other]) => (one?.startedAtMs ?? 0) - (other?.startedAtMs ?? 0))) {
    const id = kept[0]?.session ?? ''
    try {
      const steps = (await readdir(join(paths.runs, stepsOf(id))).catch(() => [])).map(Number)
      const { news, checkpoint } = await retell(kept, Math.max(0, ...steps.filter(Number.isInteger)), driver, version)
      await log.append({ session: id, expectedSeq: 0, events: news, ...(checkpoint ? { checkpoint } : {}) })
      runs += kept.length
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'StoreFailed') throw cause
      skipped.push(`${join(paths.runs, id)}: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }
  return { sessions: log.sessions().length, runs, skipped }
}

async function keptRuns(paths: Paths, session: string, skipped: string[]): Promise<readonly KeptRun[]> {
  const runs: KeptRun[] = []
  const odd = (path: string, why: string): void => void skipped.push(`${path}: ${why}`)
  // What Offstage ran itself is no session.
  if (session.endsWith('.steps')) return []
  if (!isId(session)) {
    odd(join(paths.runs, session), 'not the name of a session')
    return []
  }
  const names = await readdir(join(paths.runs, session)).catch(() => undefined)
  if (!names) odd(join(paths.runs, session), 'it cannot be read')
  for (const name of names ?? []) {
    const folder = runFolder(paths, session, Number(name))
    if (!/^[1-9]\d{0,8}$/.test(name)) odd(join(paths.runs, session, name), 'not the number of a run')
    else {
      try {
        const path = join(folder, specFile)
        const json: unknown = JSON.parse(await readFile(path, 'utf8'))
        const { session: ofSession, run, title, label, environmentNames } = specOfRun.parse(json)
        if (ofSession !== session || run !== Number(name)) throw new Error('it is of another run')
        const { mtimeMs } = await stat(path)
        const parsed: LaunchSpec = spec.parse(json)
        runs.push({ session, run, folder, startedAtMs: Math.floor(mtimeMs), spec: parsed, title: title || parsed.agent, label: label || null, environmentNames })
      } catch (cause) {
        odd(join(folder, specFile), cause instanceof z.ZodError ? `${cause.issues[0]?.path.join('.') ?? ''}: ${cause.issues[0]?.message ?? 'invalid'}` : String(cause))
      }
    }
  }
  return runs.toSorted((one, other) => one.run - other.run)
}

/** `steps`: the highest number of a command that Offstage ran itself. */
async function retell(
  runs: readonly KeptRun[],
  steps: number,
  driverOf: RebuildParts['driver'],
  version: string,
): Promise<{ news: readonly NewEvent[]; checkpoint?: StoredCheckpoint }> {
  const [first] = runs
  const last = runs.at(-1)
  if (!first || !last) throw new Error('it has no run')
  const story = new Story(first.session)
  const label = last.label === null ? {} : { label: last.label }
  story.at(first.startedAtMs)
  story.tell({ type: 'created', spec: last.spec, title: last.title, ...label }, 'user')
  // Their folders are not used again.
  if (steps > 0) story.tell({ type: 'step-started', step: steps, what: 'check', command: 'not known any more' }, 'offstage')
  let checkpoint: Checkpoint | undefined
  let highestOrder = 0
  for (const kept of runs) {
    const retold = await retellRun(story, kept, kept === last, await driverOf(kept.spec.driver), version)
    checkpoint = retold.checkpoint
    highestOrder = retold.highestOrder
  }
  story.tell({ type: 'rebuilt', orderBase: highestOrder === 0 ? 0 : (Math.floor(highestOrder / orderGap) + 1) * orderGap }, 'offstage')
  const gaps = runs.length < last.run ? `; ${last.run - runs.length} of its ${last.run} runs cannot be read` : ''
  story.tell({ type: 'noted', run: last.run, text: `told again from its byte logs, because the database was damaged or gone; not known any more: ${missing}${gaps}` }, 'offstage')
  return { news: story.news, ...(checkpoint ? { checkpoint: { run: last.run, seq: story.news.length, value: checkpoint } } : {}) }
}

/** Up to its end, or for the newest run up to where its program is now: then with the checkpoint from which a daemon goes on. */
async function retellRun(
  story: Story,
  kept: KeptRun,
  newest: boolean,
  driver: Driver,
  version: string,
): Promise<{ readonly highestOrder: number; readonly checkpoint?: Checkpoint | undefined }> {
  const { folder, run } = kept
  story.at(kept.startedAtMs)
  const identity = await readIdentity(folder)
  const inputs = (await readInputs(folder)).filter(({ lane }) => lane === 1 || lane === 2)
  const highestOrder = highestOf(inputs, 1)
  const resumes = inputs.map(({ bytes }) => bytes && driver.resumed?.(bytes)).find((ref) => ref !== undefined) ?? story.goesOnWith()
  story.tell(
    { type: 'run-starting', run, because: run === 1 ? 'created' : 'resume', ...(resumes === undefined ? {} : { resumes }), environmentNames: kept.environmentNames },
    'offstage',
  )
  const ran = identity !== undefined && identity.nonce !== abandoned
  // Whoever adopts it finds out, and sees to it that no late keeper starts.
  if (newest && !ran) return { highestOrder }
  const live = newest && ran && (await processRuns(identity.keeper))
  if (!ran || !identity.child) {
    if (!live) story.report(run, { type: 'not-started', why: 'its program was not executed' })
    return { highestOrder }
  }
  story.report(run, { type: 'started', keeper: identity.keeper, child: identity.child })
  const begun = inputs.find(({ lane }) => lane === 1)
  if (live && !begun) return { highestOrder }
  const launch: Launch = { session: kept.session, run, spec: kept.spec, ...(resumes === undefined ? {} : { resumes }), ...story.lastChosen(), seq: begun?.id ?? 1, version }
  const before = story.mark()
  const spoken = await replay(story, kept, driver, launch, inputs, Infinity)
  if (live) {
    if (spoken.unsent === undefined) return { highestOrder, checkpoint: spoken.conversation.checkpoint() }
    // Its daemon died before it replied to this line: whoever adopts it reads the line again.
    story.back(before)
    const heard = await replay(story, kept, driver, launch, inputs, spoken.unsent - 1)
    return { highestOrder, checkpoint: heard.conversation.checkpoint() }
  }
  const { conversation } = spoken
  await feed(folder, 'err', 0, Infinity, (at, bytes) => story.outputs(run, conversation.receive('err', at, bytes)))
  story.outputs(run, conversation.ended())
  const ended = await endOf(folder)
  const endedAtMs = (await stat(join(folder, 'exit')).catch(() => undefined))?.mtimeMs
  if (endedAtMs !== undefined) story.at(Math.floor(endedAtMs))
  const lines = conversation.lines()
  const lastWords = conversation.lastWords()
  story.report(
    run,
    ended.exit ? { type: 'exited', ...ended.exit, ...(lines === undefined ? {} : { lines }), ...(lastWords ? { lastWords } : {}) } : { type: 'lost', cause: ended.cause },
  )
  return { highestOrder }
}

const highestOf = (inputs: readonly InputRecord[], lane: 1 | 2): number => inputs.reduce((highest, one) => (one.lane === lane ? Math.max(highest, one.id) : highest), 0)

/** Bytes and inputs in the order in which the keeper had them, the output up to `until`. `unsent`: the end of the first line whose reply the keeper does not have. */
async function replay(
  story: Story,
  { folder, run }: KeptRun,
  driver: Driver,
  launch: Launch,
  inputs: readonly InputRecord[],
  until: number,
): Promise<{ readonly conversation: Conversation; readonly unsent?: number }> {
  const { conversation, outputs } = driver.begin(launch)
  const replied = highestOf(inputs, 2)
  let unsent: number | undefined
  const take = (made: readonly Output[]): void => {
    for (const output of made) if (output.kind === 'send' && output.send.lane === 2 && output.send.id > replied) unsent ??= output.send.id
    story.outputs(run, made)
  }
  take(outputs)
  let offset = 0
  const hear = async (end: number): Promise<void> => {
    offset = await feed(folder, 'out', offset, end, (at, bytes) => take(conversation.receive('out', at, bytes)))
  }
  for (const { lane, id, outOffset, bytes } of inputs) {
    await hear(Math.min(outOffset, until))
    const order = conversation.recall?.(lane === 1 ? 1 : 2, id, bytes)
    if (!order) continue
    story.order(run, order)
    take(conversation.order(id, order))
  }
  await hear(until)
  return { conversation, ...(unsent === undefined ? {} : { unsent }) }
}

/** Resolves to where it got to: `to`, or what is the end now. */
async function feed(folder: string, stream: 'out' | 'err', from: number, to: number, take: (offset: number, bytes: Uint8Array) => void): Promise<number> {
  const end = Math.min(to, await logEnd(folder, stream))
  let offset = from
  while (offset < end) {
    const read = await readLog(folder, stream, offset, Math.min(chunkBytes, end - offset))
    // Over a part that was not kept, it may begin after the end.
    const bytes = read.bytes.subarray(0, Math.max(0, end - read.offset))
    if (bytes.length === 0) break
    take(read.offset, bytes)
    offset = read.offset + bytes.length
  }
  return offset
}

/** The facts of one session as they are being told: decided upon as the first time, as far as they fit. */
class Story {
  readonly #id: string
  #session: Session | undefined
  #news: NewEvent[] = []
  #atMs = 0

  constructor(id: string) {
    this.#id = id
  }

  get news(): readonly NewEvent[] {
    return this.#news
  }

  lastChosen(): ReturnType<typeof lastChosen> {
    return this.#session ? lastChosen(this.#session) : {}
  }

  goesOnWith(): string | undefined {
    return this.#session && goesOnWith(this.#session)
  }

  /** What is told from now on happened then, or later. */
  at(ms: number): void {
    this.#atMs = Math.max(this.#atMs, ms)
  }

  mark(): { readonly session: Session | undefined; readonly told: number } {
    return { session: this.#session, told: this.#news.length }
  }

  back(mark: ReturnType<Story['mark']>): void {
    this.#session = mark.session
    this.#news = this.#news.slice(0, mark.told)
  }

  tell(event: Event, by: Author): void {
    const made: NewEvent = { atMs: this.#atMs, by, event }
    this.#session = evolve(this.#session, { session: this.#id, seq: this.#news.length + 1, cursor: 0, ...made })
    this.#news.push(made)
  }

  report(run: number, report: Report): void {
    this.#decide({ kind: 'report', run, report })
  }

  /** The sends are in the keeper's log already, and files were read and written then. */
  outputs(run: number, outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (output.kind === 'report') this.report(run, output.report)
      else if (output.kind === 'give-up') this.report(run, { type: 'failed', why: output.why })
    }
  }

  /** The facts that an order came of. */
  order(run: number, order: Order): void {
    switch (order.type) {
      case 'prompt':
        return this.#prompt(run, order.promptId, order.text)
      case 'interrupt':
        return this.#decide({ kind: 'command', id: '', command: { type: 'interrupt' } })
      case 'answer':
        if (this.#isOpen(order.requestId)) this.tell({ type: 'answered', requestId: order.requestId, answer: order.answer, ...(order.secret ? { secret: true } : {}) }, 'user')
        return
      case 'cancel-request':
        if (this.#isOpen(order.requestId)) this.tell({ type: 'request-closed', requestId: order.requestId, because: 'cancelled' }, 'user')
        return
      case 'choose':
        return this.tell({ type: 'chosen', run, what: order.what, value: order.value }, 'user')
    }
  }

  /** It was sent: it must never wait to be sent once more. */
  #prompt(run: number, promptId: string, text: string): void {
    const before = this.mark()
    // It was sent, so whatever was asked before that was over.
    for (const { id } of this.#session?.requests.filter(asksAgain) ?? []) this.tell({ type: 'request-closed', requestId: id, because: 'superseded' }, 'offstage')
    this.#decide({ kind: 'command', id: promptId, command: { type: 'prompt', text } })
    const turn = this.#session?.turn
    if (turn?.kind === 'working' && turn.promptId === promptId) return
    this.back(before)
    this.tell({ type: 'noted', run, text: `this prompt was sent too, and which turn it began is not known: ${text}` }, 'offstage')
  }

  #isOpen(requestId: string): boolean {
    return this.#session?.requests.some((request) => request.id === requestId && !request.lost) ?? false
  }

  #decide(input: Input): void {
    const events = decide(this.#session, input)
    if (isRefusal(events)) return
    const by = authorOf(input)
    for (const event of events) this.tell(event, by)
    for (const event of this.#session ? settle(this.#session) : []) this.tell(event, by)
  }
}
