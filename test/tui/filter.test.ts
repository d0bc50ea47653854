// What is typed after the slash, and which sessions it leaves.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { statuses } from '../../src/core/status.ts'
import type { SessionView } from '../../src/core/view.ts'
import { filterFrom, fitsFields, fitsWords, isEmpty } from '../../src/tui/list/filter.ts'
import { anySession, anyText } from './arbitrary-sessions.ts'
import { request, view } from './list-sessions.ts'

const fits = (text: string, session: SessionView): boolean => {
  const filter = filterFrom(text)
  return fitsFields(session, filter) && fitsWords(session, filter)
}

const session = view('k3f9x2ab', {
  label: 'backend-api',
  title: 'Add a /users endpoint',
  agent: 'codex',
  cwd: '/home/me/work/Shop',
  project: { name: 'shop', branch: 'feature/api' },
  requests: [request('askedaaa', 'delete prefs.ts')],
})

test('nothing but spaces and unfinished fields leaves every session', () => {
  for (const text of ['', '   ', 'status:', 'agent:  label:', '""', 'status:,,']) expect(isEmpty(filterFrom(text))).toBe(true)
  fc.assert(fc.property(anySession, (one) => fits(' status: ', one)))
})

test.each(['backend', 'USERS endpoint', 'codex', 'shop', 'feature/api', 'work/shop', 'prefs.ts', 'k3f9', 'endpoint backend', '"a /users"'])('%s is found', (text) => {
  expect(fits(text, session)).toBe(true)
})

test.each(['frontend', 'backend frontend', '"users a"'])('%s is not found', (text) => {
  expect(fits(text, session)).toBe(false)
})

test.each([
  ['status:waiting', true],
  ['status:working', false],
  ['status:working,waiting', true],
  ['status:working status:waiting', true],
  ['status:wai', true],
  ['STATUS:Waiting', true],
  ['status:running', false],
  ['status:error', false],
  ['status:done', false],
  ['agent:codex', true],
  ['agent:claude,codex', true],
  ['agent:claude', false],
  ['project:shop', true],
  ['project:gw', false],
  ['branch:api', true],
  ['branch:main', false],
  ['label:backend', true],
  ['label:"backend-api" users', true],
  ['label:other', false],
  ['agent:codex status:working', false],
])('%s: %s', (text, expected) => {
  expect(fits(text, session)).toBe(expected)
})

test('running and error are everyday words for statuses', () => {
  const found = (text: string): readonly string[] => statuses.filter((status) => fits(text, view('x', { status })))
  expect(found('status:running')).toEqual(['queued', 'starting', 'working'])
  expect(found('status:error')).toEqual(['failed'])
  expect(found('status:s')).toEqual(['starting', 'stopped'])
})

test('a status that is none leaves nothing, and what was meant is said', () => {
  expect(filterFrom('status:wating').hint).toBe('"wating" is no status; did you mean waiting?')
  expect(filterFrom('status:waiting,xyzzy\x1b[2J').hint).toMatch(/^"xyzzy(\[2j|)" is no status; one of queued, starting, /)
  expect(filterFrom('status:waiting').hint).toBeUndefined()
  expect(fits('status:xyzzy', session)).toBe(false)
})

test('what only looks like a field is a word', () => {
  expect(filterFrom('http://localhost:80 user:me').words).toEqual(['http://localhost:80', 'user:me'])
})

test('whatever is typed means something, and more words never find more', () => {
  fc.assert(
    fc.property(anyText, anyText, anySession, (text, more, one) => {
      const whole = `${text.replaceAll('"', '')} ${more}`
      expect(!fitsWords(one, filterFrom(whole)) || fitsWords(one, filterFrom(text.replaceAll('"', '')))).toBe(true)
      expect(filterFrom(text)).toEqual(filterFrom(` ${text} `))
    }),
  )
})

test('done is completed and stopped, as the screen counts', () => {
  for (const status of statuses) expect(fits('status:done', view('k3f9x2ab', { status }))).toBe(status === 'completed' || status === 'stopped')
})

test.each([
  ['s:done', 'did you mean status: ?'],
  ['proj:shop', 'did you mean project: ?'],
  ['Agnt:x', 'did you mean agent: ?'],
  ['http://x', undefined],
  ['status:', undefined],
  ['12:30', undefined],
])('a word that is nearly a field is asked about: %s', (text, hint) => {
  expect(filterFrom(text).hint).toBe(hint)
})
