// The list on a terminal in memory, as the app puts it there, over sessions of a fake daemon or made by hand. Tells what it asked the app for.

import type { AgentListing } from '../../src/config/agents.ts'
import type { SessionView } from '../../src/core/view.ts'
import type { Place } from '../../src/core/workspace.ts'
import type { DirectoryState } from '../../src/tui/list/launching.ts'
import { type ListParts, type ListView, openList } from '../../src/tui/list/list-view.ts'
import type { Sessions } from '../../src/tui/list/listing.ts'
import { LiveSessions } from '../../src/tui/live-sessions.ts'
import { FakeClient } from '../cli/fake-client.ts'
import { type Headless, type HeadlessOptions, stageOn } from './headless.ts'
import { nowMs } from './list-sessions.ts'

export const claude: AgentListing = {
  name: 'claude',
  title: 'Claude Code',
  command: 'claude-agent-acp',
  protocol: 'acp',
  installed: true,
  configured: false,
  default: true,
  install: 'npm i -g @agentclientprotocol/claude-agent-acp',
  ways: [],
  loggedIn: null,
  login: 'claude /login',
  asksNothing: false,
}

/** Of a directory in a repository, where so many files are changed and not tracked. */
export function stateOf(changed = 0, untracked = 0, more: Partial<Place> = {}): DirectoryState {
  const named = (word: string, many: number): readonly string[] => Array.from({ length: many }, (_, index) => `${word}${index}.ts`)
  const repository = {
    top: '/work/shop',
    branch: 'main',
    head: '4f2c1a0'.padEnd(40, '0'),
    ahead: null,
    behind: null,
    changed: named('changed', changed),
    untracked: named('new', untracked),
  }
  return { project: 'shop', branch: 'main', wish: 'auto', place: { repository, sessions: [], auto: { kind: 'in-place', why: 'nobody else works there' }, ...more } }
}

export interface OnStage extends Headless {
  readonly list: ListView
  readonly opened: readonly string[]
  readonly logged: readonly string[]
  readonly reviewed: readonly string[]
  readonly landed: readonly string[]
  readonly helped: () => number
  readonly kept: { draft: string; filters: Record<string, string> }
  /** The row of the screen that holds this text. */
  row(text: string): string
  /** The name under the cursor. */
  cursorRow(): string
}

export interface ListOptions extends Partial<HeadlessOptions> {
  readonly sessions?: Sessions
  readonly list?: Partial<ListParts>
  readonly draft?: string
}

/** Without `sessions` they are the client's, kept up to date. */
export function listOn({ columns = 80, rows = 24, client = new FakeClient(), sessions, list: more = {}, draft = '', ...options }: ListOptions = {}): OnStage {
  client.nowMs = Math.max(client.nowMs, nowMs)
  const headless = stageOn({ columns, rows, client, ...options })
  const opened: string[] = []
  const logged: string[] = []
  const reviewed: string[] = []
  const landed: string[] = []
  let helped = 0
  const kept = {
    draft,
    filters: {} as Record<string, string>,
    saveFilter: (name: string, filter: string | undefined) => {
      if (filter === undefined) delete kept.filters[name]
      else kept.filters[name] = filter
    },
  }
  const shown: { list?: ListView } = {}
  const live = sessions ?? new LiveSessions(client, headless.stage.signal, { changed: () => shown.list?.changed(), failed: (cause) => headless.stage.complain(cause) })
  const list = (shown.list = openList(headless.stage, {
    sessions: live,
    kept,
    driftAfterMs: 15 * 60_000,
    environment: async () => ({ HOME: '/home/me' }),
    open: (session: SessionView) => opened.push(session.id),
    logs: (session: SessionView) => logged.push(session.id),
    review: (session: SessionView) => reviewed.push(session.id),
    land: (session: SessionView) => landed.push(session.id),
    help: () => (helped += 1),
    agents: async () => [claude],
    directory: async () => stateOf(),
    ...more,
  }))
  void headless.run(list)
  const row = (text: string): string => headless.screen().find((one) => one.includes(text)) ?? ''
  return { ...headless, list, opened, logged, reviewed, landed, helped: () => helped, kept, row, cursorRow: () => row('▸') }
}
