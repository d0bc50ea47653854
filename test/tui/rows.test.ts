// A session as one row: never wider than the screen, its columns where they were.

import { visibleWidth } from '@earendil-works/pi-tui'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SessionView } from '../../src/core/view.ts'
import { age, nextLookMs } from '../../src/tui/list/age.ts'
import { betweenEdges, fit, fitEnd } from '../../src/tui/cells.ts'
import { columnsFor } from '../../src/tui/list/columns.ts'
import { driftNote } from '../../src/tui/list/drift.ts'
import { type RowState, costText, nothingWidest, paintRow, widestOf, wordsOf } from '../../src/tui/list/rows.ts'
import { treeRow } from '../../src/tui/list/tree-row.ts'
import { themeFor } from '../../src/tui/theme.ts'
import { anySession, anySessions, anyText } from './arbitrary-sessions.ts'
import { minutesAgo, nowMs, request, view } from './list-sessions.ts'

const home = '/home/me'
const widest = (sessions: readonly SessionView[]) => sessions.reduce((before, one) => widestOf(before, wordsOf(one, home)), nothingWidest)
const state: RowState = { selected: false, marked: false, since: '2m', all: '14m', note: undefined, pause: undefined, excerpt: undefined }
const plain = (text: string): string => text.replaceAll(/\x1b\[\d*m/g, '')
const oneRow = (session: SessionView, total: number, more: Partial<RowState> = {}): string =>
  plain(paintRow(session, wordsOf(session, home), columnsFor(widest([session]), total), { ...state, ...more }, themeFor(false)))

describe('any session', () => {
  test('is as wide as the screen but for one cell, and brings nothing but styles', () => {
    fc.assert(
      fc.property(anySessions, fc.integer({ min: 30, max: 220 }), fc.boolean(), fc.option(anyText), fc.option(anyText), (sessions, total, color, note, excerpt) => {
        const columns = columnsFor(widest(sessions), total)
        for (const session of sessions) {
          const shown = {
            ...state,
            selected: color,
            note: note === null ? undefined : fit(plain(note).replaceAll(/[^\x20-\x7e]/g, ''), 60),
            excerpt: excerpt === null ? undefined : `a \u0001${excerpt}\u0002 b`,
          }
          const row = paintRow(session, wordsOf(session, home), columns, shown, themeFor(color))
          expect(visibleWidth(row)).toBe(total - 1)
          expect(plain(row)).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
        }
      }),
    )
  })

  test('has its columns where they were, whatever it says now', () => {
    fc.assert(
      fc.property(anySession, anyText, fc.integer({ min: 40, max: 220 }), (session, activity, total) => {
        const said: SessionView = { ...session, activity, reason: activity, requests: [], changes: null, unseen: 7 }
        expect(columnsFor(widest([said]), total)).toEqual(columnsFor(widest([session]), total))
      }),
    )
  })
})

test('columns leave in their order when it is narrow', () => {
  const usual = { name: 13, agent: 6, project: 6, projectAndBranch: 15, directory: 14 }
  const shown = (total: number): readonly string[] => {
    const { agent, project, branch, directory, id, cost, all } = columnsFor(usual, total)
    const there = { cost, directory, id, all, agent, branch: branch ? 1 : 0, project }
    return Object.entries(there).flatMap(([name, width]) => (width > 0 ? [name] : []))
  }
  expect(shown(160)).toEqual(['cost', 'directory', 'id', 'all', 'agent', 'branch', 'project'])
  expect(shown(120)).toEqual(['directory', 'id', 'all', 'agent', 'branch', 'project'])
  expect(shown(100)).toEqual(['all', 'agent', 'branch', 'project'])
  expect(shown(40)).toEqual([])
  const order = ['all', 'agent', 'branch', 'project']
  for (let total = 119; total >= 30; total--) {
    const left = shown(total)
    expect(left).toEqual(order.slice(order.length - left.length))
  }
})

test('the design of the screen with a hundred columns', () => {
  const session = view('k3f9x2ab', {
    label: 'backend-api',
    activity: 'edit src/pages/Preferences.tsx',
    changes: { files: 2, added: 84, removed: 3 },
    unseen: 3,
    project: { name: 'shop', branch: 'settings' },
  })
  expect(oneRow(session, 100)).toBe('   ● backend-api  claude  shop settings  edit src/pages/Preferences.tsx  +84 −3    2m   14m   3 new')
})

describe('what became of the work', () => {
  const tree = { ...view('x').workspace, kind: 'worktree', branch: 'offstage/limits', base: '4f2c1a0'.padEnd(40, '0'), from: 'main', state: 'ready' } as const
  const checked = (exitCode: number) => ({ command: 'npm test', exitCode, ms: 10, output: '' })
  const done = (more: Partial<SessionView>): SessionView =>
    view('r4te1imt', {
      label: 'rate-limits',
      agent: 'codex',
      status: 'completed',
      reason: 'done',
      activity: 'Limits are in place',
      project: { name: 'gw', branch: 'main' },
      workspace: tree,
      ...more,
    })
  const doing = (session: SessionView, more: Partial<RowState> = {}, total = 110): string => oneRow(session, total, more).slice(3).replaceAll(/ {2,}/g, '  ').trimEnd()

  test('is said in words, and the branch is that of its worktree', () => {
    const verified = { kind: 'verified', summary: 'verified: 3 checks', checks: [checked(0), checked(0), checked(0)] } as const
    const landed = { into: 'main', commit: 'a'.repeat(40), files: 3, at: minutesAgo(1), changedSince: false }
    expect(doing(done({ outcome: verified, changes: { files: 3, added: 210, removed: 44 }, landed }))).toBe(
      '✓ rate-limits  codex  gw limits  verified, 3 checks  landed  +210 −44  2m  14m',
    )
    expect(doing(done({ outcome: { kind: 'check-failed', summary: 'check failed: npm test', checks: [checked(1)] } }))).toBe(
      '✗ rate-limits  codex  gw limits  check failed: npm test  2m  14m',
    )
    expect(doing(done({ outcome: { kind: 'done', summary: 'done', checks: [] } }))).toContain('done: Limits are in place')
    expect(doing(done({ landFailed: 'main has moved' }))).toContain('not landed: main has moved')
    expect(doing(done({ status: 'working', reason: 'landing into main: npm test', landing: { into: 'main' } }))).toContain(
      '● rate-limits  codex  gw limits  landing into main: npm test',
    )
    expect(doing(done({ status: 'starting', reason: 'set-up: npm ci', workspace: { ...tree, state: 'preparing' } }))).toContain('◌ rate-limits  codex  gw limits  set-up: npm ci')
  })

  test('that conflicts with others says with whom, as long as there is room for it, and always by its mark', () => {
    const conflict = { names: 'docs-pass', path: 'src/a.ts' }
    expect(doing(done({}), { conflict }, 200)).toMatch(/done.* {2}≠ conflicts with docs-pass: src\/a\.ts/)
    expect(doing(done({}), { conflict }, 90)).toContain('≠ conflicts with docs-pass')
    const failed = done({ outcome: { kind: 'check-failed', checks: [], summary: 'check failed: npm test (exit code 1)' } })
    expect(doing(failed, { conflict }, 90)).toMatch(/check failed: npm.* {2}≠ docs-pass/)
    for (let total = 40; total <= 130; total += 1) expect(doing(done({}), { conflict }, total)).toContain('≠')
    const asking = done({ status: 'waiting', requests: [request('q1aaaaaa', 'delete src/legacy/prefs.ts')] })
    expect(doing(asking, { conflict }, 110)).toMatch(/delete src\/legacy\/prefs\.ts \? {2}≠ {2}/)
  })

  test('stands in one row below the peek, the most important first', () => {
    const row = (session: SessionView, columns = 120): string => plain(treeRow(session, (other) => (other === 'd0c5pa55' ? 'docs-pass' : other), columns, themeFor(true)))
    expect(row(view('x'))).toBe('')
    expect(row(done({ checks: ['npm test'] }))).toBe(' worktree offstage/limits from main 4f2c1a0   checks npm test')
    expect(row(done({ outcome: { kind: 'check-failed', summary: '', checks: [checked(1)] }, landFailed: 'main has moved' }))).toBe(
      ' not landed: main has moved   worktree offstage/limits from main 4f2c1a0   checks ✗ npm test',
    )
    const conflicts = [
      { session: 'd0c5pa55', paths: ['src/a.ts', 'src/b.ts'] },
      { session: 'other111', paths: ['x'] },
    ]
    expect(row(done({ conflicts }))).toBe(' ≠ docs-pass and 1 more: src/a.ts and 1 more   worktree offstage/limits from main 4f2c1a0')
    expect(row(done({ conflicts }), 40)).toBe(' ≠ docs-pass and 1 more: src/a.ts and…')
    expect(row(view('x', { workspace: { ...view('x').workspace, snapshots: 4, unkept: 'the disk is full' } }))).toBe(' in place, snapshot 4   no snapshot: the disk is full')
    fc.assert(
      fc.property(anyText, fc.integer({ min: 20, max: 130 }), (text, columns) => {
        const odd = done({ landFailed: text, conflicts: [{ session: text, paths: [text] }], checks: [text], workspace: { ...tree, branch: text, trouble: text } })
        const shown = treeRow(odd, (other) => other, columns, themeFor(true))
        expect(visibleWidth(shown)).toBeLessThanOrEqual(columns)
        expect(plain(shown)).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
      }),
    )
  })
})

test('what wanders says so rather than what it does', () => {
  const session = view('driftaaa', { label: 'tests', activity: 'npm test -- preferences and more of it', changes: { files: 1, added: 1, removed: 1 } })
  expect(oneRow(session, 80, { note: 'no file changed for 17m' })).toMatch(/no file changed for 17m/)
  expect(oneRow(session, 120, { note: 'no file changed for 17m' })).toMatch(/npm test -- pre.*no file changed for 17m/)
})

test('what was found is in sight however far behind it stands', () => {
  const excerpt = `${'before '.repeat(30)}\u0001found\u0002 after`
  expect(oneRow(view('foundaaa'), 80, { excerpt })).toMatch(/…[befor ]+found/)
})

test('a session wanders when nothing changed for long, or the same step comes again and again', () => {
  const drift = (minutes: number, times = 0, sinceMinutes = 0): SessionView =>
    view('driftaaa', { drift: { unchangedSince: minutesAgo(minutes), repeats: times === 0 ? null : { title: 'npm test\x1b[2J', times, since: minutesAgo(sinceMinutes) } } })
  const note = (session: SessionView): string | undefined => driftNote(session, nowMs, 15 * 60_000)
  expect(note(drift(14))).toBeUndefined()
  expect(note(drift(15))).toBe('no file changed for 15m')
  expect(note(drift(40, 12, 15))).toBe('same step 12 times for 15m: npm test')
  expect(note(drift(40, 2, 15))).toBe('no file changed for 40m')
  expect(note({ ...drift(40), status: 'waiting' })).toBeUndefined()
})

test('ages are short, and painted again when they are old', () => {
  expect([-5000, 0, 14_999, 15_000, 59_999, 60_000, 3_599_999, 3_600_000, 86_400_000, 4e11].map(age)).toEqual(['now', 'now', 'now', '15s', '45s', '1m', '59m', '1h', '1d', '999d'])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.nat(9e7), (now, youngest) => {
      const wait = nextLookMs(now, youngest)
      expect(wait).toBeGreaterThan(0)
      expect(wait).toBeLessThanOrEqual(youngest < 60_000 ? 15_000 : 60_000)
      expect((now + wait) % (youngest < 60_000 ? 15_000 : 60_000)).toBe(0)
    }),
  )
})

