// Who else may read what is written: as the user's own umask says in trees and repositories, nobody in what is Offstage's own.

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Event, Undo } from '../../src/core/events.ts'
import type { SessionView } from '../../src/core/view.ts'
import type { Client } from '../../src/sdk/index.ts'
import { offstage, talkerAgent } from '../e2e/offstage.ts'
import { TestHome, accepted, fact, facts, never, until } from '../home.ts'
import { openRequest, output, programSpec, start, talkerSpec, tell } from '../sessions.ts'

/** For this test, and all that it starts. */
function underUmask(umask: number): void {
  const before = process.umask(umask)
  onTestFinished(() => void process.umask(before))
}

const modeOf = (path: string): string => (lstatSync(path).mode & 0o777).toString(8)
const octal = (mode: number): string => mode.toString(8)

const below = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))

function repositoryIn(home: TestHome, ...options: readonly string[]): (...args: readonly string[]) => string {
  const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: home.project, env: home.env, encoding: 'utf8' })
  git('init', '-q', '-b', 'main', ...options)
  git('config', 'user.name', 'A')
  git('config', 'user.email', 'a@localhost')
  for (const name of ['src.ts', 'gone.ts', 'run.sh']) writeFileSync(join(home.project, name), `${name}\n`)
  writeFileSync(join(home.project, '.gitignore'), '.talker\nprompts.log\n')
  chmodSync(join(home.project, 'run.sh'), 0o777 & ~process.umask())
  git('add', '-A')
  git('commit', '-qm', 'first')
  return git
}

/** The first fact of these kinds behind so many. Rejects on another one of them. */
async function comesTo(client: Client, session: string, good: Event['type'], bad: Event['type'], from: number): Promise<Event> {
  let seen = 0
  const { event } = await fact(client, session, ({ type }) => (type === good || type === bad) && ++seen > from)
  expect(event.type, JSON.stringify(event)).toBe(good)
  return event
}

/** In a worktree: one file is edited, one is made in a new folder, two are deleted. */
async function workIn(home: TestHome) {
  const client = await home.client()
  const session = await start(client, home, { ...talkerSpec(home.project), workspace: 'worktree' }, 'write made/by/it.ts new\nwrite src.ts changed\nask go on?')
  const { id } = await openRequest(client, session)
  const { workspace } = (await client.get(session, never))?.session ?? expect.fail('no session')
  for (const name of ['gone.ts', 'run.sh']) rmSync(join(workspace.path, name))
  accepted(await tell(client, session, { type: 'answer', requestId: id, answer: { kind: 'option', optionId: 'allow' } }))
  await until(client, session, ({ status }) => status === 'completed')
  let [undone, landed] = [0, 0]
  return {
    mode: (name: string): string => modeOf(join(workspace.path, name)),
    /** Gives the snapshot of what was there before. */
    undo: async (what: Undo): Promise<number> => {
      accepted(await tell(client, session, { type: 'undo', what }))
      const event = await comesTo(client, session, 'undone', 'undo-failed', undone++)
      return event.type === 'undone' ? event.before : 0
    },
    land: async (): Promise<void> => {
      accepted(await tell(client, session, { type: 'land', land: { into: 'main', how: 'squash', checks: false } }, home.env))
      await comesTo(client, session, 'landed', 'land-failed', landed++)
    },
  }
}

test.each(['022', '002'])('a worktree, what is taken back, and what lands are as a checkout under the umask %s leaves them', async (given) => {
  const umask = Number.parseInt(given, 8)
  underUmask(umask)
  await using home = new TestHome()
  const git = repositoryIn(home)
  const [file, program] = [octal(0o666 & ~umask), octal(0o777 & ~umask)]
  const { mode, undo, land } = await workIn(home)
  // Checked out by git; written by the daemon; by the agent itself.
  expect(['.gitignore', 'src.ts', 'made', 'made/by/it.ts', 'prompts.log'].map(mode)).toEqual([file, file, program, file, file])

  const n = await undo({ kind: 'turns', turn: 'all' })
  expect(['src.ts', 'gone.ts', 'run.sh'].map(mode)).toEqual([file, file, program])
  await undo({ kind: 'snapshot', n })
  expect(['src.ts', 'made', 'made/by', 'made/by/it.ts'].map(mode)).toEqual([file, program, program, file])

  await land()
  const landed = ['src.ts', 'made', 'made/by', 'made/by/it.ts', '.git/index', '.git/refs/heads/main'].map((name) => modeOf(join(home.project, name)))
  expect(landed).toEqual([file, program, program, file, file, file])
  expect(git('status', '--porcelain')).toBe('')
  const objects = below(join(home.project, '.git', 'objects'))
  expect(new Set(objects.map((path) => `${statSync(path).isFile()} ${modeOf(path)}`))).toEqual(new Set([`true ${octal(0o444 & ~umask)}`, `false ${program}`]))
})

