// Snapshots of real trees: what is in them, what they leave alone, and how they are found again.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dropSnapshots, snapshotsOf, takeSnapshot, treeNow } from '../../src/workspace/snapshot.ts'
import { openScratch } from '../../src/workspace/open-tree.ts'
import { filesIn, ground, never } from './tree-kit.ts'

const inTree = (git: (...args: readonly string[]) => string, id: string): readonly string[] => git('ls-tree', '-r', '-z', '--name-only', id).split('\0').slice(0, -1)

test('a snapshot has what `git add -A` would have, on top of HEAD, and says of itself what it is', async () => {
  const { repository, write, remove, git, snapshot, sacred, files, folder } = ground()
  repository('kept', 'changed', 'gone', 'src/deep/a')
  write('changed', 'now')
  write('new file')
  write('.gitignore', 'built/\n')
  write('built/out')
  remove('gone')
  chmodSync(join(folder, 'kept'), 0o755)
  const before = { sacred: sacred(), files: files() }
  const taken = await snapshot({ n: 3, why: 'turn-end', turn: 2 })
  expect({ sacred: sacred(), files: files() }).toEqual(before)
  expect(taken).toEqual({ n: 3, commit: git('rev-parse', 'refs/offstage/k3f9x2ab/3').trim(), tree: taken.tree, why: 'turn-end', turn: 2, atMs: 1_700_000_000_000 })
  expect(git('rev-parse', `${taken.commit}^1`)).toBe(git('rev-parse', 'HEAD'))
  expect(git('log', '-1', '--format=%an <%ae> %at', taken.commit)).toBe('Offstage <offstage@localhost> 1700000000\n')
  git('add', '-A')
  expect(taken.tree).toBe(git('write-tree').trim())
})

test('of a folder inside, it is the whole tree', async () => {
  const { repository, write, folder, snapshot, git } = ground()
  repository('a', 'src/b')
  write('c')
  expect(inTree(git, (await snapshot({ directory: join(folder, 'src') })).tree)).toEqual(['a', 'c', 'src/b'])
})

test('nothing is taken where nothing changed, and a new commit or other bytes are a change', async () => {
  const { repository, write, git, deps, wish, snapshot } = ground()
  repository('a')
  write('b')
  const first = await snapshot()
  const again = (n: number) => takeSnapshot(deps, wish({ n, unless: first }), never)
  expect(await again(2)).toBeUndefined()
  git('commit', '-q', '--allow-empty', '-m', 'second')
  expect((await again(2))?.tree).toBe(first.tree)
  write('b', 'other')
  expect((await again(3))?.n).toBe(3)
})

test('names of any bytes are kept, and told as git quotes them where they are no text', async () => {
  const strange = ['line\nbreak', 'quote"s', ' space ', 'tab\there', 'back\\slash', '-dash', 'not\xfftext', '"looks quoted"', 'ünïcode', ':(glob)*', '*?[x]'].map((name) =>
    Buffer.from(name, name.includes('\xff') ? 'latin1' : 'utf8').toString('latin1'),
  )
  const { repository, write, snapshot, restore, files, folder } = ground({ fileBytes: 20 })
  repository('a')
  for (const name of strange) write(name)
  write('too\xfflarge', 'x'.repeat(30))
  const before = files()
  const { commit, leftOut } = await snapshot()
  expect(leftOut).toEqual([{ path: '"too\\377large"', why: 'too large: 1 KiB' }])
  for (const name of strange) rmSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]))
  await restore(commit, 2)
  expect(files()).toEqual(before)
})

test('before the first commit a snapshot has no parent', async () => {
  const { repository, write, snapshot, git } = ground()
  repository()
  write('a')
  const { commit } = await snapshot()
  expect(git('log', '-1', '--format=[%P]', commit)).toBe('[]\n')
  expect(inTree(git, commit)).toEqual(['a'])
})

test('an empty repository can be kept too', async () => {
  const { repository, snapshot, git } = ground()
  repository()
  expect(inTree(git, (await snapshot()).tree)).toEqual([])
})

test('in the middle of a merge, the files are kept as they lie there, and the merge goes on', async () => {
  const { repository, write, commit, git, snapshot, sacred, files } = ground()
  repository('a')
  git('checkout', '-qb', 'other')
  write('a', 'theirs')
  commit()
  git('checkout', '-q', 'main')
  write('a', 'ours')
  commit()
  expect(() => git('merge', 'other')).toThrow()
  const before = { sacred: sacred(), files: files() }
  const { tree } = await snapshot()
  expect(git('cat-file', 'blob', `${tree}:a`)).toContain('<<<<<<<')
  expect({ sacred: sacred(), files: files() }).toEqual(before)
})

