// Whose work counts, which trees are read, and when git is asked: with sessions in memory and trees that a test says.

import { expect, test } from 'vitest'
import type { Event, LaunchSpec } from '../../src/core/events.ts'
import type { Session } from '../../src/core/session.ts'
import type { Snapshot } from '../../src/core/workspace.ts'
import { Forecasts } from '../../src/engine/forecasts.ts'
import type { ForecastFound, RepositoryAt, WorkOf } from '../../src/workspace/workspaces.ts'
import { FakeClient, talker } from '../cli/fake-client.ts'

const never = new AbortController().signal
const base = 'b'.repeat(40)

const worktreeSpec = (id: string, more: Partial<LaunchSpec> = {}): LaunchSpec => ({
  ...talker,
  cwd: '/r/shop/sub',
  worktree: { repository: '/r/shop', path: `/w/${id}/shop`, below: 'sub', branch: `offstage/${id}`, base, from: 'main' },
  ...more,
})

const snapshotOf = (n: number, tree: string, more: Partial<Snapshot> = {}): Event & { readonly type: 'snapshot-taken' } => ({
  type: 'snapshot-taken',
  snapshot: { n, commit: `c-${tree}`, tree, why: 'turn-end', turn: 1, atMs: n, ...more },
})

class World {
  readonly client = new FakeClient()
  readonly ids: string[] = []
  /** What was read and asked. */
  readonly read: string[] = []
  readonly asked: (readonly WorkOf[])[] = []
  readonly warnings: string[] = []
  /** What to call when something is written there. */
  readonly watched = new Map<string, () => void>()
  readonly delays: number[] = []
  readonly trees = new Map<string, string>()
  readonly broken = new Set<string>()
  /** Where `main` is, and where works conflict with what came to it. */
  tip = base
  onBranch: readonly string[] = []
  found: (works: readonly WorkOf[]) => ForecastFound = (works) => ({
    works: works.map(({ session, tree }) => ({ session, tree, files: [{ path: 'a.ts', kind: 'modified', added: 2, removed: null }], onBranch: this.onBranch })),
    pairs: [],
  })
  places = 0
  /** How often git was asked where branches are. */
  tipsAsked = 0
  readonly forecasts = new Forecasts({
    workspaces: {
      repositoryAt: async (directory) => {
        this.places += 1
        if (this.broken.has(directory)) throw new Error('it belongs to another user')
        return this.#at(directory)
      },
      treeAside: async (directory) => {
        this.read.push(directory)
        if (this.broken.has(directory)) throw new Error('another git is at work there')
        return { tree: this.trees.get(directory) ?? `t ${directory}`, head: 'h' }
      },
      tipsOf: async (_repository, branches) => {
        this.tipsAsked += 1
        return branches.map((branch) => (branch === 'main' ? this.tip : undefined))
      },
      forecast: async (_repository, works) => {
        this.asked.push(works)
        return this.found(works)
      },
      watchTree: (top, touched) => {
        this.watched.set(top, touched)
        return { refresh: async () => {}, [Symbol.dispose]: () => void this.watched.delete(top) }
      },
    },
    sessions: (): readonly Session[] => this.ids.map((id) => this.client.session(id)),
    nowMs: () => this.client.nowMs,
    delay: async (ms) => void this.delays.push(ms),
    signal: never,
    warn: (_facts, message) => void this.warnings.push(message),
  })

  #at(directory: string): RepositoryAt | undefined {
    const [, root = '', name = ''] = /^\/(\w+)\/([^/]+)/.exec(directory) ?? []
    if (root === 'plain') return undefined
    const top = root === 'w' ? `/w/${name}/shop` : `/r/${name}`
    return { top, common: root === 'w' ? '/r/shop/.git' : `/r/${name}/.git`, bare: false, below: directory.slice(top.length + 1), branch: 'main', head: base }
  }

  worktree(id: string, more: Partial<LaunchSpec> = {}): this {
    this.ids.push(id)
    this.client.create(id, { spec: worktreeSpec(id, more) })
    this.client.report(id, { type: 'workspace-ready', base, ports: {} })
    return this
  }

  inPlace(id: string, cwd = '/r/shop'): this {
    this.ids.push(id)
    this.client.create(id, { spec: { ...talker, cwd }, prompt: 'go' })
    this.client.report(id, snapshotOf(1, `first-${id}`, { why: 'turn-start' }))
    return this
  }

  clear(): void {
    this.read.splice(0)
    this.asked.splice(0)
  }
}

