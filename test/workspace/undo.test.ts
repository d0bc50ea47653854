// What was done is taken back: which tree that is, and how its files are written, also when it is cut off.

import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compare, mergeBase } from '../../src/workspace/compare.ts'
import { snapshotsOf, treeNow } from '../../src/workspace/snapshot.ts'
import { holdTarget } from '../../src/workspace/snapshot-ref.ts'
import { withFilesOf, without, withoutHunks } from '../../src/workspace/undo.ts'
import { writeTree } from '../../src/workspace/write-tree.ts'
import { type Names, filesIn, ground, never } from './tree-kit.ts'

const lines = (...changed: readonly number[]): string => Array.from({ length: 40 }, (_, at) => `line ${at}${changed.includes(at) ? ' changed' : ''}\n`).join('')

async function turns() {
  const place = ground()
  const { repository, write, remove, snapshot, folder, deps, files } = place
  repository('other')
  write('text', lines())
  write('gone', 'precious')
  const states: Names[] = [files()]
  const taken = [await snapshot({ n: 1 })]
  const next = async (): Promise<void> => {
    states.push(files())
    taken.push(await snapshot({ n: taken.length + 1 }))
  }
  write('text', lines(2))
  write('made', 'by turn 1')
  remove('gone')
  await next()
  write('text', lines(2, 30))
  write('later', 'by turn 2')
  await next()
  const id = (n: number): { readonly commit: string; readonly tree: string } => taken[n] ?? { commit: '', tree: '' }
  const perform = async (to: { readonly tree: string } | { readonly conflicts: readonly string[] }) => {
    if ('conflicts' in to) throw new Error(`conflicts: ${to.conflicts.join(', ')}`)
    const before = await snapshot({ n: 90 })
    return writeTree(deps, folder, { from: before.tree, to: to.tree, before: before.commit }, never)
  }
  return { ...place, states, id, perform }
}

test('a turn is taken back without what was done since', async () => {
  const { deps, folder, id, perform, states, files } = await turns()
  const made = await without(deps, folder, { current: id(2).tree, steps: [{ from: id(0).tree, to: id(1).tree }] }, never)
  const { written, left } = await perform(made)
  expect({ written: written.toSorted(), left }).toEqual({ written: ['gone', 'made', 'text'], left: [] })
  expect(files()).toEqual({ ...states[0], later: 'file by turn 2', text: `file ${lines(30)}` })
})

test('of a turn only these paths are taken back', async () => {
  const { deps, folder, id, perform, states, files } = await turns()
  await perform(await without(deps, folder, { current: id(2).tree, steps: [{ from: id(0).tree, to: id(1).tree }], paths: ['gone', 'other/'] }, never))
  expect(files()).toEqual({ ...states[2], gone: 'file precious' })
})

test('small files that git ignores by name come back too, where nobody has changed them since, and none goes', async () => {
  const { repository, write, remove, snapshot, folder, deps } = ground()
  repository()
  for (const [name, text] of Object.entries({ '.gitignore': '.env*\nbuilt/\n', '.env': 'KEY=mine', '.env.gone': 'x', '.env.later': 'old', 'built/out': 'made' })) write(name, text)
  const from = await snapshot({ n: 1, why: 'turn-start' })
  write('.env', 'KEY=overwritten')
  remove('.env.gone')
  write('.env.later', 'by the turn')
  write('.env.new', 'by the turn')
  write('built/out', 'again')
  const to = await snapshot({ n: 2, why: 'turn-end' })
  write('.env.later', 'by the user')
  const before = await snapshot({ n: 3, why: 'undo' })
  const made = await without(deps, folder, { current: before.commit, steps: [{ from: from.commit, to: to.commit }] }, never)
  if ('conflicts' in made) throw new Error('conflicts')
  await writeTree(deps, folder, { from: before.tree, to: made.tree, before: before.commit }, never)
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  expect(['.env', '.env.gone', '.env.later', '.env.new', 'built/out'].map(read)).toEqual(['KEY=mine', 'x', 'by the user', 'by the turn', 'again'])
})

test('all turns are taken back, the newest first, whether they follow on each other or not', async () => {
  const { deps, folder, id, perform, states, files, write } = await turns()
  write('by the user', 'in between')
  const { tree } = await treeNow(deps, folder, never)
  const steps = [
    { from: id(1).tree, to: id(2).tree },
    { from: id(0).tree, to: id(1).tree },
  ]
  await perform(await without(deps, folder, { current: tree, steps }, never))
  expect(files()).toEqual({ ...states[0], 'by the user': 'file in between' })
})

