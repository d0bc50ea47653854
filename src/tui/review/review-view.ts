// What a session changed, to be read line by line: files on the left, the patch of one on the right, or one after the other where it is narrow. Owns where the keys go; nothing of the tree changes but by a command that was asked for.

import type { SessionView } from '../../core/view.ts'
import type { ChangedFile } from '../../core/workspace.ts'
import { printable } from '../../core/terminal-text.ts'
import { nameOf } from '../../text/format.ts'
import type { ActionName } from '../actions.ts'
import { cellText, filled, fit, fitStyled } from '../cells.ts'
import { rule } from '../conversation/rows.ts'
import { openHelp } from '../help-view.ts'
import type { Mouse, Size, Stage, View } from '../view.ts'
import { ChangesShown, type Scope } from './changes-shown.ts'
import { Commenting, type KeptComments } from './commenting.ts'
import { openLanding } from './landing-view.ts'
import { type KeptMarks, MarksShown } from './marks-shown.ts'
import { Panes } from './panes.ts'
import { commentOn } from './patch-items.ts'
import { footRow, headRows, questionRows } from './review-rows.ts'
import { marksOf, marksOfAll } from './reviewed.ts'
import { TakingBack } from './taking-back.ts'

export interface ReviewParts {
  readonly session: SessionView
  /** What was said and marked here before. */
  readonly kept: KeptComments & KeptMarks
  /** Of a run that a prompt starts. */
  readonly environment: () => Promise<Record<string, string>>
  /** As it is now. */
  readonly newest?: () => SessionView | undefined
  /** Shows what its tool calls say that they changed, where the tree itself cannot be asked. */
  readonly toolCalls?: () => void
}

export const openReview = (stage: Stage, parts: ReviewParts): View => new ReviewView(stage, parts)

class ReviewView implements View {
  readonly #stage: Stage
  readonly #parts: ReviewParts
  readonly #closing = new AbortController()
  readonly #changes: ChangesShown
  readonly #marks: MarksShown
  readonly #commenting: Commenting
  readonly #panes: Panes
  readonly #taking: TakingBack
  #readAtSnapshot = 0
  /** Of what is painted. */
  #scope: Scope = 'all'
  #bodyTop = 3

  constructor(stage: Stage, parts: ReviewParts) {
    this.#stage = stage
    this.#parts = parts
    this.#changes = new ChangesShown(stage.client, parts.session.id, this.#closing.signal, () => this.#told())
    this.#marks = new MarksShown(this.#changes, parts.kept, () => stage.repaint())
    this.#commenting = new Commenting(stage, parts.kept, () => this.#panes.patch.endRange())
    this.#panes = new Panes(stage, { changes: this.#changes, marks: this.#marks, comments: () => this.#commenting.comments })
    this.#taking = new TakingBack(stage, parts.session, () => this.#look(this.#changes.scope))
    this.#look('all')
  }

  title(): string {
    return `changes of ${nameOf(this.#parts.session)}`
  }

