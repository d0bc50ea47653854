// The whole log of a session, from its first byte to its end and on: what an agent said and did, or what a program printed as text. Reads only; nobody is asked anything here.

import { stripTerminalSequences } from '@earendil-works/pi-tui'
import { newId } from '../client/submit.ts'
import { statusOf } from '../core/status.ts'
import type { SessionView } from '../core/view.ts'
import { nameOf, statusMark } from '../text/format.ts'
import { shownStatus } from '../text/status-words.ts'
import type { ActionName } from './actions.ts'
import { FollowedSession } from './followed-session.ts'
import { filled, fitStyled } from './cells.ts'
import { type Piece, headerRow, rule, statusRow } from './conversation/rows.ts'
import { standingOf } from './conversation/standing.ts'
import { openHelp } from './help-view.ts'
import { LineInput } from './line-input.ts'
import type { LogBody } from './logs/log-body.ts'
import { OutputBody } from './logs/output-body.ts'
import { sizeText } from './logs/output-pages.ts'
import { TranscriptBody } from './logs/transcript-body.ts'
import type { Mouse, Size, Stage, View } from './view.ts'

/** UTF-16 units. A terminal that takes more into its clipboard is rare. */
const mostCopied = 1024 ** 2
const mostPaged = 32 * 1024 ** 2

export function openLogs(stage: Stage, session: SessionView): View {
  return new LogsView(stage, session)
}

class LogsView implements View {
  readonly #stage: Stage
  readonly #told: SessionView
  readonly #closing = new AbortController()
  readonly #followed: FollowedSession
  #body: LogBody | undefined
  #bodyRun = 0
  #room = 1
  /** Being written. */
  #typing: LineInput | undefined
  #words = ''
  #searching: AbortController | undefined
  #nothingFound = false
  #tick: NodeJS.Timeout | undefined
  #seen = 0

