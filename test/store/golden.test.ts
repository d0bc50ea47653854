// Facts and databases of every format that was ever released: they are read and folded for ever. A golden file is never edited; a new format, or a new case, adds lines or a file.

import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Envelope, Event } from '../../src/core/events.ts'
import { fold, lastChosen } from '../../src/core/session.ts'
import { statusOf } from '../../src/core/status.ts'
import { transcriptOf } from '../../src/core/transcript.ts'
import { viewOf } from '../../src/core/view.ts'
import { openSqliteLog } from '../../src/store/sqlite-log.ts'

const golden = (name: string): string => readFileSync(join(import.meta.dirname, 'golden', name), 'utf8')

const stored = (name: string): readonly Envelope[] =>
  golden(name)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Envelope)

const facts = stored('format-1.jsonl')
/** Of a case that came later. */
const signalFacts = stored('format-1-signals.jsonl')
const steeringFacts = stored('format-1-steering.jsonl')
const notificationFacts = stored('format-1-notifications.jsonl')
const pauseFacts = stored('format-1-pauses.jsonl')
const dialogFacts = stored('format-1-dialogs.jsonl')
const treeFacts = stored('format-1-trees.jsonl')

const sessions = [...new Set(facts.map(({ session }) => session))]
const of = (session: string): readonly Envelope[] => facts.filter((one) => one.session === session)

// The compiler asks for a line here when a case is added, and the test then for a fact of it in a golden file.
const everyType: Record<Event['type'], true> = {
  created: true,
  labelled: true,
  'prompt-queued': true,
  'prompt-withdrawn': true,
  'run-starting': true,
  'run-started': true,
  'run-not-started': true,
  'run-failed': true,
  'environment-missing': true,
  'run-deferred': true,
  held: true,
  released: true,
  'fell-silent': true,
  paused: true,
  continued: true,
  'spoke-again': true,
  'given-back': true,
  'agent-ready': true,
  'agent-offers': true,
  'turn-started': true,
  'entry-written': true,
  asked: true,
  answered: true,
  'request-reopened': true,
  'request-closed': true,
  interrupted: true,
  'turn-ended': true,
  'usage-reported': true,
  'stop-asked': true,
  'run-exited': true,
  'run-lost': true,
  stopped: true,
  archived: true,
  removed: true,
  restored: true,
  shown: true,
  noted: true,
  signaled: true,
  pinned: true,
  chosen: true,
  muted: true,
  notified: true,
  'output-dropped': true,
  rebuilt: true,
  'workspace-preparing': true,
  'workspace-ready': true,
  'workspace-failed': true,
  'workspace-removed': true,
  'workspace-kept': true,
  'step-started': true,
  'snapshot-asked': true,
  'snapshot-taken': true,
  'snapshot-failed': true,
  'snapshots-dropped': true,
  'checks-started': true,
  'checks-cut-short': true,
  checked: true,
  'undo-asked': true,
  undoing: true,
  undone: true,
  'undo-failed': true,
  'land-asked': true,
  landing: true,
  landed: true,
  'land-failed': true,
  'conflicts-forecast': true,
}

test('there is a stored fact of every case', () => {
  expect(new Set([...facts, ...signalFacts, ...notificationFacts, ...steeringFacts, ...pauseFacts, ...treeFacts].map(({ event }) => event.type))).toEqual(
    new Set(Object.keys(everyType)),
  )
})

test('facts of format 1 make the sessions that they made then', () => {
  // What a later version adds to a session is not in the file.
  expect(sessions.map((session) => fold(of(session)))).toMatchObject(JSON.parse(golden('format-1.folded.json')) as object[])
})

test('facts of format 1 have the status and the transcript that they had then', () => {
  expect(
    sessions.map((id) => {
      const session = fold(of(id))
      const derived = session && statusOf(session)
      return [id, derived?.status, derived?.reason, transcriptOf(of(id)).lines.length]
    }),
  ).toEqual([
    ['k3f9x2ab', 'waiting', 'lost question: Which test runner?', 19],
    ['t0rm1nal', 'failed', 'exit code 1: 2 tests failed', 3],
    ['br0k3n00', 'failed', 'this is no ACP agent', 7],
    ['g1venb4k', 'completed', 'the turn ended', 9],
  ])
})

test('what a program said of itself makes the status that it made then', () => {
  const session = fold(signalFacts)
  expect(session).toMatchObject({
    activity: 'rm -r build?',
    signal: { signal: { claims: [{ source: 'OSC 7501', state: 'blocked', kind: 'permission' }], title: 'shop', worked: true }, seenTo: 660 },
  })
  expect(session && statusOf(session)).toMatchObject({ status: 'waiting', reason: 'permission: rm -r build?' })
})

test('what the user was told changes nothing of a session but what is told again', () => {
  const session = fold(notificationFacts)
  expect(session).toMatchObject({
    muted: false,
    told: ['desktop needs-you q7m2k3f9', 'webhook needs-you q7m2k3f9', 'command failed run 1 turn 1'],
    updatedAtMs: notificationFacts.findLast(({ event }) => event.type === 'muted')?.atMs,
    changedAtMs: notificationFacts.find(({ event }) => event.type === 'asked')?.atMs,
  })
})

