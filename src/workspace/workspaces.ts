// What the engine asks of trees: the seam between who decides and who runs git. Every step may be repeated after a crash in the middle of it, and then ends as if there had been none.

import type { ChangedFile, LandHow, ObjectId, Snapshot, SnapshotWhy, TreePath, Worktree } from '../core/workspace.ts'

/** What was tried, on what, and what to do next: one line each. */
export class WorkspaceFailed extends Error {
  readonly hint: string | undefined
  /** `impossible`: never here (no git, no repository, too large). `busy`: another program is at it (a lock of git's). `full`: no space. */
  readonly kind: 'impossible' | 'busy' | 'full' | 'refused' | 'failed'
  readonly paths: readonly TreePath[]
  constructor(kind: WorkspaceFailed['kind'], message: string, more: { readonly hint?: string; readonly paths?: readonly TreePath[]; readonly cause?: unknown } = {}) {
    super(message, { cause: more.cause })
    this.name = 'WorkspaceFailed'
    this.kind = kind
    this.hint = more.hint
    this.paths = more.paths ?? []
  }
}

/** The repository that a directory lies in. */
export interface RepositoryAt {
  /** Top of the working tree, or the bare repository. */
  readonly top: string
  /** Same for all worktrees of a repository: its common git directory, real path. */
  readonly common: string
  readonly bare: boolean
  /** From the top to the directory; '' for the top. */
  readonly below: string
  readonly branch: string | null
  readonly head: ObjectId | null
  /** Worktrees cannot be made of it, and why: no commit yet, jj. */
  readonly noWorktrees?: string
}

export interface TreeState {
  readonly changed: readonly TreePath[]
  readonly untracked: readonly TreePath[]
  /** Beside its upstream; null without one. */
  readonly ahead: number | null
  readonly behind: number | null
}

export interface SnapshotWish {
  /** Anywhere inside the tree, absolute. */
  readonly directory: string
  readonly session: string
  readonly n: number
  readonly why: SnapshotWhy
  readonly turn: number
  readonly atMs: number
  /** If the tree is this and HEAD is that of its snapshot, nothing is taken. */
  readonly unless?: { readonly tree: ObjectId; readonly commit: ObjectId }
  /** Ignored files too, but for what rules leave out: nothing of the tree may be missed. Throws `refused` where something cannot be kept (too large, a repository inside). */
  readonly whole?: boolean
  /** Told as `changed`: how it differs from this commit. */
  readonly base?: ObjectId
}

export interface TreeNow {
  readonly tree: ObjectId
  readonly head: ObjectId | null
  readonly common: string
  readonly uncommitted?: number
  readonly inside?: readonly TreePath[]
}

/** Snapshots' commits; no `from`: nothing inside was changed yet. `now`: what `treeNow` has named. */
export interface InsideOf {
  readonly from?: ObjectId
  readonly to: ObjectId | { readonly now: readonly TreePath[] }
}

export interface RepositoryInside {
  /** In the tree that it is in. */
  readonly path: TreePath
  /** Absolute. */
  readonly directory: string
}

export interface FilesOf {
  readonly files: readonly ChangedFile[]
  readonly patch?: Uint8Array
  readonly cutAt?: number
}

/** One session's work, for a forecast. */
export interface WorkOf {
  readonly session: string
  /** Top of its working tree; works with the same one share it. */
  readonly directory: string
  /** The commit that its changes are counted from: a snapshot, where what was there before is not its own. */
  readonly base: ObjectId
  /** As it is now, and the commit that it stands on: of `treeNow`, or of its newest snapshot. */
  readonly tree: ObjectId
  readonly head: ObjectId | null
  /** Where git finds what the repository has not of its tree. */
  readonly objects?: string
  /** It has no branch to land: what is committed there counts no more. */
  readonly inPlace?: true
  /** The tree as it left it, in place: what changed since is others' work. Absent: it is at work. */
  readonly until?: ObjectId
  /** The tip of the branch that it goes to, where it began with a commit of that. */
  readonly target?: ObjectId
  /** Of one of several in its tree: only these files are known to be its own. Absent or empty: all may be. */
  readonly touched?: readonly TreePath[]
}

/** As it is, wherever its objects lie. */
export const workKey = ({ objects: _, ...work }: WorkOf): string => JSON.stringify(work)

/** `onBranch`: where a work conflicts with what came to the branch that it goes to. */
export interface ForecastFound {
  readonly works: readonly { readonly session: string; readonly files: readonly ChangedFile[]; readonly tree: ObjectId; readonly onBranch: readonly TreePath[] }[]
  /** Those who conflict, share files, or work in the same tree; then nothing is merged, and `paths` are the files that both are known to have changed. */
  readonly pairs: readonly { readonly sessions: readonly [string, string]; readonly paths: readonly TreePath[]; readonly shared: readonly TreePath[]; readonly sameTree?: true }[]
}

export interface Merged {
  readonly kind: 'merged'
  /** What the branch is to become; equal to `old` when there is nothing to bring. */
  readonly commit: ObjectId
  readonly old: ObjectId
  /** Full name: `refs/heads/main`. */
  readonly ref: string
  readonly files: number
  /** The session's own newest commit. */
  readonly tip: ObjectId
}

