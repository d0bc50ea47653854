// Repositories inside a tree: in which of them files changed between two moments, of which the tree itself says nothing.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { changedInside } from '../../src/workspace/inside.ts'
import { treeNow } from '../../src/workspace/snapshot.ts'
import { ground, never } from './tree-kit.ts'

/** With a submodule `lib`, and a repository of nobody's, `other tree`. */
function nested() {
  const at = ground()
  const library = join(at.all, 'library')
  const own = join(at.folder, 'other tree')
  at.repository('a')
  for (const top of [library, own]) {
    mkdirSync(top)
    at.gitAt(top, 'init', '-q', '-b', 'main')
    writeFileSync(join(top, 'inner'), 'one')
    at.gitAt(top, 'add', '-A')
    at.gitAt(top, 'commit', '-q', '-m', 'first')
  }
  at.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'lib')
  at.git('commit', '-q', '-m', 'with a submodule')
  const edit = (path: string, text: string): void => writeFileSync(join(at.folder, path), text)
  const now = async () => ({ now: (await treeNow(at.deps, at.folder, never)).inside ?? [] })
  const changed = async (from: string | undefined, to: string | { readonly now: readonly string[] }, directory = at.folder) =>
    (await changedInside(at.deps, directory, { ...(from === undefined ? {} : { from }), to }, never)).map(({ path, directory: place }) => [path, place])
  const both = [
    ['lib', join(at.folder, 'lib')],
    ['other tree', own],
  ]
  return { ...at, edit, now, changed, both, own }
}

test('files that changed in a submodule and in a repository of its own are told of, and what was so before is not', async () => {
  const { snapshot, edit, now, changed, both, folder, write } = nested()
  const first = await snapshot()
  expect(await changed(first.commit, await now())).toEqual([])
  edit('lib/inner', 'two')
  edit('other tree/inner', 'two')
  expect(await changed(first.commit, await now())).toEqual(both)
  const second = await snapshot({ n: 2 })
  expect(await changed(first.commit, second.commit)).toEqual(both)
  expect(await changed(second.commit, await now())).toEqual([])
  write('a', 'only here')
  const third = await snapshot({ n: 3 })
  expect([await changed(second.commit, third.commit), await changed(third.commit, await now(), join(folder, 'lib', '..'))]).toEqual([[], []])
  edit('other tree/inner', 'three')
  expect(await changed(third.commit, await now())).toEqual(both.slice(1))
})

test('what was changed there and is as it was committed again, or gone, is told of', async () => {
  const { snapshot, edit, now, changed, both, own } = nested()
  edit('lib/inner', 'mine')
  const first = await snapshot()
  edit('lib/inner', 'one')
  rmSync(own, { recursive: true })
  expect(await changed(first.commit, await now())).toEqual(both)
})

test('one that is new, or in which git finds nothing, is told of', async () => {
  const { snapshot, now, changed, own, folder, gitAt } = nested()
  const first = await snapshot()
  rmSync(join(own, '.git', 'HEAD'))
  mkdirSync(join(folder, 'fresh'))
  gitAt(join(folder, 'fresh'), 'init', '-q')
  writeFileSync(join(folder, 'fresh', 'new'), 'new')
  expect((await changed(first.commit, await now())).map(([path]) => path)).toContain('fresh')
  expect(await changed(undefined, { now: ['fresh', 'nowhere'] })).toEqual([
    ['fresh', join(folder, 'fresh')],
    ['nowhere', join(folder, 'nowhere')],
  ])
})
