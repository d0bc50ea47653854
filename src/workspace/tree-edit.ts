// Trees made of other trees, in an index of their own: no working tree is looked at.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectId, TreePath } from '../core/workspace.ts'
import { type Blob, entriesOf } from './exact.ts'
import { type GitDeps, runGit } from './git.ts'
import type { Name } from './look.ts'
import { type ObjectPlace, durable } from './open-tree.ts'
import { withinNames } from './paths.ts'

/** `tree` with everything at and below these paths as `source` has it. */
export async function treeWith(
  deps: GitDeps,
  place: ObjectPlace,
  { tree, source, paths }: { readonly tree: ObjectId; readonly source: ObjectId; readonly paths: readonly TreePath[] },
  scratch: string,
  signal: AbortSignal,
): Promise<ObjectId> {
  const isWithin = withinNames(paths)
  const [old, wanted] = await Promise.all([entriesOf(deps, place, tree, signal), entriesOf(deps, place, source, signal)])
  const edits = new Map<Name, Blob | undefined>()
  for (const name of old.keys()) if (isWithin(name)) edits.set(name, undefined)
  for (const [name, entry] of wanted) if (isWithin(name)) edits.set(name, entry)
  return editTree(deps, place, tree, edits, scratch, signal)
}

/** Undefined: it goes. */
export async function editTree(
  deps: GitDeps,
  place: ObjectPlace,
  tree: ObjectId,
  edits: ReadonlyMap<Name, Blob | undefined>,
  scratch: string,
  signal: AbortSignal,
): Promise<ObjectId> {
  const index = join(scratch, 'edited')
  const call = { cwd: place.cwd, vars: { ...place.vars, GIT_INDEX_FILE: index }, config: durable }
  await rm(index, { force: true })
  await runGit(deps, ['read-tree', tree], call, signal)
  // Of as many digits as the repository's ids have.
  const nobody = '0'.repeat(tree.length)
  // What goes goes first: a folder may become a file, and the other way round.
  const gone = [...edits].map(([name]) => `0 ${nobody}\t${name}\0`)
  const there = [...edits].flatMap(([name, entry]) => (entry ? [`${entry.mode} ${entry.id}\t${name}\0`] : []))
  if (edits.size > 0) await runGit(deps, ['update-index', '-z', '--index-info'], { ...call, input: Buffer.from([...gone, ...there].join(''), 'latin1') }, signal)
  return (await runGit(deps, ['write-tree'], call, signal)).text.trim()
}
