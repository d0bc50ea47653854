// Merges in the object store alone: two commits, three trees, or one commit after the other on top of another. Writes objects and nothing else; no working tree, no index, no branch.

import type { ObjectId, TreePath } from '../core/workspace.ts'
import { type GitDeps, runGit } from './git.ts'
import { durable } from './open-tree.ts'
import { nulPieces, pathText } from './paths.ts'
import { WorkspaceFailed } from './workspaces.ts'

export type Conflict = { readonly kind: 'conflict'; readonly paths: readonly TreePath[] }
export type Outcome = { readonly kind: 'merged'; readonly commit: ObjectId } | Conflict
type MergedTree = { readonly kind: 'merged'; readonly tree: ObjectId } | Conflict

/** A committer line of nobody's. */
export const nobody = 'Offstage <offstage@localhost> 0 +0000'

/** From where their histories parted. */
export async function mergeTrees(deps: GitDeps, cwd: string, ours: ObjectId, theirs: ObjectId, signal: AbortSignal): Promise<MergedTree> {
  const { exitCode, bytes } = await runGit(deps, ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs], { cwd, accepts: [1], config: durable }, signal)
  const [tree, ...paths] = nulPieces(bytes).filter((piece) => piece.length > 0)
  if (exitCode === 1) return { kind: 'conflict', paths: paths.map(pathText) }
  return { kind: 'merged', tree: String(tree) }
}

/** From a tree (or the tree of a commit) of our own choice. git before 2.40 takes no base, so they are made commits of a history of their own. */
export async function threeWay(
  deps: GitDeps,
  cwd: string,
  of: { readonly base: ObjectId; readonly ours: ObjectId; readonly theirs: ObjectId },
  signal: AbortSignal,
): Promise<MergedTree> {
  const trees = await treesOf(deps, cwd, [of.base, of.ours, of.theirs], signal)
  const [base = '', ours = '', theirs = ''] = trees
  if (base === ours) return { kind: 'merged', tree: theirs }
  if (base === theirs || ours === theirs) return { kind: 'merged', tree: ours }
  const root = await draftCommit(deps, cwd, base, [], signal)
  const sides = await Promise.all([ours, theirs].map((tree) => draftCommit(deps, cwd, tree, [root], signal)))
  return mergeTrees(deps, cwd, String(sides[0]), String(sides[1]), signal)
}

/** Each commit that `onto` does not have (and `since` does not, where that is given) again on top of it: author and message stay, byte for byte; one that changes nothing is dropped. Throws `refused` where one is a merge. */
export async function replay(
  deps: GitDeps,
  cwd: string,
  of: { readonly onto: ObjectId; readonly tip: ObjectId; readonly since: ObjectId | undefined; readonly committer: string },
  signal: AbortSignal,
): Promise<Outcome> {
  const ends = [of.tip, `^${of.onto}`, ...(of.since === undefined ? [] : [`^${of.since}`])]
  const { text } = await runGit(deps, ['rev-list', '--reverse', '--topo-order', '--parents', ...ends], { cwd }, signal)
  const commits = text.split('\n').flatMap((line) => (line === '' ? [] : [line.split(' ')]))
  if (commits.some(({ length }) => length > 2))
    throw new WorkspaceFailed('refused', 'there are merges among its commits, which cannot be put on top of another branch one by one', { hint: 'use --merge or --squash' })
  let onto = of.onto
  for (const [commit = '', parent] of commits) {
    if (parent === onto) {
      onto = commit
      continue
    }
    const merged = await threeWay(deps, cwd, { base: parent ?? (await emptyTree(deps, cwd, signal)), ours: onto, theirs: commit }, signal)
    if (merged.kind === 'conflict') return merged
    const [before] = await treesOf(deps, cwd, [onto], signal)
    if (merged.tree !== before) onto = await copyCommit(deps, cwd, { commit, tree: merged.tree, parent: onto, committer: of.committer }, signal)
  }
  return { kind: 'merged', commit: onto }
}

async function copyCommit(
  deps: GitDeps,
  cwd: string,
  of: { readonly commit: ObjectId; readonly tree: ObjectId; readonly parent: ObjectId; readonly committer: string },
  signal: AbortSignal,
): Promise<ObjectId> {
  const { bytes } = await runGit(deps, ['cat-file', 'commit', of.commit], { cwd }, signal)
  const raw = bytes.toString('latin1')
  const end = raw.indexOf('\n\n')
  // Continued lines begin with a space. What was signed is another commit.
  const kept = raw.slice(0, end).split(/\n(?! )/).filter((line) => /^(author|encoding) /.test(line)) // prettier-ignore
  const [author = `author ${nobody}`, ...encoding] = kept.toSorted()
  const header = [`tree ${of.tree}`, `parent ${of.parent}`, author, `committer ${Buffer.from(of.committer, 'utf8').toString('latin1')}`, ...encoding].join('\n')
  return writeCommit(deps, cwd, Buffer.from(header + raw.slice(end), 'latin1'), signal)
}

/** Of nobody, and always the same of the same. */
export async function draftCommit(deps: GitDeps, cwd: string, tree: ObjectId, parents: readonly ObjectId[], signal: AbortSignal): Promise<ObjectId> {
  return writeCommit(deps, cwd, [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`), `author ${nobody}`, `committer ${nobody}`, '', ''].join('\n'), signal)
}

async function writeCommit(deps: GitDeps, cwd: string, text: string | Buffer, signal: AbortSignal): Promise<ObjectId> {
  return (await runGit(deps, ['hash-object', '-t', 'commit', '-w', '--stdin'], { cwd, input: text, config: durable }, signal)).text.trim()
}

/** Of commits or trees. */
export async function treesOf(deps: GitDeps, cwd: string, objects: readonly ObjectId[], signal: AbortSignal): Promise<readonly ObjectId[]> {
  return (await runGit(deps, ['rev-parse', ...objects.map((object) => `${object}^{tree}`)], { cwd }, signal)).text.trim().split('\n')
}

async function emptyTree(deps: GitDeps, cwd: string, signal: AbortSignal): Promise<ObjectId> {
  return (await runGit(deps, ['hash-object', '-t', 'tree', '-w', '--stdin'], { cwd, input: '' }, signal)).text.trim()
}
