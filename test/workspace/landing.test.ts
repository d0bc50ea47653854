// A session's work comes into a branch, with real repositories: what is merged, what the user's tree does, and what is refused with nothing touched.

import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { mayFollow, moveBranch, treeOfBranch } from '../../src/workspace/landing.ts'
import { defaultTreeLimits } from '../../src/workspace/open-tree.ts'
import { previewMerge } from '../../src/workspace/preview.ts'
import type { MergeWish } from '../../src/workspace/workspaces.ts'
import { type Files, LandingPlace, bytesOf, never } from './landing-place.ts'

const places: LandingPlace[] = []

function place(files: Files, settings: readonly string[] = []): LandingPlace {
  const made = new LandingPlace(files, settings)
  places.push(made)
  return made
}

afterEach(() => {
  for (const made of places.splice(0)) made[Symbol.dispose]()
})

const lines = (...changed: readonly string[]): string => [...changed, ...Array.from({ length: 20 }, (_, n) => `line ${n}`), ''].join('\n')
const refusal = (promise: Promise<unknown>): Promise<{ readonly kind: string; readonly message: string; readonly hint: string; readonly paths: readonly string[] }> =>
  promise.then(
    () => Promise.reject(new Error('it was not refused')),
    ({ kind, message, hint, paths }) => ({ kind, message, hint, paths }),
  )

describe('what a session has not committed', () => {
  test('is committed first, with new files and without ignored ones, in the name of the user', async () => {
    const at = place({ 'a.txt': 'a\n', '.gitignore': 'built/\n' })
    at.write(at.session, { 'a.txt': 'b\n', 'new.txt': 'n\n', 'built/x': 'x' })
    const { commit, files, tip } = await at.merged({ how: 'squash' })
    expect(at.git('show', '-s', '--format=%an %ae %s', tip)).toBe('Me me@example.org What was asked')
    expect(at.git('rev-parse', 'offstage/s1')).toBe(tip)
    expect(at.gitIn(at.session, 'status', '--porcelain')).toBe('')
    expect([files, at.git('ls-tree', '-r', '--name-only', commit).split('\n')]).toEqual([2, ['.gitignore', 'a.txt', 'new.txt']])
    expect(at.git('status', '--porcelain')).toBe('')
  })

  test('is not while a merge is in progress, and neither are conflicts', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.user, { 'a.txt': 'mine\n' })
    at.commit(at.session, { 'a.txt': 'yours\n' })
    expect(() => at.gitIn(at.session, 'merge', '-q', 'main')).toThrow()
    expect(await refusal(at.merge())).toMatchObject({ kind: 'refused', message: `a merge is in progress in ${at.session}` })
    at.gitIn(at.session, 'merge', '--abort')
    at.gitIn(at.session, 'checkout', '-q', '-b', 'other', 'main')
    expect((await refusal(at.merge())).message).toContain('is not on its branch offstage/s1')
  })

  test('is not where git does not know the user', async () => {
    const at = place({ 'a.txt': 'a\n' })
    writeFileSync(join(at.folder, 'me', '.gitconfig'), '')
    at.write(at.session, { 'a.txt': 'b\n' })
    expect(await refusal(at.merge())).toMatchObject({ kind: 'refused', hint: 'git config --global user.name NAME, and user.email' })
    expect(at.gitIn(at.session, 'status', '--porcelain')).toBe(' M a.txt')
  })

  test('is not where another repository lies in it, whose files would not come along', async () => {
    const at = place({ 'a.txt': 'a\n' })
    mkdirSync(join(at.session, 'inner'))
    at.gitIn(join(at.session, 'inner'), 'init', '-q')
    at.write(at.session, { 'inner/x': 'x' })
    expect(await refusal(at.merge())).toMatchObject({ kind: 'refused', paths: ['inner/'] })
  })

  test('is committed once, however often it is asked', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.write(at.session, { 'a.txt': 'b\n' })
    const first = await at.merged()
    const second = await at.merged()
    expect(second.tip).toBe(first.tip)
  })
})

