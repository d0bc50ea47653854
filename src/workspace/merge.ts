// Makes the commit that a branch is to become when a session's work is brought into it. What the session has not committed is committed first, on the branch of its own worktree; everything else happens
// in the object store. Touches nothing of the user's: no branch but the session's, no index, no file.

import { pathLine, printable, printableLine } from '../core/terminal-text.ts'
import type { ObjectId, TreePath } from '../core/workspace.ts'
import { changesBetween, operationIn, placeOfTree } from './follow.ts'
import { type GitDeps, runGit } from './git.ts'
import { commitOf, contains } from './landing.ts'
import { durable } from './open-tree.ts'
import { nulPieces, pathText } from './paths.ts'
import { type Outcome, draftCommit, mergeTrees, nobody, replay, threeWay, treesOf } from './replay.ts'
import { type MergeWish, type Merged, WorkspaceFailed } from './workspaces.ts'

const longestSubject = 72

/** Throws `refused` where it cannot be brought in as asked. */
export async function mergeFor(
  deps: GitDeps,
  of: MergeWish & { readonly title: string; readonly message: string },
  signal: AbortSignal,
): Promise<Merged | { readonly kind: 'conflict'; readonly paths: readonly TreePath[] }> {
  const found = await lookAt(deps, of, signal)
  const [refusal] = found.against
  if (refusal) throw refusal
  const tip = await commitRest(deps, found, of.title, signal)
  const outcome = await bringIn(deps, of, { ...found, tip }, signal)
  if (outcome.kind === 'conflict') return outcome
  const files = outcome.commit === found.old ? 0 : (await changesBetween(deps, of.repository, found.old, outcome.commit, signal)).length
  if (outcome.commit !== found.old) await remember(deps, of, outcome.commit, tip, signal)
  return { kind: 'merged', commit: outcome.commit, old: found.old, ref: refOf(of.into), files, tip }
}

export interface Found {
  /** Of the session's worktree. */
  readonly top: string
  /** '' where there is none. */
  readonly old: ObjectId
  readonly tip: ObjectId
  readonly uncommitted: readonly TreePath[]
  readonly committer: string | undefined
  /** Its work began with what the user had not committed. */
  readonly carried: boolean
  readonly against: readonly WorkspaceFailed[]
}

const refOf = (branch: string): string => `refs/heads/${branch}`
const shown = printableLine
const pathList = (paths: readonly TreePath[]): string => paths.map(pathLine).join(', ')

