// The parts of a conversation that are values: rows, layout, which lines are shown, how a session goes on, what is on its way.

import { visibleWidth } from '@earendil-works/pi-tui'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choicesOf, chosenFrom } from '../../src/client/choosing.ts'
import { resumeCommand } from '../../src/client/resume-command.ts'
import { slashFrom, slashHelp, slashNames } from '../../src/client/slash.ts'
import type { Request } from '../../src/core/requests.ts'
import { type Line, counts, unseenIn } from '../../src/core/transcript.ts'
import { changedFiles, changesTotal } from '../../src/text/changed-files.ts'
import { Outbox } from '../../src/tui/conversation/outbox.ts'
import { headerRow, statusRow, waitingRows } from '../../src/tui/conversation/rows.ts'
import { goesOnChangesAtMs, goesOnText } from '../../src/text/paused-text.ts'
import { shortNumber, withLocalTimes } from '../../src/text/format.ts'
import { shownLines } from '../../src/tui/conversation/shown-lines.ts'
import { standingOf } from '../../src/tui/conversation/standing.ts'
import { wayOn } from '../../src/tui/conversation/way-on.ts'
import { themeFor } from '../../src/tui/theme.ts'
import { FakeClient } from '../cli/fake-client.ts'

const theme = themeFor(false)
const plain = (row: string): string => row.replaceAll(/\x1b\[\d+m/g, '').trimEnd()
const id = 'k3f9x2ab'

const request = (more: Partial<Request> = {}): Request => ({
  id: 'q1',
  kind: 'permission',
  title: 'delete a.ts',
  options: [{ id: 'once', label: 'allow once', kind: 'allow', scope: 'once' }],
  run: 1,
  askedAtMs: 0,
  lost: true,
  ...more,
})

const promptLine = fc.record({ kind: fc.constant('prompt' as const), state: fc.constantFrom('queued' as const, 'sent' as const, 'withdrawn' as const) })
const someLines = fc
  .array(
    fc.oneof(promptLine, fc.record({ kind: fc.constant('notice' as const) }), fc.record({ kind: fc.constant('request' as const), state: fc.constantFrom('open', 'answered') })),
    { maxLength: 30 },
  )
  .map((kinds) =>
    kinds.map((one, index): Line => {
      const common = { id: `l${index}`, atMs: index * 1000 }
      const nth = kinds.slice(0, index + 1).filter(({ kind }) => kind !== 'notice').length
      if (one.kind === 'prompt') return { ...common, kind: 'prompt', nth, text: 'x', state: one.state }
      return one.kind === 'notice' ? { ...common, kind: 'notice', text: 'x' } : { ...common, kind: 'request', request: request({ id: common.id }), state: one.state }
    }),
  )

describe('rows', () => {
  const header = { name: 'backend-api', about: ['claude', 'shop api'], status: 'working', word: 'working 12s' } as const

  test('the header loses its project, then its agent, then the end of its name', () => {
    expect(plain(headerRow(header, 50, theme))).toBe(' backend-api · claude · shop api    ● working 12s')
    expect(plain(headerRow(header, 40, theme))).toBe(' backend-api · claude     ● working 12s')
    expect(plain(headerRow(header, 30, theme))).toBe(' backend-api    ● working 12s')
    expect(plain(headerRow(header, 24, theme))).toBe(' backen…  ● working 12s')
    expect(plain(headerRow({ ...header, word: 'no signal 12s' }, 30, theme))).toBe(' backend-api  ◌ no signal 12s')
  })

  test('the status row loses what matters least first', () => {
    const pieces = [
      { text: 'claude sonnet', rank: 3 },
      { text: 'ask mode', rank: 1 },
      { text: '48k tokens', rank: 6 },
      { text: '', rank: 5 },
      { text: '/bg leaves it running', rank: 0 },
      { text: 'F1 help', rank: 4 },
    ]
    expect(plain(statusRow(pieces, 80, theme))).toBe(' claude sonnet · ask mode · 48k tokens · /bg leaves it running · F1 help')
    expect(plain(statusRow(pieces, 60, theme))).toBe(' claude sonnet · ask mode · /bg leaves it running · F1 help')
    expect(plain(statusRow(pieces, 50, theme))).toBe(' claude sonnet · ask mode · /bg leaves it running')
    expect(plain(statusRow(pieces, 40, theme))).toBe(' ask mode · /bg leaves it running')
    expect(plain(statusRow(pieces, 12, theme))).toBe(' /bg leaves…')
  })

  test('a time in a notice is one of the clock on the wall', () => {
    const atMs = new Date(2026, 10, 23, 14, 2).getTime()
    const iso = (...of: readonly [number, number, number]): string => new Date(2026, 10, ...of).toISOString()
    expect(withLocalTimes(`paused: limit, until ${iso(23, 15, 4)}`, atMs)).toBe('paused: limit, until 15:04')
    expect(withLocalTimes(`until ${iso(25, 9, 30)}, or ${iso(23, 0, 0)}`, atMs)).toBe('until Wed Nov 25 09:30, or 00:00')
    expect(withLocalTimes('until 2026-99-99T99:99:99Z at 14:00', atMs)).toBe('until 2026-99-99T99:99:99Z at 14:00')
  })

  test('a pause is counted down in whole minutes, and looked at again when that is another text', () => {
    const until = (ms: number | null) => ({ until: ms === null ? null : new Date(ms).toISOString() })
    const texts = [null, -1, 0, 1, 59_999, 60_000, 3_600_000].map((leftMs) => goesOnText(until(leftMs), 0))
    expect(texts).toEqual(['paused', 'goes on now', 'goes on now', 'goes on in <1m', 'goes on in <1m', 'goes on in 1m', 'goes on in 1h'])
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000_000 }), (leftMs) => {
        const nextMs = goesOnChangesAtMs(until(leftMs), 0) ?? Infinity
        const at = (ms: number): string => goesOnText(until(leftMs), ms)
        return nextMs > 0 && nextMs <= 60_001 && at(nextMs) !== at(0) && at(nextMs - 1) === at(0)
      }),
    )
    expect(goesOnChangesAtMs(until(null), 0)).toBeUndefined()
    expect(goesOnChangesAtMs(until(-5), 0)).toBeUndefined()
  })

  test('the newest prompts wait visibly, each in one row', () => {
    const about = { word: 'queued:', after: '(Alt-↑ takes it back)', most: 2 }
    expect(waitingRows(['one', 'two\nlines', 'three'], about, 60, theme).map(plain)).toEqual([' queued: (1 more before) two lines', ' queued: three  (Alt-↑ takes it back)'])
    expect(waitingRows(['漢字漢字漢字漢字漢字漢字'], about, 24, theme).map(plain)).toEqual([' queued: 漢字漢字漢字漢…'])
    expect(waitingRows([], about, 60, theme)).toEqual([])
  })

  test('no row is ever wider than the screen', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 90 }), (name, columns) => {
        const shown = name.replaceAll(/\p{C}/gu, '')
        const rows = [headerRow({ ...header, name: shown, about: [shown, shown] }, columns, theme), statusRow([{ text: shown, rank: 0 }], columns, theme)]
        const waiting = waitingRows([shown, shown], { word: 'queued:', after: 'after', most: 3 }, columns, theme)
        return [...rows, ...waiting].every((row) => visibleWidth(row) <= columns)
      }),
    )
  })

  test('numbers are short', () => {
    expect([0, 950, 1000, 48_100, 999_499, 999_500, 1_240_000].map(shortNumber)).toEqual(['0', '950', '1k', '48k', '999k', '1.0M', '1.2M'])
  })
})

