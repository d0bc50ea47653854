// What is found between the text of a terminal program, wherever the bytes are cut, wherever reading begins again, and at what cost.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SequenceFinder, type SequencePlace, longestSequence } from '../../src/drivers/terminal-sequences.ts'

type Found = string

/** What a finder tells, as text, with the offset behind it. */
class Hearing {
  readonly found: Found[] = []
  readonly finder: SequenceFinder

  constructor(place: SequencePlace = { at: 0 }) {
    this.finder = new SequenceFinder(
      {
        bell: (end) => this.found.push(`bell ${end}`),
        reset: (end) => this.found.push(`reset ${end}`),
        controlSequence: (sequence, end) => this.found.push(`CSI ${sequence} ${end}`),
        command: (payload, terminator, end) => this.found.push(`OSC ${Buffer.from(payload).toString('latin1')} ${terminator} ${end}`),
      },
      place,
    )
  }
}

function found(...chunks: readonly (string | Uint8Array)[]): readonly Found[] {
  const hearing = new Hearing()
  let offset = 0
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk)
    hearing.finder.receive(offset, bytes)
    offset += bytes.length
  }
  return hearing.found
}

describe('what is found', () => {
  const table: readonly (readonly [string, string, readonly Found[]])[] = [
    ['nothing in text', 'plain ✳ text\r\n\t\x0f', []],
    ['a command ended by a bell, which rings nobody', 'a\x1b]0;title\x07b', ['OSC 0;title BEL 11']],
    ['a command ended by a string terminator', '\x1b]2;t\x1b\\', ['OSC 2;t ST 7']],
    ['a character that has the byte of a C1 terminator in it', '\x1b]0;\u2733 x\x07', [`OSC 0;${Buffer.from('\u2733').toString('latin1')} x BEL 10`]],
    ['a bell', 'a\x07\x07', ['bell 2', 'bell 3']],
    ['a bell in the midst of a control sequence', '\x1b[6\x07n', ['bell 4', 'CSI 6n 5']],
    ['questions', '\x1b[c\x1b[>q\x1b[?6n\x1b[?2026$p', ['CSI c 3', 'CSI >q 7', 'CSI ?6n 12', 'CSI ?2026$p 21']],
    ['a full reset, and nothing that only looks like one', '\x1bc\x1b(c\x1b[c', ['reset 2', 'CSI c 8']],
    ['a bell in a device control string is of the string', '\x1bPq\x07\x1b]0;t\x07\x1b\\\x07', ['OSC 0;t BEL 10', 'bell 13']],
    ['a string that ends is over', '\x1bPq#1\x1b\\\x07', ['bell 8']],
    ['a command that another sequence cuts off', '\x1b]0;ti\x1b[6n\x07', ['CSI 6n 10', 'bell 11']],
    ['a command that is cancelled', '\x1b]0;ti\x18\x07\x1b]0;ti\x1a\x07', ['bell 8', 'bell 16']],
    ['a control sequence that is cancelled', '\x1b[6\x18n', []],
    ['a control sequence with text in it', '\x1b[6é n', []],
    ['the second of two escapes', '\x1b\x1b[6n', ['CSI 6n 5']],
    ['no control sequence that is endless', `\x1b[${'1;'.repeat(100)}n`, []],
    ['no escape that is endless', `\x1b${'('.repeat(100)}c\x07`, [`bell ${103}`]],
  ]
  test.each(table)('%s', (_, bytes, expected) => {
    expect(found(bytes)).toEqual(expected)
    expect(found(...Array.from(Buffer.from(bytes), (byte) => Uint8Array.of(byte)))).toEqual(expected)
  })

  test('a command is heard up to 4096 bytes, its introducer and terminator included', () => {
    for (const terminator of ['\x07', '\x1b\\']) {
      const fits = 'x'.repeat(longestSequence - 2 - terminator.length)
      expect(found(`\x1b]${fits}${terminator}`)).toHaveLength(1)
      expect(found(`\x1b]${fits}x${terminator}`)).toEqual([])
      // Its end is an end, also when it is too long.
      expect(found(`\x1b]${fits}xxxxx${terminator}\x07`)).toEqual([`bell ${longestSequence + 6}`])
    }
  })

  test('bytes that were received already are passed over, and after a gap nothing is continued', () => {
    const hearing = new Hearing()
    hearing.finder.receive(0, Buffer.from('\x07\x1b]0;on'))
    hearing.finder.receive(0, Buffer.from('\x07\x1b]0;one\x07'))
    hearing.finder.receive(9, Buffer.from('\x1b]0;half'))
    hearing.finder.receive(1000, Buffer.from('way\x07'))
    expect(hearing.found).toEqual(['bell 1', 'OSC 0;one BEL 9', 'bell 1004'])
  })
})

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('\x1b', '\x07', '\x1b\\', '\x18', '\x1a', '\x1b]', '\x1b[', '\x1bP', '\x1b_', ']', '[', '\\', 'c', '\n') },
  { weight: 5, arbitrary: fc.constantFrom('0;title', '7501;state=working', '6n', '>q', '?2026$p', '9;done', '\u2733 ', 'é', '\x1b(B', 'plain text', '\x9c', '\x7f') },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(70), 'y'.repeat(4080), 'z'.repeat(4097), '1;'.repeat(40)) },
)
const output = fc.array(piece, { maxLength: 40, size: 'max' }).map((pieces) => Buffer.from(pieces.join('')))