const some = (...ids: readonly string[]): { readonly changed: ReadonlySet<string> } => ({ changed: new Set(ids) })

test('works in worktrees and in place count, each upon what it began with', async () => {
  const here = new World().worktree('wwww0001').inPlace('pppp0001')
  const { forecasts } = await here.forecasts.outlook({}, never)
  expect(here.asked).toEqual([
    [
      { session: 'pppp0001', directory: '/r/shop', base: 'c-first-pppp0001', tree: 't /r/shop', head: 'h', inPlace: true },
      { session: 'wwww0001', directory: '/w/wwww0001/shop', base, tree: 't /w/wwww0001/shop', head: 'h', target: base },
    ],
  ])
  expect(forecasts).toEqual([
    {
      repository: '/r/shop',
      sessions: ['pppp0001', 'wwww0001'].map((id) => ({ id, files: 1, added: 2, removed: 0 })),
      conflicts: [],
      order: [
        { id: 'pppp0001', why: 'conflicts with no other session; 1 file, +2 -0; in place: commit what it changed' },
        { id: 'wwww0001', why: 'conflicts with no other session; 1 file, +2 -0' },
      ],
    },
  ])
})

test('removed sessions do not count, nor those that landed and rest, nor those in place that ended; completed ones do', async () => {
  const here = new World().worktree('done0001').worktree('gone0001').worktree('land0001').worktree('more0001').inPlace('ends0001').inPlace('none0001', '/plain/x')
  here.client.command('gone0001', { type: 'remove' }).command('ends0001', { type: 'end' })
  for (const id of ['land0001', 'more0001']) {
    here.client.command(id, { type: 'land', land: { into: 'main', how: 'merge', checks: false } })
    here.client.report(id, { type: 'landed', into: 'main', how: 'merge', commit: 'f', files: 1 })
  }
  here.client.report('more0001', snapshotOf(1, 'later', { atMs: here.client.nowMs + 1 }))
  await here.forecasts.outlook({}, never)
  expect(here.asked.map((works) => works.map(({ session }) => session))).toEqual([['done0001', 'more0001']])
})

test('a worktree that is gone, or whose session ended, stands for its newest snapshot and is not read', async () => {
  const here = new World().worktree('ends0001').worktree('here0001')
  here.client.report('ends0001', snapshotOf(1, 'kept')).command('ends0001', { type: 'end' })
  await here.forecasts.outlook({}, never)
  expect(here.read).toEqual(['/w/here0001/shop'])
  expect(here.asked[0]?.[0]).toMatchObject({ session: 'ends0001', tree: 'kept', head: null, base })
})

test('only trees of which a hint came are read again, and git is asked only where one has changed', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001').worktree('cccc0001')
  await here.forecasts.outlook(some('aaaa0001'), never)
  expect(here.read.toSorted()).toEqual(['/w/aaaa0001/shop', '/w/bbbb0001/shop', '/w/cccc0001/shop'])
  here.clear()
  const before = await here.forecasts.outlook(some('bbbb0001'), never)
  expect([here.read, here.asked]).toEqual([['/w/bbbb0001/shop'], []])
  here.trees.set('/w/bbbb0001/shop', 'other')
  const after = await here.forecasts.outlook(some('bbbb0001'), never)
  expect(here.asked).toHaveLength(1)
  expect(before.forecasts).toEqual(after.forecasts)
  here.clear()
  const places = here.places
  await here.forecasts.outlook(some('bbbb0001'), never)
  expect(here.places).toBe(places)
})