test('where later changes are in the way, the paths are told and nothing is written', async () => {
  const { deps, folder, id, write, files } = await turns()
  write('text', lines(2).replace('line 2 changed', 'line 2 of the user'))
  write('made', Buffer.from([0, 1, 2]))
  const { tree } = await treeNow(deps, folder, never)
  const before = files()
  const said = await without(deps, folder, { current: tree, steps: [{ from: id(0).tree, to: id(1).tree }] }, never)
  expect('conflicts' in said && said.conflicts.toSorted()).toEqual(['made', 'text'])
  expect(files()).toEqual(before)
})

test('files of a snapshot come back by path, also folders and names that are no text', async () => {
  const { repository, write, remove, snapshot, deps, folder, files, restore } = ground()
  repository('a')
  write('src/one', '1')
  write('src/deep/two', '2')
  write('no\xfftext', '3')
  write('.gitignore', 'secret\n')
  write('secret', 'TOKEN')
  const { commit } = await snapshot({ n: 1, whole: true })
  const before = files()
  for (const name of ['src', 'a', 'secret']) remove(name)
  rmSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('no\xfftext', 'latin1')]))
  const gone = await snapshot({ n: 2 })
  const to = await withFilesOf(deps, folder, { current: gone.commit, snapshot: commit, paths: ['src', '"no\\377text"', 'secret'] }, never)
  await writeTree(deps, folder, { from: gone.tree, to, before: gone.commit }, never)
  const { a: _, ...rest } = before
  expect(files()).toEqual(rest)
  await expect(withFilesOf(deps, folder, { current: gone.commit, snapshot: commit, paths: ['nowhere'] }, never)).rejects.toMatchObject({ kind: 'refused', paths: ['nowhere'] })
  await restore(commit, 3)
  expect(files()).toEqual(before)
})

test('hunks are taken back one by one, with the ends of files as they were', async () => {
  const { repository, write, snapshot, deps, folder } = ground()
  repository()
  const old = lines().trimEnd()
  const now = `first\n${lines(20)}last`
  write('text', old)
  write('kept', 'x')
  const from = await snapshot({ n: 1 })
  write('text', now)
  const to = await snapshot({ n: 2 })
  const of = { current: to.tree, from: from.tree, to: to.tree, path: 'text' }
  const textWithout = async (...hunks: readonly number[]): Promise<string> => {
    const said = await withoutHunks(deps, folder, { ...of, hunks }, never)
    if ('conflicts' in said) throw new Error('conflict')
    await writeTree(deps, folder, { from: to.tree, to: said.tree, before: to.commit }, never)
    const text = readFileSync(join(folder, 'text'), 'utf8')
    await writeTree(deps, folder, { from: said.tree, to: to.tree }, never)
    return text
  }
  expect(await textWithout(0)).toBe(now.replace('first\n', ''))
  expect(await textWithout(1)).toBe(now.replace('line 20 changed', 'line 20'))
  expect(await textWithout(2)).toBe(now.replace(/\nlast$/, ''))
  expect(await textWithout(0, 1, 2)).toBe(old)
  await expect(withoutHunks(deps, folder, { ...of, hunks: [3] }, never)).rejects.toMatchObject({ kind: 'refused' })
})

test('hunks of a file that was made, deleted, renamed, or changed since', async () => {
  const { repository, write, remove, snapshot, deps, folder, git } = ground()
  repository()
  write('renamed', lines())
  write('deleted', 'gone\n')
  const from = await snapshot({ n: 1 })
  remove('renamed')
  remove('deleted')
  write('new name', lines(3))
  write('made', 'made\n')
  const to = await snapshot({ n: 2 })
  const treeWithout = async (path: string, current = to.tree): Promise<string> => {
    const said = await withoutHunks(deps, folder, { current, from: from.tree, to: to.tree, path, hunks: [0] }, never)
    return 'tree' in said ? said.tree : said.conflicts.join()
  }
  expect(git('ls-tree', '--name-only', await treeWithout('made'))).toBe('new name\n')
  expect(git('cat-file', 'blob', `${await treeWithout('deleted')}:deleted`)).toBe('gone\n')
  expect(git('cat-file', 'blob', `${await treeWithout('new name')}:new name`)).toBe(lines())
  write('new name', lines(3, 30))
  expect(git('cat-file', 'blob', `${await treeWithout('new name', (await treeNow(deps, folder, never)).tree)}:new name`)).toBe(lines(30))
  write('new name', lines(3).replace('line 3 changed', 'line 3 again'))
  expect(await treeWithout('new name', (await treeNow(deps, folder, never)).tree)).toBe('new name')
})

