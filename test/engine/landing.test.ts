// The queue of landings, against trees that only say what they were asked.

import { expect, test } from 'vitest'
import type { Land } from '../../src/core/events.ts'
import type { CheckResult } from '../../src/core/workspace.ts'
import { type Landing, type LandingDeps, type LandingReport, LandingQueue, planLanding } from '../../src/engine/landing.ts'
import { WorkspaceFailed } from '../../src/workspace/workspaces.ts'

const never = new AbortController().signal
const land: Land = { into: 'main', how: 'merge', checks: true }
const good: CheckResult = { command: 'test', exitCode: 0, ms: 1, output: '' }
const bad: CheckResult = { ...good, exitCode: 1 }
const going = { type: 'landing', repository: '/user', ref: 'refs/heads/main', old: 'o', new: 'n', tree: '/user' } as const

const landingOf = (session: string, repository = '/user', checks: readonly string[] = ['test']): Landing => ({
  session,
  title: `title of ${session}`,
  directory: `/trees/${session}`,
  worktree: { repository, path: `/trees/${session}`, below: '', branch: `offstage/${session}`, base: 'base', from: 'main' },
  base: 'base',
  checks,
})

type Trees = LandingDeps['workspaces']

/** A branch whose commits are numbers; what is asked is written down. */
function world(more: Partial<Trees> = {}, given: Partial<LandingDeps> = {}) {
  const said: string[] = []
  const reports: (LandingReport & { readonly session: string })[] = []
  let main = 0
  const trees: Trees = {
    repositoryAt: async (top) => ({ top, common: `${top}/.git`, bare: false, below: '', branch: 'main', head: 'h' }),
    treeOfBranch: async (repository) => repository,
    mergeFor: async ({ session, message }) => {
      said.push(`merge ${session} on ${main}: ${message.split('\n')[0]}`)
      return { kind: 'merged', commit: String(main + 1), old: String(main), ref: 'refs/heads/main', files: 2, tip: `tip of ${session}` }
    },
    previewMerge: async () => ({ old: '0', tree: 'tree', ahead: 2, behind: 3, uncommitted: ['a'], conflicts: [], against: [] }),
    temporaryTree: async (_, commit) => {
      said.push(`tree of ${commit}`)
      return { path: `/tmp/${commit}`, remove: async () => void said.push(`no tree of ${commit}`) }
    },
    mayFollow: async (tree) => void said.push(`may ${tree} follow`),
    moveBranch: async ({ new: commit, reflog, going: again }) => {
      main = Number(commit)
      said.push(`move to ${commit}${again ? ' again' : ''} (${reflog})`)
      return { moved: true, left: [] }
    },
    mayPublish: async () => {},
    publish: async ({ how, branch }) => `${how} of ${branch}`,
    compare: async () => ({ files: [{ path: 'a', kind: 'modified', added: 3, removed: 1 }] }),
    treeNow: async () => ({ tree: 'now', head: null, common: '' }),
    ...more,
  }
  const queue = new LandingQueue({ patienceMs: [0, 0] })
  const deps = (session: string): LandingDeps => ({
    workspaces: trees,
    report: async (report) => {
      said.push(`${session} ${report.type}`)
      reports.push({ ...report, session })
    },
    runSteps: async (tree) => {
      said.push(`check ${tree}`)
      return { results: [good] }
    },
    snapshot: async (tree) => void said.push(`snapshot of ${tree}`),
    closing: never,
    ...given,
  })
  return {
    said,
    reports,
    ends: () => reports.filter(({ type }) => type !== 'landing'),
    land: (session: string, one: Partial<Land> = {}, signal = never, of = landingOf(session)) => queue.land(deps(session), of, { ...land, ...one }, undefined, signal),
    goOn: (session: string) => queue.land(deps(session), landingOf(session), land, going, never),
    plan: (of: Landing, wish: Parameters<typeof planLanding>[2] = {}) => planLanding({ workspaces: trees }, of, wish, never),
  }
}

const refuse = (kind: WorkspaceFailed['kind'], message: string) => async (): Promise<never> => {
  throw new WorkspaceFailed(kind, message, { hint: 'do that', paths: kind === 'refused' ? ['a'] : [] })
}

