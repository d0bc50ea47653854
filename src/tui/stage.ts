// The stage: the user's terminal with one view on it at a time, the others below it. Owns the terminal from `run` to its end and leaves it as a shell can use it; whatever ends the screens, sessions go on.

import {
  type Component,
  KeybindingsManager,
  TUI_KEYBINDINGS,
  type TuiMouseEvent,
  type TuiMouseEventResult,
  TuiAltScreen,
  isKeyRelease,
  setCapabilities,
  setKeybindings,
  wrapTextWithAnsi,
} from '@earendil-works/pi-tui'
import { failureFrom } from '../client/failures.ts'
import type { SessionView } from '../core/view.ts'
import { printableLine } from '../core/terminal-text.ts'
import type { Client } from '../sdk/client.ts'
import { cut } from '../text/format.ts'
import { passed } from '../text/terminal-notice.ts'
import { Keymap } from './keymap.ts'
import { type CellOutput, type KeyInput, UserTerminal, isConsole } from './terminal.ts'
import { type Theme, themeFor } from './theme.ts'
import type { Mouse, Size, Stage, View } from './view.ts'

export interface StageParts {
  readonly client: Client
  readonly input: KeyInput
  readonly output: CellOutput
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly color: boolean
  readonly now: () => number
  /** Leaves, as a closed terminal does. */
  readonly signal: AbortSignal
  readonly keys: Readonly<Partial<Record<string, readonly string[]>>>
  readonly mouse: boolean
  /** What only the command line can do; each has the terminal while it lasts. */
  readonly attach: (session: SessionView) => Promise<string | undefined>
  readonly edit: (text: string, suffix: string) => Promise<string | undefined>
  readonly page: (text: string) => Promise<void>
  /** Makes the terminal sane should this process be killed; the returned function ends that. */
  readonly guard: () => () => void
}

/** How the screens were left: what the shell's user is told, and the exit code. */
export interface Left {
  readonly text: string
  readonly exitCode: number
}

const noteForMs = 4000
const noteAtLeastMs = 1000
/** In rows. */
const roomyFrom = 10

class Screen implements Component {
  readonly #stage: TuiStage
  constructor(stage: TuiStage) {
    this.#stage = stage
  }
  render(): string[] {
    return [...this.#stage.rows()]
  }
  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    return this.#stage.mouse(event) ? { handled: true, render: true } : undefined
  }
  invalidate(): void {}
}

/** Tells what a frame takes. */
class TimedTui extends TuiAltScreen {
  frameMs = 0

  protected override doRender(): void {
    const beganMs = performance.now()
    super.doRender()
    this.frameMs = performance.now() - beganMs
  }
}

export class TuiStage implements Stage {
  readonly theme: Theme
  readonly keymap: Keymap
  readonly client: Client
  readonly signal: AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly now: () => number
  readonly #parts: StageParts
  readonly #terminal: UserTerminal
  readonly #views: View[] = []
  readonly #left = Promise.withResolvers<Left>()
  readonly #ending = new AbortController()
  #tui: TimedTui
  #lent = false
  #note: { readonly text: string; readonly kind: 'note' | 'error'; readonly saidAtMs: number } | undefined
  #noteTimer: NodeJS.Timeout | undefined
  #title = ''
  #focused: boolean | undefined

  constructor(parts: StageParts) {
    this.#parts = parts
    this.theme = themeFor(parts.color)
    this.keymap = new Keymap(parts.keys)
    this.client = parts.client
    this.env = parts.env
    this.cwd = parts.cwd
    this.now = parts.now
    this.signal = AbortSignal.any([parts.signal, this.#ending.signal])
    // Asked of the terminal's name only: the library would start a program to ask tmux.
    setCapabilities({ images: null, trueColor: false, hyperlinks: false })
    // Its own scrolling and searching would take Home, PgUp and others before any view sees them.
    const own = Object.keys(TUI_KEYBINDINGS).filter((name) => name.startsWith('tui.altScreen.'))
    setKeybindings(new KeybindingsManager(TUI_KEYBINDINGS, Object.fromEntries(own.map((name) => [name, []]))))
    const { input, output, env } = parts
    this.#terminal = new UserTerminal({
      input,
      output,
      remote: env['SSH_CONNECTION'] !== undefined || env['SSH_TTY'] !== undefined,
      console: isConsole(env['TERM']),
      gone: () => this.leave(''),
      focused: (focused) => this.#look(focused),
    })
    this.#tui = this.#newTui()
  }