test('a query reads every tree, of one repository or of all', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001').inPlace('pppp0001', '/r/site/sub')
  expect((await here.forecasts.outlook({ cwd: '/r/site' }, never)).forecasts.map(({ repository }) => repository)).toEqual(['/r/site'])
  expect(here.read).toEqual(['/r/site'])
  await here.forecasts.outlook({}, never)
  here.clear()
  expect((await here.forecasts.outlook({}, never)).forecasts.map(({ repository }) => repository).toSorted()).toEqual(['/r/shop', '/r/site'])
  expect([here.read.length, here.asked.length]).toEqual([3, 0])
  expect(await here.forecasts.outlook({ cwd: '/plain/x' }, never)).toEqual({ forecasts: [], unknown: new Set() })
})

test('after a hint a repository with one session costs nothing, and one without a hint is left as it was found', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001').inPlace('pppp0001', '/r/site').inPlace('qqqq0001', '/r/site')
  const first = await here.forecasts.outlook(some('aaaa0001'), never)
  expect([first.forecasts.map(({ repository }) => repository), [...first.unknown]]).toEqual([['/r/shop'], ['pppp0001', 'qqqq0001']])
  expect(here.read.toSorted()).toEqual(['/w/aaaa0001/shop', '/w/bbbb0001/shop'])
  await here.forecasts.outlook(some('pppp0001'), never)
  here.clear()
  const third = await here.forecasts.outlook(some('pppp0001'), never)
  expect([third.forecasts.length, third.unknown.size, here.asked.length]).toEqual([2, 0, 0])
  here.client.command('bbbb0001', { type: 'remove' })
  here.clear()
  const last = await here.forecasts.outlook(some('bbbb0001'), never)
  expect([last.forecasts.map(({ repository }) => repository), last.unknown.size, here.read, here.asked]).toEqual([['/r/site'], 0, [], []])
})

test('sessions in one tree are read once, with the files that each is known to have touched', async () => {
  const here = new World().inPlace('aaaa0001').inPlace('bbbb0001', '/r/shop/sub')
  const changes = (...paths: readonly string[]) => paths.map((path) => ({ path, added: 1, removed: 0 }))
  here.client.report('aaaa0001', {
    type: 'entry',
    entryId: '1.1',
    entry: { kind: 'tool', title: 't', toolKind: 'edit', status: 'completed', changes: changes('/r/shop/x.ts', 'y.ts', '/elsewhere/z.ts') },
  })
  here.client.report('bbbb0001', {
    type: 'entry',
    entryId: '1.1',
    entry: { kind: 'tool', title: 't', toolKind: 'edit', status: 'completed', changes: changes('y.ts', '/r/shop/x.ts') },
  })
  await here.forecasts.outlook({}, never)
  expect(here.read).toEqual(['/r/shop'])
  expect(here.asked[0]?.map(({ touched }) => touched)).toEqual([
    ['x.ts', 'y.ts'],
    ['sub/y.ts', 'x.ts'],
  ])
})

test('a tree that cannot be read is told of and is no trouble of the others', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001').worktree('cccc0001')
  here.broken.add('/w/bbbb0001/shop')
  const { unknown } = await here.forecasts.outlook({}, never)
  expect([[...unknown], here.asked[0]?.map(({ session }) => session), here.warnings.length]).toEqual([['bbbb0001'], ['aaaa0001', 'cccc0001'], 1])
})

test('what was remembered and is gone from the repository is read again', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001')
  await here.forecasts.outlook({}, never)
  here.trees.set('/w/aaaa0001/shop', 'new')
  let fails = 1
  const found = here.found
  here.found = (works) => {
    if (fails-- > 0) throw new Error('missing object')
    return found(works)
  }
  here.clear()
  const { unknown } = await here.forecasts.outlook(some('aaaa0001'), never)
  expect([unknown.size, here.read.length, here.asked.length]).toEqual([0, 3, 2])
})

test('whoever changed its tree last, as was seen or as its facts say, wrote later', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001')
  await here.forecasts.outlook({}, never)
  here.client.nowMs += 5000
  here.trees.set('/w/aaaa0001/shop', 'new')
  await here.forecasts.outlook(some('aaaa0001', 'bbbb0001'), never)
  const wrote = new Map(here.forecasts.overlapping().map(({ id, wroteAtMs }) => [id, wroteAtMs]))
  expect(wrote.get('aaaa0001')).toBeGreaterThan(wrote.get('bbbb0001') ?? Infinity)
})

