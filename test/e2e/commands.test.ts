// The main job from the command line, and what bad input gets.

import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SessionView } from '../../src/core/view.ts'
import { TestHome } from '../home.ts'
import { isOneClearLine, offstage, talkerAgent } from './offstage.ts'

test('start, list, answer, read, stop and resume an agent', async () => {
  await using home = new TestHome()
  const started = await offstage(home, ['bg', '--json', '--label', 'first', '--agent', talkerAgent, 'say hello\nask may I delete it?\nsay bye'])
  expect([started.code, started.err]).toEqual([0, ''])
  const { id } = JSON.parse(started.out) as SessionView
  expect((await offstage(home, ['wait', 'first'])).code).toBe(10)
  const requests = JSON.parse((await offstage(home, ['requests', '--json'])).out) as { title: string }[]
  expect(requests.map((request) => request.title)).toEqual(['may I delete it?'])
  expect((await offstage(home, ['answer', 'first', 'deny'])).code).toBe(0)
  const again = await offstage(home, ['answer', 'first', 'allow'])
  expect([again.code, isOneClearLine(again.err)]).toEqual([4, true])
  expect((await offstage(home, ['wait', id.slice(0, 5), '--for', 'completed'])).code).toBe(0)
  const logs = (await offstage(home, ['logs', 'first'])).out
  expect(logs).toMatch(/you +say hello/)
  expect(logs).toMatch(/hello[\s\S]*may I delete it\?[\s\S]*bye/)
  expect((await offstage(home, ['stop', 'first'])).code).toBe(0)
  expect((await offstage(home, ['wait', 'first'])).code).toBe(12)
  const refused = await offstage(home, ['send', 'first', 'say more'])
  expect([refused.code, refused.err]).toEqual([4, expect.stringContaining(`offstage resume ${id}`)])
  expect((await offstage(home, ['resume', 'first'])).code).toBe(0)
  expect((await offstage(home, ['send', 'first', 'say more'])).code).toBe(0)
  expect((await offstage(home, ['wait', 'first', '--for', 'completed', '--timeout', '20'])).code).toBe(0)
  expect((await offstage(home, ['logs', 'first'])).out).toMatch(/more/)
})

test('a removed session leaves every list but its own, and restore brings it back', async () => {
  await using home = new TestHome()
  const { id } = JSON.parse((await offstage(home, ['bg', '--json', '--', 'sleep', '60'])).out) as SessionView
  expect((await offstage(home, ['rm', id])).code).toBe(0)
  const listed = async (...flags: string[]): Promise<string> => (await offstage(home, ['ls', ...flags])).out.split('\t')[0] ?? ''
  expect([await listed(), await listed('--all'), await listed('--removed')]).toEqual(['', '', id])
  expect((await offstage(home, ['restore', id])).code).toBe(0)
  expect([await listed(), await listed('--removed')]).toEqual([id, ''])
})

test('why tells a program that waits for input from one that works, and a directory that is gone', async () => {
  await using home = new TestHome()
  const cwd = join(home.folder, 'soon-gone')
  mkdirSync(cwd)
  await offstage(home, ['bg', '--label', 'asks', '--cwd', cwd, '--', 'sh', '-c', 'echo name?; read name'])
  await offstage(home, ['bg', '--label', 'works', '--', 'sleep', '60'])
  rmSync(cwd, { recursive: true })
  const asks = (await offstage(home, ['why', 'asks'])).out
  expect(asks).toMatch(/sh \(pid \d+\) waits for input from the terminal/)
  expect(asks).toMatch(/its directory is gone: .*soon-gone/)
  expect((await offstage(home, ['why', 'works'])).out).not.toMatch(/waits for input|is gone/)
})

test('the demo works without a terminal and leaves nothing behind', async () => {
  await using home = new TestHome()
  const temporary = join(home.folder, 'tmp')
  mkdirSync(temporary)
  const ran = await offstage(home, ['demo'], { env: { OFFSTAGE_DEMO_PACE_MS: '0', TMPDIR: temporary } })
  expect([ran.code, ran.err]).toEqual([0, ''])
  expect(ran.out).toMatch(/a script, not a model[\s\S]*→ the demo answers[\s\S]*Three sessions completed[\s\S]*D src\/legacy\/old-cart.js/)
  expect(readdirSync(temporary)).toEqual([])
})