test('a rebase that stands still and a detached HEAD are no hindrance', async () => {
  const { repository, write, commit, git, snapshot, sacred } = ground()
  repository('a')
  git('checkout', '-qb', 'other')
  write('a', 'theirs')
  commit()
  git('checkout', '-q', 'main')
  write('a', 'ours')
  commit()
  git('checkout', '-q', '--detach', 'other')
  expect(() => git('rebase', 'main')).toThrow()
  const before = sacred()
  expect((await snapshot()).n).toBe(1)
  expect(sacred()).toEqual(before)
})

test('what is staged and then changed again is in the snapshot as well', async () => {
  const { repository, write, git, snapshot } = ground()
  repository('a')
  write('a', 'staged')
  git('add', 'a')
  write('a', 'later')
  const { commit, tree } = await snapshot()
  const index = /^Offstage-Index: (.*)$/m.exec(git('cat-file', 'commit', commit))?.[1]
  expect([git('cat-file', 'blob', `${tree}:a`), git('cat-file', 'blob', `${index}:a`)]).toEqual(['later', 'staged'])
  expect(git('rev-list', '--parents', '-1', commit)).toContain(index)
})

test.each(['--assume-unchanged', '--skip-worktree'])('a file that git was told not to look at (%s) is looked at', async (flag) => {
  const { repository, write, git, snapshot, sacred } = ground()
  repository('a', 'b')
  git('update-index', flag, 'a')
  write('a', 'changed behind the back of git')
  const before = sacred()
  expect(git('cat-file', 'blob', `${(await snapshot()).tree}:a`)).toBe('changed behind the back of git')
  expect(sacred()).toEqual(before)
})

test('of a sparse checkout, what is not there is not gone, and what is there all the same is kept', async () => {
  const { repository, write, git, snapshot, sacred } = ground()
  repository('in/a', 'out/b', 'out/c')
  git('sparse-checkout', 'set', '--cone', '--sparse-index', 'in')
  write('out/b', 'there all the same')
  write('in/a', 'changed')
  const before = sacred()
  const { tree } = await snapshot()
  expect(inTree(git, tree)).toEqual(['in/a', 'out/b', 'out/c'])
  expect(git('cat-file', 'blob', `${tree}:out/b`)).toBe('there all the same')
  expect(sacred()).toEqual(before)
})

test('a split index and an intent to add are read as they are', async () => {
  const { repository, write, git, snapshot, sacred } = ground()
  repository('a')
  git('update-index', '--split-index')
  write('b')
  git('add', '-N', 'b')
  const before = sacred()
  const { tree } = await snapshot()
  expect(inTree(git, tree)).toEqual(['a', 'b'])
  expect(git('cat-file', 'blob', `${tree}:b`)).toBe('b')
  expect(sacred()).toEqual(before)
})

test('a lock that another git left does not hinder it', async () => {
  const { repository, write, folder, snapshot } = ground()
  repository('a')
  write('b')
  for (const name of ['index.lock', 'HEAD.lock', 'packed-refs.lock', 'config.lock']) writeFileSync(join(folder, '.git', name), '')
  expect((await snapshot()).n).toBe(1)
})

test('a change of the same size within the second in which git looked is seen', async () => {
  const { repository, write, git, folder, snapshot } = ground()
  repository('a')
  write('a', 'one')
  git('add', 'a')
  const { mtime } = { mtime: new Date(Math.floor(Date.now() / 1000) * 1000) }
  write('a', 'two')
  utimesSync(join(folder, 'a'), mtime, mtime)
  utimesSync(join(folder, '.git/index'), mtime, mtime)
  expect(git('cat-file', 'blob', `${(await snapshot()).tree}:a`)).toBe('two')
})

