// What the program of a terminal says of itself, gathered from its sequences: OSC 7501, titles, notifications (OSC 9, 777, 99), the progress bar of OSC 9;4, the bell. A reducer: no
// clock, bounded in every direction, everything untrusted.

import { z } from 'zod'
import { type Claim, type Notice, type PartClaim, type Signal, longestSignalText } from '../core/signal.ts'
import { printableLine } from '../core/terminal-text.ts'
import { decode } from './utf8.ts'
import { readTitle } from './agent-titles.ts'
import { textOfBase64 } from './base64.ts'
import { type StatusReport, statusReport } from './program-status.ts'

type SaidOf<T> = Omit<T, 'atOffset'>

const mostParts = 32
/** What `offstage agents hooks` makes agents report is a record of this id. */
const hookRecord = 'offstage'
const mostRecent = 16
const longestPartText = 80
/** Of a notification that comes in pieces. */
const longestGathered = 1024

const said = {
  state: z.enum(['idle', 'working', 'blocked', 'done', 'error']),
  kind: z.enum(['permission', 'question', 'auth']).exactOptional(),
  progress: z.number().exactOptional(),
  app: z.string().exactOptional(),
  title: z.string().exactOptional(),
  message: z.string().exactOptional(),
  atOffset: z.number(),
}

/** In a checkpoint. Absent: nothing. */
export const signalsSchema = z.object({
  records: z.array(z.object({ id: z.string(), ...said })).exactOptional(),
  byTitle: z.object({ source: z.literal('title'), ...said }).exactOptional(),
  byProgress: z.object({ source: z.literal('OSC 9;4'), ...said }).exactOptional(),
  title: z.string().exactOptional(),
  notice: z.object({ source: z.enum(['OSC 9', 'OSC 777', 'OSC 99']), text: z.string(), atOffset: z.number() }).exactOptional(),
  bell: z.object({ atOffset: z.number() }).exactOptional(),
  worked: z.literal(true).exactOptional(),
  gathered: z.object({ id: z.string(), title: z.string(), body: z.string() }).exactOptional(),
})
export type SignalsState = z.infer<typeof signalsSchema>

export class TerminalSignals {
  /** Of OSC 7501, by id, the one that was reported longest ago first. */
  readonly #records = new Map<string, PartClaim>()
  #byTitle: Claim | undefined
  #byProgress: Claim | undefined
  #title: string | undefined
  #notice: Notice | undefined
  #bellAt: number | undefined
  #worked = false
  #gathered: { readonly id: string; readonly title: string; readonly body: string } | undefined
  #signal: Signal | undefined
  readonly #reports = new Recent((body) => shownReport(statusReport(body)))
  readonly #titles = new Recent((given) => readTitle(cutLine(given, longestSignalText)))

  constructor(state: SignalsState = {}) {
    for (const record of state.records ?? []) this.#records.set(record.id, record)
    this.#byTitle = state.byTitle
    this.#byProgress = state.byProgress
    this.#title = state.title
    this.#notice = state.notice
    this.#bellAt = state.bell?.atOffset
    this.#worked = state.worked ?? false
    this.#gathered = state.gathered
  }

