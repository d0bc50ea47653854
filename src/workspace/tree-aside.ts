// The tree of a working tree as it is now, for a look at it while somebody works there: what git makes of its files lies in a folder of ours and goes with the next look, or a repository would grow with every change of a file that is never committed.

import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectId } from '../core/workspace.ts'
import { type TreeDeps, openScratch, openTree } from './open-tree.ts'
import { alternates } from './passing-objects.ts'
import { beginTree, storeTree } from './stored-tree.ts'

interface Aside {
  readonly tree: ObjectId
  /** Undefined: the repository has everything. */
  readonly objects?: string
}

/** By top, the one read last at the end. They lie among what goes with this process (open-tree.ts). */
export type AsideTrees = Map<string, Aside>

const mostTrees = 64

/** `objects`: where git finds what the repository does not have, until the tree is read again and has changed. */
export async function treeAside(deps: TreeDeps, directory: string, signal: AbortSignal): Promise<Aside & { readonly head: ObjectId | null }> {
  const tree = await openTree(deps, directory, signal)
  await using scratch = await openScratch(deps)
  const begun = await beginTree(deps, tree, scratch.path, false, signal)
  const head = tree.head?.commit ?? null
  if (tree.isPrivate) return { tree: (await storeTree(deps, tree, begun, false, signal)).tree, head }
  const objects = join(deps.home, 'scratch', `${process.pid}-${randomUUID()}.objects`)
  await mkdir(objects, { mode: 0o700 })
  try {
    const vars = { ...tree.vars, GIT_OBJECT_DIRECTORY: objects, ...alternates([join(tree.common, 'objects')]) }
    const stored = await storeTree(deps, { ...tree, vars }, begun, false, signal)
    const known = deps.aside.get(tree.top)
    const now: Aside = known?.tree === stored.tree ? known : stored.tree === tree.head?.tree ? { tree: stored.tree } : { tree: stored.tree, objects }
    deps.aside.delete(tree.top)
    deps.aside.set(tree.top, now)
    const gone = [...deps.aside.keys()].slice(0, -mostTrees).map((top) => ({ top, objects: deps.aside.get(top)?.objects }))
    for (const { top } of gone) deps.aside.delete(top)
    await Promise.all([...gone, ...(known && known !== now ? [known] : []), ...(now.objects === objects ? [] : [{ objects }])].map(drop))
    return { ...now, head }
  } catch (cause) {
    await drop({ objects })
    throw cause
  }
}

const drop = async ({ objects }: { readonly objects?: string | undefined }): Promise<void> => (objects === undefined ? undefined : rm(objects, { recursive: true, force: true }))
