// All that the driver knows of a run besides the unfinished line: plain JSON, so that it is the checkpoint as it stands.

import type { AgentOffer, Choosable, FileChange, ToolStatus, Usage } from '../../core/events.ts'
import type { RequestId } from '../../core/ids.ts'
import type { FileCall, Launch } from '../driver.ts'
import type { RpcId } from './rpc.ts'

export type How = 'new' | 'resumed' | 'loaded'

/** Where the handshake is; `id` is the JSON-RPC id whose response is awaited. */
export type Phase =
  | { readonly step: 'initialize'; readonly id: number }
  | { readonly step: 'open'; readonly id: number; readonly how: How }
  | { readonly step: 'authenticate'; readonly id: number; readonly how: How }
  /** A person has to say how to go on. */
  | { readonly step: 'asked' }
  /** `wanted`: absent where an older version began it, which knew of the spec's only. */
  | { readonly step: 'mode' | 'model'; readonly id: number; readonly how: How; readonly wanted?: string; readonly optionId?: string }
  /** An option is set as the user had it; `left` are to follow. */
  | { readonly step: 'option'; readonly id: number; readonly how: How; readonly option: string; readonly wanted: string; readonly left: readonly (readonly [string, string])[] }
  | { readonly step: 'ready' }
  /** The program cannot be used: nothing is read any more. */
  | { readonly step: 'gave-up' }

/** Something that is being said and is not an entry yet. Outside a turn it is written at once and may grow. */
export interface Half {
  readonly entryId: string
  readonly kind: 'message' | 'thought'
  messageId: string | null
  text: string
  /** It goes on where the entry before it was cut. */
  readonly continues?: true
  /** How often it was reported, and its length then. */
  writes: number
  written: number
}

export interface Tool {
  readonly callId: string
  readonly entryId: string
  title: string
  kind: string
  status: ToolStatus
  paths: readonly string[]
  changes: readonly FileChange[]
  output: string
  /** That `output` is of the raw output, which each update tells anew. */
  isRaw?: boolean
  /** The end of what it has printed so far. Dropped when the call is over. */
  tail?: string
  /** What a person who is asked for permission needs to see: the command, the diff, the input. Dropped when the call is over. */
  subject: string
}

interface Asked {
  readonly id: RequestId
  /** Offset of the end of the line that asked. */
  readonly at: number
  /** The order that answered it: the same order again gives the same send. */
  answeredBy: number | null
  /** A secret answer can die with the daemon, and the question is answered again then. */
  secret: boolean
}

export type AskedFor =
  | { readonly kind: 'permission'; readonly rpcId: RpcId; readonly reject: string | null }
  | { readonly kind: 'form'; readonly rpcId: RpcId; readonly only: { readonly name: string; readonly type: 'choice' | 'boolean' } | null }
  | { readonly kind: 'outside'; readonly callId: string }
  | { readonly kind: 'auth'; readonly how: How }
  | { readonly kind: 'forgotten' }
  /** The mode or model that it is to have cannot be had. */
  | { readonly kind: 'gone'; readonly step: Choosable; readonly how: How }
  /** A person is to open an address. */
  | { readonly kind: 'visit'; readonly rpcId: RpcId; readonly elicitationId: string; readonly place: string }
  /** A person has opened it. */
  | { readonly kind: 'visited'; readonly elicitationId: string }
  /** A turn was refused for want of a log-in. */
  | { readonly kind: 'log-in-again' }
  | { readonly kind: 'logged-in' }

export type Pending = Asked & AskedFor

/** A file call of the agent whose response was not sent. */
export interface OpenCall {
  readonly callId: string
  readonly rpcId: RpcId
  readonly operation: FileCall['operation']
  /** A person is asked whether it may leave the workspace. */
  asked: boolean
  /** Where it really leads outside the workspace, as the person was told. */
  place?: string
  /** The order that allowed it to leave the workspace, whose lane its response takes. */
  approvedBy: number | null
}

export interface AuthMethod {
  readonly id: string
  readonly name: string
  readonly description: string
  /** Not by a message: the person does it outside. */
  readonly byHand: boolean
}

/** A mode, a model or another option that the agent was told to take and has not answered. */
export interface Choice {
  readonly id: number
  readonly what: string
  readonly value: string
  readonly optionId?: string
}

export interface State {
  phase: Phase
  agentRef: string | null
  agent: { readonly name?: string; readonly version?: string }
  canLoad: boolean
  canResume: boolean
  canClose: boolean
  /** JSON-RPC id of `session/close`, as long as it is not answered. */
  closing: number | null
  /** JSON-RPC id of `authenticate` in the midst of a session, as long as it is not answered. */
  loggingIn: number | null
  authMethods: readonly AuthMethod[]
  /** Whole until it was reported as part of `ready`; afterwards only fingerprints of what was reported are kept. */
  offer: AgentOffer
  offered: Record<string, string>
  /** It has modes of the older kind, whose ids count. */
  ownModes: boolean
  /** The mode in which it is to be when it is ready, once that is settled. */
  settledMode: string | null
  /** Config options that stand for the mode and the model. */
  optionIds: { readonly [What in Choosable]?: string }
  /** Ids of its options that are on or off. */
  switches: readonly string[]
  choices: readonly Choice[]
  /** JSON-RPC id of the newest choice. */
  lastChoice: number
  turn: { readonly promptId: string; readonly id: number } | null
  /** JSON-RPC id of the newest prompt. */
  lastPrompt: number
  /** Offset where the last turn ended: what was asked before is settled. */
  turnEndedAt: number
  /** After session/load: the agent may still be repeating history, until it is given a prompt. */
  history: boolean
  half: Half | null
  entries: number
  tools: Tool[]
  /** Ids of tool calls of this turn that are over, so that a late update of one does not look like a new call. */
  pastTools: string[]
  plan: { readonly entryId: string; readonly fingerprint: string } | null
  usage: Usage
  /** Tokens in its context, as the agent says while it works. */
  contextTokens: number
  reportedUsage: string
  requests: Pending[]
  calls: OpenCall[]
  /** Output that was no JSON-RPC. */
  skippedBytes: number
  /** The first such line. */
  skipped: string | null
}

export const freshState = (launch: Launch): State => ({
  phase: { step: 'initialize', id: 2 * launch.seq },
  agentRef: null,
  agent: {},
  canLoad: false,
  canResume: false,
  canClose: false,
  closing: null,
  loggingIn: null,
  authMethods: [],
  offer: {},
  offered: {},
  ownModes: false,
  settledMode: null,
  optionIds: {},
  switches: [],
  choices: [],
  lastChoice: 0,
  turn: null,
  lastPrompt: 0,
  turnEndedAt: 0,
  history: false,
  half: null,
  entries: 0,
  tools: [],
  pastTools: [],
  plan: null,
  usage: { inputTokens: 0, outputTokens: 0, costUsd: null },
  contextTokens: 0,
  reportedUsage: '',
  requests: [],
  calls: [],
  skippedBytes: 0,
  skipped: null,
})

/** The state of a checkpoint. Fields that an older version did not know get their first value. */
export const restoredState = (launch: Launch, kept: unknown): State => ({ ...freshState(launch), ...(kept as Partial<State>) })
