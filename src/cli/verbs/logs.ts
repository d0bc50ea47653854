// `offstage logs`: what was said and done: the transcript of an agent, the output of a terminal as text, or the bytes as they came.

import { PlainText } from '../../core/terminal-text.ts'
import { type Transcript, counts, emptyTranscript, transcribe } from '../../core/transcript.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'
import { exitCodes, usageError } from '../failures.ts'
import { findSession } from '../find.ts'
import { columnsOf, jsonText, painter } from '../format.ts'
import { Narration } from '../narration.ts'
import { PlainSheet } from '../sheet.ts'
import { newId } from '../submit.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text, word } from '../verb.ts'

interface Wanted {
  readonly follow: boolean
  /** Lines, or all. */
  readonly tail: number | undefined
}

async function run(context: Context, args: Args): Promise<number> {
  const wanted = { follow: flag(args, 'follow'), tail: tailFrom(text(args, 'tail')) }
  const raw = flag(args, 'raw') || flag(args, 'stderr')
  if (raw && context.json) throw usageError('--raw and --json exclude each other', 'bytes are not JSON')
  const client = await context.client()
  const session = await findSession(client, word(args), context.signal)
  if (raw) await printRaw(context, client, session, flag(args, 'stderr') ? 'err' : 'out', wanted.follow)
  else if (context.json) await printEvents(context, client, session, wanted)
  else if (session.kind === 'agent') await printTranscript(context, client, session, wanted)
  else await printTerminal(context, client, session, wanted)
  context.signal.throwIfAborted()
  return exitCodes.done
}

async function printTranscript(context: Context, client: Client, session: SessionView, { follow, tail }: Wanted): Promise<void> {
  const columns = context.stdout.isTTY ? columnsOf(context.stdout) : Infinity
  let collected = ''
  const collecting = { print: (printed: string) => void (collected += printed), tail: () => {} }
  const live = new PlainSheet(context.out)
  const sheet = { print: (printed: string) => (caughtUp ? live : collecting).print(printed), tail: (row: string) => (caughtUp ? live : collecting).tail(row) }
  const narration = new Narration(sheet, { agent: session.agent, paint: painter(context.color), columns: () => columns })
  let transcript: Transcript = emptyTranscript
  let caughtUp = false
  for await (const frame of client.watch({ session: session.id, after: 0, follow }, context.signal)) {
    if (frame.kind === 'draft') narration.draft(frame.draft)
    else if (frame.kind === 'caught-up') {
      for (const line of transcript.lines) narration.standing(line)
      narration.settle()
      caughtUp = true
      context.out(lastLines(collected, tail))
      shown(context, client, session, transcript)
    } else {
      const before = transcript
      transcript = transcribe(before, frame.envelope)
      if (caughtUp) for (const line of changedLines(before, transcript)) narration.line(line, false)
      if (caughtUp && frame.envelope.event.type === 'turn-ended') shown(context, client, session, transcript)
    }
  }
  narration.settle()
}

/** The lines that this fact made or changed. */
export function changedLines(before: Transcript, after: Transcript) {
  return before === after ? [] : after.lines.filter((line, index) => line !== before.lines[index])
}

/** Everything up to here stood on a person's screen. Nobody waits for the reply. */
function shown(context: Context, client: Client, session: SessionView, transcript: Transcript): void {
  if (!context.stdout.isTTY) return
  const entries = transcript.lines.filter(counts).length
  void client.submit({ session: session.id, commandId: newId(), command: { type: 'show', entries } }, context.signal).catch(() => {})
}

async function printTerminal(context: Context, client: Client, session: SessionView, { follow, tail }: Wanted): Promise<void> {
  const plain = new PlainText()
  let held = ''
  // With a tail nothing is printed before the present end is reached, which only a read without following tells.
  let from = 0
  if (tail !== undefined) {
    for await (const { bytes, offset } of client.output({ session: session.id, stream: 'out', from: 0, follow: false }, context.signal)) {
      held = keepLines(held + plain.push(bytes), tail)
      from = offset + bytes.length
    }
    if (!follow) held += plain.end()
    context.out(lastLines(endedLine(held, follow), tail))
    if (!follow) return markTerminal(context, client, session)
  }
  for await (const { bytes } of client.output({ session: session.id, stream: 'out', from, follow }, context.signal)) context.out(plain.push(bytes))
  const rest = plain.end()
  context.out(endedLine(rest, false))
  markTerminal(context, client, session)
}

const endedLine = (printed: string, open: boolean): string => (open || printed === '' || printed.endsWith('\n') ? printed : `${printed}\n`)

function markTerminal(context: Context, client: Client, session: SessionView): void {
  if (!context.stdout.isTTY) return
  void client.submit({ session: session.id, commandId: newId(), command: { type: 'show', entries: session.entries } }, context.signal).catch(() => {})
}

async function printRaw(context: Context, client: Client, session: SessionView, stream: 'out' | 'err', follow: boolean): Promise<void> {
  for await (const { bytes } of client.output({ session: session.id, stream, from: 0, follow }, context.signal)) {
    // A reader that is slow is waited for.
    if (!context.stdout.write(bytes)) await new Promise((resolve) => context.stdout.once('drain', resolve))
  }
}

async function printEvents(context: Context, client: Client, session: SessionView, { follow, tail }: Wanted): Promise<void> {
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
  ],
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on with what comes, until Ctrl-C or until the program of a terminal ends' },
    tail: { type: 'string', short: 'n', value: 'N', help: 'only the last lines' },
    raw: { type: 'boolean', help: 'the bytes of its output as they came' },
    stderr: { type: 'boolean', help: 'the bytes of its stderr, where that is apart' },
    json: { ...jsonOption, help: 'the facts, one JSON object a line' },
  },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage logs k3f9 --tail 40', 'offstage logs k3f9 -f', 'offstage logs bash1 --raw > session.log'],
  run,
}

export default verb
