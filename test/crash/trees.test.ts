// The daemon kills itself at every step of what it does in a tree: make, set up, keep, check, take back, land, remove, bring back. Afterwards it is either before or after, and every byte is found.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import type { Event } from '../../src/core/events.ts'
import type { Command } from '../../src/core/inputs.ts'
import type { SessionView } from '../../src/core/view.ts'
import { type CrashPoint, crashPoints } from '../../src/engine/crash-point.ts'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, facts, never, newId, until } from '../home.ts'

const talker = join(packageRoot, 'test', 'fixtures', 'agents', 'talker.ts')

const ofTrees = crashPoints.slice(crashPoints.indexOf('create.chosen'), crashPoints.indexOf('rebuild.built'))

class Life {
  readonly home: TestHome
  #client: Client
  readonly repository: string
  readonly id = newId()

  constructor(home: TestHome, client: Client) {
    this.home = home
    this.#client = client
    this.repository = join(home.project, 'shop')
    mkdirSync(this.repository)
    this.git('init', '-q', '-b', 'main')
    this.git('config', 'user.name', 'Test')
    this.git('config', 'user.email', 'test@localhost')
    writeFileSync(join(this.repository, 'a.txt'), 'one\n')
    writeFileSync(join(this.repository, '.gitignore'), '.env\n.talker\nprompts.log\n')
    this.git('add', '-A')
    this.git('commit', '-q', '-m', 'first')
    // The user's own, not committed.
    writeFileSync(join(this.repository, 'mine.txt'), 'mine\n')
    writeFileSync(join(this.repository, '.env'), 'SECRET=1\n')
  }

  git(...args: readonly string[]): string {
    return execFileSync('git', args, { cwd: this.repository, env: { ...this.home.env, GIT_CONFIG_NOSYSTEM: '1' }, encoding: 'utf8' })
  }

