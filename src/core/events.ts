// The facts: few, typed, numbered, durable. A public format: cases and fields are added, never changed; events of every released version fold for ever.

import type { NewsAbout, NoticeChannel } from './announcement.ts'
import type { RequestId, SessionId } from './ids.ts'
import type { Answer, Ask } from './requests.ts'
import type { Signal } from './signal.ts'
import type { CheckResult, LandHow, LinesChanged, ObjectId, Preparation, Snapshot, SnapshotWhy, TreePath, WorkspaceWish, Worktree } from './workspace.ts'

/** Who caused a fact. Nothing is ever recorded as `user` that a person did not do. */
export type Author = 'user' | 'agent' | 'offstage'

export type SessionKind = 'agent' | 'terminal'
export type DriverName = 'acp' | 'terminal' | 'command'

/** Everything that a start depends on, fixed at creation. Values of the environment are not in it. */
export interface LaunchSpec {
  readonly kind: SessionKind
  readonly driver: DriverName
  /** Name in the catalogue or configuration, `acp:COMMAND LINE`, or the program's name. */
  readonly agent: string
  /** The program and its arguments, as executed. */
  readonly argv: readonly string[]
  /** Executed instead by every later run, once its program has run: of an agent in a terminal, whose first prompt is in `argv` and is not said again. */
  readonly resumeArgv?: readonly string[]
  /** The first prompt is in `argv`. */
  readonly prompted?: true
  /** The conversation of the agent's own that its first run goes on with, by the agent's id of it. */
  readonly continues?: string
  /** Where it was started from; it works there unless it has a worktree. */
  readonly cwd: string
  /** As asked for. The engine decides when the session is created, and records what came of it as `worktree`. */
  readonly workspace?: WorkspaceWish
  /** With `workspace`: what is not committed is taken along into a worktree, tracked changes and these untracked files. */
  readonly carries?: { readonly untracked: 'all' | readonly TreePath[] }
  readonly worktree?: Worktree
  readonly preparation?: Preparation
  /** Commands, each run by `sh -c` when a turn has ended as done: where its programs start (`directoryOf`), and before landing at the same place in the merged tree. Not so with `checksIn`. */
  readonly checks?: readonly string[]
  /** From there to the folder of the project file that `checks` come from, where they are run: `../..`. Absent: there itself. */
  readonly checksIn?: string
  /** So often in a row is a failed check told to the agent, by this policy of the user's. Default 0. */
  readonly checkRetries?: number
  /** The project file that `setup` or `checks` come from, and the SHA-256 of what of it would be run: nothing of it is, unless the user trusts just that. */
  readonly trust?: { readonly file: string; readonly digest: string }
  readonly mode?: string
  readonly model?: string
  readonly size?: TerminalSize
  /** Of its programs, and of the commands that are run for it (0o022 is 18): that of the client that started it. Without it they have the daemon's. */
  readonly umask?: number
  /** What happens when a run of an agent is lost. Default `ask`. */
  readonly resume?: ResumePolicy
}

/** `ask`: it waits for the user. `auto`: the agent is started again, with its memory, and waits for the user then; nothing is sent. `never`: not even on request. */
export type ResumePolicy = 'ask' | 'auto' | 'never'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** A process that is really meant: a bare pid may have been given away again. */
export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of /proc/PID/stat (clock ticks since boot), 0 where the system has none. */
  readonly start: number
}

export type Exit = { readonly code: number } | { readonly signal: string; readonly outOfMemory?: boolean }

export type StopReason = 'end_turn' | 'max_tokens' | 'max_turn_requests' | 'refusal' | 'cancelled' | 'error'

export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number | null
}

export type ToolStatus = 'pending' | 'running' | 'completed' | 'failed'

export interface FileChange {
  readonly path: string
  readonly added: number
  readonly removed: number
  /** Its hunks as `diff -u` prints them, without the lines that name the files; cut at a few kB. Absent when only the counts are known. */
  readonly diff?: string
}

/** One thing that an agent said or did, as the transcript shows it. */
export type Entry =
  /** `continues`: the text goes on where the entry before it was cut, in the middle of one message. */
  | { readonly kind: 'message'; readonly text: string; readonly continues?: true }
  | { readonly kind: 'thought'; readonly text: string; readonly continues?: true }
  | {
      readonly kind: 'tool'
      readonly title: string
      /** As ACP names it: read, edit, delete, move, search, execute, think, fetch, switch_mode, other. */
      readonly toolKind: string
      readonly status: ToolStatus
      readonly paths?: readonly string[]
      readonly changes?: readonly FileChange[]
      /** What the tool printed or returned, cut at a few kB; the whole is in the byte log. */
      readonly output?: string
    }
  | { readonly kind: 'plan'; readonly steps: readonly { readonly text: string; readonly status: 'pending' | 'in_progress' | 'completed' }[] }

