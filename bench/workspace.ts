// What isolation costs, in a repository of 8,000 files, each beside plain git: a worktree, a snapshot, a forecast, a diff.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRefusal } from '../src/core/errors.ts'
import type { Event, LaunchSpec } from '../src/core/events.ts'
import type { Command } from '../src/core/inputs.ts'
import type { Client } from '../src/sdk/index.ts'
import { openWorkspaces } from '../src/workspace/index.ts'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome, never, newId } from './home.ts'
import { cpuPercent } from './processes.ts'
import { millisecondsOf, output, sideBySide } from './samples.ts'

const folders = 80
const filesEach = 100
const changedFiles = 40
const newFiles = 20
const liveSessions = 20
const idleMs = 10_000

export async function workspace({ lifetime, packageFolder }: Bench): Promise<readonly Figure[]> {
  const home = lifetime.use(new BenchHome(packageFolder))
  const client = await home.client()
  const git = (directory: string, ...args: readonly string[]): string =>
    output({ command: 'git', args: ['-C', directory, '-c', 'user.name=bench', '-c', 'user.email=bench@example.org', '-c', 'gc.auto=0', ...args], env: home.env })
  git(home.project, 'init', '-q', '-b', 'main')
  for (let folder = 0; folder < folders; folder++) {
    mkdirSync(join(home.project, `folder-${folder}`))
    for (let file = 0; file < filesEach; file++) writeFileSync(join(home.project, nameOf(folder, file)), textOf(folder, file))
  }
  git(home.project, 'add', '-A')
  git(home.project, 'commit', '-qm', 'first')

  let made = 0
  const worktrees = await sideBySide(
    { rounds: 7, warmUps: 1 },
    {
      floor: () => {
        const path = join(home.folder, `plain-${made++}`)
        return millisecondsOf(() => git(home.project, 'worktree', 'add', '-q', '-b', `plain-${made}`, path, 'HEAD'))
      },
      offstage: async () => {
        const startedMs = performance.now()
        await startIn(client, home, 'worktree', 'workspace-ready')
        return performance.now() - startedMs
      },
    },
  )

  const dirty = await startIn(client, home, 'worktree', 'run-started')
  const path = await treeOf(client, dirty)
  let round = 0
  const snapshots = await sideBySide(
    { rounds: 11, warmUps: 2 },
    {
      floor: () => {
        edit(path, round++)
        const index = join(home.folder, 'index')
        return millisecondsOf(() => {
          const env = { ...home.env, GIT_INDEX_FILE: index }
          output({ command: 'cp', args: [git(path, 'rev-parse', '--git-path', 'index').trim(), index], env })
          output({ command: 'git', args: ['-C', path, 'add', '-A'], env })
          output({ command: 'git', args: ['-C', path, 'write-tree'], env })
        })
      },
      offstage: async () => {
        edit(path, round++)
        const startedMs = performance.now()
        await submit(client, dirty, { type: 'snapshot' }, 'snapshot-taken')
        return performance.now() - startedMs
      },
    },
  )
  const base = git(path, 'rev-parse', 'HEAD').trim()
  const diffs = await sideBySide(
    { rounds: 11, warmUps: 2 },
    {
      floor: () => millisecondsOf(() => git(path, 'diff', '--stat', base)),
      offstage: () => home.runMs('diff', dirty, '--stat'),
    },
  )

  const answers: number[] = []
  for (let turn = 0; turn < 11; turn++) {
    edit(path, round++)
    answers.push(await millisecondsOf(() => client.changes({ session: dirty }, never)))
  }

  const sessions = [dirty]
  while (sessions.length < liveSessions) sessions.push(await startIn(client, home, 'worktree', 'run-started'))
  const trees = await Promise.all(sessions.map((session) => treeOf(client, session)))
  const workspaces = openWorkspaces({ env: home.env, home: join(home.folder, 'trial') })
  const known: number[] = []
  const forecasts: number[] = []
  for (let turn = 0; turn < 9; turn++) {
    for (const [nth, tree] of trees.entries()) edit(tree, 1000 + turn, nth)
    const read = await Promise.all(trees.map((tree) => workspaces.treeNow(tree, never)))
    const works = read.map(({ tree, head }, nth) => ({ session: sessions[nth] ?? '', directory: trees[nth] ?? '', base, tree, head }))
    known.push(await millisecondsOf(() => workspaces.forecast(home.project, works, undefined, never)))
    forecasts.push(await millisecondsOf(() => client.conflicts({ cwd: home.project }, never)))
  }
  const again: number[] = []
  for (let turn = 0; turn < 9; turn++) again.push(await millisecondsOf(() => client.conflicts({ cwd: home.project }, never)))
  const { daemon } = await cpuPercent({ daemon: [(await client.daemonStatus(never)).pid] }, idleMs)

  return [
    figure('workspace: a worktree of 8,000 files, from the command to ready (git worktree add)', 'ms', worktrees, {
      goal: 1.2 * medianOf(worktrees.floor),
      floor: 'git worktree add',
    }),
    figure('workspace: a snapshot of it, dirty, from the command to durable (cp index, add -A, write-tree)', 'ms', snapshots, { goal: 150, floor: 'git' }),
    figure('workspace: "offstage diff --stat" (git diff --stat)', 'ms', diffs, { goal: 100, floor: 'git' }),
    figure('workspace: the changes of a session, asked for by a connected client', 'ms', { offstage: answers.slice(2) }, { goal: 100 }),
    figure(`workspace: forecast for ${liveSessions} live sessions, all pairs of known trees`, 'ms', { offstage: known.slice(2) }, { goal: 500 }),
    figure(`workspace: "conflicts" asked for: ${liveSessions} trees of 8,000 files read again, all changed`, 'ms', { offstage: forecasts.slice(2) }),
    figure('workspace: the same when nothing has changed', 'ms', { offstage: again.slice(2) }),
    figure(`workspace: daemon with ${liveSessions} live worktrees, idle`, '% CPU', { offstage: [daemon] }, { goal: 0.05 }),
  ]
}

