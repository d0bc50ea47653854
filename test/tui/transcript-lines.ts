// Lines of transcripts for tests: some that read like work, and arbitrary ones out of everything that terminals stumble over.

import fc from 'fast-check'
import type { Entry } from '../../src/core/events.ts'
import type { Line } from '../../src/core/transcript.ts'
import type { PaneContent } from '../../src/tui/transcript/pane.ts'

export type Tool = Extract<Entry, { kind: 'tool' }>

export const atMs = new Date(2026, 10, 23, 14, 2).getTime()
export const prompt = (id: string, text: string, state: 'queued' | 'sent' | 'withdrawn' = 'sent'): Line => ({ kind: 'prompt', id, atMs, nth: 1, text, state })
export const entry = (id: string, what: Entry): Line => ({ kind: 'entry', id, atMs, entry: what })
export const message = (id: string, text: string): Line => entry(id, { kind: 'message', text })
export const thought = (id: string, text: string): Line => entry(id, { kind: 'thought', text })
export const tool = (id: string, more: Partial<Tool>): Line => entry(id, { kind: 'tool', title: 'a.ts', toolKind: 'read', status: 'completed', ...more })
export const notice = (id: string, text: string): Line => ({ kind: 'notice', id, atMs, text })

export const question = (id: string, state: string, more: { readonly title?: string; readonly detail?: string; readonly answer?: string } = {}): Line => {
  const { title = 'delete src/legacy/prefs.ts', detail, answer } = more
  const options = [
    { id: 'once', label: 'allow once', kind: 'allow', scope: 'once' },
    { id: 'no', label: 'reject', kind: 'reject', scope: 'once' },
  ] as const
  const request = { id, kind: 'permission', title, options, run: 1, askedAtMs: atMs, lost: false, ...(detail === undefined ? {} : { detail }) } as const
  return { kind: 'request', id, atMs, request, state, ...(answer === undefined ? {} : { answer }) }
}

/** A piece of work with everything in it. */
export const work: readonly Line[] = [
  prompt('p1', 'Add a /users/preferences endpoint with validation and tests.'),
  thought('1.1', '**Where to begin**\n\nThe schema comes first, then the route, then whatever the tests say about both of them.'),
  message('1.2', 'I will start with the schema and the route.'),
  tool('1.3', { title: 'src/db/schema.ts' }),
  tool('1.4', {
    title: 'src/routes/preferences.ts',
    toolKind: 'edit',
    changes: [
      {
        path: '/work/shop/src/routes/preferences.ts',
        added: 3,
        removed: 1,
        diff: "@@ -8,4 +8,6 @@\n import { store } from '../store'\n-const old = store.read()\n+const preferences = store.preferences()\n+\n+export const route = '/users/preferences'\n \n",
      },
    ],
  }),
  tool('1.5', { title: 'npm test -- preferences', toolKind: 'execute', status: 'failed', output: 'collecting\n10%\r100%\n2 failed\n  old store writes first\n16 passed' }),
  entry('1.6', {
    kind: 'plan',
    steps: [
      { text: 'schema and route', status: 'completed' },
      { text: 'find out why two tests fail', status: 'in_progress' },
      { text: 'remove the old store', status: 'pending' },
    ],
  }),
  message(
    '1.7',
    "## Two tests fail\n\nThe **old store** still writes first, see `prefs.ts` or [the notes](https://example.org/notes):\n\n1. it is imported for its effects\n2. nobody else uses it\n\n| store | writes |\n|---|--:|\n| old | 2 |\n| new | 18 |\n\n```ts\nimport '../legacy/prefs' // why?\n```\n\nI would like to remove it.",
  ),
  question('r1', 'answered', { title: 'run npm test', answer: 'allow once' }),
  question('r2', 'open', { detail: '142 lines, last changed 3 months ago' }),
  notice('40', 'interrupted'),
  prompt('p2', 'Leave a note in the changelog too.', 'queued'),
]

const nasty = [
  '\x1b[31mred\x1b[0m',
  '\x1b]8;;https://x\x07link\x1b]8;;\x07',
  '\x9b2J',
  '\r',
  '\r\n',
  '\t',
  '\0',
  '\x07',
  '\u202e',
  '\u200d',
  '\u0301',
  '\ufe0f',
  '👩‍👩‍👧‍👦',
  '🇩🇪',
  '🇩',
  '👍🏽',
  '漢字',
  'ｶﾞ',
  'กำ',
  'नि',
  '각',
  '\ud800',
  '~~~',
  '```',
  '```ts\n',
  '- ',
  '1. ',
  '> ',
  '|a|b|\n|-|-|\n',
  '\n\n',
  '\n',
  '**',
  '_',
  '`',
  '# ',
  '$$',
  '<b>',
  '](',
  '[',
  ' '.repeat(30),
  'x'.repeat(90),
  '─',
  '✔️',
  '1️⃣',
  '©️',
]
export const anyText = fc
  .array(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.lorem({ maxCount: 12 })), { maxLength: 8 })
  .map((parts) => parts.join(''))

const anyChange = fc.record({ path: anyText, added: fc.nat(), removed: fc.nat(), diff: anyText.map((text) => `@@ -1,3 +1,3 @@\n ${text}\n-${text}\n+${text}`) })
const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  anyText.map((text): Entry => ({ kind: 'message', text })),
  anyText.map((text): Entry => ({ kind: 'thought', text })),
  fc
    .array(fc.record({ text: anyText, status: fc.constantFrom('pending' as const, 'in_progress' as const, 'completed' as const) }), { maxLength: 4 })
    .map((steps): Entry => ({ kind: 'plan', steps })),
  fc
    .record({
      title: anyText,
      toolKind: fc.oneof(fc.constantFrom('execute', 'edit', 'read'), anyText),
      status: fc.constantFrom('pending' as const, 'running' as const, 'completed' as const, 'failed' as const),
      paths: fc.array(anyText, { maxLength: 2 }),
      changes: fc.array(anyChange, { maxLength: 2 }),
      output: anyText,
    })
    .map((made): Entry => ({ kind: 'tool', ...made })),
)
const anyLine = (id: string): fc.Arbitrary<Line> =>
  fc.oneof(
    { weight: 4, arbitrary: anyEntry.map((what) => entry(id, what)) },
    fc.tuple(anyText, fc.constantFrom('queued' as const, 'sent' as const, 'withdrawn' as const)).map(([text, state]) => prompt(id, text, state)),
    fc
      .tuple(anyText, anyText, fc.constantFrom('open', 'answered', 'withdrawn', 'lost'), anyText)
      .map(([title, detail, state, answer]) => question(id, state, { title, detail, answer })),
    anyText.map((text) => notice(id, text)),
  )

export const anyLines: fc.Arbitrary<readonly Line[]> = fc.nat(12).chain((many) => fc.tuple(...Array.from({ length: many }, (_, index) => anyLine(`1.${index}`))))
export const anyContent: fc.Arbitrary<PaneContent> = fc.record({
  lines: anyLines,
  drafts: fc.array(
    fc.record({ entryId: fc.nat(16).map((number) => `1.${number}`), kind: fc.constantFrom('message' as const, 'thought' as const, 'output' as const), text: anyText }),
    { maxLength: 3 },
  ),
  fresh: fc.option(fc.record({ from: fc.nat(14), count: fc.nat(5), sinceMs: fc.option(fc.nat(atMs), { nil: undefined }) }), { nil: undefined }),
})
export const anySize = fc.record({ columns: fc.integer({ min: 20, max: 300 }), rows: fc.integer({ min: 1, max: 70 }) })