describe('what the branch becomes', () => {
  test('merge: a commit of both, though the branch has not moved', async () => {
    const at = place({ 'a.txt': 'a\n' })
    const tip = at.commit(at.session, { 'a.txt': 'b\n' })
    const { commit, old } = await at.merged({ how: 'merge' })
    expect(at.git('show', '-s', '--format=%P', commit)).toBe(`${old} ${tip}`)
  })

  test('squash: one commit on top, with what both sides did', async () => {
    const at = place({ 'a.txt': lines(), 'b.txt': 'b\n' })
    at.commit(at.session, { 'a.txt': lines('one') })
    at.commit(at.session, { 'c.txt': 'c\n' })
    const old = at.commit(at.user, { 'b.txt': 'mine\n' })
    const { commit } = await at.merged({ how: 'squash' })
    expect(at.git('show', '-s', '--format=%P %s', commit)).toBe(`${old} What was asked`)
    expect([at.git('show', `${commit}:a.txt`), at.git('show', `${commit}:b.txt`), at.git('show', `${commit}:c.txt`)]).toEqual([lines('one').trimEnd(), 'mine', 'c'])
  })

  test('rebase: each commit on top, as it was written and by whom; what changes nothing any more is dropped', async () => {
    const at = place({ 'a.txt': lines(), 'b.txt': 'b\n' })
    at.write(at.session, { 'a.txt': lines('one') })
    at.gitIn(at.session, 'add', '-A')
    at.gitIn(at.session, 'commit', '-q', '--author=Zoë <z@example.org>', '--date=2020-02-02T02:02:02+0200', '-m', 'first thing\n\nwith a reason\n')
    at.commit(at.session, { 'b.txt': 'same\n' }, 'what the user did too')
    at.commit(at.session, { 'c.txt': 'c\n' }, 'third thing')
    const old = at.commit(at.user, { 'b.txt': 'same\n' })
    const { commit } = await at.merged({ how: 'rebase' })
    expect(at.git('log', '--format=%an %ai %cn %B', `${old}..${commit}`)).toBe(
      `Me ${at.git('show', '-s', '--format=%ai', 'offstage/s1')} Me third thing\n\nZoë 2020-02-02 02:02:02 +0200 Me first thing\n\nwith a reason\n`,
    )
    expect(at.git('merge-base', old, commit)).toBe(old)
  })

  test('rebase: commits that are on top already stay themselves', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.session, { 'a.txt': 'b\n' })
    const tip = at.commit(at.session, { 'a.txt': 'c\n' })
    expect((await at.merged({ how: 'rebase' })).commit).toBe(tip)
  })

  test('rebase: merges among the commits are refused', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.session, { 'b.txt': 'b\n' })
    at.commit(at.user, { 'c.txt': 'c\n' })
    at.gitIn(at.session, 'merge', '-q', '--no-edit', 'main')
    at.commit(at.user, { 'd.txt': 'd\n' })
    expect(await refusal(at.merge({ how: 'rebase' }))).toMatchObject({ kind: 'refused', hint: 'use --merge or --squash' })
    expect((await at.merged({ how: 'merge' })).files).toBe(1)
  })

  test.each(['merge', 'squash', 'rebase'] as const)('%s: nothing to bring leaves the branch where it is', async (how) => {
    const at = place({ 'a.txt': 'a\n' })
    const old = at.commit(at.user, { 'b.txt': 'b\n' })
    expect(await at.merged({ how })).toMatchObject({ commit: old, old, files: 0 })
  })

  test.each(['merge', 'squash', 'rebase'] as const)('%s: a conflict is told with its paths, and nothing is changed', async (how) => {
    const at = place({ 'a.txt': 'a\n', 'sub/ü "x"\n.txt': 'a\n', 'both.bin': Buffer.of(0, 1, 2) })
    at.commit(at.session, { 'a.txt': 'b\n', 'sub/ü "x"\n.txt': 'b\n', 'both.bin': Buffer.of(0, 9) })
    at.commit(at.user, { 'a.txt': 'c\n', 'sub/ü "x"\n.txt': 'c\n', 'both.bin': Buffer.of(0, 7) })
    const before = [at.git('rev-parse', 'main'), bytesOf(at.user)]
    expect(await at.merge({ how })).toEqual({ kind: 'conflict', paths: ['a.txt', 'both.bin', 'sub/ü "x"\n.txt'] })
    expect([at.git('rev-parse', 'main'), bytesOf(at.user)]).toEqual(before)
  })

  test('a rename of the one and a change of the other come together; modes and links too', async () => {
    const at = place({ 'old.txt': lines(), 'run.sh': 'echo\n', to: { link: 'old.txt' } })
    at.commit(at.session, { 'old.txt': null, 'new.txt': lines(), 'run.sh': { run: 'echo\n' }, to: { link: 'new.txt' } })
    at.commit(at.user, { 'old.txt': lines('mine') })
    const { commit, move } = await at.merged()
    expect(at.git('show', `${commit}:new.txt`)).toBe(lines('mine').trimEnd())
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect(at.git('status', '--porcelain')).toBe('')
    expect([statSync(join(at.user, 'run.sh')).mode & 0o111, readFileSync(join(at.user, 'to'), 'utf8')]).toEqual([0o111, lines('mine')])
  })

  test.each(['squash', 'rebase'] as const)('%s again: what has landed before is not brought once more', async (how) => {
    const at = place({ 'a.txt': lines() })
    at.commit(at.session, { 'a.txt': lines('one') })
    at.commit(at.user, { 'b.txt': 'so that it is rewritten\n' })
    await moveBranch(at.deps, (await at.merged({ how })).move, never)
    // The same line again, on both sides of what landed.
    at.commit(at.session, { 'a.txt': lines('two') })
    at.commit(at.user, { 'b.txt': 'mine\n' })
    const { move, files } = await at.merged({ how })
    await moveBranch(at.deps, move, never)
    expect([files, readFileSync(join(at.user, 'a.txt'), 'utf8'), readFileSync(join(at.user, 'b.txt'), 'utf8')]).toEqual([1, lines('two'), 'mine\n'])
  })

  test('what was merged and never landed is not taken for landed', async () => {
    const at = place({ 'a.txt': lines() })
    at.commit(at.session, { 'a.txt': lines('one') })
    await at.merged({ how: 'squash' })
    at.commit(at.session, { 'b.txt': 'b\n' })
    expect((await at.merged({ how: 'squash' })).files).toBe(2)
  })

  test('of a session that took along what was not committed, only what came after that is brought, by squash', async () => {
    const at = place({ 'a.txt': lines(), 'b.txt': 'b\n' })
    at.write(at.session, { 'a.txt': lines('not committed by the user'), 'wip.txt': 'w\n' })
    at.gitIn(at.session, 'add', '-A')
    const snapshot = at.gitIn(at.session, 'commit-tree', '-p', 'HEAD', '-m', 'snapshot', at.gitIn(at.session, 'write-tree'))
    at.write(at.session, { 'b.txt': 'by the agent\n' })
    expect(await refusal(at.merge({ base: snapshot }))).toMatchObject({ kind: 'refused', hint: 'bring in only what came after them: --squash' })
    const { commit, old } = await at.merged({ base: snapshot, how: 'squash' })
    expect(at.git('diff', '--name-only', old, commit)).toBe('b.txt')
  })

  test('a session without a worktree has nothing to land', async () => {
    const at = place({ 'a.txt': 'a\n' })
    const { worktree: _, ...wish } = at.wish
    expect(await refusal(at.merge({ ...wish, worktree: undefined }))).toMatchObject({ kind: 'refused', hint: expect.stringContaining('offstage diff s1') })
  })

  test('a branch that is not there, or its own, is refused', async () => {
    const at = place({ 'a.txt': 'a\n' })
    expect((await refusal(at.merge({ into: 'nowhere' }))).message).toBe(`there is no branch nowhere in ${at.user}`)
    expect((await refusal(at.merge({ into: 'offstage/s1' }))).message).toContain('own branch')
  })

  test('where the objects have SHA-256 names', async () => {
    const at = new LandingPlace({ 'a.txt': lines() }, [], { format: 'sha256' })
    places.push(at)
    at.commit(at.session, { 'a.txt': lines('one') })
    at.commit(at.user, { 'b.txt': 'b\n' })
    const { move } = await at.merged({ how: 'rebase' })
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect(at.git('status', '--porcelain')).toBe('')
  })
})

