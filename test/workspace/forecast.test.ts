// What git finds when it merges works that go on, two by two, in real repositories.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { changedFiles } from '../../src/workspace/changed-files.ts'
import { forecast } from '../../src/workspace/forecast.ts'
import { pathBytes } from '../../src/workspace/paths.ts'
import { treeAside } from '../../src/workspace/tree-aside.ts'
import type { WorkOf } from '../../src/workspace/workspaces.ts'
import { ground } from './tree-kit.ts'

const never = new AbortController().signal
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Text, bytes, nothing (deleted), a link, an executable, or where it was moved from. */
type Edit = string | Uint8Array | null | { readonly link: string } | { readonly executable: string } | { readonly from: string }
type Edits = Readonly<Record<string, Edit>>
interface Version {
  readonly edits: Edits
  readonly parents?: readonly string[]
}

const lines = (count: number, change: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: count }, (_, index) => `${change[index + 1] ?? `line ${index + 1}`}\n`).join('')

function fileCommand(path: string, edit: Edit): Buffer {
  const name = Buffer.concat([Buffer.from('"'), Buffer.from(pathBytes(path).toString('latin1').replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n'), 'latin1'), Buffer.from('"')])
  if (edit === null) return Buffer.concat([Buffer.from('D '), name, Buffer.from('\n')])
  if (typeof edit === 'object' && 'from' in edit) return Buffer.from(`R "${edit.from}" "${path}"\n`)
  const isPlain = typeof edit === 'string' || edit instanceof Uint8Array
  const bytes = Buffer.from(isPlain ? edit : 'link' in edit ? edit.link : edit.executable)
  const mode = isPlain ? '100644' : 'link' in edit ? '120000' : '100755'
  return Buffer.concat([Buffer.from(`M ${mode} inline `), name, Buffer.from(`\ndata ${bytes.length}\n`), bytes, Buffer.from('\n')])
}

class Repository {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-forecast-')))
  readonly env = { PATH: process.env.PATH, HOME: this.folder, GIT_CONFIG_NOSYSTEM: '1', GIT_CEILING_DIRECTORIES: dirname(this.folder) }
  readonly deps = { env: this.env }

  constructor(...options: readonly string[]) {
    folders.push(this.folder)
    this.git(['init', '-q', '-b', 'main', ...options])
  }

  git(args: readonly string[], input?: Uint8Array): string {
    return execFileSync('git', [...args], { cwd: this.folder, env: this.env, ...(input ? { input } : {}), stdio: ['pipe', 'pipe', 'pipe'] }).toString()
  }

  /** A commit each, on what `parents` name (commits, or `:1` for the first of these); with none it begins anew. */
  commits(...versions: readonly Version[]): readonly string[] {
    const script = versions.flatMap(({ edits, parents = [] }, index) => [
      Buffer.from(`reset refs/heads/w${index}\ncommit refs/heads/w${index}\nmark :${index + 1}\ncommitter me <me@example.org> ${index} +0000\ndata 0\n`),
      ...parents.map((parent, place) => Buffer.from(`${place === 0 ? 'from' : 'merge'} ${parent}\n`)),
      ...Object.entries(edits).map(([path, edit]) => fileCommand(path, edit)),
      Buffer.from(`\nget-mark :${index + 1}\n`),
    ])
    return this.git(['fast-import', '--quiet', '--force', '--cat-blob-fd=1'], Buffer.concat(script)).trim().split('\n')
  }

  treeOf(commit: string): string {
    return this.git(['rev-parse', `${commit}^{tree}`]).trim()
  }

  /** Works upon one base, by their names. */
  works(base: string, edits: Readonly<Record<string, Edits>>): readonly WorkOf[] {
    const made = this.commits(...Object.values(edits).map((one): Version => ({ edits: one, parents: [base] })))
    return Object.keys(edits).map((session, index) => ({ session, directory: `/trees/${session}`, base, tree: this.treeOf(made[index] ?? ''), head: base }))
  }

  /** `one+other`: where they conflict, and after a bar what they share besides. */
  async pairs(works: readonly WorkOf[]): Promise<Readonly<Record<string, string>>> {
    const { pairs } = await forecast(this.deps, this.folder, works, undefined, never)
    return Object.fromEntries(
      pairs.map(({ sessions, paths, shared, sameTree }) => [sessions.join('+'), `${sameTree ? 'in one tree: ' : ''}${[paths.join(' '), shared.join(' ')].join(' | ').trim()}`]),
    )
  }
}

const first = (all: readonly string[]): string => all[0] ?? ''

test('only true conflicts are conflicts; shared files are a note, and works apart are not mentioned', async () => {
  const here = new Repository()
  const base = first(here.commits({ edits: { 'a.ts': lines(20), 'b.ts': lines(20), 'c.ts': 'c' } }))
  const works = here.works(base, {
    top: { 'a.ts': lines(20, { 2: 'two' }) },
    bottom: { 'a.ts': lines(20, { 19: 'nineteen' }) },
    also: { 'a.ts': lines(20, { 2: 'zwei' }), 'b.ts': lines(20, { 1: 'one' }) },
    apart: { 'c.ts': 'd', 'new.ts': 'n' },
    nothing: {},
  })
  expect(await here.pairs(works)).toEqual({ 'top+bottom': '| a.ts', 'top+also': 'a.ts | a.ts', 'bottom+also': '| a.ts' })
})

test('what each work has changed is told, with lines, modes and renames', async () => {
  const here = new Repository()
  const base = first(here.commits({ edits: { 'a.ts': lines(20), 'run.sh': '#!/bin/sh\n', 'old.ts': lines(30), 'gone.ts': 'g', picture: Buffer.of(0, 1, 2) } }))
  const [work] = here.works(base, {
    one: {
      'a.ts': lines(20, { 1: 'one' }),
      'run.sh': { executable: '#!/bin/sh\n' },
      'new name.ts': { from: 'old.ts' },
      'gone.ts': null,
      picture: Buffer.of(0, 9),
      'a\tb\n"c"': 'x\n',
      '"\\377.txt"': 'y',
    },
  })
  if (!work) throw new Error('no work')
  const { works } = await forecast(here.deps, here.folder, [work], undefined, never)
  expect(works[0]?.files.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { path: '"\\377.txt"', kind: 'added', added: 1, removed: 0 },
    { path: 'a\tb\n"c"', kind: 'added', added: 1, removed: 0 },
    { path: 'a.ts', kind: 'modified', added: 1, removed: 1 },
    { path: 'gone.ts', kind: 'deleted', added: 0, removed: 1 },
    { path: 'new name.ts', kind: 'renamed', from: 'old.ts', added: 0, removed: 0 },
    { path: 'picture', kind: 'modified', added: null, removed: null },
    { path: 'run.sh', kind: 'modified', added: 0, removed: 0, mode: { from: '100644', to: '100755' } },
  ])
})

test('every kind of conflict is found by the name of the file, however strange', async () => {
  const here = new Repository()
  const base = first(
    here.commits({
      edits: { 'a.ts': lines(20), picture: Buffer.of(0, 1, 2), 'moved.ts': lines(30), 'dir/f.ts': 'f\n', 'dir/"\n.ts': 'q\n', '"b\\377.ts"': 'b\n', link: { link: 'a.ts' } },
    }),
  )
  const works = here.works(base, {
    one: {
      'a.ts': lines(20, { 3: 'three' }),
      picture: Buffer.of(0, 7),
      'to.ts': { from: 'moved.ts' },
      'dir/f.ts': 'g\n',
      'dir/"\n.ts': 'r\n',
      '"b\\377.ts"': 'c\n',
      link: { link: 'one' },
      'added.ts': 'one\n',
      sub: 'a file\n',
    },
    other: {
      'a.ts': null,
      picture: Buffer.of(0, 8),
      'elsewhere.ts': { from: 'moved.ts' },
      'dir/f.ts': 'h\n',
      'dir/"\n.ts': 's\n',
      '"b\\377.ts"': 'd\n',
      link: { link: 'other' },
      'added.ts': 'other\n',
      'sub/file.ts': 'in a folder\n',
    },
  })
  const { pairs } = await forecast(here.deps, here.folder, works, undefined, never)
  expect(pairs.map(({ paths }) => paths)).toEqual([['"b\\377.ts"', 'a.ts', 'added.ts', 'dir/"\n.ts', 'dir/f.ts', 'elsewhere.ts', 'link', 'moved.ts', 'picture', 'sub', 'to.ts']])
})

test('a renamed file takes the edits of another work along, and a mode and a text go together', async () => {
  const here = new Repository()
  const base = first(here.commits({ edits: { 'old.ts': lines(30), 'run.sh': 'run\n' } }))
  const works = here.works(base, {
    mover: { 'new.ts': { from: 'old.ts' }, 'run.sh': { executable: 'run\n' } },
    editor: { 'old.ts': lines(30, { 4: 'four' }), 'run.sh': 'walk\n' },
  })
  expect(await here.pairs(works)).toEqual({ 'mover+editor': '| old.ts run.sh' })
})

test('a new file in a folder that another work has moved is seen', async () => {
  const here = new Repository()
  const base = first(here.commits({ edits: Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`src/${index}.ts`, lines(20 + index)])) }))
  const works = here.works(base, {
    mover: Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`lib/${index}.ts`, { from: `src/${index}.ts` }])),
    adder: { 'src/new.ts': 'n\n' },
  })
  expect(await here.pairs(works)).toEqual({ 'mover+adder': 'lib/new.ts |' })
})