const nameOf = (folder: number, file: number): string => join(`folder-${folder}`, `file-${file}.ts`)
const textOf = (folder: number, file: number): string => Array.from({ length: 40 }, (_, line) => `export const value_${folder}_${file}_${line} = ${line * file}\n`).join('')
const medianOf = (samples: readonly number[] = []): number => samples.toSorted((one, other) => one - other)[Math.floor(samples.length / 2)] ?? 0

/** As an agent leaves it: some files changed, some new, each time otherwise. Those with neighbouring numbers change three files both. */
function edit(tree: string, round: number, nth = 0): void {
  for (let file = 0; file < changedFiles; file++) {
    const number = nth * (changedFiles - 3) + file
    writeFileSync(join(tree, nameOf(Math.floor(number / filesEach), number % filesEach)), `// round ${round} of ${nth}\n${textOf(file, round)}`)
  }
  for (let file = 0; file < newFiles; file++) writeFileSync(join(tree, `new-${nth}-${file}.ts`), textOf(round, file))
}

/** A session of `cat` in a worktree of its own, as soon as this is recorded of it. */
async function startIn(client: Client, home: BenchHome, workspace: LaunchSpec['workspace'] & string, until: Event['type']): Promise<string> {
  const session = newId()
  const spec: LaunchSpec = { kind: 'terminal', driver: 'terminal', agent: 'bench', argv: ['cat'], cwd: home.project, size: { columns: 80, rows: 24 }, workspace }
  await submit(client, session, { type: 'create', spec, title: 'bench' }, until, home.env)
  return session
}

async function submit(client: Client, session: string, command: Command, until: Event['type'], environment?: Readonly<Record<string, string>>): Promise<void> {
  const commandId = newId()
  const reply = await client.submit({ session, commandId, command, ...(environment ? { environment } : {}) }, never)
  if (isRefusal(reply)) throw new Error(reply.message)
  let isAsked = false
  for await (const frame of client.watch({ session, after: 0, follow: true }, AbortSignal.timeout(60_000))) {
    if (frame.kind !== 'fact') continue
    isAsked ||= frame.envelope.command === commandId
    if (!isAsked) continue
    const { event } = frame.envelope
    if (event.type === until) return
    if (event.type === 'workspace-failed' || event.type === 'snapshot-failed') throw new Error(event.reason)
  }
}

async function treeOf(client: Client, session: string): Promise<string> {
  const path = (await client.get(session, never))?.session.workspace.path
  if (path === undefined) throw new Error(`session ${session} is gone`)
  return path
}