describe("the user's tree", () => {
  test('follows, and keeps what is not committed elsewhere byte for byte: in files, index and new files', async () => {
    const at = place({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n', 'd.txt': 'd\n', 'gone.txt': 'g\n' })
    at.commit(at.session, { 'a.txt': 'landed\n', 'deep/er/new.txt': 'n\n', 'gone.txt': null })
    at.write(at.user, { 'b.txt': 'staged\n' })
    at.git('add', 'b.txt')
    at.write(at.user, { 'b.txt': 'staged, and more\r\n', 'c.txt': 'edited\n', 'd.txt': null, 'own.txt': 'new\n', 'planned.txt': 'p\n' })
    at.git('add', '-N', 'planned.txt')
    const { 'a.txt': _, 'gone.txt': __, ...kept } = bytesOf(at.user)
    const staged = at.git('diff', '--cached', '--raw')
    const { move } = await at.merged()
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect(bytesOf(at.user)).toEqual({ ...kept, 'a.txt': '0 landed\n', 'deep/er/new.txt': '0 n\n' })
    expect(at.git('diff', '--cached', '--raw')).toBe(staged)
    expect(at.git('status', '--porcelain')).toBe('MM b.txt\n M c.txt\n D d.txt\n A planned.txt\n?? own.txt')
    expect(at.git('reflog', '-1', '--format=%gs', 'main')).toBe('offstage: land s1')
    expect(at.git('reflog', '-1', '--format=%gs', 'HEAD')).toBe('offstage: land s1')
    expect(existsSync(join(at.user, '.git', 'index.lock')) || existsSync(join(at.user, '.git', 'offstage-landing'))).toBe(false)
  })

  test.each<readonly [string, (at: LandingPlace) => void, readonly string[]]>([
    ['edited', (at) => at.write(at.user, { 'a.txt': 'mine\n' }), ['a.txt']],
    [
      'staged',
      (at) => {
        at.write(at.user, { 'a.txt': 'mine\n' })
        at.git('add', '-A')
      },
      ['a.txt'],
    ],
    ['deleted', (at) => at.write(at.user, { 'a.txt': null }), ['a.txt']],
    ['made executable', (at) => chmodSync(join(at.user, 'a.txt'), 0o755), ['a.txt']],
    ['edited where it is to go', (at) => at.write(at.user, { 'gone.txt': 'mine\n' }), ['gone.txt']],
    ['not known to git, where a file is to come', (at) => at.write(at.user, { 'new.txt': 'mine\n' }), ['new.txt']],
    ['ignored, where a file is to come', (at) => at.write(at.user, { 'new.txt': 'mine\n', '.git/info/exclude': 'new.txt\n' }), ['new.txt']],
    ['the very same, and yet not known to git', (at) => at.write(at.user, { 'new.txt': 'new\n' }), ['new.txt']],
    ['a file, where a folder is to come', (at) => at.write(at.user, { sub: 'mine\n' }), ['sub']],
    ['a link, where a folder is to come', (at) => at.write(at.user, { sub: { link: '..' } }), ['sub']],
    ['a folder with something in it, where a file is to come', (at) => at.write(at.user, { 'new.txt/x': 'mine\n' }), ['new.txt/x']],
    ['new in a folder that becomes a file', (at) => at.write(at.user, { 'folder/mine.txt': 'mine\n' }), ['folder/mine.txt']],
    [
      'assumed unchanged, and edited',
      (at) => {
        at.git('update-index', '--assume-unchanged', 'a.txt')
        at.write(at.user, { 'a.txt': 'mine\n' })
      },
      ['a.txt'],
    ],
    [
      'marked to be skipped, and edited',
      (at) => {
        at.git('update-index', '--skip-worktree', 'a.txt')
        at.write(at.user, { 'a.txt': 'mine\n' })
      },
      ['a.txt'],
    ],
  ])('refuses what is %s, and nothing is touched', async (_, edit, paths) => {
    const at = place({ 'a.txt': 'a\n', 'gone.txt': 'g\n', 'folder/x': 'x\n' })
    at.commit(at.session, { 'a.txt': 'landed\n', 'gone.txt': null, 'new.txt': 'new\n', 'sub/y.txt': 'y\n', folder: 'now a file\n' })
    const { move, old, commit } = await at.merged()
    edit(at)
    const before = [bytesOf(at.user), at.git('ls-files', '-s', '-v'), at.git('rev-parse', 'main')]
    expect(await refusal(mayFollow(at.deps, at.user, { old, new: commit }, never))).toMatchObject({ kind: 'refused', paths })
    expect(await refusal(moveBranch(at.deps, move, never))).toMatchObject({ kind: 'refused', paths })
    expect([bytesOf(at.user), at.git('ls-files', '-s', '-v'), at.git('rev-parse', 'main')]).toEqual(before)
    expect(existsSync(join(at.user, '.git', 'index.lock')) || existsSync(join(at.user, '.git', 'offstage-landing'))).toBe(false)
  })

  test('files become folders and folders files', async () => {
    const at = place({ one: '1\n', 'two/a': 'a\n', 'two/deep/b': 'b\n' })
    at.commit(at.session, { one: null, 'one/x': 'x\n', two: '2\n' })
    mkdirSync(join(at.user, 'two', 'empty'))
    const { move } = await at.merged()
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect([bytesOf(at.user), at.git('status', '--porcelain')]).toEqual([{ 'one/x': '0 x\n', two: '0 2\n' }, ''])
  })

  test('names are whatever they are', async () => {
    const strange = Buffer.from([0x61, 0xff, 0x0a, 0x22]).toString('latin1')
    const at = place({ ' space ': '1\n', 'ü\n"\t\x1b[31m': '2\n' })
    at.write(at.session, { ' space ': 'x\n', 'ü\n"\t\x1b[31m': null, '-f': 'y\n', 'case.txt': 'c\n' })
    writeFileSync(Buffer.concat([Buffer.from(`${at.session}/`), Buffer.from(strange, 'latin1')]), 'bytes\n')
    const { move } = await at.merged()
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect([bytesOf(at.user), at.git('status', '--porcelain')]).toEqual([{ ' space ': '0 x\n', '-f': '0 y\n', 'case.txt': '0 c\n', [strange]: '0 bytes\n' }, ''])
  })

  test('a name whose case changes', async () => {
    const at = place({ 'Read.md': 'r\n' })
    at.commit(at.session, { 'Read.md': null, 'read.md': 'r\n' })
    const { move } = await at.merged()
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect(bytesOf(at.user)).toEqual({ 'read.md': '0 r\n' })
  })

  test('files are written as a checkout would: line ends, and filters', async () => {
    const at = place({ '.gitattributes': '*.txt text eol=crlf\n*.up filter=up\n', 'a.txt': 'a\r\n' }, ['filter.up.smudge=tr a-z A-Z', 'filter.up.clean=tr A-Z a-z'])
    at.commit(at.session, { 'a.txt': 'one\r\ntwo\r\n', 'b.up': 'SHOUT\n' })
    const { move } = await at.merged()
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect(bytesOf(at.user)).toMatchObject({ 'a.txt': '0 one\r\ntwo\r\n', 'b.up': '0 SHOUT\n' })
    expect(at.git('status', '--porcelain')).toBe('')
  })

  test('a filter that fails is known before anything is touched', async () => {
    const at = place({ 'a.txt': 'a\n' }, ['filter.bad.smudge=false', 'filter.bad.clean=cat', 'filter.bad.required=true'])
    at.commit(at.session, { '.gitattributes': '*.bad filter=bad\n', 'a.txt': 'b\n', 'x.bad': 'x\n' })
    const { move, old } = await at.merged()
    expect((await refusal(moveBranch(at.deps, move, never))).kind).toBe('failed')
    expect([at.git('rev-parse', 'main'), at.git('status', '--porcelain')]).toEqual([old, ''])
  })

  test('what a sparse checkout leaves out stays out', async () => {
    const at = place({ 'in/a': 'a\n', 'out/b': 'b\n', top: 't\n' })
    at.commit(at.session, { 'in/a': 'aa\n', 'in/new': 'n\n', 'out/b': 'bb\n', 'out/new': 'n\n' })
    at.git('sparse-checkout', 'set', 'in')
    const { move } = await at.merged()
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect([bytesOf(at.user), at.git('status', '--porcelain')]).toEqual([{ 'in/a': '0 aa\n', 'in/new': '0 n\n', top: '0 t\n' }, ''])
    at.git('sparse-checkout', 'disable')
    expect(readFileSync(join(at.user, 'out', 'new'), 'utf8')).toBe('n\n')
  })

  test('a submodule comes along as its commit; its own files are left to the user', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.gitIn(at.session, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', at.user, 'lib')
    const { move } = await at.merged()
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect([at.git('ls-files', '-s', 'lib').slice(0, 6), at.git('status', '--porcelain')]).toEqual(['160000', ''])
  })

  test('a rebase that is in progress is refused, also of the branch that it will come back to', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.session, { 'b.txt': 'b\n' })
    at.git('checkout', '-q', '-b', 'side')
    at.commit(at.user, { 'a.txt': 'side\n' })
    at.git('checkout', '-q', 'main')
    at.commit(at.user, { 'a.txt': 'mine\n' })
    expect(() => at.git('rebase', '-q', 'side')).toThrow()
    expect(await treeOfBranch(at.deps, at.user, 'refs/heads/main', never)).toBe(at.user)
    const { move, old, commit } = await at.merged()
    expect(await refusal(mayFollow(at.deps, at.user, { old, new: commit }, never))).toMatchObject({ kind: 'refused', hint: `finish it, or git -C ${at.user} rebase --abort` })
    await expect(moveBranch(at.deps, move, never)).resolves.toEqual({ moved: false, left: [] })
    expect(at.git('rev-parse', 'main')).toBe(old)
  })

  test('an edit in the very moment in which the index was written stays visible', async () => {
    const at = place({ 'a.txt': 'a\n' }, ['core.trustctime=false'])
    const moment = new Date(Math.floor(Date.now() / 1000) * 1000)
    at.write(at.user, { 'b.txt': 'old\n' })
    utimesSync(join(at.user, 'b.txt'), moment, moment)
    at.git('add', 'b.txt')
    at.git('commit', '-q', '-m', 'b')
    at.commit(at.session, { 'a.txt': 'b\n' })
    const { move } = await at.merged()
    writeFileSync(join(at.user, 'b.txt'), 'new\n')
    for (const file of ['b.txt', '.git/index']) utimesSync(join(at.user, file), moment, moment)
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect(at.git('status', '--porcelain')).toBe(' M b.txt')
  })

  test("another git's lock is told as busy, and stays", async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.session, { 'a.txt': 'b\n' })
    const { move, old, commit } = await at.merged()
    writeFileSync(join(at.user, '.git', 'index.lock'), '')
    expect((await refusal(mayFollow(at.deps, at.user, { old, new: commit }, never))).kind).toBe('busy')
    expect((await refusal(moveBranch(at.deps, move, never))).kind).toBe('busy')
    expect([at.git('rev-parse', 'main'), readFileSync(join(at.user, '.git', 'index.lock'), 'utf8'), readFileSync(join(at.user, 'a.txt'), 'utf8')]).toEqual([old, '', 'a\n'])
    rmSync(join(at.user, '.git', 'index.lock'))
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
  })

  test("a lock of the branch's own is told as busy, and nothing is touched", async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.session, { 'a.txt': 'b\n' })
    const { move, old } = await at.merged()
    writeFileSync(join(at.user, '.git', 'refs', 'heads', 'main.lock'), '')
    expect((await refusal(moveBranch(at.deps, move, never))).kind).toBe('busy')
    expect([at.git('rev-parse', 'main'), at.git('status', '--porcelain')]).toEqual([old, ''])
  })

  test('a branch that moved meanwhile is left there, and nothing is touched', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.session, { 'a.txt': 'b\n' })
    const { move } = await at.merged()
    const mine = at.commit(at.user, { 'mine.txt': 'm\n' })
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: false, left: [] })
    expect(await moveBranch(at.deps, { ...move, going: true }, never)).toEqual({ moved: false, left: [] })
    expect([at.git('rev-parse', 'main'), at.git('status', '--porcelain')]).toEqual([mine, ''])
  })

  test('a tree that is on another branch by now is not touched', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.session, { 'a.txt': 'b\n' })
    const { move, old } = await at.merged()
    at.git('checkout', '-q', '-b', 'other')
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: false, left: [] })
    expect([at.git('rev-parse', 'main'), at.git('status', '--porcelain')]).toEqual([old, ''])
  })

  test('a branch that is checked out nowhere just moves; one that was checked out meanwhile does not', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.session, { 'a.txt': 'b\n' })
    at.git('checkout', '-q', '--detach')
    const { move, commit, old } = await at.merged()
    const { tree: _, ...bare } = move
    expect(await treeOfBranch(at.deps, at.user, 'refs/heads/main', never)).toBeUndefined()
    at.git('checkout', '-q', 'main')
    expect(await moveBranch(at.deps, bare, never)).toEqual({ moved: false, left: [] })
    expect(at.git('rev-parse', 'main')).toBe(old)
    at.git('checkout', '-q', '--detach')
    expect(await moveBranch(at.deps, bare, never)).toEqual({ moved: true, left: [] })
    expect([at.git('rev-parse', 'main'), at.git('rev-parse', 'HEAD'), readFileSync(join(at.user, 'a.txt'), 'utf8')]).toEqual([commit, old, 'a\n'])
  })

  test('of a bare repository, whose branch is checked out nowhere', async () => {
    const at = place({ 'a.txt': 'a\n' })
    const bare = join(at.folder, 'bare.git')
    const tree = join(at.folder, 'tree of it')
    at.git('clone', '-q', '--bare', '--template=', at.user, bare)
    at.gitIn(bare, 'worktree', 'add', '-q', '-b', 'offstage/s2', tree, 'main')
    at.write(tree, { 'b.txt': 'b\n' })
    const worktree = { ...at.worktree, repository: bare, path: tree, branch: 'offstage/s2' }
    const { move, commit } = await at.merged({ session: 's2', worktree, directory: tree, repository: bare })
    expect(await treeOfBranch(at.deps, bare, 'refs/heads/main', never)).toBeUndefined()
    const { tree: _, ...nowhere } = move
    expect(await moveBranch(at.deps, { ...nowhere, repository: bare }, never)).toEqual({ moved: true, left: [] })
    expect([at.gitIn(bare, 'rev-parse', 'main'), at.gitIn(bare, 'show', 'main:b.txt')]).toEqual([commit, 'b'])
  })

  test('of a branch that is checked out in another worktree, that one follows', async () => {
    const at = place({ 'a.txt': 'a\n' })
    const other = join(at.folder, 'other tree')
    at.git('worktree', 'add', '-q', '-b', 'release', other)
    at.write(other, { 'mine.txt': 'm\n' })
    at.commit(at.session, { 'a.txt': 'b\n' })
    const { move } = await at.merged({ into: 'release' })
    const tree = await treeOfBranch(at.deps, at.user, 'refs/heads/release', never)
    expect(tree).toBe(other)
    expect(await moveBranch(at.deps, { ...move, tree: other }, never)).toEqual({ moved: true, left: [] })
    expect([bytesOf(other), at.gitIn(other, 'status', '--porcelain'), bytesOf(at.user)]).toEqual([{ 'a.txt': '0 b\n', 'mine.txt': '0 m\n' }, '?? mine.txt', { 'a.txt': '0 a\n' }])
  })

  test('what the user writes at that very moment stays, and is told', async () => {
    const at = place({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'gone.txt': 'g\n' })
    at.commit(at.session, { 'a.txt': 'A\n', 'b.txt': 'B\n', 'gone.txt': null, 'new.txt': 'N\n' })
    const { move, commit } = await at.merged()
    const step = (name: string): void => {
      if (name === 'move the branch') at.write(at.user, { 'a.txt': 'mine\n', 'gone.txt': 'mine\n', 'new.txt': 'mine\n' })
    }
    const { moved, left } = await moveBranch({ ...at.deps, step }, move, never)
    expect([moved, left.toSorted()]).toEqual([true, ['a.txt', 'gone.txt', 'new.txt']])
    expect([at.git('rev-parse', 'main'), bytesOf(at.user)]).toEqual([commit, { 'a.txt': '0 mine\n', 'b.txt': '0 B\n', 'gone.txt': '0 mine\n', 'new.txt': '0 mine\n' }])
    expect(at.git('status', '--porcelain')).toBe(' M a.txt\n M new.txt\n?? gone.txt')
  })

  test('two names of one file both follow', async () => {
    const at = place({ 'a.txt': 'a\n' })
    at.commit(at.user, { 'b.txt': 'a\n' })
    rmSync(join(at.user, 'b.txt'))
    linkSync(join(at.user, 'a.txt'), join(at.user, 'b.txt'))
    at.git('update-index', '-q', '--refresh')
    at.gitIn(at.session, 'merge', '-q', 'main')
    at.commit(at.session, { 'a.txt': 'A\n', 'b.txt': 'B\n' })
    const { move } = await at.merged()
    expect(await moveBranch(at.deps, move, never)).toEqual({ moved: true, left: [] })
    expect([bytesOf(at.user), at.git('status', '--porcelain')]).toEqual([{ 'a.txt': '0 A\n', 'b.txt': '0 B\n' }, ''])
  })
})