  /** A daemon that dies on its way to listening is nobody's but ours: whoever called it calls again. */
  async again<T>(call: (client: Client) => Promise<T>): Promise<T> {
    for (let times = 1; ; times += 1) {
      try {
        return await call(this.#client)
      } catch (cause) {
        if (times === 10 || !(cause instanceof Error) || !cause.message.includes('daemon')) throw cause
        // Whatever is gone on with must be kept by something besides the dead.
        this.git('gc', '-q', '--prune=now')
        this.#client = await this.home.client().catch(() => this.#client)
      }
    }
  }

  get tree(): string {
    return join(this.home.folder, 'home', 'worktrees', this.id, 'shop')
  }

  submit(command: Command, environment?: Readonly<Record<string, string>>) {
    const commandId = newId()
    return this.again((client) => client.submit({ session: this.id, commandId, command, ...(environment ? { environment } : {}) }, never))
  }

  async tell(command: Command): Promise<void> {
    accepted(await this.submit(command))
  }

  /** As whoever started it would, where its environment died with the daemon. */
  async until(like: (view: SessionView) => boolean): Promise<SessionView> {
    for (;;) {
      const isStuck = ({ workspace, reason }: SessionView): boolean => workspace.state === 'preparing' || workspace.state === 'failed' || reason.includes('environment')
      const view = await this.again((client) => until(client, this.id, (one) => like(one) || isStuck(one)))
      if (like(view)) return view
      await this.submit({ type: 'resume' }, this.home.env)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  has(type: Event['type'], times = 1): Promise<void> {
    return this.again((client) => this.#has(client, type, times))
  }

  async #has(client: Client, type: Event['type'], times: number): Promise<void> {
    const seen: string[] = []
    for await (const frame of client.watch({ session: this.id, after: 0, follow: true }, AbortSignal.timeout(20_000))) {
      if (frame.kind !== 'fact') continue
      seen.push(frame.envelope.event.type)
      if (seen.filter((one) => one === type).length >= times) return
    }
    throw new Error(`no ${times} of ${type}: ${seen.join(' ')}`)
  }

  /** Of a snapshot, as git has it. */
  file(n: number, path: string): string {
    return this.git('show', `refs/offstage/${this.id}/${n}:${path}`)
  }
}

async function live(home: TestHome, beforeRestore: () => Promise<void>): Promise<readonly Event[]> {
  const life = new Life(home, await home.client())
  const { repository, tree } = life
  const spec = {
    kind: 'agent',
    driver: 'acp',
    agent: 'talker',
    argv: [process.execPath, talker],
    cwd: repository,
    workspace: 'worktree',
    preparation: { setup: 'cat a.txt .env > made.txt', bring: ['.env'], ports: ['PORT'] },
    checks: ['test -f made.txt'],
  } as const
  accepted(await life.submit({ type: 'create', spec, title: 'life', prompt: 'write a.txt two' }, home.env))
  await life.until((view) => view.outcome?.kind === 'verified')
  expect([readFileSync(join(tree, 'a.txt'), 'utf8').trim(), readFileSync(join(tree, 'made.txt'), 'utf8')]).toEqual(['two', 'one\nSECRET=1\n'])
  await life.tell({ type: 'undo', what: { kind: 'turns', turn: 0 } })
  await life.has('undone')
  expect(readFileSync(join(tree, 'a.txt'), 'utf8')).toBe('one\n')
  await life.until((view) => view.status !== 'working')
  await life.submit({ type: 'prompt', text: 'write a.txt three' }, home.env)
  await life.until((view) => view.turns === 2 && view.outcome?.kind === 'verified')
  expect(readFileSync(join(repository, 'a.txt'), 'utf8')).toBe('one\n')
  await life.tell({ type: 'land', land: { into: 'main', how: 'squash', checks: true } })
  const landed = await life.until((view) => view.landed !== null || view.landFailed !== null)
  expect(landed.landFailed).toBe(null)
  expect([readFileSync(join(repository, 'a.txt'), 'utf8').trim(), life.git('show', 'main:a.txt').trim()]).toEqual(['three', 'three'])
  expect(life.git('status', '--porcelain')).toBe('?? mine.txt\n')
  writeFileSync(join(tree, 'late.txt'), 'late\n')
  await life.tell({ type: 'remove' })
  await life.has('workspace-removed')
  expect(existsSync(tree)).toBe(false)
  const all = (await life.again((client) => facts(client, life.id))).map(({ event }) => event)
  const last = all.findLast((event) => event.type === 'workspace-removed')
  const kept = last?.type === 'workspace-removed' ? last.snapshot : 0
  expect([life.file(kept, 'late.txt'), life.file(kept, 'a.txt').trim(), life.file(1, 'a.txt')]).toEqual(['late\n', 'three', 'one\n'])
  await beforeRestore()
  accepted(await life.submit({ type: 'restore' }, home.env))
  await life.until((view) => view.workspace.state === 'ready')
  // It was set up again.
  expect(readFileSync(join(tree, 'made.txt'), 'utf8')).toBe(`${readFileSync(join(tree, 'a.txt'), 'utf8')}SECRET=1\n`)
  expect(['late.txt', '.env', 'a.txt'].map((path) => readFileSync(join(tree, path), 'utf8').trim())).toEqual(['late', 'SECRET=1', 'three'])
  // What nobody but the user has written is what it was.
  expect([readFileSync(join(repository, 'mine.txt'), 'utf8'), life.git('stash', 'list'), life.git('fsck', '--no-dangling')]).toEqual(['mine\n', '', ''])
  await life.tell({ type: 'remove' })
  await life.has('workspace-removed', 2)
  return (await life.again((client) => facts(client, life.id))).map(({ event }) => event)
}

const count = (events: readonly Event[], type: Event['type']): number => events.filter((event) => event.type === type).length

/** Come to once more when it comes back, and when it goes for good. */
const ofReturn: ReadonlySet<CrashPoint> = new Set([
  'workspace.recorded',
  'worktree.planned',
  'worktree.made',
  'worktree.brought',
  'step.recorded',
  'step.ended',
  'workspace.ready',
  'snapshot.made',
  'snapshot.recorded',
  'remove.kept',
  'remove.done',
  'removed.recorded',
])

async function liveWith(points: readonly CrashPoint[]): Promise<readonly Event[]> {
  const folder = mkdtempSync(join(tmpdir(), 'os-crash-'))
  try {
    const log = join(folder, 'log')
    writeFileSync(log, '')
    const reached = (): readonly string[] => readFileSync(log, 'utf8').trim().split('\n').toSorted()
    await using home = new TestHome({ OFFSTAGE_CRASH_AT: points.join(','), OFFSTAGE_CRASH_LOG: log })
    const events = await live(home, async () => {
      expect(reached()).toEqual(points.toSorted())
      // Now each of them kills once more.
      writeFileSync(log, points.flatMap((point) => (ofReturn.has(point) ? [] : [`${point}\n`])).join(''))
      await home.killDaemon()
    })
    expect(reached()).toEqual(points.toSorted())
    return events
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function eachOnce(events: readonly Event[]): void {
  for (const type of ['created', 'undo-asked', 'undone', 'land-asked', 'landed', 'removed', 'restored'] as const) {
    expect([type, count(events, type)]).toEqual([type, type === 'removed' ? 2 : 1])
  }
  const numbers = events.flatMap((event) => (event.type === 'snapshot-taken' ? [event.snapshot.n] : []))
  expect(numbers).toEqual(numbers.map((_, index) => index + 1))
}

describe('a tree lives through the death of its daemon', () => {
  // In two lives, so that what comes after a death is not always another one. Each of them comes back, and goes for good.
  test.concurrent('at every other step', async () => eachOnce(await liveWith(ofTrees.filter((_, index) => index % 2 === 0))))

  test.concurrent('at the steps between those', async () => eachOnce(await liveWith(ofTrees.filter((_, index) => index % 2 === 1))))
})
