// Worktrees of sessions: planned, made, made again after a crash at every step, and based on what was not committed.

import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Worktree } from '../../src/core/workspace.ts'
import { freeBranch } from '../../src/workspace/branch-name.ts'
import { takeSnapshot } from '../../src/workspace/snapshot.ts'
import { makeWorktree } from '../../src/workspace/worktree.ts'
import { failure, filesOf, never, place } from './worktree-kit.ts'

test('a worktree has its own folder, its own branch without an upstream, and the files of HEAD', async () => {
  const { repository, git, home, made, plan } = place()
  const top = repository('shop', 'a', 'src/b')
  const head = git(top, 'rev-parse', 'HEAD')
  const worktree = await made(join(top, 'src'))
  expect(worktree).toEqual({ repository: top, path: join(home, 'worktrees/k3f9x2ab/shop'), below: 'src', branch: 'offstage/k3f9x2ab', base: head, from: 'main' })
  expect(filesOf(worktree.path)).toEqual(filesOf(top))
  expect(git(worktree.path, 'status', '--porcelain', '--branch')).toBe('## offstage/k3f9x2ab')
  expect(git(top, 'worktree', 'list')).not.toContain('locked')
  expect((await plan(top, 'other000')).branch).toBe('offstage/other000')
})

test('it is made once: what is there is found, whatever was done in it', async () => {
  const { repository, git, write, commit, deps, made } = place()
  const worktree = await made(repository('shop', 'a'))
  write(join(worktree.path, 'a'), 'changed')
  commit(worktree.path)
  write(join(worktree.path, 'b'))
  git(worktree.path, 'checkout', '-q', '-b', 'own')
  const before = filesOf(worktree.path)
  expect(await makeWorktree(deps, worktree, undefined, never)).toEqual({ base: worktree.base })
  expect(filesOf(worktree.path)).toEqual(before)
  expect(git(worktree.path, 'branch', '--show-current')).toBe('own')
})

test('where it cannot be read whether it is ready, it is not made again over what was done in it', async () => {
  const { repository, git, write, deps, made } = place()
  const worktree = await made(repository('shop', 'a'))
  write(join(worktree.path, 'a'), 'changed')
  const mark = git(worktree.path, 'rev-parse', '--path-format=absolute', '--git-path', 'offstage-ready')
  rmSync(mark)
  mkdirSync(mark)
  const before = filesOf(worktree.path)
  await expect(makeWorktree(deps, worktree, undefined, never)).rejects.toThrow('EISDIR')
  expect(filesOf(worktree.path)).toEqual(before)
})

test('a label makes a branch as far as it can be one', () => {
  const { repository, git } = place()
  const top = repository('shop', 'a')
  const made = ([label, branch]: readonly [string, string]): void => {
    expect(freeBranch('k3f9x2ab', label, ['main'])).toBe(branch)
    expect(git(top, 'check-ref-format', '--branch', branch)).toBe(branch)
  }
  const labels: readonly (readonly [string, string])[] = [
    ['fix the Login', 'offstage/fix-the-Login'],
    ['feature/müll', 'offstage/feature/müll'],
    ['../../evil', 'offstage/evil'],
    ['-x', 'offstage/x'],
    ['a..b.lock', 'offstage/a.b'],
    ['$(id); rm -rf /', 'offstage/id-rm-rf'],
    ['a\nb\u202ec', 'offstage/a-b-c'],
    ['@', 'offstage/k3f9x2ab'],
    ['...', 'offstage/k3f9x2ab'],
    ['', 'offstage/k3f9x2ab'],
    ['x'.repeat(300), `offstage/${'x'.repeat(100)}`],
  ]
  labels.forEach(made)
})

test('whatever a label says, git takes the branch', () => {
  const { repository, git } = place()
  const top = repository('shop', 'a')
  const labels = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('.', '/', '-', 'a', '@', '{', '.lock', 'ü', ' ', '~') }))
  const names = fc.sample(labels, 400).map((label) => freeBranch('k3f9x2ab', label, []))
  // One call that judges all of them: it fails at the first that is none.
  const commands = [...new Set(names)].map((name, index) => `verify refs/heads/${index}/${name} ${'0'.repeat(40)}\n`).join('')
  execFileSync('git', ['update-ref', '--stdin'], { cwd: top, input: commands, stdio: ['pipe', 'ignore', 'pipe'] })
  expect(git(top, 'branch', '--list')).toBe('* main')
})

