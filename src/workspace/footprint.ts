// Where a work left its marks, to tell without git which works cannot meet. In doubt it says that they may: only then git is asked. Pure.

import type { ChangedFile, TreePath } from '../core/workspace.ts'
import { pathBytes, pathText } from './paths.ts'

/** A path as its bytes are, a character each: every name has its folders in front then. */
type Name = string
type Names = ReadonlySet<Name>

export interface Footprint {
  /** Files that were changed, added, deleted, or renamed: by both names. */
  readonly paths: Names
  /** Folders above them. */
  readonly folders: Names
  /** Folders above what is new under its name. */
  readonly grown: Names
  /** Of what was renamed, the other name of each. */
  readonly moved: ReadonlyMap<Name, Name>
  /** Folders that something was moved out of: what another work adds there may have to follow. */
  readonly left: Names
}

const nameOf = (path: TreePath): Name => pathBytes(path).toString('latin1')
const pathOf = (name: Name): TreePath => pathText(Buffer.from(name, 'latin1'))

export function footprintOf(files: readonly ChangedFile[]): Footprint {
  const named = files.map(({ path, from, kind }) => ({ name: nameOf(path), before: from === undefined ? undefined : nameOf(from), isNew: kind === 'added' || kind === 'renamed' }))
  const moves = named.flatMap(({ name, before }) => (before === undefined ? [] : [[before, name] as const]))
  const paths = [...named.map(({ name }) => name), ...moves.map(([before]) => before)]
  return {
    paths: new Set(paths),
    folders: foldersAbove(paths),
    grown: foldersAbove(named.filter(({ isNew }) => isNew).map(({ name }) => name)),
    moved: new Map(moves.flatMap(([before, name]) => [[before, name] as const, [name, before] as const])),
    left: foldersAbove(moves.map(([before]) => before)),
  }
}

function foldersAbove(names: readonly Name[]): Names {
  const folders = new Set<Name>()
  for (const name of names) {
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      const folder = name.slice(0, end)
      if (folders.has(folder)) break
      folders.add(folder)
    }
  }
  return folders
}

function meet(one: Names, other: Names): boolean {
  const [few, many] = one.size < other.size ? [one, other] : [other, one]
  for (const name of few) if (many.has(name)) return true
  return false
}

/** Unless it says so, the two cannot conflict. */
export const mayMeet = (one: Footprint, other: Footprint): boolean =>
  meet(one.paths, other.paths) || meet(one.paths, other.folders) || meet(one.folders, other.paths) || meet(one.left, other.grown) || meet(one.grown, other.left)

export const sharedBy = (one: Footprint, other: Footprint): readonly TreePath[] =>
  [...one.paths]
    .filter((name) => other.paths.has(name))
    .map(pathOf)
    .toSorted()

/** Whether both of these works have changed this file, under its name or the one that the other has given it. */
export function isOfBoth(one: Footprint, other: Footprint, path: TreePath): boolean {
  const name = nameOf(path)
  return isOf(one, other, name) && isOf(other, one, name)
}

function isOf(own: Footprint, other: Footprint, name: Name): boolean {
  const before = other.moved.get(name)
  return own.paths.has(name) || (before !== undefined && own.paths.has(before))
}