export interface AgentMode {
  readonly id: string
  readonly name: string
}

/** A setting of the agent's own besides mode and model. One that is on or off has the values `true` and `false`. */
export interface AgentOption {
  readonly id: string
  readonly name: string
  readonly description?: string
  readonly current: string
  readonly choices: readonly AgentMode[]
}

/** What the agent offers besides prompts. */
export interface AgentOffer {
  readonly modes?: readonly AgentMode[]
  readonly currentMode?: string
  readonly models?: readonly AgentMode[]
  readonly currentModel?: string
  readonly options?: readonly AgentOption[]
  readonly commands?: readonly { readonly name: string; readonly description: string }[]
}

export type Choosable = 'mode' | 'model'

/** `policy`: nobody asked; the session's resume policy says so, or there is room again for a run that had to wait. */
export type RunBecause = 'created' | 'prompt' | 'resume' | 'policy'

export type Event =
  | { readonly type: 'created'; readonly spec: LaunchSpec; readonly title: string; readonly label?: string }
  | { readonly type: 'labelled'; readonly label: string | null }
  | { readonly type: 'pinned'; readonly pinned: boolean }
  /** No channel tells of it, until it is not muted any more. */
  | { readonly type: 'muted'; readonly muted: boolean }
  /** `again`: the user sends once more what the agent has not taken; it goes before what waits. `because`: nobody typed it; a policy of the user's has Offstage tell the agent. */
  | { readonly type: 'prompt-queued'; readonly promptId: string; readonly text: string; readonly again?: true; readonly because?: 'check-failed' }
  | { readonly type: 'prompt-withdrawn'; readonly promptId: string }
  /** Durable before anything is started. `resumes` is the agent's own session id to go on with. */
  | { readonly type: 'run-starting'; readonly run: number; readonly because: RunBecause; readonly resumes?: string; readonly environmentNames: readonly string[] }
  | { readonly type: 'run-started'; readonly run: number; readonly keeper: ProcessIdentity; readonly child: ProcessIdentity }
  | { readonly type: 'run-not-started'; readonly run: number; readonly why: string }
  /** It runs but cannot be used (it does not speak its protocol, refuses a mode ...): the engine ends it. */
  | { readonly type: 'run-failed'; readonly run: number; readonly why: string }
  /** The daemon that held the environment is gone before the program was executed: a client must give one (`resume`). */
  | { readonly type: 'environment-missing'; readonly run: number }
  | {
      readonly type: 'agent-ready'
      readonly run: number
      readonly agentRef: string
      readonly how: 'new' | 'resumed' | 'loaded'
      readonly canResume: boolean
      readonly agentName?: string
      readonly agentVersion?: string
      readonly offer: AgentOffer
    }
  /** The machine has no room for it now (limits of the configuration): it is started as soon as there is. */
  | { readonly type: 'run-deferred'; readonly run: number; readonly why: string }
  /** The program is not read from, and so stands still when it writes: its output cannot be kept. */
  | { readonly type: 'held'; readonly run: number; readonly why: string }
  | { readonly type: 'released'; readonly run: number }
  /** No byte of it came for this long although its turn is open. */
  | { readonly type: 'fell-silent'; readonly run: number; readonly forMs: number }
  | { readonly type: 'spoke-again'; readonly run: number }
  /** Its turn is open and stands still until then, as the agent says itself (a rate limit); it goes on by itself. `untilMs` null: it does not know. */
  | { readonly type: 'paused'; readonly run: number; readonly untilMs: number | null; readonly why: string }
  | { readonly type: 'continued'; readonly run: number }
  | { readonly type: 'agent-offers'; readonly run: number; readonly offer: AgentOffer }
  /** The user wants this of the agent's own: `what` is mode, model or the id of one of its options. What the agent says of it comes as `agent-offers`, or as a note. */
  | { readonly type: 'chosen'; readonly run: number; readonly what: string; readonly value: string }
  /** `note`: what Offstage tells the agent besides, marked as its own words. */
  | { readonly type: 'turn-started'; readonly run: number; readonly turn: number; readonly promptId: string; readonly note?: string }
  /** A new entry, or a newer state of the entry with this id. */
  | { readonly type: 'entry-written'; readonly run: number; readonly entryId: string; readonly entry: Entry }
  | { readonly type: 'asked'; readonly run: number; readonly ask: Ask }
  /** `answer` has no values of secret fields; `secret` says that there were any. */
  | { readonly type: 'answered'; readonly requestId: RequestId; readonly answer: Answer; readonly secret?: boolean }
  /** A secret answer died with the daemon before it was delivered: the question is open again. */
  | { readonly type: 'request-reopened'; readonly requestId: RequestId }
  /** `withdrawn`: by the agent. `cancelled`: by an interrupt or stop. `superseded`: the session went on without it. */
  | { readonly type: 'request-closed'; readonly requestId: RequestId; readonly because: 'withdrawn' | 'cancelled' | 'superseded' | 'answered-in-prompt' }
  | { readonly type: 'interrupted'; readonly run: number; readonly turn: number }
  | { readonly type: 'turn-ended'; readonly run: number; readonly turn: number; readonly stopReason: StopReason; readonly message?: string; readonly usage?: Usage }
  | { readonly type: 'usage-reported'; readonly run: number; readonly usage: Usage }
  /** `given-back`: an idle agent's process goes until the next prompt; the session is as before. */
  | { readonly type: 'stop-asked'; readonly then: 'stopped' | 'archived' | 'removed' | 'given-back' }
  /** The program ended by itself or was ended; all output up to these offsets is in the log. */
  | {
      readonly type: 'run-exited'
      readonly run: number
      readonly exit: Exit
      readonly outEnd: number
      readonly errEnd: number
      readonly lines?: number
      readonly lastWords?: string
    }
  | { readonly type: 'run-lost'; readonly run: number; readonly cause: string }
  /** No process of the session is left: proven by a sweep. */
  | { readonly type: 'stopped'; readonly ended: number }
  | { readonly type: 'given-back' }
  | { readonly type: 'archived' }
  | { readonly type: 'removed' }
  | { readonly type: 'restored' }
  /** A client showed everything up to here: transcript entries, or lines of a terminal. */
  | { readonly type: 'shown'; readonly entries: number }
  /** The facts before this one were told again from the run folders. Ids of inputs are from now on sequence numbers plus `orderBase`, above all that a keeper may have. */
  | { readonly type: 'rebuilt'; readonly orderBase: number }
  | { readonly type: 'noted'; readonly run: number; readonly text: string }
  /** What the program of a terminal says of itself from now on: all of it, in the place of what was said before. */
  | { readonly type: 'signaled'; readonly run: number; readonly signal: Signal }
  /** The user was told by this channel, or was to be. `of` is a request's id, or what else tells this news from any other of the session. */
  | {
      readonly type: 'notified'
      readonly about: NewsAbout
      readonly of: string
      readonly channel: NoticeChannel
      readonly how: 'told' | 'failed' | 'suppressed'
      readonly detail?: string
    }
  /** Its tree is made, or made again from a snapshot: durable before anything of it is. No program of it runs before `workspace-ready`; with `start` one does then. `gone`: somebody else had deleted or moved it. */
  | { readonly type: 'workspace-preparing'; readonly from?: ObjectId; readonly start?: true; readonly gone?: true; readonly environmentNames?: readonly string[] }
  /** `base`: what its changes are counted from; null where there is no commit. */
  | {
      readonly type: 'workspace-ready'
      readonly base: ObjectId | null
      readonly ports: Readonly<Record<string, number>>
      /** Of one that is made again: its branch was not where it had left it, and stays as it is; HEAD is detached. */
      readonly detached?: true
      readonly setup?: { readonly ms: number; readonly output: string }
    }
  | { readonly type: 'workspace-failed'; readonly at: 'tree' | 'bring' | 'set-up'; readonly reason: string; readonly output?: string }
  /** Its worktree is gone from the disk. `snapshot`: the number of the one that holds all of it. `gone`: somebody else had deleted or moved it, and that is the newest there is; 0 where there is none. */
  | { readonly type: 'workspace-removed'; readonly snapshot: number; readonly branchKept: boolean; readonly gone?: true }
  /** It was to go and stays. */
  | { readonly type: 'workspace-kept'; readonly reason: string; readonly hint?: string }
  /** A command that Offstage runs itself: durable before it is. Numbers grow within the session; its output is in `runs/SESSION.steps/STEP`. */
  | { readonly type: 'step-started'; readonly step: number; readonly what: 'set-up' | 'check' | 'landing'; readonly command: string }
  | { readonly type: 'snapshot-asked' }
  | { readonly type: 'snapshot-taken'; readonly snapshot: Snapshot }
  /** Nothing of this moment can be brought back. */
  | { readonly type: 'snapshot-failed'; readonly why: SnapshotWhy; readonly turn: number; readonly reason: string }
  /** They go by age, as the user has configured it. */
  | { readonly type: 'snapshots-dropped'; readonly numbers: readonly number[] }
  | { readonly type: 'checks-started'; readonly turn: number }
  /** The session goes on before they were over. */
  | { readonly type: 'checks-cut-short'; readonly turn: number }
  /** `problem`: why they could not be run. */
  | { readonly type: 'checked'; readonly turn: number; readonly results: readonly CheckResult[]; readonly problem?: string }
  /** What is to be brought back; see the command. */
  | { readonly type: 'undo-asked'; readonly what: Undo }
  /** Durable before the first byte is written: the files that differ between these trees become those of `to`. `before`: the number of the snapshot of all as it was. */
  | { readonly type: 'undoing'; readonly before: number; readonly from: ObjectId; readonly to: ObjectId }
  /** `changed`: as of a snapshot. `inside`: repositories in it, and submodules, of which changes are not taken back. */
  | { readonly type: 'undone'; readonly before: number; readonly files: readonly TreePath[]; readonly changed?: LinesChanged; readonly inside?: readonly TreePath[] }
  | { readonly type: 'undo-failed'; readonly reason: string; readonly hint?: string; readonly paths?: readonly TreePath[] }
  | { readonly type: 'land-asked'; readonly land: Land }
  /** Durable before anything of the user's is touched: `ref` moves from `old` to `new`, and then the clean files of `tree` (where that branch is checked out) follow. */
  | { readonly type: 'landing'; readonly repository: string; readonly ref: string; readonly old: ObjectId; readonly new: ObjectId; readonly tree?: string }
  | {
      readonly type: 'landed'
      readonly into: string
      readonly how: LandHow
      readonly commit: ObjectId
      readonly files: number
      readonly results?: readonly CheckResult[]
      /** Files of the user's that did not follow: they were written to at that very moment, and stay as they are. */
      readonly left?: readonly TreePath[]
      /** `into` has not moved here: a pull request of the session's own branch was opened, whose newest commit this is. */
      readonly pullRequest?: true
      /** Where it was pushed to, or what became of it. */
      readonly published?: string
      /** It was to be pushed, and was not. */
      readonly unpublished?: true
    }
  | {
      readonly type: 'land-failed'
      readonly at: 'precondition' | 'conflict' | 'checks' | 'moved' | 'failed'
      readonly reason: string
      readonly hint?: string
      readonly paths?: readonly TreePath[]
      readonly results?: readonly CheckResult[]
    }
  /** With which other sessions its work cannot be merged as it is, all of them; none: with no one any more. `branch`: the one that it goes to has changed since, and conflicts with it. `note`: all that its agent is still to be told with its next prompt. */
  | {
      readonly type: 'conflicts-forecast'
      readonly with: readonly { readonly session: SessionId; readonly paths: readonly TreePath[] }[]
      readonly branch?: { readonly name: string; readonly paths: readonly TreePath[] }
      readonly note?: string
    }
  /** The raw bytes of these runs, this one and all before it, are removed by age or size. What the facts hold stays. */
  | { readonly type: 'output-dropped'; readonly run: number }