test('what came between two bases is a conflict of neither work', async () => {
  const here = new Repository()
  const [old = '', newer = ''] = here.commits({ edits: { 'a.ts': lines(20), 'b.ts': lines(20) } }, { edits: { 'a.ts': lines(20, { 5: 'of main' }) }, parents: [':1'] })
  const [early] = here.works(old, { early: { 'a.ts': lines(20, { 5: 'early' }), 'b.ts': lines(20, { 5: 'early' }) } })
  const [late] = here.works(newer, { late: { 'b.ts': lines(20, { 5: 'late' }) } })
  if (!early || !late) throw new Error('no works')
  expect(await here.pairs([early, late])).toEqual({ 'early+late': 'b.ts | b.ts' })
})

test('a work conflicts with what came to its branch, and two that go there meet there: what came between is of neither', async () => {
  const here = new Repository()
  const [base = '', tip = ''] = here.commits({ edits: { 'a.ts': lines(40), 'b.ts': 'b\n' } }, { edits: { 'a.ts': lines(40, { 5: 'landed' }) }, parents: [':1'] })
  const old = here.works(base, { meets: { 'a.ts': lines(40, { 5: 'five' }) }, apart: { 'a.ts': lines(40, { 20: 'twenty' }) } })
  const fresh = here.works(tip, {
    end: { 'a.ts': `${lines(40, { 5: 'landed' })}more\n` },
    same: { 'a.ts': lines(40, { 5: 'landed too' }) },
    twenty: { 'a.ts': lines(40, { 5: 'landed', 20: 'zwanzig' }) },
  })
  const works = [...old, ...fresh].map((work): WorkOf => ({ ...work, target: tip }))
  const found = await forecast(here.deps, here.folder, works, undefined, never)
  expect(Object.fromEntries(found.works.map(({ session, onBranch }) => [session, onBranch.join(' ')]))).toEqual({ meets: 'a.ts', apart: '', end: '', same: '', twenty: '' })
  const conflicts = found.pairs.filter(({ paths }) => paths.length > 0).map(({ sessions }) => sessions.join('+'))
  expect(conflicts).toEqual(['meets+same', 'apart+twenty'])
  // Without the branch nobody knows whose line 5 is.
  expect((await here.pairs([...old, ...fresh]))['meets+end']).toBe('a.ts | a.ts')
  // One in place stands where the branch is, with what is committed there.
  const here2 = { ...fresh[0], session: 'place', directory: '/main', inPlace: true as const, head: tip }
  const beside = await forecast(here.deps, here.folder, [...works.slice(0, 2), here2 as WorkOf], undefined, never)
  expect(beside.pairs.filter(({ paths }) => paths.length > 0)).toEqual([])
  expect(await forecast(here.deps, here.folder, works, { works, found }, never)).toEqual(found)
  const changed = works.map((work): WorkOf => (work.session === 'twenty' ? { ...work, tree: fresh[0]?.tree ?? '' } : work))
  expect(await forecast(here.deps, here.folder, changed, { works, found }, never)).toEqual(await forecast(here.deps, here.folder, changed, undefined, never))
})

