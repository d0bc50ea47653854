// Whatever comes in, in whatever order: what always holds of a session and its tree. The engine's part is played by reports that may come late, twice, or not at all.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import type { Event, LaunchSpec } from '../../src/core/events.ts'
import type { Command, Input, Report } from '../../src/core/inputs.ts'
import { needsPreparing } from '../../src/core/place.ts'
import { recover } from '../../src/core/react.ts'
import { type Session, evolve, fold } from '../../src/core/session.ts'
import { statusOf, statuses } from '../../src/core/status.ts'
import { transcriptOf } from '../../src/core/transcript.ts'
import { isBeyond, isBusy } from '../../src/core/tree.ts'
import { viewOf } from '../../src/core/view.ts'
import type { CheckResult, Snapshot } from '../../src/core/workspace.ts'
import { Play, agentSpec, permission, ready } from './play.ts'

const commit = (digit: string): string => digit.repeat(40)

const worktree: LaunchSpec = {
  ...agentSpec,
  workspace: 'worktree',
  worktree: { repository: '/w/shop', path: '/h/worktrees/sess0001/shop', below: '', branch: 'offstage/sess0001', base: commit('a'), from: 'main' },
  preparation: { setup: 'make ready' },
  checks: ['make check'],
  checkRetries: 2,
  trust: { file: '/w/shop/.offstage.toml', digest: 'd'.repeat(64) },
}
const specs: readonly LaunchSpec[] = [worktree, { ...worktree, checkRetries: 0 }, agentSpec, { ...agentSpec, checks: ['make check'], checkRetries: 1 }]

const passed: CheckResult = { command: 'make check', exitCode: 0, ms: 5, output: '' }
const failed: CheckResult = { command: 'make check', exitCode: 2, ms: 5, output: 'no rule' }

type Step =
  /** `gone`: somebody has deleted its worktree, where there was one. */
  | { readonly do: 'command'; readonly command: Command; readonly gone: boolean }
  | { readonly do: 'report'; readonly make: (session: Session) => Report }
  | { readonly do: 'answer'; readonly nth: number }
  | { readonly do: 'go-on' }

const command = fc.constantFrom<Command>(
  { type: 'prompt', text: 'more' },
  { type: 'stop' },
  { type: 'end' },
  { type: 'remove' },
  { type: 'restore' },
  { type: 'resume' },
  { type: 'interrupt' },
  { type: 'snapshot' },
  { type: 'check' },
  { type: 'undo', what: { kind: 'turns', turn: 'all' } },
  { type: 'undo', what: { kind: 'snapshot', n: 1, paths: ['src'] } },
  { type: 'land', land: { into: 'main', how: 'squash', checks: true } },
)

const snapshotNext = ({ tree, turns }: Session, skip = 1): Report => {
  const snapshot: Snapshot = { n: tree.snapshots + skip, commit: commit('b'), tree: commit('c'), why: 'turn-end', turn: turns, atMs: 7 }
  return { type: 'snapshot-taken', snapshot }
}

const report = fc.constantFrom<(session: Session) => Report>(
  () => ({ type: 'workspace-ready', base: commit('a'), ports: { PORT: 20_001 } }),
  () => ({ type: 'workspace-failed', at: 'set-up', reason: 'the set-up failed', output: 'no rule' }),
  () => ({ type: 'workspace-failed', at: 'tree', reason: 'no worktree' }),
  ({ tree }) => ({ type: 'workspace-removed', snapshot: tree.snapshots, branchKept: false }),
  () => ({ type: 'workspace-kept', reason: 'a process works in it' }),
  ({ tree }) => ({ type: 'step-started', step: tree.steps + 1, what: 'check', command: 'make check' }),
  (session) => snapshotNext(session),
  (session) => snapshotNext(session, 0),
  () => ({ type: 'snapshot-failed', why: 'turn-end', turn: 1, reason: 'the disk is full' }),
  ({ tree }) => ({ type: 'snapshots-dropped', numbers: Array.from({ length: tree.snapshots }, (_, index) => index + 1) }),
  ({ turns }) => ({ type: 'checked', turn: turns, results: [passed] }),
  ({ turns }) => ({ type: 'checked', turn: turns, results: [passed, failed] }),
  ({ turns }) => ({ type: 'checked', turn: turns, results: [], problem: 'no environment' }),
  ({ tree }) => ({ type: 'undoing', before: tree.snapshots, from: commit('b'), to: commit('c') }),
  ({ tree }) => ({ type: 'undone', before: tree.snapshots, files: ['a'] }),
  () => ({ type: 'undo-failed', reason: 'in the way', paths: ['a'] }),
  () => ({ type: 'landing', repository: '/w/shop', ref: 'refs/heads/main', old: commit('a'), new: commit('d') }),
  () => ({ type: 'landed', into: 'main', how: 'squash', commit: commit('d'), files: 1 }),
  () => ({ type: 'land-failed', at: 'conflict', reason: 'it conflicts', paths: ['a'] }),
  () => ({ type: 'conflicts-forecast', with: [{ session: 'other001', paths: ['a'] }], note: 'Note from Offstage' }),
  () => ({ type: 'conflicts-forecast', with: [] }),
  ({ tree }) => ({ type: 'asks-about', ask: { ...permission, id: `trust00${tree.steps % 3}`, options: trustOptions, about: 'trust' } }),
  ({ turns }) => ({ type: 'asks-about', ask: { ...permission, id: `confl00${turns % 3}`, options: conflictOptions, about: 'conflict' } }),
  ({ runs }) => ({ type: 'lost', cause: `keeper ${runs}` }),
  () => ({ type: 'exited', exit: { code: 0 }, outEnd: 1, errEnd: 0 }),
  () => ({ type: 'asks', ask: permission }),
  () => ({ type: 'idle' }),
)

