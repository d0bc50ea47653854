// Agent View: every session in one list, what it asks below it, and a line to start the next one. Owns which part of the screen has the keys, and the layout; what each part shows is its own.

import type { SessionView } from '../../core/view.ts'
import type { ActionName } from '../actions.ts'
import { typedCharacter } from '../keymap.ts'
import type { Mouse, Size, Stage, View } from '../view.ts'
import { nextLookMs } from './age.ts'
import { fit, fitStyled } from '../cells.ts'
import { Deeds } from './deeds.ts'
import { DispatchLine, type DispatchParts } from './dispatch-line.ts'
import { FilterLine, type SavedFilters } from './filter-line.ts'
import { sorts } from './groups.ts'
import { headerRow } from './header.ts'
import { type Moment, hintsRow } from './hints.ts'
import { ListBody } from './list-body.ts'
import { Listing, type Sessions } from './listing.ts'
import { Pace } from './pace.ts'
import { Peek } from './peek.ts'
import { foremostRequest } from './question.ts'
import { type Focus, SessionKeys, type Targets } from './session-keys.ts'

export interface ListParts extends Pick<DispatchParts, 'agents' | 'directory'> {
  readonly sessions: Sessions
  readonly kept: SavedFilters & DispatchParts['kept']
  readonly driftAfterMs: number
  /** Of a run that is started for this session. */
  readonly environment: (session: SessionView) => Promise<Record<string, string>>
  readonly open: (session: SessionView) => void
  readonly logs: (session: SessionView) => void
  readonly review: (session: SessionView) => void
  readonly land: (session: SessionView) => void
  readonly help: () => void
}

const inList: Focus = { kind: 'list' }

const airyFrom = 20
const fewestRows = 3
/** Below this rows are simply cut. */
const narrowest = 40

export function openList(stage: Stage, parts: ListParts): ListView {
  return new ListView(stage, parts)
}

export class ListView implements View {
  readonly #stage: Stage
  readonly #parts: ListParts
  readonly #listing: Listing
  readonly #body: ListBody
  readonly #filter: FilterLine
  readonly #dispatch: DispatchLine
  readonly #peek: Peek
  readonly #deeds: Deeds
  readonly #keys: SessionKeys
  readonly #pace: Pace
  #isPeeking = false
  #focus: Focus = inList
  #bodyTop = 0
  #bottomTop = 0
  /** What was painted last, unless something else than a session has changed since. */
  #painted: { readonly rows: readonly string[]; readonly size: Size } | undefined

