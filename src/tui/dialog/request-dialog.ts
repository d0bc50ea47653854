// One question of an agent, answered with a few keys: what exactly it is about, then its options or its form. Owns cursor, scroll and what is filled in; gives an answer only when it fits the question, and none in its first moment
// on the screen, when a key may have been meant for something else. Sends nothing itself.

import { visibleWidth } from '@earendil-works/pi-tui'
import { askOf } from '../../client/answers.ts'
import type { Entry } from '../../core/events.ts'
import { type Answer, type FieldValue, type Option, checkAnswer } from '../../core/requests.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { RequestView } from '../../core/view.ts'
import type { ActionName } from '../actions.ts'
import { pastedText, typedCharacter } from '../keymap.ts'
import { LineInput } from '../line-input.ts'
import { type Row, indented, painted, span, wrapped } from '../transcript/rows.ts'
import type { Size, Stage } from '../view.ts'
import { type FieldEditor, type FormDraft, digitOf } from './fields.ts'
import { type Item, isCautious, itemsOf, labelOf, reasonAskedBy, rejectOf, stopsOf } from './items.ts'
import { type Lower, laidOut } from './layout.ts'
import { subjectRows } from './subject.ts'

export interface RequestDialogParts {
  /** The tool call that it is about. */
  readonly entry?: Entry
  /** What was filled in when it was left. */
  readonly draft?: FormDraft | undefined
  readonly answer: (answer: Answer) => void
  /** It is put aside without an answer. */
  readonly later: () => void
}

/** Keys that were typed before the question could be read, or while they were for something else, answer nothing. */
const guardMs = 400

export class RequestDialog {
  /** Keys are for it. Whoever gives it keys decides; without it no cursor is shown in it. */
  focused = true
  readonly #stage: Stage
  readonly #request: RequestView
  readonly #parts: RequestDialogParts
  readonly #items: readonly Item[]
  readonly #problems = new Map<FieldEditor, string>()
  /** When it was seen to take keys. Undefined: it was not, or does not now. */
  #guardedFromMs: number | undefined
  #at: number
  #stop = 0
  #subject: { readonly width: number; readonly rows: readonly string[] } = { width: 0, rows: [] }
  #scroll = 0
  #page = 1
  #reason: { readonly line: LineInput; readonly option: Option } | undefined

  constructor(stage: Stage, request: RequestView, parts: RequestDialogParts) {
    this.#stage = stage
    this.#request = request
    this.#parts = parts
    this.#items = request.lost ? [] : itemsOf(request, parts.draft)
    this.#at = Math.max(0, this.#items.findIndex(isCautious))
  }

  get requestId(): string {
    return this.#request.id
  }