  state(): SignalsState {
    return {
      ...(this.#records.size > 0 ? { records: [...this.#records.values()] } : {}),
      ...(this.#byTitle ? { byTitle: this.#byTitle as NonNullable<SignalsState['byTitle']> } : {}),
      ...(this.#byProgress ? { byProgress: this.#byProgress as NonNullable<SignalsState['byProgress']> } : {}),
      ...(this.#title === undefined ? {} : { title: this.#title }),
      ...(this.#notice ? { notice: this.#notice } : {}),
      ...(this.#bellAt === undefined ? {} : { bell: { atOffset: this.#bellAt } }),
      ...(this.#worked ? { worked: true } : {}),
      ...(this.#gathered ? { gathered: this.#gathered } : {}),
    }
  }

  /** The same object as long as nothing changes. */
  signal(): Signal {
    return (this.#signal ??= this.#made())
  }

  #made(): Signal {
    const root = this.#records.get('')
    const hook = this.#records.get(hookRecord)
    const parts = [...this.#records.values()].filter(({ id }) => id !== '' && id !== hookRecord).toSorted((one, other) => (one.id < other.id ? -1 : 1))
    const whole = root && withoutId(root)
    return {
      claims: [
        ...(whole ? [{ source: 'OSC 7501' as const, ...whole }] : []),
        ...(hook ? [{ source: 'hook' as const, ...withoutId(hook) }] : []),
        ...(this.#byTitle ? [this.#byTitle] : []),
        ...(this.#byProgress ? [this.#byProgress] : []),
      ],
      ...(parts.length > 0 ? { parts } : {}),
      ...(this.#title ? { title: this.#title } : {}),
      ...(this.#notice ? { notice: this.#notice } : {}),
      ...(this.#bellAt === undefined ? {} : { bell: { atOffset: this.#bellAt } }),
      ...(this.#worked ? { worked: true } : {}),
    }
  }

  /** Somebody has looked: what called for a look is done with. */
  looked(): void {
    this.#notice = undefined
    this.#bellAt = undefined
    this.#signal = undefined
  }

  bell(end: number): void {
    this.#bellAt = end
    this.#signal = undefined
  }

  /** A full reset clears every record. */
  reset(): void {
    this.#left()
    this.#records.clear()
    this.#signal = undefined
  }

  /** An operating system command without its introducer and terminator. */
  command(payload: Uint8Array, end: number): void {
    const code = codeOf(payload)
    if (code === undefined) return
    const rest = decode(payload.subarray(String(code).length + 1))
    switch (code) {
      case 0:
      case 2:
        this.#titled(rest, end)
        break
      case 9:
        this.#nine(rest, end)
        break
      case 99:
        this.#kitty(rest, end)
        break
      case 133:
        // The prompt of a shell: what ran before it is over.
        if (/^A(?:;|$)/.test(rest)) this.#left()
        break
      case 777:
        if (rest.startsWith('notify;')) this.#noticed('OSC 777', joined(...halves(rest.slice('notify;'.length))), end)
        break
      case 7501:
        this.#reported(rest, end)
        break
      default:
        return
    }
    this.#signal = undefined
  }

  /** The program that said it has ended, or another one begins: a shell is at its prompt, or the terminal was reset. What it has done stays so. */
  #left(): void {
    for (const [id, { state }] of this.#records) if (state === 'working' || state === 'blocked') this.#records.delete(id)
    this.#byTitle = undefined
    this.#byProgress = undefined
    this.#worked = false
  }

  #reported(body: string, end: number): void {
    const report = this.#reports.of(body)
    if (!report) return
    const { id } = report
    if (report.clear) {
      for (const known of this.#records.keys()) if (id === '' || known === id || known.startsWith(`${id}/`)) this.#records.delete(known)
      if (id === '') this.#worked = false
      return
    }
    const { clear: _, ...record } = report
    const before = this.#records.get(id)
    this.#records.delete(id)
    this.#records.set(id, kept(before, record, end))
    if (record.state === 'working') this.#worked = true
    if (this.#records.size <= mostParts + 1) return
    for (const oldest of this.#records.keys()) {
      if (oldest === '') continue
      this.#records.delete(oldest)
      break
    }
  }

  #titled(given: string, end: number): void {
    const { state, text } = this.#titles.of(given)
    // The mark has gone and the title is the same: it works no more (codex at its prompt).
    const now = state ?? (this.#byTitle && text !== '' && text === this.#title ? 'idle' : undefined)
    this.#title = text === '' ? undefined : text
    this.#byTitle = now && kept(this.#byTitle, { source: 'title', state: now }, end)
    if (now === 'working') this.#worked = true
  }

  #nine(rest: string, end: number): void {
    const progress = /^4;([0-4])(?:;(\d{1,3}))?;?$/.exec(rest)
    // Of ConEmu (https://conemu.github.io/en/AnsiEscapeCodes.html): 9;1 to 9;12 are commands, everything else is a text of iTerm2's.
    if (!progress) return /^(?:[1-9]|1[0-2])(?:;|$)/.test(rest) ? undefined : this.#noticed('OSC 9', rest, end)
    const percent = Math.min(100, Number(progress[2] ?? 0))
    switch (progress[1]) {
      case '0':
        this.#byProgress = undefined
        return
      case '2':
        this.#byProgress = kept(this.#byProgress, { source: 'OSC 9;4', state: 'error' }, end)
        return
      default:
        // 3 is a bar without an end, 4 one that pauses or warns.
        this.#byProgress = kept(this.#byProgress, { source: 'OSC 9;4', state: 'working', ...(progress[1] === '3' ? {} : { progress: percent }) }, end)
        this.#worked = true
    }
  }

  /** https://sw.kovidgoyal.net/kitty/desktop-notifications/: pieces of one id are one notification, `d=0` says that more come. */
  #kitty(rest: string, end: number): void {
    const [metadata, payload] = halves(rest)
    const keys = new Map(metadata.split(':').map((pair) => [pair.slice(0, 1), pair.slice(2)]))
    const part = keys.get('p') ?? 'title'
    const id = (keys.get('i') ?? '').slice(0, longestPartText)
    const text = keys.get('e') === '1' ? (textOfBase64(payload) ?? '') : payload
    const begun = this.#gathered?.id === id ? this.#gathered : { id, title: '', body: '' }
    const more = {
      id,
      title: (begun.title + (part === 'title' ? text : '')).slice(0, longestGathered),
      body: (begun.body + (part === 'body' ? text : '')).slice(0, longestGathered),
    }
    if (keys.get('d') === '0') {
      this.#gathered = more
      return
    }
    this.#gathered = undefined
    this.#noticed('OSC 99', joined(more.title, more.body), end)
  }

  #noticed(source: Notice['source'], given: string, end: number): void {
    const text = cutLine(given, longestSignalText)
    if (text !== '') this.#notice = { source, text, atOffset: end }
  }
}

/** The same once more is the claim that was. */
function kept<T extends { readonly atOffset: number }>(before: T | undefined, now: SaidOf<T>, end: number): T {
  return before && isSame(before, now) ? before : ({ ...now, atOffset: end } as T)
}

function isSame(before: object, now: object): boolean {
  const names = Object.keys(now)
  // All of them are plain values; the other one has its offset besides.
  return names.length === Object.keys(before).length - 1 && names.every((name) => (before as Record<string, unknown>)[name] === (now as Record<string, unknown>)[name])
}

/** What was made of the newest few texts: a program that says the same things in turn, as fast as it can, has each of them read once. */
class Recent<T> {
  readonly #read: (text: string) => T
  readonly #known = new Map<string, T>()

  constructor(read: (text: string) => T) {
    this.#read = read
  }

  of(text: string): T {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (this.#known.size >= mostRecent) this.#known.clear()
    const made = this.#read(text)
    this.#known.set(text, made)
    return made
  }
}

function withoutId({ id: _, ...rest }: PartClaim): Omit<PartClaim, 'id'> {
  return rest
}

/** Nothing that is too long to be shown. Null: no report. */
function shownReport(report: StatusReport | undefined): StatusReport | null {
  if (!report || report.clear) return report ?? null
  const longest = report.id === '' ? longestSignalText : longestPartText
  const { title, message, ...rest } = report
  const shown = { title: cutLine(title ?? '', longest), message: cutLine(message ?? '', longest) }
  return { ...rest, ...(shown.title === '' ? {} : { title: shown.title }), ...(shown.message === '' ? {} : { message: shown.message }) }
}

const joined = (title: string, body: string): string => (title !== '' && body !== '' ? `${title}: ${body}` : title + body)

function halves(text: string): readonly [string, string] {
  const semicolon = text.indexOf(';')
  return semicolon === -1 ? [text, ''] : [text.slice(0, semicolon), text.slice(semicolon + 1)]
}

/** Untrusted text as one printable line of at most so many characters. */
function cutLine(text: string, longest: number): string {
  const line = printableLine(text)
  return line.length <= longest ? line : `${line.slice(0, longest - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** The number that a command begins with; most of them mean nothing here and are not looked at further. */
function codeOf(payload: Uint8Array): number | undefined {
  let code = 0
  for (let at = 0; at < 5 && at < payload.length; at += 1) {
    const byte = payload[at] as number
    if (byte === 0x3b) return at === 0 ? undefined : code
    if (byte < 0x30 || byte > 0x39) return undefined
    code = code * 10 + byte - 0x30
  }
  return undefined
}
