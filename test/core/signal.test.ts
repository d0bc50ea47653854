import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Claim,
  type Notice,
  type Signal,
  foremost,
  lookedAt,
  newsOf,
  recordSignal,
  signalText,
  stateKey,
  stateSources,
  surelyWorks,
  withEvidence,
  wordsOf,
} from '../../src/core/signal.ts'

const by = (state: Claim['state'], more: Partial<Claim> = {}): Claim => ({ source: 'OSC 7501', state, atOffset: 10, ...more })
const notice = (text: string, atOffset: number): Notice => ({ source: 'OSC 9', text, atOffset })
const nothing: Signal = { claims: [] }

describe('what is news', () => {
  const table: readonly (readonly [string, Signal, Signal, 'state' | 'words' | 'none'])[] = [
    ['nothing', nothing, nothing, 'none'],
    ['a first state', nothing, { claims: [by('working')] }, 'state'],
    ['the same state', { claims: [by('working')] }, { claims: [by('working')] }, 'none'],
    ['another state', { claims: [by('working')] }, { claims: [by('done')] }, 'state'],
    ['another kind', { claims: [by('blocked')] }, { claims: [by('blocked', { kind: 'auth' })] }, 'state'],
    ['the end of all claims', { claims: [by('blocked')] }, nothing, 'state'],
    ['other words', { claims: [by('working')] }, { claims: [by('working', { message: 'x' })] }, 'words'],
    ['progress', { claims: [by('working', { progress: 1 })] }, { claims: [by('working', { progress: 2 })] }, 'words'],
    ['the same state after another one', { claims: [by('done')] }, { claims: [by('done', { atOffset: 30 })] }, 'words'],
    ['the state of a source that does not count', { claims: [by('done')] }, { claims: [by('done'), by('working', { source: 'title' })] }, 'words'],
    ['a part that asks', { claims: [by('working')] }, { claims: [by('working')], parts: [{ id: 'a', state: 'blocked', atOffset: 20 }] }, 'state'],
    ['a part that works', { claims: [by('working')] }, { claims: [by('working')], parts: [{ id: 'a', state: 'working', atOffset: 20 }] }, 'words'],
    ['a title', nothing, { claims: [], title: 't' }, 'words'],
    ['a notice', nothing, { claims: [], notice: notice('n', 5) }, 'state'],
    ['the same notice, while nobody has looked', { claims: [], notice: notice('n', 5) }, { claims: [], notice: notice('n', 50) }, 'none'],
    ['another notice', { claims: [], notice: notice('n', 5) }, { claims: [], notice: notice('m', 50) }, 'state'],
    ['a bell', nothing, { claims: [], bell: { atOffset: 5 } }, 'words'],
    ['another bell, while nobody has looked', { claims: [], bell: { atOffset: 5 } }, { claims: [], bell: { atOffset: 6 } }, 'none'],
  ]
  test.each(table)('%s', (_, before, now, news) => expect(newsOf(recordSignal(null, before, 1000), now)).toBe(news))

  test('what was looked at is none, however often it is told, and the next one is', () => {
    const told: Signal = { claims: [], notice: notice('n', 5), bell: { atOffset: 7 } }
    const seen = lookedAt(recordSignal(null, told, 1000))
    expect(seen).toMatchObject({ signal: nothing, seenTo: 7 })
    expect(newsOf(seen, told)).toBe('none')
    expect(recordSignal(seen, told, 2000).signal).toEqual(nothing)
    expect(newsOf(seen, { ...told, notice: notice('n', 8) })).toBe('state')
    expect(newsOf(seen, { ...told, bell: { atOffset: 8 } })).toBe('words')
    expect(lookedAt(seen)).toBe(seen)
  })
})

test('each thing that is said has its own time', () => {
  const first = recordSignal(null, { claims: [by('working')], title: 'a' }, 1000)
  const second = recordSignal(first, { claims: [by('working'), by('idle', { source: 'title' })], title: 'b' }, 2000)
  expect(second.sinceMs).toEqual({ 'OSC 7501': 1000, title: 2000, 'window title': 2000 })
  expect(recordSignal(second, { claims: [by('working', { atOffset: 30 })], title: 'b' }, 3000).sinceMs).toEqual({ 'OSC 7501': 3000, 'window title': 2000 })
})

test('a part that asks counts more than the whole, and speaks for itself', () => {
  const signal: Signal = { claims: [by('working', { message: 'all of it' })], parts: [{ id: 'a', state: 'blocked', kind: 'question', message: 'which?', atOffset: 5 }], title: 't' }
  expect(foremost(signal)).toMatchObject({ state: 'blocked', kind: 'question' })
  expect(wordsOf(signal)).toBe('which?')
  expect(wordsOf({ ...signal, parts: [] })).toBe('all of it')
  expect(wordsOf({ claims: [by('done', { source: 'title' })], title: 't' })).toBe('t')
  expect(stateKey(signal)).not.toBe(stateKey({ ...signal, parts: [] }))
  expect(signalText(signal)).toBe('OSC 7501 working: all of it; OSC 7501 a blocked (question): which?; window title t')
})