test('merged, checked as it would be, kept, written down, and only then moved', async () => {
  const { said, ends, land: start } = world()
  await start('s1')
  expect(said).toEqual([
    "merge s1 on 0: Merge branch 'offstage/s1'",
    'may /user follow',
    'tree of 1',
    'check /tmp/1',
    'no tree of 1',
    'snapshot of /user',
    's1 landing',
    'move to 1 (offstage: land s1)',
    's1 landed',
  ])
  expect(ends()).toEqual([{ session: 's1', type: 'landed', into: 'main', how: 'merge', commit: '1', files: 2, results: [good] }])
})

test('each is merged on top of those before it, in the order in which they were asked for', async () => {
  const { said, land: start } = world()
  await Promise.all([start('s1'), start('s2', { how: 'squash' }), start('s3', { how: 'squash', message: 'as told' })])
  expect(said.filter((line) => line.startsWith('merge'))).toEqual(["merge s1 on 0: Merge branch 'offstage/s1'", 'merge s2 on 1: title of s2', 'merge s3 on 2: as told'])
})

test('one that fails its checks is set aside with them, and the rest go on', async () => {
  const results = [[good], [bad], [good]]
  const { ends, land: start, said } = world({}, { runSteps: async () => ({ results: results.shift() ?? [] }) })
  await Promise.all([start('s1'), start('s2'), start('s3')])
  expect(ends().map((end) => [end.session, end.type, end.type === 'landed' ? end.commit : end.type === 'land-failed' && [end.at, end.results]])).toEqual([
    ['s1', 'landed', '1'],
    ['s2', 'land-failed', ['checks', [bad]]],
    ['s3', 'landed', '2'],
  ])
  expect(said.filter((line) => line.startsWith('no tree'))).toHaveLength(3)
})

test('the temporary tree goes also when the checks could not be run', async () => {
  const { ends, said, land: start } = world({}, { runSteps: async () => ({ results: [], problem: 'the set-up failed' }) })
  await start('s1')
  expect(said.at(-2)).toBe('no tree of 1')
  expect(ends()).toMatchObject([{ type: 'land-failed', at: 'checks', reason: 'the set-up failed' }])
})

test('without checks, none are run', async () => {
  const { said, land: start } = world()
  await start('s1', { checks: false })
  await start('s2', {}, never, landingOf('s2', '/user', []))
  expect(said.filter((line) => line.startsWith('check'))).toEqual([])
})

test('repositories do not wait for each other', async () => {
  const first = Promise.withResolvers<void>()
  const { ends, land: start } = world({
    treeOfBranch: async (repository) => {
      if (repository === '/user') await first.promise
      return undefined
    },
  })
  const slow = start('s1')
  await start('s2', {}, never, landingOf('s2', '/other'))
  expect(ends().map(({ session }) => session)).toEqual(['s2'])
  first.resolve()
  await slow
})

test('a conflict is told with its paths', async () => {
  const { ends, land: start } = world({ mergeFor: async () => ({ kind: 'conflict', paths: ['a', 'b'] }) })
  await start('s1')
  expect(ends()).toMatchObject([{ type: 'land-failed', at: 'conflict', paths: ['a', 'b'], reason: 'it conflicts with main' }])
})

test("what the user's tree refuses is told before the checks are run", async () => {
  const { ends, said, land: start } = world({ mayFollow: refuse('refused', 'in the way') })
  await start('s1')
  expect(ends()).toEqual([{ session: 's1', type: 'land-failed', at: 'precondition', reason: 'in the way', hint: 'do that', paths: ['a'] }])
  expect(said).not.toContain('tree of 1')
})

test('where the branch moved meanwhile it is merged and checked again, but not for ever', async () => {
  let times = 2
  const { said, ends, land: start } = world({ moveBranch: async () => ({ moved: (times -= 1) < 0, left: ['x'] }) })
  await start('s1')
  expect([said.filter((line) => line.startsWith('check')).length, ends()]).toMatchObject([3, [{ type: 'landed', left: ['x'] }]])
  const other = world({ moveBranch: async () => ({ moved: false, left: [] }) })
  await other.land('s1')
  expect(other.ends()).toMatchObject([{ type: 'land-failed', at: 'moved' }])
})