test('the piped list has one line a session with eight tab-separated fields, whatever a title holds', async () => {
  await using home = new TestHome()
  const hostile = 'a\ttab\nand \u001b]0;evil\u0007\u001b[31mred\u009b31m \u202edlrow'
  await offstage(home, ['bg', '--label', `l${hostile}`, '--', 'sh', '-c', `: '${hostile}'; printf '\\033]0;evil\\007\\033[5nout\\n'; exit 3`])
  await offstage(home, ['wait', (JSON.parse((await offstage(home, ['ls', '--json'])).out) as SessionView[])[0]?.id ?? ''])
  const listed = await offstage(home, ['sessions'])
  expect(listed.out.trimEnd().split('\n')).toHaveLength(1)
  expect(listed.out.trimEnd().split('\t')).toHaveLength(8)
  const id = listed.out.split('\t')[0] ?? ''
  for (const args of [['sessions'], ['logs', id], ['why', id], ['events', id], ['events', id, '--json'], ['ls', '--json'], ['requests'], ['switch', `${id}\u001b[31m`]]) {
    const ran = await offstage(home, args)
    // oxlint-disable-next-line no-control-regex
    expect([args[0], /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/.exec(ran.out + ran.err)]).toEqual([args[0], null])
  }
})

test('errors are one clear line with the exit code of the contract', async () => {
  await using home = new TestHome()
  await offstage(home, ['bg', '--label', 'same', '--', 'sleep', '60'])
  await offstage(home, ['bg', '--label', 'same', '--', 'sleep', '60'])
  const notExecutable = join(home.project, 'plain.txt')
  writeFileSync(notExecutable, 'text')
  const table: readonly (readonly [readonly string[], number])[] = [
    [['nonsense'], 2],
    [['sessions', '--nonsense'], 2],
    [['bg'], 2],
    [['bg', '--cwd', join(home.folder, 'nowhere'), '--', 'true'], 2],
    [['bg', '--env', 'no-equals', '--', 'true'], 2],
    [['bg', '--agent', 'acp:"unbalanced', 'hello'], 2],
    [['bg', '--', join(home.folder, 'missing-program')], 1],
    [['bg', '--', notExecutable], 1],
    [['switch', 'zzzzzzzz'], 3],
    [['stop', 'same'], 3],
    [['answer', 'zzzzzzzz', 'allow'], 3],
    [['wait', 'zzzzzzzz'], 3],
    [['wait'], 2],
  ]
  for (const [args, code] of table) {
    const ran = await offstage(home, args)
    expect([args.join(' '), ran.code, ran.out, isOneClearLine(ran.err)]).toEqual([args.join(' '), code, '', true])
  }
  const json = await offstage(home, ['stop', 'zzzzzzzz', '--json'])
  expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'unknown-session', message: expect.any(String), hint: expect.any(String) } })
})

test('a home that cannot be trusted is refused with exit code 5 and left as it is', async () => {
  const home = new TestHome()
  const elsewhere = join(home.folder, 'elsewhere')
  mkdirSync(elsewhere)
  symlinkSync(elsewhere, join(home.folder, 'linked'))
  writeFileSync(join(home.folder, 'file'), 'text')
  for (const name of ['linked', 'file']) {
    const ran = await offstage(home, ['sessions'], { env: { OFFSTAGE_HOME: join(home.folder, name) } })
    expect([name, ran.code, ran.out, isOneClearLine(ran.err)]).toEqual([name, 5, '', true])
  }
  expect(readdirSync(elsewhere)).toEqual([])
  await home.close()
})

test('a key in the environment reaches the program and is found in no file and no argument', async () => {
  await using home = new TestHome({}, { bare: true })
  const canary = 'canary-5f1e77e1'
  const started = await offstage(home, ['bg', '--json', '--agent', talkerAgent, 'environment CANARY\nask on?'], { env: { CANARY: canary } })
  const { id, run } = JSON.parse(started.out) as SessionView
  await offstage(home, ['wait', id])
  expect(readFileSync(`/proc/${run?.pid}/environ`, 'utf8')).toContain(canary)
  expect(filesUnder(join(home.folder, 'home')).filter((file) => readFileSync(file).includes(canary))).toEqual([])
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== run?.pid && Number(name) !== process.pid)
  const naming = processes.filter((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`].some((path) => textOf(path).includes(canary)))
  expect(naming).toEqual([])
})

test('everything of ours is closed to others, also under umask 0', async () => {
  const before = process.umask(0)
  try {
    await using home = new TestHome({}, { bare: true })
    await offstage(home, ['bg', '--', 'sh', '-c', 'echo text; sleep 60'])
    const root = join(home.folder, 'home')
    const open = [root, ...filesUnder(root)].filter((path) => (statSync(path).mode & 0o077) !== 0 && !statSync(path).isFile())
    expect(open).toEqual([])
    expect(statSync(root).mode & 0o777).toBe(0o700)
    chmodSync(root, 0o755)
    await offstage(home, ['ls'])
    expect(statSync(root).mode & 0o077).toBe(0o055)
    await offstage(home, ['daemon', 'stop'])
    await offstage(home, ['ls'])
    expect(statSync(root).mode & 0o777).toBe(0o700)
  } finally {
    process.umask(before)
  }
})

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
