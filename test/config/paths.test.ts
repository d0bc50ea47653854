// Where things are, and that a home which cannot be trusted is refused.

import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Environment, HomeUnusable, pathsFrom, prepareHome, runFolder, runSocket, socketPath } from '../../src/config/paths.ts'

const uid = process.getuid?.() ?? 0
const outside: string[] = []
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'offstage-paths-'))
})
afterEach(() => {
  for (const path of [root, ...outside.splice(0)]) rmSync(path, { recursive: true, force: true })
})

const mode = (path: string): string => (lstatSync(path).mode & 0o777).toString(8)

function unusable(home: string, asUid = uid): { message: string; hint: string } {
  try {
    prepareHome(pathsFrom({ OFFSTAGE_HOME: home }, asUid))
  } catch (error) {
    if (error instanceof HomeUnusable) return { message: error.message, hint: error.hint }
    throw error
  }
  throw new Error('it was accepted')
}

test('the home is OFFSTAGE_HOME, else in the XDG state folder, else below HOME', () => {
  const home = (env: Environment): string => pathsFrom(env, 1000).home
  expect(home({ HOME: '/h', XDG_STATE_HOME: '/s', OFFSTAGE_HOME: '/o/' })).toBe('/o')
  expect(home({ HOME: '/h', XDG_STATE_HOME: '/s' })).toBe('/s/offstage')
  expect(home({ HOME: '/h', XDG_STATE_HOME: 'relative' })).toBe('/h/.local/state/offstage')
  expect(home({ HOME: '/h', XDG_STATE_HOME: '', OFFSTAGE_HOME: '' })).toBe('/h/.local/state/offstage')
})

test('the configuration is OFFSTAGE_CONFIG, else in the XDG config folder, else below HOME', () => {
  const file = (env: Environment): string => pathsFrom({ OFFSTAGE_HOME: '/o', ...env }, 1000).configFile
  expect(file({ HOME: '/h', XDG_CONFIG_HOME: '/c', OFFSTAGE_CONFIG: '/x.toml' })).toBe('/x.toml')
  expect(file({ HOME: '/h', XDG_CONFIG_HOME: '/c' })).toBe('/c/offstage/config.toml')
  expect(file({ HOME: '/h' })).toBe('/h/.config/offstage/config.toml')
  expect(file({})).toBe('/o/config.toml')
})

test.each([
  [{}, 'HOME is not set'],
  [{ OFFSTAGE_HOME: 'here' }, 'OFFSTAGE_HOME is a relative path'],
  [{ OFFSTAGE_HOME: '/a\0b' }, 'OFFSTAGE_HOME holds a zero byte'],
  [{ OFFSTAGE_HOME: '/o', OFFSTAGE_CONFIG: 'c.toml' }, 'OFFSTAGE_CONFIG is a relative path'],
])('an environment that names no certain place is refused: %j', (env, problem) => {
  expect(() => pathsFrom(env, 1000)).toThrow(problem)
})

test('a missing home is made for its owner only, with everything in it', () => {
  const paths = pathsFrom({ OFFSTAGE_HOME: join(root, 'a', 'b', 'home') }, uid)
  prepareHome(paths)
  prepareHome(paths)
  expect([paths.home, paths.runs, paths.cache, paths.sockets].map(mode)).toEqual(['700', '700', '700', '700'])
  expect(runFolder(paths, 'k3f9x2ab', 2)).toBe(`${paths.home}/runs/k3f9x2ab/2`)
  expect(runSocket(paths, 'k3f9x2ab', 2)).toBe(`${paths.home}/sockets/k3f9x2ab-2.sock`)
})

test('a home of ours that was opened to others is closed again', () => {
  const paths = pathsFrom({ OFFSTAGE_HOME: join(root, 'home') }, uid)
  prepareHome(paths)
  for (const path of [paths.home, paths.runs, paths.sockets]) chmodSync(path, 0o777)
  prepareHome(paths)
  expect([paths.home, paths.runs, paths.sockets].map(mode)).toEqual(['700', '700', '700'])
})

test('a folder that others use is not taken for a home and stays as it is', () => {
  const home = join(root, 'shared')
  mkdirSync(home)
  writeFileSync(join(home, 'a-file-of-theirs'), '')
  chmodSync(home, 0o777)
  expect(unusable(home).message).toBe(`cannot use ${home}: others can enter it, and it holds something else`)
  expect(mode(home)).toBe('777')
})

test('a symbolic link, a file and a folder of another user are refused', () => {
  const home = join(root, 'home')
  symlinkSync(root, home)
  expect(unusable(home).message).toBe(`cannot use ${home}: it is a symbolic link`)
  rmSync(home)
  writeFileSync(home, '')
  expect(unusable(home).message).toBe(`cannot use ${home}: it is not a folder`)
  expect(unusable(join(home, 'below')).message).toMatch(/^cannot use .*home\/below: it cannot be made \(ENOTDIR\)$/)
  rmSync(home)
  mkdirSync(home, { mode: 0o700 })
  expect(unusable(home, uid + 1).message).toBe(`cannot use ${home}: it belongs to another user (uid ${uid})`)
  symlinkSync(root, join(home, 'sockets'))
  expect(unusable(home).message).toBe(`cannot use ${home}/sockets: it is a symbolic link`)
})

test('every problem is one line and says what to do', () => {
  writeFileSync(join(root, 'file'), '')
  const { message, hint } = unusable(join(root, 'file'))
  expect(message).not.toContain('\n')
  expect(hint).toMatch(/OFFSTAGE_HOME/)
})

test('sockets of a home with a long path go to the runtime folder and stay found without it', () => {
  const home = join(root, 'x'.repeat(100))
  const runtime = join(root, 'r')
  mkdirSync(runtime, { mode: 0o700 })
  const login = pathsFrom({ OFFSTAGE_HOME: home, XDG_RUNTIME_DIR: runtime }, uid)
  expect(login.sockets).toMatch(new RegExp(`^${runtime}/offstage-[0-9a-f]{8}$`))
  prepareHome(login)
  expect(mode(login.sockets)).toBe('700')
  // cron has no XDG_RUNTIME_DIR
  expect(pathsFrom({ OFFSTAGE_HOME: home }, uid).socket).toBe(login.socket)
  expect(readFileSync(join(home, 'sockets.at'), 'utf8')).toBe(`${login.sockets}\n`)
  // logged out, with everything in the runtime folder
  rmSync(runtime, { recursive: true })
  const later = pathsFrom({ OFFSTAGE_HOME: home }, uid)
  outside.push(later.sockets)
  expect(later.sockets).toMatch(new RegExp(`^/tmp/offstage-${uid}-[0-9a-f]{8}$`))
  prepareHome(later)
  expect(pathsFrom({ OFFSTAGE_HOME: home, XDG_RUNTIME_DIR: root }, uid).sockets).toBe(later.sockets)
})

test('every socket path fits the system, whatever the home', () => {
  const longest = 'n'.repeat(32)
  for (let length = 1; length < 300; length++) {
    const paths = pathsFrom({ OFFSTAGE_HOME: `/${'é'.repeat(length)}`, XDG_RUNTIME_DIR: `/${'r'.repeat(length)}` }, 4_294_967_294)
    expect(Buffer.byteLength(socketPath(paths, longest))).toBeLessThanOrEqual(107)
  }
  expect(() => socketPath(pathsFrom({ HOME: '/h' }, 1), `${longest}n`)).toThrow(RangeError)
  expect(() => socketPath(pathsFrom({ HOME: '/h' }, 1), '../x')).toThrow(RangeError)
})
