// `offstage agents hooks`: looks first, and writes only what its user agrees to.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Input } from '../../src/cli/verb.ts'
import { FakeClient } from './fake-client.ts'
import { offstage } from './run-cli.ts'

let home: string
let file: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'oh-'))
  mkdirSync(join(home, '.claude'))
  file = join(home, '.claude', 'settings.json')
  writeFileSync(file, '{\n  "model": "x"\n}\n')
})
afterEach(() => rmSync(home, { recursive: true }))

const run = (args: readonly string[], more: object = {}) => offstage(new FakeClient(), ['agents', ...args], { env: { HOME: home }, ...more })
const saying = (text: string): Input => {
  const stream = Object.assign(new PassThrough(), { isTTY: true })
  stream.write(text)
  return stream as unknown as Input
}
const isThere = (): boolean => readFileSync(file, 'utf8').includes('# offstage')

test('without a word it shows the change and makes none', async () => {
  const { code, out, err } = await run(['hooks', 'claude'])
  expect({ code, err }).toEqual({ code: 0, err: 'nothing was changed: offstage agents hooks claude --yes does it\n' })
  expect(out).toContain(`--- ${file}\n+++ ${file}\n  {\n-   "model": "x"\n+   "model": "x",\n+   "hooks": {\n`)
  expect(isThere()).toBe(false)
})

test('--yes makes it, once, and --undo --yes takes it back', async () => {
  expect((await run(['hooks', 'claude', '--yes'])).out).toBe(`written to ${file}\n   offstage agents hooks claude --undo   takes them out again\n`)
  expect(isThere()).toBe(true)
  expect((await run(['hooks', 'claude', '--yes'])).out).toBe(`${file} has them already\n`)
  expect((await run(['hooks', 'claude', '--undo', '--yes'])).out).toBe(`taken out of ${file}\n`)
  expect(readFileSync(file, 'utf8')).toBe('{\n  "model": "x"\n}\n')
  expect((await run(['hooks', 'claude', '--undo', '--yes'])).out).toBe(`${file} has no hooks of Offstage\n`)
})

test('on a terminal it asks, and only a yes is one', async () => {
  expect(await run(['hooks', 'claude'], { tty: true, stdin: saying('\n') })).toMatchObject({ code: 4, err: expect.stringContaining('nothing was changed') as string })
  expect(isThere()).toBe(false)
  expect((await run(['hooks', 'claude'], { tty: true, stdin: saying('y\n') })).out).toContain('written to')
  expect(isThere()).toBe(true)
})

test('as JSON it never asks', async () => {
  const { out } = await run(['hooks', 'claude', '--json'], { tty: true })
  expect(JSON.parse(out)).toMatchObject({ agent: 'claude', file, needed: true, changed: false })
  expect(isThere()).toBe(false)
})

test('what is no agent with hooks is refused in a line', async () => {
  expect(await run(['hooks'])).toMatchObject({ code: 2, err: expect.stringContaining('usage: offstage agents hooks NAME') as string })
  expect((await run(['hook', 'claude'])).code).toBe(2)
  expect((await run(['hooks', 'codex'])).err).toContain('no hook is known by which codex would tell more')
  expect((await run(['hooks', 'nobody'])).code).toBe(4)
  writeFileSync(file, '{ broken')
  expect((await run(['hooks', 'claude', '--yes'])).err).toContain('cannot be read as JSON')
  expect(readFileSync(file, 'utf8')).toBe('{ broken')
})