/** Throws where there is nothing to look at. */
export async function lookAt(deps: GitDeps, of: MergeWish, signal: AbortSignal): Promise<Found> {
  const { worktree, session } = of
  if (!worktree)
    throw new WorkspaceFailed('refused', `session ${session} works in ${shown(of.directory)} itself: there is nothing to land`, {
      hint: `offstage diff ${session} shows what it changed; commit it as you like`,
    })
  const top = worktree.path
  const place = await placeOfTree(deps, top, signal)
  const [operation, state, tip, old, own, committer] = await Promise.all([
    operationIn(place.gitDir),
    changesOf(deps, top, signal),
    commitOf(deps, top, 'HEAD', signal),
    commitOf(deps, of.repository, refOf(of.into), signal),
    commitOf(deps, top, refOf(worktree.branch), signal),
    committerOf(deps, top, signal),
  ])
  const against: WorkspaceFailed[] = []
  const refuse = (reason: string, hint: string, paths: readonly TreePath[] = []): void => void against.push(new WorkspaceFailed('refused', reason, { hint, paths }))
  if (old === undefined) refuse(`there is no branch ${shown(of.into)} in ${shown(of.repository)}`, 'name one that there is: --into BRANCH')
  if (of.into === worktree.branch) refuse(`${shown(of.into)} is the session's own branch`, 'name another: --into BRANCH')
  if (operation !== undefined) refuse(`a ${operation} is in progress in ${shown(top)}`, `finish it there, or tell session ${session} to`)
  if (state.unmerged.length > 0)
    refuse(`conflicts are not resolved in ${shown(top)}: ${pathList(state.unmerged)}`, `resolve them there, or tell session ${session} to`, state.unmerged)
  if (state.repositories.length > 0)
    refuse(
      `another repository lies in ${shown(top)}: ${pathList(state.repositories)}`,
      'its files would not come along: move it away, ignore it, or make it a submodule',
      state.repositories,
    )
  if (state.submodules.length > 0)
    refuse(`a submodule has changes that are not committed: ${pathList(state.submodules)}`, `commit them in it, or tell session ${session} to`, state.submodules)
  if (tip === undefined) refuse(`there is no commit in ${shown(top)}`, 'nothing can be landed before the first')
  else if (own !== undefined && own !== tip && !(await contains(deps, top, tip, own, signal)))
    refuse(`${shown(top)} is not on its branch ${shown(worktree.branch)}, which has commits of its own`, `git -C ${shown(top)} switch ${shown(worktree.branch)}`)
  if (committer === undefined) refuse(`git does not know who you are, in ${shown(top)}`, 'git config --global user.name NAME, and user.email')
  const carried = of.base !== worktree.base
  if (carried && of.how !== 'squash')
    refuse(`session ${session} began with changes of yours that were not committed, which a ${of.how} would bring along`, 'bring in only what came after them: --squash')
  return { top, old: old ?? '', tip: tip ?? '', uncommitted: state.uncommitted, committer, carried, against }
}

/** Undefined: it is not configured. Nothing is guessed from the machine. */
async function committerOf(deps: GitDeps, cwd: string, signal: AbortSignal): Promise<string | undefined> {
  const { exitCode, text } = await runGit(deps, ['var', 'GIT_COMMITTER_IDENT'], { cwd, accepts: [128], config: ['user.useConfigOnly=true'] }, signal)
  return exitCode === 0 ? text.trim() : undefined
}