test('files as new as the index are read once, not at each look, and every change is seen all the same', async () => {
  const { repository, folder, all, deps, git, write, snapshot, restore, files, sacred } = ground()
  const old = Math.floor(Date.now() / 1000) - 20
  write('.gitattributes', '*.txt filter=seen\n')
  for (const name of ['a.txt', 'b.txt', 'c.txt']) {
    write(name, 'as it was\n')
    utimesSync(join(folder, name), old, old)
  }
  repository('x')
  git('config', 'filter.seen.clean', `echo %f >> ${join(all, 'read')}; cat`)
  utimesSync(join(folder, '.git/index'), old, old)
  const readBy = async (look: () => Promise<unknown>): Promise<readonly string[]> => {
    rmSync(join(all, 'read'), { force: true })
    await look()
    return [...new Set(existsSync(join(all, 'read')) ? readFileSync(join(all, 'read'), 'utf8').trim().split('\n') : [])].toSorted()
  }
  const now = () => treeNow(deps, folder, never)
  const before = sacred()
  expect(await readBy(now)).toEqual(['a.txt', 'b.txt', 'c.txt'])
  expect(await readBy(now)).toEqual([])
  write('b.txt', 'as it WAS\n')
  expect(await readBy(now)).toEqual(['b.txt'])
  expect(sacred()).toEqual(before)
  const one = await snapshot()
  git('add', 'b.txt')
  write('c.txt', 'as it WAS\n')
  const two = await snapshot({ n: 2 })
  const changed = files()
  await restore(one.commit, 3)
  expect(files()['c.txt']).toBe('file as it was\n')
  await restore(two.commit, 4)
  expect(files()).toEqual(changed)
})

test('types change: file to folder, folder to file, link to folder, and back', async () => {
  const { repository, write, link, remove, snapshot, restore, files, commit } = ground()
  repository('file', 'folder/a', 'folder/deep/b', 'e/x')
  link('link', 'e')
  commit()
  const first = { files: files(), ...(await snapshot({ n: 1 })) }
  for (const name of ['file', 'folder', 'link', 'e']) remove(name)
  write('file/x')
  write('folder', 'a file now')
  write('link/x', 'not of e')
  link('e', 'file')
  const second = { files: files(), ...(await snapshot({ n: 2 })) }
  await restore(first.commit, 3)
  expect(files()).toEqual(first.files)
  await restore(second.commit, 4)
  expect(files()).toEqual(second.files)
})

test('links are kept as links, whatever they lead to, and are never gone through', async () => {
  const { repository, link, all, remove, write, snapshot, restore, files } = ground()
  repository('a')
  mkdirSync(join(all, 'outside'))
  writeFileSync(join(all, 'outside/secret'), 'mine')
  link('out', join(all, 'outside'))
  link('dangling', 'nowhere')
  link('self', 'self')
  const first = { files: files(), ...(await snapshot({ n: 1 })) }
  remove('out')
  write('out/secret', 'in the tree')
  const second = { files: files(), ...(await snapshot({ n: 2 })) }
  await restore(first.commit, 3)
  expect(files()).toEqual(first.files)
  await restore(second.commit, 4)
  expect(files()).toEqual(second.files)
  expect(readFileSync(join(all, 'outside/secret'), 'utf8')).toBe('mine')
})

test('empty folders, sockets and pipes: the first come back, the others are named', async () => {
  const { repository, folder, snapshot, restore, remove, files } = ground()
  repository('a')
  mkdirSync(join(folder, 'empty/deep'), { recursive: true })
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const taken = await snapshot()
  expect(taken.leftOut).toEqual([{ path: 'pipe', why: 'a named pipe' }])
  const before = files()
  remove('empty')
  await restore(taken.commit, 2)
  expect(files()).toEqual(before)
})

test.each([
  ['autocrlf', ['config', 'core.autocrlf', 'true'], undefined],
  ['eol=crlf', undefined, '* text eol=crlf\n'],
  ['text=auto', undefined, '* text=auto\n'],
  ['ident', undefined, '* ident\n'],
  ['an encoding', undefined, '*.txt working-tree-encoding=UTF-16LE text\n'],
])('what %s converts comes back byte for byte', async (_, config, attributes) => {
  const { repository, write, git, snapshot, restore, files, folder } = ground()
  repository('plain')
  if (config) git(...config)
  if (attributes !== undefined) write('.gitattributes', attributes)
  write('crlf.txt', Buffer.from('one\r\ntwo\r\n', 'utf16le'))
  write('crlf', 'one\r\ntwo\r\n')
  write('mixed', 'one\r\ntwo\nthree')
  write('lf', 'one\ntwo\n')
  write('ident', '$Id: of somebody else $\n')
  const before = files()
  const { commit } = await snapshot({ n: 1 })
  for (const name of ['crlf', 'mixed', 'lf', 'ident', 'crlf.txt']) writeFileSync(join(folder, name), name === 'crlf.txt' ? Buffer.from('x\n', 'utf16le') : 'other\n')
  await restore(commit, 2)
  expect(files()).toEqual(before)
})

