// Sessions as a daemon would tell them, made by hand: for screens that show many kinds at once.

import type { RequestView, SessionView } from '../../src/core/view.ts'
import type { Sessions } from '../../src/tui/list/listing.ts'

export const nowMs = Date.UTC(2026, 10, 23, 14, 7, 0)

const iso = (ms: number): string => new Date(ms).toISOString()

export const minutesAgo = (minutes: number): string => iso(nowMs - minutes * 60_000)

export function request(id: string, title: string, more: Partial<RequestView> = {}): RequestView {
  return {
    id,
    kind: 'permission',
    title,
    detail: null,
    options: [
      { id: 'once', label: 'allow once', kind: 'allow', scope: 'once' },
      { id: 'always', label: 'always for this session', kind: 'allow', scope: 'always' },
      { id: 'no', label: 'reject', kind: 'reject', scope: 'once' },
    ],
    fields: [],
    askedAt: minutesAgo(2),
    lost: false,
    ...more,
  }
}

export function view(id: string, more: Partial<SessionView> = {}): SessionView {
  const cwd = more.cwd ?? '/work/shop'
  const asks = (more.requests ?? []).length > 0
  const status = more.status ?? (asks ? 'waiting' : 'working')
  const isAlive = status === 'working' || status === 'waiting'
  return {
    id,
    label: null,
    title: `task ${id}`,
    agent: 'claude',
    kind: 'agent',
    driver: 'acp',
    cwd,
    workspace: {
      kind: 'in-place',
      path: cwd,
      branch: null,
      base: null,
      carried: false,
      from: null,
      repository: null,
      state: 'none',
      trouble: null,
      ports: {},
      snapshots: 0,
      unkept: null,
    },
    checks: [],
    checking: false,
    landing: null,
    landed: null,
    landFailed: null,
    conflicts: [],
    branchConflict: null,
    turns: 0,
    project: { name: cwd.split('/').at(-1) ?? cwd, branch: 'main' },
    pinned: false,
    muted: false,
    status,
    reason: status,
    evidence: [],
    activity: '',
    plan: null,
    changes: null,
    drift: null,
    paused: null,
    options: {},
    requests: [],
    newcomer: false,
    queued: 0,
    outcome: null,
    createdAt: minutesAgo(14),
    updatedAt: minutesAgo(1),
    changedAt: minutesAgo(2),
    elapsedMs: 14 * 60_000,
    unseen: 0,
    entries: 12,
    run: isAlive ? { number: 1, pid: 4711, alive: true } : { number: 1, pid: null, alive: false },
    exit: null,
    usage: { inputTokens: 0, outputTokens: 0, costUsd: null },
    progress: null,
    signals: [],
    mode: null,
    size: null,
    archived: false,
    removed: false,
    attach: null,
    ...more,
  }
}

export class FixedSessions implements Sessions {
  readonly #views = new Map<string, SessionView>()
  caughtUp = true

  constructor(views: readonly SessionView[] = []) {
    for (const one of views) this.put(one)
  }