describe('what would happen', () => {
  const preview = (at: LandingPlace, more: Partial<MergeWish> = {}) =>
    previewMerge({ ...at.deps, home: at.home, limits: defaultTreeLimits, refreshed: new Map(), aside: new Map() }, { ...at.wish, ...more }, never)

  test('is told with what is not committed, and nothing is', async () => {
    const at = place({ 'a.txt': lines(), '.gitignore': 'x\n' })
    at.commit(at.session, { 'a.txt': lines('one') })
    at.write(at.session, { 'new.txt': 'n\n', x: 'ignored\n' })
    at.commit(at.user, { 'b.txt': 'b\n' })
    const before = [at.git('for-each-ref'), at.gitIn(at.session, 'status', '--porcelain')]
    const found = await preview(at)
    expect(found).toMatchObject({ old: at.git('rev-parse', 'main'), ahead: 2, behind: 1, uncommitted: ['new.txt'], conflicts: [], against: [] })
    expect(at.git('ls-tree', '-r', '--name-only', found.tree).split('\n')).toEqual(['.gitignore', 'a.txt', 'b.txt', 'new.txt'])
    expect([at.git('for-each-ref'), at.gitIn(at.session, 'status', '--porcelain')]).toEqual(before)
    const { commit } = await at.merged()
    expect(at.git('rev-parse', `${commit}^{tree}`)).toBe(found.tree)
  })

  test('a file that was renamed is one, as in what is brought', async () => {
    const at = place({ 'a.txt': lines() })
    at.gitIn(at.session, 'mv', 'a.txt', 'b.txt')
    at.write(at.session, { 'new.txt': 'n\n' })
    expect((await preview(at)).uncommitted).toEqual(['b.txt', 'new.txt'])
  })

  test.each(['merge', 'squash', 'rebase'] as const)('%s: conflicts are told, also with what is not committed', async (how) => {
    const at = place({ 'a.txt': 'a\n' })
    at.write(at.session, { 'a.txt': 'b\n' })
    at.commit(at.user, { 'a.txt': 'c\n' })
    expect(await preview(at, { how })).toMatchObject({ conflicts: ['a.txt'], tree: at.git('rev-parse', 'main^{tree}') })
  })

  test('all that is against it is told at once', async () => {
    const at = place({ 'a.txt': 'a\n' })
    writeFileSync(join(at.folder, 'me', '.gitconfig'), '')
    expect((await preview(at, { base: 'a snapshot' })).against).toEqual([
      { reason: `git does not know who you are, in ${at.session}`, hint: 'git config --global user.name NAME, and user.email' },
      { reason: 'session s1 began with changes of yours that were not committed, which a merge would bring along', hint: 'bring in only what came after them: --squash' },
    ])
  })
})
