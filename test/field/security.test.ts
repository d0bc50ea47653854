// What others on the machine, planted files and hostile names can do: nothing. (Plain 0700, umask 0 and keys in the environment are tested in e2e.)

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathsFrom } from '../../src/config/paths.ts'
import type { SessionView } from '../../src/core/view.ts'
import { isOneClearLine, offstage, talkerAgent } from '../e2e/offstage.ts'
import { TestHome, accepted, fact, never, until } from '../home.ts'
import { asNobody, canBeNobody, isRoot, nobody } from '../machine.ts'
import { openRequest, prints, programSpec, start, talkerSpec, tell } from '../sessions.ts'

const uid = process.getuid?.() ?? 0

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).map((entry) => join(entry.parentPath, entry.name))
}

/** What a user without rights gets from this program; '' when nothing. */
function asNobodyRun(...command: string[]): string {
  const [program = '', ...args] = [...asNobody, ...command]
  return spawnSync(program, args, { encoding: 'utf8', cwd: '/', env: { PATH: process.env['PATH'] ?? '' }, timeout: 10_000 }).stdout
}

/** Says what a socket said within a moment, or why it could not be reached. */
const connecting = `const s = require('net').connect(process.argv[1]); let heard = ''
s.on('data', (d) => (heard += d.toString('latin1'))).on('error', (e) => (heard += e.code)).on('close', () => done())
const done = () => { console.log(JSON.stringify(heard)); process.exit() }
setTimeout(done, 500)`

test.skipIf(!canBeNobody())('another user can list, read and connect to nothing of ours, also when umask was 0', async () => {
  const before = process.umask(0)
  try {
    await using home = new TestHome({}, { bare: true })
    // Everybody may come as far as the home itself.
    chmodSync(home.folder, 0o755)
    const client = await home.client()
    const session = await start(client, home, programSpec('/', ['sh', '-c', 'echo up; sleep 100000']))
    await prints(client, session, 'up')
    const root = join(home.folder, 'home')
    const all = [root, ...filesUnder(root)]
    expect(all.some((path) => path.endsWith('.sock'))).toBe(true)
    expect(asNobodyRun('ls', '-la', root)).toBe('')
    for (const path of all.filter((one) => lstatSync(one).isFile())) expect([path, asNobodyRun('cat', path)]).toEqual([path, ''])
    for (const path of all.filter((one) => lstatSync(one).isSocket())) expect([path, asNobodyRun(process.execPath, '-e', connecting, path).trim()]).toEqual([path, '"EACCES"'])
    // Not even what lies in them is open, should a folder above be opened one day.
    expect(all.filter((path) => (lstatSync(path).mode & 0o077) !== 0 && !path.includes('/cache/'))).toEqual([])
  } finally {
    process.umask(before)
  }
})

test.skipIf(!canBeNobody())('a keeper speaks to its own user only, also when the way to its socket is open', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, programSpec('/', ['cat']))
  const view = await until(client, session, ({ attach }) => attach !== null)
  const socket = view.attach?.socket ?? ''
  for (const folder of [home.folder, join(home.folder, 'home'), join(home.folder, 'home', 'sockets')]) chmodSync(folder, 0o755)
  chmodSync(socket, 0o666)
  expect(JSON.parse(asNobodyRun(process.execPath, '-e', connecting, socket))).toMatch(/^(ECONNRESET|EPIPE)?$/)
  expect((await client.get(session, never))?.session.run?.alive).toBe(true)
  for (const folder of [home.folder, join(home.folder, 'home'), join(home.folder, 'home', 'sockets')]) chmodSync(folder, 0o700)
})

test('a home that others could enter is closed by each start of a daemon', async () => {
  await using home = new TestHome()
  const root = join(home.folder, 'home')
  const folders = ['', 'runs', 'sockets', 'cache'].map((name) => join(root, name))
  const modes = (): readonly number[] => folders.map((folder) => lstatSync(folder).mode & 0o777)
  for (const folder of folders) mkdirSync(folder, { recursive: true })
  for (let start = 0; start < 2; start++) {
    for (const folder of folders) chmodSync(folder, 0o755)
    const client = await home.client()
    expect(modes()).toEqual([0o700, 0o700, 0o700, 0o700])
    await client.stopDaemon(never)
  }
})

/** Nothing was started in it, so there is nothing to end. */
function discard(home: TestHome): void {
  expect(home.processes()).toEqual([])
  rmSync(home.folder, { recursive: true })
}

/** How much there is, and what, so that a change is seen. */
const picture = (path: string): unknown => [lstatSync(path).uid, lstatSync(path).mode, lstatSync(path).isDirectory() ? readdirSync(path) : '']

test.skipIf(!isRoot).each(['home', 'home/runs', 'home/sockets', 'home/cache'])(
  'a folder of another user in the place of %s is refused in one line and left as it is',
  async (place) => {
    const home = new TestHome({}, { bare: true })
    const path = join(home.folder, place)
    mkdirSync(join(home.folder, 'home'), { mode: 0o700, recursive: true })
    mkdirSync(path, { recursive: true })
    chownSync(path, nobody, nobody)
    const before = picture(path)
    const ran = await offstage(home, ['bg', '--', 'true'])
    expect([ran.code, ran.out, isOneClearLine(ran.err), ran.err.includes('another user')]).toEqual([5, '', true, true])
    expect(picture(path)).toEqual(before)
    chownSync(path, uid, uid)
    discard(home)
  },
)