test('a branch that is there is never taken, nor one that git could not keep beside it, nor one that another session is about to have', async () => {
  const { repository, git, plan } = place()
  const top = repository('shop', 'a')
  for (const name of ['offstage/Login', 'offstage/deep/er', 'offstage/file']) git(top, 'branch', name)
  expect((await plan(top, 'aaaaaaaa', 'login')).branch).toBe('offstage/aaaaaaaa')
  expect((await plan(top, 'bbbbbbbb', 'deep')).branch).toBe('offstage/bbbbbbbb')
  expect((await plan(top, 'cccccccc', 'file/more')).branch).toBe('offstage/cccccccc')
  expect((await plan(top, 'dddddddd', 'free')).branch).toBe('offstage/free')
  expect((await plan(top, 'eeeeeeee', 'free')).branch).toBe('offstage/eeeeeeee')
  const other = repository('other', 'a')
  git(other, 'branch', 'offstage')
  expect((await plan(other, 'aaaaaaaa', 'x')).branch).toBe('offstage-aaaaaaaa')
})

test('a detached HEAD, an inner worktree and a bare repository are as good as any', async () => {
  const { repository, git, write, commit, made, root } = place()
  const top = repository('shop', 'a')
  git(top, 'checkout', '-q', '--detach')
  const first = await made(top)
  expect('from' in first).toBe(false)
  write(join(first.path, 'b'))
  commit(first.path)
  const second = await made(first.path, 'second00')
  expect(second).toMatchObject({ repository: first.path, from: 'offstage/k3f9x2ab' })
  expect(filesOf(second.path)).toEqual(filesOf(first.path))
  const bare = join(root, 'shop.git')
  git(root, 'clone', '-q', '--bare', top, bare)
  git(bare, 'config', 'extensions.worktreeConfig', 'true')
  git(bare, 'config', '--worktree', 'core.bare', 'true')
  git(bare, 'config', '--unset', '--file', join(bare, 'config'), 'core.bare')
  const third = await made(bare, 'third000')
  expect(basename(third.path)).toBe('shop')
  expect(filesOf(third.path)).toEqual({ a: '644 a\n' })
  expect(git(third.path, 'status', '--porcelain')).toBe('')
})

test('hooks are not run', async () => {
  const { repository, made, root } = place()
  const top = repository('shop', 'a')
  for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change'])
    writeFileSync(join(top, '.git/hooks', hook), `#!/bin/sh\ntouch ${root}/ran\n`, { mode: 0o755 })
  await made(top)
  expect(existsSync(join(root, 'ran'))).toBe(false)
})

test.each(['cone', 'no-cone'])('a sparse checkout (%s) is as sparse', async (mode) => {
  const { repository, git, made } = place()
  const top = repository('shop', 'a', 'in/b', 'in/deep/c', 'out/d')
  git(top, 'sparse-checkout', 'set', `--${mode}`, ...(mode === 'cone' ? ['in'] : ['/in/']))
  const { path } = await made(top)
  expect(filesOf(path)).toEqual(filesOf(top))
  expect(filesOf(path)).not.toHaveProperty('out/d')
  expect(git(path, 'status', '--porcelain')).toBe('')
})