  render(size: Size): readonly string[] {
    const { columns, rows } = size
    const { theme } = this.#stage
    this.#panes.files.show(this.#changes.files)
    this.#panes.painted = undefined
    this.#scope = this.#changes.scope
    const head = this.#head(columns)
    const above = rows >= 12 ? [...head, rule(columns, theme)] : head.slice(0, rows >= 6 ? 2 : rows >= 4 ? 1 : 0)
    const below = this.#below(size)
    const room = Math.max(1, rows - above.length - Math.max(1, below.length))
    this.#bodyTop = above.length
    const body = filled(this.#body({ columns, rows: room }), room)
    const foot = below.length > 0 ? below : [this.#foot(columns)]
    return [...above, ...body.slice(0, rows - above.length - foot.length), ...foot].map((row) => fitStyled(row, columns)).slice(0, rows)
  }

  input(data: string): void {
    if (this.#commenting.open) return this.#commenting.input(data)
    if (this.#taking.question !== undefined) return this.#taking.input(data)
    this.#taking.hush()
    const action = this.#stage.keymap.action('review', data)
    if (action) this.#act(action)
  }

  mouse(event: Mouse): boolean {
    return this.#panes.mouse({ ...event, row: event.row - this.#bodyTop })
  }

  resumed(): void {
    this.#stage.repaint()
  }

  close(): void {
    this.#panes.close()
    this.#closing.abort()
  }

  // What is on the screen.

  #head(columns: number): readonly string[] {
    const { theme, keymap } = this.#stage
    const { found, files, turns, scope, state } = this.#changes
    const read = files.filter((file) => this.#marks.of(file) === 'all').length
    return headRows({ name: nameOf(this.#parts.session), found, turns, scope, reading: state.kind === 'loading', read, keymap }, columns, theme)
  }

  #below(size: Size): readonly string[] {
    const { theme } = this.#stage
    const { question } = this.#taking
    return question === undefined ? this.#commenting.render(size) : questionRows(question, size).map((row) => theme.warning(theme.bold(` ${row}`)))
  }

  #foot(columns: number): string {
    const { theme, keymap } = this.#stage
    const { side, patch } = this.#panes
    const comments = this.#commenting.comments.length
    return footRow({ told: this.#taking.told, isStale: this.#isStale, side, patch, comments, hasFiles: this.#changes.files.length > 0 }, keymap, columns, theme)
  }

  /** Something of the tree was kept since it was read. */
  get #isStale(): boolean {
    const newest = this.#parts.newest?.()
    return newest !== undefined && newest.workspace.snapshots > this.#readAtSnapshot
  }

  #body(size: Size): readonly string[] {
    const { theme, keymap } = this.#stage
    const { state } = this.#changes
    const say = (text: string): readonly string[] => [theme.dim(` ${fit(text, size.columns - 2)}`)]
    if (state.kind === 'loading') return say('  reading what it changed …')
    if (state.kind === 'failed')
      return [
        theme.warning(` ${fit(`! ${cellText(state.why)}`, size.columns - 2)}`),
        ...say(`  ${keymap.hint('review.again')} asks again${this.#parts.toolCalls ? `, ${keymap.hint('review.open')} shows what its tool calls told` : ''}`),
      ]
    const { file } = this.#panes.files
    return file ? this.#panes.render(file, size) : say(`  nothing was changed${this.#changes.scope === 'all' ? '' : ' in this turn'}`)
  }

  // What the daemon says.

  #look(scope: Scope): void {
    this.#readAtSnapshot = this.#newest.workspace.snapshots
    void this.#changes.look(scope)
  }

  #told(): void {
    this.#marks.told()
    this.#stage.repaint()
  }

  get #newest(): SessionView {
    return this.#parts.newest?.() ?? this.#parts.session
  }

  // What the keys do.

  #act(action: ActionName): void {
    const { side, cursor, files, patch } = this.#panes
    switch (action) {
      case 'review.up':
        return cursor.move(-1)
      case 'review.down':
        return cursor.move(1)
      case 'review.page-up':
        return cursor.page(-1)
      case 'review.page-down':
        return cursor.page(1)
      case 'review.first':
        return cursor.first()
      case 'review.last':
        return cursor.last()
      case 'review.open':
        return this.#changes.state.kind === 'failed' ? this.#parts.toolCalls?.() : this.#panes.turnTo('patch')
      case 'review.other-side':
        return this.#panes.turnTo(side === 'files' ? 'patch' : 'files')
      case 'review.left':
        return side === 'patch' && patch.isShifted ? patch.shift(-1) : this.#panes.turnTo('files')
      case 'review.right':
        return side === 'patch' ? patch.shift(1) : this.#panes.turnTo('patch')
      case 'review.next-file':
        return files.cursor.move(1)
      case 'review.previous-file':
        return files.cursor.move(-1)
      case 'review.next-hunk':
        return this.#toHunk(1)
      case 'review.previous-hunk':
        return this.#toHunk(-1)
      case 'review.back':
        return this.#back()
      case 'review.help':
      case 'anywhere.help':
        return this.#stage.open(openHelp(this.#stage, ['review', 'dialog']))
      case 'review.again':
        return this.#look(this.#changes.scope)
      case 'review.land':
        return this.#stage.open(openLanding(this.#stage, { session: this.#newest, environment: this.#parts.environment }))
      case 'review.send':
        return this.#send()
      case 'review.undo':
        return this.#undo()
      case 'review.all':
      case 'review.previous-turn':
      case 'review.next-turn':
      case 'review.last-turn':
        return this.#toTurn(action)
      default:
        return this.#actOnFile(action)
    }
  }

  #actOnFile(action: ActionName): void {
    const { files, side, patch } = this.#panes
    const { file } = files
    if (!file) return
    const inFiles = side === 'files'
    switch (action) {
      case 'review.range':
        return inFiles ? this.#panes.turnTo('patch') : patch.beginRange()
      case 'review.comment':
        return this.#comment(file)
      case 'review.accept':
        return this.#accept(file, inFiles)
      case 'review.accept-file':
        return this.#accept(file, true)
      case 'review.reject':
        return this.#reject(file, inFiles)
      case 'review.reject-file':
        return this.#reject(file, true)
      case 'review.pager':
        return void this.#page(file)
      default:
    }
  }

