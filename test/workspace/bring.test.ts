// Ignored files are brought into a worktree: those that are meant, as they are, and never over what is there.

import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bring } from '../../src/workspace/bring.ts'
import { filesOf, never, place } from './worktree-kit.ts'

async function project(ignore: string, files: Readonly<Record<string, string>>) {
  const at = place()
  const top = at.repository('shop', 'a')
  at.write(join(top, '.gitignore'), ignore)
  at.commit(top)
  for (const [path, text] of Object.entries(files)) at.write(join(top, path), text)
  const worktree = await at.made(top)
  const committed = new Set(Object.keys(filesOf(worktree.path)))
  const brought = async (...patterns: readonly string[]) => {
    const count = await bring(at.deps, worktree, patterns, never)
    const names = Object.keys(filesOf(worktree.path)).filter((name) => !committed.has(name))
    return { count, names: names.toSorted() }
  }
  return { at, top, worktree, brought }
}

test('only what is ignored and matches: no tracked file, and none that is merely untracked', async () => {
  const { brought } = await project('.env\n*.log\n', { '.env': 'secret', 'packages/x/.env': 'secret', 'b.log': '', 'untracked.txt': '', 'new/untracked.txt': '', 'new/.env': '' })
  expect(await brought('.env', 'a', '*.txt')).toEqual({ count: 3, names: ['.env', 'new/.env', 'packages/x/.env'] })
})

test('folders as a whole, and with a slash what lies in ignored ones; without one a name is not looked for in there', async () => {
  const files = { 'node_modules/x/.env': '', 'node_modules/x/i.js': '', 'dist/config.json': '{}', 'dist/o.js': '', '.env': '' }
  const first = await project('node_modules/\ndist/\n.env\n', files)
  expect((await first.brought('.env', '/dist/config.json')).names).toEqual(['.env', 'dist/config.json'])
  expect((await first.brought('node_modules/')).names).toEqual(['.env', 'dist/config.json', 'node_modules/x/.env', 'node_modules/x/i.js'])
  const second = await project('node_modules/\ndist/\n.env\n', files)
  expect((await second.brought('**/.env')).names).toEqual(['.env', 'node_modules/x/.env'])
})

test('exceptions, comments, and a folder of which only a part is ignored', async () => {
  const { brought } = await project('cache/*.bin\n.env*\n', { 'cache/a.bin': '', 'cache/b.bin': '', 'cache/plain.txt': '', '.env': '', '.env.local': '', '#x': '' })
  expect(await brought('# what is needed', '', '.env*  ', '!.env.local', 'cache/')).toEqual({ count: 3, names: ['.env', 'cache/a.bin', 'cache/b.bin'] })
})

test('bytes, modes and links are as they were; a link into the old tree stays one', async () => {
  const { at, top, worktree, brought } = await project('kept/\n', { 'kept/run': '#!/bin/sh\n', 'kept/secret': 'x', 'kept/deep/f': '' })
  chmodSync(join(top, 'kept/run'), 0o755)
  chmodSync(join(top, 'kept/secret'), 0o400)
  chmodSync(join(top, 'kept/deep'), 0o500)
  symlinkSync('run', join(top, 'kept/relative'))
  symlinkSync(join(top, 'a'), join(top, 'kept/absolute'))
  symlinkSync('nowhere', join(top, 'kept/dangling'))
  mkdirSync(join(top, 'kept/empty'))
  writeFileSync(Buffer.concat([Buffer.from(`${top}/kept/`), Buffer.from([0xff, 0x0a])]), Buffer.from([0, 255]))
  expect((await brought('kept/')).count).toBe(7)
  expect(filesOf(join(worktree.path, 'kept'))).toEqual(filesOf(join(top, 'kept')))
  expect(readlinkSync(join(worktree.path, 'kept/absolute'))).toBe(join(top, 'a'))
  expect(['deep', 'empty'].map((name) => lstatSync(join(worktree.path, 'kept', name)).mode & 0o777)).toEqual([0o500, 0o755])
  expect(at.git(worktree.path, 'status', '--porcelain')).toBe('')
})

test('what is there stays, and nothing is written through a link or a file that is in the way', async () => {
  const { at, worktree, brought } = await project('.env\nkept/\nside/\nfile/\n', {
    '.env': 'theirs',
    'kept/a': 'theirs',
    'kept/b': 'theirs',
    'side/x': 'theirs',
    'file/x': 'theirs',
  })
  at.write(join(worktree.path, '.env'), 'own')
  at.write(join(worktree.path, 'kept/a'), 'own')
  at.write(join(worktree.path, 'file'), 'own')
  mkdirSync(join(at.root, 'outside'))
  symlinkSync(join(at.root, 'outside'), join(worktree.path, 'side'))
  expect((await brought('.env', 'kept/', 'side/', 'file/')).count).toBe(1)
  expect(['.env', 'kept/a', 'kept/b', 'file'].map((name) => readFileSync(join(worktree.path, name), 'utf8'))).toEqual(['own', 'own', 'theirs', 'own'])
  expect(existsSync(join(at.root, 'outside/x'))).toBe(false)
})

test('an attempt that was cut off is completed by the next', async () => {
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`node_modules/p${index % 30}/f${index}.js`, `${index}`]))
  const { at, top, worktree } = await project('node_modules/\n', files)
  const stop = new AbortController()
  // Killed between two files, and in the middle of one.
  setTimeout(() => stop.abort(new Error('stopped')), 15)
  await bring(at.deps, worktree, ['node_modules/'], stop.signal).catch((cause: unknown) => expect(String(cause)).toContain('stopped'))
  at.write(join(worktree.path, 'node_modules/p1/f1.js.offstage-unfinished'), 'ha')
  await bring(at.deps, worktree, ['node_modules/'], never)
  const { 'p1/f1.js.offstage-unfinished': _, ...brought } = filesOf(join(worktree.path, 'node_modules'))
  expect(brought).toEqual(filesOf(join(top, 'node_modules')))
  expect(await bring(at.deps, worktree, ['node_modules/'], never)).toBe(0)
})

test('repositories inside are not doubled, and neither is what Offstage keeps below the tree itself', async () => {
  const at = place()
  const top = at.repository('shop', 'a')
  at.write(join(top, '.gitignore'), '.offstage/\nvendor/\n')
  at.commit(top)
  mkdirSync(join(top, 'vendor/x'), { recursive: true })
  at.git(join(top, 'vendor/x'), 'init', '-q')
  at.write(join(top, 'vendor/x/f'), 'f')
  at.write(join(top, '.offstage/secret'), 's')
  const worktree = { ...(await at.plan(top)), path: join(top, '.offstage/worktrees/k3f9x2ab/shop') }
  const { makeWorktree } = await import('../../src/workspace/worktree.ts')
  await makeWorktree(at.deps, worktree, undefined, never)
  expect(await bring(at.deps, worktree, ['*'], never)).toBe(1)
  expect(Object.keys(filesOf(worktree.path)).toSorted()).toEqual(['.gitignore', 'a', 'vendor/x/f'])
  expect(existsSync(join(worktree.path, 'vendor/x/.git'))).toBe(false)
})

test('of a bare repository there is nothing to bring', async () => {
  const at = place()
  const top = at.repository('shop', 'a')
  at.git(at.root, 'clone', '-q', '--bare', top, 'bare.git')
  expect(await bring(at.deps, await at.made(join(at.root, 'bare.git')), ['*'], never)).toBe(0)
})
