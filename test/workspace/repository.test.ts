// Which repository a directory lies in, and what is not committed there.

import { chownSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryAt, stateOf } from '../../src/workspace/repository.ts'
import { failure, never, place } from './worktree-kit.ts'

test('the top, the way below it, the branch and the commit', async () => {
  const { repository, deps, git, write } = place()
  const top = repository('shop', 'src/a.ts')
  expect(await repositoryAt(deps, join(top, 'src'), never)).toEqual({
    top,
    common: join(top, '.git'),
    bare: false,
    below: 'src',
    branch: 'main',
    head: git(top, 'rev-parse', 'HEAD'),
  })
  write(join(top, 'x\ny', 'f'))
  git(top, 'checkout', '-q', '--detach')
  expect(await repositoryAt(deps, join(top, 'x\ny'), never)).toMatchObject({ top, below: 'x\ny', branch: null })
  expect(await repositoryAt(deps, join(top, '.git'), never)).toBe(undefined)
})

test('a worktree in a worktree is itself, with the same common folder', async () => {
  const { repository, deps, git } = place()
  const top = repository('shop', 'a')
  const inner = join(top, 'trees', 'inner')
  git(top, 'worktree', 'add', '-q', '-b', 'fix/x', inner)
  expect(await repositoryAt(deps, inner, never)).toMatchObject({ top: inner, common: join(top, '.git'), below: '', branch: 'fix/x' })
})

test('a bare repository, and a submodule, which is its own', async () => {
  const { repository, deps, git, root } = place()
  const library = repository('library', 'l')
  const top = repository('shop', 'a')
  git(top, 'submodule', '--quiet', 'add', library, 'lib')
  expect(await repositoryAt(deps, join(top, 'lib'), never)).toMatchObject({ top: join(top, 'lib'), common: join(top, '.git/modules/lib'), bare: false, branch: 'main' })
  const bare = join(root, 'shop.git')
  git(root, 'clone', '-q', '--bare', top, bare)
  expect(await repositoryAt(deps, join(bare, 'refs'), never)).toMatchObject({ top: bare, common: bare, bare: true, below: '', branch: 'main' })
  expect(await stateOf(deps, bare, never)).toEqual({ changed: [], untracked: [], ahead: null, behind: null })
})

test('before the first commit, and in a jj repository, there are no worktrees', async () => {
  const { repository, deps, git, root } = place()
  mkdirSync(join(root, 'new'))
  git(join(root, 'new'), 'init', '-q')
  expect(await repositoryAt(deps, join(root, 'new'), never)).toMatchObject({ branch: 'main', head: null, noWorktrees: 'no commit yet' })
  const top = repository('shop', 'a')
  mkdirSync(join(top, '.jj'))
  expect((await repositoryAt(deps, top, never))?.noWorktrees).toContain('jj')
})

test('no repository, none that is whole, no directory, and no git: none', async () => {
  const { repository, deps, root, env } = place()
  const top = repository('shop', 'a')
  expect(await repositoryAt(deps, root, never)).toBe(undefined)
  expect(await repositoryAt(deps, join(root, 'none'), never)).toBe(undefined)
  expect(await repositoryAt({ env: { ...env, PATH: root } }, top, never)).toBe(undefined)
  mkdirSync(join(root, 'torn'))
  writeFileSync(join(root, 'torn', '.git'), 'gitdir: /nowhere/at/all\n')
  expect(await repositoryAt(deps, join(root, 'torn'), never)).toBe(undefined)
  renameSync(join(top, '.git'), join(top, 'git'))
  expect(await repositoryAt(deps, top, never)).toBe(undefined)
})

test('what the environment says of another repository does not count', async () => {
  const { repository, deps, env } = place()
  const top = repository('shop', 'a')
  const other = repository('other', 'a')
  expect((await repositoryAt({ ...deps, env: { ...env, GIT_DIR: join(other, '.git'), GIT_WORK_TREE: other } }, top, never))?.top).toBe(top)
})

test.runIf(process.getuid?.() === 0)('a repository of another user is told of, with what to do', async () => {
  const { repository, deps } = place()
  const top = repository('shop', 'a')
  for (const path of [top, join(top, '.git')]) chownSync(path, 12_345, 12_345)
  const { kind, message, hint } = await failure(repositoryAt(deps, top, never))
  expect({ kind, message, hint }).toEqual({
    kind: 'impossible',
    message: `git does not work in ${top}: it belongs to another user`,
    hint: `if you trust it: git config --global --add safe.directory '${top}'`,
  })
})

test('what is changed, staged, renamed, new and in conflict, with names of any kind', async () => {
  const { repository, deps, git, write, commit, root } = place()
  const top = repository('shop', 'a', 'b', 'c', 'with "quotes"', 'gone')
  git(root, 'clone', '-q', top, 'mine')
  const mine = join(root, 'mine')
  write(join(top, 'theirs'))
  commit(top)
  write(join(mine, 'own'))
  commit(mine)
  write(join(mine, 'own2'))
  commit(mine)
  git(mine, 'fetch', '-q')
  write(join(mine, 'a'), 'changed')
  write(join(mine, 'with "quotes"'), 'changed')
  git(mine, 'mv', 'b', 'B é')
  git(mine, 'rm', '-q', 'gone')
  write(join(mine, 'new folder/x'))
  writeFileSync(Buffer.concat([Buffer.from(`${mine}/`), Buffer.from([0xff, 0x0a])]), '')
  const { changed, untracked, ahead, behind } = await stateOf(deps, mine, never)
  expect({ changed: changed.toSorted(), untracked: untracked.toSorted(), ahead, behind }).toEqual({
    changed: ['B é', 'a', 'b', 'gone', 'with "quotes"'],
    untracked: ['"\\377\\012"', 'new folder/'],
    ahead: 2,
    behind: 1,
  })
  git(mine, 'reset', '-q', '--hard')
  write(join(mine, 'theirs'), 'mine')
  commit(mine)
  expect(() => git(mine, 'merge', '-q', 'origin/main')).toThrow()
  expect((await stateOf(deps, mine, never)).changed).toEqual(['theirs'])
})