/** A session's work, and the branch that it is to come into. */
export interface MergeWish {
  readonly session: string
  readonly directory: string
  readonly worktree?: Worktree
  /** What its changes are counted from. A snapshot, where it took along what was not committed: then only what came after it is brought in. */
  readonly base: ObjectId
  readonly repository: string
  /** Short name. */
  readonly into: string
  readonly how: LandHow
}

export interface MergePreview {
  /** What the branch is now. */
  readonly old: ObjectId
  /** What its tree would be: of no worth where there are conflicts. */
  readonly tree: ObjectId
  readonly ahead: number
  readonly behind: number
  readonly uncommitted: readonly TreePath[]
  readonly conflicts: readonly TreePath[]
  /** Why it would be refused. */
  readonly against: readonly { readonly reason: string; readonly hint?: string }[]
}

export interface ForecastBefore {
  readonly works: readonly WorkOf[]
  readonly found: ForecastFound
}

export interface TreeWatch extends Disposable {
  /** Folders that are new since the last time are watched too, and those that are gone no more. Throws where the system allows no more; what is watched goes on. */
  refresh(signal: AbortSignal): Promise<void>
}

/** Methods throw WorkspaceFailed, or the signal's reason. */
export interface Workspaces {
  // --- repository.ts: what there is
  repositoryAt(directory: string, signal: AbortSignal): Promise<RepositoryAt | undefined>
  stateOf(directory: string, signal: AbortSignal): Promise<TreeState>

  // --- worktree.ts
  /** Where the worktree of this session would be, and its branch: a free name. Nothing is made. */
  planWorktree(at: RepositoryAt, wish: { readonly session: string; readonly label: string | null }, signal: AbortSignal): Promise<Worktree>
  /** Makes it, or finds it made. `from`: the snapshot that it is to be as (its commit), for one that comes back or for one that carries what was not committed. Resolves to the commit that changes are counted from; `detached`: its branch
   *  is not where that snapshot had it, and stays as it is. */
  makeWorktree(worktree: Worktree, from: ObjectId | undefined, signal: AbortSignal): Promise<{ readonly base: ObjectId; readonly detached?: true }>
  /** Copies (reflinks, where the file system can) ignored files that match from `repository` to `path`; what is there stays. How many. */
  bring(worktree: Worktree, patterns: readonly string[], signal: AbortSignal): Promise<number>
  /** Free ports, one for each name, that no other session of this home has. Kept until `forgetPorts`. */
  takePorts(session: string, names: readonly string[], signal: AbortSignal): Promise<Readonly<Record<string, number>>>
  forgetPorts(session: string): Promise<void>
  /** Removes it by git, with its branch if nothing is only there; throws `refused` and leaves it where git does, where a process works in it, or where it is not as in `snapshot`. `gone`: git believes it there, and it is not. */
  removeWorktree(worktree: Worktree, snapshot: Snapshot, signal: AbortSignal): Promise<{ readonly branchKept: boolean; readonly gone?: true }>

  // --- snapshot.ts
  /** Undefined: as it was at `unless`. */
  takeSnapshot(wish: SnapshotWish, signal: AbortSignal): Promise<Snapshot | undefined>
  /** `uncommitted`: files that differ from HEAD; absent where some of that is staged. The tree as it is now, without a ref: for comparisons that are over soon. `inside`: repositories in it, but for submodules that are as git has checked them out; absent where there are none. */
  treeNow(directory: string, signal: AbortSignal): Promise<TreeNow>
  /** The same, with nothing left in the repository: what it has not of the tree lies in `objects`, until the tree is read again and has changed. */
  treeAside(directory: string, signal: AbortSignal): Promise<{ readonly tree: ObjectId; readonly head: ObjectId | null; readonly objects?: string }>
  /** By the refs themselves, oldest first: for a home whose database was lost. `directory`: any of the repository. */
  snapshotsOf(directory: string, session: string, signal: AbortSignal): Promise<readonly Snapshot[]>
  /** All that this snapshot keeps is kept by something besides snapshots: by branches, tags, the stash, or what was kept of its worktree's commits. */
  isElsewhere(directory: string, snapshot: ObjectId, signal: AbortSignal): Promise<boolean>
  /** Keeps what is to be written back, of `without` or `withFilesOf`, from every gc until it is let go of (undefined). */
  holdTarget(directory: string, session: string, target: ObjectId | undefined, signal: AbortSignal): Promise<void>
  dropSnapshots(directory: string, session: string, numbers: readonly number[], signal: AbortSignal): Promise<void>

  // --- compare.ts
  compare(
    directory: string,
    of: { readonly from: ObjectId; readonly to: ObjectId; readonly paths?: readonly TreePath[]; readonly patchBytes?: number },
    signal: AbortSignal,
  ): Promise<FilesOf>
  mergeBase(directory: string, one: string, other: string, signal: AbortSignal): Promise<ObjectId | undefined>