test('one that a former daemon died over goes on before those that wait, and is not merged again', async () => {
  const { said, ends, land: start, goOn } = world()
  await Promise.all([start('s1'), start('s2'), goOn('s3')])
  expect(ends().map(({ session }) => session)).toEqual(['s1', 's3', 's2'])
  expect(said).toContain('move to n again (offstage: land s3)')
  expect(ends()[1]).toMatchObject({ type: 'landed', commit: 'n', files: 1 })
})

test('one that had not moved yet, and cannot any more, begins anew', async () => {
  let first = true
  const { ends, goOn } = world({
    moveBranch: async () => {
      const moved = !first
      first = false
      return { moved, left: [] }
    },
  })
  await goOn('s1')
  expect(ends()).toMatchObject([{ type: 'landed', commit: '1' }])
})

test("another git's lock is waited for", async () => {
  let times = 2
  const { ends, land: start } = world({
    moveBranch: async () => {
      times -= 1
      if (times >= 0) throw new WorkspaceFailed('busy', 'locked')
      return { moved: true, left: [] }
    },
  })
  await start('s1')
  expect(ends()).toMatchObject([{ type: 'landed' }])
})

test('files that could not follow at once do later; or it is said that the branch has moved', async () => {
  let times = 1
  const { ends, land: start } = world({ moveBranch: async ({ going: again }) => ({ moved: true, left: [], ...((times -= 1) >= 0 || !again ? { behind: 'no space' } : {}) }) })
  await start('s1')
  expect(ends()).toMatchObject([{ type: 'landed' }])
  const other = world({ moveBranch: async () => ({ moved: true, left: [], behind: 'main has moved, and no space is left' }) })
  await other.land('s1')
  expect(other.ends()).toMatchObject([{ type: 'land-failed', at: 'failed', reason: 'main has moved, and no space is left' }])
})

test('nothing to bring is no failure, and moves nothing', async () => {
  const { said, ends, land: start } = world({ mergeFor: async () => ({ kind: 'merged', commit: 'x', old: 'x', ref: 'refs/heads/main', files: 0, tip: 't' }) })
  await start('s1')
  expect(ends()).toEqual([{ session: 's1', type: 'landed', into: 'main', how: 'merge', commit: 'x', files: 0 }])
  expect(said).toEqual(['may /user follow', 's1 landed'])
})

test('a push that fails is told; what landed stays landed', async () => {
  const { ends, land: start } = world({ publish: refuse('refused', 'no remote') })
  await start('s1', { publish: 'push' })
  await start('s2')
  expect(ends()).toMatchObject([
    { type: 'landed', published: 'not pushed: no remote (do that)', unpublished: true },
    { type: 'landed', commit: '2' },
  ])
})

test('a pull request leaves the branch here where it is; one that is not opened is a failure', async () => {
  const { ends, said, land: start } = world()
  await start('s1', { publish: 'pull-request' })
  expect(ends()).toMatchObject([{ type: 'landed', commit: 'tip of s1', pullRequest: true, published: 'pull-request of offstage/s1', results: [good] }])
  expect(said.filter((line) => /^(move|may)/.test(line))).toEqual([])
  const other = world({ publish: refuse('impossible', 'gh is not installed') })
  await other.land('s1', { publish: 'pull-request' })
  expect(other.ends()).toMatchObject([{ type: 'land-failed', at: 'failed', reason: 'gh is not installed' }])
})

test('where no snapshot can ever be taken it lands all the same; where one fails it does not', async () => {
  const { ends, land: start } = world({}, { snapshot: refuse('impossible', 'too large') })
  await start('s1')
  expect(ends()).toMatchObject([{ type: 'landed' }])
  const other = world({}, { snapshot: refuse('full', 'no space') })
  await other.land('s1')
  expect(other.ends()).toMatchObject([{ type: 'land-failed', at: 'failed', reason: 'no space' }])
})