test('pointers are checked out as they are where git-lfs is set up and not installed', async () => {
  const { repository, git, write, commit, made } = place()
  const top = repository('shop', 'a')
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`
  write(join(top, 'big.bin'), pointer)
  write(join(top, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n')
  commit(top)
  for (const [name, value] of [['process', 'no-such-git-lfs filter-process'], ['smudge', 'no-such-git-lfs smudge -- %f'], ['clean', 'no-such-git-lfs clean -- %f'], ['required', 'true']] as const) git(top, 'config', `filter.lfs.${name}`, value) // prettier-ignore
  const { path } = await made(top)
  expect(readFileSync(join(path, 'big.bin'), 'utf8')).toBe(pointer)
})

test('submodules are there, from the local ones and with their own addresses; the first ones stay as they are', async () => {
  const { repository, git, write, commit, made, root } = place()
  const inner = repository('inner', 'i')
  const library = repository('library', 'l')
  git(library, 'submodule', '--quiet', 'add', inner, 'inner')
  commit(library)
  const top = repository('shop', 'a')
  git(top, 'submodule', '--quiet', 'add', '--name', 'my/lib', library, 'lib s')
  git(top, 'submodule', '--quiet', 'add', library, 'closed')
  git(top, 'submodule', '--quiet', 'update', '--init', '--recursive', 'lib s')
  commit(top)
  // A commit that only the local one has.
  write(join(top, 'lib s', 'own'))
  commit(join(top, 'lib s'))
  commit(top)
  git(top, 'submodule', '--quiet', 'deinit', '-f', 'closed')
  const configs = ['.git/config', '.git/modules/my/lib/config', '.git/modules/my/lib/modules/inner/config'].map((file) => readFileSync(join(top, file), 'utf8'))
  for (const name of ['inner', 'library']) renameSync(join(root, name), join(root, `${name}.moved`))
  const { path } = await made(top)
  expect(filesOf(path)).toEqual(filesOf(top))
  expect(git(path, 'status', '--porcelain')).toBe('')
  expect(git(join(path, 'lib s'), 'remote', 'get-url', 'origin')).toBe(library)
  expect(git(path, 'submodule', 'status', '--recursive').split('\n').map((line) => line.slice(0, 1) + line.slice(41))).toEqual(['- closed', '  lib s (heads/main)', '  lib s/inner (heads/main)']) // prettier-ignore
  git(path, 'submodule', '--quiet', 'update', '--init', 'lib s')
  expect(git(path, 'rev-parse', '--git-path', 'modules/my/lib')).toBe(join(top, '.git/worktrees/shop/modules/my/lib'))
  expect(['.git/config', '.git/modules/my/lib/config', '.git/modules/my/lib/modules/inner/config'].map((file) => readFileSync(join(top, file), 'utf8'))).toEqual(configs)
})

test('a name of any kind, and a foreign folder in the place of it', async () => {
  const { repository, made, plan, deps, git } = place()
  const odd = repository('we"ird\n$(x) é', 'a')
  const { path } = await made(odd)
  expect(path).not.toContain('\n')
  expect(filesOf(path)).toEqual(filesOf(odd))
  const worktree = await plan(odd, 'second00')
  mkdirSync(worktree.path, { recursive: true })
  writeFileSync(join(worktree.path, 'mine'), 'mine')
  expect((await failure(makeWorktree(deps, worktree, undefined, never))).kind).toBe('refused')
  expect(filesOf(worktree.path)).toEqual({ mine: '644 mine' })
  expect(git(odd, 'branch', '--list', '*second*')).toBe('')
})

test('a branch that somebody made meanwhile is not taken, and stays as it is', async () => {
  const { repository, git, plan, deps } = place()
  const top = repository('shop', 'a')
  const worktree = await plan(top)
  git(top, 'branch', worktree.branch)
  const { kind, message } = await failure(makeWorktree(deps, worktree, undefined, never))
  expect({ kind, message }).toEqual({ kind: 'refused', message: 'there is a branch offstage/k3f9x2ab already' })
  git(top, 'branch', '-D', worktree.branch)
  await makeWorktree(deps, worktree, undefined, never)
  expect(git(worktree.path, 'branch', '--show-current')).toBe(worktree.branch)
})

test('a worktree that was deleted, or moved, by hand is told of and not made anew', async () => {
  const { repository, git, made, deps } = place()
  const top = repository('shop', 'a')
  const worktree = await made(top)
  renameSync(worktree.path, `${worktree.path}.elsewhere`)
  const { kind, message } = await failure(makeWorktree(deps, worktree, undefined, never))
  expect({ kind, message }).toEqual({ kind: 'refused', message: `the worktree ${worktree.path} is not there any more: it was deleted or moved by hand` })
  git(top, 'worktree', 'repair', `${worktree.path}.elsewhere`)
  expect(git(`${worktree.path}.elsewhere`, 'status', '--porcelain', '--branch')).toBe('## offstage/k3f9x2ab')
})

/** With a commit, a staged file and a new one, all in a snapshot, and more of each since. */
async function keptOnce(at: ReturnType<typeof place>) {
  const top = at.repository('shop', 'a', 'b')
  const worktree = await at.made(top)
  const { path } = worktree
  at.write(join(path, 'a'), 'committed')
  at.commit(path)
  at.write(join(path, 'new'), 'new')
  const snapshot = await takeSnapshot(at.deps, { directory: path, session: 'k3f9x2ab', n: 1, why: 'turn-end', turn: 1, atMs: 1_700_000_000_000 }, never)
  const kept = filesOf(path)
  at.write(join(path, 'staged'), 'staged later')
  at.git(path, 'add', 'staged')
  at.write(join(path, 'new'), 'later')
  return { top, worktree, kept, commit: snapshot?.commit ?? '', head: at.git(path, 'rev-parse', 'HEAD') }
}

test('one that somebody deleted comes back as it was kept last, on its branch', async () => {
  const at = place()
  const { top, worktree, kept, commit } = await keptOnce(at)
  rmSync(worktree.path, { recursive: true })
  expect(await makeWorktree(at.deps, worktree, commit, never)).toEqual({ base: worktree.base })
  expect(filesOf(worktree.path)).toEqual(kept)
  expect(at.git(worktree.path, 'status', '--porcelain', '--branch')).toBe('## offstage/k3f9x2ab\n?? new')
  // Once more, beside what git knows of the first one.
  rmSync(worktree.path, { recursive: true })
  await makeWorktree(at.deps, worktree, commit, never)
  expect([filesOf(worktree.path), at.git(worktree.path, 'branch', '--show-current')]).toEqual([kept, worktree.branch])
  at.git(top, 'worktree', 'prune')
  expect(at.git(top, 'worktree', 'list').split('\n')).toHaveLength(2)
})

test.each(['never', 'detached', 'led-away', 'added', 'branch', 'filled'])('one that somebody moved away keeps its files, its index and its HEAD; dying at: %s', async (step) => {
  const at = place()
  const { worktree, kept, commit, head } = await keptOnce(at)
  const elsewhere = `${worktree.path}.elsewhere`
  const [files, index] = [filesOf(worktree.path), at.git(worktree.path, 'ls-files', '--stage')]
  renameSync(worktree.path, elsewhere)
  if (step === 'never') await makeWorktree(at.deps, worktree, commit, never)
  else await diesAt(step, at, worktree, commit)
  expect([filesOf(worktree.path), at.git(worktree.path, 'branch', '--show-current')]).toEqual([kept, worktree.branch])
  at.write(join(worktree.path, 'a'), 'staged here')
  at.git(worktree.path, 'add', 'a')
  expect([filesOf(elsewhere), at.git(elsewhere, 'ls-files', '--stage'), at.git(elsewhere, 'rev-parse', 'HEAD')]).toEqual([files, index, head])
  at.git(elsewhere, 'commit', '-qm', 'goes on there')
  expect([at.git(elsewhere, 'show', 'HEAD:staged'), at.git(worktree.path, 'rev-parse', 'HEAD')]).toEqual(['staged later', head])
})

test('one that git was told to move stays where it is, with its branch', async () => {
  const at = place()
  const { top, worktree, kept, commit } = await keptOnce(at)
  const elsewhere = `${worktree.path}.elsewhere`
  at.git(top, 'worktree', 'move', worktree.path, elsewhere)
  const before = [filesOf(elsewhere), at.git(elsewhere, 'status', '--porcelain', '--branch')]
  expect(await makeWorktree(at.deps, worktree, commit, never)).toEqual({ base: worktree.base, detached: true })
  expect([filesOf(worktree.path), [filesOf(elsewhere), at.git(elsewhere, 'status', '--porcelain', '--branch')]]).toEqual([kept, before])
})

class Killed extends Error {}

/** Makes it, dying at the step of this name; then once more. */
async function diesAt(step: string, at: ReturnType<typeof place>, worktree: Worktree, from?: string) {
  const dying = { ...at.deps, step: (name: string) => { if (name === step) throw new Killed(name) } } // prettier-ignore
  await expect(makeWorktree(dying, worktree, from, never)).rejects.toThrow(Killed)
  return makeWorktree(at.deps, worktree, from, never)
}

test.each(['added', 'named', 'branch', 'files', 'filled'])('after a death at "%s" it is finished as if there had been none', async (step) => {
  const at = place()
  const library = at.repository('library', 'l')
  const top = at.repository('shop', 'a', 'src/b')
  at.git(top, 'submodule', '--quiet', 'add', library, 'lib')
  at.commit(top)
  const worktree = await at.plan(top)
  expect(await diesAt(step, at, worktree)).toEqual({ base: worktree.base })
  expect(filesOf(worktree.path)).toEqual(filesOf(top))
  expect(at.git(worktree.path, 'status', '--porcelain', '--branch')).toBe('## offstage/k3f9x2ab')
})

test('what a killed git leaves is finished: a locked beginning, a lock, files that are half there', async () => {
  const at = place()
  const top = at.repository('shop', ...Array.from({ length: 50 }, (_, index) => `f${index}`))
  const worktree = await at.plan(top)
  const dying = { ...at.deps, step: (name: string) => { if (name === 'branch') throw new Killed(name) } } // prettier-ignore
  await expect(makeWorktree(dying, worktree, undefined, never)).rejects.toThrow(Killed)
  const admin = join(top, '.git/worktrees/shop')
  writeFileSync(join(admin, 'locked'), 'initializing')
  writeFileSync(join(admin, 'index.lock'), 'half')
  writeFileSync(join(worktree.path, 'f1'), 'ha')
  await makeWorktree(at.deps, worktree, undefined, never)
  expect(filesOf(worktree.path)).toEqual(filesOf(top))
  expect(at.git(top, 'worktree', 'list', '--porcelain')).not.toContain('locked')

  const second = await at.plan(top, 'second00')
  await expect(makeWorktree({ ...at.deps, step: (name) => { if (name === 'added') throw new Killed(name) } }, second, undefined, never)).rejects.toThrow(Killed) // prettier-ignore
  // Of a beginning that was cut off earlier there is only the file that leads nowhere.
  writeFileSync(join(second.path, '.git'), `gitdir: ${join(top, '.git/worktrees/none')}\n`)
  await makeWorktree(at.deps, second, undefined, never)
  expect(filesOf(second.path)).toEqual(filesOf(top))

  const third = await at.plan(top, 'third000')
  await expect(makeWorktree({ ...at.deps, step: (name) => { if (name === 'named') throw new Killed(name) } }, third, undefined, never)).rejects.toThrow(Killed) // prettier-ignore
  writeFileSync(join(top, '.git/refs/heads', `${third.branch}.lock`), '')
  await makeWorktree(at.deps, third, undefined, never)
  expect(at.git(third.path, 'status', '--porcelain', '--branch')).toBe(`## ${third.branch}`)
})