test.each(['home', 'home/runs', 'home/sockets', 'home/cache'])('a symbolic link in the place of %s is refused in one line and not followed', async (place) => {
  const home = new TestHome({}, { bare: true })
  const elsewhere = join(home.folder, 'elsewhere')
  mkdirSync(elsewhere)
  const path = join(home.folder, place)
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  symlinkSync(elsewhere, path)
  const ran = await offstage(home, ['bg', '--', 'true'])
  expect([ran.code, ran.out, isOneClearLine(ran.err), ran.err.includes('symbolic link')]).toEqual([5, '', true, true])
  expect(readdirSync(elsewhere)).toEqual([])
  rmSync(path)
  discard(home)
})

test.each(['offstage.db', 'daemon.log', 'daemon.lock'])('a symbolic link in the place of %s does not make us write elsewhere', async (name) => {
  const home = new TestHome({}, { bare: true })
  const root = join(home.folder, 'home')
  mkdirSync(root, { mode: 0o700 })
  const victim = join(home.folder, 'victim')
  writeFileSync(victim, 'precious', { mode: 0o644 })
  symlinkSync(victim, join(root, name))
  // In a folder that only we can write such a link is our own doing; it may be used or refused, but nothing that was there before is lost.
  const ran = await offstage(home, ['ls'])
  if (ran.code !== 0) expect([ran.code, isOneClearLine(ran.err)]).toEqual([5, true])
  expect(readFileSync(victim, 'utf8').startsWith('precious')).toBe(true)
  rmSync(join(root, name))
  await home.close()
})

const longHome = (home: TestHome): string => join(home.folder, 'l'.repeat(120), 'home')

test('a home whose path is too long for a socket works, with its sockets elsewhere and closed', async () => {
  const scout = new TestHome({}, { bare: true })
  const path = longHome(scout)
  const env = { ...scout.env, OFFSTAGE_HOME: path }
  const { sockets } = pathsFrom(env, uid)
  try {
    const started = await offstage(scout, ['bg', '--json', '--', 'sh', '-c', 'echo out; sleep 100000'], { env })
    expect([started.code, started.err]).toEqual([0, ''])
    const { id } = JSON.parse(started.out) as SessionView
    expect(sockets.startsWith('/tmp/offstage-')).toBe(true)
    expect(lstatSync(sockets).mode & 0o777).toBe(0o700)
    expect((await offstage(scout, ['ls'], { env })).out.split('\t')[0]).toBe(id)
    expect((await offstage(scout, ['end', id], { env })).code).toBe(0)
    expect((await offstage(scout, ['daemon', 'stop'], { env })).code).toBe(0)
  } finally {
    rmSync(sockets, { recursive: true, force: true })
    await scout.close()
  }
})

test.each(['a symbolic link', 'a file', ...(isRoot ? ['a folder of another user'] : [])])(
  '%s where the sockets of such a home would be is refused in one line and left alone',
  async (what) => {
    const home = new TestHome({}, { bare: true })
    const env = { ...home.env, OFFSTAGE_HOME: longHome(home) }
    const { sockets } = pathsFrom(env, uid)
    const elsewhere = join(home.folder, 'elsewhere')
    mkdirSync(elsewhere)
    try {
      if (what === 'a symbolic link') symlinkSync(elsewhere, sockets)
      else if (what === 'a file') writeFileSync(sockets, '')
      else {
        mkdirSync(sockets)
        chownSync(sockets, nobody, nobody)
      }
      const before = picture(sockets)
      const ran = await offstage(home, ['bg', '--', 'true'], { env })
      expect([ran.code, ran.out, isOneClearLine(ran.err)]).toEqual([5, '', true])
      expect([readdirSync(elsewhere), picture(sockets)]).toEqual([[], before])
    } finally {
      rmSync(sockets, { recursive: true, force: true })
      discard(home)
    }
  },
)

test('without HOME, and with one that cannot be used, there is one clear line', async () => {
  const home = new TestHome({}, { bare: true })
  const environments: readonly Readonly<Record<string, string>>[] = [
    { HOME: '', OFFSTAGE_HOME: '', XDG_STATE_HOME: '' },
    { HOME: 'relative', OFFSTAGE_HOME: '', XDG_STATE_HOME: '' },
    { HOME: '/proc/nowhere', OFFSTAGE_HOME: '', XDG_STATE_HOME: '' },
    { OFFSTAGE_HOME: '/dev/null/below' },
  ]
  for (const env of environments) {
    const ran = await offstage(home, ['ls'], { env })
    expect([env, ran.code, ran.out, isOneClearLine(ran.err)]).toEqual([env, 5, '', true])
  }
  discard(home)
})

