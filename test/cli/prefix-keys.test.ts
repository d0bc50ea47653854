import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PrefixKeys } from '../../src/cli/prefix-keys.ts'

/** As text: what goes to the program plain, a key of ours in brackets. */
function typed(...pieces: readonly string[]): string {
  const keys = new PrefixKeys(0x1c)
  return pieces
    .flatMap((piece) => keys.push(Buffer.from(piece)))
    .map((one) => (one.kind === 'bytes' ? Buffer.from(one.bytes).toString() : `<${one.key}>`))
    .join('')
}

test('what is typed goes to the program as it is, the escape key at once', () => {
  for (const text of [
    'ls\r',
    'größer ✓',
    '\x1b',
    '\x1b[',
    '\x1b[A',
    '\x1bOA',
    '\x1b[1;5C',
    '\x1b[<0;3;4M',
    '\x1b[200~a\rb\x1b[201~',
    '\x03\x04\x1a\x11\x13',
    '/bg\r',
    '\x1b[?62;4c',
    '\x1b[97u',
    '\x1b[97;5:3u',
  ]) {
    expect(typed(text), JSON.stringify(text)).toBe(text)
  }
})

test('a key after the prefix is ours, the prefix twice is one for the program', () => {
  expect(typed('a\x1cdb')).toBe('a<d>b')
  expect(typed('a\x1c', 'd')).toBe('a<d>')
  expect(typed('\x1c\x1c')).toBe('\x1c')
  expect(typed('\x1c\x1c\x1c?x')).toBe('\x1c<?>x')
  expect(typed('\x1c')).toBe('')
})

test('also when the program asked for richer keys', () => {
  expect(typed('\x1b[92;5u', '\x1b[92;5:3u', '\x1b[100u')).toBe('<d>')
  expect(typed('\x1b[57442;5:1u\x1b[92;5:1u\x1b[92;5:3u\x1b[57442;1:3u\x1b[100;1:1u')).toBe('\x1b[57442;5:1u<d>')
  expect(typed('\x1b[92:124;5;28u', 'd')).toBe('<d>')
  expect(typed('\x1b[92;133u', 'd')).toBe('<d>')
  expect(typed('\x1b[27;5;92~d')).toBe('<d>')
  expect(typed('\x1b[92;5u\x1b[47;2u')).toBe('<?>')
  expect(typed('\x1b[92;5u\x1b[100;2u')).toBe('<D>')
  expect(typed('\x1b[92;5u\x1b[92;5u')).toBe('\x1b[92;5u')
  expect(typed('\x1b[92;6u')).toBe('\x1b[92;6u')
})

test('with another prefix', () => {
  const keys = new PrefixKeys(0x01)
  expect(keys.push(Buffer.from('\x1c\x1b[97;5ud'))).toMatchObject([{ kind: 'bytes' }, { kind: 'key', key: 'd' }])
})

test('where a read ends changes nothing', () => {
  const part = fc.constantFrom('a', 'é', '\x1c', 'd', '?', '\x1b[92;5u', '\x1b[100;1:1u', '\x1b[92;5:3u', '\x1b[27;5;92~', '\x1b[A', '\x1b[<0;3;4M')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 6 }), (parts, cuts) => {
      const bytes = Buffer.from(`${parts.join('')}x`)
      const places = [...new Set(cuts.map((cut) => cut % bytes.length))].toSorted((a, b) => a - b)
      // Escape and escape [ are never held back, so a cut right behind them is not for this test.
      fc.pre(places.every((place) => bytes[place - 1] !== 0x1b && !(bytes[place - 1] === 0x5b && bytes[place - 2] === 0x1b)))
      const read = (cutAt: readonly number[]): string => {
        const keys = new PrefixKeys(0x1c)
        const pieces = [0, ...cutAt].map((from, index) => bytes.subarray(from, cutAt[index] ?? bytes.length))
        return pieces
          .flatMap((piece) => keys.push(piece))
          .map((one) => (one.kind === 'bytes' ? Buffer.from(one.bytes).toString('latin1') : `<${one.key}>`))
          .join('')
      }
      expect(read(places)).toBe(read([]))
    }),
  )
})
