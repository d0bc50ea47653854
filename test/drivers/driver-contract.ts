// What every driver promises, run on each of them: a recorded run, cut anywhere and restored from any checkpoint, gives the same reports, sends and file calls.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Order } from '../../src/core/react.ts'
import type { Checkpoint, Conversation, Driver, FileCall, FileResult, Launch, Output } from '../../src/drivers/driver.ts'

type Stream = 'out' | 'err'

export type Step =
  | { readonly stream: Stream; readonly bytes: Uint8Array | string }
  /** A function makes the order from what came so far, for example the answer to a question that was asked. */
  | { readonly seq: number; readonly order: Order | ((outputs: readonly Output[]) => Order) }

export interface Recording {
  readonly name: string
  readonly launch: Launch
  readonly steps: readonly Step[]
  /** What the engine answers to a file call, at once. */
  readonly files?: (call: FileCall) => FileResult
}

/** Makes conversations of a recording; `cut` says how many bytes the next piece has, `restarts` whether the daemon dies before the next piece or order. */
interface Manner {
  readonly cut: (left: number) => number
  readonly restarts: () => boolean
}

const whole: Manner = { cut: (left) => left, restarts: () => false }

const bytesOf = (step: { readonly bytes: Uint8Array | string }): Buffer => Buffer.from(step.bytes)

/** A run as the engine leads it: outputs in order, file calls answered before the next output is looked at. */
class Player {
  readonly outputs: Output[] = []
  readonly #all: Record<Stream, Buffer>
  readonly #sent: Record<Stream, number> = { out: 0, err: 0 }
  readonly #driver: Driver
  readonly #recording: Recording
  conversation: Conversation

  constructor(driver: Driver, recording: Recording) {
    this.#driver = driver
    this.#recording = recording
    const all = (stream: Stream): Buffer => Buffer.concat(recording.steps.flatMap((step) => ('bytes' in step && step.stream === stream ? [bytesOf(step)] : [])))
    this.#all = { out: all('out'), err: all('err') }
    const { conversation, outputs } = driver.begin(recording.launch)
    this.conversation = conversation
    this.#perform(outputs)
  }

  #perform(outputs: readonly Output[]): void {
    for (const output of outputs) {
      this.outputs.push(output)
      if (output.kind === 'file' && this.#recording.files) this.#perform(this.conversation.reply(output.call.callId, this.#recording.files(output.call)))
    }
  }

  receive(stream: Stream, length: number): void {
    const offset = this.#sent[stream]
    this.#sent[stream] += length
    this.#perform(this.conversation.receive(stream, offset, this.#all[stream].subarray(offset, offset + length)))
  }

  order(step: Extract<Step, { order: unknown }>): void {
    this.#perform(this.conversation.order(step.seq, typeof step.order === 'function' ? step.order(this.outputs) : step.order))
  }

  end(): void {
    this.#perform(this.conversation.ended())
  }

