// The ACP driver with the SDK's own agent side as its peer: real programs on pipes. The SDK checks every message that it gets against its own schemas.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Entry } from '../../src/core/events.ts'
import type { Report } from '../../src/core/inputs.ts'
import type { Order } from '../../src/core/react.ts'
import type { Answer, Ask } from '../../src/core/requests.ts'
import { acpDriver } from '../../src/drivers/acp/index.ts'
import { makeScratchProject } from '../../src/demo/scratch-project.ts'
import type { Checkpoint, Conversation, FileCall, FileResult, Launch, Output } from '../../src/drivers/driver.ts'
import { compiled } from '../compiled.ts'

const root = join(import.meta.dirname, '..', '..')
const talker = join(root, 'test/fixtures/agents/talker.ts')
const scripted = join(root, 'src/demo/scripted-agent.ts')

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean()
})

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'offstage-acp-'))
  cleanups.push(() => rm(path, { recursive: true, force: true }))
  return path
}

interface Options {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly spec?: { readonly mode?: string; readonly model?: string }
  readonly resumes?: string
  readonly run?: number
  readonly files?: (call: FileCall) => FileResult
  /** The conversation is restored from its checkpoint after every piece of output. */
  readonly forgetful?: boolean
}

/** The least that an engine does: bytes to the driver, sends to the program. */
class Peer {
  readonly outputs: Output[] = []
  readonly reports: Report[] = []
  readonly child: ChildProcessWithoutNullStreams
  readonly #launch: Launch
  readonly #options: Options
  #conversation: Conversation
  #out = Buffer.alloc(0)
  #err = Buffer.alloc(0)
  #seq = 10
  #waiting: (() => void)[] = []

