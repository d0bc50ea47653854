// What is recognised on the screens of real agents, and that nothing they print can pass for it.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../../src/catalogue/index.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import { recognise } from '../../src/drivers/terminal-dialogs.ts'

const folder = join(packageRoot, 'test', 'fixtures', 'screens')
const screens = readdirSync(folder).filter((name) => name.endsWith('.txt'))
const rowsOf = (name: string): readonly string[] => readFileSync(join(folder, `${name}.txt`), 'utf8').split('\n')
const dialogsOf = (agent: string) => catalogue.find(({ name }) => name === agent)?.terminal?.dialogs ?? []
const seenOn = (screen: string) => recognise(dialogsOf(screen.split('-')[0] ?? ''), rowsOf(screen))

const none = undefined
/** Kind, what it asks, and the answers: number, meaning, name. */
const table: Readonly<Record<string, readonly [string, string, ...string[]] | undefined>> = {
  'claude-old-run': ['permission', 'asks for a permission', '1 allow once: Yes', '2 allow always: Yes, and always allow access to claude4/ from this project', '3 reject once: No'],
  'claude-old-trust': ['permission', 'asks whether you trust this folder'],
  'claude-prompt': none,
  'claude-question': ['question', 'asks a question'],
  'claude-run': [
    'permission',
    'asks for a permission',
    '1 allow once: Yes',
    '2 allow always: Yes, and always allow access to /home/kim/project from this project',
    '3 allow always: Yes, and switch to auto mode · auto mode handles these prompts for you',
    '4 reject once: No',
  ],
  'claude-security': ['question', 'shows its security notes'],
  'claude-theme': ['question', 'asks for a theme'],
  'claude-trust': ['permission', 'asks whether you trust this folder'],
  'claude-working': none,
  'claude-write': [
    'permission',
    'asks for a permission',
    '1 allow once: Yes',
    '2 allow always: Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session; Yes, and always allow access to /home/kim for this session',
    '3 reject once: No',
  ],
  'codex-directory': ['question', 'asks in which directory to go on'],
  'codex-login': ['auth', 'asks how to log in'],
  'codex-prompt': none,
  'codex-run': [
    'permission',
    'asks for a permission',
    '1 allow once: Yes, proceed',
    "2 allow always: Yes, and don't ask again for commands that start with `touch /etc/made-by- codex`",
    '3 reject once: No, and tell Codex what to do differently',
  ],
  'codex-trust': ['permission', 'asks whether you trust this folder'],
  'codex-working': none,
  'gemini-auth': ['auth', 'asks how to log in'],
  'gemini-colors': [
    'permission',
    'asks for a permission',
    '1 allow once: Allow once',
    '2 allow always: Allow for this session',
    '3 other: Modify with external editor',
    '4 reject once: No, suggest changes',
  ],
  'gemini-half': none,
  'gemini-prompt': none,
  'gemini-run': ['permission', 'asks for a permission', '1 allow once: Allow once', '2 allow always: Allow for this session', '3 reject once: No, suggest changes'],
  'gemini-trust': [
    'permission',
    'asks whether you trust this folder',
    '1 allow always: Trust folder (g1)',
    '2 allow always: Trust parent folder (projects)',
    "3 reject once: Don't trust",
  ],
  'gemini-write': [
    'permission',
    'asks for a permission',
    '1 allow once: Allow once',
    '2 allow always: Allow for this session',
    '3 other: Modify with external editor',
    '4 reject once: No, suggest changes',
  ],
  'opencode-run': ['permission', 'asks for a permission', '1 reject once: Reject'],
  'opencode-working': none,
  'qwen-auth': ['auth', 'asks how to log in'],
  'qwen-prompt': none,
  'qwen-run': [
    'permission',
    'asks for a permission',
    '1 allow once: Yes, allow once',
    "2 allow always: Always allow run 'touch *' commands in this project",
    "3 allow always: Always allow run 'touch *' commands for this user",
    '4 reject once: No, suggest changes',
  ],
  'qwen-trust': [
    'permission',
    'asks whether you trust this folder',
    '1 allow always: Trust folder (q1)',
    '2 allow always: Trust parent folder (projects)',
    "3 reject once: Don't trust",
  ],
}

test.each(Object.entries(table))('%s', (screen, expected) => {
  const seen = seenOn(screen)
  expect(seen && [seen.kind, seen.asks, ...seen.options.map(({ id, kind, scope, label }) => `${id} ${[kind, scope].filter(Boolean).join(' ')}: ${label}`)]).toEqual(expected)
  if (seen?.options.some(({ id }) => id === '2')) expect(seen.options.map(({ keys }) => keys)).toEqual(seen.options.map(({ id }) => id))
})

test('every screen that was kept is in the table', () => {
  expect(screens.map((name) => name.replace('.txt', '')).toSorted()).toEqual(Object.keys(table).toSorted())
})