  /** The daemon dies and another one takes over from the checkpoint. */
  restart(): void {
    const before = knownBy(this.conversation)
    const checkpoint = this.conversation.checkpoint()
    this.conversation = this.#driver.restore(this.#recording.launch, JSON.parse(JSON.stringify(checkpoint)) as Checkpoint)
    for (const stream of ['out', 'err'] as const) {
      const offset = stream === 'out' ? checkpoint.outOffset : checkpoint.errOffset
      if (offset < this.#sent[stream]) this.#perform(this.conversation.receive(stream, offset, this.#all[stream].subarray(offset, this.#sent[stream])))
    }
    expect(knownBy(this.conversation)).toEqual(before)
  }
}

/** What must not depend on how it came to be known. */
const knownBy = (conversation: Conversation) => ({
  calls: conversation.openCalls(),
  lines: conversation.lines(),
  lastWords: conversation.lastWords(),
  signal: conversation.signal?.(),
})

function played(driver: Driver, recording: Recording): Player {
  const player = new Player(driver, recording)
  for (const step of recording.steps) {
    if ('order' in step) player.order(step)
    else player.receive(step.stream, bytesOf(step).length)
  }
  player.end()
  return player
}

const readable = (output: Output): unknown => (output.kind === 'send' ? { ...output, send: { ...output.send, bytes: Buffer.from(output.send.bytes).toString() } } : output)

type Played = ReturnType<typeof knownBy> & { readonly outputs: readonly unknown[] }

/** Plays a recording to its end and gives everything that must not depend on the manner of playing. */
export function play(driver: Driver, recording: Recording, manner: Manner = whole): Played {
  const player = new Player(driver, recording)
  for (const step of recording.steps) {
    if ('order' in step) {
      if (manner.restarts()) player.restart()
      player.order(step)
      continue
    }
    const bytes = bytesOf(step)
    for (let at = 0; at < bytes.length;) {
      if (manner.restarts()) player.restart()
      const length = Math.max(1, Math.min(bytes.length - at, manner.cut(bytes.length - at)))
      player.receive(step.stream, length)
      at += length
    }
  }
  if (manner.restarts()) player.restart()
  player.end()
  if (manner.restarts()) player.restart()
  return { outputs: player.outputs.filter((output) => output.kind !== 'draft').map(readable), ...knownBy(player.conversation) }
}

/** One restart, before byte `position` of the recording (orders count as one). */
function onceAt(position: number): Manner {
  let passed = 0
  let due = 0
  return {
    cut: (left) => {
      const until = position - passed
      due = until > 0 && until < left ? until : left
      passed += due
      return due
    },
    restarts: () => passed === position,
  }
}

const lengthOf = (recording: Recording): number => recording.steps.reduce((sum, step) => sum + ('order' in step ? 0 : bytesOf(step).length), 0)

/** At most 400 of the positions, spread evenly, so that a long recording stays quick. */
function positions(length: number): number[] {
  const step = Math.max(1, Math.floor(length / 400))
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step)
}

/** Every recording should have something in it that is cut badly: characters of several bytes, an unfinished line, an order in the middle of one. */
export function driverContract(name: string, driver: Driver, makeRecordings: () => readonly Recording[]): void {
  describe(`${name}: the driver contract`, () => {
    for (const recording of makeRecordings()) {
      describe(recording.name, () => {
        const expected = (): Played => play(driver, recording)

        test('it says something at all, so that the rest of this suite can fail', () => {
          expect(expected().outputs.length + (expected().lines ?? 0)).toBeGreaterThan(0)
        })

        test('small pieces give the same', () => {
          // One byte at a time, unless that takes long.
          const size = Math.ceil(lengthOf(recording) / 10_000)
          expect(play(driver, recording, { cut: () => size, restarts: () => false })).toEqual(expected())
        })

        test('one restart, at any byte, gives the same', () => {
          const wanted = expected()
          for (const position of positions(lengthOf(recording))) expect(play(driver, recording, onceAt(position)), `restart before byte ${position}`).toEqual(wanted)
        })

        test('any cutting with any restarts gives the same', () => {
          const wanted = expected()
          fc.assert(
            fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 300 })), fc.infiniteStream(fc.boolean()), (lengths, restarts) => {
              const manner: Manner = { cut: () => Number(lengths.next().value), restarts: () => restarts.next().value === true }
              expect(play(driver, recording, manner)).toEqual(wanted)
            }),
            { numRuns: lengthOf(recording) > 20_000 ? 8 : 40 },
          )
        })

        test('the ids of each lane only grow', () => {
          const player = played(driver, recording)
          for (const lane of [1, 2]) {
            const ids = player.outputs.flatMap((output) => (output.kind === 'send' && output.send.lane === lane ? [output.send.id] : []))
            expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b))
            expect(ids.every((id) => id > 0)).toBe(true)
          }
        })

        test('a checkpoint is a value: what comes after it does not change it', () => {
          const player = new Player(driver, recording)
          const kept = recording.steps.map((step) => {
            const checkpoint = player.conversation.checkpoint()
            const text = JSON.stringify(checkpoint)
            if ('order' in step) player.order(step)
            else player.receive(step.stream, bytesOf(step).length)
            return { checkpoint, text }
          })
          player.end()
          expect(kept.map(({ checkpoint }) => JSON.stringify(checkpoint))).toEqual(kept.map(({ text }) => text))
        })

        test('a checkpoint does not grow with what was said long ago', () => {
          const player = played(driver, recording)
          expect(JSON.stringify(player.conversation.checkpoint()).length).toBeLessThan(64 * 1024)
        })
      })
    }
  })
}