  constructor(stage: Stage, session: SessionView) {
    this.#stage = stage
    this.#told = session
    this.#followed = new FollowedSession(stage.client, session.id, this.#closing.signal, {
      caughtUp: () => this.#changed(),
      changed: () => this.#changed(),
      failed: () => stage.repaint(),
    })
    this.#changed()
  }

  title(): string {
    const { session } = this.#followed
    const status = shownStatus(session ? { status: statusOf(session).status, outcome: session.outcome } : this.#told)
    return `${statusMark[status]} log of ${nameOf(session ?? this.#told)}`
  }

  render({ columns, rows }: Size): readonly string[] {
    const { theme, now } = this.#stage
    const nowMs = now()
    const { header, changesAtMs } = standingOf(this.#followed.session, this.#told, nowMs)
    clearTimeout(this.#tick)
    if (changesAtMs !== undefined && !this.#closing.signal.aborted) this.#tick = setTimeout(() => this.#stage.repaint(), Math.max(1, changesAtMs - nowMs))
    const above = [...(rows >= 4 ? [headerRow(header, columns, theme)] : []), ...(rows >= 8 ? [rule(columns, theme)] : [])]
    this.#room = Math.max(1, rows - above.length - 1)
    const body = this.#bodyRows({ columns, rows: this.#room })
    return [...above, ...body, ...(rows > 1 ? [this.#footer(columns)] : [])].slice(0, rows)
  }

  input(data: string): void {
    if (this.#typing) return this.#type(this.#typing, data)
    const action = this.#stage.keymap.action('logs', data)
    this.#nothingFound = false
    if (this.#searching) {
      this.#searching.abort()
      if (action === 'logs.back') return
    }
    if (action) this.#act(action)
  }

  mouse({ kind, delta }: Mouse): boolean {
    if (kind !== 'wheel') return false
    this.#body?.scroll(delta)
    return true
  }

  resumed(): void {
    this.#stage.repaint()
  }

  close(): void {
    clearTimeout(this.#tick)
    this.#closing.abort()
    // What it printed meanwhile is counted by the daemon.
    if (this.#told.kind === 'terminal' && this.#body?.ready && this.#body.atEnd) {
      const { client, signal } = this.#stage
      void client.get(this.#told.id, signal).then(
        (found) => this.#seeTo(found?.session.entries ?? 0),
        () => {},
      )
    }
  }

  #act(action: ActionName): void {
    const body = this.#body
    if (action === 'logs.back') return this.#stage.back()
    if (action === 'logs.help' || action === 'anywhere.help') return this.#stage.open(openHelp(this.#stage, ['logs']))
    if (!body) return
    switch (action) {
      case 'logs.up':
        return body.scroll(-1)
      case 'logs.down':
        return body.scroll(1)
      case 'logs.page-up':
        return body.scroll(-Math.max(1, this.#room - 1))
      case 'logs.page-down':
        return body.scroll(Math.max(1, this.#room - 1))
      case 'logs.first':
        return body.toStart()
      case 'logs.last':
      case 'logs.follow':
        return body.toEnd()
      case 'logs.search':
        this.#typing = new LineInput()
        return
      case 'logs.next':
        return void this.#find(1)
      case 'logs.previous':
        return void this.#find(-1)
      case 'logs.fold':
        return body.toggleFold()
      case 'logs.copy':
        return this.#stage.copy(
          body
            .render({ columns: this.#stage.size().columns, rows: this.#room })
            .map((row) => stripTerminalSequences(row).trimEnd())
            .join('\n')
            .trimEnd(),
        )
      case 'logs.copy-all':
        return void this.#with(mostCopied, async ({ text, isWhole }) => {
          if (isWhole) this.#stage.copy(text)
          else this.#stage.say(`more than a clipboard takes (${sizeText(mostCopied)}); ${this.#stage.keymap.hint('logs.pager')} opens it in a pager`, 'error')
        })
      case 'logs.pager':
        return void this.#with(mostPaged, ({ text, isWhole }) =>
          this.#stage.page(isWhole ? text : `… the beginning is left out; offstage logs ${this.#told.id} prints all of it …\n${text}`),
        )
      case 'logs.editor':
        return void this.#with(mostPaged, async ({ text }) => {
          await this.#stage.edit(text, this.#told.kind === 'agent' ? '.md' : '.txt')
        })
    }
  }

  async #with(most: number, use: (all: { readonly text: string; readonly isWhole: boolean }) => Promise<void>): Promise<void> {
    try {
      const all = await this.#body?.text(most, this.#closing.signal)
      if (all && !this.#closing.signal.aborted) await use(all)
    } catch (thrown) {
      this.#stage.complain(thrown)
    }
  }

  #type(typing: LineInput, data: string): void {
    const action = this.#stage.keymap.action('filter', data)
    if (action === 'filter.back') this.#typing = undefined
    else if (action === 'filter.apply') {
      this.#typing = undefined
      this.#words = typing.text
      void this.#search()
    } else if (!typing.input(data) && this.#stage.keymap.action('logs', data) === 'logs.back') this.#typing = undefined
  }

  /** What was last said first, when the end is seen. */
  async #search(): Promise<void> {
    const direction = this.#body?.atEnd ? -1 : 1
    if (!(await this.#find(direction))) await this.#find(direction === 1 ? -1 : 1)
  }

  /** Whether there is nothing more to be done for it. */
  async #find(direction: 1 | -1): Promise<boolean> {
    const body = this.#body
    if (!body) return true
    this.#searching?.abort()
    const searching = (this.#searching = new AbortController())
    const { signal } = searching
    this.#stage.repaint()
    try {
      const found = await body.find(this.#words, direction, AbortSignal.any([signal, this.#closing.signal]))
      if (signal.aborted || this.#closing.signal.aborted) return true
      this.#nothingFound = !found && this.#words.trim() !== ''
      return !this.#nothingFound
    } catch (thrown) {
      this.#stage.complain(thrown)
      return true
    } finally {
      if (this.#searching === searching) this.#searching = undefined
      this.#stage.repaint()
    }
  }

  #changed(): void {
    const { session } = this.#followed
    const run = session?.runs ?? this.#told.run?.number ?? 0
    const { id, kind, agent, cwd, entries } = this.#told
    if (kind === 'agent') this.#body ??= new TranscriptBody(this.#stage, this.#followed, { agent, cwd, kind })
    else if (run !== this.#bodyRun || !this.#body) {
      // Another program prints to another log.
      this.#bodyRun = run
      this.#body = new OutputBody(this.#stage, { session: id, run, entries }, this.#closing.signal)
    }
    this.#stage.repaint()
  }

  #bodyRows(size: Size): readonly string[] {
    const body = this.#body
    if (!body?.ready) return filled([], size.rows)
    const rows = body.render(size)
    // Not in the midst of painting.
    if (body.atEnd && body.seen > Math.max(this.#seen, this.#followed.session?.shown ?? 0)) queueMicrotask(() => this.#seeTo(body.seen))
    return rows
  }

  /** Nobody waits for the reply. */
  #seeTo(entries: number): void {
    const { client, signal } = this.#stage
    if (entries <= this.#seen || signal.aborted) return
    this.#seen = entries
    void client.submit({ session: this.#told.id, commandId: newId(), command: { type: 'show', entries } }, signal).catch(() => {})
  }

  #footer(columns: number): string {
    const { theme, keymap } = this.#stage
    if (this.#typing) return fitStyled(`${theme.accent(' / ')}${this.#typing.row(Math.max(1, columns - 4), true)}`, columns, '…')
    const hint = (name: ActionName, does: string, rank: number): Piece => ({ text: keymap.hint(name, does), rank })
    const { trouble } = this.#followed
    const searched = this.#words === '' ? [hint('logs.search', 'search', 2)] : [hint('logs.next', 'next', 3), hint('logs.previous', 'previous', 4)]
    const state = this.#searching
      ? 'searching …'
      : this.#nothingFound
        ? `nothing more with “${this.#words.trim()}”`
        : (this.#body?.ready ?? false)
          ? (this.#body?.place ?? '')
          : 'loading …'
    return statusRow(
      [
        { text: trouble === undefined ? state : `${trouble}; it is tried again`, rank: 0 },
        ...searched,
        ...(this.#told.kind === 'agent' ? [hint('logs.fold', 'unfold', 6)] : []),
        hint('logs.copy', 'copy', 7),
        hint('logs.pager', 'pager', 5),
        hint('logs.help', 'all keys', 4),
        hint('logs.back', 'back', 1),
      ],
      columns,
      theme,
    )
  }
}
