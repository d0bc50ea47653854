// Sessions of every shape that a daemon could tell, for what must hold of all of them.

import fc from 'fast-check'
import { statuses } from '../../src/core/status.ts'
import type { RequestView, SessionView } from '../../src/core/view.ts'
import { nowMs, request, view } from './list-sessions.ts'

/** Texts as nobody polite writes them: controls, wide ones, pictures made of several, marks that combine. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '👩‍👩‍👧‍👦 family',
    '🇩🇪🇫🇷 flags',
    '👍🏽❤️✌️',
    '漢字かな交じり文',
    'e\u0301\u0302\u0303',
    '\x1b[31mred\x1b[0m\x1b]2;x\x07',
    '\u202eabc\u2066',
    'ไทย ำ',
    '\ud800',
    'a\r\nb\tc',
    '1️⃣ ﷽ ｆｕｌｌ',
  ),
)

const anyMs = fc.integer({ min: nowMs - 400 * 86_400_000, max: nowMs + 5000 })
const anyTime = anyMs.map((ms) => new Date(ms).toISOString())

const anyRequest: fc.Arbitrary<RequestView> = fc
  .record({
    title: anyText,
    detail: fc.option(anyText),
    kind: fc.constantFrom('permission' as const, 'question' as const, 'auth' as const, 'error' as const),
    lost: fc.boolean(),
    askedAt: anyTime,
    label: anyText,
  })
  .map(({ title, label, ...more }) => request('reqreqre', title, { ...more, options: [{ id: 'o', label, kind: 'other' }] }))

export const anySession: fc.Arbitrary<SessionView> = fc
  .record({
    id: fc.stringMatching(/^[a-z0-9]{8}$/),
    label: fc.option(anyText),
    title: anyText,
    agent: fc.oneof(fc.constantFrom('claude', 'codex', 'acp:./x/agent.js --acp'), anyText),
    kind: fc.constantFrom('agent' as const, 'terminal' as const),
    cwd: anyText.map((text) => `/work/${text}`),
    project: fc.record({ name: anyText, branch: fc.option(anyText) }),
    pinned: fc.boolean(),
    archived: fc.boolean(),
    status: fc.constantFrom(...statuses),
    reason: anyText,
    evidence: fc.array(anyText, { maxLength: 2 }),
    activity: anyText,
    plan: fc.option(fc.record({ done: fc.nat(99), total: fc.nat(99) })),
    changes: fc.option(fc.record({ files: fc.nat(999), added: fc.nat(1e6), removed: fc.nat(1e6) })),
    drift: fc.option(fc.record({ unchangedSince: anyTime, repeats: fc.option(fc.record({ title: anyText, times: fc.nat(99), since: anyTime })) })),
    requests: fc.array(anyRequest, { maxLength: 2 }),
    queued: fc.nat(9),
    createdAt: anyTime,
    changedAt: anyTime,
    updatedAt: anyTime,
    elapsedMs: fc.nat(4e9),
    unseen: fc.nat(5000),
    usage: fc.record({ inputTokens: fc.nat(1e9), outputTokens: fc.nat(1e7), costUsd: fc.option(fc.double({ min: 0, max: 1e5, noNaN: true })) }),
    progress: fc.option(fc.nat(100)),
  })
  .map(({ id, ...more }) => view(id, more))

export const anySessions = fc.uniqueArray(anySession, { selector: (one) => one.id, maxLength: 40 })
