// Makes the tree of a working tree as `git add -A` would, by a copy of the index: what did not change is not read again. The user's own index is only read.

import { constants } from 'node:fs'
import { access, copyFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectId } from '../core/workspace.ts'
import { isMissing } from './disk.ts'
import { type GitCall, type GitDeps, GitFailed, runGit } from './git.ts'
import { copyIndexToLook } from './index-copy.ts'
import { type LeftOut, type Look, type Name, at, inChunks, listOf, lookAt, nameOf, settingsFor } from './look.ts'
import { type OpenTree, type TreeDeps, durable } from './open-tree.ts'
import { nulPieces } from './paths.ts'

export interface Begun {
  readonly index: string
  readonly look: Look
  /** Of git, for all that looks at these files. */
  readonly settings: readonly string[]
}

export interface Stored {
  readonly tree: ObjectId
  /** Could not be read, or has a name that git takes nothing by. */
  readonly leftOut: readonly LeftOut[]
  /** What is staged, where that is something else than HEAD and the tree. */
  readonly staged?: ObjectId
}

/** `scratch`: a folder of its own. `strict`: as in `settingsFor`. */
export async function beginTree(deps: TreeDeps, tree: OpenTree, scratch: string, strict: boolean, signal: AbortSignal): Promise<Begun> {
  const index = join(scratch, 'index')
  const [settings, copy] = await Promise.all([settingsFor(tree, strict), copyIndexToLook(deps.refreshed, tree.gitDir, index)])
  const look = await lookAt(deps, tree, index, settings, signal)
  await copy.keep()
  return { index, settings, look }
}

/** `lasting`: what is written is on the disk afterwards. */
export async function storeTree(deps: TreeDeps, tree: OpenTree, { index, look, settings }: Begun, lasting: boolean, signal: AbortSignal): Promise<Stored> {
  const call: GitCall = { cwd: tree.top, vars: { ...tree.vars, GIT_INDEX_FILE: index }, config: [...settings, ...(lasting ? durable : [])] }
  const staged = look.staged && !tree.isPrivate ? await stagedTree(deps, call, look, signal) : undefined
  const { removed, written, flagged } = look
  if (removed.length + written.length + flagged.length === 0 && !look.staged && tree.head) return { tree: tree.head.tree, leftOut: [] }
  const update = (those: readonly Name[], ...args: readonly string[]) => runGit(deps, ['update-index', ...args, '-z', '--stdin'], { ...call, input: listOf(those) }, signal)
  if (flagged.length > 0) for (const flag of ['--no-assume-unchanged', '--no-skip-worktree']) await update(flagged, flag)
  if (removed.length > 0) await update(removed, '--force-remove')
  const { leftOut, config } = written.length > 0 ? await addAll(deps, tree, call, written, signal) : { leftOut: [], config: call.config ?? [] }
  // Also this may read files again, through their filters: those that are as new as the index.
  const made = (await runGit(deps, ['write-tree'], { ...call, config }, signal)).text.trim()
  // Nobody else has this index: what it remembers of files is of use next time.
  if (tree.isPrivate) await rename(index, join(tree.gitDir, 'index'))
  return { tree: made, leftOut, ...(staged !== undefined && staged !== made && staged !== tree.head?.tree && { staged }) }
}

async function stagedTree(deps: TreeDeps, call: GitCall, look: Look, signal: AbortSignal): Promise<ObjectId> {
  const index = call.vars?.['GIT_INDEX_FILE'] ?? ''
  const own = { ...call, vars: { ...call.vars, GIT_INDEX_FILE: `${index}.staged` } }
  await copyFile(index, `${index}.staged`)
  // Their versions lie in the commits that are being merged.
  if (look.unmerged.length > 0) await runGit(deps, ['update-index', '--force-remove', '-z', '--stdin'], { ...own, input: listOf(look.unmerged) }, signal)
  return (await runGit(deps, ['write-tree'], own, signal)).text.trim()
}

/** Adds what can be read; gives the rest, and the settings that were needed. */
async function addAll(
  deps: TreeDeps,
  tree: OpenTree,
  call: GitCall,
  names: readonly Name[],
  signal: AbortSignal,
): Promise<{ readonly leftOut: readonly LeftOut[]; readonly config: readonly string[] }> {
  const own = call.config ?? []
  const add = (those: readonly Name[], config: readonly string[]) =>
    runGit(deps, ['update-index', '--add', '--remove', '--replace', '-z', '--stdin'], { ...call, config, input: listOf(those) }, signal)
  try {
    const { errors } = await add(names, own)
    return { leftOut: await passedOver(deps, call, names, errors, signal), config: own }
  } catch (cause) {
    if (!(cause instanceof GitFailed) || cause.kind !== 'failed') throw cause
    const unreadable = new Set((await inChunks(names, async (name) => ((await isReadable(at(tree.top, name))) ? undefined : name))).flatMap((name) => name ?? []))
    // A filter that does not run (git-lfs is not installed): the bytes as they are.
    const noFilter = await driversOff(deps, tree, /filter '([^']+)'/.exec(cause.said)?.[1], signal)
    if (unreadable.size === 0 && noFilter.length === 0) throw cause
    const readable = names.filter((name) => !unreadable.has(name))
    const config = [...own, ...noFilter]
    const { errors } = await add(readable, config)
    const passed = await passedOver(deps, call, readable, errors, signal)
    return { leftOut: [...[...unreadable].map((name) => ({ name, why: 'cannot be read', hasBytes: true })), ...passed], config }
  }
}

/** git takes nothing by some names (`.GIT`, `git~1`, a link `.gitmodules`), says so, and goes on. */
export async function passedOver(deps: GitDeps, call: GitCall, names: readonly Name[], errors: string, signal: AbortSignal): Promise<readonly LeftOut[]> {
  if (!errors.includes('Ignoring path ')) return []
  const listed = await runGit(deps, ['ls-files', '-z'], { ...call, input: '' }, signal)
  const taken = new Set(nulPieces(listed.bytes).map(nameOf))
  return names.filter((name) => !taken.has(name)).map((name) => ({ name, why: 'git takes nothing by such a name', hasBytes: true }))
}

/** Of one driver; of all where it was not named. */
async function driversOff(deps: TreeDeps, tree: OpenTree, named: string | undefined, signal: AbortSignal): Promise<readonly string[]> {
  const { text } = await runGit(deps, ['config', '-z', '--name-only', '--get-regexp', '^filter\\..*\\.(clean|process)$'], { ...tree, accepts: [1] }, signal)
  const drivers = new Set(text.split('\0').flatMap((name) => /^filter\.(.*)\.[a-z]+$/s.exec(name)?.[1] ?? []))
  return [...drivers].flatMap((driver) =>
    named === undefined || driver === named ? [`filter.${driver}.clean=`, `filter.${driver}.process=`, `filter.${driver}.required=false`] : [],
  )
}

const isReadable = (path: Buffer): Promise<boolean> =>
  access(path, constants.R_OK).then(
    () => true,
    // Links that lead nowhere, and what went meanwhile.
    (cause: unknown) => isMissing(cause),
  )
