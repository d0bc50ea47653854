// Trees to run checks in, made and removed by git.

import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { temporaryTree } from '../../src/workspace/temporary-tree.ts'
import { LandingPlace, bytesOf, never } from './landing-place.ts'

const places: LandingPlace[] = []

afterEach(() => {
  for (const made of places.splice(0)) made[Symbol.dispose]()
})

function place() {
  const at = new LandingPlace({ 'a.txt': 'a\n' }, [], { programs: true })
  places.push(at)
  const deps = { ...at.deps, home: at.home }
  return { at, folder: join(realpathSync(at.home), 'landing'), make: (commit = at.worktree.base) => temporaryTree(deps, at.user, commit, never) }
}

test('it has the files of the commit, in a folder called like the repository, and is nobody’s branch', async () => {
  const { at, folder, make } = place()
  const { path, remove } = await make(at.commit(at.session, { 'b.txt': 'b\n' }))
  expect([path.startsWith(`${folder}/`), path.split('/').at(-1), bytesOf(path)]).toEqual([true, 'project', { 'a.txt': '0 a\n', 'b.txt': '0 b\n' }])
  expect(() => at.gitIn(path, 'symbolic-ref', '-q', 'HEAD')).toThrow()
  await remove()
  expect([readdirSync(folder), at.git('worktree', 'list').split('\n').length]).toEqual([[], 2])
})

test('what checks have written goes with it', async () => {
  const { at, folder, make } = place()
  const { path, remove } = await make()
  at.write(path, { 'a.txt': 'changed\n', 'built/x': 'x' })
  await remove()
  expect(readdirSync(folder)).toEqual([])
})

test('no hook of the user is run', async () => {
  const { at, make } = place()
  at.write(join(at.user, '.git'), { 'hooks/post-checkout': { run: `#!/bin/sh\necho > ${at.folder}/ran\n` } })
  await (await make()).remove()
  expect(existsSync(join(at.folder, 'ran'))).toBe(false)
})

test('what a crash left is removed by the next; what is in use, and what is not ours, stays', async () => {
  const { at, folder, make } = place()
  const used = await make()
  const left = join(folder, '0123456789abcdef', 'project')
  at.git('worktree', 'add', '-q', '--detach', left)
  at.write(left, { 'a.txt': 'changed\n' })
  mkdirSync(join(folder, 'notes'))
  writeFileSync(join(folder, 'notes', 'mine'), '')
  // Died before git had begun.
  mkdirSync(join(folder, 'fedcba9876543210'))
  const next = await make()
  expect(existsSync(join(folder, 'fedcba9876543210'))).toBe(false)
  expect([existsSync(left), existsSync(used.path), existsSync(join(folder, 'notes', 'mine')), existsSync(at.session)]).toEqual([false, true, true, true])
  await Promise.all([used.remove(), next.remove()])
})

test('a commit that is not there is told, and leaves nothing', async () => {
  const { folder, make } = place()
  await expect(make('0123456789012345678901234567890123456789')).rejects.toMatchObject({ kind: 'failed' })
  expect(readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)))).toEqual([])
})