test('a git that is killed over the files is no harm', async () => {
  const at = place()
  const top = at.repository('shop', ...Array.from({ length: 400 }, (_, index) => `d${index % 20}/f${index}`))
  const worktree = await at.plan(top)
  const stop = new AbortController()
  const deps = { ...at.deps, step: (name: string) => { if (name === 'named') setImmediate(() => stop.abort(new Killed())) } } // prettier-ignore
  await expect(makeWorktree(deps, worktree, undefined, stop.signal)).rejects.toThrow(Killed)
  await makeWorktree(at.deps, worktree, undefined, never)
  expect(filesOf(worktree.path)).toEqual(filesOf(top))
  expect(at.git(worktree.path, 'status', '--porcelain', '--branch')).toBe('## offstage/k3f9x2ab')
})

test('while a git of a former daemon still works in it, nothing is done', async () => {
  const at = place()
  const top = at.repository('shop', 'a')
  const worktree = await at.plan(top)
  const dying = { ...at.deps, step: (name: string) => { if (name === 'branch') throw new Killed(name) } } // prettier-ignore
  await expect(makeWorktree(dying, worktree, undefined, never)).rejects.toThrow(Killed)
  const program = spawn('sleep', ['60'], { cwd: worktree.path })
  try {
    const { kind, message } = await failure(makeWorktree(at.deps, worktree, undefined, never))
    expect({ kind, message }).toEqual({ kind: 'busy', message: `sleep (process ${program.pid}) still works in ${worktree.path}` })
  } finally {
    program.kill('SIGKILL')
  }
})

