// Worktrees are removed by git when a snapshot has all of them, or stay; after a death at any step either is the case, and what is gone comes back as it was.

import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Worktree } from '../../src/core/workspace.ts'
import { removeWorktree } from '../../src/workspace/remove-worktree.ts'
import { isElsewhere, takeSnapshot } from '../../src/workspace/snapshot.ts'
import { makeWorktree } from '../../src/workspace/worktree.ts'
import { asNobody, canBeNobody, isRoot, nobody } from '../machine.ts'
import { failure, filesOf, never, place } from './worktree-kit.ts'

type Place = ReturnType<typeof place>

async function whole({ deps }: Place, { path }: Worktree, n = 1) {
  const taken = await takeSnapshot(deps, { directory: path, session: 'k3f9x2ab', n, why: 'remove', turn: 1, atMs: 1_700_000_000_000, whole: true }, never)
  if (!taken) throw new Error('nothing was taken')
  return taken
}

/** Made once, and copied: where git has written down where the one lies, it is told of the other. */
let like: Promise<{ readonly root: string; readonly worktree: Worktree }> | undefined
afterAll(async () => like && rmSync((await like).root, { recursive: true, force: true }))

/** With work of every kind in it, nothing of it committed. */
async function worked() {
  const { root, worktree: first } = await (like ??= begun())
  const at = place()
  cpSync(root, at.root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  const moved = (path: string): string => at.root + path.slice(root.length)
  const worktree: Worktree = { ...first, repository: moved(first.repository), path: moved(first.path) }
  const { path, repository: top } = worktree
  const admin = join(top, '.git/worktrees/shop')
  writeFileSync(join(path, '.git'), `gitdir: ${admin}\n`)
  writeFileSync(join(admin, 'gitdir'), `${path}/.git\n`)
  return { at, top, worktree, path, before: filesOf(path) }
}

async function begun() {
  const at = place()
  const top = at.repository('shop', 'a', 'gone', 'crlf.txt')
  at.write(join(top, '.gitignore'), 'ignored\nnode_modules/\n')
  at.write(join(top, '.gitattributes'), '*.txt text\n')
  at.commit(top)
  const worktree = await at.made(top)
  const { path } = worktree
  at.write(join(path, 'a'), 'changed')
  at.write(join(path, 'new/x y'))
  at.write(join(path, 'crlf.txt'), 'a\r\nb\r\n')
  at.write(join(path, 'ignored'), 'ignored')
  at.write(join(path, 'staged'), 'staged')
  at.git(path, 'add', 'staged')
  rmSync(join(path, 'gone'))
  const root = mkdtempSync(join(dirname(at.root), 'os-worktree-'))
  cpSync(at.root, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  const moved = (one: string): string => root + one.slice(at.root.length)
  return { root, worktree: { ...worktree, repository: moved(top), path: moved(path) } }
}

const rest = (top: string, worktree: Worktree, { git }: Place) => ({
  path: existsSync(worktree.path),
  folder: existsSync(dirname(worktree.path)),
  branch: git(top, 'branch', '--list', worktree.branch) !== '',
  worktrees: git(top, 'worktree', 'list').split('\n').length,
  admins: existsSync(join(top, '.git/worktrees')) ? readdirSync(join(top, '.git/worktrees')) : [],
})

const nothingLeft = { path: false, folder: false, branch: false, worktrees: 1, admins: [] }

test('it is gone with its branch and its folder, and comes back byte for byte', async () => {
  const { at, top, worktree, path, before } = await worked()
  const main = [filesOf(top), at.git(top, 'status', '--porcelain')]
  const snapshot = await whole(at, worktree)
  expect(await removeWorktree(at.deps, worktree, snapshot, never)).toEqual({ branchKept: false })
  expect(rest(top, worktree, at)).toEqual(nothingLeft)
  expect(await removeWorktree(at.deps, worktree, snapshot, never)).toEqual({ branchKept: false })
  expect(await makeWorktree(at.deps, worktree, snapshot.commit, never)).toEqual({ base: worktree.base })
  expect(filesOf(path)).toEqual(before)
  expect(at.git(path, 'status', '--porcelain', '--branch').split('\n')).toEqual(['## offstage/k3f9x2ab', ' M a', ' M crlf.txt', ' D gone', 'A  staged', '?? new/'])
  expect([filesOf(top), at.git(top, 'status', '--porcelain')]).toEqual(main)
})

test('a branch with commits of its own stays, and is gone on with', async () => {
  const { at, top, worktree, path, before } = await worked()
  const tip = at.commit(path)
  const snapshot = await whole(at, worktree)
  expect(await removeWorktree(at.deps, worktree, snapshot, never)).toEqual({ branchKept: true })
  expect(at.git(top, 'rev-parse', worktree.branch)).toBe(tip)
  await makeWorktree(at.deps, worktree, snapshot.commit, never)
  expect(filesOf(path)).toEqual(before)
  expect(at.git(path, 'status', '--porcelain', '--branch')).toBe('## offstage/k3f9x2ab')
})

test('a branch whose commits are on another one goes; one that moved on elsewhere is not moved back', async () => {
  const { at, top, worktree, path } = await worked()
  const tip = at.commit(path)
  at.git(top, 'merge', '-q', '--ff-only', worktree.branch)
  const snapshot = await whole(at, worktree)
  expect(await removeWorktree(at.deps, worktree, snapshot, never)).toEqual({ branchKept: false })
  at.write(join(top, 'later'))
  const later = at.commit(top)
  at.git(top, 'branch', worktree.branch)
  // Whoever asks again hears the same.
  for (const _ of [1, 2]) expect(await makeWorktree(at.deps, worktree, snapshot.commit, never)).toEqual({ base: worktree.base, detached: true })
  expect(at.git(path, 'rev-parse', 'HEAD')).toBe(tip)
  expect(at.git(top, 'rev-parse', worktree.branch)).toBe(later)
})

test('a snapshot is elsewhere when a branch, a tag or the stash has all of its files and commits: other snapshots do not count', async () => {
  const { at, top, worktree, path } = await worked()
  const elsewhere = async (commit: string): Promise<boolean> => isElsewhere(at.deps, top, commit, never)
  const uncommitted = await whole(at, worktree)
  expect(await elsewhere(uncommitted.commit)).toBe(false)
  const again = await takeSnapshot(at.deps, { directory: path, session: 'other', n: 7, why: 'asked', turn: 0, atMs: 1 }, never)
  expect([again?.tree, await elsewhere(uncommitted.commit)]).toEqual([uncommitted.tree, false])
  at.git(path, 'clean', '-fdxq')
  at.git(path, 'reset', '-q', '--hard')
  at.write(join(path, 'landed'))
  at.commit(path)
  const snapshot = await takeSnapshot(at.deps, { directory: path, session: 'k3f9x2ab', n: 9, why: 'remove', turn: 1, atMs: 1, whole: true }, never)
  const { commit = '' } = snapshot ?? {}
  expect(await elsewhere(commit)).toBe(true)
  at.git(path, 'checkout', '-q', '--detach', worktree.base)
  at.git(top, 'branch', '-D', '-q', worktree.branch)
  expect(await elsewhere(commit)).toBe(false)
  at.git(top, 'tag', 'kept', `${commit}^`)
  expect(await elsewhere(commit)).toBe(true)
})

test('commits that only its reflog knew are kept', async () => {
  const { at, top, worktree, path } = await worked()
  const lost = at.commit(path)
  at.git(path, 'reset', '-q', '--hard', worktree.base)
  at.git(path, 'checkout', '-q', '--detach')
  at.write(join(path, 'detached'))
  const detached = at.commit(path)
  at.git(path, 'checkout', '-q', worktree.branch)
  await removeWorktree(at.deps, worktree, await whole(at, worktree), never)
  at.git(top, 'gc', '-q', '--prune=now')
  expect(at.git(top, 'rev-list', 'refs/offstage/k3f9x2ab/kept').split('\n')).toEqual(expect.arrayContaining([lost, detached]))
})

test('what was written after the snapshot keeps it where it is: files, ignored ones, modes, what is staged', async () => {
  const changes: readonly ((at: Place, path: string) => void)[] = [
    ({ write }, path) => write(join(path, 'late'), 'late'),
    ({ write }, path) => write(join(path, 'ignored'), 'other'),
    ({ write }, path) => write(join(path, 'crlf.txt'), 'a\nb\n'),
    ({ git }, path) => git(path, 'reset', '-q'),
    (_, path) => mkdirSync(join(path, 'empty')),
    (at, path) => at.commit(path),
  ]
  const { at, top, worktree, path } = await worked()
  for (const [index, change] of changes.entries()) {
    const snapshot = await whole(at, worktree, index * 10 + 1)
    change(at, path)
    const before = filesOf(path)
    const { kind, message } = await failure(removeWorktree(at.deps, worktree, snapshot, never))
    expect({ kind, message }).toEqual({ kind: 'refused', message: `${path} has changed since its last snapshot` })
    expect([filesOf(path), rest(top, worktree, at).worktrees]).toEqual([before, 2])
  }
})

test('what is written while it goes is seen in the second look, and all is in its place again', async () => {
  const { at, top, worktree, path, before } = await worked()
  const snapshot = await whole(at, worktree)
  const deps = { ...at.deps, step: (name: string) => { if (name === 'aside') writeFileSync(join(dirname(path), '.shop.going', 'late'), 'late') } } // prettier-ignore
  expect((await failure(removeWorktree(deps, worktree, snapshot, never))).message).toContain('has changed since')
  expect(filesOf(path)).toEqual({ ...before, late: '644 late' })
  expect(at.git(path, 'branch', '--show-current')).toBe(worktree.branch)
  expect(at.git(top, 'worktree', 'list', '--porcelain')).not.toContain('prunable')
})

test('a program that works in it keeps it where it is', async () => {
  const { at, worktree, path } = await worked()
  const snapshot = await whole(at, worktree)
  const program = spawn('sleep', ['60'], { cwd: join(path, 'new') })
  try {
    const { kind, message } = await failure(removeWorktree(at.deps, worktree, snapshot, never))
    expect({ kind, message }).toEqual({ kind: 'refused', message: `a program works in ${path}: sleep (${program.pid})` })
  } finally {
    program.kill('SIGKILL')
  }
})

test('one that is locked, in the middle of a rebase, or not ours any more stays', async () => {
  const { at, top, worktree, path, before } = await worked()
  const snapshot = await whole(at, worktree)
  at.git(top, 'worktree', 'lock', '--reason', 'mine', path)
  expect((await failure(removeWorktree(at.deps, worktree, snapshot, never))).message).toBe(`the worktree ${path} is locked: mine`)
  at.git(top, 'worktree', 'unlock', path)
  mkdirSync(join(top, '.git/worktrees/shop/rebase-merge'))
  expect((await failure(removeWorktree(at.deps, worktree, snapshot, never))).message).toBe(`a rebase is in progress in ${path}`)
  rmSync(join(top, '.git/worktrees/shop/rebase-merge'), { recursive: true })
  renameSync(join(path, '.git'), join(top, '.git/moved'))
  expect((await failure(removeWorktree(at.deps, worktree, snapshot, never))).message).toContain('is not the worktree of this session any more')
  expect(filesOf(path)).toEqual(before)
})

test('of one that was deleted or moved by hand git keeps what it knows of it', async () => {
  const { at, top, worktree, path } = await worked()
  const snapshot = await whole(at, worktree)
  renameSync(path, `${path}.moved`)
  expect(await removeWorktree(at.deps, worktree, snapshot, never)).toEqual({ branchKept: true, gone: true })
  expect(rest(top, worktree, at)).toMatchObject({ branch: true, admins: ['shop'] })
  at.git(top, 'worktree', 'repair', `${path}.moved`)
  expect(at.git(`${path}.moved`, 'diff', '--cached', '--name-only')).toBe('staged')
})

test('a repository inside keeps it where it is', async () => {
  const { at, worktree, path } = await worked()
  const snapshot = await whole(at, worktree)
  mkdirSync(join(path, 'inside'))
  at.git(join(path, 'inside'), 'init', '-q')
  at.write(join(path, 'inside/x'))
  at.commit(join(path, 'inside'))
  expect((await failure(removeWorktree(at.deps, worktree, snapshot, never))).message).toContain('a repository of its own')
})

async function withSubmodule() {
  const at = place()
  const library = at.repository('library', 'l')
  const top = at.repository('shop', 'a')
  at.git(top, 'submodule', '--quiet', 'add', library, 'lib')
  at.commit(top)
  const worktree = await at.made(top)
  return { at, top, worktree, path: worktree.path, lib: join(worktree.path, 'lib') }
}

test('a submodule that has nothing of its own goes with it; the first one stays', async () => {
  const { at, top, worktree, path } = await withSubmodule()
  const before = filesOf(top)
  at.write(join(path, 'a'), 'changed')
  expect(await removeWorktree(at.deps, worktree, await whole(at, worktree), never)).toEqual({ branchKept: false })
  expect(rest(top, worktree, at)).toEqual(nothingLeft)
  expect([filesOf(top), at.git(top, 'status', '--porcelain'), at.git(join(top, 'lib'), 'status', '--porcelain')]).toEqual([before, '', ''])
})

test('a submodule with anything of its own keeps it where it is: files, ignored ones, commits, also such as were left behind', async () => {
  const { at, worktree, path, lib } = await withSubmodule()
  const snapshot = await whole(at, worktree)
  const refused = async () => (await failure(removeWorktree(at.deps, worktree, snapshot, never))).message
  at.write(join(lib, 'own'))
  expect(await refused()).toBe('the submodule lib has files that are not committed')
  at.write(join(at.root, '.gitignore-all'), 'own\n')
  at.git(lib, 'config', 'core.excludesFile', join(at.root, '.gitignore-all'))
  expect(at.git(lib, 'status', '--porcelain')).toBe('')
  expect(await refused()).toBe('the submodule lib has files that are not committed')
  at.git(lib, 'add', '-f', 'own')
  at.git(lib, 'commit', '-qm', 'own')
  expect(await refused()).toBe('the submodule lib has commits that are nowhere else')
  at.git(lib, 'reset', '-q', '--hard', 'HEAD~1')
  expect(await refused()).toBe('the submodule lib has commits that are nowhere else')
  expect(filesOf(path)).toHaveProperty('lib/l')
  // What it says to do is enough.
  const { hint = '' } = await failure(removeWorktree(at.deps, worktree, snapshot, never))
  const [, where = '', to = '', what = ''] = /^git -C (\S+) push (\S+) (\S+) saves one$/.exec(hint) ?? []
  at.git(where, 'push', '-q', to, what)
  await removeWorktree(at.deps, worktree, snapshot, never)
  expect(existsSync(path)).toBe(false)
})

class Killed extends Error {}
const dies = (at: Place, step: string) => ({ ...at.deps, step: (name: string) => { if (name === step) throw new Killed(name) } }) // prettier-ignore

/** As if git had been killed while it removed: it takes files in no order. */
function halfRemoved(folder: string): void {
  for (const name of ['.git', 'a', '.gitignore', 'new']) rmSync(join(folder, name), { recursive: true })
}

test.each(['looked', 'aside', 'looked-again', 'marked', 'removed'])('after a death at "%s" it is as before or gone, and the next attempt removes it', async (step) => {
  const { at, top, worktree, before } = await worked()
  const snapshot = await whole(at, worktree)
  await removeWorktree(dies(at, step), worktree, snapshot, never).catch((cause: unknown) => expect(cause).toBeInstanceOf(Killed))
  // What catches the failure of a step is not there at a death: it is put aside again.
  if (step === 'aside' && existsSync(worktree.path)) at.git(top, 'worktree', 'move', worktree.path, join(dirname(worktree.path), '.shop.going'))
  await removeWorktree(at.deps, worktree, snapshot, never)
  expect(rest(top, worktree, at)).toEqual(nothingLeft)
  await makeWorktree(at.deps, worktree, snapshot.commit, never)
  expect(filesOf(worktree.path)).toEqual(before)
})

test('one that was aside when everything stopped is in its place again for whoever goes on with the session, also where git was told nothing', async () => {
  for (const isTold of [true, false]) {
    const { at, top, worktree, path, before } = await worked()
    const away = join(dirname(path), '.shop.going')
    if (isTold) at.git(top, 'worktree', 'move', path, away)
    else renameSync(path, away)
    expect(await makeWorktree(at.deps, worktree, undefined, never)).toEqual({ base: worktree.base })
    expect([filesOf(path), at.git(top, 'worktree', 'list').includes(`${path} `), existsSync(away)]).toEqual([before, true, false])
  }
})

const ofGit = (name: string) => `the tree, and its ${name} of what git knows`
const cuts: Readonly<Record<string, (away: string, admin: string) => void>> = {
  'some files': halfRemoved,
  'the tree': (away) => rmSync(away, { recursive: true }),
  ...Object.fromEntries(
    ['HEAD', 'commondir', 'index', 'gitdir', 'offstage-going', 'offstage-ready'].map((name) => [
      ofGit(name),
      (away: string, admin: string) => {
        rmSync(away, { recursive: true })
        rmSync(join(admin, name))
      },
    ]),
  ),
}

test.each(Object.keys(cuts))('a removal that was cut off within git when %s was gone is ended by the next attempt, or by whoever brings it back', async (name) => {
  for (const next of ['remove', 'make'] as const) {
    const { at, top, worktree, path, before } = await worked()
    const snapshot = await whole(at, worktree)
    await expect(removeWorktree(dies(at, 'marked'), worktree, snapshot, never)).rejects.toThrow(Killed)
    cuts[name]?.(join(dirname(path), '.shop.going'), join(top, '.git/worktrees/shop'))
    if (next === 'remove') {
      await removeWorktree(at.deps, worktree, snapshot, never)
      // Of what nobody can tell whose it was git gets rid by itself.
      if (name === ofGit('gitdir')) at.git(top, 'worktree', 'prune')
      expect(rest(top, worktree, at)).toEqual(nothingLeft)
    } else {
      await makeWorktree(at.deps, worktree, snapshot.commit, never)
      expect(filesOf(path)).toEqual(before)
    }
  }
})

test('what somebody wrote into one that was being removed is not removed', async () => {
  const { at, worktree, path, before } = await worked()
  const snapshot = await whole(at, worktree)
  await expect(removeWorktree(dies(at, 'marked'), worktree, snapshot, never)).rejects.toThrow(Killed)
  const away = join(dirname(path), '.shop.going')
  halfRemoved(away)
  at.write(join(away, 'new/late'), 'late')
  const { kind, message } = await failure(removeWorktree(at.deps, worktree, snapshot, never))
  expect({ kind, message }).toEqual({ kind: 'refused', message: `${path} was being removed, and new/late was written there meanwhile` })
  expect(readFileSync(join(path, 'new/late'), 'utf8')).toBe('late')
  // And what was gone already is there again.
  const { 'new/late': _, ...rest } = filesOf(path)
  expect(rest).toEqual(before)
})

test('folders that no snapshot has by their contents are no reason to keep what was being removed', async () => {
  const { at, top, worktree, path } = await worked()
  at.write(join(top, '.git/info/exclude'), 'own\n')
  at.write(join(path, 'own/pyvenv.cfg'))
  at.write(join(path, 'own/lib/module.py'))
  const snapshot = await whole(at, worktree)
  await expect(removeWorktree(dies(at, 'marked'), worktree, snapshot, never)).rejects.toThrow(Killed)
  rmSync(join(dirname(path), '.shop.going/own/pyvenv.cfg'))
  await removeWorktree(at.deps, worktree, snapshot, never)
  expect(rest(top, worktree, at)).toEqual(nothingLeft)
})

test.runIf(!isRoot || canBeNobody())('a folder that nothing may be taken out of is found, whatever its name is; an empty one is none', () => {
  const at = place()
  const top = join(at.root, 'tree')
  const sealed = Buffer.concat([Buffer.from(`${top}/vendor/`), Buffer.from('se\xffled', 'latin1')])
  at.write(join(top, 'a'))
  mkdirSync(join(top, 'empty'), { mode: 0o555 })
  mkdirSync(sealed, { recursive: true })
  const found = (): string => {
    const script = `import(${JSON.stringify(join(import.meta.dirname, '../../src/workspace/remains.ts'))}).then(async (it) => console.log(await it.undeletableIn(${JSON.stringify(top)}, new AbortController().signal)))`
    const [program = '', ...args] = [...(isRoot ? asNobody : []), process.execPath, '-e', script]
    return execFileSync(program, args, { env: {}, encoding: 'utf8' }).trim()
  }
  const give = (mode: number): void => {
    for (const folder of [at.root, top, join(top, 'empty'), join(top, 'vendor'), sealed]) if (isRoot) chownSync(folder, nobody, nobody)
    chmodSync(sealed, mode)
  }
  give(0o755)
  writeFileSync(Buffer.concat([sealed, Buffer.from('/file')]), '')
  expect(found()).toBe('undefined')
  give(0o555)
  expect(found()).toBe('"vendor/se\\377led/"')
})

test('a git that has outlived its daemon and still removes is let come to its end', async () => {
  const { at, top, worktree, path } = await worked()
  for (let file = 0; file < 1000; file += 1) at.write(join(path, `d${file % 40}/f${file}`))
  const snapshot = await whole(at, worktree)
  await expect(removeWorktree(dies(at, 'marked'), worktree, snapshot, never)).rejects.toThrow(Killed)
  const git = spawn('git', ['worktree', 'remove', '--force', join(dirname(path), '.shop.going')], { cwd: top, env: at.env, stdio: 'ignore' })
  const ended = new Promise((resolve) => git.once('exit', resolve))
  await removeWorktree(at.deps, worktree, snapshot, never)
  await ended
  expect(rest(top, worktree, at)).toEqual(nothingLeft)
})

test.each([
  ['among tracked files', 'a'],
  ['that is known by its commit alone, and clean', 'x'],
])('a repository inside %s keeps it where it is', async (kind, file) => {
  const { at, worktree, path } = await worked()
  const inner = kind === 'among tracked files' ? join(path, 'new') : join(path, 'inner')
  if (kind === 'among tracked files') at.commit(path)
  at.write(join(inner, file))
  at.git(inner, 'init', '-q')
  at.commit(inner)
  if (kind !== 'among tracked files') at.git(path, 'add', 'inner')
  const { kind: how, paths } = await failure(whole(at, worktree))
  expect({ how, paths }).toEqual({ how: 'refused', paths: [kind === 'among tracked files' ? 'new/' : 'inner/'] })
})

test.each(['tracked', 'ignored'])('a name by which git takes nothing keeps it where it is, also one that is %s', async (kind) => {
  const { at, worktree, path } = await worked()
  const name = kind === 'ignored' ? 'node/git~1' : 'git~1'
  if (kind === 'ignored') at.write(join(path, '.gitignore'), 'node\n')
  at.write(join(path, name))
  const { kind: how, paths } = await failure(whole(at, worktree))
  expect({ how, paths }).toEqual({ how: 'refused', paths: [name] })
})

test('settings by which git does not look closely lose nothing', async () => {
  const { at, top, worktree, path } = await worked()
  for (const setting of ['core.ignoreCase=true', 'core.trustCtime=false', 'core.checkStat=minimal']) at.git(top, 'config', ...setting.split('='))
  const file = join(path, 'crlf.txt')
  at.write(join(path, 'GONE'), 'not gone')
  at.write(join(path, 'gone'), 'gone')
  writeFileSync(file, 'one')
  utimesSync(file, 1_600_000_000, 1_600_000_000)
  at.git(path, 'add', '-A')
  // Same size, same time.
  renameSync(file, join(path, 'moved'))
  writeFileSync(file, 'two')
  utimesSync(file, 1_600_000_000, 1_600_000_000)
  const before = filesOf(path)
  const snapshot = await whole(at, worktree)
  await removeWorktree(at.deps, worktree, snapshot, never)
  await makeWorktree(at.deps, worktree, snapshot.commit, never)
  expect(filesOf(path)).toEqual(before)
})

test('git itself killed in the middle: it is gone afterwards, and comes back as it was', async () => {
  const at = place()
  const top = at.repository('shop', ...Array.from({ length: 400 }, (_, index) => `d${index % 20}/f${index}`))
  const worktree = await at.made(top)
  const before = filesOf(worktree.path)
  const snapshot = await whole(at, worktree)
  // The signal ends git as it is: some files are gone then, and most are not.
  const stop = new AbortController()
  await expect(removeWorktree({ ...at.deps, step: (name) => { if (name === 'marked') setImmediate(() => stop.abort(new Killed())) } }, worktree, snapshot, stop.signal)).rejects.toThrow(Killed) // prettier-ignore
  await removeWorktree(at.deps, worktree, snapshot, never)
  expect(rest(top, worktree, at)).toEqual(nothingLeft)
  await makeWorktree(at.deps, worktree, snapshot.commit, never)
  expect(filesOf(worktree.path)).toEqual(before)
})

test('what lay as its blob, though git would convert it, comes back so', async () => {
  const { at, worktree, path } = await worked()
  at.write(join(path, '.gitattributes'), '*.txt text eol=crlf\n')
  at.write(join(path, 'plain.txt'), 'a\nb\n')
  at.write(join(path, 'converted.txt'), 'a\r\nb\r\n')
  const before = filesOf(path)
  const snapshot = await whole(at, worktree)
  await removeWorktree(at.deps, worktree, snapshot, never)
  await makeWorktree(at.deps, worktree, snapshot.commit, never)
  expect(filesOf(path)).toEqual(before)
})

/** A git that is killed when it is asked for this: so often, before it has done it or when all is done. Gives what was not needed of that, too. */
function killing(at: Place, wanted: string, times: number, isDone: boolean) {
  const [bin, left] = [join(at.root, 'bin'), join(at.root, 'left')]
  mkdirSync(left)
  for (let time = 0; time < times; time += 1) writeFileSync(join(left, String(time)), '')
  at.write(
    join(bin, 'git'),
    `#!/bin/sh\nPATH=${process.env['PATH'] ?? ''}\ncase " $* " in *" ${wanted} "*) for one in ${left}/*; do test -e $one || break; rm $one; ${isDone ? 'git "$@"' : ':'}; kill -9 $$; done;; esac\nexec git "$@"\n`,
  )
  chmodSync(join(bin, 'git'), 0o755)
  return { deps: { ...at.deps, env: { ...at.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` } }, left: () => readdirSync(left).length }
}

test.each([
  ['rev-parse', false],
  ['worktree move', false],
  ['worktree move', true],
  ['worktree remove', false],
  ['worktree remove', true],
  ['update-ref', true],
])('a git that alone is killed again and again (%s, done: %s) is as good as a death: what was begun is ended', async (wanted, isDone) => {
  const { at, worktree, top } = await worked()
  const snapshot = await whole(at, worktree)
  const { deps, left } = killing(at, wanted, 3, isDone)
  await removeWorktree(deps, worktree, snapshot, never)
  expect(rest(top, worktree, at)).toEqual(nothingLeft)
  expect(left()).toBeLessThan(3)
})

test('where git is killed each time, it is in its place', async () => {
  const { at, worktree, path, before } = await worked()
  const { deps } = killing(at, 'worktree move', 100, true)
  await expect(removeWorktree(deps, worktree, await whole(at, worktree), never)).rejects.toThrow('SIGKILL')
  expect([filesOf(path), existsSync(join(dirname(path), '.shop.going'))]).toEqual([before, false])
})