describe('lines', () => {
  test('what is unseen begins where as many lines that count come before it as were seen', () => {
    fc.assert(
      fc.property(someLines, fc.nat(40), (lines, shown) => {
        const unseen = unseenIn(lines, shown)
        const counting = lines.filter(counts).length
        if (counting <= shown) return unseen === undefined
        const before = lines.slice(0, unseen?.place).filter(counts)
        return unseen !== undefined && unseen.count === counting - shown && before.length === shown && unseen.sinceMs === before.at(-1)?.atMs && counts(lines[unseen.place] as Line)
      }),
    )
  })

  test('a line that stands elsewhere is left out, and the first unseen one keeps its place among the others', () => {
    fc.assert(
      fc.property(someLines, fc.nat(30), fc.nat(30), (lines, at, place) => {
        const elsewhere = { prompts: new Set(lines.filter((line) => line.kind === 'prompt').map((line) => line.id)), request: `l${at}`, remarks: new Map() }
        const shown = shownLines(lines, elsewhere, Math.min(place, lines.length))
        const isLeftOut = (line: Line): boolean => (line.kind === 'prompt' && line.state === 'queued') || (line.kind === 'request' && line.id === `l${at}` && line.state === 'open')
        expect(shown.lines).toEqual(lines.filter((line) => !isLeftOut(line)))
        expect(shown.from).toBe(lines.slice(0, place).filter((line) => !isLeftOut(line)).length)
      }),
    )
  })

  test('where nothing stands elsewhere they are the same array; a remark makes one line another, once', () => {
    const lines: readonly Line[] = [{ kind: 'request', id: 'q1', atMs: 0, request: request(), state: 'answered', answer: 'allow once' }]
    const nothing = { prompts: new Set<string>(), request: undefined, remarks: new Map<string, string>() }
    expect(shownLines(lines, nothing, -1).lines).toBe(lines)
    const remarked = (): Line | undefined => shownLines(lines, { ...nothing, remarks: new Map([['q1', 'answered from elsewhere']]) }, -1).lines[0]
    expect(remarked()).toMatchObject({ answer: 'allow once (answered from elsewhere)' })
    expect(remarked()).toBe(remarked())
  })

  test('changes are summed up by file, of calls that did them', () => {
    const tool = (number: number, status: 'completed' | 'failed', ...changes: { path: string; added: number; removed: number; diff?: string }[]): Line => ({
      kind: 'entry',
      id: `1.${number}`,
      atMs: 0,
      entry: { kind: 'tool', title: 't', toolKind: 'edit', status, changes },
    })
    const files = changedFiles([
      tool(1, 'completed', { path: 'b', added: 1, removed: 0, diff: 'one' }, { path: 'a', added: 2, removed: 2 }),
      tool(2, 'failed', { path: 'c', added: 9, removed: 9 }),
      tool(3, 'completed', { path: 'b', added: 4, removed: 1, diff: 'two' }),
    ])
    expect(files).toEqual([
      { path: 'b', added: 5, removed: 1, diffs: ['one', 'two'] },
      { path: 'a', added: 2, removed: 2, diffs: [] },
    ])
    expect(changesTotal(files)).toEqual({ added: 7, removed: 3 })
  })
})

