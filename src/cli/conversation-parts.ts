// What a conversation is made of: where it is held, what may happen in it, and how it may end.

import type { Frame } from '../core/api.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import type { Paint } from '../text/format.ts'
import type { Mailbox } from './mailbox.ts'
import type { Sheet } from './narration.ts'
import type { Context } from './verb.ts'

/** Where a conversation is held: a terminal, or streams. */
export interface Surface extends Sheet {
  readonly interactive: boolean
  readonly columns: () => number
  doing(text: string): void
  hide(hidden: boolean): void
}

export interface ConversationParts {
  readonly context: Context
  readonly client: Client
  readonly session: SessionView
  readonly surface: Surface
  readonly paint: Paint
  /** Tell everything, or what was not seen. */
  readonly from: 'start' | 'unseen'
  readonly mailbox: Mailbox<Happening>
  /** For a run that a prompt starts. */
  readonly environment: () => Promise<Readonly<Record<string, string>>>
}

export type Happening =
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'watch-ended'; readonly cause: unknown }
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'interrupt' }
  /** Ctrl-D, or the terminal is gone, or a signal. */
  | { readonly kind: 'leave' }
  /** No more lines come from a pipe. */
  | { readonly kind: 'eof' }
  | { readonly kind: 'accepted'; readonly seq: number }
  | { readonly kind: 'failed'; readonly cause: unknown; readonly text?: string | undefined }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'over'; readonly ending: Ending }

export type Ending =
  | { readonly kind: 'left'; readonly label: string | undefined }
  | { readonly kind: 'ended'; readonly text: string }
  | { readonly kind: 'switched'; readonly to: SessionView }
  /** What was to be started in the foreground cannot be executed. */
  | { readonly kind: 'not-started'; readonly why: string }
  /** A pipe has no more lines and the agent is at rest. */
  | { readonly kind: 'rest' }
