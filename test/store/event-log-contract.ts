// What every event log does, whatever it is kept in. Each test gets a log of its own from `open`, and closes it.

import { describe, expect, onTestFinished, test } from 'vitest'
import type { Event } from '../../src/core/events.ts'
import { AppendConflict, type EventLog, type NewEvent, StoreFailed } from '../../src/store/event-log.ts'

export const noted = (text: string, more: Partial<NewEvent> = {}): NewEvent => ({ atMs: 1_000, by: 'offstage', event: { type: 'noted', run: 1, text }, ...more })

export const numbered = (count: number): readonly NewEvent[] => Array.from({ length: count }, (_, index) => noted(`n${index + 1}`))

const texts = (log: EventLog, session?: string): readonly string[] =>
  log.read({ ...(session === undefined ? {} : { session }), after: 0, limit: 10_000 }).map(({ event }) => (event.type === 'noted' ? event.text : event.type))

export function eventLogContract(name: string, open: () => EventLog): void {
  const opened = (): EventLog => {
    const log = open()
    onTestFinished(() => log.close())
    return log
  }

  describe(name, () => {
    test('a new log is empty', () => {
      const log = opened()
      expect(log.cursor()).toBe(0)
      expect(log.sessions()).toEqual([])
      expect(log.read({ after: 0, limit: 10 })).toEqual([])
      expect(log.checkpoint('aaaaaaaa')).toBeUndefined()
      expect(log.hasCommand('aaaaaaaa', 'cmd00001')).toBe(false)
    })

    test('what is appended comes back whole, numbered within its session and by one cursor over all', async () => {
      const log = opened()
      const event: Event = { type: 'prompt-queued', promptId: 'p1', text: `quote ' " \\ NUL \u0000 line \u2028 lone \ud800 emoji \u{1f600}` }
      const first = await log.append({
        session: 'aaaaaaaa',
        expectedSeq: 0,
        events: [noted('one', { atMs: 1_784_000_000_000, by: 'agent' }), { atMs: 2_000, by: 'user', command: 'cmd00001', event }],
      })
      const second = await log.append({ session: 'bbbbbbbb', expectedSeq: 0, events: [noted('two')] })
      const third = await log.append({ session: 'aaaaaaaa', expectedSeq: 2, events: [noted('three')] })
      expect(first).toEqual([
        { session: 'aaaaaaaa', seq: 1, cursor: 1, atMs: 1_784_000_000_000, by: 'agent', event: { type: 'noted', run: 1, text: 'one' } },
        { session: 'aaaaaaaa', seq: 2, cursor: 2, atMs: 2_000, by: 'user', command: 'cmd00001', event },
      ])
      expect([...first, ...second, ...third].map(({ seq, cursor }) => [seq, cursor])).toEqual([
        [1, 1],
        [2, 2],
        [1, 3],
        [3, 4],
      ])
      expect(log.read({ after: 0, limit: 10 })).toStrictEqual([...first, ...second, ...third])
      expect(log.cursor()).toBe(4)
      expect(log.sessions()).toEqual(['aaaaaaaa', 'bbbbbbbb'])
    })

    test('the facts of one session can be read from any of its numbers on', async () => {
      const log = opened()
      await log.append({ session: 'aaaaaaaa', expectedSeq: 0, events: numbered(2) })
      await log.append({ session: 'bbbbbbbb', expectedSeq: 0, events: numbered(3) })
      await log.append({ session: 'aaaaaaaa', expectedSeq: 2, events: numbered(2) })
      const numbers = (after: number, limit = 10): readonly number[] => log.history({ session: 'aaaaaaaa', after, limit }).map(({ seq }) => seq)
      expect([numbers(0), numbers(1), numbers(4), numbers(1, 2)]).toEqual([[1, 2, 3, 4], [2, 3, 4], [], [2, 3]])
      expect(log.history({ session: 'cccccccc', after: 0, limit: 10 })).toEqual([])
      expect(() => log.history({ session: 'aaaaaaaa', after: 0, limit: 0 })).toThrow(RangeError)
    })

    test('only facts of some types are read when only those are wanted, in order and by pages', async () => {
      const log = opened()
      const labelled: NewEvent = { atMs: 1, by: 'user', event: { type: 'labelled', label: 'x' } }
      const pinned: NewEvent = { atMs: 1, by: 'user', event: { type: 'pinned', pinned: true } }
      await log.append({ session: 'aaaaaaaa', expectedSeq: 0, events: [labelled, noted('one'), pinned, noted('two'), labelled] })
      const numbers = (types: readonly Event['type'][], after = 0, limit = 10): readonly number[] => log.history({ session: 'aaaaaaaa', after, limit, types }).map(({ seq }) => seq)
      expect([numbers(['labelled']), numbers(['labelled', 'pinned'], 1), numbers(['noted', 'labelled'], 0, 2), numbers([]), numbers(['removed'])]).toEqual([
        [1, 5],
        [3, 5],
        [1, 2],
        [],
        [],
      ])
    })

    test('what the facts make is kept with them, for the version that made it', async () => {
      const log = opened()
      expect(log.fold('aaaaaaaa', '1.0.0')).toBeUndefined()
      await log.append({ session: 'aaaaaaaa', expectedSeq: 0, events: numbered(2), fold: { seq: 2, version: '1.0.0', value: { name: 'two' } } })
      expect(log.fold('aaaaaaaa', '1.0.0')).toStrictEqual({ seq: 2, version: '1.0.0', value: { name: 'two' } })
      expect([log.fold('aaaaaaaa', '1.0.1'), log.fold('bbbbbbbb', '1.0.0')]).toEqual([undefined, undefined])
      await expect(log.append({ session: 'aaaaaaaa', expectedSeq: 1, events: numbered(1), fold: { seq: 3, version: '1.0.0', value: 'not the newest' } })).rejects.toThrow(
        AppendConflict,
      )
      expect(log.fold('aaaaaaaa', '1.0.0')?.value).toEqual({ name: 'two' })
      await log.append({ session: 'aaaaaaaa', expectedSeq: 2, events: numbered(1), fold: { seq: 3, version: '1.0.1', value: 'three' } })
      expect([log.fold('aaaaaaaa', '1.0.0'), log.fold('aaaaaaaa', '1.0.1')?.value]).toEqual([undefined, 'three'])
    })

    test('what is returned is exactly what a reader gets: a field that JSON does not know is not there', async () => {
      const log = opened()
      const written = await log.append({
        session: 's',
        expectedSeq: 0,
        events: [{ atMs: 1, by: 'agent', event: { type: 'agent-offers', run: 1, offer: { currentMode: undefined } as object } }],
      })
      expect(written).toStrictEqual(log.read({ after: 0, limit: 1 }))
      expect(written[0]?.event).toStrictEqual({ type: 'agent-offers', run: 1, offer: {} })
    })

    test('facts are read page by page, of all sessions or of one', async () => {
      const log = opened()
      for (let round = 0; round < 5; round++) {
        await Promise.all(
          ['a', 'b'].map((session) => log.append({ session, expectedSeq: round * 2, events: [noted(`${session}${round * 2}`), noted(`${session}${round * 2 + 1}`)] })),
        )
      }
      const paged = (session: string | undefined, limit: number): string[] => {
        const found: string[] = []
        for (let after = 0; ;) {
          const page = log.read({ ...(session === undefined ? {} : { session }), after, limit })
          expect(page.length).toBeLessThanOrEqual(limit)
          for (const { event } of page) found.push(event.type === 'noted' ? event.text : event.type)
          const last = page.at(-1)
          if (!last) return found
          after = last.cursor
        }
      }
      const ofB = Array.from({ length: 10 }, (_, index) => `b${index}`)
      expect(paged('b', 3)).toEqual(ofB)
      expect(paged('b', 10_000)).toEqual(ofB)
      expect(paged('nobody', 3)).toEqual([])
      expect(paged(undefined, 7)).toEqual(texts(log))
      expect(paged(undefined, 7)).toHaveLength(20)
    })

    test.each([0, -1, 10_001, Number.NaN])('a limit of %s is refused', (limit) => {
      const log = opened()
      expect(() => log.read({ after: 0, limit })).toThrow(RangeError)
    })

    test('an append by somebody who does not know the newest fact is a conflict, and nothing of it is written', async () => {
      const log = opened()
      await log.append({ session: 's', expectedSeq: 0, events: numbered(2) })
      for (const expectedSeq of [0, 1, 3]) {
        const late = log.append({ session: 's', expectedSeq, events: [noted('late', { command: 'cmd00009' })], checkpoint: { run: 9, seq: 9, value: 'late' } })
        await expect(late).rejects.toThrow(new AppendConflict('s', expectedSeq, 2))
      }
      await expect(log.append({ session: 'new', expectedSeq: 1, events: numbered(1) })).rejects.toBeInstanceOf(AppendConflict)
      expect(texts(log)).toEqual(['n1', 'n2'])
      expect(log.checkpoint('s')).toBeUndefined()
      expect(log.hasCommand('s', 'cmd00009')).toBe(false)
    })

    test('of appends asked for together, one that conflicts fails alone', async () => {
      const log = opened()
      const results = await Promise.allSettled([
        log.append({ session: 'a', expectedSeq: 0, events: [noted('a1')] }),
        log.append({ session: 'a', expectedSeq: 1, events: [noted('a2')], checkpoint: { run: 1, seq: 2, value: 'good' } }),
        log.append({ session: 'a', expectedSeq: 1, events: [noted('wrong')], checkpoint: { run: 1, seq: 2, value: 'wrong' } }),
        log.append({ session: 'b', expectedSeq: 0, events: [noted('b1')] }),
        log.append({ session: 'a', expectedSeq: 2, events: [noted('a3')] }),
      ])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
      expect(results[2]).toHaveProperty('reason', new AppendConflict('a', 1, 2))
      expect(texts(log)).toEqual(['a1', 'a2', 'b1', 'a3'])
      expect(log.checkpoint('a')?.value).toBe('good')
    })

    test('what cannot be said in JSON fails alone', async () => {
      const log = opened()
      const results = await Promise.allSettled([
        log.append({ session: 'a', expectedSeq: 0, events: [noted('a1')] }),
        log.append({ session: 'b', expectedSeq: 0, events: [noted('b1'), { ...noted('b2'), event: { type: 'noted', run: 1n as unknown as number, text: '' } }] }),
      ])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
      expect(texts(log)).toEqual(['a1'])
    })

    test('promises settle in the order of the calls', async () => {
      const log = opened()
      const order: number[] = []
      await Promise.all([0, 1, 2, 3].map((index) => log.append({ session: 's', expectedSeq: index, events: [noted('x')] }).then(() => order.push(index))))
      expect(order).toEqual([0, 1, 2, 3])
    })

    test('the newest checkpoint of each session is kept, with facts and without', async () => {
      const log = opened()
      await log.append({ session: 'a', expectedSeq: 0, events: numbered(1), checkpoint: { run: 1, seq: 1, value: { outOffset: 5, state: [null, 'x'] } } })
      await log.append({ session: 'b', expectedSeq: 0, events: numbered(1), checkpoint: { run: 1, seq: 1, value: null } })
      await log.append({ session: 'a', expectedSeq: 1, events: numbered(1) })
      expect(log.checkpoint('a')).toEqual({ run: 1, seq: 1, value: { outOffset: 5, state: [null, 'x'] } })
      expect(await log.append({ session: 'a', expectedSeq: 2, events: [], checkpoint: { run: 2, seq: 2, value: 'later' } })).toEqual([])
      expect(log.checkpoint('a')).toEqual({ run: 2, seq: 2, value: 'later' })
      expect(log.checkpoint('b')).toEqual({ run: 1, seq: 1, value: null })
      expect(log.cursor()).toBe(3)
    })

    test('a command is known by its id, within its session', async () => {
      const log = opened()
      await log.append({ session: 'a', expectedSeq: 0, events: [noted('x', { command: 'cmd00001' }), noted('y', { command: 'cmd00001' })] })
      await log.append({ session: 'b', expectedSeq: 0, events: [noted('x')] })
      expect(log.hasCommand('a', 'cmd00001')).toBe(true)
      expect(log.hasCommand('a', 'cmd00002')).toBe(false)
      expect(log.hasCommand('b', 'cmd00001')).toBe(false)
    })

    test('an event of a case that only a newer version knows comes back as it is', async () => {
      const log = opened()
      const event = { type: 'dreamt', of: ['sheep'], deep: { er: 1.5 } } as unknown as Event
      await log.append({ session: 'a', expectedSeq: 0, events: [{ ...noted(''), event }] })
      expect(log.read({ after: 0, limit: 1 })[0]?.event).toStrictEqual(event)
    })

    test('what comes back belongs to the caller: changing it changes nothing in the log', async () => {
      const log = opened()
      const value = { list: [1] }
      await log.append({ session: 'a', expectedSeq: 0, events: numbered(1), checkpoint: { run: 1, seq: 1, value } })
      value.list.push(2)
      Object.assign(log.read({ after: 0, limit: 1 })[0]?.event ?? {}, { text: 'changed' })
      expect(texts(log)).toEqual(['n1'])
      expect(log.checkpoint('a')?.value).toEqual({ list: [1] })
    })

    test('closing commits what was asked for before; what is asked for afterwards fails', async () => {
      const log = opened()
      const before = log.append({ session: 'a', expectedSeq: 0, events: numbered(1) })
      log.close()
      await expect(before).resolves.toHaveLength(1)
      await expect(log.append({ session: 'a', expectedSeq: 1, events: numbered(1) })).rejects.toBeInstanceOf(StoreFailed)
    })
  })
}