test('stopped before it moves, nothing is reported; stopped afterwards, it comes to its end', async () => {
  const stop = new AbortController()
  const { reports, land: start } = world(
    {},
    {
      runSteps: async (_tree, _commands, signal) => {
        stop.abort(new Error('stopped'))
        signal.throwIfAborted()
        return { results: [] }
      },
    },
  )
  await expect(start('s1', {}, stop.signal)).rejects.toThrow('stopped')
  expect(reports).toEqual([])
  const late = new AbortController()
  let times = 1
  const other = world({
    moveBranch: async () => {
      late.abort(new Error('stopped'))
      return { moved: true, left: [], ...((times -= 1) >= 0 ? { behind: 'busy' } : {}) }
    },
  })
  await other.land('s1', { publish: 'push' }, late.signal)
  expect(other.ends()).toMatchObject([{ type: 'landed', published: 'push of main' }])
})

test('an error that nobody expected ends this landing, and the next one begins', async () => {
  const { ends, land: start } = world({
    mergeFor: async ({ session }) => {
      if (session === 's1') throw new TypeError('odd')
      return { kind: 'merged', commit: '1', old: '0', ref: 'refs/heads/main', files: 1, tip: 't' }
    },
  })
  await Promise.all([start('s1'), start('s2')])
  expect(ends()).toMatchObject([
    { type: 'land-failed', at: 'failed', reason: 'odd' },
    { session: 's2', type: 'landed' },
  ])
})

test('the plan says into what, how, with what, and what is against it', async () => {
  const { plan } = world({ mayFollow: refuse('refused', 'a.ts is edited') })
  const of = landingOf('s1')
  expect(await plan(of)).toEqual({
    session: 's1',
    into: 'main',
    how: 'merge',
    behind: 3,
    ahead: 2,
    uncommitted: 1,
    changes: { from: 'main', to: 'session s1', files: [{ path: 'a', kind: 'modified', added: 3, removed: 1 }], added: 3, removed: 1 },
    conflicts: [],
    checks: ['test'],
    against: ['a.ts is edited: do that'],
  })
  expect(await plan({ ...of, base: 'a snapshot' }, { into: 'next' })).toMatchObject({ how: 'squash', into: 'next' })
})

test('the plan of a pull request is not about the tree here, which it does not move', async () => {
  const { plan } = world({ mayFollow: refuse('refused', 'a.ts is edited'), treeOfBranch: refuse('refused', 'main is checked out twice') })
  expect((await plan(landingOf('s1'), { publish: 'pull-request' })).against).toEqual([])
  expect((await plan(landingOf('s1'), { publish: 'push' })).against).toEqual(['main is checked out twice: do that'])
})

test.each([
  ['push', 'main'],
  ['pull-request', 'offstage/s1'],
] as const)('that nothing could be published by a %s is in the plan', async (how, branch) => {
  const asked: unknown[] = []
  const { plan } = world({ mayPublish: async (of) => (asked.push(of), refuse('refused', 'there is no remote')()) })
  expect((await plan(landingOf('s1'), { publish: how })).against).toEqual(['there is no remote: do that'])
  expect(asked).toEqual([{ repository: '/user', branch, how, into: 'main' }])
  expect((await plan(landingOf('s1'))).against).toEqual([])
})

test('a pull request publishes nothing of the user that was not committed: neither planned nor done', async () => {
  const { ends, plan, said, land: start } = world()
  const of = { ...landingOf('s1'), base: 'a snapshot' }
  const why = 'session s1 began with changes of yours that were not committed, which a pull request of its branch would publish'
  expect((await plan(of, { publish: 'pull-request' })).against).toEqual([`${why}: bring in only what came after them: offstage land s1 --squash`])
  await start('s1', { publish: 'pull-request', how: 'squash' }, never, of)
  expect(ends()).toMatchObject([{ type: 'land-failed', at: 'precondition', reason: why }])
  expect(said).toEqual(['s1 land-failed'])
})

test('a plan without a branch to land in is refused', async () => {
  const { plan } = world({ repositoryAt: async () => undefined })
  const { worktree: _, ...of } = landingOf('s1')
  await expect(plan(of)).rejects.toMatchObject({ kind: 'refused', hint: 'offstage land s1 --into BRANCH' })
})
