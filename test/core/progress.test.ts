// How far a session has come: plan, changed files, and tool calls that repeat.

import { expect, test } from 'vitest'
import type { Entry, Event, FileChange } from '../../src/core/events.ts'
import { viewOf } from '../../src/core/view.ts'
import { agentReady, exited, folded, queued, starting, started, turnEnded, turnStarted, working } from './play.ts'

const tool = (title: string, status: 'running' | 'completed' | 'failed' = 'completed', changes?: readonly FileChange[], toolKind = 'edit'): Entry => ({
  kind: 'tool',
  title,
  toolKind,
  status,
  ...(changes ? { changes } : {}),
})
const plan = (...statuses: readonly ('pending' | 'in_progress' | 'completed')[]): Entry => ({ kind: 'plan', steps: statuses.map((status) => ({ text: 'step', status })) })
const written = (entryId: string, entry: Entry): Event => ({ type: 'entry-written', run: 1, entryId, entry })
/** Each is an entry of its own. */
const wrote = (...entries: readonly Entry[]): readonly Event[] => entries.map((entry, index) => written(`1.${index + 1}`, entry))
const view = (events: readonly Event[]) => viewOf(folded(events), 1_000_000)
const change = (path: string, added: number, removed: number): FileChange => ({ path, added, removed })

test('the steps of the newest plan, also in later turns, until there is another one', () => {
  expect(view(working).plan).toBeNull()
  const planned = [...working, written('1.1', plan('completed', 'in_progress', 'pending'))]
  expect(view(planned).plan).toEqual({ done: 1, total: 3 })
  expect(view([...planned, turnEnded(), queued('p2'), turnStarted(2, 'p2')]).plan).toEqual({ done: 1, total: 3 })
  expect(view([...planned, written('1.2', plan('completed'))]).plan).toEqual({ done: 1, total: 1 })
  expect(view([...planned, written('1.2', plan())]).plan).toBeNull()
})

test('files and lines changed by calls that succeeded', () => {
  expect(view([...working, ...wrote(tool('a', 'running', [change('/w/a', 5, 0)]), tool('b', 'failed', [change('/w/b', 1, 1)]))]).changes).toBeNull()
  const changed = [...working, ...wrote(tool('a', 'completed', [change('/w/a', 5, 0), change('/w/b', 1, 2)]), tool('b', 'completed', [change('/w/a', 1, 1)]))]
  expect(view(changed).changes).toEqual({ files: 2, added: 7, removed: 3 })
  expect(view([...changed, turnEnded(), exited(), starting(2), started(2), agentReady(2)]).changes).toEqual({ files: 2, added: 7, removed: 3 })
})

test('a call that is written again counts once, as it is now', () => {
  const once = [...working, written('1.1', tool('a', 'completed', [change('/w/a', 5, 0)]))]
  expect(view([...once, written('1.1', tool('a', 'completed', [change('/w/a', 5, 0)]))]).changes).toEqual({ files: 1, added: 5, removed: 0 })
  expect(view([...once, written('1.1', tool('a', 'completed', [change('/w/a', 6, 1)]))]).changes).toEqual({ files: 1, added: 6, removed: 1 })
  expect(view([...once, written('1.2', tool('b')), written('1.1', tool('a', 'failed', [change('/w/a', 5, 0)]))]).changes).toMatchObject({ added: 0, removed: 0 })
})

test('however much is done, little is kept', () => {
  const many = wrote(...Array.from({ length: 1000 }, (_, index) => tool(`call ${index}`, 'completed', [change(`/w/a/rather/long/path/of/file/${index}`, 1, 0)])))
  const session = folded([...working, ...many])
  expect(viewOf(session, 1_000_000).changes).toEqual({ files: 1000, added: 1000, removed: 0 })
  expect(JSON.stringify(session.progress).length).toBeLessThan(16_000)
})

test('drift is of an open turn: since when no file was changed', () => {
  expect(view([...working, turnEnded()]).drift).toBeNull()
  // Facts are a second apart: the sixth began the turn.
  expect(view(working).drift).toEqual({ unchangedSince: '1970-01-01T00:00:06.000Z', repeats: null })
  expect(view([...working, ...wrote(tool('look', 'completed'), tool('try', 'failed', [change('/w/a', 1, 0)]))]).drift?.unchangedSince).toBe('1970-01-01T00:00:06.000Z')
  const changed = [...working, ...wrote(tool('look'), tool('write', 'completed', [change('/w/a', 1, 0)]), tool('look'))]
  expect(view(changed).drift?.unchangedSince).toBe('1970-01-01T00:00:08.000Z')
  expect(view([...changed, turnEnded(), queued('p2'), turnStarted(2, 'p2')]).drift).toEqual({ unchangedSince: '1970-01-01T00:00:12.000Z', repeats: null })
})

test('the same call again and again is a row; what is said between does not break it, another call does', () => {
  const say: Entry = { kind: 'message', text: 'Once more.' }
  const run = (status: 'completed' | 'failed' | 'running'): Entry => tool('npm test', status, undefined, 'execute')
  const three = [...working, ...wrote(tool('look'), run('failed'), say, run('failed'), { kind: 'thought', text: 'hm' }, plan('pending'), run('completed'))]
  expect(view(three).drift?.repeats).toEqual({ title: 'npm test', times: 3, since: '1970-01-01T00:00:08.000Z' })
  expect(view([...three, written('1.8', tool('npm test', 'completed', undefined, 'other'))]).drift?.repeats).toBeNull()
  expect(view([...three, turnEnded(), queued('p2'), turnStarted(2, 'p2'), written('1.9', run('failed'))]).drift?.repeats).toBeNull()
})

test('a call counts when it is over, and once however often it is written', () => {
  const run = (status: 'completed' | 'failed' | 'running'): Entry => tool('npm test', status)
  const going = [...working, written('1.1', run('running')), written('1.1', run('failed')), written('1.1', run('failed')), written('1.2', run('running'))]
  expect(view(going).drift?.repeats).toBeNull()
  expect(view([...going, written('1.2', run('failed'))]).drift?.repeats).toMatchObject({ times: 2 })
})
