import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { agentNamed } from '../../src/catalogue/index.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import type { Report } from '../../src/core/inputs.ts'
import { TerminalEvidence } from '../../src/engine/terminal-evidence.ts'
import { fold } from '../../src/core/session.ts'
import { programSpec } from '../sessions.ts'

const asking = readFileSync(join(packageRoot, 'test/fixtures/screens/claude-write.txt'), 'utf8').split('\n')

const session = fold([{ session: 'sess0001', seq: 1, cursor: 1, atMs: 0, by: 'user', event: { type: 'created', spec: programSpec('/', ['claude']), title: 'test' } }])

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('the folder of its state files is looked for a few times also when the program prints nothing', async () => {
  const known = agentNamed('claude')?.terminal
  if (!known) throw new Error('there is no claude in the catalogue')
  const tries: number[] = []
  let isThere = false
  const evidence = new TerminalEvidence({
    run: 1,
    known,
    deps: {
      keepers: { processes: async () => [] },
      stateFolders: {
        watch: () => {
          tries.push(Date.now())
          return isThere ? () => {} : undefined
        },
      },
      screens: { text: async () => undefined },
    },
    session: () => session,
    told: () => ({ claims: [] }),
    received: () => 1,
    inTurn: (step) => step(),
    changed: async () => {},
  })
  evidence.begin({ pid: 1, start: 1 }, { HOME: '/nowhere' })
  await vi.advanceTimersByTimeAsync(1000)
  expect(tries.map((at) => at - (tries[0] ?? 0))).toEqual([0, 500])
  isThere = true
  await vi.advanceTimersByTimeAsync(3600_000)
  expect(tries.map((at) => at - (tries[0] ?? 0))).toEqual([0, 500, 1500])
  evidence.stop()
})

test('a screen that could not be seen is looked at again, later each time, and not for ever', async () => {
  const known = agentNamed('claude')?.terminal
  if (!known) throw new Error('there is no claude in the catalogue')
  let isSeen = false
  const looks: number[] = []
  const reports: Report[] = []
  const evidence = new TerminalEvidence({
    run: 1,
    known: { command: known.command, install: known.install, arguments: known.arguments, dialogs: known.dialogs ?? [] },
    deps: {
      keepers: { processes: async () => [] },
      stateFolders: { watch: () => undefined },
      screens: {
        text: async () => {
          looks.push(Date.now())
          return isSeen ? { offset: 1, rows: asking } : undefined
        },
      },
    },
    session: () => session,
    told: () => ({ claims: [] }),
    received: () => 1,
    inTurn: (step) => step(),
    changed: async (news) => void reports.push(...news),
  })
  evidence.begin({ pid: 1, start: 1 }, {})
  await vi.advanceTimersByTimeAsync(3600_000)
  const between = looks.slice(1).map((at, index) => at - (looks[index] ?? 0))
  expect(between).toEqual(between.toSorted((a, b) => a - b))
  expect([looks.length, reports]).toEqual([9, []])

  evidence.heard(1000)
  isSeen = true
  await vi.advanceTimersByTimeAsync(1000)
  expect(reports.map(({ type }) => type)).toEqual(['asks'])
  evidence.stop()
})
