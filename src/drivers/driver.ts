// What every driver is: a reducer of one run's bytes. It is handed bytes and orders and returns what to report and what to send; it does no I/O, has no clock and
// no timer. So a driver that was restored from its checkpoint and is handed the same bytes again says exactly the same again.

import type { Draft } from '../core/api.ts'
import type { LaunchSpec } from '../core/events.ts'
import type { FileResult } from '../core/file-result.ts'
import type { Report } from '../core/inputs.ts'
import type { Order } from '../core/react.ts'
import type { Signal } from '../core/signal.ts'

/** An input for the program. Ids of one lane only grow; the keeper delivers each (lane, id) once. */
export interface Send {
  /** 1: because of a fact, id = its sequence number. 2: because of the program's own bytes, id = offset of the line's end. */
  readonly lane: 1 | 2
  readonly id: number
  readonly bytes: Uint8Array
  /** Its bytes are written nowhere. */
  readonly secret?: boolean
  /** Nobody waits for its delivery: if it is lost, nobody has answered. */
  readonly mayBeLost?: boolean
}

/** Something that only the engine can do for the agent; its result comes back through `Conversation.reply`. */
export interface FileCall {
  readonly callId: string
  /** A person allowed it for this place, which its path really led to when it was asked: there, and nowhere else, it may leave the workspace. */
  readonly approved?: string
  readonly operation:
    | { readonly kind: 'read'; readonly path: string; readonly line?: number; readonly limit?: number }
    | { readonly kind: 'write'; readonly path: string; readonly content: string }
}

export type { FileResult }

/** In order: reports before and after a send belong before and after it. */
export type Output =
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'send'; readonly send: Send }
  | { readonly kind: 'file'; readonly call: FileCall }
  | { readonly kind: 'draft'; readonly entryId: string; readonly draft: Draft['kind']; readonly from: number; readonly text: string; readonly continues?: true }
  /** The program asks where its cursor is, after exactly so many bytes: the engine asks the screen and answers on lane 2, with the offset as id. */
  | { readonly kind: 'cursor'; readonly offset: number; readonly extended: boolean }
  /** The program cannot be used: the engine ends the run, which then fails with this text. */
  | { readonly kind: 'give-up'; readonly why: string }

export interface Launch {
  readonly session: string
  readonly run: number
  readonly spec: LaunchSpec
  /** The agent's own session id to go on with. */
  readonly resumes?: string
  /** What its run before had last, which may be another one than the spec's. */
  readonly lastMode?: string
  readonly lastModel?: string
  /** Other options of the agent's own that the user has set, by id. */
  readonly lastOptions?: Readonly<Record<string, string>>
  /** Sequence number of `run-starting`: the id of the first send. */
  readonly seq: number
  /** The version that this program announces as its own. */
  readonly version: string
}

/** JSON. `outOffset` and `errOffset`: the first byte of each stream that is not contained in it. */
export interface Checkpoint {
  readonly outOffset: number
  readonly errOffset: number
  readonly state: unknown
}

/** One run as its driver understands it so far. Mutable, owned by one session actor. */
export interface Conversation {
  /** Bytes of one stream, in order, each exactly once since the checkpoint. Any cutting gives the same outputs in total (drafts excepted). */
  receive(stream: 'out' | 'err', offset: number, bytes: Uint8Array): readonly Output[]
  /** An order of the session; `seq` is the id of the send that comes of it. An order that means nothing to this program gives nothing. */
  order(seq: number, order: Order): readonly Output[]
  /** Of which order an input was made that the keeper logged (no bytes: it was secret). Calls that it answered are settled. Told in order with the bytes, in place of nothing:
   *  an order that comes of it is still to be given, and its sends are thrown away. Absent where no order makes an input. */
  recall?(lane: 1 | 2, id: number, bytes: Uint8Array | undefined): Order | undefined
  /** The result of a file call. */
  reply(callId: string, result: FileResult): readonly Output[]
  /** It was told that it is about to be ended, and has not said that it is ready for that. */
  readonly closing?: boolean
  /** File calls without a reply so far: the engine performs them again after a restart. */
  openCalls(): readonly FileCall[]
  /** Everything up to the end of both streams was received: what is still half said becomes an entry. */
  ended(): readonly Output[]
  /** Lines of output so far (terminal and command only). */
  lines(): number | undefined
  /** From this offset on what the program asks its terminal is answered; what lies before is history. Nothing is until this is told. */
  live?(from: number): void
  /** From this offset on so many terminals are attached that answer themselves. Told before any byte from there on is received, in order; none until this is told. */
  attended?(from: number, viewers: number): void
  /** What the program says of itself now (terminal only). The same object as long as nothing changes. */
  signal?(): Signal | undefined
  /** Somebody has looked at what it shows: what called for that is over. */
  looked?(): void
  /** The end of what it said on stderr, or of its output, for `run-exited`. Control characters are already neutralised. */
  lastWords(): string | undefined
  checkpoint(): Checkpoint
}

export interface Driver {
  /** How the keeper connects the program. */
  readonly mode: 'pty' | 'pipes'
  /** Its programs are interrupted by SIGINT, not by an input. */
  readonly interruptBySignal?: boolean
  /** A new run: the conversation and the first outputs. */
  begin(launch: Launch): { readonly conversation: Conversation; readonly outputs: readonly Output[] }
  /** The agent's own session id that this input, which the keeper logged, asked it to go on with. */
  resumed?(input: Uint8Array): string | undefined
  /** The conversation as it was when this checkpoint was taken. */
  restore(launch: Launch, checkpoint: Checkpoint): Conversation
}
