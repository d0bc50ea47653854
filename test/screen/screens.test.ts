// The worker behind `Screens`: logs of many kinds in run folders, checkpoints, and what happens when it is stuck or dies.

import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Screen } from '../../src/screen/screen.ts'
import { Screens, type ScreensOptions, type Snapshot } from '../../src/screen/screens.ts'
import { settle } from '../home.ts'

const never = new AbortController().signal
const size = { columns: 40, rows: 10 }
const mebibyte = 1024 * 1024

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function runFolder(): { folder: string; size: typeof size } {
  const folder = mkdtempSync(join(tmpdir(), 'os-screen-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  return { folder, size }
}

/** With time enough for a machine that has other things to do. */
function open(options: ScreensOptions = {}): Screens {
  const screens = new Screens({ deadlineMs: 20_000, cursorDeadlineMs: 20_000, ...options })
  cleanups.push(() => screens.close())
  return screens
}

const segment = (folder: string, start = 0): string => join(folder, `out.${String(start).padStart(20, '0')}`)
const log = (folder: string, text: string): void => appendFileSync(segment(folder), text)
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index} of ${count}\r\n`).join('')

/** Without what is not said by the text on the screen. */
function shown(snapshot: Snapshot | undefined): string[] {
  if (!snapshot) return []
  const screen = new Screen(snapshot)
  screen.write(snapshot.bytes)
  const { buffer } = screen.core._bufferService
  return Array.from({ length: snapshot.rows }, (_, row) =>
    (buffer.lines.get(buffer.ybase + row) as unknown as { translateToString(trim: boolean): string }).translateToString(true),
  )
}

test('a snapshot is of the whole log, and goes on with it', async () => {
  const of = runFolder()
  const screens = open()
  log(of.folder, 'hello\r\n\x1b[31mworld')
  const first = await screens.snapshot(of, never)
  expect(first).toMatchObject({ offset: 17, ...size })
  expect(shown(first).slice(0, 2)).toEqual(['hello', 'world'])
  log(of.folder, '\x1b[2J\x1b[Hnew')
  expect(shown(await screens.snapshot(of, never))[0]).toBe('new')
})

test('the text of a screen is what stands on it now, row by row, and nothing of what is above', async () => {
  const of = runFolder()
  const screens = open()
  expect(await screens.text(of)).toEqual({ offset: 0, rows: Array.from({ length: 10 }, () => '') })
  log(of.folder, `${lines(12)}\x1b[31mred\x1b[0m  \x1b[5;3Hé✓漢  x`)
  const text = await screens.text(of)
  expect(text?.rows).toHaveLength(10)
  expect([text?.rows[0], text?.rows[4], text?.rows[9]]).toEqual(['line 3 of 12', 'lié✓漢  x 12', 'red'])
  log(of.folder, '\x1b[?1049h\x1b[Hfull screen')
  expect((await screens.text(of))?.rows.slice(0, 2)).toEqual(['full screen', ''])
})

test('a run without a byte has an empty screen', async () => {
  const of = runFolder()
  expect(await open().snapshot(of, never)).toMatchObject({ offset: 0, ...size })
})

test('a folder that is not there has no screen, and the next question is answered', async () => {
  const of = runFolder()
  const screens = open()
  expect(await screens.snapshot({ folder: join(of.folder, 'gone'), size }, never)).toBeUndefined()
  expect(await screens.snapshot(of, never)).toBeDefined()
})

test('sizes are in force from their offset on', async () => {
  const of = runFolder()
  log(of.folder, `${'a'.repeat(60)}\r\n`)
  writeFileSync(join(of.folder, 'sizes'), '0 30 10\n62 20 5\n')
  log(of.folder, `${'b'.repeat(60)}`)
  const snapshot = await open().snapshot(of, never)
  expect(snapshot).toMatchObject({ columns: 20, rows: 5 })
  expect(shown(snapshot)).toEqual(['a'.repeat(20), 'a'.repeat(20), 'b'.repeat(20), 'b'.repeat(20), 'b'.repeat(20)])
})

test('a size that comes to be known after its bytes were read counts all the same', async () => {
  const of = runFolder()
  const screens = open()
  log(of.folder, 'text')
  await screens.snapshot(of, never)
  writeFileSync(join(of.folder, 'sizes'), '4 50 12\n')
  expect(await screens.snapshot(of, never)).toMatchObject({ columns: 50, rows: 12 })
})

test('a screen is laid out in a new size when asked, and keeps it', async () => {
  const of = runFolder()
  const screens = open()
  log(of.folder, `${'a'.repeat(50)}\r\n`)
  const snapshot = await screens.snapshot({ ...of, resizeTo: { columns: 60, rows: 8 } }, never)
  expect(snapshot).toMatchObject({ columns: 60, rows: 8 })
  expect(shown(snapshot)[0]).toBe('a'.repeat(50))
  expect(await screens.snapshot(of, never)).toMatchObject({ columns: 60, rows: 8 })
})

test('the cursor is where it was after exactly so many bytes, also when more was read since', async () => {
  const of = runFolder()
  const screens = open()
  log(of.folder, 'abc\x1b[5;7H\x1b[6nxyz')
  expect(await screens.cursor(of, 13)).toEqual({ row: 5, column: 7 })
  await screens.snapshot(of, never)
  expect(await screens.cursor(of, 3)).toEqual({ row: 1, column: 4 })
  expect(await screens.cursor(of, 16)).toEqual({ row: 5, column: 10 })
})

test('a worker that ends leaves a checkpoint, and the next one goes on from it', async () => {
  const of = runFolder()
  log(of.folder, `${lines(100)}\x1b[?25l\x1b[33mhere\x1b[?10`)
  const first = open()
  const before = await first.snapshot(of, never)
  await first.close()
  expect(statSync(join(of.folder, 'screen')).mode & 0o777).toBe(0o600)
  // Nothing of the log is needed any more.
  const end = statSync(segment(of.folder)).size
  rmSync(segment(of.folder))
  writeFileSync(segment(of.folder, end), '')
  expect(await open().snapshot(of, never)).toEqual(before)
  writeFileSync(segment(of.folder, end), '49hfull')
  const after = await open().snapshot(of, never)
  expect(shown(after).at(-1)).toBe('    full')
})

test.each([
  ['empty', () => ''],
  ['of another version', (good: string) => good.replace('"version":1', '"version":2')],
  ['cut short', (good: string) => good.slice(0, -1)],
  ['not JSON', () => 'screen\n'],
  ['of more bytes than there are', (good: string) => good.replace(/"offset":\d+/, '"offset":999999')],
  ['without a size', (good: string) => good.replace('"columns"', '"colums"')],
])('a checkpoint that is %s is not used', async (_what, spoil) => {
  const of = runFolder()
  log(of.folder, lines(30))
  const first = open()
  const before = await first.snapshot(of, never)
  await first.close()
  const path = join(of.folder, 'screen')
  writeFileSync(path, spoil(readFileSync(path, 'latin1')), 'latin1')
  expect(await open().snapshot(of, never)).toEqual(before)
})

test('a checkpoint that is a link is neither read nor written through', async () => {
  const of = runFolder()
  const elsewhere = join(of.folder, 'elsewhere')
  writeFileSync(elsewhere, 'untouched')
  symlinkSync(elsewhere, join(of.folder, 'screen'))
  symlinkSync(elsewhere, join(of.folder, 'screen.tmp'))
  log(of.folder, 'text')
  const screens = open()
  expect(shown(await screens.snapshot(of, never))[0]).toBe('text')
  await screens.close()
  expect(readFileSync(elsewhere, 'utf8')).toBe('untouched')
})

test('where no checkpoint can be written there are screens all the same', async () => {
  const of = runFolder()
  mkdirSync(join(of.folder, 'screen.tmp'))
  writeFileSync(join(of.folder, 'screen.tmp', 'in the way'), '')
  chmodSync(of.folder, 0o500)
  const screens = open()
  expect(await screens.snapshot(of, never)).toBeDefined()
  await screens.close()
  chmodSync(of.folder, 0o700)
  expect(existsSync(join(of.folder, 'screen'))).toBe(false)
})

test('more screens than are kept warm are all right', async () => {
  const folders = Array.from({ length: 7 }, runFolder)
  const screens = open()
  for (const turn of ['one', 'two']) {
    for (const [index, of] of folders.entries()) {
      log(of.folder, `${turn} of ${index}\r\n`)
      expect(shown(await screens.snapshot(of, never)).findLast((line) => line !== '')).toBe(`${turn} of ${index}`)
    }
  }
})

test('a long log is skimmed: modes of its beginning and text of its end are there', async () => {
  const of = runFolder()
  log(of.folder, '\x1b]2;a title\x07\x1b[?2004h\x1b[?1h\x1b[31;1m')
  for (let written = 0; written < 10 * mebibyte; written += mebibyte) log(of.folder, `${'text that is not drawn, as long as this line is\r\n'.repeat(22_000)}\x1b[6;3H`)
  log(of.folder, `${lines(3000)}end`)
  const snapshot = await open().snapshot(of, never)
  expect(shown(snapshot).at(-1)).toBe('end')
  const said = Buffer.from(snapshot?.bytes ?? []).toString()
  for (const kept of ['\x1b]2;a title', '\x1b[?2004h', '\x1b[?1h', '\x1b[0;1;31m']) expect(said).toContain(kept)
  expect(snapshot?.offset).toBe(statSync(segment(of.folder)).size)
})

test('a log that was trimmed in its middle goes on behind the gap', async () => {
  const of = runFolder()
  writeFileSync(segment(of.folder), 'first\r\n\x1b]2;half a ti')
  writeFileSync(segment(of.folder, 1_000_000), 'tle that is lost\r\nafter the gap')
  const snapshot = await open().snapshot(of, never)
  expect(snapshot?.offset).toBe(1_000_031)
  expect(shown(snapshot).slice(0, 2)).toEqual(['first', 'after the gap'])
})

test('advancing writes a checkpoint in passing, and questions come first', async () => {
  const of = runFolder()
  const other = runFolder()
  const screens = open()
  log(other.folder, 'other')
  for (let written = 0; written < 4; written += 1) log(of.folder, lines(55_000))
  screens.advance(of)
  expect(shown(await screens.snapshot(other, never))[0]).toBe('other')
  const end = statSync(segment(of.folder)).size
  const offset = await settle(
    () => (existsSync(join(of.folder, 'screen')) ? Number(/"offset":(\d+)/.exec(readFileSync(join(of.folder, 'screen'), 'latin1'))?.[1]) : 0),
    (at) => at > end - mebibyte,
    20_000,
  )
  expect(offset).toBeGreaterThan(end - mebibyte)
})

test('a worker that does not answer in time is ended, what else was asked is asked of a new one', async () => {
  const slow = runFolder()
  const quick = runFolder()
  log(quick.folder, 'quick')
  for (let written = 0; written < 6; written += 1) log(slow.folder, `x${'\x1b[2147483647b\x1b[23;1H\x1bM'.repeat(50_000)}`)
  const warned: string[] = []
  // So short that not even the worker's start is in time.
  const screens = open({ deadlineMs: 5, warn: (message) => warned.push(message) })
  expect(await screens.snapshot(slow, never)).toBeUndefined()
  expect(warned).toEqual(['screens: no answer in 5 ms'])
  const patient = open()
  const [late, soon] = await Promise.all([patient.snapshot(slow, never), patient.snapshot(quick, never)])
  expect(late?.offset).toBe(statSync(segment(slow.folder)).size)
  expect(shown(soon)[0]).toBe('quick')
})

test('a question that was given up is no answer to the next', async () => {
  const of = runFolder()
  log(of.folder, lines(60_000))
  const screens = open()
  const giveUp = new AbortController()
  const first = screens.snapshot(of, giveUp.signal)
  const second = screens.snapshot(of, giveUp.signal)
  giveUp.abort(new Error('enough'))
  await expect(first).rejects.toThrow('enough')
  await expect(second).rejects.toThrow('enough')
  expect((await screens.snapshot(of, never))?.offset).toBe(statSync(segment(of.folder)).size)
})

test('a program that asks where its cursor is waits no longer than said', async () => {
  const of = runFolder()
  log(of.folder, lines(200_000))
  const screens = open({ cursorDeadlineMs: 1 })
  expect(await screens.cursor(of, statSync(segment(of.folder)).size)).toBeUndefined()
  expect(await screens.snapshot(of, never)).toBeDefined()
})

test('the worker ends when nobody asks, and comes back', async () => {
  const of = runFolder()
  log(of.folder, 'text')
  const screens = open({ idleAfterMs: 20 })
  await screens.snapshot(of, never)
  expect(await settle(() => existsSync(join(of.folder, 'screen')), Boolean)).toBe(true)
  expect(shown(await screens.snapshot(of, never))[0]).toBe('text')
})

test('closed, it answers nothing', async () => {
  const of = runFolder()
  const screens = open()
  const asked = screens.snapshot(of, never)
  await screens.close()
  expect(await asked).toBeUndefined()
  expect(await screens.snapshot(of, never)).toBeUndefined()
  expect(await screens.cursor(of, 0)).toBeUndefined()
  screens.advance(of)
})
