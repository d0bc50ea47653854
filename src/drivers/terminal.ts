// Any program on a PTY. It is not spoken to: there are no turns and no questions, only output, keystrokes, and an end. What it says of itself is heard, and what it asks its terminal is
// answered while nobody looks: live, and once. Nothing else is ever written to it.

import { z } from 'zod'
import type { Signal } from '../core/signal.ts'
import { encode } from './utf8.ts'
import type { Checkpoint, Conversation, Driver, Output } from './driver.ts'
import { OutputTail } from './output-tail.ts'
import { type Answer, answerToCommand, answerToSequence, answerToStatusQuery } from './terminal-answers.ts'
import { SequenceFinder, type SequencePlace } from './terminal-sequences.ts'
import { TerminalSignals, signalsSchema } from './terminal-signals.ts'

const stateSchema = z.object({
  lines: z.number(),
  /** Up to where sequences were read; the checkpoint's offset is before it. */
  at: z.number().exactOptional(),
  within: z.enum(['command', 'string']).exactOptional(),
  /** What another version kept otherwise is heard anew. */
  signals: signalsSchema.optional().catch(undefined),
})

/** As the interrupt key sends it: what it does is for the program's terminal settings to say. */
const interruptKey = Uint8Array.of(0x03)

/** Of a flood of questions: so many in each stretch of so many bytes are answered. */
const mostAnswers = 64
const stretchBytes = 4096

/** Bytes of the longest command that is a question. */
const longestQuestion = 64

class TerminalConversation implements Conversation {
  readonly #tail: OutputTail
  readonly #signals: TerminalSignals
  readonly #finder: SequenceFinder
  #liveFrom = Infinity
  /** How many viewers answer themselves from an offset on; the first entry is the one that holds now. */
  #attendance: { readonly from: number; readonly viewers: number }[] = []
  #received = 0
  /** Number of the stretch with the last question, and questions in it. */
  #stretch = -1
  #asked = 0
  #outputs: Output[] = []

  constructor(tail: OutputTail, signals: TerminalSignals, place: SequencePlace, version: string) {
    this.#tail = tail
    this.#signals = signals
    this.#finder = new SequenceFinder(
      {
        bell: (end) => signals.bell(end),
        reset: () => signals.reset(),
        controlSequence: (sequence, end) => {
          if (this.#mayAnswer(end) && this.#isUnattended(end)) this.#answer(answerToSequence(sequence, version), end)
        },
        command: (payload, terminator, end) => {
          signals.command(payload, end)
          if (payload.length <= longestQuestion && payload.includes(questionMark) && this.#mayAnswer(end)) this.#commanded(latin(payload), terminator, end)
        },
      },
      place,
    )
  }

  receive(stream: 'out' | 'err', offset: number, bytes: Uint8Array): readonly Output[] {
    if (stream !== 'out') return []
    this.#tail.receive(offset, bytes)
    this.#finder.receive(offset, bytes)
    this.#received = offset + bytes.length
    const outputs = this.#outputs
    if (outputs.length > 0) this.#outputs = []
    return outputs
  }

  #mayAnswer(end: number): boolean {
    if (end <= this.#liveFrom) return false
    const stretch = Math.floor(end / stretchBytes)
    if (stretch !== this.#stretch) this.#asked = 0
    this.#stretch = stretch
    this.#asked += 1
    return this.#asked <= mostAnswers
  }

  #commanded(payload: string, terminator: 'BEL' | 'ST', end: number): void {
    // Few terminals know this one, so it is answered beside a viewer's too.
    this.#answer(answerToStatusQuery(payload, terminator) ?? (this.#isUnattended(end) ? answerToCommand(payload, terminator) : undefined), end)
  }

  #answer(answer: Answer | undefined, end: number): void {
    if (!answer) return
    if (answer.kind === 'cursor') this.#outputs.push({ kind: 'cursor', offset: end, extended: answer.extended })
    else this.#outputs.push({ kind: 'send', send: { lane: 2, id: end, bytes: encode(answer.text), mayBeLost: true } })
  }

  /** A question belongs to where its last byte lies. */
  #isUnattended(end: number): boolean {
    this.#settleAttendance(end)
    const [now] = this.#attendance
    return !now || now.from >= end || now.viewers === 0
  }

  live(from: number): void {
    this.#liveFrom = from
  }

  attended(from: number, viewers: number): void {
    this.#attendance.push({ from, viewers })
    this.#settleAttendance(this.#received + 1)
  }

  /** Drops what no longer holds for a byte before `end`. */
  #settleAttendance(end: number): void {
    for (let next = this.#attendance[1]; next && next.from < end; next = this.#attendance[1]) this.#attendance.shift()
  }

  order(seq: number, order: Parameters<Conversation['order']>[1]): readonly Output[] {
    return order.type === 'interrupt' ? [{ kind: 'send', send: { lane: 1, id: seq, bytes: interruptKey } }] : []
  }

  reply(): readonly Output[] {
    return []
  }

  openCalls(): readonly [] {
    return []
  }

  ended(): readonly Output[] {
    return []
  }

  lines(): number {
    return this.#tail.lines
  }

  signal(): Signal {
    return this.#signals.signal()
  }

  looked(): void {
    this.#signals.looked()
  }

  lastWords(): string | undefined {
    return this.#tail.text()
  }

  checkpoint(): Checkpoint {
    const { offset, lines } = this.#tail.place()
    const signals = this.#signals.state()
    return { outOffset: offset, errOffset: 0, state: { lines, ...this.#finder.place, ...(Object.keys(signals).length > 0 ? { signals } : {}) } }
  }
}

const questionMark = 0x3f

/** One character a byte. */
const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

export const terminalDriver: Driver = {
  mode: 'pty',
  begin: (launch) => ({ conversation: new TerminalConversation(new OutputTail(0, 0), new TerminalSignals(), { at: 0 }, launch.version), outputs: [] }),
  restore: (launch, { outOffset, state }) => {
    const { lines, at, within, signals } = stateSchema.parse(state)
    return new TerminalConversation(
      new OutputTail(outOffset, lines),
      new TerminalSignals(signals),
      { at: Math.max(outOffset, at ?? outOffset), ...(within ? { within } : {}) },
      launch.version,
    )
  },
}
