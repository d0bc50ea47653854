// `offstage logs`: what was said and done: the transcript of an agent, the output of a terminal as text (all of it, or the lines that hold a text), or the bytes as they came.

import { PlainText } from '../../core/terminal-text.ts'
import { Transcript, counts } from '../../core/transcript.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'
import { CommandFailed, exitCodes, usageError } from '../../client/failures.ts'
import { findSession } from '../../client/find.ts'
import { columnsOf, jsonText, painter } from '../../text/format.ts'
import { joinedLines } from '../../text/joined-lines.ts'
import { searchPattern } from '../../text/search-pattern.ts'
import { Narration } from '../narration.ts'
import { PlainSheet } from '../sheet.ts'
import { newId } from '../../client/submit.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text, word } from '../verb.ts'

interface Wanted {
  readonly follow: boolean
  /** Lines, or all. */
  readonly tail: number | undefined
  /** Only these lines, of the ones that would be printed. */
  readonly search: LineSearch | undefined
}

async function run(context: Context, args: Args): Promise<number> {
  const search = searchFrom(context, text(args, 'search'))
  const wanted = { follow: flag(args, 'follow'), tail: tailFrom(text(args, 'tail')), search }
  const raw = flag(args, 'raw') || flag(args, 'stderr')
  if (raw && context.json) throw usageError('--raw and --json exclude each other', 'bytes are not JSON')
  if (raw && search) throw usageError(`--${flag(args, 'raw') ? 'raw' : 'stderr'} and --search exclude each other`, 'bytes have no lines: pipe them into grep')
  const client = await context.client()
  const session = await findSession(client, word(args), context.signal)
  if (raw) await printRaw(context, client, session, flag(args, 'stderr') ? 'err' : 'out', wanted.follow)
  else if (context.json && !search) await printEvents(context, client, session, wanted)
  else if (session.kind === 'agent') await printTranscript(context, client, session, wanted)
  else await printTerminal(context, client, session, wanted)
  context.signal.throwIfAborted()
  if (search?.matches === 0) throw new CommandFailed('no-match', `nothing in the log of ${session.id} matches ${JSON.stringify(search.text)}`, { exitCode: exitCodes.failed })
  return exitCodes.done
}

async function printTranscript(context: Context, client: Client, session: SessionView, { follow, tail, search }: Wanted): Promise<void> {
  // What is searched is not wrapped, and has its numbers wherever it is printed.
  const columns = context.stdout.isTTY && !search ? columnsOf(context.stdout) : Infinity
  let collected = ''
  const collecting = { print: (printed: string) => void (collected += printed), tail: () => {} }
  const live = search ? { print: (printed: string) => context.out(search.push(printed)), tail: () => {} } : new PlainSheet(context.out)
  const sheet = { print: (printed: string) => (caughtUp ? live : collecting).print(printed), tail: (row: string) => (caughtUp ? live : collecting).tail(row) }
  const narration = new Narration(sheet, { agent: session.agent, paint: painter(context.color && !search), columns: () => columns })
  const transcript = new Transcript()
  let caughtUp = false
  for await (const frame of client.watch({ session: session.id, after: 0, follow }, context.signal)) {
    if (frame.kind === 'draft') narration.draft(frame.draft)
    else if (frame.kind === 'caught-up') {
      for (const line of joinedLines(transcript.lines)) narration.standing(line)
      narration.settle()
      caughtUp = true
      context.out(lastLines(search ? search.push(collected) : collected, tail))
      if (!search) shown(context, client, session, transcript)
    } else {
      const changed = transcript.add(frame.envelope)
      // A prompt that is queued has not been said.
      for (const line of caughtUp ? changed : []) if (line.kind !== 'prompt' || line.state !== 'queued') narration.line(line, false)
      if (caughtUp && !search && frame.envelope.event.type === 'turn-ended') shown(context, client, session, transcript)
    }
  }
  narration.settle()
}

