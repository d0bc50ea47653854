// Who answers the program's questions: the keeper says from which byte on somebody looks, and from which on nobody does.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { KeeperConnection } from '../../src/keeper/connection.ts'
import { binary, readUntil, root, startRun as startRunOf, type TestRun, until } from './keepers.ts'
import { sanitizerReports, testBuild } from './test-builds.ts'

const sanitized = testBuild({ sanitized: true, sendBuffer: 8192 })
/** Prints what it is sent, a line at a time; what is sent is not echoed. */
const printing = ['sh', '-c', 'stty -echo; echo ready; while read line; do echo "$line"; done']

type Said = { from: number; viewers: number; newest?: boolean }

/** What a connection is told, and the moments at which it has heard enough. */
class Attendance {
  readonly said: Said[] = []
  #wake = Promise.withResolvers<void>()

  constructor(connection: KeeperConnection) {
    connection.onAttended(({ from, viewers, newest }) => {
      this.said.push({ from, viewers, ...(newest ? { newest } : {}) })
      this.#wake.resolve()
      this.#wake = Promise.withResolvers<void>()
    })
  }

  async next(): Promise<Said | undefined> {
    const length = this.said.length
    while (this.said.length === length) await this.#wake.promise
    return this.said.at(-1)
  }
}

describe.each([
  ['the keeper of this source', binary],
  ['with sanitizers', sanitized],
])('%s', (_, program) => {
  const startRun = (argv: readonly string[] = printing): Promise<TestRun> => startRunOf(argv, { binary: program ?? binary, mode: 'pty' })

  /** Delivers a line, and waits until it was printed. */
  async function print(run: TestRun, id: number, text: string): Promise<number> {
    const connection = await run.connect()
    await connection.input({ lane: 1, id, bytes: Buffer.from(`${text}\n`) })
    const all = await readUntil(await run.connect(), `${text}\r\n`)
    return all.indexOf(`${text}\r\n`) + text.length + 2
  }

  test('the daemon is told each change, and from which byte on it holds', async () => {
    await using run = await startRun()
    const daemon = await run.connect({ role: 'daemon' })
    expect(daemon.hello.attends).toBe(true)
    const told = new Attendance(daemon)
    const ready = await readUntil(await run.connect(), 'ready\r\n')

    const first = await run.connect()
    const own = new Attendance(first)
    const heard = told.next()
    first.attend(true)
    expect(await own.next()).toEqual({ from: ready.length, viewers: 1, newest: true })
    expect(await heard).toEqual({ from: ready.length, viewers: 1 })

    const then = await print(run, 1, 'one')
    const second = await run.connect()
    const heardToo = told.next()
    second.attend(true)
    expect(await heardToo).toEqual({ from: then, viewers: 2 })
    const left = told.next()
    second.close() // no word of it
    expect(await left).toEqual({ from: then, viewers: 1 })

    const later = await print(run, 2, 'two')
    const off = told.next()
    first.attend(false)
    expect(await off).toEqual({ from: later, viewers: 0 })
    first.attend(false)
    await until(() => own.said.length === 5, 'the answer to an attend that changes nothing')
    expect(own.said).toEqual([
      { from: ready.length, viewers: 1, newest: true },
      // Of two the newer one answers, until it leaves.
      { from: then, viewers: 2 },
      { from: then, viewers: 1, newest: true },
      { from: later, viewers: 0 },
      { from: later, viewers: 0 },
    ])
    expect(told.said.length).toBe(4)
    expect(sanitizerReports()).toEqual([])
  })

  test('a daemon that comes is told what holds, and from where, also when nobody attends any more; where nobody ever did it is told nothing', async () => {
    await using run = await startRun()
    const ready = await readUntil(await run.connect(), 'ready\r\n')
    const early = await run.connect({ role: 'daemon' })
    const nothing = new Attendance(early)
    await readUntil(early, 'ready\r\n')
    expect(nothing.said).toEqual([])

    const viewer = await run.connect()
    const own = new Attendance(viewer)
    viewer.attend(true)
    await own.next()
    const then = await print(run, 1, 'one')
    const daemon = await run.connect({ role: 'daemon' })
    expect(await new Attendance(daemon).next()).toEqual({ from: ready.length, viewers: 1 })

    viewer.attend(false)
    await own.next()
    const late = await run.connect({ role: 'daemon' })
    expect(await new Attendance(late).next()).toEqual({ from: then, viewers: 0 })
    const other = await run.connect()
    const unasked = new Attendance(other)
    await readUntil(other, 'one\r\n')
    expect(unasked.said).toEqual([])
    // Whoever listens late is told the newest.
    const again: Said[] = []
    daemon.onAttended(({ from, viewers }) => again.push({ from, viewers }))
    expect(again.at(0)).toEqual({ from: then, viewers: 0 })
  })

  test('it is said before any byte from there on, while the program floods', async () => {
    await using run = await startRun(['sh', '-c', 'stty -echo; read go; yes flood'])
    const daemon = await run.connect({ role: 'daemon' })
    const viewer = await run.connect()
    const begun = Promise.withResolvers<void>()
    const wrong: string[] = []
    let changes = 0
    for (const connection of [daemon, viewer]) {
      let end = 0
      connection.onAttended(({ from }) => {
        changes++
        if (from < end) wrong.push(`${from} said behind ${end}`)
      })
      connection.read('out', 0, ({ offset, bytes }) => {
        end = offset + bytes.length
        if (end > 1_000_000) begun.resolve()
      })
    }
    await (await run.connect()).input({ lane: 1, id: 1, bytes: Buffer.from('\n') })
    await begun.promise
    for (let round = 1; round <= 20; round++) {
      viewer.attend(round % 2 === 1)
      await until(() => changes === 2 * round, `change ${round}`)
    }
    expect(wrong).toEqual([])
    viewer.signal(9)
    expect(sanitizerReports()).toEqual([])
  })

  test('a daemon that does not read is told the newest, and no more is attended than was', async () => {
    await using run = await startRun(['sh', '-c', 'stty -echo; echo ready; read go; echo more; sleep 100'])
    const daemon = await run.connect({ role: 'daemon' })
    const told = new Attendance(daemon)
    const ready = await readUntil(await run.connect(), 'ready\r\n')
    const viewer = await run.connect()
    const own = new Attendance(viewer)
    viewer.attend(true)
    while (told.said.length < 1) await told.next()
    daemon.pause()
    const changes = 60_000 // of 16 bytes: more than its socket and the keeper hold for it
    for (let n = 1; n <= changes; n++) viewer.attend(n % 2 === 0)
    await viewer.input({ lane: 1, id: 1, bytes: Buffer.alloc(0) }) // it has taken them all
    const control = await run.connect()
    await control.input({ lane: 1, id: 2, bytes: Buffer.from('\n') })
    const all = await readUntil(await run.connect(), 'more\r\n')
    viewer.attend(false)
    await until(() => own.said.at(-1)?.from === all.length, 'the last change')
    viewer.attend(true)
    daemon.resume()
    while (told.said.at(-1)?.viewers !== 1 || told.said.at(-1)?.from !== all.length) await told.next()
    // Nobody attended at some time among those that were merged: that is said before the newest.
    expect(told.said.slice(-2)).toEqual([
      { from: ready.length, viewers: 0 },
      { from: all.length, viewers: 1 },
    ])
    expect(told.said.length).toBeLessThan(changes)
    expect(sanitizerReports()).toEqual([])
  })
})

test('to attend on a keeper of an earlier release does nothing, and what follows is done', async (context) => {
  if (process.platform !== 'linux' || process.arch !== 'x64') context.skip()
  await using run = await startRunOf(printing, { binary: join(root, 'test/frozen/keeper-1-linux-x64'), mode: 'pty' })
  const viewer = await run.connect()
  const own = new Attendance(viewer)
  expect(viewer.hello.attends).toBe(false)
  viewer.attend(true)
  const printed = readUntil(viewer, 'after it\r\n')
  await viewer.input({ lane: 1, id: 1, bytes: Buffer.from('after it\n') })
  await printed
  expect(own.said).toEqual([])
})
