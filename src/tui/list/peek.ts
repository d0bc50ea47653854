// The panel below the list: what the session under the cursor asks, said last, and has come to. Reads its transcript only while it is looked at, and knows which question was really on the screen, and since when.

import { visibleWidth } from '@earendil-works/pi-tui'
import { printable, printableLine } from '../../core/terminal-text.ts'
import type { Line } from '../../core/transcript.ts'
import type { RequestView, SessionView } from '../../core/view.ts'
import { count, pausedText, shortNumber } from '../../text/format.ts'
import { FollowedSession } from '../followed-session.ts'
import { TranscriptPane } from '../transcript/pane.ts'
import type { Size, Stage } from '../view.ts'
import { age } from './age.ts'
import { cellText, fit } from '../cells.ts'
import { changesOf, markOf } from './doing.ts'
import { sinceMs } from './groups.ts'
import { ProgramOutput } from './program-output.ts'
import { foremostRequest, questionRows } from './question.ts'
import { type Words, costText, pieceText } from './rows.ts'
import { treeRow } from './tree-row.ts'

/** The cursor passes by many on its way to one. */
const loadedAfterMs = 80
/** Nobody has read a question sooner than this: a key that was typed before it came is not for it. */
const readAfterMs = 400
const usualRows = 10
const fewestWords = 3
/** Of rows. With fewer what it asks and says is more important. */
const fewestForTree = 6

interface Shown {
  readonly session: string
  readonly request: RequestView
  readonly atMs: number
}

type Source = { readonly kind: 'transcript'; readonly followed: FollowedSession; readonly pane: TranscriptPane } | { readonly kind: 'output'; readonly output: ProgramOutput }

export class Peek {
  readonly #stage: Stage
  readonly #changed: () => void
  #followed: string | undefined
  #ending = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #source: Source | undefined
  #shown: Shown | undefined

  constructor(stage: Stage, changed: () => void) {
    this.#stage = stage
    this.#changed = changed
  }

  /** The question that is on the screen, whole, for so long that it was read. */
  get answerable(): RequestView | undefined {
    return this.#shown && this.#stage.now() - this.#shown.atMs >= readAfterMs ? this.#shown.request : undefined
  }

  /** Nothing is looked at any more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#ending.abort()
    this.#followed = undefined
    this.#source = undefined
    this.#shown = undefined
  }

  /** At most `size.rows` rows. `names`: of other sessions. */
  render(session: SessionView, words: Words, size: Size, names: (id: string) => string = (id) => id): readonly string[] {
    this.#follow(session)
    const { columns } = size
    const tree = size.rows < fewestForTree ? '' : treeRow(session, names, columns, this.#stage.theme)
    const request = foremostRequest(session.requests)
    const question = request ? this.#question(request, session, columns) : this.#elsewhere(session, columns)
    // Without its title and its figures.
    const room = size.rows - 2 - (tree === '' ? 0 : 1)
    const height = Math.min(room, Math.max(usualRows - 2, question.length + fewestWords))
    const isWhole = question.length <= room
    this.#remember(session, isWhole && room > 0 ? request : undefined)
    const asked = isWhole
      ? question
      : [...question.slice(0, Math.max(0, height - 1)), this.#stage.theme.warning(fit('   … too long to be answered here: open it to see all of it', columns))].slice(
          0,
          Math.max(0, height),
        )
    const said = this.#said({ columns, rows: Math.max(0, height - asked.length) })
    const free = Array.from<string>({ length: Math.max(0, height - asked.length - said.length) }).fill('')
    return [this.#title(session, words, columns), ...said, ...asked, ...free, ...(tree === '' ? [] : [tree]), this.#figures(session, columns)]
  }

  #remember(session: SessionView, request: RequestView | undefined): void {
    if (!request) this.#shown = undefined
    else if (this.#shown?.session !== session.id || this.#shown.request.id !== request.id || this.#shown.request.lost !== request.lost) {
      this.#shown = { session: session.id, request, atMs: this.#stage.now() }
    }
  }

  #follow({ id, kind, driver, run, agent, cwd }: SessionView): void {
    // A terminal's output is that of one run, a transcript that of all.
    const key = kind === 'agent' ? id : `${id} ${run?.number ?? 0}`
    if (this.#followed === key) return
    clearTimeout(this.#timer)
    this.#ending.abort()
    this.#ending = new AbortController()
    this.#followed = key
    this.#source = undefined
    const signal = AbortSignal.any([this.#ending.signal, this.#stage.signal])
    const { client } = this.#stage
    const changed = this.#changed
    this.#timer = setTimeout(() => {
      if (kind === 'agent') {
        const followed = new FollowedSession(client, id, signal, { caughtUp: changed, changed, failed: () => {} })
        this.#source = { kind: 'transcript', followed, pane: new TranscriptPane(this.#stage.theme, { agent, cwd, kind, changed }) }
      } else if (run) this.#source = { kind: 'output', output: new ProgramOutput(client, { id, driver }, signal, changed) }
    }, loadedAfterMs)
  }

  /** A rule with a name in it. */
  #title(session: SessionView, { name, agent, project, branch }: Words, columns: number): string {
    const { theme, now } = this.#stage
    const { dim, bold } = theme
    const asks = session.requests[0] ? `: ${session.requests[0].kind}` : ''
    const since = theme.status(session.status, `${markOf(session)} ${session.status} ${age(now() - sinceMs(session))}`)
    const end = columns < 50 ? '' : ` ${since}${asks} ${dim('──')}`
    const shownName = ` ${fit(name, columns - visibleWidth(end) - 8)} `
    const room = columns - visibleWidth(end) - visibleWidth(shownName) - 7
    const about = fit(`${agent} · ${project}${branch === '' ? '' : ` ${branch}`}`, room)
    const start = `${dim('──')}${bold(shownName)}${room < 10 ? '' : ` ${dim(about)} `}`
    return start + dim('─'.repeat(Math.max(0, columns - visibleWidth(start) - visibleWidth(end)))) + end
  }

  #question(request: RequestView, session: SessionView, columns: number): readonly string[] {
    const { theme, keymap } = this.#stage
    return questionRows(request, session.requests.length - 1, columns, theme, { reply: keymap.hint('list.reply'), open: keymap.hint('list.open') })
  }