/** Everything up to here stood on a person's screen. Nobody waits for the reply. */
function shown(context: Context, client: Client, session: SessionView, transcript: Transcript): void {
  if (!context.stdout.isTTY) return
  const entries = transcript.lines.filter(counts).length
  void client.submit({ session: session.id, commandId: newId(), command: { type: 'show', entries } }, context.signal).catch(() => {})
}

async function printTerminal(context: Context, client: Client, session: SessionView, { follow, tail, search }: Wanted): Promise<void> {
  const plain = new PlainText()
  const taken = (bytes: Uint8Array): string => (search ? search.push(plain.push(bytes)) : plain.push(bytes))
  const rest = (): string => (search ? search.push(endedLine(plain.end(), false)) + search.end() : plain.end())
  let held = ''
  // With a tail nothing is printed before the present end is reached, which only a read without following tells.
  let from = 0
  if (tail !== undefined) {
    for await (const { bytes, offset } of client.output({ session: session.id, stream: 'out', from: 0, follow: false }, context.signal)) {
      held = keepLines(held + taken(bytes), tail)
      from = offset + bytes.length
    }
    if (!follow) held += rest()
    context.out(lastLines(endedLine(held, follow), tail))
    if (!follow) return search ? undefined : markTerminal(context, client, session)
  }
  for await (const { bytes } of client.output({ session: session.id, stream: 'out', from, follow }, context.signal)) await printed(context, taken(bytes))
  context.out(endedLine(rest(), false))
  if (!search) markTerminal(context, client, session)
}

/** A reader that is slow is waited for. */
async function printed({ stdout }: Context, what: string | Uint8Array): Promise<void> {
  if (what.length > 0 && !stdout.write(what)) await new Promise((resolve) => stdout.once('drain', resolve))
}

const endedLine = (printed: string, open: boolean): string => (open || printed === '' || printed.endsWith('\n') ? printed : `${printed}\n`)

function markTerminal(context: Context, client: Client, session: SessionView): void {
  if (!context.stdout.isTTY) return
  void client.submit({ session: session.id, commandId: newId(), command: { type: 'show', entries: session.entries } }, context.signal).catch(() => {})
}

async function printRaw(context: Context, client: Client, session: SessionView, stream: 'out' | 'err', follow: boolean): Promise<void> {
  for await (const { bytes } of client.output({ session: session.id, stream, from: 0, follow }, context.signal)) await printed(context, bytes)
}

async function printEvents(context: Context, client: Client, session: SessionView, { follow, tail }: Pick<Wanted, 'follow' | 'tail'>): Promise<void> {
  let held: string[] = []
  let caughtUp = tail === undefined
  for await (const frame of client.watch({ session: session.id, after: 0, follow }, context.signal)) {
    if (frame.kind === 'fact') {
      const line = `${jsonText(frame.envelope)}\n`
      if (caughtUp) context.out(line)
      else held.push(line)
    } else if (frame.kind === 'caught-up' && !caughtUp) {
      context.out(tail === 0 ? '' : held.slice(-(tail ?? 0)).join(''))
      held = []
      caughtUp = true
    }
  }
}

/** UTF-16 units. A longer line is searched and printed in pieces, all with its number. */
const longestLine = 1_048_576

type Format = (number: number, line: string, pattern: RegExp) => string

/** Finds the lines that hold a text, without regard to case unless it has capitals. Text goes in as it comes, matching lines with their numbers come out; no more than a line is kept. */
export class LineSearch {
  readonly text: string
  readonly #pattern: RegExp
  readonly #format: Format
  #begun = ''
  #number = 1
  matches = 0

  constructor(text: string, format: Format) {
    this.text = text
    this.#pattern = searchPattern(text)
    this.#format = format
  }