  /** What is filled in, but for secrets. */
  get draft(): FormDraft {
    return Object.fromEntries(
      this.#items.flatMap((item) => {
        const draft = item.kind === 'field' ? item.editor.draft() : undefined
        return item.kind === 'field' && draft !== undefined ? [[item.editor.field.name, draft]] : []
      }),
    )
  }

  /** At most `rows` rows, each at most `columns` wide. */
  render({ columns, rows }: Size): readonly string[] {
    this.#guardedFromMs = this.focused ? (this.#guardedFromMs ?? this.#stage.now()) : undefined
    const width = Math.max(1, columns)
    const { theme, keymap, env } = this.#stage
    if (this.#subject.width !== width) this.#subject = { width, rows: subjectRows({ request: this.#request, entry: this.#parts.entry, home: env['HOME'], theme }, width) }
    const { shown, scroll, page } = laidOut({
      subject: this.#subject.rows,
      lower: this.#lower(width),
      hints: this.#hints(),
      scroll: this.#scroll,
      size: { columns: width, rows },
      theme,
      up: keymap.hint('dialog.scroll-up'),
      down: keymap.hint('dialog.scroll-down'),
    })
    this.#scroll = scroll
    this.#page = page
    return shown
  }

  /** Whether it took the key. Keys that would answer are taken, and do nothing, in its first moment. */
  input(data: string): boolean {
    if (this.#reason) return this.#inReason(data, this.#reason)
    const item = this.#items[this.#at]
    const editor = item?.kind === 'field' ? item.editor : undefined
    const isText = typedCharacter(data) !== undefined || pastedText(data) !== undefined
    if (editor?.writes && isText) return this.#write(editor, data)
    const digit = digitOf(data)
    if (digit !== undefined && this.#digit(digit, editor)) return true
    return this.#act(data) ?? (editor?.writes ? this.#write(editor, data) : false)
  }

  /** Undefined: no action of a dialog. */
  #act(data: string): boolean | undefined {
    switch (this.#stage.keymap.action('dialog', data)) {
      case 'dialog.up':
        return this.#move(-1)
      case 'dialog.down':
        return this.#move(1)
      case 'dialog.next':
        return this.#goTo(this.#at + 1, 0)
      case 'dialog.previous':
        return this.#goTo(this.#at - 1, 0)
      case 'dialog.choose':
        return this.#items.length > 0 && this.#unguarded(() => this.#choose())
      case 'dialog.toggle':
        return this.#toggle()
      case 'dialog.submit':
        return this.#hasForm() && this.#unguarded(() => this.#submit())
      case 'dialog.allow':
        return this.#answerWith(this.#options().find((option) => option.kind === 'allow' && option.scope !== 'always'))
      case 'dialog.reject':
        return this.#answerWith(rejectOf(this.#options()))
      case 'dialog.reason':
        return this.#askWhy()
      case 'dialog.scroll-up':
        return this.#scrollBy(-this.#page)
      case 'dialog.scroll-down':
        return this.#scrollBy(this.#page)
      case 'dialog.later':
        this.#parts.later()
        return true
      default:
        return undefined
    }
  }

  #options(): readonly Option[] {
    return this.#items.flatMap((item) => (item.kind === 'option' ? [item.option] : []))
  }

  #hasForm(): boolean {
    return this.#items.some((item) => item.kind === 'field')
  }

  #unguarded(perform: () => void): true {
    const from = this.#guardedFromMs
    if (from !== undefined && this.#stage.now() - from >= guardMs) perform()
    return true
  }

  #answer(answer: Answer): void {
    if (checkAnswer(askOf(this.#request), answer)) return
    // A second key that comes right behind the first is not for this question.
    this.#guardedFromMs = this.#stage.now()
    this.#parts.answer(answer)
  }

  #answerWith(option: Option | undefined): boolean {
    return option !== undefined && this.#unguarded(() => this.#answer({ kind: 'option', optionId: option.id }))
  }

  #askWhy(): boolean {
    const asksItself = reasonAskedBy(this.#options())
    if (asksItself) return this.#answerWith(asksItself)
    const option = this.#items.find((item) => item.kind === 'reason')?.option
    return option !== undefined && this.#unguarded(() => (this.#reason = { line: new LineInput(), option }))
  }

  #inReason(data: string, { line, option }: { readonly line: LineInput; readonly option: Option }): boolean {
    if (line.input(data)) return true
    switch (this.#stage.keymap.action('dialog', data)) {
      case 'dialog.choose': {
        const note = line.text.trim()
        return this.#unguarded(() => this.#answer({ kind: 'option', optionId: option.id, ...(note === '' ? {} : { note }) }))
      }
      case 'dialog.later':
        this.#reason = undefined
        return true
      case 'dialog.scroll-up':
        return this.#scrollBy(-this.#page)
      case 'dialog.scroll-down':
        return this.#scrollBy(this.#page)
      default:
        return false
    }
  }

  #write(editor: FieldEditor, data: string): boolean {
    const taken = editor.input(data, this.#stop)
    if (taken) this.#problems.delete(editor)
    return taken
  }

  #toggle(): boolean {
    const item = this.#items[this.#at]
    if (item?.kind !== 'field') return false
    item.editor.toggle(this.#stop)
    this.#problems.delete(item.editor)
    return true
  }

  #digit(digit: number, editor: FieldEditor | undefined): boolean {
    const stop = editor?.stopOf(digit)
    if (editor && stop !== undefined) {
      this.#stop = stop
      return this.#toggle()
    }
    if (this.#hasForm()) return false
    const item = this.#items[digit - 1]
    if (!item) return false
    return this.#unguarded(() => {
      this.#at = digit - 1
      this.#choose()
    })
  }

  #choose(): void {
    const item = this.#items[this.#at]
    switch (item?.kind) {
      case 'option':
        return this.#answer({ kind: 'option', optionId: item.option.id })
      case 'reason':
        this.#reason = { line: new LineInput(), option: item.option }
        return
      case 'decline':
        return this.#answer({ kind: 'decline' })
      case 'send':
        return this.#submit()
      case 'field':
        item.editor.settle(this.#stop)
        this.#problems.delete(item.editor)
        if (this.#items[this.#at + 1]?.kind === 'field') this.#goTo(this.#at + 1, 0)
        else this.#submit()
    }
  }

  #submit(): void {
    const fields: [string, FieldValue][] = []
    this.#problems.clear()
    for (const item of this.#items) {
      if (item.kind !== 'field') continue
      const { editor } = item
      const filled = editor.filled()
      if ('problem' in filled) this.#problems.set(editor, filled.problem)
      else if (filled.value !== undefined) fields.push([editor.field.name, filled.value])
    }
    const wrong = this.#items.findIndex((item) => item.kind === 'field' && this.#problems.has(item.editor))
    if (wrong >= 0) this.#goTo(wrong, 0)
    else this.#answer({ kind: 'form', fields: Object.fromEntries(fields) })
  }

  /** One row up or down, over the rows of a field and on to the next item. */
  #move(by: 1 | -1): boolean {
    const stop = this.#stop + by
    const stops = stopsOf(this.#items[this.#at])
    if (stop >= 0 && stop < stops) {
      this.#stop = stop
      return true
    }
    return this.#goTo(this.#at + by, by === 1 ? 0 : Infinity)
  }

  #goTo(at: number, stop: number): boolean {
    if (this.#items.length === 0) return false
    const next = (at + this.#items.length) % this.#items.length
    this.#at = next
    this.#stop = Math.min(stop, stopsOf(this.#items[next]) - 1)
    return true
  }

  /** What is seen as a whole takes no such key: something else may be scrolled with it. */
  #scrollBy(rows: number): boolean {
    this.#scroll += rows
    return this.#subject.rows.length > this.#page
  }

  #lower(width: number): Lower {
    const { theme } = this.#stage
    if (this.#request.lost) {
      const text = 'lost: its process is gone. /resume ANSWER starts the agent again and tells it, as does offstage resume --answer.'
      return { rows: indented(wrapped([span(text, theme.warning)], width - 3), [span('   ')]).map((row) => painted(row, width)), focus: 0 }
    }
    if (this.#reason) {
      const head = theme.accent(' why? ')
      return { rows: [head + this.#reason.line.row(width - visibleWidth(head), this.focused)], focus: 0 }
    }
    const rows: string[] = []
    let focus = 0
    const numbered = !this.#hasForm()
    for (const [index, item] of this.#items.entries()) {
      const here = this.focused && index === this.#at
      if (item.kind === 'field') {
        const field = this.#fieldRows(item.editor, here ? this.#stop : undefined, width)
        if (here) focus = rows.length + Math.max(0, field.focus)
        rows.push(...field.rows)
        continue
      }
      if (this.#items[index - 1]?.kind === 'field') rows.push('')
      if (here) focus = rows.length
      const number = numbered && index < 9 ? `${index + 1}  ` : numbered ? '   ' : ''
      const head: Row = [span(here ? ' ▸ ' : '   ', theme.accent), span(number, theme.accent)]
      const parts = labelOf(item, theme)
      const text: Row = here ? parts.map(({ text: part, style }) => span(part, style ? (one) => theme.bold(style(one)) : theme.bold)) : parts
      rows.push(...indented(wrapped(text, width - 3 - number.length), head, [span(' '.repeat(3 + number.length))]).map((row) => painted(row, width)))
    }
    return { rows, focus }
  }

  #fieldRows(editor: FieldEditor, stop: number | undefined, width: number): { readonly rows: readonly string[]; readonly focus: number } {
    const { theme } = this.#stage
    const { field } = editor
    const label: Row = [
      span('   '),
      span(printableLine(field.label) || printableLine(field.name), stop === undefined ? undefined : theme.bold),
      span(field.required ? '' : '  optional', theme.dim),
    ]
    const description = field.description === undefined ? [] : indented(wrapped([span(printableLine(field.description), theme.dim)], width - 3), [span('   ')])
    const problem = this.#problems.get(editor)
    const complaint = problem === undefined ? [] : indented(wrapped([span(printableLine(problem), theme.error)], width - 5), [span('   ! ', theme.error)], [span('     ')])
    const values = editor.rows(Math.max(1, width - 5), stop, theme)
    const first = values.findIndex(({ focused }) => focused)
    const head = [...wrapped(label, width), ...description].map((row) => painted(row, width))
    const rows = [...head, ...values.map(({ row }, index) => (index === first ? theme.accent('   ▸ ') : '     ') + row), ...complaint.map((row) => painted(row, width))]
    return { rows, focus: head.length + first }
  }

  #hints(): readonly string[] {
    const { keymap } = this.#stage
    const hint = (name: ActionName, does: string): string => keymap.hint(name, does)
    const later = hint('dialog.later', this.#reason ? 'back' : this.#request.lost ? 'close' : 'later')
    if (this.#request.lost) return [later]
    if (this.#reason) return [hint('dialog.choose', 'reject and say this'), later]
    const chooses = this.#items.some((item) => item.kind === 'field' && !item.editor.writes)
    if (this.#hasForm())
      return [hint('dialog.choose', 'next'), later, hint('dialog.submit', 'answer'), hint('dialog.next', 'next field'), chooses ? hint('dialog.toggle', 'choose') : '']
    const options = this.#options()
    return [
      hint('dialog.choose', 'choose'),
      later,
      options.some((option) => option.kind === 'allow' && option.scope !== 'always') ? hint('dialog.allow', 'allow once') : '',
      rejectOf(options) ? hint('dialog.reject', 'reject') : '',
    ]
  }
}
