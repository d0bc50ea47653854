// A session as clients see it: the object of the command line contract. Made from the state and the clock, never stored.

import type { DriverName, Exit, TerminalSize, Usage } from './events.ts'
import type { Field, Option, Request, RequestKind } from './requests.ts'
import { type Outcome, type Session, linesChanged } from './session.ts'
import { type SignalSource, foremost, signalRows } from './signal.ts'
import { directoryOf } from './place.ts'
import { type Derived, type Status, isNewcomer, statusOf } from './status.ts'
import type { SessionTree } from './tree.ts'
import type { CheckResult } from './workspace.ts'

export interface RequestView {
  readonly id: string
  readonly kind: RequestKind
  readonly title: string
  readonly detail: string | null
  readonly options: readonly Option[]
  readonly fields: readonly Field[]
  readonly askedAt: string
  readonly lost: boolean
}

/** Times are ISO 8601 UTC, durations milliseconds. */
export interface SessionView {
  readonly id: string
  readonly label: string | null
  readonly title: string
  readonly agent: string
  readonly kind: 'agent' | 'terminal'
  /** How it is spoken to: acp, terminal (a PTY) or command (pipes). */
  readonly driver: DriverName
  readonly cwd: string
  /** Where it works, and the branch that is its own. `base`: the commit that its changes are counted from. `state`: `none` in place. */
  readonly workspace: {
    readonly kind: 'in-place' | 'worktree'
    readonly path: string
    readonly branch: string | null
    readonly base: string | null
    /** It took along what was not committed: `base` has that too. */
    readonly carried: boolean
    /** Where it lands unless told otherwise. */
    readonly from: string | null
    readonly repository: string | null
    readonly state: SessionTree['state']
    readonly trouble: string | null
    readonly ports: Readonly<Record<string, number>>
    /** Number of the newest snapshot; 0: none. */
    readonly snapshots: number
    /** Why the newest moment is not kept, if it is not. */
    readonly unkept: string | null
  }
  /** Commands that Offstage runs when a turn has ended as done, and whether they run now. */
  readonly checks: readonly string[]
  readonly checking: boolean
  readonly landing: { readonly into: string } | null
  readonly landed: { readonly into: string; readonly commit: string; readonly files: number; readonly at: string; readonly changedSince: boolean } | null
  /** Why it did not land when it was to. */
  readonly landFailed: string | null
  /** Other sessions that its work cannot be merged with as it is. */
  readonly conflicts: readonly { readonly session: string; readonly paths: readonly string[] }[]
  /** The branch that it goes to, where that has changed since in a way that conflicts with it. */
  readonly branchConflict: { readonly name: string; readonly paths: readonly string[] } | null
  /** Of a program in a terminal: how often it has come to rest with something changed. */
  readonly turns: number
  /** What its directory belongs to: the repository's folder name, else the directory's own. `branch` is as of now; null where there is none, a short commit id where none is checked out. */
  readonly project: { readonly name: string; readonly branch: string | null }
  readonly pinned: boolean
  /** No notifications tell of it. */
  readonly muted: boolean
  readonly status: Status
  readonly reason: string
  readonly evidence: readonly string[]
  /** The last tool call or sentence, also one that is being said, one line. */
  readonly activity: string
  /** Steps of its newest plan. */
  readonly plan: { readonly done: number; readonly total: number } | null
  /** What it has changed: of a worktree as git counted it last, and what its tool calls say that came since. */
  readonly changes: { readonly files: number; readonly added: number; readonly removed: number } | null
  /** Of an open turn: since when no file was changed, and the tool call that it repeats, if it does. */
  readonly drift: { readonly unchangedSince: string; readonly repeats: { readonly title: string; readonly times: number; readonly since: string } | null } | null
  /** Of one whose status is paused: what its agent waits for, and until when, if it knows. */
  readonly paused: { readonly until: string | null; readonly why: string } | null
  readonly requests: readonly RequestView[]
  /** It waits for a prompt and nothing else, as whoever started it knows: nobody is called for that. */
  readonly newcomer: boolean
  readonly queued: number
  readonly outcome: (Outcome & { readonly checks: readonly CheckResult[] }) | null
  readonly createdAt: string
  readonly updatedAt: string
  readonly changedAt: string
  /** From creation to the end of the last run or turn, or to now. */
  readonly elapsedMs: number
  readonly unseen: number
  readonly entries: number
  readonly run: { readonly number: number; readonly pid: number | null; readonly alive: boolean } | null
  readonly exit: Exit | null
  readonly usage: Usage
  /** 0 to 100, as the program of a terminal says itself. */
  readonly progress: number | null
  /** Everything that the program of a live terminal says of itself, the most trusted first. What follows from it is the status. */
  readonly signals: readonly { readonly source: SignalSource; readonly value: string; readonly since: string }[]
  readonly mode: string | null
  /** Settings of its agent's own besides mode and model, by id: what each of them is. */
  readonly options: Readonly<Record<string, string>>
  readonly size: TerminalSize | null
  readonly archived: boolean
  readonly removed: boolean
  /** Bytes of this session never pass the wire when a client attaches: it speaks to this socket itself. */
  readonly attach: { readonly socket: string; readonly nonce: string } | null
}

/** What only the engine knows. */
export interface LiveFacts {
  /** Its keeper did not answer so far: nobody can vouch for what the log says of it. */
  readonly noSignal?: boolean
  /** Why it cannot be taken up again, which has been tried some times. Its program goes on. */
  readonly stuck?: string
  /** Why its output is not read, also when that cannot be recorded because no disk takes it. */
  readonly held?: string
  readonly entries?: number
  /** What is half said. */
  readonly saying?: string
  readonly project?: SessionView['project']
  readonly attach?: { readonly socket: string; readonly nonce: string }
}