test('before the first byte, a file that is not as it was refuses all, by name', async () => {
  const { id, deps, folder, write, files, git } = await turns()
  write('text', 'written meanwhile')
  mkdirSync(join(folder, 'gone'))
  write('gone/ignored', 'x')
  const before = files()
  const index = readFileSync(join(folder, '.git/index'))
  await expect(writeTree(deps, folder, { from: id(2).tree, to: id(0).tree, before: id(2).commit }, never)).rejects.toMatchObject({ kind: 'refused', paths: ['gone', 'text'] })
  expect(files()).toEqual(before)
  expect(readFileSync(join(folder, '.git/index')).equals(index)).toBe(true)
  expect(git('rev-list', '--count', 'HEAD')).toBe('1\n')
})

test('what git ignores is not overwritten, and a changed mode counts', async () => {
  const { repository, write, snapshot, remove, deps, folder, files } = ground()
  repository('a', 'x/y')
  const from = await snapshot({ n: 1 })
  remove('x')
  write('.gitignore', 'x\n')
  const to = await snapshot({ n: 2 })
  write('x', 'ignored and precious')
  const before = files()
  await expect(writeTree(deps, folder, { from: to.tree, to: from.tree, before: to.commit }, never)).rejects.toMatchObject({ kind: 'refused' })
  expect(files()).toEqual(before)
  rmSync(join(folder, 'x'))
  chmodSync(join(folder, '.gitignore'), 0o755)
  await expect(writeTree(deps, folder, { from: to.tree, to: from.tree, before: to.commit }, never)).rejects.toMatchObject({ kind: 'refused', paths: ['.gitignore'] })
})

test('with line ends that changed since, a file is not as it was', async () => {
  const { repository, write, snapshot, deps, folder } = ground()
  repository()
  write('.gitattributes', '* text=auto\n')
  write('a', 'one\n')
  const from = await snapshot({ n: 1 })
  write('a', 'two\n')
  const to = await snapshot({ n: 2 })
  write('a', 'two\r\n')
  await expect(writeTree(deps, folder, { from: to.tree, to: from.tree, before: to.commit }, never)).rejects.toMatchObject({ kind: 'refused', paths: ['a'] })
})

test('nothing is written through a link that took the place of a folder', async () => {
  const { all, repository, write, snapshot, remove, deps, folder } = ground()
  repository('a', 'd/x')
  const from = await snapshot({ n: 1 })
  write('d/x', 'changed')
  const to = await snapshot({ n: 2 })
  mkdirSync(join(all, 'outside'))
  writeFileSync(join(all, 'outside/x'), 'changed')
  remove('d')
  symlinkSync(join(all, 'outside'), join(folder, 'd'))
  await expect(writeTree(deps, folder, { from: to.tree, to: from.tree, before: to.commit }, never)).rejects.toMatchObject({ kind: 'refused', paths: ['d/x'] })
  const { left } = await writeTree(deps, folder, { from: to.tree, to: from.tree, before: to.commit, going: true }, never)
  expect(left).toEqual(['d/x'])
  expect(readFileSync(join(all, 'outside/x'), 'utf8')).toBe('changed')
})

test('two names of one file both go back', async () => {
  const { repository, write, snapshot, deps, folder, files } = ground()
  repository('a')
  linkSync(join(folder, 'a'), join(folder, 'b'))
  const before = files()
  const from = await snapshot({ n: 1 })
  write('a', 'changed')
  const to = await snapshot({ n: 2 })
  expect(await writeTree(deps, folder, { from: to.tree, to: from.tree, before: to.commit }, never)).toEqual({ written: ['a', 'b'], left: [] })
  expect(files()).toEqual(before)
})

test('a file keeps its permissions but for whether it can be executed, and no temporary file stays', async () => {
  const { repository, write, snapshot, deps, folder } = ground()
  repository('a')
  chmodSync(join(folder, 'a'), 0o600)
  const from = await snapshot({ n: 1 })
  write('a', 'changed')
  chmodSync(join(folder, 'a'), 0o700)
  const to = await snapshot({ n: 2 })
  await writeTree(deps, folder, { from: to.tree, to: from.tree, before: to.commit }, never)
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600)
  await writeTree(deps, folder, { from: from.tree, to: to.tree }, never)
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700)
  expect(readdirSync(folder).toSorted()).toEqual(['.git', 'a'])
})

