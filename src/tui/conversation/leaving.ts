// What a conversation is given, and how it is left.

import type { Forms } from '../kept-state.ts'
import type { SessionView } from '../../core/view.ts'

/** What is known of a session when it is left: for the few lines that say how to come back. */
export interface Known {
  readonly title: string
  readonly label: string | null
  /** What it asks, or does. */
  readonly doing: string
  readonly asks: boolean
  readonly over: boolean
  readonly filesChanged: number
  /** Prompts that the daemon has not taken yet. */
  readonly unsent: readonly string[]
}

export type Way =
  | { readonly how: 'bg'; readonly label?: string | undefined }
  | { readonly how: 'list' }
  | { readonly how: 'new' }
  | { readonly how: 'switched'; readonly to: SessionView }
  /** By its user: `text` says how that went. */
  | { readonly how: 'ended'; readonly text: string }
  /** What was to be started in front of the user cannot be executed. */
  | { readonly how: 'not-started'; readonly text: string }

export type Leaving = Way & {
  readonly session: SessionView
  readonly known: Known
  /** To be brought to the session by whoever is told of the leaving; nobody has done it. */
  readonly label?: string | undefined
}

export interface ConversationParts {
  readonly session: SessionView
  /** Everything, or a mark before what was not seen. */
  readonly from: 'start' | 'unseen'
  /** Called once, at once, whatever is under way. */
  readonly leave: (leaving: Leaving) => void
  /** What was being written here when it was left, and what is being written now. */
  readonly draft?: { readonly text: string; readonly keep: (text: string) => void }
  /** The same of what is asked here and half filled in. */
  readonly forms?: { readonly kept: Forms; readonly keep: (forms: Forms) => void }
  /** For a run that a prompt starts. */
  readonly environment: () => Promise<Readonly<Record<string, string>>>
  /** All keys, below these rows. */
  readonly help: (above: readonly string[]) => void
  readonly logs: () => void
  /** What was changed in its tree; `toolCalls` shows what the transcript says of it. */
  readonly review: (toolCalls: () => void) => void
  /** Its work, into a branch. */
  readonly land: () => void
  /** The session as somebody else follows it who knows what is no fact: its branch, and whether its keeper answers. */
  readonly newest?: () => SessionView | undefined
}