const iso = (ms: number): string => new Date(ms).toISOString()

export const requestView = (request: Request): RequestView => ({
  id: request.id,
  kind: request.kind,
  title: request.title,
  detail: request.detail ?? null,
  options: request.options,
  fields: request.fields ?? [],
  askedAt: iso(request.askedAtMs),
  lost: request.lost,
})

/** What the log says, and what the engine knows better. */
function derivedFrom(session: Session, { noSignal, stuck, held }: LiveFacts): Derived {
  const last = statusOf(held === undefined || session.held !== null ? session : { ...session, held })
  const { status, evidence } = last
  if (stuck !== undefined) return { status, reason: `no signal: ${stuck}`, evidence: [`tried again and again; last known: ${last.reason}`, ...evidence] }
  if (noSignal) return { status, reason: `no signal; last known: ${last.reason}`, evidence: ['the keeper of its run does not answer', ...evidence] }
  return last
}

const folderName = (path: string): string => path.split('/').findLast((part) => part !== '') ?? path

/** The last line that says something, cut as other activities are. */
const lastLine = (text: string): string => {
  const end = text.trimEnd()
  return end
    .slice(end.lastIndexOf('\n') + 1)
    .trim()
    .slice(0, 200)
    .toWellFormed()
}

function workspaceOf({ spec, tree }: Session): SessionView['workspace'] {
  const { worktree } = spec
  return {
    kind: worktree ? 'worktree' : 'in-place',
    path: directoryOf(spec),
    branch: worktree?.branch ?? null,
    base: tree.base ?? worktree?.base ?? null,
    carried: worktree?.carries !== undefined,
    from: worktree?.from ?? null,
    repository: worktree?.repository ?? null,
    state: tree.state,
    trouble: tree.trouble,
    ports: tree.ports,
    snapshots: tree.dropped && tree.snapshot === null ? 0 : tree.snapshots,
    unkept: tree.unkept,
  }
}

function changesOf(session: Session): SessionView['changes'] {
  const { files, added, removed } = linesChanged(session)
  return files === 0 ? null : { files, added, removed }
}

const landedOf = ({ landed }: SessionTree): SessionView['landed'] =>
  landed && { into: landed.into, commit: landed.commit, files: landed.files, at: iso(landed.atMs), changedSince: landed.changedSince ?? false }

function driftOf({ turn, progress: { changedAtMs, row } }: Session): SessionView['drift'] {
  if (turn.kind === 'idle') return null
  return { unchangedSince: iso(changedAtMs), repeats: row && row.times > 1 ? { title: row.title, times: row.times, since: iso(row.sinceMs) } : null }
}

export function viewOf(session: Session, nowMs: number, live: LiveFacts = {}): SessionView {
  const { status, reason, evidence } = derivedFrom(session, live)
  const { process, progress } = session
  const entries = live.entries ?? session.entries
  const atRest = status === 'completed' || status === 'failed' || status === 'stopped'
  return {
    id: session.id,
    label: session.label,
    title: session.title,
    agent: session.spec.agent,
    kind: session.spec.kind,
    driver: session.spec.driver,
    cwd: session.spec.cwd,
    workspace: workspaceOf(session),
    checks: session.spec.checks ?? [],
    checking: session.tree.checking !== null,
    landing: session.tree.landing && { into: session.tree.landing.land.into },
    landed: landedOf(session.tree),
    landFailed: session.tree.landFailed,
    conflicts: session.tree.conflicts,
    branchConflict: session.tree.branchConflict ?? null,
    turns: session.spec.kind === 'terminal' ? session.tree.rests : session.turns,
    project: live.project ?? { name: folderName(session.spec.cwd), branch: null },
    pinned: session.pinned,
    muted: session.muted,
    status,
    reason,
    evidence,
    activity: lastLine(live.saying ?? '') || session.activity,
    plan: progress.plan,
    changes: changesOf(session),
    drift: driftOf(session),
    paused: status === 'paused' && session.paused ? { until: session.paused.untilMs === null ? null : iso(session.paused.untilMs), why: session.paused.why } : null,
    requests: session.requests.map(requestView),
    newcomer: status === 'waiting' && isNewcomer(session),
    queued: session.queue.length,
    outcome: session.outcome && { ...session.outcome, checks: session.outcome.checks ?? [] },
    createdAt: iso(session.createdAtMs),
    updatedAt: iso(session.updatedAtMs),
    changedAt: iso(session.changedAtMs),
    elapsedMs: Math.max(0, (atRest ? (session.endedAtMs ?? session.updatedAtMs) : nowMs) - session.createdAtMs),
    unseen: Math.max(0, entries - session.shown),
    entries,
    run: session.runs === 0 ? null : { number: session.runs, pid: process.kind === 'live' ? process.child.pid : null, alive: process.kind === 'live' },
    exit: session.exit,
    progress: session.signal ? (foremost(session.signal.signal)?.progress ?? null) : null,
    signals: session.signal ? signalRows(session.signal).map(({ source, value, sinceMs }) => ({ source, value, since: iso(sinceMs) })) : [],
    usage: session.usage ?? { inputTokens: 0, outputTokens: 0, costUsd: null },
    mode: session.offer.currentMode ?? session.spec.mode ?? null,
    options: Object.fromEntries((session.offer.options ?? []).map(({ id, current }) => [id, current])),
    size: session.spec.size ?? null,
    archived: session.archived,
    removed: session.removed,
    attach: live.attach ?? null,
  }
}