  all(): readonly SessionView[] {
    return [...this.#views.values()]
  }

  get(id: string): SessionView | undefined {
    return this.#views.get(id)
  }

  put(changed: SessionView): void {
    this.#views.set(changed.id, changed)
  }

  change(id: string, more: Partial<SessionView>): void {
    const before = this.get(id)
    if (!before) throw new Error(`no session ${id}`)
    this.put({ ...before, ...more })
  }
}

/** Nothing in it is what a polite program would say. */
const hostile = 'evil \x1b[31mred\x1b[0m \x1b]2;title\x07\x1b[2J\u202etxt.exe\x07 tail'

export const richSessions: readonly SessionView[] = [
  view('k3f9x2ab', {
    label: 'backend-api',
    cwd: '/home/me/work/shop',
    project: { name: 'shop', branch: 'api' },
    requests: [request('q7m2aaaa', 'delete src/legacy/prefs.ts', { askedAt: minutesAgo(2), detail: '142 lines, last changed 3 months ago, no imports' })],
    reason: 'permission: delete src/legacy/prefs.ts',
    evidence: ['request q7m2aaaa is open'],
    unseen: 3,
    changes: { files: 7, added: 212, removed: 31 },
    plan: { done: 4, total: 6 },
    usage: { inputTokens: 41_000, outputTokens: 7200, costUsd: 0.42 },
    changedAt: minutesAgo(2),
  }),
  view('d0c5pa55', {
    label: 'docs-pass',
    agent: 'codex',
    cwd: '/home/me/work/site',
    requests: [
      request('tone0000', 'which tone', {
        kind: 'question',
        askedAt: minutesAgo(8),
        options: [
          { id: 'formal', label: 'formal', kind: 'other' },
          { id: 'casual', label: 'casual', kind: 'other' },
        ],
      }),
    ],
    reason: 'question: which tone',
    createdAt: minutesAgo(21),
    changedAt: minutesAgo(8),
    unseen: 1,
  }),
  view('f1akytes', {
    label: 'flaky-test',
    agent: 'qwen',
    project: { name: 'shop', branch: 'flaky' },
    requests: [request('auth0000', 'log in to go on: qwen auth', { kind: 'auth', askedAt: iso(nowMs - 31_000), options: [{ id: 'retry', label: 'try again', kind: 'other' }] })],
    reason: 'auth: log in to go on: qwen auth',
    createdAt: minutesAgo(1),
    changedAt: iso(nowMs - 31_000),
  }),
  view('s3tt1ngs', {
    label: 'settings-page',
    project: { name: 'shop', branch: 'settings' },
    activity: 'edit src/pages/Preferences.tsx',
    changes: { files: 2, added: 84, removed: 3 },
    changedAt: iso(nowMs - 12_000),
    plan: { done: 2, total: 5 },
    pinned: true,
    usage: { inputTokens: 812_000, outputTokens: 40_000, costUsd: 12.5 },
  }),
  view('1ntt3sts', {
    label: 'int-tests',
    agent: 'gemini',
    project: { name: 'shop', branch: 'tests' },
    activity: 'npm test -- preferences',
    changedAt: iso(nowMs - 4000),
    createdAt: minutesAgo(15),
    drift: { unchangedSince: minutesAgo(17), repeats: { title: 'npm test -- preferences', times: 12, since: minutesAgo(16) } },
    queued: 2,
  }),
  view('n1ght1yy', {
    label: 'nightly',
    agent: 'bash',
    kind: 'terminal',
    driver: 'terminal',
    cwd: '/work/ci',
    project: { name: 'ci', branch: null },
    activity: 'make all',
    reason: 'no signal: the program runs',
    createdAt: minutesAgo(40),
    changedAt: minutesAgo(40),
  }),
  view('em0j1cjk', {
    title: '设置页面 🚀👩‍👩‍👧 添加用户偏好 – ünïcödé 테스트 and much more of it',
    agent: 'opencode',
    cwd: '/work/日本語プロジェクト',
    project: { name: '日本語プロジェクト', branch: 'feature/絵文字-👍🏽' },
    activity: '読んでいます 🇩🇪 src/ページ.tsx',
    createdAt: minutesAgo(90),
    unseen: 120,
  }),
  view('h0st1lee', {
    title: hostile,
    activity: hostile,
    agent: `acp:./node_modules/.bin/my-agent --acp ${hostile}`,
    project: { name: hostile, branch: hostile },
    cwd: `/work/${hostile}`,
    createdAt: minutesAgo(95),
  }),
  view('r4te1imt', {
    label: 'rate-limits',
    agent: 'codex',
    cwd: '/work/gw',
    project: { name: 'gw', branch: 'limits' },
    status: 'completed',
    reason: 'the turn ended',
    outcome: { kind: 'done', summary: 'the turn ended', checks: [] },
    activity: 'Requests over the limit get 429 with Retry-After now.',
    changes: { files: 5, added: 210, removed: 44 },
    changedAt: minutesAgo(60),
    elapsedMs: 22 * 60_000,
    usage: { inputTokens: 90_000, outputTokens: 3000, costUsd: null },
  }),
  view('m1grat3d', {
    label: 'migrate-db',
    cwd: '/work/gw',
    project: { name: 'gw', branch: 'migr' },
    status: 'failed',
    reason: 'the agent ended (exit code 1): ENOSPC, nothing can be written',
    outcome: { kind: 'failed', summary: 'the agent ended (exit code 1)', checks: [] },
    changedAt: minutesAgo(125),
    unseen: 2,
  }),
  view('st0pp3dd', {
    label: 'old-idea',
    status: 'stopped',
    reason: 'stopped',
    outcome: { kind: 'stopped', summary: 'stopped', checks: [] },
    activity: 'I would begin with the parser.',
    changedAt: minutesAgo(60 * 26),
    elapsedMs: 3 * 60_000,
  }),
  ...Array.from({ length: 12 }, (_, number) =>
    view(`done00${String(number).padStart(2, '0')}`, {
      title: `Tidy up module ${number}`,
      agent: 'claude',
      cwd: `/work/lib-${number % 3}`,
      status: 'completed',
      reason: 'the turn ended',
      outcome: { kind: 'done', summary: 'the turn ended', checks: [] },
      activity: `Module ${number} is tidy, its tests pass.`,
      changedAt: minutesAgo(60 * 30 + number * 60),
      elapsedMs: (number + 1) * 70_000,
    }),
  ),
]