test('any cutting gives the same', () => {
  fc.assert(
    fc.property(output, fc.infiniteStream(fc.integer({ min: 1, max: 200 })), (bytes, lengths) => {
      const hearing = new Hearing()
      for (let at = 0; at < bytes.length;) {
        const length = Number(lengths.next().value)
        hearing.finder.receive(at, bytes.subarray(at, at + length))
        at += length
      }
      expect(hearing.found).toEqual(found(bytes))
    }),
    { numRuns: 1000 },
  )
})

test('whoever goes on from a place, less than the longest sequence back, hears the same', () => {
  fc.assert(
    fc.property(output, fc.nat(), (bytes, seed) => {
      const middle = seed % (bytes.length + 1)
      const first = new Hearing()
      first.finder.receive(0, bytes.subarray(0, middle))
      const { place } = first.finder
      expect(middle - place.at).toBeLessThan(longestSequence)
      const second = new Hearing(JSON.parse(JSON.stringify(place)) as SequencePlace)
      // From before the place, as the log is read again.
      const from = Math.max(0, place.at - 10)
      second.finder.receive(from, bytes.subarray(from))
      expect([...new Set([...first.found, ...second.found])]).toEqual(found(bytes))
    }),
    { numRuns: 1000 },
  )
})

describe('hostile output costs what plain text costs, many times over at most', () => {
  const size = 4 * 1024 * 1024
  const repeated = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(size / text.length)).slice(0, size), 'latin1')
  const hostile: readonly (readonly [string, Buffer])[] = [
    ['escapes', repeated('\x1b')],
    ['commands without an end', repeated('\x1b]0;')],
    ['one command without an end', Buffer.concat([Buffer.from('\x1b]0;'), repeated('x')])],
    ['one string without an end', Buffer.concat([Buffer.from('\x1bP'), repeated('x')])],
    ['one control sequence without an end', Buffer.concat([Buffer.from('\x1b['), repeated('1;')])],
    ['bells', repeated('\x07')],
    ['titles', repeated('\x1b]0;t\x07')],
    ['cancelled commands', repeated('\x1b]0;t\x18')],
    ['questions', repeated('\x1b[6n')],
  ]
  test.each(hostile)('%s', (_, bytes) => {
    const time = (chunk: number, much: number): number => {
      const hearing = new Hearing()
      hearing.found.push = () => 0
      const startedMs = performance.now()
      for (let at = 0; at < much; at += chunk) hearing.finder.receive(at, bytes.subarray(at, Math.min(much, at + chunk)))
      return performance.now() - startedMs
    }
    time(64 * 1024, size / 4)
    // 4 MiB; a search that began anew at every sequence would take minutes.
    expect(time(64 * 1024, size)).toBeLessThan(3000)
    expect(time(size, size)).toBeLessThan(3000)
  })
})