test('which of these files others have changed is known without asking anybody', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001')
  here.client.command('bbbb0001', { type: 'label', label: 'api' })
  expect(here.forecasts.alsoChanged('aaaa0001', ['/w/aaaa0001/shop/a.ts'])).toEqual([])
  await here.forecasts.outlook({}, never)
  here.clear()
  expect(here.forecasts.alsoChanged('aaaa0001', ['/w/aaaa0001/shop/a.ts', '/w/aaaa0001/shop/sub/own.ts', '/etc/a.ts'])).toEqual([
    { session: 'bbbb0001', label: 'api', paths: ['a.ts'] },
  ])
  expect(here.forecasts.alsoChanged('aaaa0001', ['a.ts'])).toEqual([])
  expect([here.read, here.asked]).toEqual([[], []])
})

test('trees are watched as long as two have work in their repository, those that are read alone', async () => {
  const here = new World().worktree('aaaa0001').inPlace('gone0001', '/r/other')
  await here.forecasts.outlook({}, never)
  expect([...here.watched.keys()]).toEqual([])
  here.worktree('bbbb0001').worktree('ends0001').inPlace('pppp0001')
  here.client.report('ends0001', snapshotOf(1, 'kept')).command('ends0001', { type: 'end' })
  await here.forecasts.outlook(some('bbbb0001'), never)
  expect([...here.watched.keys()].toSorted()).toEqual(['/r/shop', '/w/aaaa0001/shop', '/w/bbbb0001/shop'])
  for (const id of ['bbbb0001', 'pppp0001', 'ends0001']) here.client.command(id, { type: 'remove' })
  await here.forecasts.outlook(some('bbbb0001'), never)
  expect([...here.watched.keys()]).toEqual([])
})

test('who works in a tree that was written in is told of; after a start, who was at work meanwhile', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001')
  await here.forecasts.outlook({}, never)
  const end = new AbortController()
  const told = here.forecasts.touched(end.signal)
  const next = async (): Promise<string | undefined> => (await told.next()).value ?? undefined
  expect([await next(), await next()]).toEqual(['aaaa0001', 'bbbb0001'])
  expect(here.delays).toEqual([10_000])
  const waiting = next()
  here.watched.get('/w/bbbb0001/shop')?.()
  expect(await waiting).toBe('bbbb0001')
  const none = told.next()
  end.abort()
  await expect(none).rejects.toThrow(/aborted/)
})

test('a branch that has moved on is asked about anew, and where a work conflicts with it is told', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001')
  await here.forecasts.outlook({}, never)
  here.clear()
  here.tip = 'c'.repeat(40)
  here.onBranch = ['a.ts']
  const { forecasts } = await here.forecasts.outlook(some('aaaa0001'), never)
  expect(here.asked[0]?.map(({ target }) => target)).toEqual([here.tip, here.tip])
  expect(forecasts[0]?.sessions.map(({ branch }) => branch)).toEqual(Array.from({ length: 2 }, () => ({ name: 'main', paths: ['a.ts'] })))
  expect(forecasts[0]?.order.map(({ id }) => id)).toEqual(['aaaa0001', 'bbbb0001'])
})

test('one that is alone is compared when something came to its branch, and else is not even read', async () => {
  const here = new World().worktree('aaaa0001')
  await here.forecasts.outlook(some('aaaa0001'), never)
  expect(here.read).toEqual([])
  here.tip = 'c'.repeat(40)
  here.onBranch = ['a.ts']
  const { forecasts } = await here.forecasts.outlook(some('aaaa0001'), never)
  expect(forecasts[0]?.sessions[0]?.branch?.paths).toEqual(['a.ts'])
})

test('a work that took along what was not committed has no branch to be compared with', async () => {
  const here = new World()
    .worktree('aaaa0001')
    .worktree('carr0001', { worktree: { repository: '/r/shop', path: '/w/carr0001/shop', below: 'sub', branch: 'b', base, from: 'main', carries: { untracked: [] } } })
  await here.forecasts.outlook({}, never)
  expect(here.asked[0]?.map(({ target }) => target)).toEqual([base, undefined])
})

