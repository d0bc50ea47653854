// Where the user writes: pi-tui's editor without its borders, with completions that do not fall behind what is typed. Owns the text, its history and the list of completions; Enter is the caller's, and it sends nothing.

import { type AutocompleteProvider, CURSOR_MARKER, Editor, matchesKey } from '@earendil-works/pi-tui'
import { printable, printableLine } from '../core/terminal-text.ts'
import { fitStyled } from './cells.ts'
import { pastedText, typedCharacter } from './keymap.ts'
import type { Size, Stage } from './view.ts'

export interface CompletionItem {
  /** Stands in the place of what was typed. */
  readonly value: string
  readonly label: string
  readonly description?: string
  /** It cannot be used as it is. */
  readonly faint?: boolean
}

export interface CompletionSource {
  /** What the text before the cursor (UTF-16 offset) may become: an item takes the place of everything from `from`, which is in the cursor's line, to the cursor. */
  suggestions(text: string, cursor: number, signal: AbortSignal): Promise<{ readonly from: number; readonly items: readonly CompletionItem[] } | undefined>
}

const prompt = ' › '
/** Narrower than this the editor has no room for a wide character and its cursor. */
const narrowest = 4
/** Stands for a tab, which the editor would turn into spaces. */
const tabMark = '\u2409'
const selectedMark = '\x01'
/** UTF-16 units. The editor lays all of its text out with each key: what is longer stands there folded, and is not remembered. */
const longestUnfolded = 20_000

export class Composer {
  focused = false
  readonly #stage: Stage
  readonly #placeholder: string
  readonly #editor: BareEditor
  /** The text and cursor that the open list is about, and where its items begin in the cursor's line. */
  #asked: { readonly text: string; readonly cursor: string; readonly from: number } | undefined
  #top = 0

  /** `history`: the oldest first. */
  constructor(stage: Stage, about: { readonly placeholder: string; readonly history?: readonly string[]; readonly completions?: CompletionSource }) {
    this.#stage = stage
    this.#placeholder = printableLine(about.placeholder)
    this.#editor = new BareEditor(stage)
    for (const text of about.history ?? []) this.#remember(text)
    if (about.completions) this.#editor.setAutocompleteProvider(this.#provider(about.completions))
  }