test('a change that is none to git, of line ends alone, is a change', async () => {
  const { repository, write, commit, snapshot, restore, files, deps, wish } = ground()
  repository()
  write('.gitattributes', '* text=auto\n')
  write('a', 'one\ntwo\n')
  commit()
  const first = await snapshot({ n: 1 })
  const before = files()
  write('a', 'one\r\ntwo\r\n')
  const second = await takeSnapshot(deps, wish({ n: 2, unless: first }), never)
  expect(second?.tree).toBe(first.tree)
  const after = files()
  await restore(first.commit, 3)
  expect(files()).toEqual(before)
  await restore(second?.commit ?? '', 4)
  expect(files()).toEqual(after)
})

test('what git converted once and converts no more is kept as it lies there', async () => {
  const { repository, write, git, remove, snapshot, restore, files, folder } = ground()
  repository()
  write('.gitattributes', '* text=auto\n')
  write('a', 'one\r\ntwo\r\n')
  // Long ago: git does not look at what it is sure of.
  const past = new Date(1_700_000_000_000)
  utimesSync(join(folder, 'a'), past, past)
  git('add', '-A')
  git('commit', '-qm', 'first')
  git('rm', '-q', '.gitattributes')
  git('commit', '-qm', 'second')
  expect(git('status', '--porcelain')).toBe('')
  const before = files()
  const { commit, tree } = await snapshot()
  expect(git('cat-file', 'blob', `${tree}:a`)).toBe('one\ntwo\n')
  remove('a')
  await restore(commit, 2)
  expect(files()).toEqual(before)
})

test('what a filter takes away before git sees it comes back', async () => {
  const { repository, write, git, commit, snapshot, restore, files } = ground()
  repository()
  git('config', 'filter.strip.clean', 'grep -v SECRET || true')
  write('.gitattributes', 'note filter=strip\n')
  write('note', 'kept\n')
  commit()
  write('note', 'kept\nSECRET output\n')
  const before = files()
  const { commit: taken, tree } = await snapshot()
  expect(git('cat-file', 'blob', `${tree}:note`)).toBe('kept\n')
  write('note', 'kept\nmore\n')
  await restore(taken, 2)
  expect(files()).toEqual(before)
})

test('where git-lfs is set up and not installed, the bytes themselves are kept', async () => {
  const { repository, write, git, commit, snapshot, restore, files } = ground()
  repository()
  write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n')
  write('a.bin', `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5\n`)
  commit()
  for (const [key, value] of [['clean', 'no-such-git-lfs clean -- %f'], ['smudge', 'no-such-git-lfs smudge -- %f'], ['process', 'no-such-git-lfs filter-process'], ['required', 'true']]) git('config', `filter.lfs.${key}`, value ?? '') // prettier-ignore
  write('a.bin', 'large and real\n')
  const before = files()
  const { commit: taken } = await snapshot()
  write('a.bin', 'other')
  await restore(taken, 2)
  expect(files()).toEqual(before)
})

test('a file that is too large is left out and named; with everything asked for it is refused by name', async () => {
  const { repository, write, git, snapshot } = ground({ fileBytes: 1000 })
  repository('a')
  write('large', 'x'.repeat(1001))
  write('small', 'x'.repeat(1000))
  const { tree, leftOut } = await snapshot()
  expect(inTree(git, tree)).toEqual(['a', 'small'])
  expect(leftOut).toEqual([{ path: 'large', why: 'too large: 1 KiB' }])
  await expect(snapshot({ n: 2, whole: true })).rejects.toMatchObject({ kind: 'refused', paths: ['large'] })
  expect(git('for-each-ref', 'refs/offstage').split('\n')).toHaveLength(2)
})

test.skipIf(process.platform !== 'linux')('a file that cannot be looked at, as its path is too long, is named; with everything asked for it is refused by name', async () => {
  const { repository, folder, write, snapshot } = ground()
  repository('a')
  write('.gitignore', '*.ignored\n')
  const deep = Array.from({ length: 200 }, () => 'd'.repeat(200)).join('/').slice(0, 4060 - folder.length) // prettier-ignore
  mkdirSync(join(folder, deep), { recursive: true })
  for (const name of ['new', 'old.ignored']) execFileSync('touch', [name.padStart(60, 'x')], { cwd: join(folder, deep) })
  expect((await snapshot()).leftOut).toEqual([{ path: `${deep}/${'new'.padStart(60, 'x')}`, why: 'cannot be read' }])
  await expect(snapshot({ n: 2, whole: true })).rejects.toMatchObject({ kind: 'refused', paths: expect.arrayContaining([`${deep}/${'old.ignored'.padStart(60, 'x')}`]) })
})

