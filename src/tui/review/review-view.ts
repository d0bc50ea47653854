// What a session changed, to be read line by line: files on the left, the patch of one on the right, or one after the other where it is narrow. Owns where the keys go; nothing of the tree changes but by a command that was asked for.

import type { SessionView } from '../../core/view.ts'
import type { ChangedFile } from '../../core/workspace.ts'
import { printable } from '../../core/terminal-text.ts'
import { nameOf } from '../../text/format.ts'
import type { ActionName } from '../actions.ts'
import { cellText, fit, fitStyled, spaces } from '../cells.ts'
import { Composer } from '../composer.ts'
import { rule } from '../conversation/rows.ts'
import { openHelp } from '../help-view.ts'
import { languageOf, prepareHighlighting } from '../transcript/highlight.ts'
import type { Mouse, Size, Stage, View } from '../view.ts'
import { ChangesShown, type Scope } from './changes-shown.ts'
import { type Comment, linesText, promptOf, samePlace, withComment } from './comments.ts'
import { FilePane } from './file-pane.ts'
import { openLanding } from './landing-view.ts'
import { commentOn, itemsOf } from './patch-items.ts'
import { PatchPane } from './patch-pane.ts'
import { offerPrompt } from './prompting.ts'
import { footRow, headRows } from './review-rows.ts'
import { type Reviewed, fileMark, isReviewed, marksOf, toggled } from './reviewed.ts'
import { TakingBack } from './taking-back.ts'

export interface ReviewParts {
  readonly session: SessionView
  /** What was said and marked here before. */
  readonly kept: {
    readonly comments: readonly Comment[]
    readonly keepComments: (comments: readonly Comment[]) => void
    readonly reviewed: Reviewed
    readonly keepReviewed: (reviewed: Reviewed) => void
  }
  /** Of a run that a prompt starts. */
  readonly environment: () => Promise<Record<string, string>>
  /** As it is now. */
  readonly newest?: () => SessionView | undefined
  /** Shows what its tool calls say that they changed, where the tree itself cannot be asked. */
  readonly toolCalls?: () => void
}

interface Writing {
  readonly about: Comment
  readonly composer: Composer
}

/** Narrower than this files and patch stand not beside but behind each other. */
const besideFrom = 100
/** The cursor passes by many files on its way to one. */
const loadedAfterMs = 40

export const openReview = (stage: Stage, parts: ReviewParts): View => new ReviewView(stage, parts)

class ReviewView implements View {
  readonly #stage: Stage
  readonly #parts: ReviewParts
  readonly #closing = new AbortController()
  readonly #changes: ChangesShown
  readonly #files: FilePane
  readonly #patch: PatchPane
  readonly #taking: TakingBack
  #side: 'files' | 'patch' = 'files'
  #comments: readonly Comment[]
  #reviewed: Reviewed
  /** Of files whose patch is known: the digests of their hunks. */
  readonly #marks = new Map<string, readonly string[]>()
  #marksFor: object | undefined
  #writing: Writing | undefined
  #question: { readonly text: string; readonly yes: () => void } | undefined
  #asking: { readonly path: string; readonly timer: NodeJS.Timeout } | undefined
  #shown: { readonly patch: object; readonly comments: readonly Comment[]; readonly width: number } | undefined
  #readAtSnapshot = 0
  #bodyTop = 3
  #filesWidth = 0

  constructor(stage: Stage, parts: ReviewParts) {
    this.#stage = stage
    this.#parts = parts
    this.#comments = parts.kept.comments
    this.#reviewed = parts.kept.reviewed
    const { id } = parts.session
    this.#changes = new ChangesShown(stage.client, id, this.#closing.signal, () => this.#told())
    this.#files = new FilePane(stage.theme)
    this.#patch = new PatchPane(stage.theme)
    this.#taking = new TakingBack(stage, parts.session, () => this.#look(this.#changes.scope))
    this.#look('all')
  }

  title(): string {
    return `changes of ${nameOf(this.#parts.session)}`
  }