const trustOptions = (['once', 'always', 'without', 'stop'] as const).map((id) => ({ id, label: id, kind: id === 'stop' ? ('reject' as const) : ('allow' as const) }))
const conflictOptions = (['now', 'next', 'leave'] as const).map((id) => ({ id, label: id, kind: 'other' as const }))

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ do: 'go-on' } as const) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('command' as const), command, gone: fc.boolean() }) },
  { weight: 4, arbitrary: report.map((make) => ({ do: 'report', make }) as const) },
  { weight: 2, arbitrary: fc.nat(5).map((nth) => ({ do: 'answer', nth }) as const) },
)

const scenario = fc.record({ spec: fc.constantFrom(...specs), prompt: fc.boolean(), steps: fc.array(step, { maxLength: 60, size: 'max' }) })

/** What an orderly engine and agent would say next. */
function orderly(session: Session): Report | undefined {
  const { process, turn, tree, stopping } = session
  if (tree.state === 'preparing' && !stopping) return { type: 'workspace-ready', base: commit('a'), ports: {} }
  if (process.kind === 'starting') return { type: 'started', keeper: { pid: 1, start: 1 }, child: { pid: 2, start: 2 } }
  if (stopping && process.kind === 'live') return { type: 'exited', exit: { signal: 'SIGTERM' }, outEnd: 1, errEnd: 1 }
  if (stopping) return { type: 'swept', ended: 1 }
  if (tree.state === 'removing') return { type: 'workspace-removed', snapshot: tree.snapshots, branchKept: true }
  if (tree.undoing) return { type: 'undone', before: tree.snapshots, files: [] }
  if (tree.landing) return { type: 'landed', into: tree.landing.land.into, how: 'squash', commit: commit('d'), files: 1 }
  if (tree.checking !== null) return { type: 'checked', turn: tree.checking, results: [failed] }
  if (process.kind !== 'live') return undefined
  if (!process.ready) return ready
  return turn.kind === 'working' ? { type: 'turn-ended', promptId: turn.promptId, stopReason: 'end_turn' } : undefined
}

type Seen = { readonly before: Session | undefined; readonly input: Input; readonly made: readonly Event[]; readonly play: Play }

function playAll(one: { readonly spec: LaunchSpec; readonly prompt: boolean; readonly steps: readonly Step[] }, check: (seen: Seen) => void): Play {
  const play = new Play()
  const give = (input: Input | undefined): void => {
    if (!input) return
    const before = play.session
    const at = play.log.length
    const { decided } = play.submit(input)
    if (!isRefusal(decided)) check({ before, input, made: play.log.slice(at).map(({ event }) => event), play })
  }
  give(play.command({ type: 'create', spec: one.spec, title: 'a session', ...(one.prompt ? { prompt: 'begin' } : {}) }))
  for (const next of one.steps) {
    const { session } = play
    if (!session) continue
    const wasMade = session.spec.worktree !== undefined && session.tree.state === 'ready'
    if (next.do === 'command') give({ ...play.command(next.command), ...(next.gone && wasMade ? { treeGone: true } : {}) })
    else if (next.do === 'report') give(play.report(next.make(session)))
    else if (next.do === 'go-on') {
      const said = orderly(session)
      give(said && play.report(said))
    } else {
      const request = session.requests[next.nth % Math.max(1, session.requests.length)]
      const option = request?.options[next.nth % request.options.length]
      if (request && option) give(play.command({ type: 'answer', requestId: request.id, answer: { kind: 'option', optionId: option.id } }))
    }
  }
  return play
}

