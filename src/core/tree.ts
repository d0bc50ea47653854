// What becomes of a session's tree, as a part of its fold: made, kept by snapshots, checked, taken back, landed, removed.

import type { Event, Land, LaunchSpec, Undo } from './events.ts'
import type { SessionId } from './ids.ts'
import { needsPreparing } from './place.ts'
import type { CheckResult, LandHow, ObjectId, Snapshot, TreePath } from './workspace.ts'

export interface SessionTree {
  /** `ready`: programs may start. `removing`: it is kept by a snapshot and goes. */
  readonly state: 'none' | 'preparing' | 'ready' | 'failed' | 'removing' | 'removed'
  /** Of one that is made again: the snapshot's commit. */
  readonly from: ObjectId | null
  /** A program starts when it is ready. */
  readonly starts: boolean
  /** Why it failed, or why it was to go and stays. */
  readonly trouble: string | null
  /** What the user said about running what the project says. */
  readonly trusted: 'once' | 'always' | 'without' | null
  /** The user wants it to start although its set-up failed. */
  readonly withoutSetup: boolean
  /** What its changes are counted from. */
  readonly base: ObjectId | null
  readonly ports: Readonly<Record<string, number>>
  /** Number of the newest command that Offstage ran itself, and what it is, while it may run. */
  readonly steps: number
  readonly step: { readonly step: number; readonly what: 'set-up' | 'check' | 'landing'; readonly command: string } | null
  /** Number of the newest snapshot, and the newest and oldest ones. */
  readonly snapshots: number
  readonly snapshot: Snapshot | null
  readonly first: Snapshot | null
  /** Some of them went by age. */
  readonly dropped: boolean
  /** Of a program in a terminal: how often it has rested and something had changed. */
  readonly rests: number
  /** Somebody asked for one, and waits. */
  readonly wanted: boolean
  /** Why there is none of the newest moment that one was wanted of. */
  readonly unkept: string | null
  /** The turn whose checks run. */
  readonly checking: number | null
  /** Failed checks that the agent was told of, in a row. */
  readonly checkFailures: number
  readonly checked: { readonly turn: number; readonly results: readonly CheckResult[]; readonly problem: string | null } | null
  readonly undoing: { readonly what: Undo; readonly going: Extract<Event, { type: 'undoing' }> | null } | null
  readonly landing: { readonly land: Land; readonly going: Extract<Event, { type: 'landing' }> | null } | null
  /** `was`: its tree then, as far as it was kept. */
  readonly landed: {
    readonly into: string
    readonly how: LandHow
    readonly commit: ObjectId
    readonly files: number
    readonly atMs: number
    readonly was?: ObjectId
    readonly changedSince?: true
  } | null
  /** Why it did not land when it was to, since then. */
  readonly landFailed: string | null
  readonly conflicts: readonly { readonly session: SessionId; readonly paths: readonly TreePath[] }[]
  /** The branch that it goes to, where that has changed since in a way that conflicts with it. */
  readonly branchConflict: { readonly name: string; readonly paths: readonly TreePath[] } | null
  /** What Offstage tells the agent with its next prompt. */
  readonly note: string | null
  /** Of the command that created it, for its first run. */
  readonly environmentNames: readonly string[]
}

export const newTree: SessionTree = {
  state: 'none',
  from: null,
  starts: false,
  trouble: null,
  trusted: null,
  withoutSetup: false,
  base: null,
  ports: {},
  steps: 0,
  step: null,
  snapshots: 0,
  snapshot: null,
  first: null,
  dropped: false,
  rests: 0,
  wanted: false,
  unkept: null,
  checking: null,
  checkFailures: 0,
  checked: null,
  undoing: null,
  landing: null,
  landed: null,
  landFailed: null,
  conflicts: [],
  branchConflict: null,
  note: null,
  environmentNames: [],
}