  push(text: string): string {
    const all = this.#begun + text
    const end = all.lastIndexOf('\n') + 1
    this.#begun = all.slice(end)
    const found = end === 0 ? '' : this.#lines(all.slice(0, end))
    return this.#begun.length > longestLine ? found + this.#piece() : found
  }

  /** The last line, if nothing ended it. */
  end(): string {
    return this.#begun === '' ? '' : this.push('\n')
  }

  #lines(whole: string): string {
    let out = ''
    let at = 0
    for (let found = this.#next(whole, at); found !== -1; found = this.#next(whole, at)) {
      const start = whole.lastIndexOf('\n', found) + 1
      const end = whole.indexOf('\n', found)
      this.#number += breaks(whole, at, start)
      out += this.#line(whole.slice(start, end))
      this.#number += 1
      at = end + 1
    }
    this.#number += breaks(whole, at, whole.length)
    return out
  }

  #piece(): string {
    const piece = this.#begun
    const matches = this.#next(piece, 0) !== -1
    // What begins at its end may match with what follows.
    this.#begun = matches ? '' : piece.slice(-2 * this.text.length)
    return matches ? this.#line(piece) : ''
  }

  #next(text: string, from: number): number {
    this.#pattern.lastIndex = from
    return this.#pattern.exec(text)?.index ?? -1
  }

  #line(line: string): string {
    this.matches += 1
    return `${this.#format(this.#number, line, this.#pattern)}\n`
  }
}

function breaks(text: string, from: number, to: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

function searchFrom({ json, color }: Context, text: string | undefined): LineSearch | undefined {
  if (text === undefined) return undefined
  if (text === '') throw usageError('what is to be searched for? The text is empty', 'for example: --search error')
  if (text.includes('\n')) throw usageError('no line holds a line break', 'search for one line at a time')
  const paint = painter(color)
  return new LineSearch(text, (number, line, pattern) =>
    json ? jsonText({ line: number, text: line }) : `${paint.dim(`${number}:`)}${color ? line.replaceAll(pattern, (match) => paint.bold(paint.status('failed', match))) : line}`,
  )
}

function lastLines(printed: string, tail: number | undefined): string {
  if (tail === undefined) return printed
  const lines = printed.split('\n')
  const last = lines.pop() ?? ''
  const kept = tail === 0 ? [] : lines.slice(-tail)
  return kept.map((line) => `${line}\n`).join('') + (tail === 0 ? '' : last)
}

/** Enough of the end to print so many lines. */
const keepLines = (printed: string, tail: number): string => (printed.length < 1_000_000 ? printed : lastLines(printed, tail))

function tailFrom(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  if (/^\d{1,9}$/.test(given)) return Number(given)
  throw usageError(`"${given}" is no number of lines`, 'for example: --tail 50')
}

const verb: Verb = {
  name: 'logs',
  aliases: [],
  summary: 'print what was said and done',
  usage: ['logs ID [OPTIONS]'],
  about: [
    'An agent: its transcript, your prompts marked "you". A terminal: its output as text, with its own line breaks. Control characters are taken out of both; --raw leaves them in.',
    '--search prints the lines that hold a text, as NUMBER:LINE, of everything there is. Capitals count only if the text has some. It exits with 1 if there is none.',
  ],
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on with what comes, until Ctrl-C or until the program of a terminal ends' },
    tail: { type: 'string', short: 'n', value: 'N', help: 'only the last lines' },
    search: { type: 'string', value: 'TEXT', help: 'only the lines that hold this text, with their numbers' },
    raw: { type: 'boolean', help: 'the bytes of its output as they came' },
    stderr: { type: 'boolean', help: 'the bytes of its stderr, where that is apart' },
    json: { ...jsonOption, help: 'the facts, or what --search finds, one JSON object a line' },
  },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage logs k3f9 --tail 40', 'offstage logs k3f9 -f', 'offstage logs k3f9 --search "not found"', 'offstage logs bash1 --raw > session.log'],
  run,
}

export default verb
