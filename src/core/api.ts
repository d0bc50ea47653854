// What every client sees and the engine implements: one interface for the CLI, the screens, the web and other machines.

import type { Envelope, Land, TerminalSize, Undo } from './events.ts'
import type { Command } from './inputs.ts'
import type { Refusal } from './errors.ts'
import type { SessionId } from './ids.ts'
import type { SessionView } from './view.ts'
import type { Changes, Forecast, LandHow, LandingPlan, ObjectId, Place, Snapshot, TreePath } from './workspace.ts'

export interface Submission {
  readonly session: SessionId
  /** Made by the client, 8 characters of a-z0-9. The same id submitted again counts once and gets the first reply. */
  readonly commandId: string
  readonly command: Command
  /** For `create`, `resume`, `prompt` and `restore`: the environment of a run or a set-up that this starts. With `check`, `land` and `answer` it is taken where that of its run is gone. Kept in memory only. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface Accepted {
  /** The session's last sequence number after it. */
  readonly seq: number
  readonly session: SessionView
}

/** Text that is being said right now and is not a fact yet: `text` follows what was sent for the same entry before, `from` is its place in UTF-16 units.
 *  `output`: what the tool call of this entry has printed so far, or the end of it; each one stands in the place of the one before. */
export interface Draft {
  readonly session: SessionId
  readonly entryId: string
  readonly kind: 'message' | 'thought' | 'output'
  readonly from: number
  readonly text: string
  /** It goes on where the entry before it was cut. */
  readonly continues?: true
}

export type Frame =
  | { readonly kind: 'fact'; readonly envelope: Envelope }
  | { readonly kind: 'draft'; readonly draft: Draft }
  /** Everything that was there when the watch began has been sent. */
  | { readonly kind: 'caught-up'; readonly cursor: number }

/** Of a watch over the list. */
export type ListFrame =
  /** As it is now. */
  | { readonly kind: 'session'; readonly session: SessionView }
  /** Every session was told once. */
  | { readonly kind: 'caught-up' }

export interface SearchQuery {
  /** Words, all of which must occur; the last may be the beginning of one. Quotes keep words together. */
  readonly text: string
  /** Most hits, 1 to 1000. */
  readonly limit: number
}

/** A place where it was said. Of one session at most a few. */
export interface Hit {
  readonly session: SessionId
  /** Of the fact that says it. */
  readonly seq: number
  readonly atMs: number
  readonly kind: 'name' | 'prompt' | 'message' | 'thought' | 'tool' | 'file' | 'question' | 'place'
  /** The words around it, one line; what was found is between U+0001 and U+0002. */
  readonly excerpt: string
}