  constructor(stage: Stage, parts: ListParts) {
    this.#stage = stage
    this.#parts = parts
    this.#listing = new Listing(parts.sessions, stage.env['HOME'])
    this.#body = new ListBody(this.#listing, stage.theme, parts.driftAfterMs)
    this.#filter = new FilterLine(stage, this.#listing, parts.kept)
    this.#dispatch = new DispatchLine(stage, { ...parts, started: (session, open) => this.#started(session, open) })
    this.#pace = new Pace(
      () => stage.repaint(),
      () => stage.frameMs(),
    )
    this.#peek = new Peek(stage, () => this.changed())
    this.#deeds = new Deeds(stage, parts.environment)
    this.#keys = new SessionKeys({
      stage,
      deeds: this.#deeds,
      turnTo: (focus) => this.#turnTo(focus),
      show: () => (this.#isPeeking = true),
      unmark: () => this.#body.unmark(),
    })
  }

  /** Sessions have changed: painted soon, together with those that change meanwhile. */
  changed(): void {
    if (!this.#stage.signal.aborted) this.#pace.soon()
  }

  /** The cursor goes to this session, as soon as it is there. */
  select(id: string): void {
    this.#painted = undefined
    this.#body.select(id)
    this.#stage.repaint()
  }

  /** The dispatch line gets the keys. */
  writeTask(): void {
    this.#turnTo({ kind: 'dispatch' })
    this.#stage.repaint()
  }

  title(): string {
    this.#listing.refresh()
    const { needYou } = this.#listing.counts
    return needYou === 0 ? 'offstage' : `offstage: ${needYou} ${needYou === 1 ? 'needs' : 'need'} you`
  }

  resumed(): void {
    this.#painted = undefined
    this.lookedAt()
  }

  lookedAt(): void {
    this.#parts.sessions.lookAgain?.()
  }

  close(): void {
    this.#pace.rest()
    this.#peek.close()
    this.#filter.close()
  }

  render(size: Size): readonly string[] {
    const painted = this.#painted
    if (painted?.size.columns === size.columns && painted.size.rows === size.rows && this.#pace.waits()) return painted.rows
    const rows = this.#paint(size)
    this.#painted = { rows, size }
    this.#pace.painted(nextLookMs(this.#stage.now(), this.#body.youngestMs))
    return rows
  }

  input(data: string): void {
    this.#painted = undefined
    const { keymap } = this.#stage
    if (keymap.action('anywhere', data) === 'anywhere.help') return this.#parts.help()
    const focus = this.#focus
    switch (focus.kind) {
      case 'dispatch':
        if (this.#dispatch.input(data) === 'back') this.#turnTo(inList)
        return
      case 'filter':
        return this.#filter.input(data, () => this.#turnTo(inList))
      case 'reply':
        return this.#keys.reply(focus.reply, data)
      case 'line':
        return this.#line(focus, data)
      case 'question':
        this.#turnTo(inList)
        if (typedCharacter(data)?.toLowerCase() === 'y') focus.yes()
        return
      case 'list': {
        const action = keymap.action('list', data)
        if (action) return this.#act(action)
        const digit = Number(typedCharacter(data))
        const targets = this.#targets()
        if (digit >= 1 && targets) this.#keys.answerNumber(digit, targets)
      }
    }
  }

  mouse({ kind, row, delta }: Mouse): boolean {
    this.#painted = undefined
    if (kind === 'wheel') {
      this.#body.scroll(delta)
      return true
    }
    if (row >= this.#bottomTop && (this.#focus.kind === 'list' || this.#focus.kind === 'dispatch')) {
      this.#turnTo({ kind: 'dispatch' })
      return true
    }
    const place = this.#body.at(row - this.#bodyTop)
    if (place?.kind === 'beyond') this.#body.page(place.where === 'above' ? -1 : 1)
    else if (place?.kind === 'more') this.#body.select(place.first)
    else if (place?.kind === 'session') {
      this.#turnTo(inList)
      this.#body.select(place.id)
      if (kind === 'double-click') this.#act('list.open')
    } else return false
    return true
  }

  #turnTo(focus: Focus): void {
    this.#painted = undefined
    if (this.#focus.kind === 'reply') this.#focus.reply.composer.focused = false
    if (focus.kind === 'reply') focus.reply.composer.focused = true
    this.#dispatch.focused = focus.kind === 'dispatch'
    this.#focus = focus
  }

  // What is on the screen.

  #paint(size: Size): readonly string[] {
    const { columns, rows } = size
    const nowMs = this.#stage.now()
    const airy = rows >= airyFrom
    this.#listing.refresh()
    const session = this.#settled()
    const foot = rows >= 5 ? [this.#foot(columns)] : []
    const usual = rows < 18 ? 1 : 2
    const written = rows >= 4 || this.#focus.kind !== 'list' ? this.#bottom({ columns, rows: Math.max(1, Math.min(8, Math.floor(rows / 3))) }, usual) : []
    // Whatever is written, the list above it stays where it is.
    const bottom = [...written, ...blank(usual - written.length)]
    if (rows < 4) return (written.length > 0 ? written : [this.#header(columns, nowMs)]).slice(-rows).map((row) => fitStyled(row, columns))
    const gap = airy ? 1 : 0
    const room = Math.max(0, rows - 1 - 2 * gap - bottom.length - foot.length)
    const peek = this.#peeked(session, { columns, rows: Math.max(0, room - fewestRows) })
    const height = Math.max(0, room - peek.length)
    const body = this.#listing.order.length === 0 ? this.#nothing(columns).slice(0, height) : this.#body.render({ columns, rows: height }, nowMs, airy)
    this.#bodyTop = 1 + gap
    this.#bottomTop = this.#bodyTop + height + peek.length + gap
    const all = [this.#header(columns, nowMs), ...blank(gap), ...body, ...blank(height - body.length), ...peek, ...blank(gap), ...bottom, ...foot].slice(0, rows)
    return columns < narrowest ? all.map((row) => fitStyled(row, columns)) : all
  }

  /** Whoever is written to is under the cursor, or is not written to any more. */
  #settled(): SessionView | undefined {
    const { session } = this.#body
    if (this.#focus.kind === 'reply' && this.#focus.reply.session.id !== session?.id) this.#turnTo(inList)
    return session
  }

  #header(columns: number, nowMs: number): string {
    const { choice, counts } = this.#listing
    return headerRow(
      {
        counts,
        filter: this.#focus.kind === 'filter' ? '' : this.#filter.text,
        sort: choice.sort,
        byProject: choice.by === 'project',
        archived: choice.archived,
        marked: this.#body.marked.length,
        nowMs,
      },
      columns,
      this.#stage.theme,
    )
  }

  #peeked(session: SessionView | undefined, size: Size): readonly string[] {
    const words = session && this.#listing.words(session.id)
    if (this.#isPeeking && session && words && size.rows >= 2) return this.#peek.render(session, words, size, (id) => this.#listing.words(id)?.name ?? id)
    this.#peek.close()
    return []
  }

  #bottom(size: Size, usual: number): readonly string[] {
    switch (this.#focus.kind) {
      case 'filter':
        return this.#filter.render(size)
      case 'reply':
        return this.#focus.reply.composer.render(size)
      case 'line':
        return [this.#focus.line.render(size.columns)]
      case 'question':
        return [this.#stage.theme.warning(this.#stage.theme.bold(` ${fit(this.#focus.text, size.columns - 8)}   y/n`))]
      case 'dispatch':
        return this.#dispatch.render(size)
      default:
        return this.#dispatch.render({ ...size, rows: usual })
    }
  }

  #foot(columns: number): string {
    const { theme, keymap } = this.#stage
    const { kind } = this.#focus
    if (kind === 'question') return theme.dim(' y yes   any other key no')
    if (kind === 'filter') return this.#filter.foot(columns)
    const advice = kind === 'dispatch' ? this.#dispatch.advice : undefined
    // A terminal takes keystrokes.
    const without = this.#body.session?.kind === 'terminal' ? 'list.reply' : undefined
    if (advice === undefined) return hintsRow(this.#moment(), keymap, columns, theme, without)
    return advice.kind === 'trouble' ? ` ${theme.warning(fit(`! ${advice.text}`, columns - 2))}` : ` ${theme.warning('tip')}  ${theme.dim(fit(advice.text, columns - 7))}`
  }

  #moment(): Moment {
    const { kind } = this.#focus
    if (kind === 'dispatch' || kind === 'reply' || kind === 'line') return kind
    if (this.#listing.order.length === 0) return 'empty'
    if (this.#body.marked.length > 0) return 'marked'
    if (!this.#isPeeking) return 'list'
    const request = foremostRequest(this.#body.session?.requests ?? [])
    return request === undefined ? 'peek' : request.kind === 'permission' ? 'permission' : 'question'
  }

  #nothing(columns: number): readonly string[] {
    const { theme, keymap } = this.#stage
    const line = (text: string): string => fit(`   ${text}`, columns)
    if (!this.#parts.sessions.caughtUp) return [theme.dim(line('reading the sessions …'))]
    if (!this.#filter.isEmpty) {
      const { hint } = this.#filter
      return [line(`nothing fits /${this.#filter.text}`), theme.dim(line(hint ?? `${keymap.hint('filter.back')} clears the filter`))]
    }
    const trouble = this.#dispatch.advice
    return [
      theme.bold(line('No sessions yet.')),
      '',
      line(`${keymap.hint('list.dispatch')}   write what is to be done; Enter starts it in the background`),
      line(`${keymap.hint('list.help')}   all keys`),
      ...(trouble?.kind === 'trouble' ? ['', theme.warning(line(`! ${trouble.text}`))] : []),
      '',
      theme.dim(line('or from any shell:')),
      theme.dim(line('offstage bg "add rate limiting to POST /login"')),
    ]
  }

  // What the keys do.

  #act(action: ActionName): void {
    const body = this.#body
    const listing = this.#listing
    const { choice } = listing
    switch (action) {
      case 'list.up':
        return body.move(-1)
      case 'list.down':
        return body.move(1)
      case 'list.page-up':
        return body.page(-1)
      case 'list.page-down':
        return body.page(1)
      case 'list.first':
        return body.first()
      case 'list.last':
        return body.last()
      case 'list.next-waiting':
        if (!body.nextWaiting()) this.#stage.say('nobody needs you')
        return
      case 'list.mark':
        return body.mark()
      case 'list.mark-all':
        return body.markAll()
      case 'list.peek':
        this.#isPeeking = !this.#isPeeking
        return
      case 'list.back':
        return this.#back()
      case 'list.dispatch':
        return this.#turnTo({ kind: 'dispatch' })
      case 'list.filter':
        return this.#turnTo({ kind: 'filter' })
      case 'list.sort':
        return listing.choose({ sort: sorts[(sorts.indexOf(choice.sort) + 1) % sorts.length] ?? 'attention' })
      case 'list.group':
        return listing.choose({ by: choice.by === 'standing' ? 'project' : 'standing' })
      case 'list.all':
        return listing.choose({ archived: !choice.archived })
      case 'list.help':
        return this.#parts.help()
      case 'list.leave':
        return this.#stage.leave('')
      case 'list.undo':
        return this.#deeds.undo()
      default: {
        const targets = this.#targets()
        if (targets) this.#actOn(action, targets)
      }
    }
  }

  #targets(): Targets | undefined {
    const { session, targets } = this.#body
    return session && { session, all: targets, answerable: this.#isPeeking ? this.#peek.answerable : undefined }
  }

  #actOn(action: ActionName, targets: Targets): void {
    switch (action) {
      case 'list.open':
        return this.#open(targets.session)
      case 'list.logs':
        this.#peek.close()
        return this.#parts.logs(targets.session)
      case 'list.review':
        this.#peek.close()
        return this.#parts.review(targets.session)
      case 'list.land':
        if (targets.all.length > 1) return this.#stage.say(`several are landed one after the other by: offstage land ${targets.all.map(({ id }) => id).join(' ')}`)
        return this.#parts.land(targets.session)
      default:
        return this.#keys.act(action, targets)
    }
  }

  /** What is not seen is not read meanwhile. */
  #open(session: SessionView): void {
    this.#peek.close()
    this.#parts.open(session)
  }

  #back(): void {
    if (this.#isPeeking) this.#isPeeking = false
    else if (this.#body.marked.length > 0) this.#body.unmark()
    else if (this.#filter.text !== '') this.#filter.clear()
  }

  #line({ line, done }: Extract<Focus, { kind: 'line' }>, data: string): void {
    switch (this.#stage.keymap.action('filter', data)) {
      case 'filter.apply':
        this.#turnTo(inList)
        return done(line.text.trim())
      case 'filter.back':
        return this.#turnTo(inList)
      default:
        line.input(data)
    }
  }

  #started(session: SessionView, open: boolean): void {
    const { sessions } = this.#parts
    if (!sessions.get(session.id)) sessions.put(session)
    this.select(session.id)
    if (!open) return
    this.#turnTo(inList)
    this.#open(session)
  }
}

const blank = (count: number): readonly string[] => Array.from<string>({ length: Math.max(0, count) }).fill('')