test('with everything asked for, ignored files are kept too, but for what programs make again', async () => {
  const { repository, write, link, git, snapshot } = ground()
  repository('a')
  write('.gitignore', '*.env\nbuilt/\nnode_modules\n.venv/\ncache/\n')
  write('x.env', 'TOKEN=1')
  write('built/deep/out', Buffer.from([0, 255, 10, 13]))
  link('l.env', 'x.env')
  write('node_modules/x/y')
  write('.venv/pyvenv.cfg')
  write('cache/CACHEDIR.TAG', 'Signature: 8a477f597d28d172789f06886806bc55\n')
  const { commit, leftOut } = await snapshot({ whole: true })
  const exact = /^Offstage-Exact: (.*)$/m.exec(git('cat-file', 'commit', commit))?.[1] ?? ''
  expect(inTree(git, exact)).toEqual(['ignored/built/deep/out', 'ignored/l.env', 'ignored/x.env'])
  expect(leftOut?.map(({ path }) => path)).toEqual(['.venv/', 'cache/', 'node_modules/'])
})

test('a repository inside is kept in its own, under the same name; with everything asked for it is refused by name', async () => {
  const { repository, write, folder, gitAt, deps, wish, snapshot, git } = ground()
  repository('a')
  mkdirSync(join(folder, 'inner'))
  gitAt(join(folder, 'inner'), 'init', '-q')
  write('inner/b', 'not committed anywhere')
  const first = await snapshot()
  expect(inTree(git, first.tree)).toEqual(['a'])
  expect(gitAt(join(folder, 'inner'), 'cat-file', 'blob', 'refs/offstage/k3f9x2ab/1:b')).toBe('not committed anywhere')
  expect(await takeSnapshot(deps, wish({ n: 2, unless: first }), never)).toBeUndefined()
  write('inner/b', 'changed')
  const second = await takeSnapshot(deps, wish({ n: 2, unless: first }), never)
  expect(second?.tree).toBe(first.tree)
  expect(gitAt(join(folder, 'inner'), 'cat-file', 'blob', 'refs/offstage/k3f9x2ab/2:b')).toBe('changed')
  await expect(snapshot({ n: 3, whole: true })).rejects.toMatchObject({ kind: 'refused', paths: ['inner'] })
  await dropSnapshots(deps, folder, 'k3f9x2ab', [1], never)
  expect(gitAt(join(folder, 'inner'), 'for-each-ref', '--format=%(refname)')).toBe('refs/offstage/k3f9x2ab/2\n')
})

test('a submodule with changes is kept in its own repository, and its new commit in the tree', async () => {
  const { all, repository, write, folder, gitAt, git, snapshot } = ground()
  mkdirSync(join(all, 'library'))
  gitAt(join(all, 'library'), 'init', '-q', '-b', 'main')
  writeFileSync(join(all, 'library/lib'), 'lib')
  gitAt(join(all, 'library'), 'add', '-A')
  gitAt(join(all, 'library'), 'commit', '-qm', 'first')
  repository('a')
  git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', join(all, 'library'), 'sub')
  git('commit', '-qm', 'with a submodule')
  write('sub/lib', 'dirty')
  const { tree } = await snapshot()
  expect(tree).toBe(git('rev-parse', 'HEAD^{tree}').trim())
  expect(gitAt(join(folder, 'sub'), 'cat-file', 'blob', 'refs/offstage/k3f9x2ab/1:lib')).toBe('dirty')
  gitAt(join(folder, 'sub'), 'commit', '-qam', 'second')
  expect(git('rev-parse', `${(await snapshot({ n: 2 })).tree}:sub`)).toBe(gitAt(join(folder, 'sub'), 'rev-parse', 'HEAD'))
})