test('what it cost stands before how many tokens it took', () => {
  const cost = (costUsd: number | null, inputTokens = 0): string => costText({ costUsd, inputTokens, outputTokens: 0 })
  expect([cost(null), cost(0), cost(0.421), cost(1234), cost(null, 999), cost(0, 48_100), cost(null, 1_250_000)]).toEqual(['', '', '$0.42', '$1234', '999', '48k', '1.3M'])
})

test('texts are cut to cells and not within a character', () => {
  fc.assert(
    fc.property(anyText, fc.nat(40), (text, width) => {
      const clean = wordsOf(view('x', { title: text }), undefined).name
      expect(visibleWidth(fit(clean, width))).toBeLessThanOrEqual(width)
      expect(visibleWidth(fitEnd(clean, width))).toBeLessThanOrEqual(width)
    }),
  )
  expect([fit('漢字かな', 5), fitEnd('漢字かな', 5), fit('short', 5), fit('', 0)]).toEqual(['漢字…', '…かな', 'short', ''])
})

test('two edges never meet', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), fc.string({ maxLength: 20 }), fc.integer({ min: 22, max: 90 }), (start, end, columns) => {
      const clean = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '')
      expect(visibleWidth(betweenEdges(clean(start), clean(end), columns))).toBe(columns)
    }),
  )
})
