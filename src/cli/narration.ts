// The transcript being told: each line once, when it is worth saying, and text of the agent as it comes. What was said as a draft is not said again when it becomes a fact.

import type { Draft } from '../core/api.ts'
import { type Line, unseenIn } from '../core/transcript.ts'
import { printable, printableLine } from '../core/terminal-text.ts'
import { firstRow, indent, paragraph, planLines, toolLine, toolOutput } from '../text/agent-text.ts'
import type { Entry } from '../core/events.ts'
import { type Paint, agentLabel, withLocalTimes } from '../text/format.ts'
import { choicesText, closedText, detailLines, requestText } from '../text/request-text.ts'

/** Where it is told. */
export interface Sheet {
  /** Whole lines, for good. */
  print(text: string): void
  /** The line that is being said: replaces the one before; '' when there is none. Its text may come again in `print`. */
  tail(text: string): void
}

export interface Voice {
  /** How the agent is called. */
  readonly agent: string
  readonly paint: Paint
  /** Infinity: nothing is wrapped. */
  readonly columns: () => number
}

type Author = 'you' | 'agent' | 'nobody'

export class Narration {
  readonly #sheet: Sheet
  readonly #voice: Voice
  #author: Author = 'nobody'
  #before: 'nothing' | 'message' | 'other' = 'nothing'
  /** In which state a line was told last, by kind and id. */
  readonly #told = new Map<string, string>()
  /** What was said so far of a message, raw, by entry. */
  readonly #said = new Map<string, string>()
  #speaking: { readonly entryId: string; readonly thought: boolean; row: string; held: string } | undefined
  #plan: readonly string[] = []
  /** The prompt that nobody has said anything after. */
  #lastPrompt: string | undefined
  #heardTo = { run: 0, number: 0 }
  #early: Draft[] = []

  constructor(sheet: Sheet, voice: Voice) {
    this.#sheet = sheet
    this.#voice = voice
  }

  /** A newer state of a line, live. Tool calls are told when they are over. */
  line(line: Line, atWork: boolean): void {
    const isGoingOn = line.kind === 'entry' && line.entry.kind === 'tool' && (line.entry.status === 'pending' || line.entry.status === 'running')
    if (!isGoingOn) this.#tell(line, atWork ? 'at work' : 'idle')
    this.#heard(line)
  }

  /** A line as it stands, in a transcript that is told from its middle or as a whole. */
  standing(line: Line): void {
    this.#tell(line, 'unknown')
    this.#heard(line)
  }

  /** A line that was told before and counts now. */
  again(line: Line): void {
    this.#told.delete(keyOf(line))
    this.#tell(line, 'unknown')
  }

  /** These lines are known; only what changes in them is told. */
  passOver(lines: readonly Line[]): void {
    for (const line of lines) {
      this.#heard(line)
      this.#told.set(keyOf(line), stateOf(line))
      if (line.kind === 'entry' && (line.entry.kind === 'message' || line.entry.kind === 'thought')) this.#said.set(line.id, line.entry.text)
    }
  }

  draft(draft: Draft): void {
    // What a tool call prints is told when it is over.
    if (draft.kind === 'output') return
    // A fact takes a moment to be recorded, so drafts of the next entry may overtake it.
    if (this.#early.length < heldDrafts && !this.#isNext(draft.entryId)) this.#early.push(draft)
    else this.#sayDraft(draft)
  }

  #heard(line: Line): void {
    if (line.kind !== 'entry') return
    const [run, number] = placeOf(line.id)
    if (run > this.#heardTo.run || number > this.#heardTo.number) this.#heardTo = { run, number }
    const early = this.#early
    this.#early = []
    for (const draft of early) this.draft(draft)
  }

  #isNext(entryId: string): boolean {
    const [run, number] = placeOf(entryId)
    return number <= (run === this.#heardTo.run ? this.#heardTo.number : 0) + 1
  }

  #sayDraft(draft: Draft): void {
    const said = this.#said.get(draft.entryId) ?? ''
    // Drafts may be lost on the way: then the rest comes with the fact.
    if (draft.from > said.length) return
    this.#say({ ...draft, text: draft.text.slice(said.length - draft.from) })
  }

  /** A line of Offstage's own, between the others. */
  mark(text: string): void {
    this.#block('nobody', [text])
  }

