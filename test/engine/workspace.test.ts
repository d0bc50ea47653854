// What the engine does in the trees of sessions, with agents, commands and trees that the test holds in its hand.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Event, LaunchSpec } from '../../src/core/events.ts'
import { isRefusal } from '../../src/core/errors.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Trees } from '../../src/engine/parts.ts'
import { trustIn } from '../../src/engine/trust.ts'
import { WorkspaceFailed } from '../../src/workspace/workspaces.ts'
import { never } from '../home.ts'
import { EngineInHand } from './agent-in-hand.ts'
import { FakeWorkspaces, noTrees } from './fake-workspaces.ts'

interface Made {
  readonly engine: EngineInHand
  readonly fake: FakeWorkspaces
  readonly folder: string
  /** The user's own tree. */
  readonly shop: string
}

const open: Made[] = []
afterEach(() => {
  for (const { engine, folder } of open.splice(0)) {
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

const orderly = ({ method }: { readonly method?: string }): unknown =>
  method === 'initialize'
    ? { protocolVersion: 1, agentCapabilities: { loadSession: true } }
    : method === 'session/new' || method === 'session/load'
      ? { sessionId: 'ref' }
      : undefined

function made(more: (folder: string) => Partial<Trees> = () => ({})): Made {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-trees-')))
  const shop = join(folder, 'shop')
  mkdirSync(shop)
  writeFileSync(join(shop, 'a.txt'), 'one\n')
  const fake = new FakeWorkspaces()
  fake.worktrees = join(folder, 'worktrees')
  fake.repository = { top: shop, common: join(shop, '.git'), bare: false, below: '', branch: 'main', head: 'f'.repeat(40) }
  const engine = new EngineInHand(orderly, { trees: { ...noTrees(), workspaces: fake.workspaces, ...more(folder) }, limits: { keepSnapshotsMs: 1000, keepWorktreesMs: 1000 } })
  const all = { engine, fake, folder, shop }
  open.push(all)
  return all
}

const events = ({ engine }: Made, session: string): readonly Event[] => engine.log.history({ session, after: 0, limit: 10_000 }).map(({ event }) => event)
const of = <T extends Event['type']>(made: Made, session: string, type: T): readonly Extract<Event, { type: T }>[] =>
  events(made, session).filter((event): event is Extract<Event, { type: T }> => event.type === type)
const types = (made: Made, session: string): readonly string[] => events(made, session).map(({ type }) => type)

/** Resolves as soon as the session has so many facts of this type. */
async function has(made: Made, session: string, type: Event['type'], times = 1): Promise<void> {
  const deadline = Date.now() + 10_000
  while (of(made, session, type).length < times) {
    if (Date.now() > deadline) throw new Error(`no ${type}: ${types(made, session).join(' ')}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function stepOf({ engine }: Made, number: number) {
  for (;;) {
    const step = engine.steps[number]
    if (step) return step
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** One whole turn in which the agent does this. */
async function turn(made: Made, session: string, text: string, does: () => void): Promise<void> {
  const turns = of(made, session, 'turn-started').length
  await made.engine.tell(session, { type: 'prompt', text })
  await made.engine.heard(1, 'session/prompt', turns + 1)
  does()
  made.engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
  await has(made, session, 'turn-ended', turns + 1)
  await made.engine.until(session, (view) => view.status === 'completed')
}

const worktree = { workspace: 'worktree' } as const
const spec = (made: Made, more: Partial<LaunchSpec> = {}): Partial<LaunchSpec> => ({ cwd: made.shop, ...more })

describe('where a session works', () => {
  test.each([
    ['alone in a clean tree: in place', {}, false],
    ['in a dirty tree: in a worktree', { dirty: ['a.txt'] }, true],
    ['beside another live agent: in a worktree', { other: true }, true],
    ['beside a plain program: in place', { program: true }, false],
    ['outside of any repository: in place', { outside: true, dirty: ['a.txt'] }, false],
  ] as readonly (readonly [string, { readonly dirty?: readonly string[]; readonly other?: true; readonly program?: true; readonly outside?: true }, boolean])[])(
    'auto, %s',
    async (_, how, apart) => {
      const one = made()
      const { engine, fake } = one
      fake.dirty = how.dirty ?? []
      if ('outside' in how) fake.repository = undefined
      if ('other' in how) await engine.create(spec(one))
      if ('program' in how) await engine.create(spec(one, { kind: 'terminal', driver: 'command', argv: ['npm', 'run', 'dev'] }))
      const session = await engine.create(spec(one, { workspace: 'auto' }))
      const [created] = of(one, session, 'created')
      expect(created?.spec.worktree !== undefined).toBe(apart)
    },
  )

  test('of two that are created at once the second one gets a worktree', async () => {
    const one = made()
    const [first, second] = await Promise.all([one.engine.create(spec(one, { workspace: 'auto' })), one.engine.create(spec(one, { workspace: 'auto' }))])
    expect([first, second].map((id) => of(one, id, 'created')[0]?.spec.worktree?.branch)).toEqual([undefined, `offstage/${second}`])
  })

  test('what asks for nothing costs nothing', async () => {
    const one = made()
    await one.engine.create(spec(one, { kind: 'terminal', driver: 'command', argv: ['true'], workspace: 'auto' }))
    expect(one.fake.asked).toEqual([])
  })

  test.each([undefined, 'in-place', 'auto', 'worktree'] as const)('no folder that a client names is taken for its worktree (asked for: %s)', async (workspace) => {
    const one = made()
    const given = { repository: one.shop, path: one.folder, below: '', branch: 'main', base: 'f'.repeat(40) }
    const session = await one.engine.create(spec(one, { ...(workspace ? { workspace } : {}), worktree: given }))
    expect(of(one, session, 'created')[0]?.spec.worktree?.path).toBe(workspace === 'worktree' ? join(one.fake.worktrees, session, 'shop') : undefined)
  })

  test('a worktree is refused where there can be none, with what to do', async () => {
    const one = made()
    one.fake.repository = undefined
    await expect(one.engine.create(spec(one, worktree))).rejects.toThrow('is in no git repository')
    one.fake.repository = { top: one.shop, common: '', bare: false, below: '', branch: 'main', head: null, noWorktrees: 'there is no commit yet' }
    await expect(one.engine.create(spec(one, worktree))).rejects.toThrow('there is no commit yet')
  })
})

describe('a worktree is made ready', () => {
  test('the agent starts in it, when its set-up has succeeded, with its ports and variables', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci', bring: ['.env'], ports: ['PORT'], environment: { MODE: 'test' } } }), 'go')
    const step = await stepOf(one, 1)
    expect(engine.runs[1]).toBe(undefined)
    const path = join(one.fake.worktrees, session, 'shop')
    expect([step.command, step.directory, step.environment]).toEqual([
      'npm ci',
      path,
      { PATH: '/bin', MODE: 'test', PORT: '20000', OFFSTAGE_SESSION: session, OFFSTAGE_WORKTREE: path, OFFSTAGE_REPOSITORY: one.shop },
    ])
    step.end({ code: 0 }, 'added 3 packages\n')
    await engine.heard(1, 'session/prompt')
    expect(engine.run(1).told.find(({ method }) => method === 'session/new')?.params?.['cwd']).toBe(path)
    expect(of(one, session, 'workspace-ready')[0]).toMatchObject({ ports: { PORT: 20_000 }, setup: { output: 'added 3 packages\n' } })
    expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('one\n')
  })

  test('a set-up that fails is a waiting session, and can be tried again or left out', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' } }))
    ;(await stepOf(one, 1)).end({ code: 1 }, 'no network\n')
    const first = await engine.until(session, (view) => view.requests.length > 0)
    expect([first.status, first.requests[0]?.kind, first.requests[0]?.title, first.requests[0]?.detail]).toEqual([
      'waiting',
      'error',
      'the set-up failed: npm ci (exit code 1)',
      'no network\n',
    ])
    await engine.tell(session, { type: 'answer', requestId: first.requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'retry' } })
    ;(await stepOf(one, 2)).end({ code: 1 })
    const second = await engine.until(session, (view) => view.requests.length > 0)
    await engine.tell(session, { type: 'answer', requestId: second.requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'without' } })
    await engine.heard(1, 'session/new')
    expect(engine.steps.length).toBe(3)
  })

  test.each(['answer', 'resume'] as const)(
    'a set-up whose environment died with the daemon is a waiting session, which goes on with that of the one who says so by %s',
    async (how) => {
      const one = made()
      const { engine, fake } = one
      const held = Promise.withResolvers<void>()
      fake.before = (name) => (name === 'makeWorktree' ? held.promise : undefined)
      const session = await engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' } }), 'go')
      while (!fake.asked.includes('makeWorktree')) await new Promise((resolve) => setImmediate(resolve))
      fake.before = () => {}
      await engine.another()
      await engine.pass(5000)
      const { status, requests } = await engine.until(session, (view) => view.requests.length > 0)
      expect([status, requests[0]?.kind, requests[0]?.title]).toEqual(['waiting', 'error', expect.stringContaining(`offstage resume ${session} gives it one`)])
      const answer = { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'retry' } } as const
      await engine.tell(session, how === 'answer' ? answer : { type: 'resume' }, { PATH: '/new' })
      const step = await stepOf(one, 1)
      expect(step.environment).toMatchObject({ PATH: '/new' })
      step.end({ code: 0 })
      await engine.heard(1, 'session/prompt')
      expect([engine.run(1).environment['PATH'], of(one, session, 'run-starting')[0]?.environmentNames]).toEqual(['/new', ['PATH']])
      held.resolve()
    },
  )

  test('an answer to a set-up that failed leaves it the environment that it was started with', async () => {
    const one = made()
    const session = await one.engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' } }))
    ;(await stepOf(one, 1)).end({ code: 1 })
    const { requests } = await one.engine.until(session, (view) => view.requests.length > 0)
    await one.engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'retry' } }, { PATH: '/other', MORE: '1' })
    const again = await stepOf(one, 2)
    expect([again.environment['PATH'], again.environment['MORE']]).toEqual(['/bin', undefined])
    again.end({ code: 0 })
    await has(one, session, 'run-starting')
    expect(of(one, session, 'run-starting')[0]?.environmentNames).toEqual(['PATH'])
  })

  test('a run whose environment died after its set-up is asked about too, and an answer starts it', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' } }), 'go')
    const step = await stepOf(one, 1)
    await engine.another()
    step.end({ code: 0 })
    const { status, requests } = await engine.until(session, (view) => view.requests.length > 0)
    expect([status, requests[0]?.kind, engine.runs[1]]).toEqual(['waiting', 'error', undefined])
    await engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'retry' } }, { PATH: '/new' })
    await engine.heard(2, 'session/prompt')
    // What was made ready is not made again.
    expect([engine.run(2).environment['PATH'], engine.steps.length]).toEqual(['/new', 2])
  })

  test('a set-up goes on without its daemon, and is not run twice', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' } }))
    const step = await stepOf(one, 1)
    await engine.another()
    step.end({ code: 0 })
    await has(one, session, 'workspace-ready')
    expect([engine.steps.length, of(one, session, 'step-started').length]).toEqual([2, 1])
  })

  test('a stop ends the set-up', async () => {
    const one = made()
    const session = await one.engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' } }))
    const step = await stepOf(one, 1)
    await one.engine.tell(session, { type: 'stop' })
    await has(one, session, 'stopped')
    expect(step.found().kind).toBe('ended')
    expect(of(one, session, 'workspace-failed')).toEqual([])
  })

  test('a stop that its daemon began ends the set-up that goes on', async () => {
    const one = made()
    const session = await one.engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' } }))
    const step = await stepOf(one, 1)
    one.engine.sweeps = false
    await one.engine.tell(session, { type: 'stop' })
    one.engine.sweeps = true
    await one.engine.another()
    await has(one, session, 'stopped')
    while (step.found().kind !== 'ended') await new Promise((resolve) => setImmediate(resolve))
    expect(of(one, session, 'workspace-failed')).toEqual([])
  })

  test('what was not committed is taken along by a snapshot of the tree that it was started from', async () => {
    const one = made()
    writeFileSync(join(one.shop, 'a.txt'), 'changed\n')
    const session = await one.engine.create(spec(one, { ...worktree, carries: { untracked: 'all' } }))
    await has(one, session, 'workspace-ready')
    expect(of(one, session, 'snapshot-taken').map(({ snapshot }) => [snapshot.n, snapshot.why])).toEqual([[1, 'start']])
    expect(readFileSync(join(one.fake.worktrees, session, 'shop', 'a.txt'), 'utf8')).toBe('changed\n')
    expect(readFileSync(join(one.shop, 'a.txt'), 'utf8')).toBe('changed\n')
  })

  test('a tree that cannot be made says why', async () => {
    const one = made()
    one.fake.fail('makeWorktree', 'full', 'no space left')
    const session = await one.engine.create(spec(one, worktree))
    await has(one, session, 'workspace-failed')
    expect(of(one, session, 'workspace-failed')).toEqual([{ type: 'workspace-failed', at: 'tree', reason: 'no space left' }])
  })
})

describe('what a project says is run', () => {
  const trust = { file: '/w/.offstage.toml', digest: 'd1' }
  const wants = (one: Made): Partial<LaunchSpec> => spec(one, { ...worktree, trust, checks: ['npm test'], preparation: { setup: 'npm ci', environment: { A: 'b' } } })
  const trusted = (folder: string): Partial<Trees> => ({ trust: trustIn(join(folder, 'trusted.json')) })

  test('only when the user said so, who sees exactly what it is', async () => {
    const one = made(trusted)
    const session = await one.engine.create(wants(one))
    const { requests } = await one.engine.until(session, (view) => view.requests.length > 0)
    expect([requests[0]?.kind, requests[0]?.detail, one.fake.asked.includes('makeWorktree')]).toEqual(['permission', 'set-up: npm ci\ncheck: npm test\nwith: A=b', false])
    await one.engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'always' } })
    ;(await stepOf(one, 1)).end({ code: 0 })
    await has(one, session, 'workspace-ready')
    // The same is not asked again; something else is.
    const second = await one.engine.create(wants(one))
    await stepOf(one, 1)
    await has(one, second, 'step-started')
    const third = await one.engine.create({ ...wants(one), trust: { ...trust, digest: 'd2' } })
    await one.engine.until(third, (view) => view.requests.length > 0)
  })

  test('nothing of it, where it starts without', async () => {
    const one = made(trusted)
    const session = await one.engine.create(wants(one), 'go')
    const { requests } = await one.engine.until(session, (view) => view.requests.length > 0)
    await one.engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'without' } })
    await one.engine.heard(1, 'session/prompt')
    one.engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    await one.engine.until(session, (view) => view.status === 'completed')
    expect([one.engine.steps.length, existsSync(join(one.folder, 'trusted.json'))]).toEqual([0, false])
  })
})

describe('snapshots', () => {
  test('the agent hears its prompt when all is kept as it was, and the end of its turn is kept too', async () => {
    const one = made()
    const { engine, fake } = one
    const session = await engine.create(spec(one))
    const held = Promise.withResolvers<void>()
    fake.before = (name) => (name === 'takeSnapshot' ? held.promise : undefined)
    await engine.tell(session, { type: 'prompt', text: 'go' })
    await has(one, session, 'turn-started')
    while (!fake.asked.includes('takeSnapshot')) await new Promise((resolve) => setImmediate(resolve))
    // What comes after it waits as well: input ids only grow.
    await engine.tell(session, { type: 'interrupt' })
    expect(engine.run(1).told.map(({ method }) => method)).not.toContain('session/prompt')
    held.resolve()
    await engine.heard(1, 'session/cancel')
    expect(engine.run(1).told.flatMap(({ method }) => (method?.startsWith('session/') ? [method] : []))).toEqual(['session/new', 'session/prompt', 'session/cancel'])
    writeFileSync(join(one.shop, 'a.txt'), 'two\n')
    engine.run(1).respond('session/prompt', { stopReason: 'cancelled' })
    await has(one, session, 'snapshot-taken', 2)
    expect(of(one, session, 'snapshot-taken').map(({ snapshot: { n, why, turn: at } }) => [n, why, at])).toEqual([
      [1, 'turn-start', 1],
      [2, 'turn-end', 1],
    ])
  })

  test('where nothing changed none is taken', async () => {
    const one = made()
    const session = await one.engine.create(spec(one))
    await turn(one, session, 'one', () => {})
    await turn(one, session, 'two', () => {})
    expect(of(one, session, 'snapshot-taken').length).toBe(1)
  })

  test('one that fails for want of space is asked about before the prompt goes out', async () => {
    const one = made()
    const { engine, fake } = one
    const session = await engine.create(spec(one))
    fake.fail('takeSnapshot', 'full', 'no space left on the disk')
    fake.fail('takeSnapshot', 'full', 'no space left on the disk')
    await engine.tell(session, { type: 'prompt', text: 'go' })
    const answer = async (optionId: string): Promise<void> => {
      const { requests } = await engine.until(session, (view) => view.requests.length > 0)
      expect([requests[0]?.detail, engine.run(1).told.some(({ method }) => method === 'session/prompt')]).toEqual(['no space left on the disk', false])
      await engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId } })
    }
    await answer('retry')
    await answer('without')
    await engine.heard(1, 'session/prompt')
    expect(of(one, session, 'snapshot-failed').length).toBe(1)
  })

  test('the question about one survives the daemon, and a stop is no prompt', async () => {
    const one = made()
    const { engine, fake } = one
    const session = await engine.create(spec(one))
    for (let times = 0; times < 4; times += 1) fake.fail('takeSnapshot', 'failed', 'input/output error')
    await engine.tell(session, { type: 'prompt', text: 'go' })
    await engine.until(session, (view) => view.requests.length > 0)
    await engine.another()
    const { requests } = await engine.until(session, (view) => view.requests.length > 0)
    while (fake.asked.filter((name) => name === 'takeSnapshot').length < 2) await new Promise((resolve) => setImmediate(resolve))
    await engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'stop' } })
    await has(one, session, 'stopped')
    expect(engine.run(1).told.some(({ method }) => method === 'session/prompt')).toBe(false)
  })

  test('the question about one is over when the agent is gone that was to hear the prompt', async () => {
    const one = made()
    const { engine, fake } = one
    const session = await engine.create(spec(one))
    for (let times = 0; times < 2; times += 1) fake.fail('takeSnapshot', 'full', 'no space left on the disk')
    await engine.tell(session, { type: 'prompt', text: 'go' })
    await engine.until(session, (view) => view.requests.length > 0)
    engine.run(1).end({ code: 1 })
    await has(one, session, 'run-exited')
    expect((await engine.until(session, () => true)).requests).toEqual([])
  })

  test('where none is possible it is told once, and nobody waits', async () => {
    const one = made()
    const session = await one.engine.create(spec(one))
    one.fake.fail('takeSnapshot', 'impossible', 'the folder is too large')
    await turn(one, session, 'one', () => {})
    await turn(one, session, 'two', () => {})
    expect([of(one, session, 'snapshot-failed').length, one.fake.asked.filter((name) => name === 'takeSnapshot').length]).toEqual([1, 1])
  })

  test('a prompt that died with the daemon before it was sent is sent by the next one, after the snapshot that the first one had taken', async () => {
    const one = made()
    const { engine, fake } = one
    const session = await engine.create(spec(one))
    await engine.heard(1, 'session/new')
    await engine.until(session, (view) => view.newcomer)
    fake.before = (name) => (name === 'takeSnapshot' ? new Promise(() => {}) : undefined)
    await engine.tell(session, { type: 'prompt', text: 'go' })
    await has(one, session, 'turn-started')
    while (!fake.asked.includes('takeSnapshot')) await new Promise((resolve) => setImmediate(resolve))
    fake.before = () => {}
    // What the daemon took and could not say any more.
    fake.snapshots.set(session, [{ n: 1, commit: 'c1', tree: fake.treeOf(one.shop), why: 'turn-start', turn: 1, atMs: 1 }])
    await engine.another()
    await engine.heard(1, 'session/prompt')
    expect(of(one, session, 'snapshot-taken').map(({ snapshot }) => snapshot.commit)).toEqual(['c1'])
    expect(engine.run(1).told.filter(({ method }) => method === 'session/prompt').length).toBe(1)
  })
})

describe('checks', () => {
  test('all of them run in the tree when a turn has ended as done, and fail as a whole if one does', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { checks: ['npm run lint', 'npm test'] }), 'go')
    await engine.heard(1, 'session/prompt')
    engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    const lint = await stepOf(one, 1)
    expect([lint.command, lint.directory]).toEqual(['npm run lint', one.shop])
    lint.end({ code: 1 }, 'bad\n')
    ;(await stepOf(one, 2)).end({ code: 0 }, 'fine\n')
    await has(one, session, 'checked')
    expect(of(one, session, 'checked')[0]?.results.map(({ command, exitCode, output }) => [command, exitCode, output])).toEqual([
      ['npm run lint', 1, 'bad\n'],
      ['npm test', 0, 'fine\n'],
    ])
    expect((await engine.until(session, (view) => view.outcome?.kind === 'check-failed')).outcome?.kind).toBe('check-failed')
  })

  test('run where the session works, and the set-up at the top of its tree', async () => {
    const one = made()
    const { engine, fake } = one
    if (fake.repository) fake.repository = { ...fake.repository, below: 'web' }
    const session = await engine.create(spec(one, { ...worktree, checks: ['npm test'], preparation: { setup: 'npm ci' } }), 'go')
    const top = join(fake.worktrees, session, 'shop')
    const setUp = await stepOf(one, 1)
    setUp.end({ code: 0 })
    await engine.heard(1, 'session/prompt')
    engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    expect([setUp.directory, (await stepOf(one, 2)).directory]).toEqual([top, join(top, 'web')])
  })

  test('of a project file further up, and its set-up, run in its folder, and are told in its words', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(
      spec(one, { ...worktree, checks: ['test -f ok'], checksIn: '../..', checkRetries: 1, preparation: { setup: 'npm ci', setupIn: "it's a" } }),
      'go',
    )
    const setUp = await stepOf(one, 1)
    setUp.end({ code: 0 })
    await engine.heard(1, 'session/prompt')
    engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    const check = await stepOf(one, 2)
    expect([setUp.command, setUp.below, check.command, check.below]).toEqual(['npm ci', "it's a", 'test -f ok', '../..'])
    check.end({ code: 1 })
    await has(one, session, 'checked')
    expect(of(one, session, 'step-started').map(({ command }) => command)).toEqual(['npm ci', 'test -f ok'])
    expect(of(one, session, 'checked')[0]?.results).toMatchObject([{ command: 'test -f ok' }])
    await has(one, session, 'prompt-queued', 2)
    expect(of(one, session, 'prompt-queued')[1]?.text).toContain(
      'checks of this session in ../.. after your turn, and they failed. Please find the cause and mend it.\n\n$ test -f ok',
    )
  })

  test('they go on without the daemon, each once', async () => {
    const one = made((): Partial<Trees> => ({ environmentOf: async ({ pid }) => ({ CHILD: String(pid) }) }))
    const { engine } = one
    const session = await engine.create(spec(one, { checks: ['first', 'second', 'third'] }), 'go')
    await engine.heard(1, 'session/prompt')
    engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    ;(await stepOf(one, 1)).end({ code: 0 }, '1')
    const second = await stepOf(one, 2)
    await engine.another()
    second.end({ code: 3 }, '2')
    const third = await stepOf(one, 3)
    // The environment died with the daemon: the program that lives has it.
    expect([third.command, third.environment]).toEqual(['third', { CHILD: '2001' }])
    third.end({ code: 0 }, '3')
    await has(one, session, 'checked')
    expect(of(one, session, 'checked')[0]?.results.map(({ exitCode, output }) => [exitCode, output])).toEqual([
      [0, '1'],
      [3, '2'],
      [0, '3'],
    ])
    expect(engine.steps.length).toBe(4)
  })

  test('the next prompt ends them', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { checks: ['npm test'] }), 'go')
    await engine.heard(1, 'session/prompt')
    engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    const step = await stepOf(one, 1)
    await engine.tell(session, { type: 'prompt', text: 'more' })
    await engine.heard(1, 'session/prompt', 2)
    while (step.found().kind !== 'ended') await new Promise((resolve) => setImmediate(resolve))
    expect([of(one, session, 'checks-cut-short').length, of(one, session, 'checked').length]).toEqual([1, 0])
  })

  test.each([
    ['that a former daemon began', false],
    ['also if the daemon dies over it', true],
  ])('the next prompt ends those %s', async (_, dies) => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { checks: ['npm test'] }), 'go')
    await engine.heard(1, 'session/prompt')
    engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    const step = await stepOf(one, 1)
    if (dies) engine.sweeps = false
    else await engine.another()
    await engine.tell(session, { type: 'prompt', text: 'more' })
    await has(one, session, 'checks-cut-short')
    engine.sweeps = true
    if (dies) await engine.another()
    const deadline = Date.now() + 5000
    while (step.found().kind !== 'ended' && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
    expect(step.found().kind).toBe('ended')
    expect(of(one, session, 'checked')).toEqual([])
  })
})

describe('undo', () => {
  const file = (one: Made, name = 'a.txt'): string => join(one.shop, name)
  const content = (one: Made, name = 'a.txt'): string => readFileSync(file(one, name), 'utf8')

  async function twoTurns(): Promise<{ readonly one: Made; readonly session: string }> {
    const one = made()
    const session = await one.engine.create(spec(one))
    await turn(one, session, 'one', () => writeFileSync(file(one, 'b.txt'), 'first\n'))
    await has(one, session, 'snapshot-taken', 2)
    await turn(one, session, 'two', () => writeFileSync(file(one), 'second\n'))
    await has(one, session, 'snapshot-taken', 3)
    return { one, session }
  }

  test('takes back one turn and leaves the others', async () => {
    const { one, session } = await twoTurns()
    await one.engine.tell(session, { type: 'undo', what: { kind: 'turns', turn: 1 } })
    await has(one, session, 'undone')
    expect([existsSync(file(one, 'b.txt')), content(one)]).toEqual([false, 'second\n'])
    expect(of(one, session, 'undone')).toEqual([{ type: 'undone', before: 3, files: ['b.txt'] }])
  })

  test('takes back the newest turn that changed anything, and all of them', async () => {
    const { one, session } = await twoTurns()
    await turn(one, session, 'three', () => {})
    await one.engine.tell(session, { type: 'undo', what: { kind: 'turns', turn: 0 } })
    await has(one, session, 'undone')
    expect(content(one)).toBe('one\n')
    writeFileSync(file(one), 'second\n')
    await one.engine.tell(session, { type: 'undo', what: { kind: 'turns', turn: 'all' } })
    await has(one, session, 'undone', 2)
    expect([existsSync(file(one, 'b.txt')), content(one)]).toEqual([false, 'one\n'])
  })

  test('is refused with the paths where later changes are in the way, and nothing is written', async () => {
    const { one, session } = await twoTurns()
    writeFileSync(file(one), 'mine\n')
    await one.engine.tell(session, { type: 'undo', what: { kind: 'turns', turn: 2 } })
    await has(one, session, 'undo-failed')
    expect([of(one, session, 'undo-failed')[0]?.paths, content(one), one.fake.asked.includes('writeTree')]).toEqual([['a.txt'], 'mine\n', false])
    // What was there is kept all the same.
    expect(of(one, session, 'snapshot-taken').at(-1)?.snapshot.why).toBe('undo')
  })

  test('that was cut off goes on to its end', async () => {
    const { one, session } = await twoTurns()
    one.fake.before = (name) => (name === 'writeTree' ? new Promise(() => {}) : undefined)
    await one.engine.tell(session, { type: 'undo', what: { kind: 'snapshot', n: 1 } })
    await has(one, session, 'undoing')
    one.fake.before = () => {}
    writeFileSync(file(one), 'one\n')
    await one.engine.another()
    await has(one, session, 'undone')
    expect([existsSync(file(one, 'b.txt')), content(one), of(one, session, 'undoing').length]).toEqual([false, 'one\n', 1])
  })

  test('that the disk stops half way goes back to what was', async () => {
    const { one, session } = await twoTurns()
    one.fake.fail('writeTree', 'full', 'no space left')
    await one.engine.tell(session, { type: 'undo', what: { kind: 'snapshot', n: 1 } })
    await has(one, session, 'undo-failed')
    expect([content(one), content(one, 'b.txt'), of(one, session, 'undo-failed')[0]?.reason]).toEqual(['second\n', 'first\n', 'no space left'])
  })
})

describe('a removed session', () => {
  async function removed(before: (one: Made) => void = () => {}): Promise<{ readonly one: Made; readonly session: string; readonly path: string }> {
    const one = made()
    const session = await one.engine.create(spec(one, worktree))
    await one.engine.heard(1, 'session/new')
    const path = join(one.fake.worktrees, session, 'shop')
    writeFileSync(join(path, 'new.txt'), 'mine\n')
    before(one)
    await one.engine.tell(session, { type: 'remove' })
    return { one, session, path }
  }

  test('has all of its worktree in a snapshot before it goes, and it comes back as it was', async () => {
    const { one, session, path } = await removed()
    await has(one, session, 'workspace-removed')
    expect([existsSync(path), of(one, session, 'snapshot-taken').at(-1)?.snapshot.why]).toEqual([false, 'remove'])
    await one.engine.tell(session, { type: 'restore' })
    await has(one, session, 'workspace-ready', 2)
    expect(readFileSync(join(path, 'new.txt'), 'utf8')).toBe('mine\n')
  })

  test('that comes back is made ready as it was the first time, and no agent starts before', async () => {
    const one = made()
    const { engine, fake } = one
    const trust = { file: '/w/.offstage.toml', digest: 'd1' }
    const session = await engine.create(spec(one, { ...worktree, trust, preparation: { setup: 'npm ci', bring: ['node_modules/'], ports: ['PORT'] } }))
    const { requests } = await engine.until(session, (view) => view.requests.length > 0)
    await engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'once' } })
    ;(await stepOf(one, 1)).end({ code: 0 })
    await engine.heard(1, 'session/new')
    await engine.tell(session, { type: 'remove' })
    await has(one, session, 'workspace-removed')
    const brought = (): number => fake.asked.filter((name) => name === 'bring').length
    expect(brought()).toBe(1)
    await engine.tell(session, { type: 'restore' })
    const setUp = await stepOf(one, 2)
    await engine.tell(session, { type: 'prompt', text: 'go on' })
    expect([setUp.command, setUp.directory, brought(), engine.runs[2]]).toEqual(['npm ci', join(fake.worktrees, session, 'shop'), 2, undefined])
    setUp.end({ code: 1 }, 'no network\n')
    const failed = await engine.until(session, (view) => view.requests.length > 0)
    expect([failed.status, failed.requests.map(({ title }) => title), engine.runs[2]]).toEqual(['waiting', ['the set-up failed: npm ci (exit code 1)'], undefined])
    await engine.tell(session, { type: 'resume' })
    ;(await stepOf(one, 3)).end({ code: 0 })
    await engine.heard(2, 'session/load')
    expect(of(one, session, 'workspace-ready').map(({ setup }) => setup !== undefined)).toEqual([true, true])
  })

  test('whose set-up was left out the first time is set up when its tree is made again', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' } }))
    ;(await stepOf(one, 1)).end({ code: 1 })
    const { requests } = await engine.until(session, (view) => view.requests.length > 0)
    await engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'without' } })
    await engine.heard(1, 'session/new')
    await engine.tell(session, { type: 'remove' })
    await has(one, session, 'workspace-removed')
    await engine.tell(session, { type: 'restore' })
    expect((await stepOf(one, 2)).command).toBe('npm ci')
  })

  test('whose branch has moved on meanwhile says that it is detached', async () => {
    const { one, session } = await removed()
    await has(one, session, 'workspace-removed')
    one.fake.isDetached = true
    await one.engine.tell(session, { type: 'restore' })
    await has(one, session, 'workspace-ready', 2)
    expect(of(one, session, 'workspace-ready').map(({ detached }) => detached)).toEqual([undefined, true])
    const { workspace } = await one.engine.until(session, (view) => view.workspace.state === 'ready')
    expect(workspace.trouble).toBe(`its branch offstage/${session} has moved on, or is checked out elsewhere: HEAD is detached`)
  })

  test('keeps its worktree where git refuses, or where it cannot be kept', async () => {
    const refused = await removed((one) => one.fake.fail('removeWorktree', 'refused', 'a process works in it'))
    await has(refused.one, refused.session, 'workspace-kept')
    const full = await removed((one) => one.fake.fail('takeSnapshot', 'full', 'no space left'))
    await has(full.one, full.session, 'workspace-kept')
    expect([existsSync(refused.path), existsSync(full.path), full.one.fake.asked.includes('removeWorktree')]).toEqual([true, true, false])
  })

  test('whose worktree went right before the daemon died is told as removed', async () => {
    const { one, session, path } = await removed((it) => {
      it.fake.before = (name) => (name === 'removeWorktree' ? new Promise(() => {}) : undefined)
    })
    while (!one.fake.asked.includes('removeWorktree')) await new Promise((resolve) => setImmediate(resolve))
    one.fake.before = () => {}
    rmSync(path, { recursive: true })
    await one.engine.another()
    await has(one, session, 'workspace-removed')
    expect(of(one, session, 'workspace-removed')[0]?.snapshot).toBe(of(one, session, 'snapshot-taken').at(-1)?.snapshot.n)
  })
})

test('a removal that git gave up in the middle is no tree that stayed: it is in its snapshot, and comes back', async () => {
  const one = made()
  const session = await one.engine.create(spec(one, worktree))
  await one.engine.heard(1, 'session/new')
  const { path = '' } = (await one.engine.until(session, (view) => view.workspace.state === 'ready')).workspace
  one.fake.before = (name) => {
    if (name !== 'removeWorktree') return
    rmSync(path, { recursive: true })
    throw new WorkspaceFailed('failed', 'git worktree failed: it was ended by SIGKILL')
  }
  await one.engine.tell(session, { type: 'remove' })
  await has(one, session, 'workspace-removed')
  expect(of(one, session, 'workspace-removed')[0]?.snapshot).toBe(of(one, session, 'snapshot-taken').at(-1)?.snapshot.n)
  expect(one.fake.asked).toContain(`forgetPorts ${session}`)
  await one.engine.tell(session, { type: 'restore' })
  await has(one, session, 'workspace-ready', 2)
  expect(existsSync(path)).toBe(true)
})

test('a worktree that stayed when its session was removed goes with the next removal', async () => {
  const one = made()
  const session = await one.engine.create(spec(one, worktree))
  await one.engine.heard(1, 'session/new')
  one.fake.before = (name) => {
    if (name === 'removeWorktree') throw new WorkspaceFailed('refused', 'vim works in it')
  }
  await one.engine.tell(session, { type: 'remove' })
  await has(one, session, 'workspace-kept')
  one.fake.before = () => {}
  await one.engine.tell(session, { type: 'remove' })
  await has(one, session, 'workspace-removed')
  expect(of(one, session, 'removed')).toHaveLength(2)
})

describe('what a session changed', () => {
  const found = async (one: Made, query: Parameters<Engine['changes']>[0]) => {
    const changes = await (await one.engine.engine()).changes(query, never)
    return isRefusal(changes) ? changes.refused : [changes.from, changes.to, changes.files.map(({ path }) => path), ...(changes.conflicts ?? [])]
  }

  test('in all, by a turn, and what an undo would do', async () => {
    const one = made()
    const session = await one.engine.create(spec(one))
    await turn(one, session, 'one', () => writeFileSync(join(one.shop, 'b.txt'), 'first\n'))
    await has(one, session, 'snapshot-taken', 2)
    await turn(one, session, 'two', () => writeFileSync(join(one.shop, 'a.txt'), 'second\n'))
    await has(one, session, 'snapshot-taken', 3)
    await one.engine.tell(session, { type: 'prompt', text: 'three' })
    await one.engine.heard(1, 'session/prompt', 3)
    writeFileSync(join(one.shop, 'c.txt'), 'third\n')
    expect(await found(one, { session })).toEqual(['its start', 'now', ['a.txt', 'b.txt', 'c.txt']])
    expect(await found(one, { session, turn: 1 })).toEqual(['before turn 1', 'turn 1', ['b.txt']])
    expect(await found(one, { session, turn: 3 })).toEqual(['before turn 3', 'now', ['c.txt']])
    expect(await found(one, { session, turn: 4 })).toBe('no-snapshot')
    expect(await found(one, { session, undo: { kind: 'turns', turn: 2 } })).toEqual(['now', 'without turn 2', ['a.txt']])
    writeFileSync(join(one.shop, 'a.txt'), 'mine\n')
    expect(await found(one, { session, undo: { kind: 'turns', turn: 2 } })).toEqual(['now', 'without turn 2', [], 'a.txt'])
    // Nothing was written.
    expect(readFileSync(join(one.shop, 'a.txt'), 'utf8')).toBe('mine\n')
  })

  test('is told after its worktree is gone, from its last snapshot', async () => {
    const one = made()
    const session = await one.engine.create(spec(one, worktree))
    await one.engine.heard(1, 'session/new')
    writeFileSync(join(one.fake.worktrees, session, 'shop', 'new.txt'), 'mine\n')
    await one.engine.tell(session, { type: 'remove' })
    await has(one, session, 'workspace-removed')
    expect((await found(one, { session })).slice(1)).toEqual(['snapshot 1', ['new.txt']])
  })

  test('between two trees that it named is the same again, whatever was written since', async () => {
    const one = made()
    const session = await one.engine.create(spec(one))
    await one.engine.tell(session, { type: 'snapshot' })
    await has(one, session, 'snapshot-taken')
    writeFileSync(join(one.shop, 'first.txt'), 'one\n')
    const engine = await one.engine.engine()
    const found = await engine.changes({ session }, never)
    if (isRefusal(found)) throw new Error(found.message)
    writeFileSync(join(one.shop, 'later.txt'), 'two\n')
    expect(await engine.changes({ session, between: found.trees }, never)).toMatchObject({ files: found.files, trees: found.trees })
    expect(await engine.changes({ session }, never)).not.toMatchObject({ files: found.files })
  })

  test('says whose changes are in it too, where others worked in the same tree', async () => {
    const one = made()
    const [session, other] = [await one.engine.create(spec(one)), await one.engine.create(spec(one))]
    await one.engine.tell(session, { type: 'snapshot' })
    await has(one, session, 'snapshot-taken')
    const changes = await (await one.engine.engine()).changes({ session }, never)
    expect(isRefusal(changes) ? changes : changes.notes).toEqual([`session ${other} worked in the same tree: what they changed is in it too`])
  })
})

test('what is to land of a worktree that somebody deleted is refused, with how it comes back', async () => {
  const one = made()
  const session = await one.engine.create(spec(one, worktree))
  await one.engine.heard(1, 'session/new')
  const path = join(one.fake.worktrees, session, 'shop')
  rmSync(path, { recursive: true })
  const plan = await (await one.engine.engine()).landing({ session }, never)
  expect(plan).toMatchObject({ refused: 'no-worktree', message: `the worktree of session ${session} is not there any more: ${path}`, hint: expect.stringContaining('no snapshot') })
})

describe('a worktree that somebody deleted', () => {
  async function deleted() {
    const one = made()
    const session = await one.engine.create(spec(one, worktree))
    const path = join(one.fake.worktrees, session, 'shop')
    await turn(one, session, 'one', () => writeFileSync(join(path, 'new.txt'), 'first\n'))
    await has(one, session, 'snapshot-taken', 2)
    rmSync(path, { recursive: true })
    return { one, session, path, engine: await one.engine.engine() }
  }

  test('is told of before anything is begun there, and what it was is shown', async () => {
    const { one, session, engine } = await deleted()
    const gone = { refused: 'no-worktree', hint: `offstage restore ${session} brings it back as it was in snapshot 2` }
    for (const command of [{ type: 'prompt', text: 'more' }, { type: 'undo', what: { kind: 'snapshot', n: 1 } }, { type: 'snapshot' }] as const) {
      expect(await engine.submit({ session, commandId: `gone${command.type.padEnd(4, '0').slice(0, 4)}`, command }, never)).toMatchObject(gone)
    }
    expect(await engine.changes({ session, undo: { kind: 'snapshot', n: 1 } }, never)).toMatchObject(gone)
    expect(await engine.changes({ session }, never)).toMatchObject({ to: 'snapshot 2', files: [{ path: 'new.txt' }], notes: [expect.stringContaining(gone.hint)] })
    expect(types(one, session).at(-1)).toBe('snapshot-taken')
  })

  test.each(['an empty folder is left', 'nothing is left'])('is made again as it was, where %s; its agent goes on there with a new process', async (left) => {
    const { one, session, path } = await deleted()
    if (left === 'an empty folder is left') {
      mkdirSync(path)
      one.fake.before = (name) => (name === 'makeWorktree' ? rmSync(path, { recursive: true, force: true }) : undefined)
    }
    await one.engine.tell(session, { type: 'restore' })
    await has(one, session, 'workspace-ready', 2)
    expect(readFileSync(join(path, 'new.txt'), 'utf8')).toBe('first\n')
    await has(one, session, 'given-back')
    await one.engine.tell(session, { type: 'prompt', text: 'more' })
    await one.engine.heard(2, 'session/prompt')
    expect(one.engine.run(2).environment).toMatchObject({ OFFSTAGE_WORKTREE: path })
  })

  test('is told of as gone when its session is removed, and comes back with it', async () => {
    const { one, session, path } = await deleted()
    await one.engine.tell(session, { type: 'remove' })
    await has(one, session, 'workspace-removed')
    expect(of(one, session, 'workspace-removed')).toEqual([{ type: 'workspace-removed', snapshot: 2, branchKept: true, gone: true }])
    await one.engine.tell(session, { type: 'restore' })
    await has(one, session, 'workspace-ready', 2)
    expect(readFileSync(join(path, 'new.txt'), 'utf8')).toBe('first\n')
  })

  test('while a prompt waited is asked about, and that prompt is not given', async () => {
    const one = made()
    const session = await one.engine.create(spec(one, worktree))
    await one.engine.heard(1, 'session/new')
    const path = join(one.fake.worktrees, session, 'shop')
    await one.engine.tell(session, { type: 'prompt', text: 'one' })
    await one.engine.heard(1, 'session/prompt')
    await one.engine.tell(session, { type: 'prompt', text: 'two' })
    rmSync(path, { recursive: true })
    one.engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    const { requests } = await one.engine.until(session, (view) => view.requests.length > 0)
    expect(requests.map(({ detail }) => detail)).toEqual([expect.stringContaining('is not there any more')])
    expect(of(one, session, 'snapshot-failed').map(({ why }) => why)).toEqual(['turn-end'])
  })
})

test('who asks for the snapshots gets the one that is being taken', async () => {
  const one = made()
  const session = await one.engine.create(spec(one))
  await one.engine.heard(1, 'session/new')
  await one.engine.tell(session, { type: 'prompt', text: 'one' })
  await one.engine.heard(1, 'session/prompt')
  const taking = Promise.withResolvers<void>()
  one.fake.before = (name) => (name === 'takeSnapshot' ? taking.promise : undefined)
  writeFileSync(join(one.shop, 'b.txt'), 'first\n')
  one.engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
  await has(one, session, 'turn-ended')
  const asked = (await one.engine.engine()).snapshots(session, never)
  const first = await Promise.race([asked, new Promise<string>((resolve) => setTimeout(resolve, 20, 'waits'))])
  expect(first).toBe('waits')
  // A disk that does not answer holds up nobody for ever.
  await one.engine.pass(15_000)
  expect((await asked).map(({ why }) => why)).toEqual(['turn-start'])
  const again = (await one.engine.engine()).snapshots(session, never)
  taking.resolve()
  expect((await again).map(({ why }) => why)).toEqual(['turn-start', 'turn-end'])
})

test('what changed in repositories inside is told of: not shown, and not taken back', async () => {
  const one = made()
  const session = await one.engine.create(spec(one))
  await turn(one, session, 'one', () => writeFileSync(join(one.shop, 'b.txt'), 'first\n'))
  await has(one, session, 'snapshot-taken', 2)
  one.fake.inside = [{ path: 'lib', directory: `${one.shop}/it's/lib` }]
  const engine = await one.engine.engine()
  const how = `it is a repository of its own: git -C '${one.shop}/it'\\''s/lib' diff`
  for (const query of [{}, { turn: 1 }, { snapshot: 2 }, { paths: ['lib/src'] }]) {
    expect(await engine.changes({ session, ...query }, never)).toMatchObject({ inside: ['lib'], notes: [`what changed in lib is not shown, ${how}`] })
  }
  expect(await engine.changes({ session, paths: ['b.txt'] }, never)).toMatchObject({ notes: [] })
  const what = { kind: 'turns', turn: 'all' } as const
  expect(await engine.changes({ session, undo: what }, never)).toMatchObject({ inside: ['lib'], notes: [`what changed in lib is not taken back, ${how}`] })
  await one.engine.tell(session, { type: 'undo', what })
  await has(one, session, 'undone')
  expect(of(one, session, 'undone')).toMatchObject([{ files: ['b.txt'], inside: ['lib'] }])
})

test('a place says what a session would work in', async () => {
  const one = made()
  const session = await one.engine.create(spec(one))
  const place = await (await one.engine.engine()).place({ cwd: one.shop }, never)
  expect([place.repository?.branch, place.sessions, place.auto]).toEqual(['main', [session], { kind: 'worktree', why: `session ${session} works in the same tree` }])
})

test('a place is found out by two questions, however many work there', async () => {
  const one = made()
  for (let times = 0; times < 3; times += 1) await one.engine.create(spec(one))
  one.fake.asked.length = 0
  await (await one.engine.engine()).place({ cwd: one.shop }, never)
  expect(one.fake.asked.filter((name) => name !== 'takeSnapshot')).toEqual(['repositoryAt', 'stateOf'])
})

test('a place outside of any repository names who works there, above and below it', async () => {
  const one = made()
  one.fake.repository = undefined
  const program = await one.engine.create(spec(one, { kind: 'terminal', driver: 'command', argv: ['npm', 'run', 'dev'] }))
  const here = await one.engine.create(spec(one))
  const inside = join(one.shop, 'inside')
  mkdirSync(inside)
  const below = await one.engine.create({ cwd: inside })
  const beside = await one.engine.create({ cwd: join(one.folder, 'shop-2') })
  const engine = await one.engine.engine()
  const at = async (cwd: string) => (await engine.place({ cwd }, never)).sessions.map((id) => ({ [program]: 'program', [here]: 'here', [below]: 'below', [beside]: 'beside' })[id])
  expect([await at(one.shop), await at(inside), await at(join(one.folder, 'shop-2'))]).toEqual([['here', 'below'], ['here', 'below'], ['beside']])
})

test('a place in a repository that can have no worktrees names who works there', async () => {
  const one = made()
  one.fake.repository = { top: one.shop, common: '', bare: false, below: '', branch: 'main', head: null, noWorktrees: 'there is no commit yet' }
  const session = await one.engine.create(spec(one))
  expect(await (await one.engine.engine()).place({ cwd: one.shop }, never)).toEqual({ sessions: [session], auto: { kind: 'in-place', why: 'there is no commit yet' } })
})

describe('the files and lines in a row', () => {
  const tool = (path: string) => ({
    method: 'session/update',
    params: {
      sessionId: 'ref',
      update: {
        sessionUpdate: 'tool_call',
        toolCallId: path,
        title: 'write',
        kind: 'edit',
        status: 'completed',
        content: [{ type: 'diff', path, oldText: 'a\n', newText: 'b\n' }],
      },
    },
  })

  test('are those that git counts in its worktree, and what tool calls have said since', async () => {
    const one = made()
    const { engine, fake } = one
    const session = await engine.create(spec(one, worktree))
    const path = join(fake.worktrees, session, 'shop')
    await engine.heard(1, 'session/new')
    // By a command, of which no tool call says what it changed.
    await turn(one, session, 'one', () => ['b.txt', 'c.txt'].forEach((name) => writeFileSync(join(path, name), 'x\n')))
    await has(one, session, 'snapshot-taken', 2)
    expect((await engine.until(session, (view) => view.changes !== null)).changes).toEqual({ files: 2, added: 2, removed: 2 })
    await engine.tell(session, { type: 'prompt', text: 'two' })
    await engine.heard(1, 'session/prompt', 2)
    engine.run(1).say(tool(join(path, 'd.txt')))
    expect((await engine.until(session, (view) => view.changes?.files === 3)).changes).toEqual({ files: 3, added: 3, removed: 3 })
    engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    await has(one, session, 'turn-ended', 2)
    await engine.tell(session, { type: 'undo', what: { kind: 'turns', turn: 1 } })
    await has(one, session, 'undone')
    expect((await engine.until(session, (view) => view.status === 'completed')).changes).toBe(null)
  })

  test('are what its tool calls say, where it works in place beside others', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one))
    await turn(one, session, 'one', () => {
      writeFileSync(join(one.shop, 'mine.txt'), 'x\n')
      engine.run(1).say(tool(join(one.shop, 'd.txt')))
    })
    await has(one, session, 'snapshot-taken', 2)
    expect((await engine.until(session, (view) => view.changes !== null)).changes).toEqual({ files: 1, added: 1, removed: 1 })
  })
})

describe('a known agent in a terminal', () => {
  const state = (word: string): string => `\x1b]7501;state=${word}\x1b\\`

  /** It works, does this, and rests. */
  async function rests(one: Made, session: string, run: number, does: () => void): Promise<void> {
    const kept = of(one, session, 'snapshot-taken').length
    one.engine.run(run).print(state('working'))
    await one.engine.until(session, (view) => view.status === 'working')
    does()
    one.engine.run(run).print(state('idle'))
    await has(one, session, 'snapshot-taken', kept + 1)
  }

  test('has turns from rest to rest: each can be read and taken back, also after what was asked for in between', async () => {
    const one = made()
    const { engine, shop } = one
    const file = (name: string): string => join(shop, name)
    const session = await engine.create(spec(one, { kind: 'terminal', driver: 'terminal', agent: 'claude', argv: ['claude'] }))
    await has(one, session, 'run-started')
    await rests(one, session, 1, () => writeFileSync(file('b.txt'), 'first\n'))
    writeFileSync(file('mine.txt'), 'mine\n')
    await engine.tell(session, { type: 'snapshot' })
    await has(one, session, 'snapshot-taken', 3)
    await rests(one, session, 1, () => writeFileSync(file('a.txt'), 'second\n'))
    expect(of(one, session, 'snapshot-taken').map(({ snapshot: { why, turn: at } }) => `${why} ${at}`)).toEqual(['start 0', 'turn-end 1', 'asked 1', 'turn-end 2'])
    const opened = await engine.engine()
    const changed = async (number: number) => {
      const found = await opened.changes({ session, turn: number }, never)
      return isRefusal(found) ? found.message : found.files.map(({ path }) => path)
    }
    expect([await changed(1), await changed(2), (await engine.until(session, () => true)).turns]).toEqual([['b.txt'], ['a.txt'], 2])
    await engine.tell(session, { type: 'undo', what: { kind: 'turns', turn: 1 } })
    await has(one, session, 'undone')
    expect([existsSync(file('b.txt')), existsSync(file('mine.txt')), readFileSync(file('a.txt'), 'utf8')]).toEqual([false, true, 'second\n'])
    // What was taken back is not done by its next turn.
    await rests(one, session, 1, () => writeFileSync(file('c.txt'), 'third\n'))
    expect([await changed(1), await changed(2), await changed(3)]).toEqual([['b.txt'], ['a.txt'], ['c.txt']])
    await engine.tell(session, { type: 'undo', what: { kind: 'turns', turn: 0 } })
    await has(one, session, 'undone', 2)
    expect([existsSync(file('c.txt')), readFileSync(file('a.txt'), 'utf8')]).toEqual([false, 'second\n'])
  })

  test('is not taken back from while it works', async () => {
    const one = made()
    const session = await one.engine.create(spec(one, { kind: 'terminal', driver: 'terminal', agent: 'claude', argv: ['claude'] }))
    await has(one, session, 'run-started')
    one.engine.run(1).print(state('working'))
    await one.engine.until(session, (view) => view.status === 'working' && view.signals.length > 0)
    await expect(one.engine.tell(session, { type: 'undo', what: { kind: 'turns', turn: 'all' } })).rejects.toThrow('is at work in that tree')
  })

  test('is kept before it begins, and whenever it rests', async () => {
    const one = made()
    const { engine } = one
    const session = await engine.create(spec(one, { kind: 'terminal', driver: 'terminal', agent: 'claude', argv: ['claude'] }))
    // Its program began after that.
    expect(types(one, session)).toEqual(['created', 'run-starting', 'snapshot-taken', 'run-started'])
    writeFileSync(join(one.shop, 'a.txt'), 'two\n')
    engine.run(1).end({ code: 0 })
    await has(one, session, 'snapshot-taken', 2)
    expect(of(one, session, 'snapshot-taken').map(({ snapshot: { why, turn: at } }) => [why, at])).toEqual([
      ['start', 0],
      ['turn-end', 1],
    ])
  })
})

describe('a landing', () => {
  test('runs the set-up and the checks in the merged tree, and says what came of it', async () => {
    const merged: string[] = []
    const one = made((folder) => ({
      landings: {
        land: async ({ runSteps, report }, of, land, _, signal) => {
          const tree = join(folder, 'merged')
          mkdirSync(tree)
          const { results } = await runSteps(tree, of.checks, signal)
          merged.push(of.directory, land.into)
          await report({ type: 'landed', into: land.into, how: land.how, commit: 'c'.repeat(40), files: 1, results })
        },
      },
    }))
    const session = await one.engine.create(spec(one, { ...worktree, preparation: { setup: 'npm ci' }, checks: ['npm test'] }))
    ;(await stepOf(one, 1)).end({ code: 0 })
    await one.engine.heard(1, 'session/new')
    await one.engine.until(session, (view) => view.newcomer)
    await one.engine.tell(session, { type: 'land', land: { into: 'main', how: 'squash', checks: true } })
    const setUp = await stepOf(one, 2)
    expect([setUp.command, setUp.directory, setUp.environment['OFFSTAGE_WORKTREE']]).toEqual(['npm ci', join(one.folder, 'merged'), join(one.folder, 'merged')])
    setUp.end({ code: 0 })
    ;(await stepOf(one, 3)).end({ code: 0 }, 'ok')
    await has(one, session, 'landed')
    expect([merged, of(one, session, 'landed')[0]?.results?.map(({ output }) => output)]).toEqual([[join(one.fake.worktrees, session, 'shop'), 'main'], ['ok']])
  })

  test('keeps the tree that it moves under a number of its own, whatever else is kept at that moment', async () => {
    const one = made(() => ({
      landings: {
        land: async ({ snapshot, report }, _, land) => {
          await snapshot(one.shop, never)
          await report({ type: 'landed', into: land.into, how: land.how, commit: 'c'.repeat(40), files: 1 })
        },
      },
    }))
    const { engine, fake } = one
    const session = await engine.create(spec(one, worktree), 'go')
    await engine.heard(1, 'session/prompt')
    const going = Promise.withResolvers<void>()
    fake.before = (name) => (name === 'takeSnapshot' ? going.promise : undefined)
    writeFileSync(join(fake.worktrees, session, 'shop', 'b.txt'), 'two')
    engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
    await has(one, session, 'turn-ended')
    await engine.tell(session, { type: 'land', land: { into: 'main', how: 'squash', checks: true } })
    for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve))
    going.resolve()
    await has(one, session, 'landed')
    await has(one, session, 'snapshot-taken', 3)
    expect(of(one, session, 'snapshot-taken').map(({ snapshot: { n, why } }) => [n, why])).toEqual([
      [1, 'turn-start'],
      [2, 'turn-end'],
      [3, 'land'],
    ])
  })

  test.each(['precondition', 'stopped'] as const)('that its daemon died over leaves no merged tree behind, also where it ends without another one: %s', async (how) => {
    let times = 0
    const died = Promise.withResolvers<void>()
    const one = made(() => ({
      landings: {
        land: async ({ runSteps, report }, of, _, __, signal) => {
          if (times++ === 0) return void (await Promise.race([runSteps('/merged', of.checks, signal), died.promise]))
          if (how === 'stopped') return await new Promise((_pass, fail) => signal.addEventListener('abort', () => fail(new Error('stopped'))))
          await report({ type: 'land-failed', at: 'precondition', reason: 'your changes are in the way' })
        },
      },
    }))
    const asked: string[] = []
    Object.assign(one.fake.workspaces, {
      temporaryTree: async (repository: string, commit: string) => {
        asked.push(`${repository} ${commit}`)
        return { path: '/other', remove: async () => void asked.push('removed') }
      },
    })
    const session = await one.engine.create(spec(one, { ...worktree, checks: ['npm test'] }))
    await one.engine.heard(1, 'session/new')
    await one.engine.until(session, (view) => view.newcomer)
    await one.engine.tell(session, { type: 'land', land: { into: 'main', how: 'squash', checks: true } })
    const step = await stepOf(one, 1)
    await one.engine.another()
    while (times < 2) await new Promise((resolve) => setImmediate(resolve))
    if (how === 'stopped') await one.engine.tell(session, { type: 'stop' })
    await has(one, session, 'land-failed')
    while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve))
    expect([step.found().kind, asked]).toEqual(['ended', [`${one.shop} ${'f'.repeat(40)}`, 'removed']])
    died.resolve()
  })

  test('that is stopped has not landed, and what ran of it is ended', async () => {
    const one = made(() => ({
      landings: { land: async ({ runSteps }, of, _, __, signal) => void (await runSteps('/merged', of.checks, signal)) },
    }))
    const session = await one.engine.create(spec(one, { ...worktree, checks: ['npm test'] }))
    await one.engine.heard(1, 'session/new')
    await one.engine.until(session, (view) => view.newcomer)
    await one.engine.tell(session, { type: 'land', land: { into: 'main', how: 'squash', checks: true } })
    const step = await stepOf(one, 1)
    await one.engine.tell(session, { type: 'stop' })
    await has(one, session, 'land-failed')
    expect([step.found().kind, of(one, session, 'land-failed')[0]?.reason]).toEqual(['ended', 'it was stopped before it landed'])
  })
})

