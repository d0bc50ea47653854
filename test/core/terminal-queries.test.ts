import fc from 'fast-check'
import { expect, test } from 'vitest'
import { QueryFilter } from '../../src/core/terminal-queries.ts'

const filtered = (...parts: readonly string[]): string => {
  const filter = new QueryFilter()
  const kept = parts.map((part) => Buffer.from(filter.push(Buffer.from(part, 'latin1'))).toString('latin1')).join('')
  return kept + Buffer.from(filter.end()).toString('latin1')
}

const questions = [
  '\x05',
  '\x1bZ',
  '\x1b[c',
  '\x1b[0c',
  '\x1b[>c',
  '\x1b[=c',
  '\x1b[5n',
  '\x1b[6n',
  '\x1b[?6n',
  '\x1b[?996n',
  '\x1b[>q',
  '\x1b[>0q',
  '\x1b[?2026$p',
  '\x1b[4$p',
  '\x1b[?u',
  '\x1b[x',
  '\x1b[?1;1;0S',
  '\x1b[14t',
  '\x1b[18t',
  '\x1b[21t',
  '\x1b]10;?\x07',
  '\x1b]11;?\x1b\\',
  '\x1b]10;?;?\x07',
  '\x1b]4;1;?;2;?\x07',
  '\x1b]52;c;?\x07',
  '\x1b]7501;?\x1b\\',
  '\x1b]21;foreground=?\x1b\\',
  '\x1b]99;i=1:p=?;\x1b\\',
  '\x1bP$qm\x1b\\',
  '\x1bP+q544e\x1b\\',
  '\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\',
]

const statements = [
  'plain text?',
  '\x1b[31m',
  '\x1b[2 q',
  '\x1b[?1000;1006h',
  '\x1b[>1u',
  '\x1b[<u',
  '\x1b[=1;1u',
  '\x1b[u',
  '\x1b[2S',
  '\x1b[22;0t',
  '\x1b[8;24;80t',
  '\x1b[!p',
  '\x1b]0;is it so?\x07',
  '\x1b]2;why;?\x1b\\',
  '\x1b]11;#112233\x07',
  '\x1b]8;;http://host/?q=1\x1b\\',
  '\x1b]52;c;YWJj\x07',
  '\x1b]7501;state=working\x1b\\',
  '\x1bPq#0;2;0;0;0\x1b\\',
  '\x1b_Ga=T,f=100;AAAA\x1b\\',
  'Grüße \u{1f642}',
  '\x1b7\x1b8\x1b(B',
].map((text) => Buffer.from(text).toString('latin1'))

test.each(questions)('%j is a question and left out', (question) => {
  expect(filtered(`a${question}b`)).toBe('ab')
})

test.each(statements)('%j is none and stays', (statement) => {
  expect(filtered(`a${statement}b`)).toBe(`a${statement}b`)
})

test('of a program that says and asks, what it says remains, wherever it is cut', () => {
  const piece = fc.oneof(
    fc.constantFrom(...questions).map((text) => ({ text, kept: '' })),
    fc.constantFrom(...statements).map((text) => ({ text, kept: text })),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 6 }), (pieces, cuts) => {
      const text = pieces.map((one) => one.text).join('')
      const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length]
      expect(filtered(...at.slice(1).map((end, index) => text.slice(at[index], end)))).toBe(pieces.map((one) => one.kept).join(''))
    }),
  )
})

test('any bytes at all: nothing is added, and what has no escape in it passes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const plain = bytes.map((byte) => (byte === 0x1b || byte === 0x05 ? 0x20 : byte))
      expect(filtered(Buffer.from(plain).toString('latin1'))).toBe(Buffer.from(plain).toString('latin1'))
      expect(filtered(Buffer.from(bytes).toString('latin1')).length).toBeLessThanOrEqual(bytes.length)
    }),
  )
})

test.each([';?', '\x1b]', '\x1b[', '\x1b]4;', '?'])('a megabyte of %j takes no longer than it has to', (text) => {
  const startedMs = performance.now()
  const filter = new QueryFilter()
  const chunk = Buffer.from(`\x1b]10;${text.repeat(65_536 / text.length)}`, 'latin1')
  for (let n = 0; n < 16; n++) filter.push(chunk)
  expect(performance.now() - startedMs).toBeLessThan(2000)
})