  /** An empty line, if there is something above it. */
  gap(): void {
    if (this.#before !== 'nothing') this.mark('')
  }

  /** Whatever is half said stands as it is. */
  settle(): void {
    this.#endParagraph()
  }

  #tell(line: Line, agent: 'at work' | 'idle' | 'unknown'): void {
    const key = keyOf(line)
    const before = this.#told.get(key)
    const state = stateOf(line)
    if (before === state) return
    this.#told.set(key, state)
    const { paint } = this.#voice
    switch (line.kind) {
      case 'prompt': {
        if (line.state === 'withdrawn') return this.#block('nobody', [`${indent}${paint.dim(`not sent: ${printableLine(line.text)}`)}`])
        // It is told in full where its turn begins.
        if (line.state === 'queued' && agent === 'at work')
          return this.#block('nobody', [`${indent}${paint.dim(`queued, it is told when this turn is over: ${printableLine(line.text)}`)}`])
        if (this.#lastPrompt === key) return
        this.#prompt(line, line.state === 'queued' && agent === 'unknown')
        this.#lastPrompt = key
        return
      }
      case 'entry':
        return this.#entry(line.id, line.entry)
      case 'request':
        return this.#request(line, before)
      case 'notice':
        return this.#block(
          'nobody',
          printable(withLocalTimes(line.text, line.atMs))
            .split('\n')
            .map((text) => `${indent}${paint.dim(`· ${text}`)}`),
        )
    }
  }

  #prompt({ text, by }: Extract<Line, { kind: 'prompt' }>, queued: boolean): void {
    const { paint, columns } = this.#voice
    const lines = paragraph(text, columns() - 4).map((line, index) => (index === 0 ? ` ${paint.bold(by ?? 'you')}   ${line.trimStart()}` : `    ${line}`))
    this.#block('you', queued ? [...lines, `       ${paint.dim('(queued)')}`] : lines)
  }

  #entry(id: string, entry: Entry): void {
    const { paint, columns } = this.#voice
    switch (entry.kind) {
      case 'message':
      case 'thought': {
        const said = this.#said.get(id) ?? ''
        const goesOn = entry.text.startsWith(said)
        if (!goesOn) {
          // It rewrote what it had said: that is heard again from the beginning.
          this.#endParagraph()
          this.#said.delete(id)
        }
        this.#say({ ...entry, entryId: id, text: goesOn ? entry.text.slice(said.length) : entry.text })
        if (this.#speaking?.entryId === id) this.#endParagraph()
        return
      }
      case 'tool':
        return this.#block('agent', [toolLine(entry, paint, columns()), ...toolOutput(entry, paint, columns())])
      case 'plan': {
        const lines = planLines(entry, paint)
        const news = lines.filter((line) => !this.#plan.includes(line))
        const again = this.#plan.length === lines.length
        this.#plan = lines
        return news.length === 0 ? undefined : this.#block('agent', again ? news : lines)
      }
    }
  }

  #request(line: Extract<Line, { kind: 'request' }>, before: string | undefined): void {
    const { paint } = this.#voice
    const arrow = (text: string): string => `     ${paint.dim('→')} ${printableLine(text)}`
    const outcome = line.state === 'answered' ? (line.answer ?? 'answered') : closedText(line.state)
    // What a failed program printed is nowhere else, and its end says most.
    const isError = line.request.kind === 'error'
    if (line.state === 'open') return this.#block('agent', ['', requestText(line.request, paint, isError ? Infinity : undefined)])
    if (before !== undefined) return this.#block('agent', [arrow(outcome)])
    this.#block('agent', [
      `${indent}${paint.status('waiting', '◆')} ${printableLine(line.request.title)}`,
      ...(isError ? detailLines(line.request) : []),
      `     ${paint.dim(choicesText(line.request))}`,
      arrow(outcome),
    ])
  }

  /** Lines that belong together, under the name of who they are by. */
  #block(author: Author, lines: readonly string[]): void {
    this.#endParagraph()
    if (author !== 'nobody') this.#lastPrompt = undefined
    this.#sheet.print([...this.#header(author), ...lines, ''].join('\n'))
    this.#before = 'other'
  }

  #header(author: Author): readonly string[] {
    const was = this.#author
    const first = this.#before === 'nothing'
    this.#author = author === 'nobody' ? was : author
    if (author === 'nobody' || (author === was && author === 'agent')) return []
    const blank = first ? [] : ['']
    return author === 'agent' ? [...blank, ` ${this.#voice.paint.bold(agentLabel(this.#voice.agent))}`] : blank
  }

  #say({ entryId, kind, text, continues }: Pick<Draft, 'entryId' | 'kind' | 'text' | 'continues'>): void {
    if (text === '') return
    this.#lastPrompt = undefined
    this.#said.set(entryId, (this.#said.get(entryId) ?? '') + text)
    if (this.#said.size > keptMessages) this.#said.delete(this.#said.keys().next().value ?? '')
    let speaking = this.#speaking
    if (speaking?.entryId !== entryId) {
      this.#endParagraph()
      const header = this.#header('agent')
      const start = header.length === 0 && this.#before === 'message' && !continues ? [''] : header
      if (start.length > 0) this.#sheet.print(`${start.join('\n')}\n`)
      speaking = this.#speaking = { entryId, thought: kind === 'thought', row: '', held: '' }
    }
    const whole = speaking.held + text
    const cut = whole.length - (unfinished.exec(whole)?.[0].length ?? 0)
    speaking.held = whole.slice(cut)
    const lines = printable(whole.slice(0, cut)).replaceAll('\t', '    ').split('\n')
    const rows: string[] = []
    for (const [index, line] of lines.entries()) {
      speaking.row += line
      for (let first = firstRow(speaking.row, this.#width()); first; first = firstRow(speaking.row, this.#width())) {
        rows.push(first.row)
        speaking.row = first.rest
      }
      if (index < lines.length - 1) {
        rows.push(speaking.row.trimEnd())
        speaking.row = ''
      }
    }
    if (rows.length > 0) this.#sheet.print(rows.map((row) => `${this.#row(row)}\n`).join(''))
    this.#sheet.tail(speaking.row === '' ? '' : this.#row(speaking.row))
  }

  #endParagraph(): void {
    const speaking = this.#speaking
    if (!speaking) return
    this.#speaking = undefined
    const row = (speaking.row + printable(speaking.held)).trimEnd()
    if (row !== '') this.#sheet.print(`${this.#row(row, speaking.thought)}\n`)
    this.#sheet.tail('')
    this.#before = 'message'
  }

  #row(row: string, thought = this.#speaking?.thought ?? false): string {
    if (row === '') return ''
    return `${indent}${thought ? this.#voice.paint.dim(row) : row}`
  }

  #width = (): number => Math.max(20, this.#voice.columns() - indent.length - 1)
}