test('what is written into a repository that a group shares can be read by the group, and written where git lets it', async () => {
  underUmask(0o022)
  await using home = new TestHome()
  repositoryIn(home, '--shared=group')
  const { land } = await workIn(home)
  await land()
  const all = below(join(home.project, '.git'))
  const needed = (path: string): number => (statSync(path).isDirectory() ? 0o050 : 0o040)
  expect(all.filter((path) => (statSync(path).mode & needed(path)) !== needed(path))).toEqual([])
  const closed = all.filter((path) => /\.git\/(objects(\/..)?|refs\/.*|index)$/.test(path) && (statSync(path).mode & 0o020) === 0)
  expect(closed).toEqual([])
})

test('programs have the umask of the client that started them, others that of the daemon', async () => {
  underUmask(0o022)
  await using home = new TestHome()
  repositoryIn(home)
  const client = await home.client()
  const shown = async (driver: 'terminal' | 'command', umask?: number): Promise<string> => {
    const session = await start(client, home, { ...programSpec(home.project, ['sh', '-c', 'umask'], driver), ...(umask === undefined ? {} : { umask }) })
    await until(client, session, ({ run }) => run?.alive === false)
    return (await output(client, session)).toString().trim()
  }
  expect(await Promise.all([shown('terminal'), shown('command'), shown('terminal', 0o027), shown('command', 0), shown('terminal', 0o777)])).toEqual([
    '0022',
    '0022',
    '0027',
    '0000',
    '0777',
  ])

  process.umask(0o007)
  const program = await offstage(home, ['bg', '--json', '--in-place', '--', 'sh', '-c', 'mkdir made; echo text >made/by-program'])
  const agent = await offstage(home, ['bg', '--json', '--worktree', '--agent', talkerAgent, '--check', 'umask >checked', 'say done'])
  expect([program, agent].map(({ code }) => code)).toEqual([0, 0])
  const [one, other] = [program, agent].map(({ out }) => JSON.parse(out) as SessionView)
  await until(client, one?.id ?? '', ({ run }) => run?.alive === false)
  const { workspace } = await until(client, other?.id ?? '', ({ outcome }) => outcome?.kind === 'verified')
  expect(['made', 'made/by-program'].map((name) => modeOf(join(home.project, name)))).toEqual(['770', '660'])
  expect([modeOf(join(workspace.path, 'prompts.log')), readFileSync(join(workspace.path, 'checked'), 'utf8').trim()]).toEqual(['660', '0007'])
  expect((await facts(client, one?.id ?? ''))[0]?.event).toMatchObject({ type: 'created', spec: { umask: 0o007 } })
  // That of the daemon has stayed.
  expect(await shown('terminal')).toBe('0022')
})

test('a daemon that something else brings back has the umask that the first one had', async () => {
  underUmask(0o002)
  await using home = new TestHome()
  const client = await home.client()
  const umaskOf = (pid: number): string | undefined => /^Umask:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const first = await client.daemonStatus(never)
  expect(umaskOf(first.pid)).toBe('0002')
  await home.killDaemon()
  // As a keeper does that was started by a daemon with another one.
  const [, ...words] = readFileSync(join(home.folder, 'home', 'daemon.start'), 'utf8').split('\0')
  const at = words.indexOf('')
  const variables = Object.fromEntries(words.slice(at + 1, words.indexOf('', at + 1)).map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
  expect(await home.startDaemon(variables, ['sh', '-c', 'umask 077; exec "$@"', 'sh'])).toBe('ready')
  const second = await (await home.client(false)).daemonStatus(never)
  expect([second.pid === first.pid, umaskOf(second.pid)]).toEqual([false, '0002'])
})

/** Everything in the home but what git writes there, and compiled code: folders that are closed as a whole. */
const ownIn = (root: string): readonly string[] => [root, ...below(root)].filter((path) => !/\/home\/(worktrees\/[^/]+|trees\/[^/]+|landing\/[^/]+|scratch|cache)\/./.test(path))
const openIn = (root: string): readonly string[] => ownIn(root).filter((path) => (lstatSync(path).mode & 0o077) !== 0)

test("what is Offstage's own is closed under every umask, whatever was done", async () => {
  underUmask(0)
  await using home = new TestHome({}, { bare: true })
  repositoryIn(home)
  const root = join(home.folder, 'home')
  const plain = join(home.folder, 'plain')
  mkdirSync(plain)
  const { undo, land } = await workIn(home)
  await undo({ kind: 'snapshot', n: await undo({ kind: 'turns', turn: 'all' }) })
  const client = await home.client()
  const elsewhere = await start(client, home, talkerSpec(plain), 'write x y\nenvironment HOME')
  await until(client, elsewhere, ({ status }) => status === 'completed')
  await client.search({ text: 'anything', limit: 1 }, never)
  expect(['daemon.lock', 'trees', 'worktrees', 'cache/search.db'].filter((name) => !existsSync(join(root, name)))).toEqual([])
  expect(openIn(root)).toEqual([])
  await land()
  expect(openIn(root)).toEqual([])
})