  #toHunk(direction: 1 | -1): void {
    const { keymap } = this.#stage
    this.#panes.turnTo('patch')
    if (this.#panes.patch.toHunk(direction)) return
    const [next, which] = direction === 1 ? (['review.next-file', 'next'] as const) : (['review.previous-file', 'previous'] as const)
    this.#stage.say(`no more hunks in this file; ${keymap.hint(next)} goes to the ${which} one`)
  }

  #back(): void {
    const { side, patch, areBeside } = this.#panes
    if (side === 'patch' && patch.hasRange) return patch.endRange()
    if (side === 'patch' && !areBeside && this.#panes.files.file) return this.#panes.turnTo('files')
    this.#stage.back()
  }

  #toTurn(action: ActionName): void {
    const { turns, scope } = this.#changes
    const last = turns.at(-1)
    if (action === 'review.all') return this.#look('all')
    if (last === undefined) return this.#stage.say('no turn of it was kept so far')
    const at = scope === 'all' ? turns.length : turns.indexOf(scope)
    const to = action === 'review.last-turn' ? turns.length - 1 : action === 'review.previous-turn' ? Math.max(0, at - 1) : at + 1
    this.#panes.turnTo('files')
    return this.#look(turns[to] ?? (action === 'review.next-turn' ? 'all' : last))
  }

  #comment(file: ChangedFile): void {
    const { side, patch } = this.#panes
    const painted = this.#panes.paintedOf(file)
    if (!painted || side === 'files') return this.#panes.turnTo('patch')
    const { item, chosen, hasRange } = patch
    const there = item?.kind === 'comment' ? item.comment : undefined
    // Of a range that ends on a comment the lines are meant.
    const about = (hasRange ? undefined : there) ?? commentOn(file, this.#scope, chosen, painted.bytes) ?? there
    if (!about) return this.#stage.say('a comment is on a line: move to one')
    this.#commenting.write(about)
  }

  #send(): void {
    const { found, scope } = this.#changes
    const compared = (of: Scope): string => (of === scope && found ? `${found.from} → ${found.to}` : of === 'all' ? 'all of them' : `turn ${of}`)
    this.#commenting.send({ session: this.#newest, environment: this.#parts.environment }, compared)
  }

  #accept(file: ChangedFile, whole: boolean): void {
    const { files, patch, side } = this.#panes
    const shown = this.#panes.paintedOf(file) ?? (whole && !this.#panes.areBeside ? this.#changes.patchOf(file) : undefined)
    if (shown?.kind !== 'patch') return this.#changes.ask(file)
    const { place } = patch
    const ofHunk = whole || !place ? [] : marksOf(shown.bytes, place.part).slice(place.index, place.index + 1)
    const marks = ofHunk.length === 0 ? marksOfAll(shown) : ofHunk
    if (marks.length === 0 || !this.#marks.toggle(file, marks)) return
    if (side === 'files') files.cursor.move(1)
    else if (!whole) patch.toHunk(1)
  }

  #reject(file: ChangedFile, whole: boolean): void {
    if (whole) return this.#taking.askFile(file, this.#scope)
    const painted = this.#panes.paintedOf(file)
    const hunks = this.#panes.patch.chosenHunks
    if (painted?.parts.length === 1 && hunks.length > 0) return this.#taking.askHunks(file, painted, hunks)
    this.#stage.say(`nothing is taken back by hunks here: ${this.#stage.keymap.hint('review.reject-file')} takes back the file`)
  }

  #undo(): void {
    const { scope, turns } = this.#changes
    const turn = scope === 'all' ? turns.at(-1) : scope
    if (turn === undefined) return this.#stage.say('no turn of it was kept so far')
    void this.#taking.undoTurn(turn)
  }

  async #page(file: ChangedFile): Promise<void> {
    const state = this.#changes.patchOf(file)
    if (state?.kind !== 'patch') return
    try {
      await this.#stage.page(printable(new TextDecoder().decode(state.bytes)))
    } catch (thrown) {
      this.#stage.complain(thrown)
    }
  }
}
