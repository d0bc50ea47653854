// Hooks in an agent's own settings: only what was shown is written, and it can be taken back.

import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { catalogue } from '../../src/catalogue/index.ts'
import { type HookChange, applyChange, hookChange } from '../../src/config/agent-hooks.ts'
import { isRefusal } from '../../src/core/errors.ts'

let home: string
let file: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'oh-'))
  mkdirSync(join(home, '.claude'))
  file = join(home, '.claude', 'settings.json')
})
afterEach(() => rmSync(home, { recursive: true }))

const changeOf = (undo = false, env: Readonly<Record<string, string>> = { HOME: home }): HookChange => {
  const change = hookChange('claude', undo, env)
  if (isRefusal(change)) throw new Error(change.message)
  return change
}
const turn = (undo = false): void => expect(applyChange(changeOf(undo), undo)).toBeUndefined()
const settings = (): { readonly hooks?: Readonly<Record<string, readonly unknown[]>> } => JSON.parse(readFileSync(file, 'utf8').replace(/^\ufeff/, '')) as never
const left = (): readonly string[] => readdirSync(join(home, '.claude'))

test('looking changes nothing', () => {
  writeFileSync(file, '{"model": "x"}')
  const change = changeOf()
  expect(change.before).toBe('{"model": "x"}')
  expect(change.after).toContain('"model":"x"')
  expect(readFileSync(file, 'utf8')).toBe('{"model": "x"}')
  expect(left()).toEqual(['settings.json'])
})

describe('what was written is taken back byte for byte', () => {
  const texts: readonly (readonly [string, string])[] = [
    ['an empty object', '{}'],
    ['one line', '{"model": "x", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]}}'],
    ['tabs, and no end of line', '{\n\t"model":   "x"\n}'],
    ['four blanks and CRLF', '{\r\n    "model": "x"\r\n}\r\n'],
    ['a byte order mark', '\ufeff{\n  "a": [1, 2.5, null]\n}\n'],
    ['nothing', ''],
  ]
  test.each(texts)('%s', (_, text) => {
    writeFileSync(file, text, { mode: 0o640 })
    turn()
    expect(readFileSync(file, 'utf8')).not.toBe(text)
    expect(settings().hooks?.['PermissionRequest']).toHaveLength(1)
    expect(statSync(file).mode & 0o777).toBe(0o640)
    expect(changeOf().after).toBe(changeOf().before)
    turn(true)
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(left()).toEqual(['settings.json'])
  })

  test('no file, and no folder', () => {
    rmSync(join(home, '.claude'), { recursive: true })
    turn()
    expect(Object.keys(settings().hooks ?? {})).toContain('Stop')
    turn(true)
    expect(existsSync(file)).toBe(false)
  })

  test('any settings', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, 2, '\t'), (value, indent) => {
        const { hooks: _, ...others } = value
        const text = JSON.stringify(others, null, indent)
        // Written otherwise than it would be again: refused, below.
        fc.pre(JSON.stringify(JSON.parse(text)) === JSON.stringify(others))
        writeFileSync(file, text)
        const change = hookChange('claude', false, { HOME: home })
        if (isRefusal(change)) return
        expect({ ...settings(), hooks: undefined }).toEqual({ ...(JSON.parse(text) as object), hooks: undefined })
        turn()
        turn(true)
        expect(readFileSync(file, 'utf8')).toBe(text)
      }),
      { numRuns: 40 },
    )
  })
})

test('what was changed since is kept, and only ours goes', () => {
  writeFileSync(file, '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"mine"}]}]}}')
  turn()
  const now = settings()
  writeFileSync(file, JSON.stringify({ ...now, model: 'new', hooks: { ...now.hooks, Stop: [...(now.hooks?.['Stop'] ?? []), { hooks: [{ type: 'command', command: 'later' }] }] } }))
  turn(true)
  expect(settings()).toEqual({ model: 'new', hooks: { Stop: [{ hooks: [{ type: 'command', command: 'mine' }] }, { hooks: [{ type: 'command', command: 'later' }] }] } })
})

test('settings behind a link are changed where they are', () => {
  writeFileSync(join(home, 'dotfile.json'), '{"a":1}')
  symlinkSync(join(home, 'dotfile.json'), file)
  turn()
  expect(lstatSync(file).isSymbolicLink()).toBe(true)
  expect(readFileSync(join(home, 'dotfile.json'), 'utf8')).toContain('PermissionRequest')
  turn(true)
  expect(readFileSync(join(home, 'dotfile.json'), 'utf8')).toBe('{"a":1}')
})

test('another folder of settings is where the agent looks for them', () => {
  expect(changeOf(false, { HOME: home, CLAUDE_CONFIG_DIR: join(home, 'elsewhere') }).file).toBe(join(home, 'elsewhere', 'settings.json'))
})

describe('nothing is lost of what is not understood', () => {
  const bad: readonly (readonly [string, string])[] = [
    ['broken JSON', '{"a": 1,'],
    ['comments', '{"a": 1 // one\n}'],
    ['a list', '[]'],
    ['hooks that are none', '{"hooks": 3}'],
    ['a moment that is no list', '{"hooks": {"Stop": {}}}'],
    ['a name twice', '{"a": 1, "a": 2}'],
    ['a number that would be rounded', '{"a": 12345678901234567890}'],
    ['a letter that is escaped', '{"a": "\\u00e9"}'],
    ['too much', `{"a": "${'x'.repeat(1024 * 1024)}"}`],
  ]
  test.each(bad)('%s', (_, text) => {
    writeFileSync(file, text)
    expect(hookChange('claude', false, { HOME: home })).toMatchObject({ refused: 'invalid' })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('no UTF-8, no file, a link to nowhere', () => {
    writeFileSync(file, Buffer.of(0x7b, 0xff, 0x7d))
    expect(hookChange('claude', false, { HOME: home })).toMatchObject({ refused: 'invalid' })
    rmSync(file)
    mkdirSync(file)
    expect(hookChange('claude', false, { HOME: home })).toMatchObject({ refused: 'invalid' })
    rmSync(file, { recursive: true })
    symlinkSync(join(home, 'nowhere'), file)
    expect(hookChange('claude', false, { HOME: home })).toMatchObject({ refused: 'invalid' })
  })

  test('what was changed between looking and writing is left alone', () => {
    writeFileSync(file, '{"a":1}')
    const change = changeOf()
    writeFileSync(file, '{"a":2}')
    expect(applyChange(change, false)).toMatchObject({ refused: 'invalid' })
    expect(readFileSync(file, 'utf8')).toBe('{"a":2}')
  })
})

test('agents that tell by themselves, and unknown ones, have none', () => {
  expect(hookChange('codex', false, { HOME: home })).toMatchObject({ refused: 'not-supported', hint: 'there are hooks for claude' })
  expect(hookChange('nobody', false, { HOME: home })).toMatchObject({ refused: 'unknown-agent' })
})

test('what hooks report is a state', () => {
  for (const { terminal } of catalogue)
    for (const report of Object.values(terminal?.hooks?.reports ?? {})) expect(report).toMatch(/^state=(?:idle|working|done|blocked:kind=permission|clear)$/)
})