test('cut off at any step, it is gone on with to the same end; a file that was written meanwhile is left and named', async () => {
  const { repository, write, link, remove, snapshot, deps, folder, files } = ground()
  repository('same', 'text', 'dir/deep/b', 'file')
  link('l', 'same')
  const first = { files: files(), ...(await snapshot({ n: 1 })) }
  for (const name of ['dir', 'file', 'l']) remove(name)
  write('dir', 'a file')
  write('file/x')
  write('l', 'no link')
  write('text', Buffer.alloc(100_000, 7))
  const second = { files: files(), ...(await snapshot({ n: 2 })) }
  let cuts = 0
  for (let at = 1; ; at += 1) {
    let steps = 0
    const step = (): void => {
      steps += 1
      if (steps >= at) throw new Error('dead')
    }
    const of = { from: second.tree, to: first.tree, before: second.commit }
    const died = await writeTree({ ...deps, step }, folder, of, never).then(
      () => false,
      () => true,
    )
    if (!died) break
    cuts += 1
    const { left } = await writeTree(deps, folder, { ...of, going: true }, never)
    expect({ at, left, files: files() }).toEqual({ at, left: [], files: first.files })
    await writeTree(deps, folder, { from: first.tree, to: second.tree, before: first.commit }, never)
    expect(files()).toEqual(second.files)
  }
  expect(cuts).toBe(11)
  expect(files()).toEqual(first.files)
  write('text', 'by the user, after the crash')
  expect(await writeTree(deps, folder, { from: second.tree, to: first.tree, before: second.commit, going: true }, never)).toEqual({ written: [], left: ['text'] })
  expect(readFileSync(join(folder, 'text'), 'utf8')).toBe('by the user, after the crash')
})

test('where not all can be written, nothing is', async () => {
  const { repository, write, snapshot, deps, folder, files } = ground()
  repository('a', 'b')
  const from = await snapshot({ n: 1 })
  write('a', 'changed')
  write('b', 'changed')
  const to = await snapshot({ n: 2 })
  const before = files()
  let steps = 0
  const full = (name: string): void => {
    if (name === 'stage' && (steps += 1) === 2) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  }
  await expect(writeTree({ ...deps, step: full }, folder, { from: to.tree, to: from.tree, before: to.commit }, never)).rejects.toMatchObject({ kind: 'full' })
  expect(files()).toEqual(before)
  expect(readdirSync(folder).toSorted()).toEqual(['.git', 'a', 'b'])
})

test('what a merge makes of converted files is written as a checkout would', async () => {
  const { repository, write, git, commit, snapshot, deps, folder } = ground()
  repository()
  git('config', 'core.autocrlf', 'true')
  const crlf = (...changed: readonly number[]): string => lines(...changed).replaceAll('\n', '\r\n')
  write('text', crlf())
  commit()
  const one = await snapshot({ n: 1 })
  write('text', crlf(2))
  const two = await snapshot({ n: 2 })
  write('text', crlf(2, 30))
  const three = await snapshot({ n: 3 })
  const said = await without(deps, folder, { current: three.tree, steps: [{ from: one.tree, to: two.tree }] }, never)
  await writeTree(deps, folder, { from: three.tree, to: 'tree' in said ? said.tree : '', before: three.commit }, never)
  expect(readFileSync(join(folder, 'text'), 'utf8')).toBe(crlf(30))
})