describe('how a session stands', () => {
  const started = (): FakeClient => new FakeClient().create(id, { prompt: 'go' })

  test.each<readonly [string, () => FakeClient, string | undefined]>([
    ['at work', () => started(), undefined],
    ['done', () => started().endTurn(id), undefined],
    ['left at rest, and comes back', () => started().endTurn(id).exit(id, 0), undefined],
    ['lost', () => started().report(id, { type: 'lost', cause: 'killed' }), 'failed · /resume starts it again'],
    [
      'lost with a question',
      () => started().ask(id, 'q1', 'sure?').report(id, { type: 'lost', cause: 'killed' }),
      'it had asked: sure? · /resume CHOICE answers that, /resume goes on without',
    ],
    ['stopped', () => started().command(id, { type: 'stop' }), 'stopped · /resume starts it again'],
    ['removed', () => started().command(id, { type: 'remove' }), `removed · offstage restore ${id} brings it back`],
  ])('%s', (_, client, way) => {
    expect(wayOn(client().session(id))).toBe(way)
  })

  test('its time is shown in seconds, then in minutes, and changes when the next one is over; at rest it does not', () => {
    const client = started()
    const at = (ms: number): readonly [string, number | undefined] => {
      const { header, changesAtMs } = standingOf(client.session(id), client.view(id), client.nowMs + ms)
      return [header.word, changesAtMs === undefined ? undefined : changesAtMs - client.nowMs]
    }
    expect([at(0), at(12_400), at(59_999), at(60_000), at(125_000)]).toEqual([
      ['working 0s', 1000],
      ['working 12s', 13_000],
      ['working 59s', 60_000],
      ['working 1m', 120_000],
      ['working 2m', 180_000],
    ])
    client.endTurn(id)
    expect(at(5000)).toEqual(['completed', undefined])
  })

  test('what only the engine knows counts where the facts say the same', () => {
    const client = started()
    const view = { ...client.view(id), reason: 'no signal; last known: at work', project: { name: 'shop', branch: 'api' } }
    expect(standingOf(client.session(id), view, client.nowMs).header).toMatchObject({ about: ['talker', 'shop api'], word: 'no signal 0s' })
  })
})