test('in place, what others changed after a session has left its tree is not its own; what of its own is committed is done with', async () => {
  const here = new Repository()
  const base = first(here.commits({ edits: { 'a.ts': lines(20), 'b.ts': 'b\n', 'c.ts': 'c\n' } }))
  const [left, now] = here.works(base, {
    left: { 'a.ts': lines(20, { 1: 'one' }), 'b.ts': 'its\n' },
    now: { 'a.ts': lines(20, { 1: 'one' }), 'b.ts': 'its\n', 'c.ts': 'of another\n' },
  })
  const [done = ''] = here.commits({ edits: { 'b.ts': 'its\n' }, parents: [base] })
  if (!left || !now) throw new Error('no work')
  const { works } = await forecast(here.deps, here.folder, [{ ...now, inPlace: true, head: done, until: left.tree }], undefined, never)
  expect(works[0]?.files.map(({ path }) => path)).toEqual(['a.ts'])
})

test('a work that has merged what the other is based on conflicts by its own changes only', async () => {
  const here = new Repository()
  const [old = '', newer = ''] = here.commits({ edits: { 'a.ts': lines(20) } }, { edits: { 'a.ts': lines(20, { 5: 'of main' }) }, parents: [':1'] })
  const [merged = ''] = here.commits({ edits: { 'a.ts': lines(20, { 5: 'of main', 15: 'mine' }) }, parents: [old, newer] })
  const [late] = here.works(newer, { late: { 'a.ts': lines(20, { 5: 'again' }) } })
  if (!late) throw new Error('no work')
  const work: WorkOf = { session: 'merger', directory: '/trees/merger', base: old, tree: here.treeOf(merged), head: merged }
  expect(await here.pairs([work, late])).toEqual({ 'merger+late': '| a.ts' })
})