test('what lies between two trees is told by file: kinds, lines, modes, renames, binary files', async () => {
  const { repository, write, remove, link, snapshot, deps, folder, git } = ground()
  repository('mode', 'type', 'deleted')
  write('renamed', lines())
  write('binary', Buffer.from([0, 1]))
  const from = await snapshot({ n: 1 })
  for (const name of ['type', 'deleted', 'renamed']) remove(name)
  chmodSync(join(folder, 'mode'), 0o755)
  link('type', 'mode')
  write('new\nname', lines(3))
  write('binary', Buffer.from([0, 2]))
  write('no\xfftext', 'one\ntwo\n')
  const to = await snapshot({ n: 2 })
  const { files } = await compare(deps, folder, { from: from.tree, to: to.tree }, never)
  expect(files.toSorted((one, other) => one.path.localeCompare(other.path, 'en'))).toEqual([
    { path: '"no\\377text"', kind: 'added', added: 2, removed: 0 },
    { path: 'binary', kind: 'modified', added: null, removed: null },
    { path: 'deleted', kind: 'deleted', added: 0, removed: 1 },
    { path: 'mode', kind: 'modified', added: 0, removed: 0, mode: { from: '100644', to: '100755' } },
    { path: 'new\nname', kind: 'renamed', from: 'renamed', added: 1, removed: 1 },
    { path: 'type', kind: 'type-changed', added: 1, removed: 1, mode: { from: '100644', to: '120000' } },
  ])
  const paths = async (...wanted: readonly string[]) => (await compare(deps, folder, { from: from.commit, to: to.commit, paths: wanted }, never)).files.map(({ path }) => path)
  expect([await paths('mode'), await paths('"no\\377text"', 'binary'), await paths()]).toEqual([['mode'], ['binary', '"no\\377text"'], []])
  const cut = await compare(deps, folder, { from: from.tree, to: to.tree, patchBytes: 100 }, never)
  expect([cut.patch?.length, cut.cutAt]).toEqual([100, 100])
  const whole = await compare(deps, folder, { from: from.tree, to: to.tree, patchBytes: 1_000_000 }, never)
  expect([Buffer.from(whole.patch ?? []).includes('+line 3 changed'), whole.cutAt]).toEqual([true, undefined])
  expect([await mergeBase(deps, folder, 'HEAD', to.commit, never), await mergeBase(deps, folder, 'HEAD', git('commit-tree', '-m', 'x', to.tree).trim(), never)]).toEqual([
    git('rev-parse', 'HEAD').trim(),
    undefined,
  ])
  await expect(mergeBase(deps, folder, 'HEAD', 'nope', never)).rejects.toThrow(`there is no branch or commit nope in ${folder}`)
})

test('the private repository of a directory without one is asked like any other', async () => {
  const { write, snapshot, deps, folder, files, restore } = ground()
  write('a', 'one\n')
  const one = await snapshot({ n: 1 })
  const before = files()
  write('a', 'two\n')
  write('b')
  const two = await snapshot({ n: 2 })
  expect((await compare(deps, folder, { from: one.tree, to: two.tree }, never)).files.map(({ path, kind }) => [path, kind])).toEqual([
    ['a', 'modified'],
    ['b', 'added'],
  ])
  await restore(one.commit, 3)
  expect(filesIn(folder)).toEqual(before)
  expect(existsSync(join(folder, '.git'))).toBe(false)
  expect(lstatSync(join(folder, 'a')).isFile()).toBe(true)
})

test.each([
  ['tree', 'c'],
  // Exact bytes need one.
  ['commit', 'b.txt'],
])('what is to be written back (a %s) outlives a gc while it is held, and no longer', async (kind, path) => {
  const { repository, write, snapshot, deps, folder, git } = ground()
  repository('a')
  write('.gitattributes', '*.txt text\n')
  write('b.txt', 'one\r\n')
  const one = await snapshot({ n: 1 })
  write('b.txt', 'two\r\n')
  write('c')
  const two = await snapshot({ n: 2 })
  const to = await withFilesOf(deps, folder, { current: two.commit, snapshot: one.commit, paths: [path] }, never)
  expect(git('cat-file', '-t', to).trim()).toBe(kind)
  // Of a git that was killed.
  write('.git/refs/offstage/k3f9x2ab/undo-1.lock', '')
  await holdTarget(deps, folder, 'k3f9x2ab', to, never)
  git('gc', '-q', '--prune=now')
  expect((await writeTree(deps, folder, { from: two.tree, to, before: two.commit }, never)).written).toEqual([path])
  expect((await snapshotsOf(deps, folder, 'k3f9x2ab', never)).map(({ n }) => n)).toEqual([1, 2])
  await holdTarget(deps, folder, 'k3f9x2ab', undefined, never)
  // There is nothing to let go of any more.
  await holdTarget(deps, folder, 'k3f9x2ab', undefined, never)
  expect(git('for-each-ref', '--format=%(refname)', 'refs/offstage').trim().split('\n')).toEqual(['refs/offstage/k3f9x2ab/1', 'refs/offstage/k3f9x2ab/2'])
  git('gc', '-q', '--prune=now')
  expect(() => git('cat-file', '-e', to)).toThrow()
  await expect(holdTarget(deps, folder, 'k3f9x2ab', to, never)).rejects.toThrow(/git update-ref failed/)
})