  /** A terminal that waits for its user with something that only its own screen answers. */
  #elsewhere({ kind, status, newcomer, reason }: SessionView, columns: number): readonly string[] {
    if (kind === 'agent' || status !== 'waiting' || newcomer) return []
    const { theme, keymap } = this.#stage
    const mark = theme.status('waiting', '◆')
    return [` ${mark} ${theme.bold(fit(cellText(reason), columns - 3))}`, theme.dim(fit(`   ${keymap.hint('list.open')} opens it to answer`, columns))]
  }

  /** What was said last, from above. */
  #said(size: Size): readonly string[] {
    if (size.rows === 0) return []
    const { theme } = this.#stage
    const shown = this.#saidRows(size)
      .slice(-size.rows)
      .map((row) => (visibleWidth(row) > size.columns ? fit(row, size.columns) : row))
    return shown.length > 0 || this.#source === undefined ? shown : [theme.dim('   nothing was said yet')]
  }

  #saidRows(size: Size): readonly string[] {
    const { theme } = this.#stage
    const source = this.#source
    if (!source) return []
    if (source.kind === 'transcript') {
      // What is open stands below, where it is answered; how many prompts wait for the end of the turn, in the last row.
      const isAtWork = source.followed.session?.turn.kind === 'working'
      const isElsewhere = (line: Line): boolean =>
        (line.kind === 'request' && (line.state === 'open' || line.state === 'lost')) || (line.kind === 'prompt' && line.state === 'queued' && isAtWork)
      const lines = source.followed.transcript.lines.filter((line) => !isElsewhere(line))
      const rows = source.pane.render({ lines, drafts: source.followed.drafts }, size)
      const isSaid = (row: string): boolean => row !== ''
      return rows.slice(Math.max(0, rows.findIndex(isSaid)), rows.findLastIndex(isSaid) + 1)
    }
    const { lines } = source.output
    if (!lines) return [theme.dim(fit('   it draws a screen of its own: open it to see that', size.columns))]
    return lines.slice(-size.rows).map((line) => fit(`   ${printable(line)}`, size.columns))
  }

  #figures(session: SessionView, columns: number): string {
    const { theme } = this.#stage
    const { plan, changes, usage, reason, evidence, unseen, queued, paused, signals } = session
    const tokens = usage.inputTokens + usage.outputTokens
    const cost = usage.costUsd ? costText(usage) : ''
    const changed = changesOf(session)
      .flatMap((tail) => tail.map((piece) => pieceText(piece, theme)))
      .join('')
    const figures = [
      plan ? `plan ${plan.done}/${plan.total}` : '',
      changes ? `${count(changes.files, 'file')}${changed === '' ? '' : ` ${changed}`}` : '',
      tokens > 0 ? `${shortNumber(tokens)} tokens` : '',
      cost,
      queued > 0 ? `${queued} queued` : '',
      unseen > 0 ? theme.accent(`${unseen} new`) : '',
    ].filter((part) => part !== '')
    const start = figures.map((part) => `${part}   `).join('')
    const told = paused ? pausedText(session, this.#stage.now()) : reason
    // What the program says of itself, with its source; what else there is, is in `offstage why`.
    const said = signals.slice(0, 3).map(({ source, value, since }) => `${source}: ${value} ${age(this.#stage.now() - Date.parse(since))}`)
    const why = `why: ${printableLine([told, ...(said.length > 0 ? said : evidence.slice(0, 1))].join(' · '))}`
    const room = columns - 2 - visibleWidth(start)
    return room < 12 ? ` ${asManyAsFit(figures, columns - 2)}` : ` ${start}${theme.dim(fit(why, room))}`
  }
}

/** As many as fit, none of them cut. */
function asManyAsFit(parts: readonly string[], width: number): string {
  let row = ''
  for (const part of parts) {
    const longer = row === '' ? part : `${row}   ${part}`
    if (visibleWidth(longer) > width) break
    row = longer
  }
  return row
}