test('a pin, a choice and the hunks of a change make what they made then', () => {
  const session = fold(steeringFacts)
  expect(session).toMatchObject({ pinned: true, offer: { currentMode: 'plan' } })
  expect(session && viewOf(session, 0).changes).toEqual({ files: 1, added: 1, removed: 1 })
})

test('an option that was set, a pause, a text in pieces and a prompt that is sent again make what they made then', () => {
  const paused = fold(pauseFacts.filter(({ seq }) => seq <= 12))
  expect(paused && statusOf(paused)).toMatchObject({ status: 'paused', reason: 'rate limit of anthropic, until 2026-11-18T19:00:00.000Z' })
  const session = fold(pauseFacts)
  expect(session).toMatchObject({ paused: null, setOptions: ['effort'], turns: 2, queue: [], turn: { kind: 'working', promptId: 'c0mmandS' } })
  expect(session && lastChosen(session)).toEqual({ lastOptions: { effort: 'high' } })
  expect(transcriptOf(pauseFacts).lines.filter(({ kind }) => kind === 'entry')).toMatchObject([{ entry: { text: 'a long ' } }, { entry: { text: 'text', continues: true } }])
})

test('what files, hooks and screens say of a terminal makes what it made then', () => {
  const at = (seq: number) => fold(dialogFacts.filter((one) => one.seq <= seq))
  const [working, asked, over] = [at(4), at(6), at(9)]
  expect(working && statusOf(working)).toMatchObject({ status: 'working', evidence: ['session file, since 2026-09-21T14:18:24.000Z: working', 'run 1 is alive, pid 701'] })
  expect(asked && statusOf(asked)).toMatchObject({ status: 'waiting', reason: 'permission: Bash command · npm test · Do you want to proceed?' })
  expect(over).toMatchObject({ requests: [], closedRequests: { d1alog01: 'answered', d1alog02: 'withdrawn' } })
  expect(over && statusOf(over).reason).toBe('permission: permission prompt')
})

test('what became of a tree makes what it made then', () => {
  const at = (type: Event['type'], nth = 1) => {
    const found = treeFacts.filter(({ event }) => event.type === type)[nth - 1]
    return fold(treeFacts.filter(({ seq }) => seq <= (found?.seq ?? 0)))
  }
  const status = (...of: Parameters<typeof at>) => {
    const session = at(...of)
    const derived = session && statusOf(session)
    return [derived?.status, derived?.reason]
  }
  expect(status('asked')).toEqual(['waiting', 'permission: run what .offstage.toml says?'])
  expect(status('step-started')).toEqual(['starting', 'set-up: npm ci'])
  expect(status('checks-started')).toEqual(['working', 'its checks run'])
  expect(status('checked')).toEqual(['completed', 'check failed: npm test (exit code 1)'])
  expect(status('landing')).toEqual(['working', 'landing into main'])
  expect(at('workspace-ready')?.tree).toMatchObject({ state: 'ready', trusted: 'once', base: 'a'.repeat(40), ports: { PORT: 20_001 } })
  expect(fold(treeFacts)).toMatchObject({
    removed: true,
    tree: {
      state: 'removed',
      snapshots: 4,
      conflicts: [{ session: 'st33ring', paths: ['src/cart.ts'] }],
      landed: { into: 'main', files: 3 },
      checkFailures: 1,
      undoing: null,
      landing: null,
      dropped: true,
      snapshot: { n: 4 },
    },
  })
  const texts = transcriptOf(treeFacts).lines.flatMap((line) => (line.kind === 'notice' ? [line.text] : []))
  expect(texts).toContain('check failed: npm test (exit code 1), 5.1 s\n1 failing')
  expect(texts).toContain('snapshots 1, 2, 3 went by age')
  expect(texts).toContain('landed in main: dddddddd, 3 files; pushed to origin/main')
})

test('a database that a version with format 1 made opens and reads as it was written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'offstage-golden-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'offstage.db')
  const frozen = readFileSync(join(import.meta.dirname, '../frozen/offstage-1.db'))
  expect(createHash('sha256').update(frozen).digest('hex')).toBe('d5f3f30aa487a239168925b8a8319863d5856d715b9fe13bfa0a7b6cf6892cb9')
  writeFileSync(path, frozen)
  const log = openSqliteLog(path)
  onTestFinished(() => log.close())
  // What was added to the golden facts later is not in it.
  expect(log.read({ after: 0, limit: 10_000 })).toStrictEqual(facts.slice(0, 83))
  expect(log.sessions()).toEqual(sessions)
  expect(log.checkpoint('k3f9x2ab')).toEqual({ run: 2, seq: 40, value: { outOffset: 40_960, errOffset: 512, state: { next: 9 } } })
  expect(log.hasCommand('k3f9x2ab', 'c0mmand4')).toBe(true)
})