describe('what nobody needs any more', () => {
  test('goes by age, of sessions that were ended or removed only, and is named first', async () => {
    const one = made()
    const { engine, fake } = one
    const begin = async (): Promise<string> => {
      const session = await engine.create(spec(one, worktree))
      await has(one, session, 'run-started')
      await engine.until(session, (view) => view.newcomer)
      return session
    }
    const ended = await begin()
    await engine.tell(ended, { type: 'end' })
    await has(one, ended, 'archived')
    const removed = await begin()
    await engine.tell(removed, { type: 'remove' })
    await has(one, removed, 'workspace-removed')
    const stays = await begin()
    engine.nowMs += 500
    await (await engine.engine()).applyRetention()
    expect(fake.asked.filter((name) => name.startsWith('drop'))).toEqual([])
    engine.nowMs += 1000
    fake.isElsewhere = true
    await (await engine.engine()).applyRetention()
    expect(fake.asked.filter((name) => name.startsWith('forgetPorts'))).toEqual([`forgetPorts ${removed}`, `forgetPorts ${ended}`])
    expect([stays, ended, removed].map((id) => [existsSync(join(fake.worktrees, id, 'shop')), fake.snapshots.get(id)?.length ?? 0])).toEqual([
      [true, 0],
      [false, 1],
      [false, 0],
    ])
    expect(engine.warned).toEqual(['the worktree of a session that was ended long ago is kept by a snapshot and goes', 'the snapshots of a session that was removed long ago go'])
    // It is made again for whoever wants it.
    await engine.tell(ended, { type: 'resume' })
    await has(one, ended, 'workspace-ready', 2)
    expect(readFileSync(join(fake.worktrees, ended, 'shop', 'a.txt'), 'utf8')).toBe('one\n')
  })

  async function removedLongAgo(): Promise<{ readonly one: Made; readonly session: string }> {
    const one = made()
    const session = await one.engine.create(spec(one, worktree))
    await turn(one, session, 'one', () => writeFileSync(join(one.fake.worktrees, session, 'shop', 'b.txt'), 'one\n'))
    await has(one, session, 'snapshot-taken', 2)
    await one.engine.tell(session, { type: 'snapshot' })
    await has(one, session, 'snapshot-taken', 3)
    await one.engine.tell(session, { type: 'remove' })
    await has(one, session, 'workspace-removed')
    one.engine.nowMs += 1500
    return { one, session }
  }
  const numbers = (one: Made, session: string) => one.fake.snapshots.get(session)?.map(({ n }) => n)
  const listed = async (one: Made, session: string) => (await (await one.engine.engine()).snapshots(session, never)).map(({ n }) => n)

  test('is not the last snapshot of a worktree, as long as something of it is nowhere else: it comes back from it', async () => {
    const { one, session } = await removedLongAgo()
    await (await one.engine.engine()).applyRetention()
    expect([numbers(one, session), await listed(one, session)]).toEqual([[4], [4]])
    expect(of(one, session, 'snapshots-dropped')).toEqual([{ type: 'snapshots-dropped', numbers: [1, 2, 3] }])
    one.engine.nowMs += 1500
    await (await one.engine.engine()).applyRetention()
    expect([numbers(one, session), of(one, session, 'snapshots-dropped').length]).toEqual([[4], 1])
    await one.engine.tell(session, { type: 'restore' })
    await has(one, session, 'workspace-ready', 2)
    expect(readFileSync(join(one.fake.worktrees, session, 'shop', 'b.txt'), 'utf8')).toBe('one\n')
    const changes = await (await one.engine.engine()).changes({ session, turn: 1 }, never)
    expect(isRefusal(changes) && changes.refused).toBe('no-snapshot')
  })

  test('is told: a session of which nothing is left comes back without a worktree, and starts no program', async () => {
    const { one, session } = await removedLongAgo()
    one.fake.isElsewhere = true
    await (await one.engine.engine()).applyRetention()
    expect([numbers(one, session), await listed(one, session)]).toEqual([[], []])
    await one.engine.tell(session, { type: 'restore' })
    const view = await one.engine.until(session, ({ removed }) => !removed)
    expect([view.workspace.state, view.workspace.snapshots]).toEqual(['removed', 0])
    const text = `the worktree of session ${session} is removed, and its snapshots went by age`
    await expect(one.engine.tell(session, { type: 'resume' })).rejects.toThrow(text)
    await expect(one.engine.tell(session, { type: 'prompt', text: 'go on' })).rejects.toThrow(text)
    expect(of(one, session, 'workspace-preparing').length).toBe(1)
  })

  test('is recorded first: what a daemon that died had named goes with the next look', async () => {
    const { one, session } = await removedLongAgo()
    one.fake.fail('dropSnapshots', 'busy', 'another git is at work')
    await (await one.engine.engine()).applyRetention()
    expect([numbers(one, session), await listed(one, session), one.engine.warned.at(-1)]).toEqual([[1, 2, 3, 4], [4], 'what it left stays'])
    one.engine.nowMs += 1500
    await (await one.engine.engine()).applyRetention()
    expect([numbers(one, session), await listed(one, session)]).toEqual([[4], [4]])
  })
})