export interface OutputFrame {
  readonly stream: 'out' | 'err'
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface WatchQuery {
  readonly session?: SessionId
  /** Cursor: only facts after it. */
  readonly after: number
  /** Without it the watch ends when it has caught up. */
  readonly follow: boolean
}

export interface OutputQuery {
  readonly session: SessionId
  /** Default: the newest run. */
  readonly run?: number
  readonly stream: 'out' | 'err'
  /** Byte offset, inclusive. Negative: that many bytes before the end. */
  readonly from: number
  readonly follow: boolean
}

export interface ScreenQuery {
  readonly session: SessionId
  /** Default: the newest run. */
  readonly run?: number
  /** The terminal it is for: the screen is made this size first. Default: as the program sees it. */
  readonly size?: TerminalSize
  /** Only what stands on it is wanted, not how it is restored: there is `text`, and no bytes. */
  readonly text?: true
}

/** What the terminal of a run shows. Written to a cleared terminal of that size, `bytes` restore it with its modes and the end of its scrollback; the output from `offset` on continues it, also in the
 *  midst of a sequence or a character. Nothing in it makes a terminal answer. */
export interface Screen extends TerminalSize {
  readonly offset: number
  readonly bytes: Uint8Array
  /** A string a row, as the program sees it. The program's own words: not printable as they are. */
  readonly text?: readonly string[]
}

/** Of which changes. Default of `from` and `to`: all that the session has changed, up to now. */
export interface ChangesQuery {
  readonly session: SessionId
  /** Only what this turn did. */
  readonly turn?: number
  /** Against this branch or commit, from where they parted. */
  readonly against?: string
  /** From the snapshot before this one to it. */
  readonly snapshot?: number
  /** What would be taken back: a preview, with nothing done. */
  readonly undo?: Undo
  /** Between trees that an answer named: the same again, whatever was written since. */
  readonly between?: { readonly from: ObjectId; readonly to: ObjectId }
  readonly paths?: readonly TreePath[]
  /** With the patch, at most so many bytes of it. */
  readonly patchBytes?: number
}

/** As found: the states that were compared, by their trees, so that a part of it can be taken back. */
export interface ChangesFound extends Changes {
  readonly trees: { readonly from: ObjectId; readonly to: ObjectId }
  /** Of a preview: where later changes are in the way. */
  readonly conflicts?: readonly TreePath[]
  /** Changed and not committed, of a worktree. */
  readonly uncommitted: number
  /** Repositories inside, and submodules, whose changes are not among these; of a preview, that are not taken back. */
  readonly inside?: readonly TreePath[]
  /** Snapshots that it rests on could not be taken, or other sessions worked in the same tree: in words. */
  readonly notes: readonly string[]
}

/** What would happen if it landed so. With `pull-request` no branch of the user's moves here, and no file. */
export interface LandingQuery {
  readonly session: SessionId
  readonly into?: string
  readonly how?: LandHow
  readonly publish?: Land['publish']
}

/** Each method may also throw what the world does to it (connection lost, disk); a Refusal is an expected answer. */
export interface Api {
  submit(submission: Submission, signal: AbortSignal): Promise<Accepted | Refusal>
  /** Every session that is not removed; `all` adds removed and archived ones. Newest first. */
  list(query: { readonly all: boolean }, signal: AbortSignal): Promise<readonly SessionView[]>
  /** Every session (removed and archived ones too), then each again when something of it has changed, what it is saying included; changes that come within a few ms are one. Ends when aborted. */
  sessions(signal: AbortSignal): AsyncIterable<ListFrame>
  /** Names, prompts, transcripts, files and places of all sessions; the best and newest first. */
  search(query: SearchQuery, signal: AbortSignal): Promise<readonly Hit[]>
  get(session: SessionId, signal: AbortSignal): Promise<{ readonly session: SessionView; readonly cursor: number } | undefined>
  watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<Frame>
  output(query: OutputQuery, signal: AbortSignal): AsyncIterable<OutputFrame>
  /** As of now or later. Undefined: there is none, or it cannot be made in time. */
  screen(query: ScreenQuery, signal: AbortSignal): Promise<Screen | undefined>
  /** What a session that is started there would work in. */
  place(query: { readonly cwd: string }, signal: AbortSignal): Promise<Place>
  changes(query: ChangesQuery, signal: AbortSignal): Promise<ChangesFound | Refusal>
  /** What `undo` can bring back, oldest first. One that is being taken is waited for, up to some seconds. */
  snapshots(session: SessionId, signal: AbortSignal): Promise<readonly Snapshot[]>
  /** As of now, made when asked for. `cwd`: only of the repository there. */
  conflicts(query: { readonly cwd?: string }, signal: AbortSignal): Promise<readonly Forecast[]>
  landing(query: LandingQuery, signal: AbortSignal): Promise<LandingPlan | Refusal>
  /** Keystrokes for a terminal, not recorded as facts. Resolves when the keeper has them. */
  write(session: SessionId, bytes: Uint8Array, signal: AbortSignal): Promise<Refusal | undefined>
  resize(session: SessionId, size: { readonly columns: number; readonly rows: number }, signal: AbortSignal): Promise<Refusal | undefined>
}