test('in place, what changed after a session came to rest is not its own', async () => {
  const here = new World().inPlace('pppp0001').worktree('aaaa0001')
  here.client.endTurn('pppp0001')
  here.client.report('pppp0001', snapshotOf(2, 'left'))
  await here.forecasts.outlook({}, never)
  expect(here.asked[0]?.find(({ session }) => session === 'pppp0001')?.until).toBe('left')
  here.client.command('pppp0001', { type: 'prompt', text: 'go on' })
  await here.forecasts.outlook(some('pppp0001'), never)
  expect(here.asked[1]?.find(({ session }) => session === 'pppp0001')?.until).toBe(undefined)
})

test('what landed and was kept once more as it was counts no more', async () => {
  const here = new World().worktree('land0001').worktree('aaaa0001')
  here.client.report('land0001', snapshotOf(1, 'done'))
  here.client.command('land0001', { type: 'land', land: { into: 'main', how: 'merge', checks: false } })
  here.client.report('land0001', { type: 'landed', into: 'main', how: 'merge', commit: 'f', files: 1 })
  here.client.report('land0001', snapshotOf(2, 'done', { atMs: here.client.nowMs + 1, why: 'turn-end' }))
  await here.forecasts.outlook({}, never)
  expect(here.asked.map((works) => works.map(({ session }) => session))).toEqual([['aaaa0001']])
  expect(here.client.session('land0001').tree.landed?.changedSince).toBe(undefined)
  here.client.report('land0001', snapshotOf(3, 'more', { atMs: here.client.nowMs + 2 }))
  await here.forecasts.outlook({}, never)
  expect(here.asked.at(-1)?.map(({ session }) => session)).toEqual(['aaaa0001', 'land0001'])
})

test('of repositories without any of those that may have changed git is asked nothing', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001').inPlace('lone0001', '/r/lone').inPlace('cccc0001', '/r/pair').inPlace('dddd0001', '/r/pair')
  await here.forecasts.outlook({}, never)
  here.tipsAsked = 0
  const { forecasts, unknown } = await here.forecasts.outlook(some('aaaa0001'), never)
  expect([here.tipsAsked, forecasts.length, unknown.size]).toEqual([1, 3, 0])
})

test('who is alone again is told of no files of one that is removed, and of no conflict with it', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001').inPlace('cccc0001', '/r/other')
  const files = [{ path: 'a.ts', kind: 'modified' as const, added: 2, removed: null }]
  here.found = (works) => ({
    works: works.map(({ session, tree }) => ({ session, tree, files, onBranch: [] })),
    pairs: works.length > 1 ? [{ sessions: ['aaaa0001', 'bbbb0001'], paths: ['a.ts'], shared: ['a.ts'] }] : [],
  })
  await here.forecasts.outlook({}, never)
  expect(here.forecasts.alsoChanged('aaaa0001', ['/w/aaaa0001/shop/a.ts'])).toHaveLength(1)
  here.client.command('bbbb0001', { type: 'remove' })
  await here.forecasts.outlook(some('bbbb0001'), never)
  expect(here.forecasts.alsoChanged('aaaa0001', ['/w/aaaa0001/shop/a.ts'])).toEqual([])
  const { forecasts } = await here.forecasts.outlook(some('cccc0001'), never)
  expect(forecasts.flatMap(({ conflicts }) => conflicts)).toEqual([])
})

test('a tree that cannot be read is told of ever more seldom', async () => {
  const here = new World().worktree('aaaa0001').worktree('bbbb0001')
  await here.forecasts.outlook({}, never)
  here.broken.add('/w/aaaa0001/shop')
  here.watched.get('/w/aaaa0001/shop')?.()
  for (let times = 0; times < 3; times += 1) await here.forecasts.outlook(some('aaaa0001'), never)
  here.delays.splice(0)
  here.watched.get('/w/aaaa0001/shop')?.()
  expect(here.delays).toEqual([40_000])
})