/** Everything that can be uncommitted. */
function dirty({ git, write }: ReturnType<typeof place>, top: string): void {
  write(join(top, 'a'), 'changed\n')
  write(join(top, 'staged'), 'staged\n')
  git(top, 'add', 'staged')
  write(join(top, 'new/x y'), 'new\n')
  write(join(top, 'run.sh'), '#!/bin/sh\n')
  chmodSync(join(top, 'run.sh'), 0o755)
  write(join(top, 'crlf.txt'), 'a\r\nb\r\n')
  write(join(top, 'bytes'), Buffer.from([0, 255, 10, 13]))
  symlinkSync('nowhere', join(top, 'link'))
  writeFileSync(Buffer.concat([Buffer.from(`${top}/`), Buffer.from([0xff])]), 'odd name')
  rmSync(join(top, 'gone'))
}

const snapshot = async ({ deps }: ReturnType<typeof place>, directory: string, n = 1, whole = false) => {
  const taken = await takeSnapshot(
    deps,
    { directory, session: 'k3f9x2ab', n, why: whole ? 'remove' : 'start', turn: 0, atMs: 1_700_000_000_000, ...(whole ? { whole } : {}) },
    never,
  )
  if (!taken) throw new Error('nothing was taken')
  return taken
}

test('what was not committed is taken along byte for byte, uncommitted, and counted from; the first tree stays as it is', async () => {
  const at = place()
  const top = at.repository('shop', 'a', 'gone', 'crlf.txt', 'same')
  at.write(join(top, '.gitattributes'), '*.txt text\n')
  at.commit(top)
  dirty(at, top)
  const before = [filesOf(top), at.git(top, 'status', '--porcelain')]
  const worktree = { ...(await at.plan(top)), carries: { untracked: 'all' as const } }
  const { commit, tree } = await snapshot(at, top)
  const { base } = await makeWorktree(at.deps, worktree, commit, never)
  expect(filesOf(worktree.path)).toEqual(before[0])
  expect(at.git(worktree.path, 'rev-parse', 'HEAD', `${base}^{tree}`, `${base}^1`).split('\n')).toEqual([worktree.base, tree, worktree.base])
  expect(at.git(worktree.path, 'branch', '--show-current')).toBe(worktree.branch)
  expect(at.git(worktree.path, 'diff', '--cached', '--name-only')).toBe('')
  expect([filesOf(top), at.git(top, 'status', '--porcelain')]).toEqual(before)
  expect(await makeWorktree(at.deps, worktree, commit, never)).toEqual({ base })
})

