// A daemon that was killed comes back: what every keeper program does, at its own pace.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { encodeStartFile, type StartFile } from '../../src/keeper/start-file.ts'
import { processRuns, processStat } from '../../src/keeper/process-stat.ts'
import { path, startRun, temporaryFolder, type TestRun, until } from './keepers.ts'

export type Watched = { folder: string; startFile: string; runs: readonly TestRun[] } & AsyncDisposable

/** Keepers that know the start file, whether it is there or not. */
export async function watched(binary: string, count: number, start?: StartFile, argv: readonly string[] = ['cat']): Promise<Watched> {
  const folder = await temporaryFolder()
  const startFile = join(folder.path, 'start')
  if (start !== undefined) await writeFile(startFile, encodeStartFile(start), { mode: 0o600 })
  const runs = await Promise.all(Array.from({ length: count }, () => startRun(argv, { binary, startFile })))
  await writeFile(join(folder.path, 'sockets'), runs.map((run) => `${run.socketPath}\n`).join(''))
  return {
    folder: folder.path,
    startFile,
    runs,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(runs.map((run) => run[Symbol.asyncDispose]()))
      for (const pid of await pidsIn(folder.path, 'started')) await end(pid)
      await folder[Symbol.asyncDispose]()
    },
  }
}

export function fakeDaemon(folder: string, ...more: string[]): StartFile {
  return { argv: [process.execPath, fileURLToPath(new URL('./fake-daemon.ts', import.meta.url)), folder, ...more], env: { PATH: path } }
}

export async function pidsIn(folder: string, name: 'started' | 'came'): Promise<number[]> {
  return (await readFile(join(folder, name), 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number)
}

/** As a user does it: by hand, not by a keeper. */
export async function startByHand(folder: string, ...more: string[]): Promise<number> {
  const before = (await pidsIn(folder, 'came')).length
  const [program = '', ...args] = fakeDaemon(folder, ...more).argv
  execFile(program, args).unref()
  await until(async () => (await pidsIn(folder, 'came')).length > before, 'the daemon to come')
  return (await pidsIn(folder, 'came')).at(-1) ?? 0
}

export async function end(pid: number): Promise<void> {
  const stat = await processStat(pid)
  if (stat === undefined || stat.zombie) return
  process.kill(pid, 'SIGKILL')
  await until(async () => !(await processRuns(stat)), `process ${pid} to end`)
}

export function revivalContract(binary: string): void {
  test('a daemon that was killed is started again, once, by one of its keepers', async () => {
    await using some = await watched(binary, 3)
    await writeFile(some.startFile, encodeStartFile(fakeDaemon(some.folder)), { mode: 0o600 })
    const killed = await startByHand(some.folder)
    const fromMs = Date.now()
    await end(killed)
    await until(async () => (await pidsIn(some.folder, 'came')).length === 2, 'a daemon to come back')
    expect(Date.now() - fromMs).toBeGreaterThanOrEqual(950)
    // The others would have begun by now.
    await new Promise((resolve) => {
      setTimeout(resolve, fromMs + 3200 - Date.now())
    })
    expect((await pidsIn(some.folder, 'started')).length).toBe(2)
  })
}
