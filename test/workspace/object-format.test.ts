// Repositories whose ids are of SHA-256: everything that is done with trees does there what it does elsewhere.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseParams } from '../../src/protocol/schemas.ts'
import { openWorkspaces } from '../../src/workspace/index.ts'
import { filesIn, ground, never } from './tree-kit.ts'

function sha256() {
  const at = ground()
  at.git('init', '-q', '-b', 'main', '--object-format=sha256')
  at.git('config', 'user.name', 'me')
  at.git('config', 'user.email', 'me@example.org')
  at.git('config', 'core.autocrlf', 'true')
  for (const name of ['a.txt', 'folder/b.txt']) at.write(name, 'one\r\ntwo\r\nthree\r\nfour\r\nfive\r\nsix\r\nseven\r\neight\r\n')
  at.commit()
  const workspaces = openWorkspaces({ env: at.env, home: join(at.all, 'home') })
  return { ...at, workspaces }
}

const id = expect.stringMatching(/^[0-9a-f]{64}$/) as string

test('snapshots with exact bytes, undo of turns, hunks and paths, and what is written back', async () => {
  const { workspaces, folder, files, write, remove, snapshot, git, restore } = sha256()
  write('new\n"e.txt', 'mine')
  const first = await snapshot({ n: 1 })
  expect([first.commit, first.tree]).toEqual([id, id])
  const began = files()
  write('a.txt', 'ONE\r\ntwo\r\nthree\r\nfour\r\nfive\r\nsix\r\nseven\r\nEIGHT\r\n')
  write('empty.bin', Buffer.from([0, 13, 10, 255]))
  remove('folder')
  const second = await snapshot({ n: 2 })
  const { files: changed } = await workspaces.compare(folder, { from: first.commit, to: second.commit }, never)
  expect(changed.map(({ path, kind, added, removed }) => [path, kind, added, removed])).toEqual([
    ['a.txt', 'modified', 2, 2],
    ['empty.bin', 'added', null, null],
    ['folder/b.txt', 'deleted', 0, 8],
  ])
  const trees = { current: second.tree, from: first.tree, to: second.tree }
  const hunk = await workspaces.withoutHunks(folder, { ...trees, path: 'a.txt', hunks: [0] }, never)
  expect('tree' in hunk && git('show', `${hunk.tree}:a.txt`).slice(0, 8)).toBe('one\ntwo\n')
  const folderBack = await workspaces.without(folder, { current: second.tree, steps: [{ from: first.tree, to: second.tree }], paths: ['folder'] }, never)
  if (!('tree' in folderBack)) throw new Error('in the way')
  await workspaces.writeTree(folder, { from: second.tree, to: folderBack.tree, before: second.commit }, never)
  expect(Object.keys(files())).toEqual(['a.txt', 'empty.bin', 'folder/b.txt', 'new\n"e.txt'])
  await restore(first.commit, 3)
  expect(files()).toEqual(began)
  await workspaces.dropSnapshots(folder, 'k3f9x2ab', [1, 2], never)
  expect((await workspaces.snapshotsOf(folder, 'k3f9x2ab', never)).map(({ n }) => n)).toEqual([3])
})

test('a worktree that takes changes along, goes and comes back, is forecast and lands', async () => {
  const { workspaces, folder, write, snapshot, git, gitAt } = sha256()
  write('a.txt', 'ONE\r\ntwo\r\nthree\r\nfour\r\nfive\r\nsix\r\nseven\r\neight\r\n')
  write('new.txt', 'new\r\n')
  const at = await workspaces.repositoryAt(folder, never)
  if (!at) throw new Error('no repository')
  const worktree = { ...(await workspaces.planWorktree(at, { session: 's1', label: null }, never)), carries: { untracked: [] } }
  const { base } = await workspaces.makeWorktree(worktree, (await snapshot({ session: 's1' })).commit, never)
  const taken = filesIn(worktree.path)
  expect([worktree.base, base, taken['a.txt']?.slice(0, 9), taken['new.txt']]).toEqual([id, id, 'file ONE\r', undefined])
  writeFileSync(join(worktree.path, 'folder', 'b.txt'), 'changed\r\n')
  const kept = await workspaces.takeSnapshot({ directory: worktree.path, session: 's1', n: 2, why: 'remove', turn: 1, atMs: 1, whole: true, base }, never)
  if (!kept) throw new Error('nothing was taken')
  expect([kept.changed, await workspaces.isElsewhere(folder, kept.commit, never)]).toEqual([{ files: 1, added: 1, removed: 8 }, false])
  const before = filesIn(worktree.path)
  await workspaces.removeWorktree(worktree, kept, never)
  expect(await workspaces.makeWorktree(worktree, kept.commit, never)).toEqual({ base })
  expect(filesIn(worktree.path)).toEqual(before)
  const work = (session: string, tree: string) => ({ session, directory: join('/w', session), base: worktree.base, tree, head: worktree.base })
  const other = git('commit-tree', '-m', 'other', `${worktree.base}^{tree}`).trim()
  const found = await workspaces.forecast(folder, [work('s1', kept.tree), work('s2', git('rev-parse', `${other}^{tree}`).trim())], undefined, never)
  expect(found.works.map(({ files }) => files.map(({ path }) => path))).toEqual([['a.txt', 'folder/b.txt'], []])
  const wish = { session: 's1', directory: worktree.path, worktree, base, repository: folder, into: 'main', how: 'squash', title: 'b', message: 'b' } as const
  const merged = await workspaces.mergeFor(wish, never)
  if (merged.kind !== 'merged') throw new Error('a conflict')
  const move = { repository: folder, ref: merged.ref, old: merged.old, new: merged.commit, tree: folder, reflog: 'offstage: land s1' }
  expect(await workspaces.moveBranch(move, never)).toEqual({ moved: true, left: [] })
  expect([git('rev-parse', 'main').trim(), gitAt(folder, 'diff', '--name-only').trim()]).toEqual([merged.commit, 'a.txt'])
  expect(readFileSync(join(folder, 'folder', 'b.txt'), 'utf8')).toBe('changed\r\n')
})

test('such ids are taken from a client', () => {
  const ids = { from: 'a'.repeat(64), to: 'b'.repeat(64) }
  const submitted = (undo: object) =>
    parseParams('submit', { session: 'k3f9x2ab', commandId: 'k3f9x2ac', command: { type: 'undo', what: { kind: 'hunks', path: 'a', hunks: [0], ...undo } } })
  expect([submitted(ids), submitted({ ...ids, to: 'b'.repeat(63) })]).toEqual([{ params: expect.anything() as object }, { wrong: expect.any(String) as string }])
})
