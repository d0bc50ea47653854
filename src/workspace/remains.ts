// What removals ask of the files themselves: whether all can be deleted, and, of one that was cut off, whether all that is left is in a snapshot. Rules may be gone already that say what is ignored or converted, so bytes alone are compared.

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, readFile, readdir, readlink } from 'node:fs/promises'
import type { ObjectId, TreePath } from '../core/workspace.ts'
import { hasCode, ifMissing } from './disk.ts'
import { entriesOf, readExact } from './exact.ts'
import { runGit } from './git.ts'
import { type Name, at, byRule, nameOf, textOf } from './look.ts'
import type { TreeDeps } from './open-tree.ts'
import { pathBytes } from './paths.ts'
import { readKept } from './snapshot-commit.ts'
import { copiedSubmodules } from './submodules.ts'

/** The first file that is in no snapshot, or otherwise. `snapshot`: the commit of one that has everything. */
export async function unknownRemains(
  deps: TreeDeps,
  of: { readonly repository: string; readonly place: string; readonly admin: string; readonly snapshot: ObjectId },
  signal: AbortSignal,
): Promise<TreePath | undefined> {
  const objects = { cwd: of.repository, vars: {} }
  const kept = await readKept(deps, objects, of.snapshot, signal)
  const [entries, exact] = await Promise.all([entriesOf(deps, objects, kept.tree, signal), readExact(deps, objects, kept.exact, signal)])
  const known = new Map<Name, ObjectId[]>()
  for (const part of [entries, exact.files, exact.ignored]) for (const [name, { id }] of part) known.set(name, [...(known.get(name) ?? []), id])
  for (const { admin, target } of await copiedSubmodules(deps, of.admin, signal)) {
    const own = { cwd: admin, vars: { GIT_DIR: admin, GIT_WORK_TREE: admin } }
    const below = nameOf(Buffer.from(target.slice(of.place.length + 1)))
    known.set(`${below}/.git`, [])
    const head = (await runGit(deps, ['rev-parse', '--verify', '-q', 'HEAD^{tree}'], { ...own, accepts: [1, 128] }, signal)).text.trim()
    if (head !== '') for (const [name, { id }] of await entriesOf(deps, own, head, signal)) known.set(`${below}/${name}`, [id])
  }
  known.set('.git', [])
  const named = (kept.snapshot?.leftOut ?? []).flatMap(({ path, why }) => (why === byRule ? [nameOf(pathBytes(path)).replace(/\/$/, '')] : []))
  return unknownIn(of.place, '', { known, passed: new Set(deps.limits.leaveOut), left: new Set(named), signal })
}

/** The first folder that has something and that nothing can be taken out of. */
export async function undeletableIn(top: string, signal: AbortSignal, folder: Name = ''): Promise<TreePath | undefined> {
  signal.throwIfAborted()
  const path = folder === '' ? Buffer.from(top) : at(top, folder)
  try {
    const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' })
    if (entries.length > 0) await access(path, constants.W_OK | constants.X_OK)
    for (const entry of entries) {
      const found = entry.isDirectory() ? await undeletableIn(top, signal, `${folder}${nameOf(entry.name)}/`) : undefined
      if (found !== undefined) return found
    }
    return undefined
  } catch (cause) {
    if (hasCode(cause, 'EACCES', 'EPERM', 'EROFS')) return textOf(folder)
    return ifMissing(undefined)(cause)
  }
}

interface Known {
  readonly known: ReadonlyMap<Name, readonly ObjectId[]>
  /** Names of folders that no snapshot has. */
  readonly passed: ReadonlySet<string>
  /** Folders that this snapshot has not, by a rule. */
  readonly left: ReadonlySet<Name>
  readonly signal: AbortSignal
}

async function unknownIn(top: string, folder: Name, how: Known): Promise<TreePath | undefined> {
  how.signal.throwIfAborted()
  const entries = await readdir(folder === '' ? Buffer.from(top) : at(top, folder), { withFileTypes: true, encoding: 'buffer' }).catch(ifMissing([]))
  for (const entry of entries) {
    const own = nameOf(entry.name)
    const name = folder + own
    const ids = how.known.get(name)
    if (entry.isDirectory()) {
      const unknown = how.passed.has(own) || how.left.has(name) ? undefined : await unknownIn(top, `${name}/`, how)
      if (unknown !== undefined) return unknown
    } else if (ids === undefined || (ids.length > 0 && !(await isOneOf(at(top, name), entry.isSymbolicLink(), ids)))) return textOf(name)
  }
  return undefined
}

async function isOneOf(path: Buffer, isLink: boolean, ids: readonly ObjectId[]): Promise<boolean> {
  const bytes = await (isLink ? readlink(path, { encoding: 'buffer' }) : readFile(path)).catch(ifMissing(undefined))
  // Somebody removes it at this very moment.
  if (bytes === undefined) return true
  return ids.some((id) => createHash(id.length === 40 ? 'sha1' : 'sha256').update(`blob ${bytes.length}\0`).update(bytes).digest('hex') === id) // prettier-ignore
}
