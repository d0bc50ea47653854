// The files that agents keep of their processes: what is believed of them, and where they are looked for.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { agentNamed } from '../../src/catalogue/index.ts'
import { StateFolders, folderOf, readState, variablesOf } from '../../src/engine/state-files.ts'
import { startOf } from '../machine.ts'

const claude = agentNamed('claude')?.terminal?.stateFiles
if (!claude) throw new Error('claude keeps files of its state')

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'of-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const self = { pid: 4711, start: 1234 }
const keep = (text: string): void => writeFileSync(join(folder, '4711.json'), text)
const says = (more: object): string => JSON.stringify({ pid: 4711, procStart: '1234', status: 'waiting', waitingFor: 'permission prompt', ...more })
const read = (process = self) => readState(claude, folder, process)

describe('what is believed', () => {
  test.each([
    ['busy', { status: 'busy' }, { state: 'working' }],
    ['idle', { status: 'idle' }, { state: 'idle' }],
    ['a permission', {}, { state: 'blocked', kind: 'permission', message: 'permission prompt' }],
    ['a question', { waitingFor: 'input needed' }, { state: 'blocked', kind: 'question', message: 'input needed' }],
    ['something that is not known', { waitingFor: 'the moon' }, { state: 'blocked', message: 'the moon' }],
    ['nothing in particular', { waitingFor: undefined }, { state: 'blocked' }],
    ['words that are hostile', { waitingFor: `\u001b[31m${'x'.repeat(5000)}` }, { state: 'blocked', message: expect.stringMatching(/^[^\u001b]{1,200}$/) as string }],
    ['a start as a number', { procStart: 1234 }, { state: 'blocked', kind: 'permission', message: 'permission prompt' }],
  ])('%s', async (_, more, said) => {
    keep(says(more))
    expect(await read()).toEqual(said)
  })
})

describe('what is not believed', () => {
  test.each([
    ['another process with this pid', says({ procStart: '999' })],
    ['no start', says({ procStart: undefined })],
    ['another pid', says({ pid: 4712 })],
    ['a state that is not known', says({ status: 'sleeping' })],
    ['a state by a name that every object has', says({ status: 'constructor' })],
    ['a state that is no text', says({ status: { busy: 1 } })],
    ['no JSON', '{"pid": 4711'],
    ['a list', '[]'],
    ['nothing', ''],
    ['too much', says({ more: 'x'.repeat(70_000) })],
  ])('%s', async (_, text) => {
    keep(text)
    expect(await read()).toBeUndefined()
  })

  test('no file, a folder, a link, a pipe that nobody writes to', async () => {
    expect(await read()).toBeUndefined()
    mkdirSync(join(folder, '4711.json'))
    expect(await read()).toBeUndefined()
    rmSync(join(folder, '4711.json'), { recursive: true })
    writeFileSync(join(folder, 'other'), says({}))
    symlinkSync(join(folder, 'other'), join(folder, '4711.json'))
    expect(await read()).toBeUndefined()
    rmSync(join(folder, '4711.json'))
    execFileSync('mkfifo', [join(folder, '4711.json')])
    expect(await read()).toBeUndefined()
  })

  test('anything where the system tells no start of a process', async () => {
    keep(says({ procStart: '0' }))
    expect(await read({ pid: 4711, start: 0 })).toBeUndefined()
  })
})

test('the folder is where the environment of the program says', () => {
  expect(folderOf(claude, { HOME: '/home/kim' })).toBe('/home/kim/.claude/sessions')
  expect(folderOf(claude, { HOME: '/home/kim', CLAUDE_CONFIG_DIR: '/etc/claude' })).toBe('/etc/claude/sessions')
  expect(folderOf(claude, { HOME: 'relative' })).toBeUndefined()
  expect(folderOf(claude, {})).toBeUndefined()
})

test.runIf(process.platform === 'linux')('of the environment of a process only what is needed is taken', async () => {
  expect(startOf(process.pid)).toBeGreaterThan(0)
  expect(await variablesOf(claude, process.pid)).toEqual(expect.objectContaining({ HOME: expect.any(String) as string }))
  expect(Object.keys(await variablesOf(claude, process.pid)).filter((name) => name !== 'HOME' && name !== 'CLAUDE_CONFIG_DIR')).toEqual([])
  expect(await variablesOf(claude, 2 ** 30)).toEqual({})
})

test('a folder is watched for all who want to know, as long as there is one', async () => {
  const folders = new StateFolders()
  expect(folders.watch(join(folder, 'none'), () => {})).toBeUndefined()
  const heard: string[] = []
  const one = Promise.withResolvers<void>()
  const ends = [
    folders.watch(folder, (name) => heard.push(`first ${name}`)),
    folders.watch(folder, (name) => {
      heard.push(`second ${name}`)
      one.resolve()
    }),
  ]
  writeFileSync(join(folder, '1.json'), '{}')
  await one.promise
  expect(heard.slice(0, 2)).toEqual(['first 1.json', 'second 1.json'])
  for (const end of ends) end?.()
  heard.length = 0
  const again = Promise.withResolvers<void>()
  const end = folders.watch(folder, () => again.resolve())
  writeFileSync(join(folder, '2.json'), '{}')
  await again.promise
  end?.()
  expect(heard).toEqual([])
})
