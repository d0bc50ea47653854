import fc from 'fast-check'
import { expect, test } from 'vitest'
import { derivedId, idFromBytes, isId, match } from '../../src/core/ids.ts'

const sessions = [
  { id: 'abcd1234', label: 'backend' },
  { id: 'abce5678', label: 'abcd' },
  { id: 'backend0', label: null },
  { id: 'zzzz0000', label: 'twice' },
  { id: 'zzzz1111', label: 'twice' },
  { id: 'zzzz2222', label: 'zzzz0000' },
]

test.each([
  ['an exact id', 'abcd1234', ['abcd1234']],
  ['an exact id before a label that says the same', 'zzzz0000', ['zzzz0000']],
  ['an exact label before the beginning of an id', 'backend', ['abcd1234']],
  ['an exact label before several beginnings', 'abcd', ['abce5678']],
  ['a unique beginning', 'back', ['backend0']],
  ['several beginnings', 'abc', ['abcd1234', 'abce5678']],
  ['several labels', 'twice', ['zzzz0000', 'zzzz1111']],
  ['part of a label', 'backe-', []],
  ['the middle of an id', 'bcd1', []],
  ['nothing', '', []],
])('%s', (_, text, ids) => {
  const found = match(sessions, text)
  expect(found.kind === 'one' ? [found.found.id] : found.kind === 'several' ? found.candidates.map(({ id }) => id) : []).toEqual(ids)
  expect(found.kind).toBe(ids.length === 1 ? 'one' : ids.length === 0 ? 'none' : 'several')
})

test('every id is 8 characters of a-z0-9', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 8, maxLength: 12 }), (bytes) => isId(idFromBytes(bytes))))
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.integer()), { maxLength: 4 }), (parts) => isId(derivedId(...parts))))
  expect(() => idFromBytes(new Uint8Array(7))).toThrow(RangeError)
  for (const wrong of ['', 'abc', 'abcd12345', 'ABCD1234', 'abcd 123', 'abcd1234\n']) expect(isId(wrong)).toBe(false)
})

// Bytes of runs that are on disk are read again by later versions: the ids must stay the same for ever.
test('a derived id depends on its parts only, and stays the same for ever', () => {
  expect([derivedId('sess0001', 1, 42), derivedId('sess0001', 1, 43), derivedId('sess0001', '1', 42), derivedId()]).toEqual(['thvce4yk', 'ahtih0x6', 'thvce4yk', 'fe74et9r'])
})

test('parts are kept apart, and many ids do not meet', () => {
  expect(derivedId('ab', 'c')).not.toBe(derivedId('a', 'bc'))
  const ids = Array.from({ length: 50_000 }, (_, index) => derivedId('sess0001', 1 + (index % 3), index))
  expect(new Set(ids).size).toBe(ids.length)
})
