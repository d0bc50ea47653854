// A model of the files beside a real tree: whatever is done to it, and wherever writing back is cut off, every byte that was there at a snapshot can be found, the tree is before or after, and what is the user's stays.

import { type Stats, chmodSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { takeSnapshot } from '../../src/workspace/snapshot.ts'
import { withFilesOf, without } from '../../src/workspace/undo.ts'
import { writeTree } from '../../src/workspace/write-tree.ts'
import { type Names, ground, never } from './tree-kit.ts'

const names = ['a', 'A', 'a/b', 'a/b/c', 'dir/x', 'dir/y', 'line\nbreak', 'no\xfftext', '"q"', 'crlf.txt', '.gitattributes', 'ignored']
const contents = ['', 'one\n', 'one\r\n', 'one\r\ntwo\n', '\0\x01\xff', '* text=auto\n', '*.txt text eol=crlf\n', 'ignored\n', '$Id$\n']

const name = fc.constantFrom(...names)
const edit = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write'), name, content: fc.constantFrom(...contents) }) },
  fc.record({ kind: fc.constantFrom('delete', 'program', 'folder', 'link', 'clear'), name }),
  fc.record({ kind: fc.constant('move'), name, to: name }),
)
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('edits'), edits: fc.array(edit, { minLength: 1, maxLength: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restore'), which: fc.nat(20), cut: fc.nat(12) }) },
  fc.record({ kind: fc.constant('undo'), cut: fc.nat(12) }),
  fc.record({ kind: fc.constantFrom('commit', 'stage', 'age') }),
)
type Edit = { readonly kind: string; readonly name: string; readonly content?: string; readonly to?: string }

function apply(folder: string, { kind, name, content = '', to = name }: Edit): void {
  const at = (own: string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(own, 'latin1')])
  const look = (own: string): Stats | undefined => {
    try {
      return lstatSync(at(own))
    } catch {
      return undefined
    }
  }
  const clear = (own: string): void => (look(own) ? rmSync(at(own), { recursive: true }) : undefined)
  // Whatever stands in the way goes.
  const room = (own: string): void => {
    const parts = own.split('/')
    parts.slice(1).forEach((_, index) => {
      const parent = parts.slice(0, index + 1).join('/')
      if (!look(parent)?.isDirectory()) clear(parent)
    })
    if (look(own)?.isDirectory()) clear(own)
    mkdirSync(Buffer.from(dirname(at(own).toString('latin1')), 'latin1'), { recursive: true })
  }
  const there = look(name)
  if (kind === 'write') {
    room(name)
    if (there?.isSymbolicLink()) clear(name)
    writeFileSync(at(name), content, 'latin1')
  }
  if (kind === 'delete' && there && !there.isDirectory()) rmSync(at(name))
  if (kind === 'clear') clear(name)
  if (kind === 'program' && there?.isFile()) chmodSync(at(name), there.mode ^ 0o111)
  if (kind === 'folder' && !there) {
    room(name)
    mkdirSync(at(name))
  }
  if (kind === 'link') {
    room(name)
    clear(name)
    symlinkSync('dir', at(name))
  }
  if (kind === 'move' && there && !`${to}/`.startsWith(`${name}/`)) {
    room(to)
    if (!look(name)) return
    clear(to)
    renameSync(at(name), at(to))
  }
}

test('every byte of every snapshot can be found, whatever happened', async () => {
  const property = fc.asyncProperty(fc.array(action, { minLength: 2, maxLength: 7 }), async (actions) => {
    const { repository, folder, deps, wish, git, commit, age, files, sacred } = ground()
    repository('a', 'dir/x')
    const kept: { readonly commit: string; readonly tree: string; readonly files: Names }[] = []
    const keep = async () => {
      const before = { files: files(), sacred: sacred() }
      const last = kept.at(-1)
      const taken = await takeSnapshot(deps, wish({ n: kept.length + 1, ...(last && { unless: last }) }), never)
      expect({ files: files(), sacred: sacred() }).toEqual(before)
      if (taken) kept.push({ commit: taken.commit, tree: taken.tree, files: before.files })
      const now = kept.at(-1)
      if (!now) throw new Error('nothing was kept')
      expect(now.files).toEqual(before.files)
      return now
    }
    const write = async (before: { readonly commit: string; readonly tree: string }, to: string, cut: number): Promise<void> => {
      const own = sacred()
      let left = cut
      const step = (): void => {
        if ((left -= 1) < 0) throw new Error('dead')
      }
      const of = { from: before.tree, to, before: before.commit }
      await writeTree({ ...deps, step }, folder, of, never).catch(async (cause: unknown) => {
        if (!(cause instanceof Error) || cause.message !== 'dead') throw cause
        expect((await writeTree(deps, folder, { ...of, going: true }, never)).left).toEqual([])
      })
      expect(sacred()).toEqual(own)
    }
    const restore = async (which: number, cut: number): Promise<void> => {
      const before = await keep()
      const wanted = kept[which % kept.length] ?? before
      await write(before, await withFilesOf(deps, folder, { current: before.commit, snapshot: wanted.commit }, never), cut)
      expect(files()).toEqual(wanted.files)
    }
    await keep()
    for (const one of actions) {
      if ('edits' in one) {
        for (const each of one.edits) apply(folder, each)
        await keep()
      } else if ('which' in one) await restore(one.which, one.cut)
      else if ('cut' in one) {
        const now = await keep()
        const from = kept.at(-2)
        if (!from) continue
        const said = await without(deps, folder, { current: now.commit, steps: [{ from: from.commit, to: now.commit }] }, never)
        await write(now, 'tree' in said ? said.tree : '', one.cut)
        expect(files()).toEqual(from.files)
      } else if (one.kind === 'commit') commit()
      // What git learns of the files is kept only of an index that is not new.
      else if (one.kind === 'age') age()
      else git('add', '-A')
    }
    // Each restore adds one.
    for (const which of kept.map((_, index) => index)) await restore(which, 99)
  })
  await fc.assert(
    property,
    process.env['SOAK'] ? { numRuns: 1000, interruptAfterTimeLimit: Number(process.env['SOAK_MS'] ?? 60_000), endOnFailure: true } : { numRuns: 5, endOnFailure: true },
  )
})