test('what both took along uncommitted is no conflict, however many snapshots there are of it', async () => {
  const here = new Repository()
  const [head = ''] = here.commits({ edits: { 'a.ts': lines(20) } })
  const dirty: Version = { edits: { 'a.ts': lines(20, { 5: 'not committed' }) }, parents: [head] }
  const snapshots = here.commits(dirty, dirty)
  const [one] = here.works(snapshots[0] ?? '', { one: { 'a.ts': lines(20, { 5: 'not committed, and more' }) } })
  const [other] = here.works(snapshots[1] ?? '', { other: { 'a.ts': lines(20, { 5: 'not committed', 18: 'below' }) } })
  const [clean] = here.works(head, { clean: { 'b.ts': 'b' } })
  if (!one || !other || !clean) throw new Error('no works')
  expect(snapshots[0]).not.toBe(snapshots[1])
  expect(await here.pairs([{ ...one, head }, { ...other, head }, clean])).toEqual({ 'one+other': '| a.ts' })
})

test('what is committed in place needs no landing and counts no more', async () => {
  const here = new Repository()
  const [base = '', committed = ''] = here.commits({ edits: { 'a.ts': 'a\n', 'b.ts': 'b\n' } }, { edits: { 'a.ts': 'of the session\n' }, parents: [':1'] })
  const tree = here.treeOf(first(here.commits({ edits: { 'b.ts': 'open\n' }, parents: [committed] })))
  const [other] = here.works(base, { other: { 'a.ts': 'x\n', 'b.ts': 'y\n' } })
  if (!other) throw new Error('no work')
  const work: WorkOf = { session: 'here', directory: here.folder, base, tree, head: committed, inPlace: true }
  expect(await here.pairs([work, other])).toEqual({ 'here+other': 'b.ts | b.ts' })
  expect(await here.pairs([{ ...work, tree: here.treeOf(committed) }, other])).toEqual({})
})

test('sessions in one tree are not merged: what both are known to have changed is told, and to others each stands for its own files', async () => {
  const here = new Repository()
  const [base = ''] = here.commits({ edits: { 'a.ts': 'a\n', 'b.ts': 'b\n', 'c.ts': 'c\n' } })
  const [now, other] = here.works(base, { now: { 'a.ts': '1\n', 'b.ts': '2\n', 'c.ts': '3\n' }, other: { 'a.ts': 'x\n' } })
  if (!now || !other) throw new Error('no works')
  const inside = (session: string, touched?: readonly string[]): WorkOf => ({ ...now, session, directory: here.folder, inPlace: true, ...(touched ? { touched } : {}) })
  expect(await here.pairs([inside('one', ['a.ts', 'b.ts']), inside('two', ['b.ts', 'c.ts', 'never.ts']), other])).toEqual({
    'one+two': 'in one tree: b.ts | b.ts',
    'one+other': 'a.ts | a.ts',
  })
  expect(await here.pairs([inside('one', ['a.ts']), inside('two')])).toEqual({ 'one+two': 'in one tree: | a.ts' })
  expect(await here.pairs([inside('one', ['a.ts']), inside('two', ['c.ts'])])).toEqual({ 'one+two': 'in one tree: |' })
})