  get tui(): TuiAltScreen {
    return this.#tui
  }

  /** Whether the terminal is the one that is typed into; undefined when it does not say. */
  get focused(): boolean | undefined {
    return this.#focused
  }

  /** The first view, until the screens are left. */
  async run(first: View): Promise<Left> {
    const leave = (): void => this.leave('')
    this.#parts.signal.addEventListener('abort', leave, { once: true })
    if (this.#parts.signal.aborted) leave()
    this.#views.push(first)
    // Before anything is switched on: there is no moment in which it could stay so.
    const release = this.#parts.guard()
    this.#take()
    this.#tui.renderNow()
    try {
      return await this.#left.promise
    } finally {
      this.#parts.signal.removeEventListener('abort', leave)
      clearTimeout(this.#noteTimer)
      this.#ending.abort()
      for (const view of this.#views.toReversed()) view.close()
      if (!this.#lent) this.#give()
      release()
    }
  }

  size(): Size {
    return { columns: this.#terminal.columns, rows: this.#terminal.rows }
  }

  frameMs(): number {
    return this.#tui.frameMs
  }

  repaint(): void {
    if (!this.#lent) this.#tui.requestRender()
  }

  open(view: View): void {
    this.#forgetNote()
    this.#views.push(view)
    this.repaint()
  }

  back(): void {
    if (this.#views.length <= 1) return this.leave('')
    const [top] = this.#views.slice(-1)
    if (top) this.close(top)
  }

  close(view: View): void {
    const at = this.#views.indexOf(view)
    if (at === -1) return
    this.#forgetNote()
    for (const above of this.#views.splice(at).toReversed()) above.close()
    this.#views.at(-1)?.resumed?.()
    this.repaint()
  }

  leave(text: string, exitCode = 0): void {
    this.#left.resolve({ text, exitCode })
  }

  async lend<T>(use: () => Promise<T>): Promise<T> {
    this.#give()
    try {
      return await use()
    } finally {
      if (!this.#ending.signal.aborted) {
        this.#take()
        this.#views.at(-1)?.resumed?.()
      }
    }
  }

  write(sequence: string): void {
    if (!this.#lent) this.#terminal.write(sequence)
  }

  say(text: string, kind: 'note' | 'error' = 'note'): void {
    clearTimeout(this.#noteTimer)
    this.#note = { text: printableLine(text), kind, saidAtMs: this.now() }
    if (kind === 'note') {
      this.#noteTimer = setTimeout(() => {
        this.#note = undefined
        this.repaint()
      }, noteForMs)
    }
    this.repaint()
  }

  hush(): void {
    this.#forgetNote()
    this.repaint()
  }

  complain(thrown: unknown): void {
    if (this.signal.aborted) return
    const { message, hint } = failureFrom(thrown)
    this.say(hint === undefined ? message : `${message}; ${hint}`, 'error')
  }

  copy(text: string): void {
    const sequence = `\x1b]52;c;${Buffer.from(text).toString('base64')}\x07`
    // tmux has its own way with it (set-clipboard), and may hand on what is wrapped for it; twice is no harm.
    this.#terminal.write(this.env['TMUX'] || this.env['STY'] ? passed(this.env, sequence) + sequence : sequence)
    this.say(`copied ${text.length} characters`)
  }

  async attach(session: SessionView): Promise<void> {
    const end = await this.lend(() => this.#parts.attach(session))
    if (end !== undefined) this.say(end)
  }

  edit(text: string, suffix: string): Promise<string | undefined> {
    return this.lend(() => this.#parts.edit(text, suffix))
  }

  page(text: string): Promise<void> {
    return this.lend(() => this.#parts.page(text))
  }

  /** What is on the screen now. */
  rows(): readonly string[] {
    const size = this.size()
    const view = this.#views.at(-1)
    if (!view) return []
    this.#showTitle(view.title())
    const note = this.#noteRows(size)
    // It stands in the last row; one that is longer takes none of the rows above away.
    const room = size.rows - Math.max(0, note.length - 1)
    const rows = view.render({ ...size, rows: room }).slice(0, room)
    if (note.length === 0) return rows
    return [...rows.slice(0, room - 1), ...Array.from<string>({ length: Math.max(0, room - 1 - rows.length) }).fill(''), ...note]
  }

  /** What is to be done about an error stands at its end: it may take a second row. */
  #noteRows({ columns, rows }: Size): readonly string[] {
    if (!this.#note) return []
    const { text, kind } = this.#note
    const width = columns - 2
    const [first = '', ...others] = kind === 'error' && rows >= roomyFrom ? wrapTextWithAnsi(text, Math.max(1, width)) : [text]
    const lines = [first, ...(others.length === 0 ? [] : [text.slice(first.length).trimStart()])].map((line) => ` ${cut(line, width)}`)
    return lines.map(kind === 'error' ? this.theme.error : this.theme.bold)
  }

  /** Whether the view did something with it. */
  mouse(event: TuiMouseEvent): boolean {
    const kind = event.type === 'wheel' ? 'wheel' : event.type === 'click' && event.button === 'left' ? (event.clickCount === 2 ? 'double-click' : 'click') : undefined
    if (kind === undefined) return false
    const mouse: Mouse = { kind, column: event.x, row: event.y, delta: event.wheelDelta ?? 0 }
    return this.#views.at(-1)?.mouse?.(mouse) ?? false
  }

  /** What was said was about another view. */
  #forgetNote(): void {
    if (this.#note?.kind === 'note') this.#note = undefined
  }

  #newTui(): TimedTui {
    const tui = new TimedTui(this.#terminal, true, undefined, { mouse: this.#parts.mouse })
    tui.setLayoutRoot(new Screen(this))
    tui.addInputListener((data) => {
      return isMouse(data) ? undefined : this.#input(data)
    })
    return tui
  }

  #input(data: string): { consume: true } {
    if (isKeyRelease(data)) return { consume: true }
    // Whoever goes on has read it, unless it came just now.
    if (this.#note?.kind === 'error' || (this.#note && this.now() - this.#note.saidAtMs >= noteAtLeastMs)) this.#note = undefined
    const view = this.#views.at(-1)
    if (this.keymap.action('anywhere', data) === 'anywhere.redraw') this.#tui.renderNow(true)
    else {
      try {
        view?.input(data)
      } catch (thrown) {
        this.complain(thrown)
      }
      // At once: what is typed is not held back to the next frame.
      if (!this.#lent && !this.#ending.signal.aborted) this.#tui.renderNow()
    }
    return { consume: true }
  }

  #look(focused: boolean): void {
    this.#focused = focused
    if (focused) this.#views.at(-1)?.lookedAt?.()
  }

  #take(): void {
    this.#lent = false
    this.#terminal.keepTitle()
    this.#title = ''
    this.#tui.start()
  }

  #give(): void {
    this.#lent = true
    // A tmux whose window has grown meanwhile would bring rows of it into the shell's screen.
    this.#terminal.clearScreen()
    this.#tui.stop({ preserveScreen: true })
    this.#terminal.giveTitleBack()
    // One that was stopped cannot be started again with what it believes to be on the screen.
    this.#tui = this.#newTui()
  }

  #showTitle(title: string): void {
    if (title === this.#title) return
    this.#title = title
    this.#terminal.setTitle(title)
  }
}

// oxlint-disable-next-line no-control-regex
const mouse = /^\x1b\[(?:<[\d;]+[Mm]|M[^]{3}|[IO]$)/
const isMouse = (data: string): boolean => mouse.test(data)