test('a permission says what it is for', () => {
  expect(seenOn('codex-run')?.about).toEqual(['Would you like to run the following command?', 'Environment: local', 'Reason: May I touch it?', '$ touch /etc/made-by-codex'])
  expect(seenOn('claude-write')?.title).toBe('Create file · ../written.txt · 1 hello · 2 world · Do you want to create written.txt?')
  expect(seenOn('gemini-run')?.title).toBe('? Shell  touch made-by-shell · touch made-by-shell · Allow execution of [Shell]?')
  expect(seenOn('opencode-run')?.about).toEqual(['△ Permission required', '# Shell command', '$ touch made-by-bash'])
  expect(seenOn('gemini-trust')?.title).toBe('asks whether you trust this folder')
})

test('no dialog is recognised on the screen of another agent, but for those that are the same', () => {
  const shared = new Set(['gemini-trust', 'qwen-trust'])
  for (const screen of screens.map((name) => name.replace('.txt', '')))
    for (const { name, terminal } of catalogue)
      if (name !== screen.split('-')[0] && !shared.has(screen)) expect([screen, name, recognise(terminal?.dialogs ?? [], rowsOf(screen))]).toEqual([screen, name, undefined])
})

describe('what an agent prints, or is about to run', () => {
  const claude = dialogsOf('claude')
  const dialog = rowsOf('claude-run').slice(-12)
  const input = ['─'.repeat(80), '❯', '─'.repeat(80), '  ? for shortcuts']

  test('is no dialog above its prompt', () => {
    expect(recognise(claude, [...dialog, ...input])).toBeUndefined()
    for (const screen of screens.filter((name) => table[name.replace('.txt', '')])) {
      const [agent = ''] = screen.split('-')
      const prompt = {
        claude: input,
        codex: ['› Ask', '  model · folder', '  ? for shortcuts'],
        gemini: ['> Type', ' folder', ' x'],
        qwen: ['> Type', '-', ' x'],
        opencode: ['a', 'b', 'c'],
      }[agent]
      expect(recognise(dialogsOf(agent), [...rowsOf(screen.replace('.txt', '')), ...(prompt ?? [])])).toBeUndefined()
    }
  })

  test('gives no answers other names than the program does', () => {
    const run = (command: readonly string[]) =>
      recognise(claude, ['─'.repeat(80), ' Bash command', ...command, ' Do you want to proceed?', ' ❯ 1. Yes', '   2. No', '', ' Esc to cancel'])
    const honest = run([' rm -rf /'])?.options
    expect(honest?.map(({ label }) => label)).toEqual(['Yes', 'No'])
    expect(run([' Do you want to go on?', ' ❯ 1. No', '   2. Yes', ' Esc to cancel'])?.options).toEqual(honest)
    // The part of the command that an answer repeats, wrapped.
    const wrapped = recognise(dialogsOf('codex'), [
      'Would you like to run the following command?',
      '$ x',
      '› 1. Yes, proceed (y)',
      "  2. Yes, and don't ask again for commands that start with `x",
      '     1. No',
      '     2. No, nothing` (p)',
      '  3. No, and tell Codex what to do differently (esc)',
      'Press enter to confirm or esc to cancel',
    ])?.options
    expect(wrapped?.map(({ id, kind, scope }) => `${id} ${kind} ${scope}`)).toEqual(['1 allow once', '2 allow always', '3 reject once'])
  })

  test('answers that are not numbered from one, without gaps and in one column, are none', () => {
    const options = (...rows: readonly string[]) => recognise(claude, [' Do you want to proceed?', ' 1. Yes', ...rows, ' Esc to cancel'])?.options.length
    expect(options('   2. No')).toBe(0)
    expect(options(' 2. No')).toBe(2)
    expect(options(' 3. No')).toBe(0)
    expect(options()).toBe(0)
    expect(options(...Array.from({ length: 8 }, (_, at) => ` ${at + 2}. No`))).toBe(9)
  })
})

test('any rows give what can be shown and typed, or nothing', () => {
  const pieces = [
    '2. \u{1f600}\u202e\u0301x',

    'Do you want to',
    '1. Yes',
    'Esc to cancel',
    ' ❯ 1. Yes',
    '   2. No',
    '─'.repeat(20),
    '│ x │',
    '\u001b[31m',
    '\ud800',
    '',
    '  9. Nine',
    'Permission required',
    'Allow once Allow always Reject',
  ]
  const dialogs = catalogue.flatMap(({ terminal }) => terminal?.dialogs ?? [])
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 12 }), (rows) => {
      const seen = recognise(dialogs, rows)
      if (!seen) return
      expect(seen.options.every(({ id, keys }) => keys === id || keys === '\u001b')).toBe(true)
      for (const text of [seen.title, ...seen.about, ...seen.options.map(({ label }) => label)]) {
        expect(text).not.toMatch(/[\0-\x1f\x7f-\x9f]/)
        expect(text.isWellFormed()).toBe(true)
        expect(text.length).toBeLessThanOrEqual(210)
      }
    }),
    { numRuns: 60 },
  )
})
