// What a text is completed with.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type AgentChoice, agentCompletions, combined, fileCompletions, projectCompletions, slashCompletions } from '../../src/tui/completions.ts'
import type { CompletionSource } from '../../src/tui/composer.ts'
import { git } from '../../src/workspace/git.ts'

const never = new AbortController().signal
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** `|` is the cursor. What the text becomes with each item, the cursor at the end of it. */
async function completed(source: CompletionSource, written: string): Promise<readonly string[]> {
  const cursor = written.indexOf('|')
  const text = written.replace('|', '')
  const found = await source.suggestions(text, cursor, never)
  return (found?.items ?? []).map(({ value }) => `${text.slice(0, found?.from)}${value}|${text.slice(cursor)}`)
}

function folderWith(...paths: readonly string[]) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-complete-')))
  folders.push(folder)
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), path)
  }
  return { folder, env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_CEILING_DIRECTORIES: dirname(folder) } }
}

async function repository(...paths: readonly string[]) {
  const { folder, env } = folderWith(...paths)
  const run = (...args: readonly string[]) => git(args, folder, env, never)
  await run('init', '-q')
  await run('add', '-A')
  await run('-c', 'user.name=me', '-c', 'user.email=me@example.org', 'commit', '-qm', 'first')
  return { folder, files: fileCompletions(folder, env) }
}

describe('commands', () => {
  const commands = slashCompletions(() => ['bg', 'end', 'endall', 'review'].map((name) => ({ name, description: `does ${name}` })))

  test('are found after a slash that begins the text', async () => {
    expect(await completed(commands, '/r|')).toEqual(['/review |'])
    expect(await completed(commands, '  /b|')).toEqual(['  /bg |'])
    expect(await completed(commands, '/|')).toHaveLength(4)
  })

  test('are none in the middle of a text, in a path, or in what follows a command', async () => {
    expect(await completed(commands, 'see /b|')).toEqual([])
    expect(await completed(commands, 'src/b|')).toEqual([])
    expect(await completed(commands, '/end b|')).toEqual([])
    expect(await completed(commands, '|/b')).toEqual([])
  })

  test('that are complete are left alone, unless there is a longer one', async () => {
    expect(await completed(commands, '/bg|')).toEqual([])
    expect(await completed(commands, '/end|')).toEqual(['/end |', '/endall |'])
  })

  test('are as they are now', async () => {
    const known = [{ name: 'one', description: '' }]
    const source = slashCompletions(() => known)
    known.push({ name: 'other', description: '' })
    expect(await completed(source, '/o|')).toHaveLength(2)
  })
})

const agent = (name: string, installed = true): AgentChoice => ({ name, about: installed ? 'agent' : 'not installed', installed })

test('an agent is completed as the first word only', async () => {
  const agents = agentCompletions(() => [agent('claude'), agent('codex')])
  expect(await completed(agents, '@co|')).toEqual(['@codex |'])
  expect(await completed(agents, '@co| fix it')).toEqual(['@codex | fix it'])
  expect(await completed(agents, 'ask @co|')).toEqual([])
})

test('agents that are missing come behind those that are there, and say so', async () => {
  const agents = agentCompletions(() => [agent('copilot', false), agent('claude'), agent('codex')])
  const found = await agents.suggestions('@c', 2, never)
  expect(found?.items.map(({ label, description, faint }) => [label, description, faint ?? false])).toEqual([
    ['@claude', 'agent', false],
    ['@codex', 'agent', false],
    ['@copilot', 'not installed', true],
  ])
})

test('a project is completed by its name, or by its path where the name means two', async () => {
  const projects = projectCompletions(() => ['/work/shop', '/work/site', '/home/me/site'])
  expect(await completed(projects, 'do it #sh|')).toEqual(['do it #shop |'])
  expect(await completed(projects, '#site|')).toEqual(expect.arrayContaining(['#/work/site |', '#/home/me/site |']))
})

describe('files', () => {
  test('are found by pieces of their path, those that match in their name first', async () => {
    const { files } = await repository('src/server/main.ts', 'src/main-menu/other.ts', 'docs/readme.md')
    expect(await completed(files, 'look at @main|')).toEqual(['look at @src/server/main.ts |', 'look at @src/main-menu/other.ts |'])
    expect(await completed(files, '@srvmain|')).toEqual(['@src/server/main.ts |'])
    expect(await completed(files, '@nothing|')).toEqual([])
  })

  test('that were changed come first', async () => {
    const { folder, files } = await repository('a.ts', 'b.ts', 'c.ts')
    writeFileSync(join(folder, 'c.ts'), 'changed')
    expect(await completed(files, '@|')).toEqual(['@c.ts |', '@a.ts |', '@b.ts |'])
  })

  test('with spaces are quoted, and go on being completed within the quotes', async () => {
    const { files } = await repository('my notes/to do.md')
    expect(await completed(files, '@todo|')).toEqual(['@"my notes/to do.md" |'])
    expect(await completed(files, '@"my n|')).toEqual(['@"my notes/to do.md" |'])
  })

  test('are none in an address', async () => {
    const { files } = await repository('example.org')
    expect(await completed(files, 'me@example|')).toEqual([])
  })

  test('without a repository come one directory after the other', async () => {
    const { folder, env } = folderWith('src/main.ts', 'src/menu.ts', 'read me.md')
    const files = fileCompletions(folder, env)
    expect(await completed(files, '@|')).toEqual(['@"read me.md" |', '@src/|'])
    expect(await completed(files, '@src/ma|')).toEqual(['@src/main.ts |'])
    expect(await completed(files, '@nowhere/x|')).toEqual([])
  })

  test('of a very large repository leave room for other work while they are sorted', async () => {
    const { folder, files } = await repository('one.ts')
    for (let index = 0; index < 9000; index += 1) writeFileSync(join(folder, `file-${index}.ts`), '')
    const stop = new AbortController()
    expect((await files.suggestions('@', 1, never))?.items).toHaveLength(50)
    const asked = files.suggestions('@fi', 3, stop.signal)
    setImmediate(() => stop.abort())
    expect((await asked)?.items).toEqual([])
  })
})

test('several together: those that complete the same word add up, the first of them first', async () => {
  const files: CompletionSource = { suggestions: async (_, cursor) => ({ from: cursor - 3, items: [{ value: '@codes.md ', label: 'codes.md' }] }) }
  const nothing: CompletionSource = { suggestions: async () => undefined }
  const elsewhere: CompletionSource = { suggestions: async () => ({ from: 1, items: [{ value: 'x', label: 'x' }] }) }
  const all = combined(
    nothing,
    agentCompletions(() => [agent('codex')]),
    files,
    elsewhere,
  )
  expect(await completed(all, '@co|')).toEqual(['@codex |', '@codes.md |'])
})