const evil = [
  '../../evil',
  '$(touch pwned)',
  '`touch pwned`',
  '; touch pwned',
  '--help',
  '-rf',
  'a\nb',
  '\u202eevil\u2066',
  '\u001b]0;evil\u0007',
  '\'"',
  '',
  ' ',
  '%s%n',
  '~',
  'é'.repeat(300),
]

test('hostile names as label, title, agent, prompt and directory: nothing is run, nothing is made outside of the home, lists stay one line a session', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const ids: string[] = []
  for (const name of evil) {
    const cwd = join(home.project, name.replaceAll('/', '_') === '' ? 'empty' : name.replaceAll('/', '_').slice(0, 80))
    mkdirSync(cwd, { recursive: true })
    const spec = { ...programSpec(cwd, ['sh', '-c', 'pwd; sleep 100000', name]), agent: name || 'none' }
    ids.push(await start(client, home, spec, undefined, { title: name, ...(name === '' ? {} : { label: name }) }))
  }
  const before = filesUnder(home.folder).filter((path) => !path.startsWith(join(home.folder, 'home')))
  for (const id of ids) await fact(client, id, ({ type }) => type === 'run-started')
  for (const args of [['ls'], ['ls', '--all'], ['requests']]) {
    const { out } = await offstage(home, args)
    // oxlint-disable-next-line no-control-regex
    expect([args, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.exec(out)]).toEqual([args, null])
    if (args[0] === 'ls')
      expect(
        out
          .trimEnd()
          .split('\n')
          .map((line) => line.split('\t').length),
      ).toEqual(ids.map(() => 8))
  }
  const ran = await offstage(home, ['stop', '--', '--help'])
  expect([ran.code, ran.err]).toEqual([0, ''])
  for (const name of ['../../evil', '$(touch pwned)', '-rf']) await offstage(home, ['label', ids[0] ?? '', '--', name])
  // A session is named by its own id, never by what somebody called it.
  expect(readdirSync(join(home.folder, 'home', 'runs')).toSorted()).toEqual(ids.toSorted())
  expect(filesUnder(home.folder).filter((path) => !path.startsWith(join(home.folder, 'home')))).toEqual(before)
  expect([existsSync(join(home.folder, 'evil')), existsSync(join(home.project, 'pwned')), existsSync(join(home.folder, 'pwned'))]).toEqual([false, false, false])
})

test('what is typed into a terminal, told to a secret field and given as environment is in no file, no argument and no log of ours', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const canaries = { typed: 'canary-typed-81f2', told: 'canary-told-93c4', given: 'canary-given-07aa' }
  const reads = programSpec(home.project, ['sh', '-c', 'stty -echo; echo ready; read line; echo "got ${#line} $CANARY" | tr a-z A-Z; sleep 100000'])
  const terminal = await start(first, { ...home, env: { ...home.env, CANARY: canaries.given } } as unknown as TestHome, reads)
  await prints(first, terminal, 'ready')
  expect(await first.write(terminal, Buffer.from(`${canaries.typed}\r`), never)).toBeUndefined()
  await prints(first, terminal, `GOT ${canaries.typed.length}`)
  const agent = await start(first, home, talkerSpec(home.project), 'form\nask go on?')
  const form = await openRequest(first, agent)
  accepted(await tell(first, agent, { type: 'answer', requestId: form.id, answer: { kind: 'form', fields: { name: 'me', token: canaries.told } } }))
  await until(first, agent, ({ requests }) => requests.some(({ id }) => id !== form.id))
  await home.killDaemon()
  await (await home.client()).list({ all: true }, never)
  const root = join(home.folder, 'home')
  for (const [what, canary] of Object.entries(canaries)) {
    const holding = filesUnder(root).filter((path) => lstatSync(path).isFile() && readFileSync(path).includes(canary))
    // The agent itself repeats what it was told, in its own words: that is its output and its message, which we were asked to keep.
    expect([what, holding.filter((path) => what !== 'told' || (!/\/out\.\d+$/.test(path) && !/offstage\.db(-wal)?$/.test(path)))]).toEqual([what, []])
    expect([what, home.processes().filter(({ command }) => command.includes(canary))]).toEqual([what, []])
  }
  // ps shows arguments to everybody.
  expect(execFileSync('ps', ['axww', '-o', 'args='], { encoding: 'utf8' })).not.toMatch(/canary-(typed|told|given)/)
})

test('a prompt that was piped in is in no argument and no environment, where everybody or every child could read it', async () => {
  await using home = new TestHome()
  const canary = 'canary-prompt-55aa'
  expect((await offstage(home, ['bg', '--agent', talkerAgent, '-'], { input: `ask ${canary}` })).code).toBe(0)
  const client = await home.client()
  const [view] = await client.list({ all: true }, never)
  expect((await openRequest(client, view?.id ?? '')).title).toBe(canary)
  const ours = home.processes()
  expect(ours.length).toBeGreaterThanOrEqual(3)
  for (const { pid, command } of ours) {
    expect([command, command.includes(canary)]).toEqual([command, false])
    expect([command, readFileSync(`/proc/${pid}/environ`, 'latin1').includes(canary)]).toEqual([command, false])
  }
})