test("the repository's own ways of merging count, but no program of the user's is run", async () => {
  const here = new Repository()
  const [base = ''] = here.commits({ edits: { 'CHANGES.md': lines(3), 'lock.json': lines(9), 'far.json': lines(20) } })
  const works = here.works(base, {
    one: { 'CHANGES.md': `${lines(3)}one\n`, 'lock.json': lines(9, { 5: 'one' }), 'far.json': lines(20, { 2: 'one' }) },
    other: { 'CHANGES.md': `${lines(3)}other\n`, 'lock.json': lines(9, { 5: 'other' }), 'far.json': lines(20, { 18: 'other' }) },
  })
  writeFileSync(join(here.folder, '.gitattributes'), '*.md merge=union\n*.json merge=mine=odd\n')
  here.git(['config', '-f', join(here.folder, '.git/config'), 'merge.mine=odd.driver', `touch ${join(here.folder, 'ran')}`])
  expect(await here.pairs(works)).toEqual({ 'one+other': 'lock.json | CHANGES.md far.json lock.json' })
  expect(existsSync(join(here.folder, 'ran'))).toBe(false)
})

test('nothing is left in the repository: no object, no ref, no file', async () => {
  const here = new Repository()
  const base = first(here.commits({ edits: { 'a.ts': lines(20) } }))
  const works = here.works(base, { one: { 'a.ts': lines(20, { 2: 'two' }) }, other: { 'a.ts': lines(20, { 19: 'nineteen' }) } })
  const all = (): readonly string[] => readdirSync(here.folder, { recursive: true, encoding: 'utf8' }).toSorted()
  const [before, passing] = [all(), readdirSync(tmpdir()).filter((name) => name.startsWith('offstage-objects-'))]
  expect(await here.pairs(works)).toEqual({ 'one+other': '| a.ts' })
  expect(all()).toEqual(before)
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('offstage-objects-') && !passing.includes(name))).toEqual([])
})

test('a base that is gone makes a work without files, and strangers conflict where both have something', async () => {
  const here = new Repository()
  const [base = ''] = here.commits({ edits: { 'a.ts': 'a\n', 'same.ts': 's\n' } })
  const [one, other] = here.works(base, { one: { 'a.ts': 'b\n' }, other: { 'a.ts': 'c\n' } })
  const [stranger = ''] = here.commits({ edits: { 'a.ts': 'z\n', 'same.ts': 's\n' } })
  if (!one || !other) throw new Error('no works')
  expect(await here.pairs([{ ...one, base: 'f'.repeat(40) }, other])).toEqual({})
  const orphan: WorkOf = { ...one, session: 'orphan', tree: here.treeOf(stranger), head: stranger }
  expect(await here.pairs([orphan, other])).toEqual({ 'orphan+other': 'a.ts | a.ts' })
})

test('a repository with longer ids, and a path with every sign that a list of paths may break at', async () => {
  const here = new Repository('--object-format=sha256')
  const base = first(here.commits({ edits: { 'a.ts': 'a\n' } }))
  expect(base).toHaveLength(64)
  expect(await here.pairs(here.works(base, { one: { 'a.ts': 'b\n' }, other: { 'a.ts': 'c\n' } }))).toEqual({ 'one+other': 'a.ts | a.ts' })
  const odd = new Repository()
  const inside = join(odd.folder, 'a:b "c"\n\\d')
  odd.git(['init', '-q', inside])
  const nested = Object.assign(Object.create(odd) as Repository, { folder: inside })
  const start = first(nested.commits({ edits: { 'a.ts': 'a\n' } }))
  expect(await nested.pairs(nested.works(start, { one: { 'a.ts': 'b\n' }, other: { 'a.ts': 'c\n' } }))).toEqual({ 'one+other': 'a.ts | a.ts' })
})

test('two works that are as they were are not merged again, and the rest is as if there had been nothing before', async () => {
  const here = new Repository()
  const base = first(here.commits({ edits: { 'a.ts': lines(20), 'b.ts': 'b\n' } }))
  const names = ['one', 'two', 'three', 'four']
  const works = here.works(base, Object.fromEntries(names.map((name, index) => [name, { 'a.ts': lines(20, { [index * 3 + 1]: name }), 'b.ts': index < 2 ? name : 'b\n' }])))
  const found = await forecast(here.deps, here.folder, works, undefined, never)
  const [changed] = here.works(base, { three: { 'a.ts': lines(20, { 1: 'three' }) } })
  if (!changed) throw new Error('no work')
  const now = works.map((work) => (work.session === 'three' ? changed : work))
  const again = await forecast(here.deps, here.folder, now, { works, found }, never)
  expect(again).toEqual(await forecast(here.deps, here.folder, now, undefined, never))
  expect(again).not.toEqual(found)
  // Whoever is asked of what is known says what is known.
  const lie = found.pairs.map((pair) => ({ ...pair, paths: ['told'] }))
  const trusting = await forecast(here.deps, here.folder, now, { works, found: { ...found, pairs: lie } }, never)
  expect(trusting.pairs.filter(({ paths }) => paths[0] === 'told').map(({ sessions }) => sessions.join('+'))).toEqual(['one+two', 'one+four', 'two+four'])
})

