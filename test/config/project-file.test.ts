// What a project may say of its own tree in .offstage.toml and .worktreeinclude, and what it may not.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigInvalid } from '../../src/config/config.ts'
import { digestOf, projectSettings, workspaceEnvironment } from '../../src/config/project-file.ts'

let root: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'offstage-project-')))
  mkdirSync(join(root, '.git'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

async function problem(text: string): Promise<string> {
  write('.offstage.toml', text)
  const error = await projectSettings(root).catch((cause: unknown) => cause)
  if (!(error instanceof ConfigInvalid)) throw new Error('it was accepted', { cause: error })
  expect(`${error.message}${error.hint}`).not.toContain('\n')
  expect(error.hint).not.toBe('')
  return error.message.replace(`${root}/`, '')
}

test('a project without either file says nothing, and needs no trust', async () => {
  expect(await projectSettings(root)).toEqual({})
  write('.offstage.toml', 'default_agent = "codex"')
  expect(await projectSettings(root)).toEqual({})
})

test('everything that a project can say', async () => {
  write(
    '.offstage.toml',
    [
      'checks = ["npm test", "npm run lint"]',
      'check_retries = 2',
      '[workspace]',
      'bring = ["node_modules/", ".env"]',
      'setup = "npm ci"',
      'ports = ["PORT", "DB_PORT"]',
      '[workspace.env]',
      'DATABASE_URL = "postgres://localhost:$DB_PORT/shop_$OFFSTAGE_SESSION"',
    ].join('\n'),
  )
  write('.worktreeinclude', '\uFEFF# what a tree needs\r\n\r\n.env.local\r\n!secret\\ \r\n')
  const { trust, ...said } = await projectSettings(root)
  expect(said).toEqual({
    checks: ['npm test', 'npm run lint'],
    checkRetries: 2,
    preparation: {
      bring: ['.env.local', '!secret\\ ', 'node_modules/', '.env'],
      setup: 'npm ci',
      ports: ['PORT', 'DB_PORT'],
      environment: { DATABASE_URL: 'postgres://localhost:$DB_PORT/shop_$OFFSTAGE_SESSION' },
    },
  })
  expect(trust).toEqual({ file: join(root, '.offstage.toml'), digest: digestOf(said) })
})

test('files that are brought are the user’s own: they need no trust', async () => {
  write('.offstage.toml', '[workspace]\nbring = ["target/"]')
  write('.worktreeinclude', '.env\n')
  expect(await projectSettings(join(root))).toEqual({ preparation: { bring: ['.env', 'target/'] } })
  rmSync(join(root, '.offstage.toml'))
  expect(await projectSettings(join(root))).toEqual({ preparation: { bring: ['.env'] } })
})

test('a project file further down has its commands run there, wherever below it a session starts, and its patterns hold there', async () => {
  write("packages/it's a/.offstage.toml", 'checks = ["npm test"]\n[workspace]\nsetup = "npm ci; make"\nbring = [".env", "/dist/", "a/b", "!keep", "#no"]')
  write("packages/it's a/src/x.ts", '')
  write('.worktreeinclude', '.env.local')
  const { trust, ...said } = await projectSettings(join(root, "packages/it's a/src"))
  expect(said).toEqual({
    checks: ['npm test'],
    checksIn: '..',
    preparation: {
      bring: ['.env.local', "/packages/it's\\ a/**/.env", "/packages/it's\\ a/dist/", "/packages/it's\\ a/a/b", "!/packages/it's\\ a/**/keep", '#no'],
      setup: 'npm ci; make',
      setupIn: "packages/it's a",
    },
  })
  expect(trust?.file).toBe(join(root, "packages/it's a/.offstage.toml"))
  expect((await projectSettings(join(root, "packages/it's a"))).checks).toEqual(['npm test'])
})

test.each([
  ['checks = "npm test"', '.offstage.toml:1: checks is not a list of strings'],
  ['checks = ["npm test", " "]', '.offstage.toml:1: check 2 is empty'],
  ['check_retries = 1.5', '.offstage.toml:1: check_retries is not a number that can be used'],
  ['check_retries = -1', '.offstage.toml:1: check_retries is not a number that can be used'],
  ['workspace = "npm ci"', '.offstage.toml:1: workspace is not a table'],
  ['[workspace]\nsetpu = "npm ci"', '.offstage.toml:2: "setpu" is not a setting'],
  ['[workspace]\nsetup = ["npm ci"]', '.offstage.toml:2: setup is not a string'],
  ['[workspace]\nsetup = ""', '.offstage.toml:2: setup is empty'],
  ['[workspace]\nsetup = "a\\u0000b"', '.offstage.toml:2: setup is not a string'],
  ['[workspace]\nbring = ".env"', '.offstage.toml:2: bring is not a list of strings'],
  ['[workspace]\nbring = ["a\\nb"]', '.offstage.toml:2: a pattern of bring has a line break'],
  ['[workspace]\nports = ["PO RT"]', '.offstage.toml:2: "PO RT" cannot be a variable\'s name'],
  ['[workspace]\nports = ["PORT", "PORT"]', '.offstage.toml:2: PORT is set twice'],
  ['[workspace]\nports = ["PORT"]\nenv = { PORT = "1" }', '.offstage.toml:2: PORT is set twice'],
  ['[workspace.env]\nDEBUG = 1', '.offstage.toml:2: DEBUG is not a string'],
  ['[agents.a]\ncommand = "evil"', undefined],
])('%j is refused, with its place', async (text, expected) => {
  // What loadConfig refuses of a project file is not looked at again here.
  if (expected === undefined) {
    write('.offstage.toml', text)
    expect(await projectSettings(root)).toEqual({})
  } else expect(await problem(text)).toBe(expected)
})

test.each([
  'PATH',
  'Path',
  'LD_PRELOAD',
  'DYLD_INSERT_LIBRARIES',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'PYTHONSTARTUP',
  'BASH_ENV',
  'ENV',
  'GIT_SSH_COMMAND',
  'EDITOR',
  'npm_config_script_shell',
  'JAVA_TOOL_OPTIONS',
  'RUSTC_WRAPPER',
  'HTTPS_PROXY',
  'ANTHROPIC_BASE_URL',
  'OFFSTAGE_HOME',
  'HOME',
])('a project cannot set %s, neither as a port nor as text', async (name) => {
  expect(await problem(`[workspace.env]\n${name} = "x"`)).toBe(`.offstage.toml:2: a project file cannot set ${name}`)
  expect(await problem(`[workspace]\nports = ["${name}"]`)).toBe(`.offstage.toml:2: a project file cannot set ${name}`)
})

test.each(['NODE_ENV', 'DATABASE_URL', 'PORT', 'CARGO_TARGET_DIR', 'PYTHONUNBUFFERED', 'ENVIRONMENT', 'DEBUG', 'LDAP_HOST'])('a project can set %s', async (name) => {
  write('.offstage.toml', `[workspace.env]\n${name} = "x"`)
  expect((await projectSettings(root)).preparation?.environment).toEqual({ [name]: 'x' })
})

test('what is trusted is just what would be run: any other word makes another digest, and the order of variables does not', () => {
  const all = { preparation: { setup: 'a', ports: ['P', 'Q'], environment: { A: '1', B: '2' } }, checks: ['c', 'd'], checkRetries: 1 }
  const others = [
    { ...all, preparation: { ...all.preparation, setup: 'b' } },
    { ...all, preparation: { ...all.preparation, ports: ['P'] } },
    { ...all, preparation: { ...all.preparation, environment: { A: '1', B: '3' } } },
    { ...all, preparation: { ...all.preparation, environment: { A: '1', C: '2' } } },
    { ...all, checks: ['c d'] },
    { ...all, checks: ['d', 'c'] },
    { ...all, checkRetries: 2 },
    { ...all, checksIn: '..' },
    { ...all, preparation: { ...all.preparation, setupIn: 'b' } },
    { preparation: { setup: 'a' } },
    { checks: ['a'] },
  ]
  const digests = [all, ...others].map((one) => digestOf(one))
  expect(new Set(digests).size).toBe(digests.length)
  expect(digests.every((digest) => /^[0-9a-f]{64}$/.test(digest ?? ''))).toBe(true)
  expect(digestOf({ ...all, preparation: { ...all.preparation, environment: { B: '2', A: '1' }, bring: ['.env'] } })).toBe(digestOf(all))
  expect(digestOf({ preparation: { bring: ['.env'], ports: ['PORT'] }, checkRetries: 3 })).toBe(undefined)
})

test('variables: ports and the session are filled in, and any other dollar stays', () => {
  const environment = { URL: 'http://localhost:$PORT/${PORT}/$PORTAL', NAME: 'shop_${OFFSTAGE_SESSION}', PLAIN: '$HOME $(id) $$ ${constructor} `id`' }
  expect(workspaceEnvironment({ ports: ['PORT'], environment }, 'k3f9x2ab', { PORT: 20_001 })).toEqual({
    URL: 'http://localhost:20001/20001/$PORTAL',
    NAME: 'shop_k3f9x2ab',
    PLAIN: '$HOME $(id) $$ ${constructor} `id`',
    PORT: '20001',
    OFFSTAGE_SESSION: 'k3f9x2ab',
  })
})