  // --- inside.ts
  /** Repositories inside, submodules too, of which files differ between these moments. */
  changedInside(directory: string, of: InsideOf, signal: AbortSignal): Promise<readonly RepositoryInside[]>

  // --- undo.ts
  /** The tree that is `current` without what was done from each `from` to its `to` (the newest first). Conflicts: later changes are in the way. These and `current` are snapshots' commits where there are, else trees.
   *  The result is a tree, or, where a tree cannot say all (exact bytes of converted files, empty folders), a commit of it: for writeTree and compare they are the same. */
  without(
    directory: string,
    of: { readonly current: ObjectId; readonly steps: readonly { readonly from: ObjectId; readonly to: ObjectId }[]; readonly paths?: readonly TreePath[] },
    signal: AbortSignal,
  ): Promise<{ readonly tree: ObjectId } | { readonly conflicts: readonly TreePath[] }>
  /** `current` with the files of `snapshot` (a snapshot's commit), all or those below these paths. */
  withFilesOf(directory: string, of: { readonly current: ObjectId; readonly snapshot: ObjectId; readonly paths?: readonly TreePath[] }, signal: AbortSignal): Promise<ObjectId>
  withoutHunks(
    directory: string,
    of: { readonly current: ObjectId; readonly from: ObjectId; readonly to: ObjectId; readonly path: TreePath; readonly hunks: readonly number[] },
    signal: AbortSignal,
  ): Promise<{ readonly tree: ObjectId } | { readonly conflicts: readonly TreePath[] }>
  /** Writes the files that differ between two trees. Before the first byte, each has to be as in `from` (byte for byte as `before`, a snapshot's commit, has it), else it throws `refused` with the paths. `going`: it was cut off before; a file may
   *  be as in `to` already, and one that is neither is left and told. The index and HEAD are not touched. */
  writeTree(
    directory: string,
    of: { readonly from: ObjectId; readonly to: ObjectId; readonly before?: ObjectId; readonly going?: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly written: readonly TreePath[]; readonly left: readonly TreePath[] }>

  // --- landing.ts
  /** The working tree where this branch is checked out, if any. */
  treeOfBranch(repository: string, ref: string, signal: AbortSignal): Promise<string | undefined>
  /** Commits what is not committed in the session's tree (not ignored; hooks are not run), merges in the object store, and makes the commit that the branch is to become. Nothing of the user's is touched. */
  mergeFor(
    of: MergeWish & { readonly title: string; readonly message: string },
    signal: AbortSignal,
  ): Promise<Merged | { readonly kind: 'conflict'; readonly paths: readonly TreePath[] }>
  /** What `mergeFor` would find, with nothing committed: only objects are made, and nothing of the session or the user is touched. */
  previewMerge(of: MergeWish, signal: AbortSignal): Promise<MergePreview>
  /** A tree of this commit to run checks in. Disposed by whoever made it; what a crash left is removed by the next. */
  temporaryTree(repository: string, commit: ObjectId, signal: AbortSignal): Promise<{ readonly path: string; readonly remove: () => Promise<void> }>
  /** Throws `refused` with the paths where the user's tree is not clean where it matters. */
  mayFollow(tree: string, of: { readonly old: ObjectId; readonly new: ObjectId }, signal: AbortSignal): Promise<void>
  /** Moves the branch if it is `old` still (or is `new` already), then lets index and files of `tree` follow. False: it has moved to something else. `going`: as in `writeTree`.
   *  What throws has moved nothing. `behind`: it has moved, and why its tree has not followed yet; asked again with `going` it goes on. */
  moveBranch(
    of: {
      readonly repository: string
      readonly ref: string
      readonly old: ObjectId
      readonly new: ObjectId
      readonly tree?: string
      readonly going?: boolean
      readonly reflog: string
    },
    signal: AbortSignal,
  ): Promise<{ readonly moved: boolean; readonly left: readonly TreePath[]; readonly behind?: string }>
  /** Throws where `publish` could do nothing, as far as that is known here: no remote, no program. */
  mayPublish(of: { readonly repository: string; readonly branch: string; readonly how: 'push' | 'pull-request'; readonly into: string }, signal: AbortSignal): Promise<void>
  /** In words what became of it. */
  publish(
    of: { readonly repository: string; readonly branch: string; readonly how: 'push' | 'pull-request'; readonly into: string; readonly title: string },
    signal: AbortSignal,
  ): Promise<string>

  // --- forecast.ts
  /** Where branches (`main`) are, in the order asked; undefined: there is none by that name. */
  tipsOf(repository: string, branches: readonly string[], signal: AbortSignal): Promise<readonly (ObjectId | undefined)[]>
  /** True conflicts between each two of them, by one `git merge-tree --stdin`; and what each has changed. `before`: what was found last; two works that are in it as they are now are not merged again. */
  forecast(repository: string, works: readonly WorkOf[], before: ForecastBefore | undefined, signal: AbortSignal): Promise<ForecastFound>

  // --- watch-tree.ts
  /** Nothing is watched before the first `refresh`. `touched` is called for each thing that is written there, often; it is a hint. Disposed by whoever asked. */
  watchTree(top: string, touched: () => void): TreeWatch
}