  /** At most `rows` rows. The last ones are the completions, when they are open. */
  render({ columns, rows }: Size): readonly string[] {
    const { theme } = this.#stage
    const promptWidth = Math.max(0, Math.min(prompt.length, columns - narrowest))
    const whole = this.#editor.render(Math.max(narrowest, columns - promptWidth))
    const textEnd = whole.indexOf(border, 1)
    const list = whole.slice(textEnd + 1)
    const text = whole.slice(1, textEnd)
    const room = Math.max(Math.min(text.length, rows - list.length), 1)
    const at = Math.max(
      0,
      text.findIndex((row) => row.includes(CURSOR_MARKER)),
    )
    this.#top = Math.max(at - room + 1, Math.min(this.#top, at, text.length - room))
    const above = this.#editor.above + this.#top
    const below = this.#editor.below + text.length - this.#top - room
    const style = this.focused ? theme.accent : theme.dim
    const shown = text.slice(this.#top, this.#top + room).map((row, index) => {
      const mark = index === 0 && above > 0 ? ' ↑ ' : index === room - 1 && below > 0 ? ' ↓ ' : index === 0 && above === 0 ? prompt : '   '
      return style(mark.slice(0, promptWidth)) + this.#textRow(row)
    })
    return [...shown, ...around(list, Math.max(0, rows - room)).map((row) => `   ${row.replace(selectedMark, '')}`)]
      .slice(0, Math.max(0, rows))
      .map((row) => fitStyled(row, columns))
  }

  /** Editing keys and pastes, once the caller has done its own with a key; while `completing`, Tab, Enter, Escape and the arrows come here first. */
  input(data: string): void {
    const editor = this.#editor
    const pasted = pastedText(data)
    if (pasted !== undefined) return editor.handleInput(`\x1b[200~${shownText(withControls(pasted))}\x1b[201~`)
    if (data === '\n') return this.newLine()
    const typed = typedCharacter(data)
    if (typed !== undefined) return editor.handleInput(printable(typed))
    // A list that is about an older text has nothing to put into this one.
    if (editor.isShowingAutocomplete() && !this.completing) {
      if (matchesKey(data, 'enter')) return
      if (matchesKey(data, 'tab')) editor.handleInput('\x1b')
    }
    editor.handleInput(data)
  }

  /** A list of completions is open, and it is about what is written now. */
  get completing(): boolean {
    return this.#editor.isShowingAutocomplete() && this.#asked?.text === this.#editor.getText() && this.#asked.cursor === cursorOf(this.#editor)
  }

  /** With what was pasted in full. */
  get text(): string {
    return this.#editor.getExpandedText().replaceAll(tabMark, '\t')
  }

  set text(text: string) {
    const isLong = text.length > longestUnfolded
    this.#editor.setText(isLong ? '' : shownText(text))
    if (isLong) this.input(`\x1b[200~${text}\x1b[201~`)
  }

  newLine(): void {
    if (this.#editor.isShowingAutocomplete()) this.#editor.handleInput('\x1b')
    this.#editor.handleInput('\n')
  }

  /** The text, remembered in the history unless it is very long; the composer is empty then. */
  take(): string {
    const { text } = this
    this.#remember(text)
    this.#editor.setText('')
    return text
  }

  #remember(text: string): void {
    if (text.length <= longestUnfolded) this.#editor.addToHistory(shownText(text))
  }

  #textRow(row: string): string {
    const { theme } = this.#stage
    if (this.#editor.getText() === '') return (this.focused ? CURSOR_MARKER : '') + theme.dim(this.#placeholder)
    // The terminal's own cursor stands there: no second one is painted.
    const bare = row.includes(CURSOR_MARKER) ? row.replace('\x1b[7m', '').replace('\x1b[0m', '') : row
    return (this.focused ? bare : bare.replace(CURSOR_MARKER, '')).trimEnd().replaceAll(tabMark, theme.dim('→'))
  }

  #provider(source: CompletionSource): AutocompleteProvider {
    return {
      getSuggestions: async (lines, line, column, { signal }) => {
        const text = lines.join('\n')
        const begin = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0)
        const found = await Promise.race([source.suggestions(text, begin + column, signal).catch(() => undefined), aborted(signal)])
        if (!found || found.items.length === 0 || signal.aborted) return null
        const from = found.from - begin
        this.#asked = { text, cursor: `${line} ${column}`, from }
        const { dim } = this.#stage.theme
        const items = found.items.map(({ value, label, description, faint }) => ({
          value: printableLine(value) + (value.endsWith(' ') ? ' ' : ''),
          label: faint ? dim(printableLine(label)) : printableLine(label),
          ...(description === undefined ? {} : { description: printableLine(description) }),
        }))
        return { items, prefix: (lines[line] ?? '').slice(from, column) }
      },
      applyCompletion: (lines, line, column, { value }) => {
        const from = this.#asked?.from ?? column
        const now = lines[line] ?? ''
        return { lines: lines.with(line, now.slice(0, from) + value + now.slice(column)), cursorLine: line, cursorCol: from + value.length }
      },
    }
  }
}

const border = ''

/** Paints no borders but says what they would have told. */
class BareEditor extends Editor {
  readonly #stage: Stage
  /** Rows that do not fit. */
  above = 0
  below = 0

  constructor(stage: Stage) {
    const { accent, dim } = stage.theme
    super(stage.tui, {
      borderColor: (text) => text,
      selectList: { selectedPrefix: accent, selectedText: (text) => selectedMark + accent(text), description: dim, scrollInfo: dim, noMatch: dim },
    })
    this.#stage = stage
    this.focused = true
    this.disableSubmit = true
  }

  override render(width: number): string[] {
    // The stage has another one after each time that it lent the terminal.
    this.tui = this.#stage.tui
    return super.render(width)
  }

  protected override renderTopBorder(_width: number, hidden: number): string {
    this.above = hidden
    return border
  }

  protected override renderBottomBorder(_width: number, hidden: number): string {
    this.below = hidden
    return border
  }
}

const cursorOf = (editor: Editor): string => `${editor.getCursor().line} ${editor.getCursor().col}`

const aborted = (signal: AbortSignal): Promise<undefined> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }))

/** Terminals end pasted lines with a carriage return. */
const shownText = (text: string): string => printable(text.replace(/\r\n?/g, '\n')).replaceAll('\t', tabMark)

/** A tmux popup with extended keys writes the controls of a paste as Ctrl keys. */
const withControls = (pasted: string): string =>
  // oxlint-disable-next-line no-control-regex
  pasted.replace(/\x1b\[(\d+);5u/g, (key, code: string) => (Number(code) >= 0x61 && Number(code) <= 0x7a ? String.fromCharCode(Number(code) - 0x60) : key))

/** As many rows of a list as there is room for, the selected one among them. */
function around(list: readonly string[], room: number): readonly string[] {
  const selected = list.findIndex((row) => row.includes(selectedMark))
  const top = Math.max(0, Math.min(selected - room + 1, list.length - room))
  return list.slice(top, top + room)
}