/** The tree after a fact about it; the same where the fact says nothing of it. */
export function evolveTree(before: SessionTree, event: Event, atMs: number, spec: LaunchSpec): SessionTree {
  switch (event.type) {
    case 'workspace-preparing':
      return {
        ...before,
        state: 'preparing',
        from: event.from ?? null,
        starts: event.start ?? false,
        trouble: null,
        // It was about the tree that is gone.
        withoutSetup: before.withoutSetup && before.state !== 'removed' && event.gone === undefined,
        environmentNames: event.environmentNames ?? before.environmentNames,
      }
    case 'workspace-ready':
      return {
        ...before,
        state: 'ready',
        from: null,
        starts: false,
        trouble: event.detached ? movedOn(spec) : null,
        base: before.base ?? event.base,
        ports: event.ports,
        step: null,
      }
    case 'workspace-failed':
      return { ...before, state: 'failed', trouble: event.reason, step: null }
    case 'workspace-removed':
      return { ...before, state: 'removed', ports: {} }
    case 'workspace-kept':
      // One that was never made ready is not by staying.
      return { ...before, state: before.base !== null && before.from === null ? 'ready' : 'failed', trouble: event.reason }
    case 'step-started':
      return { ...before, steps: event.step, step: { step: event.step, what: event.what, command: event.command } }
    case 'snapshot-taken':
      // Before a landing it is the user's tree that is kept, in the session's name.
      if (event.snapshot.why === 'land') return { ...before, snapshots: event.snapshot.n }
      return {
        ...before,
        snapshots: event.snapshot.n,
        snapshot: event.snapshot,
        first: before.first ?? event.snapshot,
        rests: event.snapshot.why === 'turn-end' ? Math.max(before.rests, event.snapshot.turn) : before.rests,
        wanted: before.wanted && event.snapshot.why !== 'asked',
        unkept: null,
        landed: before.landed && event.snapshot.why === 'turn-end' && event.snapshot.tree !== before.landed.was ? { ...before.landed, changedSince: true } : before.landed,
      }
    case 'snapshots-dropped':
      return { ...before, dropped: true, snapshot: without(before.snapshot, event.numbers), first: without(before.first, event.numbers) }
    case 'snapshot-asked':
      return { ...before, wanted: true }
    case 'snapshot-failed':
      return { ...before, wanted: before.wanted && event.why !== 'asked', unkept: event.reason }
    case 'prompt-queued':
      return event.because === undefined ? { ...before, checkFailures: 0 } : { ...before, checkFailures: before.checkFailures + 1 }
    case 'turn-started':
      return { ...before, note: event.note === undefined ? before.note : null, checked: null }
    case 'checks-started':
      return { ...before, checking: event.turn, checked: null }
    case 'checks-cut-short':
      // Its command is still to be ended.
      return { ...before, checking: null }
    case 'turn-ended':
      return before.step && !isBusy(before) ? { ...before, step: null } : before
    case 'checked':
      return { ...before, checking: null, step: null, checked: { turn: event.turn, results: event.results, problem: event.problem ?? null } }
    case 'undo-asked':
      return { ...before, undoing: { what: event.what, going: null } }
    case 'undoing':
      return before.undoing ? { ...before, undoing: { ...before.undoing, going: event } } : before
    case 'undone':
    case 'undo-failed':
      return { ...before, undoing: null }
    case 'land-asked':
      return { ...before, landing: { land: event.land, going: null }, landFailed: null }
    case 'landing':
      return before.landing ? { ...before, landing: { ...before.landing, going: event } } : before
    case 'landed':
      return {
        ...before,
        landing: null,
        landFailed: null,
        step: null,
        landed: landedAs(before, event, atMs),
      }
    case 'land-failed':
      return { ...before, landing: null, step: null, landFailed: event.reason }
    case 'conflicts-forecast':
      return { ...before, conflicts: event.with, branchConflict: event.branch ?? null, note: event.note ?? null }
    case 'removed':
      return spec.worktree && (before.state === 'ready' || before.state === 'failed') ? { ...before, state: 'removing' } : before
    case 'stopped':
      return before.state === 'preparing'
        ? { ...before, state: 'failed', trouble: 'it was stopped while its tree was made', checking: null, step: null }
        : { ...before, checking: null, step: null }
    default:
      return before
  }
}

const without = (snapshot: Snapshot | null, numbers: readonly number[]): Snapshot | null => (snapshot && numbers.includes(snapshot.n) ? null : snapshot)

const movedOn = ({ worktree }: LaunchSpec): string => `its branch ${worktree?.branch ?? ''} has moved on, or is checked out elsewhere: HEAD is detached`

/** Its worktree is gone, and nothing is left of which it could be made again. */
export const isBeyond = ({ state, dropped, snapshot }: SessionTree): boolean => state === 'removed' && dropped && snapshot === null

function landedAs({ landed: before, snapshot }: SessionTree, { into, how, commit, files, pullRequest }: Extract<Event, { type: 'landed' }>, atMs: number): SessionTree['landed'] {
  if (pullRequest) return before
  const isAllThere = files === 0 && before?.into === into
  const was = snapshot ? { was: snapshot.tree } : {}
  return isAllThere ? { into, how: before.how, commit: before.commit, files: before.files, atMs, ...was } : { into, how, commit, files, atMs, ...was }
}

/** How its tree stands to a new program: undefined where one may start. */
export function notReady(tree: SessionTree, spec: LaunchSpec): 'preparing' | 'failed' | 'removing' | 'removed' | undefined {
  if (!needsPreparing(spec) || tree.state === 'ready' || tree.state === 'none') return undefined
  return tree.state
}

/** No turn may begin meanwhile. */
export const isBusy = ({ state, checking, undoing, landing }: SessionTree): boolean =>
  state === 'preparing' || state === 'removing' || checking !== null || undoing !== null || landing !== null

export const failedChecks = (results: readonly CheckResult[]): readonly CheckResult[] => results.filter(({ exitCode }) => exitCode !== 0)

export const checkText = ({ command, exitCode, signal }: CheckResult): string =>
  exitCode === 0 ? command : `${command} (${exitCode === null ? `killed by ${signal ?? 'a signal'}` : `exit code ${exitCode}`})`