async function changesOf(deps: GitDeps, cwd: string, signal: AbortSignal) {
  const { bytes } = await runGit(deps, ['status', '--porcelain=v2', '-z', '--no-renames', '--untracked-files=all', '--ignore-submodules=none'], { cwd }, signal)
  const lines = nulPieces(bytes).map((piece) => {
    const fields = { '1': 8, u: 10, '?': 1 }[piece.toString('latin1', 0, 1)] ?? 1
    let at = 0
    for (let field = 0; field < fields; field += 1) at = piece.indexOf(32, at) + 1
    return { kind: piece.toString('latin1', 0, 1), submodule: piece.toString('latin1', 5, 9), path: pathText(piece.subarray(at)) }
  })
  const pathsOf = (like: (line: (typeof lines)[number]) => boolean): readonly TreePath[] => lines.filter(like).map(({ path }) => path)
  return {
    uncommitted: pathsOf(() => true),
    unmerged: pathsOf(({ kind }) => kind === 'u'),
    repositories: pathsOf(({ kind, path }) => kind === '?' && path.replace(/"$/, '').endsWith('/')),
    submodules: pathsOf(({ kind, submodule }) => kind === '1' && /^S.(?:M.|.U)/.test(submodule)),
  }
}

/** Gives the session's newest commit. Repeated, it finds nothing to do. */
async function commitRest(deps: GitDeps, { top, tip, uncommitted }: Found, title: string, signal: AbortSignal): Promise<ObjectId> {
  if (uncommitted.length === 0) return tip
  await runGit(deps, ['add', '-A'], { cwd: top, config: durable }, signal)
  const tree = (await runGit(deps, ['write-tree'], { cwd: top, config: durable }, signal)).text.trim()
  if (tree === (await treeOf(deps, top, tip, signal))) return tip
  const commit = await commitTree(deps, top, tree, [tip], messageOf(title), signal)
  await runGit(deps, ['update-ref', '-m', `commit: ${subjectOf(title)}`, 'HEAD', commit, tip], { cwd: top, config: durable }, signal)
  return commit
}

export async function bringIn(deps: GitDeps, of: MergeWish & { readonly message: string }, { old, tip, committer, carried }: Found, signal: AbortSignal): Promise<Outcome> {
  const cwd = of.repository
  if (await contains(deps, cwd, old, tip, signal)) return { kind: 'merged', commit: old }
  // What came with an earlier landing is not brought once more.
  const since = (await landedBefore(deps, of, old, tip, signal)) ?? (carried ? of.base : undefined)
  if (of.how === 'rebase') return replay(deps, cwd, { onto: old, tip, since, committer: committer ?? nobody }, signal)
  const merged = since === undefined ? await mergeTrees(deps, cwd, old, tip, signal) : await threeWay(deps, cwd, { base: since, ours: old, theirs: tip }, signal)
  if (merged.kind === 'conflict') return merged
  if (merged.tree === (await treeOf(deps, cwd, old, signal))) return { kind: 'merged', commit: old }
  const parents = of.how === 'merge' ? [old, tip] : [old]
  const message = messageOf(of.message)
  return {
    kind: 'merged',
    commit: committer === undefined ? await draftCommit(deps, cwd, merged.tree, parents, signal) : await commitTree(deps, cwd, merged.tree, parents, message, signal),
  }
}

/** Where the session's work has come to in the landing before this one: a commit of no history of anybody's, whose parents are what the branch became and what the session had. It counts only where both still hold it. */
const memoryOf = (session: string): string => `refs/offstage/${session}/landed`

async function remember(deps: GitDeps, of: MergeWish, commit: ObjectId, tip: ObjectId, signal: AbortSignal): Promise<void> {
  const memory = await draftCommit(deps, of.repository, await treeOf(deps, of.repository, tip, signal), [commit, tip], signal)
  await runGit(deps, ['update-ref', memoryOf(of.session), memory], { cwd: of.repository, config: [...durable, 'core.logAllRefUpdates=false'] }, signal)
}

async function landedBefore(deps: GitDeps, of: MergeWish, old: ObjectId, tip: ObjectId, signal: AbortSignal): Promise<ObjectId | undefined> {
  const [became, had] = await Promise.all([1, 2].map((parent) => commitOf(deps, of.repository, `${memoryOf(of.session)}^${parent}`, signal)))
  if (became === undefined || had === undefined) return undefined
  const holds = await Promise.all([contains(deps, of.repository, old, became, signal), contains(deps, of.repository, tip, had, signal)])
  // Git finds it itself where it is in the branch's own history.
  return holds.every(Boolean) && !(await contains(deps, of.repository, old, had, signal)) ? had : undefined
}

export const treeOf = async (deps: GitDeps, cwd: string, commit: ObjectId, signal: AbortSignal): Promise<ObjectId> => String((await treesOf(deps, cwd, [commit], signal))[0])

/** In the name of the user of git's configuration. */
async function commitTree(deps: GitDeps, cwd: string, tree: ObjectId, parents: readonly ObjectId[], message: string, signal: AbortSignal): Promise<ObjectId> {
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-']
  return (await runGit(deps, args, { cwd, input: message, config: ['user.useConfigOnly=true', 'i18n.commitEncoding=UTF-8', ...durable] }, signal)).text.trim()
}

const subjectOf = (text: string): string => {
  const line = printableLine(text.split('\n', 1)[0] ?? '')
  return line.length > longestSubject ? `${line.slice(0, longestSubject - 1).trimEnd()}…` : line || 'Changes of a session'
}

/** Its first line is cut to a length for a subject; all of it stands below then. */
function messageOf(text: string): string {
  const whole = printable(text).trim()
  const subject = subjectOf(whole)
  return whole.startsWith(subject) ? `${whole || subject}\n` : `${subject}\n\n${whole}\n`
}