test('a snapshot outlives gc, and no push, clone or listing brings it along', async () => {
  const { all, repository, write, git, gitAt, snapshot } = ground()
  repository('a')
  gitAt(all, 'init', '-q', '--bare', 'remote')
  git('remote', 'add', 'origin', join(all, 'remote'))
  write('b', 'precious')
  const { commit } = await snapshot()
  git('reflog', 'expire', '--expire=now', '--all')
  git('gc', '-q', '--prune=now')
  expect(git('cat-file', 'blob', `${commit}:b`)).toBe('precious')
  git('push', '-q', '-u', 'origin', 'main')
  git('push', '-q', '--all', 'origin')
  git('push', '-q', '--tags', 'origin')
  git('config', 'push.default', 'matching')
  git('push', '-q')
  expect(gitAt(join(all, 'remote'), 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main\n')
  expect(() => gitAt(join(all, 'remote'), 'cat-file', '-e', commit)).toThrow()
  gitAt(all, 'clone', '-q', join(all, 'shop'), 'copy')
  expect(gitAt(join(all, 'copy'), 'for-each-ref')).not.toContain('offstage')
  expect([git('branch', '-a', '--format=%(refname)'), git('tag'), git('log', '--format=%s')].join('')).toBe('refs/heads/main\nrefs/remotes/origin/main\ncommit\n')
})

test('what a gc took that had looked around before, is kept anew', async () => {
  const { repository, write, folder, git, deps, wish } = ground()
  repository('a', 'dir/b')
  write('a', 'one\r\n')
  for (const what of ['', '^{tree}', ':a']) {
    let times = 0
    const step = (name: string): void => {
      const id = name === 'look back' && times++ === 0 ? git('rev-parse', `refs/offstage/k3f9x2ab/1${what}`).trim() : ''
      if (id !== '') rmSync(join(folder, '.git/objects', id.slice(0, 2), id.slice(2)))
    }
    const taken = await takeSnapshot({ ...deps, step }, wish(), never)
    expect([times, taken?.n, git('cat-file', 'blob', `${taken?.commit}:a`), git('fsck', '--no-dangling', '--no-progress')]).toEqual([2, 1, 'one\r\n', ''])
    git('update-ref', '-d', 'refs/offstage/k3f9x2ab/1')
  }
})

test('a gc that is under way is waited for', async () => {
  const { repository, folder, deps, wish } = ground()
  repository('a')
  const mark = join(folder, '.git/gc.pid')
  writeFileSync(mark, `${process.pid} here`)
  const step = (name: string): void => void (name === 'look back' && setImmediate(() => rmSync(mark)))
  await takeSnapshot({ ...deps, step }, wish(), never)
  expect(existsSync(mark)).toBe(false)
})

test('a mark of a gc that died long ago holds nobody up, whoever has its number now', async () => {
  const { repository, folder, deps, wish } = ground()
  repository('a')
  const mark = join(folder, '.git/gc.pid')
  writeFileSync(mark, `${process.pid} here`)
  const dayAgo = Date.now() / 1000 - 86_400
  utimesSync(mark, dayAgo, dayAgo)
  let lookedAtMs = Number.POSITIVE_INFINITY
  const step = (name: string): void => void (name === 'look back' && (lookedAtMs = performance.now()))
  await takeSnapshot({ ...deps, step }, wish(), never)
  expect(performance.now() - lookedAtMs).toBeLessThan(1500)
})

test('a snapshot whose commit is gone hides no other one', async () => {
  const { repository, write, folder, snapshot, deps } = ground()
  repository('a')
  const taken = []
  for (const n of [1, 2, 3]) {
    write('a', String(n))
    taken.push(await snapshot({ n }))
  }
  const id = taken[1]?.commit ?? ''
  rmSync(join(folder, '.git/objects', id.slice(0, 2), id.slice(2)))
  expect(await snapshotsOf(deps, folder, 'k3f9x2ab', never)).toEqual([taken[0], taken[2]])
  write('a', 'four')
  expect((await snapshot({ n: 2 })).n).toBe(4)
})

test('taken again after a crash, it is the same one; another one takes the next free number; none is ever overwritten', async () => {
  const { repository, write, git, snapshot, deps, folder } = ground()
  repository('a')
  write('b')
  const first = await snapshot()
  expect(await snapshot({ atMs: 1_800_000_000_000 })).toEqual(first)
  write('b', 'other')
  const second = await snapshot()
  expect(second.n).toBe(2)
  expect(git('rev-parse', 'refs/offstage/k3f9x2ab/1').trim()).toBe(first.commit)
  expect(await snapshotsOf(deps, folder, 'k3f9x2ab', never)).toEqual([first, second])
  expect(await snapshotsOf(deps, folder, 'other000', never)).toEqual([])
})

test('snapshots are listed oldest first and dropped by number, with what was left out', async () => {
  const { repository, write, snapshot, deps, folder, git } = ground({ fileBytes: 3 })
  repository('a')
  write('line\nbreak', 'large')
  const taken = []
  for (const n of [2, 10, 9]) taken.push(await snapshot({ n, why: 'turn-end', turn: n }))
  const [two, ten, nine] = taken
  expect(await snapshotsOf(deps, folder, 'k3f9x2ab', never)).toEqual([two, nine, ten])
  expect(two?.leftOut?.[0]?.path).toBe('line\nbreak')
  await dropSnapshots(deps, folder, 'k3f9x2ab', [2, 9, 77], never)
  expect(await snapshotsOf(deps, folder, 'k3f9x2ab', never)).toEqual([ten])
  expect(git('for-each-ref', '--format=%(refname)', 'refs/offstage')).toBe('refs/offstage/k3f9x2ab/10\n')
})

test('variables of the caller that tell of another repository, and hooks, are passed by', async () => {
  const { all, repository, write, folder, deps, wish, git } = ground()
  repository('a')
  write('b')
  writeFileSync(join(folder, '.git/hooks/reference-transaction'), `#!/bin/sh\ntouch ${all}/hook-ran\n`, { mode: 0o755 })
  writeFileSync(join(folder, '.git/hooks/post-index-change'), `#!/bin/sh\ntouch ${all}/hook-ran\n`, { mode: 0o755 })
  const env = {
    ...deps.env,
    GIT_DIR: '/nowhere',
    GIT_INDEX_FILE: join(all, 'foreign'),
    GIT_WORK_TREE: all,
    GIT_OBJECT_DIRECTORY: '/nowhere',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NAMESPACE: 'x',
  }
  const taken = await takeSnapshot({ ...deps, env }, wish(), never)
  expect(inTree(git, taken?.tree ?? '')).toEqual(['a', 'b'])
  expect([existsSync(join(all, 'foreign')), existsSync(join(all, 'hook-ran'))]).toEqual([false, false])
})

test('settings of the user that change what git prints or refuses are passed by', async () => {
  const { repository, write, git, snapshot, folder } = ground()
  repository('\u00c3\u00a4')
  for (const [key, value] of Object.entries({
    'color.ui': 'always',
    'core.safecrlf': 'true',
    'core.autocrlf': 'input',
    'status.showUntrackedFiles': 'no',
    'diff.noprefix': 'true',
    'status.relativePaths': 'false',
    'core.logAllRefUpdates': 'always',
    'i18n.commitEncoding': 'latin1',
    'commit.gpgSign': 'true',
  }))
    git('config', key, value)
  write('b', 'one\r\n')
  const { tree } = await snapshot()
  expect(git('-c', 'core.quotePath=false', 'ls-tree', '--name-only', tree)).toBe('b\nä\n')
  expect(existsSync(join(folder, '.git/logs/refs/offstage'))).toBe(false)
})

test('where there is no repository, the same is kept in a private one', async () => {
  const { write, link, remove, snapshot, restore, files, folder, deps, wish, all } = ground()
  write('a')
  write('.gitattributes', '* text eol=crlf\n')
  write('crlf', 'one\r\n')
  link('l', 'a')
  mkdirSync(join(folder, '.jj'))
  writeFileSync(join(folder, '.jj/own'), 'of jj')
  const first = await snapshot()
  const before = files()
  expect(readdirSync(folder).toSorted()).toEqual(['.gitattributes', '.jj', 'a', 'crlf', 'l'])
  expect(await takeSnapshot(deps, wish({ n: 2, unless: first }), never)).toBeUndefined()
  write('crlf', 'one\n')
  remove('a')
  await restore(first.commit, 2)
  expect(files()).toEqual(before)
  expect((await snapshotsOf(deps, folder, 'k3f9x2ab', never)).map(({ n }) => n)).toEqual([1, 2])
  expect(await snapshotsOf(deps, all, 'k3f9x2ab', never)).toEqual([])
})

test('what was kept of a directory is found in the repository that it becomes', async () => {
  const { write, snapshot, restore, files, gitAt, deps, folder } = ground()
  write('a', 'one')
  const before = files()
  const first = await snapshot({ n: 1 })
  write('a', 'two')
  gitAt(folder, 'init', '-q')
  expect(await snapshotsOf(deps, folder, 'k3f9x2ab', never)).toEqual([first])
  await restore(first.commit, 2)
  expect([files(), (await snapshotsOf(deps, folder, 'k3f9x2ab', never)).map(({ n }) => n)]).toEqual([before, [1, 2]])
})

test("a lock that a death left on a snapshot's own name is no harm", async () => {
  const { repository, write, snapshot, folder } = ground()
  repository('a')
  write('a', 'changed')
  mkdirSync(join(folder, '.git/refs/offstage/k3f9x2ab'), { recursive: true })
  writeFileSync(join(folder, '.git/refs/offstage/k3f9x2ab/1.lock'), '')
  expect((await snapshot({ n: 1 })).n).toBe(2)
})

test('a directory without a repository that is too large, or has ours in it, is told as impossible before anything is stored', async () => {
  const { write, snapshot, deps, all, wish } = ground({ files: 3, bytes: 100 })
  for (const name of ['a', 'b', 'c']) write(name)
  await snapshot()
  write('d')
  await expect(snapshot({ n: 2 })).rejects.toMatchObject({ kind: 'impossible', message: expect.stringContaining('more than 3 files') })
  rmSync(join(all, 'shop/d'))
  write('a', 'x'.repeat(101))
  await expect(snapshot({ n: 2 })).rejects.toMatchObject({ kind: 'impossible' })
  await expect(takeSnapshot({ ...deps, env: { ...deps.env, GIT_CEILING_DIRECTORIES: '/' } }, wish({ directory: all }), never)).rejects.toMatchObject({
    kind: 'impossible',
    message: expect.stringContaining('everything that Offstage keeps'),
  })
})

test('a bare repository, a missing directory and a missing git are told as impossible', async () => {
  const { all, gitAt, deps, wish, repository } = ground()
  repository('a')
  gitAt(all, 'init', '-q', '--bare', 'bare')
  await expect(takeSnapshot(deps, wish({ directory: join(all, 'bare') }), never)).rejects.toMatchObject({ kind: 'impossible' })
  await expect(takeSnapshot(deps, wish({ directory: join(all, 'nothing') }), never)).rejects.toMatchObject({ kind: 'impossible' })
  await expect(takeSnapshot({ ...deps, env: { ...deps.env, PATH: '/nowhere' } }, wish(), never)).rejects.toMatchObject({
    kind: 'impossible',
    message: expect.stringContaining('git is not installed'),
  })
})

test('a full disk is told as full, with no ref made', async () => {
  const { all, repository, write, deps, wish, git } = ground()
  repository('a')
  write('b')
  mkdirSync(join(all, 'bin'))
  const real = spawnSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).stdout.trim()
  writeFileSync(
    join(all, 'bin/git'),
    `#!/bin/sh\ncase "$*" in *commit-tree*) echo "fatal: unable to write loose object file: No space left on device" >&2; exit 128;; esac\nexec ${real} "$@"\n`,
    { mode: 0o755 },
  )
  await expect(takeSnapshot({ ...deps, env: { ...deps.env, PATH: `${all}/bin:${deps.env['PATH']}` } }, wish(), never)).rejects.toMatchObject({ kind: 'full' })
  expect(git('for-each-ref', 'refs/offstage')).toBe('')
})

test('a worktree of the repository has its own snapshots in the same place, and the tree as it is now needs no ref', async () => {
  const { all, repository, git, deps, wish, folder } = ground()
  repository('a')
  git('worktree', 'add', '-q', join(all, 'second'), '-b', 'second')
  writeFileSync(join(all, 'second/b'), 'b')
  const taken = await takeSnapshot(deps, wish({ directory: join(all, 'second') }), never)
  expect(git('rev-parse', 'refs/offstage/k3f9x2ab/1').trim()).toBe(taken?.commit)
  expect(await treeNow(deps, join(all, 'second'), never)).toEqual({ tree: taken?.tree, head: git('rev-parse', 'HEAD').trim(), common: join(folder, '.git'), uncommitted: 1 })
  expect(filesIn(join(all, 'second'))).toEqual({ a: 'file a', b: 'file b' })
})

test('what a crash left in our own place goes with the next call, and what others use stays', async () => {
  const { deps, repository, snapshot } = ground()
  repository('a')
  const dead = spawnSync('true').pid
  mkdirSync(join(deps.home, `scratch/${dead}-left`), { recursive: true })
  await using used = await openScratch(deps)
  await snapshot()
  expect(readdirSync(join(deps.home, 'scratch'))).toEqual([used.path.split('/').at(-1)])
})

test('names that differ in case alone, and a rename of case alone, are kept', async () => {
  const { repository, folder, snapshot, restore, files } = ground()
  repository('Readme', 'other')
  const first = { files: files(), ...(await snapshot()) }
  renameSync(join(folder, 'Readme'), join(folder, 'README'))
  writeFileSync(join(folder, 'OTHER'), 'loud')
  const second = { files: files(), ...(await snapshot({ n: 2 })) }
  await restore(first.commit, 3)
  expect(files()).toEqual(first.files)
  await restore(second.commit, 4)
  expect(files()).toEqual(second.files)
  symlinkSync('README', join(folder, 'l'))
})
