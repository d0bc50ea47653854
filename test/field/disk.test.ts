// The disk of the home is full, or cannot be written at all: programs wait, commands say why, nothing that was said is lost, and it all goes on when there is room. Needs root and loop devices.

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isOneClearLine, offstage } from '../e2e/offstage.ts'
import { isRefusal } from '../../src/core/errors.ts'
import { TestHome, accepted, never, newId, until } from '../home.ts'
import { type LoopDisk, asNobody, canBeNobody, canLoop, cpuTicks, isRunning, loopDisk, pause } from '../machine.ts'
import { heard, output, prints, programSpec, start, talkerSpec, tell } from '../sessions.ts'

const loops = canLoop()

const free = (disk: LoopDisk): number => Number(execFileSync('df', ['--output=avail', '-B1', disk.path], { encoding: 'utf8' }).split('\n')[1])

/** To the last byte. Most of it is only promised, so that it takes no time; what the file system keeps for itself is not known, so that the rest is written. */
function fill(disk: LoopDisk): void {
  execFileSync('sh', ['-c', 'fallocate -l "$1" "$2/filler"; cat /dev/zero > "$2/rest" 2> /dev/null; true', 'sh', String(Math.floor(free(disk) * 0.95)), disk.path])
}

function empty(disk: LoopDisk): void {
  for (const name of ['filler', 'rest']) rmSync(join(disk.path, name), { force: true })
}

const logged = (disk: LoopDisk): number => Number(execFileSync('sh', ['-c', 'cat "$1"/home/runs/*/*/out.* | wc -c', 'sh', disk.path], { encoding: 'utf8' }))

test.skipIf(!loops)('a disk that fills up: the program waits, nothing is lost, and it goes on when there is room', async () => {
  using disk = loopDisk(512 * 1024 ** 2)
  await using home = new TestHome({ OFFSTAGE_HOME: join(disk.path, 'home') })
  const client = await home.client()
  const talking = await start(client, home, talkerSpec(home.project), 'say one')
  await until(client, talking, ({ status }) => status === 'completed')
  // About 5 MB, in pieces of 64 kB.
  const lines = 'i=0; while [ $i -lt 70 ]; do i=$((i+1)); seq $((i * 10000)) $((i * 10000 + 9999)); sleep 0.02; done; echo the end'
  const printing = await start(client, home, programSpec('/', ['sh', '-c', lines]))
  await prints(client, printing, '20000')
  fill(disk)
  await settled(disk)
  const { run } = (await client.get(printing, never))?.session ?? {}
  expect(isRunning(run?.pid ?? 0)).toBe(true)
  // No fact can say it any more.
  expect((await client.get(printing, never))?.session.reason).toBe('held: the disk is full: free some space, and it goes on by itself')
  const { pid } = await client.daemonStatus(never)
  const before = cpuTicks(pid)
  await pause(1000)
  expect(cpuTicks(pid) - before).toBeLessThan(30)
  // Reading works; what has to be recorded is refused with the reason, or done.
  expect((await client.list({ all: true }, never)).length).toBe(2)
  const label = await client
    .submit({ session: talking, commandId: newId(), command: { type: 'label', label: 'x'.repeat(900) } }, never)
    .catch((cause: Error) => ({ refused: 'failed', message: cause.message }))
  if (isRefusal(label)) expect(label.message).toMatch(/disk is full|no space/i)
  empty(disk)
  const expected = Array.from({ length: 70 }, (_, i) => Array.from({ length: 10_000 }, (__, j) => `${(i + 1) * 10_000 + j}\r\n`).join('')).join('')
  await until(client, printing, ({ status }) => status === 'completed')
  const found = (await output(client, printing)).toString('latin1')
  expect([found.length, found === `${expected}the end\r\n`]).toEqual([expected.length + 9, true])
  accepted(await tell(client, talking, { type: 'prompt', text: 'say two' }))
  await until(client, talking, ({ status, activity }) => status === 'completed' && activity === 'two')
  expect(heard(home.project).map(({ text }) => text)).toEqual(['say one', 'say two'])
})