const always = (check: (seen: Seen) => void): void =>
  fc.assert(
    fc.property(scenario, (one) => void playAll(one, check)),
    { numRuns: process.env['SOAK'] === undefined ? 500 : 50_000 },
  )

test('replaying the log gives the live state, from any point of it', () => {
  fc.assert(
    fc.property(scenario, (one) => {
      const { log, session } = playAll(one, () => {})
      expect(fold(log)).toStrictEqual(session)
      const middle = Math.ceil(log.length / 2)
      expect(fold(log.slice(middle), JSON.parse(JSON.stringify(fold(log.slice(0, middle)))) as Session)).toEqual(session)
      expect(transcriptOf(log).lines.every((line) => line.kind !== 'notice' || line.text.trim() !== '')).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('every state has a status with a reason, and a view that survives JSON', () => {
  always(({ play }) => {
    if (!play.session) return
    const { status, reason } = statusOf(play.session)
    expect(statuses).toContain(status)
    expect(reason.trim()).not.toBe('')
    const view = viewOf(play.session, 10_000_000)
    expect(JSON.parse(JSON.stringify(view))).toStrictEqual(view)
  })
})

test('no program starts before its tree is ready, and no turn begins while something is done in the tree', () => {
  always(({ before, made, play }) => {
    let session = before
    for (const { event, ...envelope } of play.log.slice(play.log.length - made.length)) {
      const was = session
      session = evolve(session, { event, ...envelope })
      if (event.type === 'run-starting' && needsPreparing(session.spec)) expect(was?.tree.state).toBe('ready')
      if (event.type === 'turn-started') expect(was && isBusy(was.tree)).toBe(false)
    }
  })
})

test('what nobody typed is told the agent by policy only, and only so often in a row', () => {
  always(({ input, made, play }) => {
    for (const event of made) {
      if (event.type !== 'prompt-queued') continue
      expect(event.because === 'check-failed').toBe(input.kind === 'report')
      if (event.because) expect(play.session?.tree.checkFailures).toBeLessThanOrEqual(play.session?.spec.checkRetries ?? 0)
    }
    for (const { by, event } of play.log) if (event.type === 'prompt-queued') expect(by).toBe(event.because ? 'offstage' : 'user')
  })
})

test('what was asked for ends once, and nothing ends that was not asked for', () => {
  const pairs: readonly (readonly [Event['type'], readonly Event['type'][]])[] = [
    ['undo-asked', ['undone', 'undo-failed']],
    ['land-asked', ['landed', 'land-failed']],
    ['checks-started', ['checked', 'checks-cut-short', 'stopped']],
  ]
  always(({ play }) => {
    for (const [begins, ends] of pairs) {
      let open = 0
      for (const { event } of play.log) {
        if (event.type === begins) open += 1
        else if (ends.includes(event.type)) open = event.type === 'stopped' ? 0 : open - 1
        expect(open === 0 || open === 1).toBe(true)
      }
    }
  })
})

test('a new daemon goes on with what was under way, and with nothing else', () => {
  always(({ play: { session } }) => {
    if (!session) return
    const { tree } = session
    const kinds = recover(session).map(({ type }) => type)
    expect(kinds.includes('prepare-workspace')).toBe(tree.state === 'preparing')
    expect(kinds.includes('dispose-workspace')).toBe(tree.state === 'removing')
    expect(kinds.includes('check')).toBe(tree.checking !== null)
    expect(kinds.includes('undo')).toBe(tree.undoing !== null)
    expect(kinds.includes('land')).toBe(tree.landing !== null)
  })
})

test('a worktree goes only from a session that was removed or ended, and is made again before a program of it starts', () => {
  always(({ made, play }) => {
    const { session } = play
    if (!session) return
    // But for one of which retention has left no snapshot: it can be listed, and nothing of it starts.
    const isAway = session.removed || session.archived || isBeyond(session.tree)
    if (session.tree.state === 'removed' || session.tree.state === 'removing') expect(isAway).toBe(true)
    if (isBeyond(session.tree)) expect(made.filter(({ type }) => type === 'run-starting' || type === 'workspace-preparing')).toEqual([])
    const numbers = play.log.flatMap(({ event }) => (event.type === 'snapshot-taken' ? [event.snapshot.n] : []))
    expect(numbers.every((n, index) => index === 0 || n > (numbers[index - 1] ?? 0))).toBe(true)
  })
})

test('questions about the tree outlive the run, and are answered once', () => {
  always(({ play: { session } }) => {
    for (const { about, lost } of session?.requests ?? []) if (about !== undefined) expect(lost).toBe(false)
  })
})