test.each(['added', 'branch', 'files', 'filled'])('what is taken along is, also after a death at "%s"', async (step) => {
  const at = place()
  const top = at.repository('shop', 'a', 'gone', 'crlf.txt')
  dirty(at, top)
  const worktree = { ...(await at.plan(top)), carries: { untracked: ['new/', 'run.sh'] } }
  const { commit } = await snapshot(at, top)
  const { base } = await diesAt(step, at, worktree, commit)
  const { link: _, '\xff': __, bytes: ___, ...wanted } = filesOf(top)
  expect(filesOf(worktree.path)).toEqual(wanted)
  expect(at.git(top, 'diff', '--name-only', commit, base).split('\n')).toEqual(['bytes', 'link', '"\\377"'])
})

test('of untracked files only those that were chosen are taken along, and what is staged is tracked', async () => {
  const at = place()
  const top = at.repository('shop', 'a')
  at.write(join(top, 'staged'))
  at.git(top, 'add', 'staged')
  at.write(join(top, 'untracked'))
  at.write(join(top, 'a'), 'changed')
  const worktree = { ...(await at.plan(top)), carries: { untracked: [] } }
  // Of a git that was killed over it.
  at.write(join(dirname(worktree.path), '.shop.index.lock'), '')
  await makeWorktree(at.deps, worktree, (await snapshot(at, top)).commit, never)
  expect(Object.keys(filesOf(worktree.path)).toSorted()).toEqual(['a', 'staged'])
})
