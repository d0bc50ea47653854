// What lies between two trees: which files, how many lines, and the patch as `git diff` prints it. No programs of the user's are run for it.

import type { ChangedFile, ObjectId, TreePath } from '../core/workspace.ts'
import { type GitDeps, runGit } from './git.ts'
import { openObjects, openScratch, type ObjectPlace, type TreeDeps } from './open-tree.ts'
import { isPlain, nulPieces, pathText } from './paths.ts'
import { treeWith } from './tree-edit.ts'
import { type FilesOf, WorkspaceFailed } from './workspaces.ts'

/** What a line of arguments may be long. */
const mostArguments = 100_000

/** How patches are made: hunks are counted in this form. */
export const patchOptions: readonly string[] = [
  '-r',
  '-M',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--src-prefix=a/',
  '--dst-prefix=b/',
  '--diff-algorithm=default',
  '-U3',
  '--inter-hunk-context=0',
]

export async function compare(
  deps: TreeDeps,
  directory: string,
  of: { readonly from: ObjectId; readonly to: ObjectId; readonly paths?: readonly TreePath[]; readonly patchBytes?: number },
  signal: AbortSignal,
): Promise<FilesOf> {
  const place = await openObjects(deps, directory, signal)
  const { to, specs } = await narrowed(deps, place, of, signal)
  const trees = [`${of.from}^{tree}`, `${to}^{tree}`, '--', ...specs]
  const [files, patch] = await Promise.all([
    filesBetween(deps, place, trees, signal),
    of.patchBytes === undefined ? undefined : runGit(deps, ['--literal-pathspecs', 'diff-tree', '-p', ...patchOptions, ...trees], { ...place, mostBytes: of.patchBytes }, signal),
  ])
  return { files, ...(patch && { patch: patch.bytes, ...(patch.cut && { cutAt: patch.bytes.length }) }) }
}

/** Names that are no text, and very many, cannot stand among arguments: then the tree is made in which only they are changed. */
async function narrowed(
  deps: TreeDeps,
  place: ObjectPlace,
  { from, to, paths }: { readonly from: ObjectId; readonly to: ObjectId; readonly paths?: readonly TreePath[] },
  signal: AbortSignal,
): Promise<{ readonly to: ObjectId; readonly specs: readonly string[] }> {
  if (paths === undefined) return { to, specs: [] }
  if (paths.length > 0 && paths.every(isPlain) && paths.join(' ').length < mostArguments) return { to, specs: paths }
  await using scratch = await openScratch(deps)
  return { to: await treeWith(deps, place, { tree: from, source: to, paths }, scratch.path, signal), specs: [] }
}

export async function filesBetween(deps: GitDeps, place: ObjectPlace, trees: readonly string[], signal: AbortSignal): Promise<readonly ChangedFile[]> {
  const { bytes } = await runGit(deps, ['--literal-pathspecs', 'diff-tree', '--raw', '--numstat', '-z', ...patchOptions, ...trees], place, signal)
  const pieces = nulPieces(bytes)
  const lines = new Map<string, { readonly added: number | null; readonly removed: number | null }>()
  const raw: { readonly modes: readonly [string, string]; readonly status: string; readonly path: Buffer; readonly from?: Buffer }[] = []
  for (let at = 0; at < pieces.length;) {
    const head = (pieces[at] ?? Buffer.alloc(0)).toString('latin1')
    if (head.startsWith(':')) {
      const [before = '', after = '', , , status = ''] = head.slice(1).split(' ')
      const isRename = /^[RC]/.test(status)
      const [one, other] = [pieces[at + 1], pieces[at + 2]]
      if (one) raw.push({ modes: [before, after], status, path: isRename && other ? other : one, ...(isRename && { from: one }) })
      at += isRename ? 3 : 2
      continue
    }
    const [added, removed, ...name] = head.split('\t')
    const isRename = name.join('\t') === ''
    const path = isRename ? (pieces[at + 2] ?? Buffer.alloc(0)).toString('latin1') : name.join('\t')
    lines.set(path, { added: count(added), removed: count(removed) })
    at += isRename ? 3 : 1
  }
  return raw.map(({ modes: [before, after], status, path, from }) => ({
    path: pathText(path),
    kind: kinds[status.charAt(0)] ?? 'modified',
    ...(from && { from: pathText(from) }),
    ...(lines.get(path.toString('latin1')) ?? { added: null, removed: null }),
    ...(before !== after && before !== '000000' && after !== '000000' && { mode: { from: before, to: after } }),
  }))
}

const kinds: Readonly<Record<string, ChangedFile['kind']>> = { A: 'added', C: 'added', D: 'deleted', R: 'renamed', T: 'type-changed' }
const count = (text = '-'): number | null => (text === '-' ? null : Number.parseInt(text, 10))

/** Undefined: they have no commit in common. */
export async function mergeBase(deps: TreeDeps, directory: string, one: string, other: string, signal: AbortSignal): Promise<ObjectId | undefined> {
  const place = await openObjects(deps, directory, signal)
  const known = await runGit(deps, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${other}^{commit}`], { ...place, accepts: [1, 128] }, signal)
  if (known.text.trim() === '') throw new WorkspaceFailed('refused', `there is no branch or commit ${other} in ${directory}`, { hint: 'git branch --all lists the branches' })
  const { text } = await runGit(deps, ['merge-base', one, known.text.trim()], { ...place, accepts: [1] }, signal)
  return text.trim() || undefined
}