test('nothing to do asks nothing', async () => {
  expect(await forecast({ env: { PATH: '/nowhere' } }, '/nowhere', [], undefined, never)).toEqual({ works: [], pairs: [] })
  expect(await changedFiles({ env: { PATH: '/nowhere' } }, '/nowhere', [{ from: 'a', to: 'a' }], never)).toEqual([[]])
})

test('whatever is changed, the forecast says what git says of the two alone', async () => {
  const here = new Repository()
  const names = ['a.ts', 'src/b.ts', 'src/deep/c.ts', 'lib/d.ts', 'src']
  const base = first(here.commits({ edits: Object.fromEntries(names.slice(0, -1).map((name, index) => [name, lines(12 + index)])) }))
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({ at: fc.integer({ min: 1, max: 12 }), say: fc.constantFrom('x', 'y') }).map(({ at, say }) => lines(12, { [at]: say })),
    fc.constantFrom('new\n', 'other\n', null),
    fc.constantFrom(...names.slice(0, -1)).map((from) => ({ from })),
  )
  const edits = fc.uniqueArray(fc.tuple(fc.constantFrom(...names, 'src/new.ts', 'lib/new.ts', 'lib/deep/c.ts'), edit), { maxLength: 3, selector: ([name]) => name })
  await fc.assert(
    fc.asyncProperty(fc.array(edits, { minLength: 2, maxLength: 3 }), async (all) => {
      let works: readonly WorkOf[]
      try {
        works = here.works(base, Object.fromEntries(all.map((one, index) => [`s${index}`, Object.fromEntries(one)])))
      } catch {
        // A move of what is gone.
        return
      }
      const { pairs } = await forecast(here.deps, here.folder, works, undefined, never)
      const found = pairs.filter(({ paths }) => paths.length > 0).map(({ sessions }) => sessions.join('+'))
      const told = works
        .flatMap((one, index) => works.slice(index + 1).map((other) => [one, other] as const))
        .filter(([one, other]) => {
          const refs = [one, other].map(({ session }) => `w${session.slice(1)}`)
          try {
            here.git(['merge-tree', '--write-tree', '--no-messages', ...refs])
            return false
          } catch {
            return true
          }
        })
      expect(found.toSorted()).toEqual(told.map(([one, other]) => `${one.session}+${other.session}`).toSorted())
    }),
    { numRuns: 25 },
  )
})

test('a look at a tree at work leaves nothing in the repository, and what it made can be compared until it has changed and was looked at again', async () => {
  const { repository, folder, write, deps, git, all } = ground()
  repository('a', 'dir/b')
  const base = git('rev-parse', 'HEAD').trim()
  const nothing = git('hash-object', '-t', 'tree', '-w', '/dev/null').trim()
  const objects = (): string => git('count-objects', '-v')
  const before = objects()
  expect(await treeAside(deps, folder, never)).toEqual({ tree: git('rev-parse', 'HEAD^{tree}').trim(), head: base })
  write('dir/b', 'one\n')
  write('new', 'one\n')
  const one = await treeAside(deps, folder, never)
  expect(await treeAside(deps, folder, never)).toEqual(one)
  // git itself would make the same of it.
  const other = await treeAside({ ...deps, aside: new Map() }, folder, never)
  expect([other.tree, objects()]).toEqual([one.tree, before])
  const work: WorkOf = { session: 'one', directory: folder, base, ...one }
  const meets: WorkOf = { session: 'other', directory: '/other', base, tree: nothing, head: base }
  const found = await forecast(deps, folder, [work, meets], undefined, never)
  expect(found.works[0]?.files.map(({ path }) => path)).toEqual(['dir/b', 'new'])
  expect(found.pairs.map(({ paths }) => paths)).toEqual([['dir/b']])
  expect(objects()).toBe(before)
  write('new', 'two\n')
  const two = await treeAside(deps, folder, never)
  expect([two.tree === one.tree, existsSync(one.objects ?? ''), existsSync(two.objects ?? '')]).toEqual([false, false, true])
  expect(readdirSync(join(all, 'home/scratch')).filter((name) => name.endsWith('.objects'))).toHaveLength(2)
})