test.skipIf(!loops)('less room than is kept free: the program waits before the disk is full, the list says why, and it goes on when there is room', async () => {
  using disk = loopDisk(400 * 1024 ** 2)
  await using home = new TestHome({ OFFSTAGE_HOME: join(disk.path, 'home') })
  const client = await home.client()
  const session = await start(client, home, programSpec('/', ['sh', '-c', 'echo up; read line; seq 300000; echo the end']))
  await prints(client, session, 'up')
  // Less than the 2 % that are to stay free.
  execFileSync('fallocate', ['-l', String(free(disk) - 6 * 1024 ** 2), join(disk.path, 'filler')])
  await client.write(session, Buffer.from('\r'), never)
  const held = await until(client, session, ({ reason }) => reason.startsWith('held'))
  expect([held.status, held.reason, held.run?.alive]).toEqual(['working', 'held: the disk is full: free some space, and it goes on by itself', true])
  expect((await offstage(home, ['ls'])).out).toContain('the disk is full')
  empty(disk)
  await until(client, session, ({ status }) => status === 'completed')
  expect((await output(client, session)).toString('latin1').endsWith('\r\n300000\r\nthe end\r\n')).toBe(true)
})

/** Until nothing more is written. */
async function settled(disk: LoopDisk): Promise<void> {
  for (let before = -1, now = logged(disk); now !== before; now = logged(disk)) {
    before = now
    await pause(400)
  }
}

test.skipIf(!loops)('a full disk: a command says that it is full, in one line, and the next one after some room was made works', async () => {
  using disk = loopDisk(64 * 1024 ** 2)
  await using home = new TestHome({ OFFSTAGE_HOME: join(disk.path, 'home') })
  const client = await home.client()
  const session = await start(client, home, programSpec('/', ['sleep', '100000']))
  await until(client, session, ({ status }) => status === 'working')
  fill(disk)
  // The database may have some room left in itself.
  const label = (n: number) => offstage(home, ['label', session, `${n} ${'x'.repeat(900)}`])
  let full = await label(0)
  for (let n = 1; full.code === 0 && n < 20; n++) full = await label(n)
  expect([full.code, full.out, isOneClearLine(full.err), /disk is full/.test(full.err)]).toEqual([1, '', true, true])
  // A daemon that has to start now does, or says in one line what is missing.
  const { run } = (await client.get(session, never))?.session ?? {}
  await home.killDaemon()
  const listed = await offstage(home, ['ls'])
  if (listed.code !== 0) expect([listed.code, listed.out, isOneClearLine(listed.err), /disk is full|no space/.test(listed.err)]).toEqual([5, '', true, true])
  empty(disk)
  expect((await offstage(home, ['label', session, 'named'])).code).toBe(0)
  expect((await client.get(session, never))?.session).toMatchObject({ label: 'named', status: 'working', run })
})

test.skipIf(!loops)('a home on a disk that is read-only: one clear line, exit code 5, and it works when it is writable again', async () => {
  using disk = loopDisk(32 * 1024 * 1024)
  await using home = new TestHome({ OFFSTAGE_HOME: join(disk.path, 'home') })
  expect((await offstage(home, ['ls'])).code).toBe(0)
  expect((await offstage(home, ['daemon', 'stop'])).code).toBe(0)
  execFileSync('mount', ['-o', 'remount,ro', disk.path])
  try {
    const ran = await offstage(home, ['bg', '--', 'true'])
    expect([ran.code, ran.out, isOneClearLine(ran.err), /EROFS|read-only|written/.test(ran.err)]).toEqual([5, '', true, true])
  } finally {
    execFileSync('mount', ['-o', 'remount,rw', disk.path])
  }
  expect((await offstage(home, ['ls'])).code).toBe(0)
})

test.skipIf(!canBeNobody())('a home where this user cannot write: one clear line and exit code 5', async () => {
  const home = new TestHome()
  const [setpriv = '', ...args] = asNobody
  const { launcher } = await import('../e2e/offstage.ts')
  const ran = ((): { code: number; err: string } => {
    try {
      execFileSync(setpriv, [...args, process.execPath, launcher, 'ls'], {
        cwd: '/',
        env: { ...home.env, OFFSTAGE_HOME: '/root/offstage-home' },
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
      })
      return { code: 0, err: '' }
    } catch (cause) {
      const { status, stderr } = cause as { status: number; stderr: string }
      return { code: status, err: stderr }
    }
  })()
  expect([ran.code, isOneClearLine(ran.err)]).toEqual([5, true])
  await home.close()
})