describe('what counts of claims that contradict each other', () => {
  const claim = (source: Claim['source'], state: Claim['state'], atOffset: number): Claim => ({ source, state, atOffset })
  const table: readonly (readonly [string, readonly Claim[], Claim['source'] | undefined])[] = [
    ['nothing', [], undefined],
    ['the protocol before everything', [claim('OSC 7501', 'working', 1), claim('session file', 'blocked', 9), claim('screen', 'blocked', 9)], 'OSC 7501'],
    ['the file before a title', [claim('session file', 'blocked', 1), claim('title', 'idle', 9)], 'session file'],
    ['a hook before a title', [claim('hook', 'done', 1), claim('title', 'idle', 9)], 'hook'],
    ['a dialog that is newer than "ready"', [claim('title', 'idle', 5), claim('screen', 'blocked', 9)], 'screen'],
    ['a dialog that is newer than "done", also of the protocol', [claim('OSC 7501', 'done', 5), claim('screen', 'blocked', 9)], 'screen'],
    ['no dialog that is older than "ready"', [claim('title', 'idle', 9), claim('screen', 'blocked', 5)], 'title'],
    ['a dialog under a spinner', [claim('title', 'working', 5), claim('OSC 9;4', 'working', 6), claim('screen', 'blocked', 9)], 'screen'],
    ['a dialog after a hook', [claim('hook', 'working', 5), claim('screen', 'blocked', 9)], 'screen'],
    ['no dialog of one that surely works', [claim('session file', 'working', 5), claim('title', 'idle', 6), claim('screen', 'blocked', 9)], 'session file'],
    ['no dialog after an error', [claim('OSC 7501', 'error', 5), claim('screen', 'blocked', 9)], 'OSC 7501'],
    ['the more trusted of two that ask', [claim('title', 'idle', 1), claim('screen', 'blocked', 9), claim('screen', 'blocked', 5)], 'screen'],
    ['a title that asks before the screen', [claim('OSC 7501', 'idle', 1), claim('title', 'blocked', 5), claim('screen', 'blocked', 9)], 'title'],
  ]
  test.each(table)('%s', (_, claims, source) => expect(foremost({ claims })?.source).toBe(source))

  const claims = fc
    .uniqueArray(fc.record({ source: fc.constantFrom(...stateSources), state: fc.constantFrom('idle', 'working', 'blocked', 'done', 'error'), atOffset: fc.nat(9) }), {
      selector: ({ source }) => source,
    })
    .map((all): readonly Claim[] => all.toSorted((one, other) => stateSources.indexOf(one.source) - stateSources.indexOf(other.source)))

  test('one of them counts, and another than the first only if it asks, and the first is older and says nothing of work that is sure', () => {
    fc.assert(
      fc.property(claims, (all) => {
        const [first] = all
        const counts = foremost({ claims: all })
        expect(counts === undefined).toBe(first === undefined)
        if (!first || !counts || counts === first) return
        expect(all).toContain(counts)
        expect(counts.state).toBe('blocked')
        expect(counts.atOffset).toBeGreaterThan(first.atOffset)
        expect(['OSC 7501', 'session file'].includes(first.source) && first.state === 'working').toBe(false)
        expect(['blocked', 'error']).not.toContain(first.state)
      }),
    )
  })

  test('evidence is put in its place, wherever it comes from', () => {
    fc.assert(
      fc.property(claims, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (all, beside) => {
        const told: Signal = { claims: all.filter((_, at) => !beside[at]), title: 't' }
        expect(withEvidence(told, { claims: all.filter((_, at) => beside[at]) })).toEqual({ claims: all, title: 't' })
      }),
    )
    const told: Signal = { claims: [] }
    expect(withEvidence(told, { claims: [] })).toBe(told)
    expect(withEvidence(told, { claims: [], worked: true })).toEqual({ claims: [], worked: true })
  })

  test('who surely works is not looked at', () => {
    expect(surelyWorks({ claims: [by('working')] })).toBe(true)
    expect(surelyWorks({ claims: [claim('session file', 'working', 1)] })).toBe(true)
    for (const source of ['hook', 'title', 'OSC 9;4'] as const) expect(surelyWorks({ claims: [claim(source, 'working', 1)] })).toBe(false)
    expect(surelyWorks({ claims: [by('blocked')] })).toBe(false)
    expect(surelyWorks(nothing)).toBe(false)
  })
})