  render(size: Size): readonly string[] {
    const { columns, rows } = size
    const { theme, keymap } = this.#stage
    this.#files.show(this.#changes.files)
    const head = headRows(this.#headParts(), columns, theme)
    const above = rows >= 12 ? [...head, rule(columns, theme)] : head.slice(0, rows >= 6 ? 2 : rows >= 4 ? 1 : 0)
    const below = this.#below(size)
    const room = Math.max(1, rows - above.length - Math.max(1, below.length))
    this.#bodyTop = above.length
    const body = this.#body({ columns, rows: room })
    const filled = [...body, ...Array.from<string>({ length: Math.max(0, room - body.length) }).fill('')]
    const foot =
      below.length > 0
        ? below
        : [
            footRow(
              { told: this.#taking.told, isStale: this.#isStale, side: this.#side, patch: this.#patch, comments: this.#comments.length, hasFiles: this.#changes.files.length > 0 },
              keymap,
              columns,
              theme,
            ),
          ]
    return [...above, ...filled.slice(0, rows - above.length - foot.length), ...foot].map((row) => fitStyled(row, columns)).slice(0, rows)
  }

  input(data: string): void {
    const { keymap } = this.#stage
    if (this.#writing) return this.#write(this.#writing, data)
    if (this.#question) {
      const { yes } = this.#question
      this.#question = undefined
      if (keymap.action('dialog', data) === 'dialog.allow') yes()
      return
    }
    this.#taking.hush()
    const action = keymap.action('review', data)
    if (action) this.#act(action)
  }

  mouse({ kind, column, row, delta }: Mouse): boolean {
    const overFiles = this.#isBeside ? column < this.#filesWidth : this.#side === 'files'
    const pane = overFiles ? this.#files : this.#patch
    if (kind === 'wheel') pane.scroll(delta)
    else {
      // The first row of a patch names its file.
      const at = row - this.#bodyTop - (overFiles ? 0 : 1)
      if (at < 0) return false
      pane.click(at)
      this.#side = overFiles && kind === 'click' ? 'files' : 'patch'
    }
    return true
  }

  resumed(): void {
    this.#stage.repaint()
  }

  close(): void {
    clearTimeout(this.#asking?.timer)
    this.#closing.abort()
  }

  // What is on the screen.

  get #isBeside(): boolean {
    return this.#stage.size().columns >= besideFrom
  }

  /** Something of the tree was kept since it was read. */
  get #isStale(): boolean {
    const newest = this.#parts.newest?.()
    return newest !== undefined && newest.workspace.snapshots > this.#readAtSnapshot
  }

  #headParts() {
    const { found, turns, scope, state } = this.#changes
    const read = this.#changes.files.filter((file) => this.#fileMark(file) === 'all').length
    return { name: nameOf(this.#parts.session), found, turns, scope, reading: state.kind === 'loading', read, keymap: this.#stage.keymap }
  }

  #below({ columns, rows }: Size): readonly string[] {
    const { theme } = this.#stage
    if (this.#question) return [theme.warning(theme.bold(` ${fit(this.#question.text, columns - 8)}   y/n`))]
    if (!this.#writing) return []
    const { about, composer } = this.#writing
    return [
      theme.dim(` ${fit(`${linesText(about)}: Enter keeps it, ${this.#stage.keymap.hint('dispatch.back')} leaves it`, columns - 2)}`),
      ...composer.render({ columns, rows: Math.max(1, Math.min(6, Math.floor(rows / 3))) }),
    ]
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
    const { file } = this.#files
    if (!file) return say(`  nothing was changed${this.#changes.scope === 'all' ? '' : ' in this turn'}`)
    const isBeside = size.columns >= besideFrom
    if (!isBeside) {
      this.#filesWidth = size.columns
      return this.#side === 'files' ? this.#fileRows(size) : this.#patchRows(file, size)
    }
    const width = (this.#filesWidth = Math.max(28, Math.min(48, Math.floor(size.columns * 0.32))))
    const left = this.#fileRows({ columns: width - 1, rows: size.rows })
    const right = this.#patchRows(file, { columns: size.columns - width - 2, rows: size.rows })
    return Array.from({ length: size.rows }, (_, row) => `${left[row] ?? spaces(width - 1)} ${theme.dim('│')} ${right[row] ?? ''}`)
  }

  #fileRows(size: Size): readonly string[] {
    const scope = this.#changes.scope
    return this.#files.render(size, {
      focused: this.#side === 'files',
      mark: (file) => this.#fileMark(file),
      hasComments: ({ path }) => this.#comments.some((one) => one.path === path && one.scope === scope),
    })
  }

  #patchRows(file: ChangedFile, { columns, rows }: Size): readonly string[] {
    const { theme } = this.#stage
    const state = this.#changes.patchOf(file)
    const counts = file.added === null || file.removed === null ? '' : `  ${theme.added(`+${file.added}`)} ${theme.removed(`−${file.removed}`)}`
    const named = fitStyled(` ${theme.bold(fit(cellText(file.path), Math.max(4, columns - 18)))}${counts}`, columns)
    if (state?.kind !== 'patch') {
      if (!state) this.#ask(file)
      return [named, state?.kind === 'failed' ? theme.warning(fit(`   ! ${cellText(state.why)}`, columns)) : '']
    }
    if (this.#shown?.patch !== state || this.#shown.comments !== this.#comments || this.#shown.width !== columns) {
      this.#shown = { patch: state, comments: this.#comments, width: columns }
      this.#patch.show(file, state, itemsOf(file, state, { comments: this.#comments, scope: this.#changes.scope, width: columns }))
    }
    const body = this.#patch.render(
      { columns, rows: rows - 1 },
      { focused: this.#side === 'patch', isReviewed: ({ part, index }) => isReviewed(this.#reviewed, file.path, marksOf(state.bytes, part)[index] ?? '') },
    )
    return [named, ...body]
  }

  /** The first file at once, others when the cursor has stayed on them. */
  #ask(file: ChangedFile): void {
    if (this.#asking?.path === file.path) return
    clearTimeout(this.#asking?.timer)
    const ask = (): void => this.#changes.ask(file)
    const isFirst = this.#asking === undefined
    this.#asking = { path: file.path, timer: setTimeout(ask, isFirst ? 0 : loadedAfterMs) }
  }

  #fileMark(file: ChangedFile) {
    return fileMark(this.#reviewed, file.path, this.#marks.get(file.path) ?? ['?'])
  }

  // What the daemon says.

  #look(scope: Scope): void {
    this.#readAtSnapshot = (this.#parts.newest?.() ?? this.#parts.session).workspace.snapshots
    void this.#changes.look(scope)
  }

  #told(): void {
    const { found, files } = this.#changes
    if (found && this.#marksFor !== found) {
      this.#marksFor = found
      this.#marks.clear()
      this.#asking = undefined
      const marked = files.filter(({ path }) => Object.hasOwn(this.#reviewed, path))
      if (marked.length > 0) void this.#findMarks(marked, found)
    }
    for (const file of files) {
      const state = this.#changes.patchOf(file)
      if (state?.kind !== 'patch' || this.#marks.has(file.path)) continue
      this.#marks.set(
        file.path,
        state.parts.flatMap((part) => marksOf(state.bytes, part)),
      )
      if (file.path === this.#files.file?.path) void prepareHighlighting(languageOf(file.path)).then((news) => news && this.#stage.repaint())
    }
    this.#stage.repaint()
  }

  /** Whether what was reviewed is still what it was. */
  async #findMarks(files: readonly ChangedFile[], found: object): Promise<void> {
    const patches = await this.#changes.patchesOf(files)
    if (this.#marksFor !== found) return
    for (const [path, parts] of patches)
      this.#marks.set(
        path,
        parts.flatMap(({ bytes, part }) => marksOf(bytes, part)),
      )
    this.#stage.repaint()
  }

  // What the keys do.

  #act(action: ActionName): void {
    const pane = this.#side === 'files' ? this.#files : this.#patch
    switch (action) {
      case 'review.up':
        return pane.move(-1)
      case 'review.down':
        return pane.move(1)
      case 'review.page-up':
        return pane.page(-1)
      case 'review.page-down':
        return pane.page(1)
      case 'review.first':
        return pane.first()
      case 'review.last':
        return pane.last()
      case 'review.open':
        return this.#changes.state.kind === 'failed' ? this.#parts.toolCalls?.() : this.#turnTo('patch')
      case 'review.other-side':
        return this.#turnTo(this.#side === 'files' ? 'patch' : 'files')
      case 'review.left':
        if (this.#side === 'patch' && this.#patch.isShifted) return this.#patch.shift(-1)
        return this.#turnTo('files')
      case 'review.right':
        return this.#side === 'files' ? this.#turnTo('patch') : this.#patch.shift(1)
      case 'review.next-file':
        return this.#files.move(1)
      case 'review.previous-file':
        return this.#files.move(-1)
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
    const { file } = this.#files
    if (!file) return
    const inFiles = this.#side === 'files'
    switch (action) {
      case 'review.range':
        return inFiles ? this.#turnTo('patch') : this.#patch.beginRange()
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

  get #newest(): SessionView {
    return this.#parts.newest?.() ?? this.#parts.session
  }

  #turnTo(side: 'files' | 'patch'): void {
    if (this.#files.file) this.#side = side
    if (side === 'files') this.#patch.endRange()
  }

  #toHunk(direction: 1 | -1): void {
    this.#turnTo('patch')
    if (!this.#patch.toHunk(direction))
      this.#stage.say(
        `no more hunks in this file; ${this.#stage.keymap.hint(direction === 1 ? 'review.next-file' : 'review.previous-file')} goes to the ${direction === 1 ? 'next' : 'previous'} one`,
      )
  }

  #back(): void {
    if (this.#patch.hasRange && this.#side === 'patch') return this.#patch.endRange()
    if (this.#side === 'patch' && !this.#isBeside) return this.#turnTo('files')
    this.#stage.back()
  }

  #toTurn(action: ActionName): void {
    const { turns, scope } = this.#changes
    const last = turns.at(-1)
    if (action === 'review.all') return this.#look('all')
    if (last === undefined) return this.#stage.say('no turn of it was kept so far')
    const at = scope === 'all' ? turns.length : turns.indexOf(scope)
    const to = action === 'review.last-turn' ? turns.length - 1 : action === 'review.previous-turn' ? Math.max(0, at - 1) : at + 1
    this.#side = 'files'
    return this.#look(turns[to] ?? (action === 'review.next-turn' ? 'all' : last))
  }

  #comment(file: ChangedFile): void {
    const state = this.#changes.patchOf(file)
    if (state?.kind !== 'patch' || this.#side === 'files') return this.#turnTo('patch')
    const here = this.#patch.item
    const about = here?.kind === 'comment' ? here.comment : commentOn(file, this.#changes.scope, this.#patch.chosen, state.bytes)
    if (!about) return this.#stage.say('a comment is on a line: move to one')
    const before = this.#comments.find((one) => samePlace(one, about)) ?? about
    const composer = new Composer(this.#stage, { placeholder: 'what about it?' })
    composer.focused = true
    composer.text = before.text
    this.#writing = { about: before, composer }
  }

  #write({ about, composer }: Writing, data: string): void {
    switch (this.#stage.keymap.action('dispatch', data)) {
      case 'dispatch.start':
        this.#writing = undefined
        this.#patch.endRange()
        return this.#keep(withComment(this.#comments, { ...about, text: composer.text.trim() }))
      case 'dispatch.new-line':
        return composer.newLine()
      case 'dispatch.back':
        this.#writing = undefined
        return
      default:
        composer.input(data)
    }
  }

  #keep(comments: readonly Comment[]): void {
    this.#comments = comments
    this.#parts.kept.keepComments(comments)
  }

  #send(): void {
    const comments = this.#comments
    if (comments.length === 0) return this.#stage.say(`no comments so far: ${this.#stage.keymap.hint('review.comment')} on a line writes one`)
    const { found, scope } = this.#changes
    const compared = (of: Scope): string => (of === scope && found ? `${found.from} → ${found.to}` : of === 'all' ? 'all of them' : `turn ${of}`)
    const sent = (): void => {
      // Those that were written meanwhile are not sent.
      this.#keep(this.#comments.filter((one) => !comments.includes(one)))
      this.#stage.say(`sent to ${nameOf(this.#parts.session)}`)
    }
    offerPrompt(this.#stage, { session: this.#newest, text: promptOf(comments, compared), environment: this.#parts.environment, sent })
  }

  #accept(file: ChangedFile, whole: boolean): void {
    const state = this.#changes.patchOf(file)
    if (state?.kind !== 'patch') return this.#changes.ask(file)
    const place = this.#patch.place
    const hunkMarks = place ? marksOf(state.bytes, place.part).slice(place.index, place.index + 1) : []
    const all = state.parts.flatMap((part) => marksOf(state.bytes, part))
    const marks = whole || hunkMarks.length === 0 ? all : hunkMarks
    if (marks.length === 0) return
    const isNew = marks.some((mark) => !isReviewed(this.#reviewed, file.path, mark))
    this.#reviewed = toggled(this.#reviewed, file.path, marks)
    this.#parts.kept.keepReviewed(this.#reviewed)
    if (!isNew) return
    if (this.#side === 'files') this.#files.move(1)
    else if (!whole) this.#patch.toHunk(1)
  }

  #reject(file: ChangedFile, whole: boolean): void {
    const state = this.#changes.patchOf(file)
    const hunks =
      whole || state?.kind !== 'patch' || state.parts.length !== 1
        ? []
        : [...new Set(this.#patch.chosen.flatMap((item) => ('index' in item ? item.index : (this.#patch.place?.index ?? []))))]
    if (!whole && (state?.kind !== 'patch' || hunks.length === 0))
      return this.#stage.say(`nothing is taken back by hunks here: ${this.#stage.keymap.hint('review.reject-file')} takes back the file`)
    const what = state?.kind === 'patch' && hunks.length > 0 ? this.#taking.hunks(file, state, hunks) : this.#taking.file(file, this.#changes.scope)
    // Nothing that was said may stand over it.
    this.#stage.hush()
    this.#question = { text: what.question, yes: () => void this.#taking.take(what) }
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
