// What may come in: commands of clients and reports of drivers and keepers. Decided upon in decide.ts.

import type { Delivery } from './announcement.ts'
import type { AgentOffer, Entry, Event, Exit, Land, LaunchSpec, ProcessIdentity, StopReason, Undo, Usage } from './events.ts'
import type { RequestId } from './ids.ts'
import type { Answer, Ask } from './requests.ts'
import type { Signal } from './signal.ts'

/** What a person, script or rule asks for. Every one of them may be sent twice with the same command id and counts once. */
export type Command =
  | { readonly type: 'create'; readonly spec: LaunchSpec; readonly title: string; readonly label?: string; readonly prompt?: string }
  | { readonly type: 'prompt'; readonly text: string }
  | { readonly type: 'answer'; readonly requestId: RequestId; readonly answer: Answer }
  /** Takes a prompt back that no turn has begun with. */
  | { readonly type: 'withdraw'; readonly promptId: string }
  /** `what`: mode, model, or the id of one of its agent's options. */
  | { readonly type: 'choose'; readonly what: string; readonly value: string }
  | { readonly type: 'pin'; readonly pinned: boolean }
  | { readonly type: 'mute'; readonly muted: boolean }
  | { readonly type: 'interrupt' }
  | { readonly type: 'stop' }
  | { readonly type: 'end' }
  | { readonly type: 'resume'; readonly answer?: { readonly requestId: RequestId; readonly answer: Answer } }
  | { readonly type: 'label'; readonly label: string }
  | { readonly type: 'remove' }
  | { readonly type: 'restore' }
  | { readonly type: 'undo'; readonly what: Undo }
  | { readonly type: 'land'; readonly land: Land }
  /** Takes a snapshot now. */
  | { readonly type: 'snapshot' }
  /** Runs the checks now, of a session at rest. */
  | { readonly type: 'check' }
  | { readonly type: 'show'; readonly entries: number }

/** What was observed of a run. One of an older run is refused. */
export type Report =
  | { readonly type: 'started'; readonly keeper: ProcessIdentity; readonly child: ProcessIdentity }
  | { readonly type: 'not-started'; readonly why: string }
  | { readonly type: 'failed'; readonly why: string }
  | { readonly type: 'environment-missing' }
  | {
      readonly type: 'ready'
      readonly agentRef: string
      readonly how: 'new' | 'resumed' | 'loaded'
      readonly canResume: boolean
      readonly agentName?: string
      readonly agentVersion?: string
      readonly offer: AgentOffer
    }
  | { readonly type: 'offers'; readonly offer: AgentOffer }
  | { readonly type: 'entry'; readonly entryId: string; readonly entry: Entry }
  | { readonly type: 'asks'; readonly ask: Ask }
  | { readonly type: 'withdraws'; readonly requestId: RequestId }
  /** `promptId` names the turn: the answer to a prompt that is not the open one is refused. */
  | { readonly type: 'turn-ended'; readonly promptId: string; readonly stopReason: StopReason; readonly message?: string; readonly usage?: Usage }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'paused'; readonly untilMs: number | null; readonly why: string }
  | { readonly type: 'continued' }
  | { readonly type: 'signals'; readonly signal: Signal }
  | { readonly type: 'answer-undelivered'; readonly requestId: RequestId }
  | { readonly type: 'exited'; readonly exit: Exit; readonly outEnd: number; readonly errEnd: number; readonly lines?: number; readonly lastWords?: string }
  | { readonly type: 'lost'; readonly cause: string }
  | { readonly type: 'deferred'; readonly why: string }
  /** There is room for a deferred run, or a lost one is to be started again by policy. */
  | { readonly type: 'may-start' }
  | { readonly type: 'held'; readonly why: string }
  | { readonly type: 'released' }
  | { readonly type: 'silent'; readonly forMs: number }
  | { readonly type: 'spoke' }
  /** Nothing was asked of it for long enough to give its process back. */
  | { readonly type: 'idle' }
  /** No process of the session is left. */
  | { readonly type: 'swept'; readonly ended: number }
  | { readonly type: 'note'; readonly text: string }
  /** The user was told of something, or was to be. Of the session, whatever its run. */
  | ({ readonly type: 'notified' } & Delivery)
  /** Its raw bytes are about to be removed. */
  | { readonly type: 'drop-output' }
  /** A question of Offstage's own about its tree (`ask.about`): may what the project says be run, what is to come of a snapshot that failed or of a conflict? Asked once by its id. */
  | { readonly type: 'asks-about'; readonly ask: Ask }
  | WorkspaceReport

/** What came of something that the engine did in a session's tree, recorded as it is. Of the session, whatever its run. */
export type WorkspaceReport = Extract<
  Event,
  {
    readonly type:
      | 'workspace-ready'
      | 'workspace-failed'
      | 'workspace-removed'
      | 'workspace-kept'
      | 'step-started'
      | 'snapshot-taken'
      | 'snapshot-failed'
      | 'snapshots-dropped'
      | 'checked'
      | 'undoing'
      | 'undone'
      | 'undo-failed'
      | 'landing'
      | 'landed'
      | 'land-failed'
      | 'conflicts-forecast'
  }
>

export type Input =
  /** `treeGone`: the engine has found nothing at the place of its worktree, and it is not Offstage that removed it. */
  | { readonly kind: 'command'; readonly id: string; readonly command: Command; readonly environmentNames?: readonly string[]; readonly treeGone?: true }
  | { readonly kind: 'report'; readonly run: number; readonly report: Report }