  constructor(options: Options) {
    this.#options = options
    const { cwd, argv, spec, resumes } = options
    const session = { kind: 'agent', driver: 'acp', agent: 'talker', argv, cwd } as const
    this.#launch = { session: 'k3f9x2ab', run: options.run ?? 1, spec: { ...session, ...spec }, seq: 2, version: '0.1.0', ...(resumes === undefined ? {} : { resumes }) }
    this.child = spawn(process.execPath, argv, { cwd, env: { PATH: process.env['PATH'], HOME: cwd, OFFSTAGE_DEMO_PACE_MS: '0', NODE_COMPILE_CACHE: compiled } })
    const closed = new Promise((resolve) => this.child.once('close', resolve))
    cleanups.push(async () => {
      this.child.kill('SIGKILL')
      await closed
    })
    const { conversation, outputs } = acpDriver.begin(this.#launch)
    this.#conversation = conversation
    this.#perform(outputs)
    this.child.stdout.on('data', (bytes: Buffer) => {
      const offset = this.#out.length
      this.#out = Buffer.concat([this.#out, bytes])
      this.#perform(this.#conversation.receive('out', offset, bytes))
      if (options.forgetful) this.#restart()
    })
    this.child.stderr.on('data', (bytes: Buffer) => {
      const offset = this.#err.length
      this.#err = Buffer.concat([this.#err, bytes])
      this.#conversation.receive('err', offset, bytes)
    })
    void closed.then(() => this.#perform(this.#conversation.ended()))
  }

  #restart(): void {
    const checkpoint = JSON.parse(JSON.stringify(this.#conversation.checkpoint())) as Checkpoint
    this.#conversation = acpDriver.restore(this.#launch, checkpoint)
    this.#conversation.receive('out', checkpoint.outOffset, this.#out.subarray(checkpoint.outOffset))
    this.#conversation.receive('err', checkpoint.errOffset, this.#err.subarray(checkpoint.errOffset))
  }

  #perform(outputs: readonly Output[]): void {
    for (const output of outputs) {
      this.outputs.push(output)
      if (output.kind === 'report') this.reports.push(output.report)
      if (output.kind === 'send') this.child.stdin.write(output.send.bytes)
      if (output.kind === 'file' && this.#options.files) this.#perform(this.#conversation.reply(output.call.callId, this.#options.files(output.call)))
    }
    for (const check of this.#waiting.splice(0)) check()
  }

  order(order: Order): void {
    this.#seq += 1
    this.#perform(this.#conversation.order(this.#seq, order))
  }

  prompt(text: string, promptId = 'prompt01'): void {
    this.order({ type: 'prompt', promptId, text })
  }

  /** The first report of this type after the last one that was awaited. */
  async next<T extends Report['type']>(type: T): Promise<Extract<Report, { type: T }>> {
    for (;;) {
      const index = this.reports.findIndex((report) => report.type === type)
      const found = this.reports[index]
      if (found?.type === type) {
        this.reports.splice(0, index + 1)
        return found as Extract<Report, { type: T }>
      }
      const gaveUp = this.outputs.find((output) => output.kind === 'give-up')
      if (gaveUp?.kind === 'give-up') throw new Error(gaveUp.why)
      if (this.child.exitCode !== null) throw new Error(`the agent ended with ${this.child.exitCode}: ${this.#conversation.lastWords()}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async giveUp(): Promise<string> {
    return this.next('ready').then(
      () => 'ready',
      (error: Error) => error.message,
    )
  }

  async answer(answer: Answer, secret = false): Promise<Ask> {
    const { ask } = await this.next('asks')
    this.order({ type: 'answer', requestId: ask.id, answer, secret })
    return ask
  }

  /** Newest state of every entry, in their order. */
  entries(): readonly Entry[] {
    const all = new Map<string, Entry>()
    for (const output of this.outputs) if (output.kind === 'report' && output.report.type === 'entry') all.set(output.report.entryId, output.report.entry)
    return [...all.entries()].toSorted(([a], [b]) => Number(a.split('.')[1]) - Number(b.split('.')[1])).map(([, entry]) => entry)
  }

  said(): string {
    return this.entries()
      .flatMap((entry) => (entry.kind === 'message' ? [entry.text] : []))
      .join('')
  }

  get cwd(): string {
    return this.#options.cwd
  }

  get lastWords(): string | undefined {
    return this.#conversation.lastWords()
  }
}

async function talk(options: Partial<Omit<Options, 'argv'>> & { readonly flags?: readonly string[] } = {}): Promise<Peer> {
  return new Peer({ ...options, cwd: options.cwd ?? (await folder()), argv: [talker, ...(options.flags ?? [])] })
}

const logOf = async (peer: Peer): Promise<readonly Record<string, unknown>[]> =>
  (await readFile(join(peer.cwd, 'prompts.log'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test.for([false, true])('a turn with everything in it (restarted after every piece of output: %s)', async (forgetful) => {
  const peer = await talk({ forgetful, flags: ['--modes', '--models'], spec: { mode: 'auto', model: 'large' }, files: () => ({ kind: 'done', content: 'text' }) })
  expect(await peer.next('ready')).toMatchObject({ how: 'new', canResume: true, agentName: 'talker', agentVersion: '1.0.0', offer: { currentMode: 'auto', currentModel: 'large' } })
  peer.prompt(
    'think hm\nsay begin\nchunks 3\ntool build it\nplan one|two\ncommands test\nmode ask\nask delete it\nquestion Which tone? formal|casual\nconfirm Sure?\nform\nurl\nterminal\nwrite a.txt hello\nread a.txt\nusage 10 20\ngarbage oops\nsay the end',
  )
  expect(await peer.answer({ kind: 'option', optionId: 'allow' })).toMatchObject({ kind: 'permission', title: 'delete it', detail: 'do delete it' })
  expect(await peer.answer({ kind: 'option', optionId: 'casual' })).toMatchObject({ kind: 'question', title: 'Which tone?', options: [{ id: 'formal' }, { id: 'casual' }] })
  expect(await peer.answer({ kind: 'option', optionId: 'true' })).toMatchObject({ title: 'Sure?' })
  const { fields } = await peer.answer({ kind: 'form', fields: { name: 'Ada', count: 2, token: 'hunter2' } }, true)
  expect(fields?.map((field) => [field.name, field.secret ?? false])).toEqual([
    ['name', false],
    ['count', false],
    ['token', true],
  ])
  expect(await peer.answer({ kind: 'option', optionId: 'open' })).toMatchObject({ kind: 'question', title: 'open 127.0.0.1: Look there' })
  expect(await peer.next('asks')).toMatchObject({ ask: { title: 'finish at 127.0.0.1' } })
  await peer.next('withdraws')
  expect(await peer.next('turn-ended')).toEqual({ type: 'turn-ended', promptId: 'prompt01', stopReason: 'end_turn', usage: { inputTokens: 10, outputTokens: 20, costUsd: null } })
  expect(peer.said()).toBe(
    'begin\nline 1\nline 2\nline 3\nanswer: allow\nanswer: accept {"choice":"casual"}\nanswer: accept {"yes":true}\nanswer: accept {"name":"Ada","count":2,"token":"hunter2"}\nno terminal: -32601\nwrote a.txt\nread a.txt: text\nthe end\n',
  )
  expect(peer.entries().filter((entry) => entry.kind === 'tool')).toEqual([
    { kind: 'tool', title: 'build it', toolKind: 'execute', status: 'completed', output: 'output of build it' },
    { kind: 'tool', title: 'delete it', toolKind: 'execute', status: 'completed' },
  ])
  expect((await logOf(peer)).map(({ at, title }) => title ?? at)).toEqual(['mode', 'config', 'prompt', 'delete it', 'Which tone?', 'Sure?', 'Please fill this in', 'url'])
})

test.for([
  ['--modes', 'mode', 'auto', 'currentMode', { at: 'mode', mode: 'auto' }] as const,
  ['--models', 'model', 'large', 'currentModel', { at: 'config', id: 'llm', value: 'large' }] as const,
  ['--own-models', 'model', 'large', 'currentModel', { at: 'model', model: 'large' }] as const,
])('what is chosen in the middle of a turn is taken as the agent has it (%s)', async ([flag, what, value, offered, logged]) => {
  const peer = await talk({ flags: [flag], forgetful: true })
  await peer.next('ready')
  peer.prompt('say begin\nask first\nsay end')
  await peer.next('asks')
  peer.order({ type: 'choose', what, value })
  expect((await peer.next('offers')).offer).toMatchObject({ [offered]: value })
  expect((await logOf(peer)).at(-1)).toEqual(logged)
})

test('what the agent does not take is noted: it refuses it, or stays in its own', async () => {
  const peer = await talk({ flags: ['--modes', '--models', '--stuck-mode'] })
  await peer.next('ready')
  peer.order({ type: 'choose', what: 'mode', value: 'yolo' })
  expect((await peer.next('note')).text).toMatch(/^the agent does not take mode "yolo": .*no mode yolo/)
  peer.order({ type: 'choose', what: 'model', value: 'large' })
  expect((await peer.next('note')).text).toBe('the agent was told to take model "large" and has "small"')
})

test('what a call prints is heard while it goes on', async () => {
  const peer = await talk()
  await peer.next('ready')
  peer.prompt('print one\nprint two\nask more?\nprinted')
  await peer.answer({ kind: 'option', optionId: 'allow' })
  await peer.next('turn-ended')
  const drafts = peer.outputs.flatMap((output) => (output.kind === 'draft' && output.draft === 'output' ? [output.text] : []))
  // Both may arrive together.
  expect(drafts.at(-1)).toBe('one\ntwo')
  expect(peer.entries()).toContainEqual({ kind: 'tool', title: 'print', toolKind: 'execute', status: 'completed', output: 'one\ntwo' })
})

test('a turn that is interrupted ends as cancelled, its open question with it', async () => {
  const peer = await talk()
  await peer.next('ready')
  peer.prompt('say waiting\nask first\nsay never')
  const { ask } = await peer.next('asks')
  peer.order({ type: 'interrupt' })
  peer.order({ type: 'cancel-request', requestId: ask.id })
  expect(await peer.next('turn-ended')).toMatchObject({ stopReason: 'cancelled' })
  peer.prompt('hang', 'prompt02')
  peer.order({ type: 'interrupt' })
  expect(await peer.next('turn-ended')).toMatchObject({ promptId: 'prompt02', stopReason: 'cancelled' })
})

test('a refusal and an error of the agent', async () => {
  const peer = await talk()
  await peer.next('ready')
  peer.prompt('refuse')
  expect(await peer.next('turn-ended')).toMatchObject({ stopReason: 'refusal' })
  peer.prompt('fail disk full', 'prompt02')
  expect(await peer.next('turn-ended')).toMatchObject({ promptId: 'prompt02', stopReason: 'error', message: expect.stringContaining('disk full') as string })
})

test('a message of 5 MB arrives whole', async () => {
  const peer = await talk()
  await peer.next('ready')
  peer.prompt('large 5000000')
  await peer.next('turn-ended')
  expect(peer.said().length).toBe(5_000_000)
})

test('an agent that dies: what it had said is there, and its last words', async () => {
  const peer = await talk()
  await peer.next('ready')
  peer.prompt('stderr out of memory\nsay half\ncrash 7')
  expect(await new Promise((resolve) => peer.child.once('close', resolve))).toBe(7)
  expect([peer.said(), peer.lastWords]).toEqual(['half\n', 'out of memory'])
})

test.for([['--load', 'loaded'] as const, ['--resume', 'resumed'] as const])('another process goes on with the session (%s)', async ([flag, how]) => {
  const cwd = await folder()
  const first = await talk({ cwd, flags: [flag] })
  const { agentRef } = await first.next('ready')
  first.prompt('say one')
  await first.next('turn-ended')
  first.child.kill('SIGKILL')
  const second = await talk({ cwd, flags: [flag], resumes: agentRef, run: 2 })
  expect(await second.next('ready')).toMatchObject({ agentRef, how })
  second.prompt('say two', 'prompt02')
  await second.next('turn-ended')
  expect(second.entries()).toEqual([{ kind: 'message', text: 'two\n' }])
})

test('a session that the agent has forgotten can be begun anew', async () => {
  const peer = await talk({ flags: ['--forgetful'], resumes: 'gone' })
  expect(await peer.answer({ kind: 'option', optionId: 'new' })).toMatchObject({ kind: 'error', title: 'the agent has forgotten this conversation' })
  expect(await peer.next('ready')).toMatchObject({ how: 'new' })
})

test('logging in', async () => {
  const peer = await talk({ flags: ['--auth'] })
  expect(await peer.answer({ kind: 'option', optionId: 'key' })).toMatchObject({ kind: 'auth', title: 'log in to talker', options: [{ id: 'key' }, { id: 'retry' }] })
  await peer.next('ready')
})

test('agents that cannot be used as asked are given up', async () => {
  const reasons = await Promise.all([
    talk({ flags: ['--modes'], spec: { mode: 'yolo' } }).then((peer) => peer.giveUp()),
    talk({ flags: ['--models', '--stuck-mode'], spec: { model: 'large' } }).then((peer) => peer.giveUp()),
    talk({ flags: ['--protocol', '2'] }).then((peer) => peer.giveUp()),
    talk({ flags: ['--own-models'], spec: { model: 'large' } }).then((peer) => peer.giveUp()),
  ])
  expect(reasons).toEqual([
    'mode "yolo" cannot be set; it offers: ask (Ask first), auto (Go ahead)',
    'model "large" cannot be set (the agent stays in "small"); it offers: small (SMALL), large (LARGE)',
    'the agent speaks version 2 of the Agent Client Protocol, Offstage speaks version 1; install a version of the agent that has it',
    'ready',
  ])
})

// The agent of the demo

async function shop(): Promise<string> {
  const cwd = await folder()
  await makeScratchProject(cwd, { PATH: process.env['PATH'], HOME: cwd }, AbortSignal.timeout(20_000))
  return cwd
}

const perform = (cwd: string, scenario: string, options: Partial<Options> = {}): Peer => new Peer({ cwd, argv: [scripted, scenario], ...options })

test('demo: fix-test edits the file for real and proves it with the tests', async () => {
  const cwd = await shop()
  const peer = perform(cwd, 'fix-test')
  await peer.next('ready')
  peer.prompt('fix it')
  expect(await peer.next('turn-ended')).toMatchObject({ stopReason: 'end_turn' })
  expect(peer.said()).toMatch(/^I am a script, not a model.*Fixed: 2 tests pass, none fails\.$/s)
  expect(await readFile(join(cwd, 'src/cart.js'), 'utf8')).toContain('item.price * item.quantity')
  const tools = peer.entries().flatMap((entry) => (entry.kind === 'tool' ? [[entry.title, entry.status, entry.changes?.map(({ added, removed }) => [added, removed])]] : []))
  expect(tools).toEqual([
    ['node --test', 'failed', undefined],
    ['Read src/cart.js', 'completed', undefined],
    ['Edit src/cart.js', 'completed', [[1, 1]]],
    ['node --test', 'completed', undefined],
  ])
  expect(peer.entries().find((entry) => entry.kind === 'plan')).toMatchObject({ steps: [{ status: 'completed' }, { status: 'completed' }, { status: 'completed' }] })
})

test('demo: remove-legacy deletes only what was allowed', async () => {
  const cwd = await shop()
  const file = join(cwd, 'src/legacy/old-cart.js')
  const peer = perform(cwd, 'remove-legacy')
  await peer.next('ready')
  peer.prompt('remove it')
  expect(await peer.answer({ kind: 'option', optionId: 'reject' })).toMatchObject({
    kind: 'permission',
    title: 'Delete src/legacy/old-cart.js',
    detail: 'rm src/legacy/old-cart.js',
  })
  await peer.next('turn-ended')
  expect([existsSync(file), peer.said()]).toEqual([true, expect.stringMatching(/You said no, so .* stays\. Nothing was changed\.$/)])
  peer.prompt('again', 'prompt02')
  await peer.answer({ kind: 'option', optionId: 'allow-once' })
  await peer.next('turn-ended')
  expect([existsSync(file), peer.said()]).toEqual([false, expect.stringMatching(/old-cart\.js is gone\./)])
})

test('demo: in mode auto nothing is asked', async () => {
  const cwd = await shop()
  const peer = perform(cwd, 'remove-legacy', { spec: { mode: 'auto' } })
  await peer.next('ready')
  peer.prompt('remove it')
  await peer.next('turn-ended')
  expect(existsSync(join(cwd, 'src/legacy/old-cart.js'))).toBe(false)
})

test('demo: write-docs writes in the tone that was chosen, also when the process that asked is gone', async () => {
  const cwd = await shop()
  const first = perform(cwd, 'write-docs')
  const { agentRef } = await first.next('ready')
  first.prompt('write docs')
  const { ask } = await first.next('asks')
  expect(ask).toMatchObject({ kind: 'question', title: 'Which tone should the README have?', options: [{ id: 'formal' }, { id: 'casual' }] })
  first.child.kill('SIGKILL')
  const second = perform(cwd, 'write-docs', { resumes: agentRef, run: 2 })
  expect(await second.next('ready')).toMatchObject({ agentRef, how: 'resumed' })
  second.prompt('Before you were restarted you asked:\n\n> Which tone should the README have?\n\nMy answer: Casual\n\nPlease go on from there.', 'prompt02')
  await second.next('turn-ended')
  expect(await readFile(join(cwd, 'README.md'), 'utf8')).toMatch(/Got a cart\?.*import { total }/s)
  second.prompt('what now?', 'prompt03')
  await second.next('turn-ended')
  expect(second.said()).toMatch(/I am a script and have done what was written down for me/)
})

test('demo: a turn that is interrupted stops, its command too', async () => {
  const cwd = await shop()
  const peer = perform(cwd, 'fix-test')
  await peer.next('ready')
  peer.prompt('fix it')
  await peer.next('entry')
  peer.order({ type: 'interrupt' })
  expect(await peer.next('turn-ended')).toMatchObject({ stopReason: 'cancelled' })
  expect(await readFile(join(cwd, 'src/cart.js'), 'utf8')).not.toContain('quantity')
})