const keptMessages = 100
const heldDrafts = 16

/** Entry ids are `RUN.NUMBER`. */
function placeOf(entryId: string): readonly [number, number] {
  const [run, number] = entryId.split('.')
  return [Number(run) || 0, Number(number) || 0]
}

/** The end of a text that means something only together with what follows it. */
// oxlint-disable-next-line no-control-regex
const unfinished = /(?:\x1b(?:\[[0-?]*[ -/]*)?|\r|[\ud800-\udbff])$/

const keyOf = (line: Line): string => `${line.kind} ${line.id}`

function stateOf(line: Line): string {
  switch (line.kind) {
    case 'prompt':
    case 'request':
      return line.state
    case 'notice':
      return line.text
    case 'entry':
      return line.entry.kind === 'tool' ? line.entry.status : JSON.stringify(line.entry)
  }
}

/** The lines from the first unseen one on, with the exchange before it for a beginning, and how many of them were not seen. */
export function fromUnseen(
  lines: readonly Line[],
  shown: number,
): { readonly known: readonly Line[]; readonly context: readonly Line[]; readonly fresh: readonly Line[]; readonly unseen: number } {
  const found = unseenIn(lines, shown)
  const start = found?.place ?? lines.length
  const prompt = lines.slice(0, start).findLastIndex((line) => line.kind === 'prompt')
  const from = Math.max(prompt === -1 ? 0 : prompt, start - contextLines, 0)
  return { known: lines.slice(0, from), context: lines.slice(from, start), fresh: lines.slice(start), unseen: found?.count ?? 0 }
}

const contextLines = 6
