// What a full-screen view is, and what it may ask of the stage that it stands on. A view holds nothing but cursor, scroll, drafts and filters: what it shows comes from the daemon.

import type { TUI } from '@earendil-works/pi-tui'
import type { Client } from '../sdk/client.ts'
import type { SessionView } from '../core/view.ts'
import type { Keymap } from './keymap.ts'
import type { Theme } from './theme.ts'

/** In cells. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Zero-based, from the upper left corner of the view. `delta`: rows of the wheel, negative upwards. */
export interface Mouse {
  readonly kind: 'click' | 'double-click' | 'wheel'
  readonly column: number
  readonly row: number
  readonly delta: number
}

export interface View {
  /** At most `rows` rows, each at most `columns` cells wide, printable but for SGR. The cursor is where pi-tui's CURSOR_MARKER stands. Called again and again: cheap when nothing changed. */
  render(size: Size): readonly string[]
  /** One key, as the terminal sent it, or one paste (between ESC[200~ and ESC[201~). */
  input(data: string): void
  /** Whether it did something. What it leaves alone selects text. */
  mouse?(event: Mouse): boolean
  /** For the terminal's title. */
  title(): string
  /** It is on the screen again after another one was. */
  resumed?(): void
  /** The terminal is the one that is typed into again. */
  lookedAt?(): void
  /** It is left for good: what it watches and waits for ends. */
  close(): void
}

export interface Stage {
  readonly theme: Theme
  readonly keymap: Keymap
  readonly client: Client
  /** Aborted when the screens are left. */
  readonly signal: AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the user is. */
  readonly cwd: string
  readonly now: () => number
  /** For pi-tui's editor, which wants to know its screen. */
  readonly tui: TUI
  size(): Size
  /** What the last frame took, all in all. */
  frameMs(): number
  /** Something changed: it is painted with the next frame, 16 ms after the last one at the latest. */
  repaint(): void
  open(view: View): void
  /** Closes the view on top; the last one leaves. */
  back(): void
  /** Closes this view, and what lies on top of it. */
  close(view: View): void
  /** A sequence that changes nothing on the screen: a notification, the bell. */
  write(sequence: string): void
  /** Leaves the screens: the terminal is the shell's again, with this text on it. */
  leave(text: string, exitCode?: number): void
  /** The terminal is somebody else's until this is settled; then the screen comes back. */
  lend<T>(use: () => Promise<T>): Promise<T>
  /** One line at the bottom, for a few seconds. `error` stays until the next key. */
  say(text: string, kind?: 'note' | 'error'): void
  /** What was said is no longer so. */
  hush(): void
  /** What was thrown, in one line, with what to do. */
  complain(thrown: unknown): void
  /** To the clipboard, by OSC 52. */
  copy(text: string): void
  /** The raw screen of a terminal session, or, of one without a process, its last words. Settles when it is left. */
  attach(session: SessionView): Promise<void>
  /** The user's $VISUAL or $EDITOR on this text. The text as it was saved; undefined when nothing was changed or it failed. */
  edit(text: string, suffix: string): Promise<string | undefined>
  /** The user's $PAGER on this text. */
  page(text: string): Promise<void>
}
