// The seam to whatever drives a model: conversations that are kept, turns of a model and its tools, compaction. Speaks of messages, tools, steering, cancel and sessions, and
// knows neither ACP nor permissions. pi/ implements it; nothing else imports pi.

import type { Refusal } from '../core/errors.ts'

export interface Picture {
  readonly mimeType: string
  /** Base64. */
  readonly bytes: string
}

export type Part = { readonly kind: 'text'; readonly text: string } | ({ readonly kind: 'picture' } & Picture)

export interface ToolResult {
  readonly text: string
  readonly pictures?: readonly Picture[]
  readonly failed: boolean
}

export interface ToolCall {
  readonly id: string
  readonly input: Readonly<Record<string, unknown>>
}

export interface Tool {
  readonly name: string
  /** For the model. */
  readonly description: string
  /** JSON Schema of an object. */
  readonly input: Readonly<Record<string, unknown>>
  /** Rejects only if the signal was aborted. */
  readonly run: (call: ToolCall, signal: AbortSignal) => Promise<ToolResult>
}

/** What is told while a turn goes on. */
export type Thought =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'thinking'; readonly text: string }
  | { readonly kind: 'compacting'; readonly state: 'begun' | 'done' | 'failed'; readonly why?: string }
  | { readonly kind: 'usage'; readonly usage: Usage }

export interface Usage {
  /** Tokens in the model's context, and how many it takes. */
  readonly context: number
  readonly window: number
  /** Of all turns. */
  readonly costUsd: number
}

export interface Spent {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedReadTokens: number
  readonly cachedWriteTokens: number
}

export interface TurnEnd {
  readonly how: 'done' | 'length' | 'refusal' | 'cancelled' | 'failed'
  /** For `refusal` and `failed`. */
  readonly why?: string
  readonly spent: Spent
}

/** A call of a model that went wrong, before it is tried again. */
export interface CallFailure {
  /** For `failureOf`. */
  readonly error: unknown
  /** How many in a row, from 1. */
  readonly attempt: number
}

/** What was said and done, to be told again. */
export type Remembered =
  | { readonly kind: 'user'; readonly parts: readonly Part[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'thinking'; readonly text: string }
  | { readonly kind: 'tool'; readonly call: ToolCall; readonly name: string; readonly result: ToolResult | undefined }

export interface ModelState {
  /** PROVIDER/MODEL */
  readonly id: string
  readonly takesPictures: boolean
  readonly thinkingLevels: readonly string[]
  readonly thinkingLevel: string
}

/** What a conversation needs of whoever holds it. */
export interface Surroundings {
  /** Asked for before every call of the model. */
  readonly instructions: () => string
  readonly tools: () => readonly Tool[]
  readonly think: (thought: Thought) => void
  /** A call that no tool was run for: there is no such tool, or its input does not fit. */
  readonly refused: (call: ToolCall, name: string, why: string) => Promise<void>
  /** Waits for as long as it takes; `stop` ends the turn as failed. */
  readonly recover: (failure: CallFailure, signal: AbortSignal) => Promise<'again' | 'stop'>
  /** No byte for so long counts as a failure. */
  readonly stallMs: number
}

export interface Thinker {
  readonly id: string
  readonly cwd: string
  readonly model: ModelState
  readonly title: string | undefined
  readonly usage: Usage
  setTitle(title: string): void
  setModel(id: string): Promise<Refusal | undefined>
  setThinkingLevel(level: string): void
  /** One turn: the model and its tools, until it has nothing more to do. Never rejects. */
  prompt(parts: readonly Part[], signal: AbortSignal): Promise<TurnEnd>
  /** Heard by the model before its next call of this turn. */
  steer(parts: readonly Part[]): void
  /** Makes a summary of what was said, which takes its place. */
  compact(signal: AbortSignal): Promise<Refusal | undefined>
  remembered(): readonly Remembered[]
  close(): void
}

export interface KeptSession {
  readonly id: string
  readonly cwd: string
  readonly title: string | undefined
  readonly updatedAt: Date
}

export interface Thinkers {
  create(cwd: string, modelId: string, around: Surroundings): Promise<Thinker | Refusal>
  /** With the model that it had, if that can still be reached. */
  open(id: string, cwd: string, modelId: string, around: Surroundings): Promise<Thinker | Refusal>
  /** A new one that begins with what was said in another. */
  fork(id: string, cwd: string, modelId: string, around: Surroundings): Promise<Thinker | Refusal>
  list(cwd: string | undefined, signal: AbortSignal): Promise<readonly KeptSession[]>
  /** False if there is none. */
  remove(id: string): Promise<boolean>
}