/** What of a session's changes is taken back. Nothing is lost: all is in a snapshot first. */
export type Undo =
  /** What these turns did (of the newest that changed anything, or of all), and nothing that was done since. `paths`: only there; folders too. */
  | { readonly kind: 'turns'; readonly turn: number | 'all'; readonly paths?: readonly TreePath[] }
  /** The files become those of this snapshot. */
  | { readonly kind: 'snapshot'; readonly n: number; readonly paths?: readonly TreePath[] }
  /** These hunks, counted from 0, of what lies between two trees in this file. */
  | { readonly kind: 'hunks'; readonly from: ObjectId; readonly to: ObjectId; readonly path: TreePath; readonly hunks: readonly number[] }

export interface Land {
  /** Short name of a branch. */
  readonly into: string
  readonly how: LandHow
  readonly checks: boolean
  /** Told to by the user, each time: pushed to the branch's remote, or as a pull request of its own branch. */
  readonly publish?: 'push' | 'pull-request'
  /** Of the commit that a squash makes, or of the merge. */
  readonly message?: string
}

export interface Envelope {
  readonly session: SessionId
  /** 1, 2, 3 ... within the session, without gaps. */
  readonly seq: number
  /** Grows over all sessions; may have gaps. */
  readonly cursor: number
  readonly atMs: number
  readonly by: Author
  /** The command that caused it, by the id its client gave it. */
  readonly command?: string
  readonly event: Event
}