describe('the outbox', () => {
  test('sends one after the other, in order, and gives back what is not taken with all behind it', async () => {
    const delivered: string[] = []
    const lost: string[] = []
    const gates = new Map(['a', 'b', 'c', 'd'].map((text) => [text, Promise.withResolvers<void>()]))
    const given = Promise.withResolvers<void>()
    const outbox = new Outbox({
      deliver: async (text) => {
        delivered.push(text)
        await gates.get(text)?.promise
      },
      lost: (text) => {
        lost.push(text)
        given.resolve()
      },
      changed: () => {},
    })
    for (const text of ['a', 'b', 'c']) outbox.send(text)
    expect(delivered).toEqual(['a'])
    gates.get('b')?.promise.catch(() => {})
    gates.get('b')?.reject(new Error('refused'))
    gates.get('a')?.resolve()
    await given.promise
    expect({ delivered, lost, unsent: outbox.unsent, late: outbox.late }).toEqual({ delivered: ['a', 'b'], lost: ['b\n\nc'], unsent: [], late: [] })
    await Promise.resolve()
    outbox.send('d')
    expect(outbox.unsent).toEqual(['d'])
  })
})

describe('commands', () => {
  test.each([
    ['/new', { kind: 'new' }],
    ['/agents', { kind: 'agents' }],
    ['/diff', { kind: 'diff' }],
    ['/logs', { kind: 'logs' }],
    ['/model', { kind: 'choose', what: 'model', value: undefined }],
    ['/mode "plan mode"', { kind: 'choose', what: 'mode', value: 'plan mode' }],
    ['/set', { kind: 'choose', what: undefined, value: undefined }],
    ['/set effort', { kind: 'choose', what: 'effort', value: undefined }],
    ['/set "Thought level"  very high', { kind: 'choose', what: 'Thought level', value: 'very high' }],
    ['/resume', { kind: 'resume', choice: undefined }],
    ['/resume allow once ', { kind: 'resume', choice: 'allow once' }],
    ['/modes', { kind: 'unknown', name: 'modes' }],
  ])('%s', (typed, meant) => {
    expect(slashFrom(typed)).toEqual(meant)
  })

  test('each that the help names is one', () => {
    expect(slashNames).toHaveLength(slashHelp.length)
    for (const name of slashNames) expect(slashFrom(`/${name} x`)?.kind).not.toBe('unknown')
  })

  test('a mode is meant by its id, its name, or what only one begins with', () => {
    const modes = [
      { id: 'ask', name: 'Ask' },
      { id: 'accept-edits', name: 'Accept Edits' },
      { id: 'plan', name: 'Plan Mode' },
    ]
    const choices = choicesOf({ modes, currentMode: 'ask' }, 'mode')
    const meant = (typed: string): string => chosenFrom(choices, 'mode', typed).id
    expect(['ask', 'ACCEPT EDITS', 'accept', 'plan mode', 'p'].map(meant)).toEqual(['ask', 'accept-edits', 'accept-edits', 'plan', 'plan'])
    expect(() => meant('a')).toThrow('the agent has no mode "a"')
    expect(() => meant('plam')).toThrow(expect.objectContaining({ hint: 'did you mean plan?' }))
    expect(() => meant('__proto__')).toThrow('the agent has no mode "__proto__"')
    expect(() => chosenFrom(choicesOf({}, 'model'), 'model', 'x')).toThrow('this agent offers no models to choose from')
  })

  test('/resume answers the question that was lost, if there is one and it fits', () => {
    expect(resumeCommand(id, [request()], undefined)).toEqual({ type: 'resume' })
    expect(resumeCommand(id, [request({ id: 'open', lost: false }), request()], '1')).toEqual({
      type: 'resume',
      answer: { requestId: 'q1', answer: { kind: 'option', optionId: 'once' } },
    })
    expect(() => resumeCommand(id, [], 'yes')).toThrow('no question was lost')
    expect(() => resumeCommand(id, [request()], 'perhaps')).toThrow('"perhaps" is no answer')
    expect(() => resumeCommand(id, [request(), request({ id: 'q2' })], '1')).toThrow('2 questions were lost')
  })
})
