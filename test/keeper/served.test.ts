// When the keeper says what it has: at once, but where more at a time costs everybody less; and which sizes a terminal had.
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { binary, readUntil, startRun as startRunOf, type TestRun, until } from './keepers.ts'
import { sanitizerReports, testBuild } from './test-builds.ts'

const program = testBuild({ sanitized: true }) ?? binary
/** The keeper wakes half a second after its last byte at the latest: 16 times that, and this is over. */
const tooLongMs = 4000
const startRun = (argv: readonly string[]): Promise<TestRun> => startRunOf(argv, { binary: program, mode: 'pty' })

test('a key is acknowledged whether or not it is echoed', async () => {
  await using run = await startRun(['sh', '-c', 'stty -echo; echo ready; while read x; do stty "$x"; echo "$x set"; done'])
  const connection = await run.connect()
  let text = ''
  connection.read('out', 0, ({ bytes }) => {
    text += bytes.toString('latin1')
  })
  await until(() => text.includes('ready'), 'the program')
  const startedMs = performance.now()
  for (const key of 'nothing is shown') expect(await connection.input({ lane: 0, id: 0, bytes: Buffer.from(key) })).toBe('accepted')
  expect(performance.now() - startedMs).toBeLessThan(tooLongMs)
  expect(text).toBe('ready\r\n')
  await connection.input({ lane: 0, id: 0, bytes: Buffer.from('\x15echo\n') })
  await until(() => text.includes('echo set'), 'echo')
  text = ''
  const answers = ['k', 'e', 'y'].map((key) => connection.input({ lane: 0, id: 0, bytes: Buffer.from(key) }))
  expect(await Promise.all(answers)).toEqual(['accepted', 'accepted', 'accepted'])
  await until(() => text === 'key', 'the echo')
  expect(sanitizerReports()).toEqual([])
})

test('a daemon gets every byte of what comes in small pieces, the last ones without waiting for more', async () => {
  await using run = await startRun(['sh', '-c', 'stty -echo; echo ready; while read x; do echo "$x"; echo "$x again"; done'])
  const daemon = await run.connect({ role: 'daemon' })
  const viewer = await run.connect()
  let text = ''
  daemon.read('out', 0, ({ bytes }) => {
    text += bytes.toString('latin1')
  })
  await until(() => text === 'ready\r\n', 'the program')
  const startedMs = performance.now()
  let whole = text
  for (let n = 0; n < 16; n++) {
    whole += `${n}\r\n${n} again\r\n`
    await viewer.input({ lane: 0, id: 0, bytes: Buffer.from(`${n}\n`) })
    await until(() => text.length >= whole.length, 'the rest')
  }
  expect(text).toBe(whole)
  expect(performance.now() - startedMs).toBeLessThan(tooLongMs)
})

test('the sizes that a terminal had are kept, with the byte from which each holds, and no more than 1 MiB of them', async () => {
  await using run = await startRun(['sh', '-c', 'stty -echo; echo ready; read x; echo more; sleep 100'])
  const connection = await run.connect()
  const sizes = (): Promise<string> => readFile(join(run.folder, 'sizes'), 'latin1').catch(() => '')
  const ready = await readUntil(await run.connect(), 'ready\r\n')
  expect(await sizes()).toBe('')
  connection.resize({ cols: 100, rows: 30 })
  connection.resize({ cols: 100, rows: 30 })
  connection.resize({ cols: 0, rows: 30 })
  connection.resize({ cols: 101, rows: 31 })
  await connection.input({ lane: 1, id: 1, bytes: Buffer.from('\n') })
  const all = await readUntil(await run.connect(), 'more\r\n')
  connection.resize({ cols: 65_535, rows: 1 })
  await connection.input({ lane: 1, id: 2, bytes: Buffer.from('x') })
  const said = `${ready.length} 100 30\n${ready.length} 101 31\n${all.length} 65535 1\n`
  expect(await sizes()).toBe(said)
  expect((await stat(join(run.folder, 'sizes'))).mode & 0o777).toBe(0o600)

  await writeFile(join(run.folder, 'sizes'), '.'.repeat(1024 * 1024))
  connection.resize({ cols: 80, rows: 24 }) // not yet larger than 1 MiB
  connection.resize({ cols: 81, rows: 24 })
  await connection.input({ lane: 1, id: 3, bytes: Buffer.from('x') })
  expect((await run.connect()).hello.size).toEqual({ cols: 81, rows: 24 })
  expect((await sizes()).slice(1024 * 1024)).toBe(`${all.length} 80 24\n`)
  expect(sanitizerReports()).toEqual([])
})
