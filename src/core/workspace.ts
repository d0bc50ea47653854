// Where a session works, what it changed there, and what becomes of it: the words that every layer shares. Pure data.

import type { SessionId } from './ids.ts'

/** Of a commit, tree or blob: 40 or 64 hexadecimal digits. */
export type ObjectId = string

/** A file below the top of its working tree, with `/`. Bytes that are no UTF-8 make it a string in double quotes, as git prints it with core.quotePath (`"a\377"`); it is taken back in that form. */
export type TreePath = string

/** `auto`: a worktree where another live session works in the same tree, or the tree is dirty; else in place. */
export type WorkspaceWish = 'auto' | 'worktree' | 'in-place'

/** A worktree of its own, decided on when the session is created. */
export interface Worktree {
  /** Top of the working tree that it was started from, or the bare repository; absolute. */
  readonly repository: string
  /** Its own top; absolute, and never another session's. */
  readonly path: string
  /** From the top to the directory where the program starts; '' for the top. */
  readonly below: string
  /** Its branch, short: `offstage/k3f9x2ab`. */
  readonly branch: string
  /** What HEAD was. */
  readonly base: ObjectId
  /** The branch that was checked out, short: where it lands unless told otherwise. Absent: HEAD was detached. */
  readonly from?: string
  /** What was not committed is taken along: tracked changes, and these untracked files. */
  readonly carries?: { readonly untracked: 'all' | readonly TreePath[] }
}

/** What makes a tree ready for work, from the project's `.offstage.toml` and `.worktreeinclude`. */
export interface Preparation {
  /** Ignored files and folders to bring from the tree that it was started from: patterns as in .gitignore. */
  readonly bring?: readonly string[]
  /** Run by `sh -c` at the top of the tree, also of one that comes back. The program starts only when it succeeded. */
  readonly setup?: string
  /** From the top to the folder of the project file that `setup` comes from, where it is run. Absent: the top. */
  readonly setupIn?: string
  /** Names of variables that each get a free port. */
  readonly ports?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export type SnapshotWhy = 'start' | 'turn-start' | 'turn-end' | 'asked' | 'undo' | 'restore' | 'land' | 'remove'

/** All of a working tree at one moment, kept by a private ref: `refs/offstage/SESSION/N`. */
export interface Snapshot {
  /** 1, 2, 3 ... within the session. */
  readonly n: number
  /** Its first parent is what HEAD was (none before the first commit); its tree is what `git add -A` would make. */
  readonly commit: ObjectId
  readonly tree: ObjectId
  readonly why: SnapshotWhy
  /** The turn that begins or has ended here; 0 before the first. */
  readonly turn: number
  readonly atMs: number
  /** Files that are not in it, by name and why (too large, a rule); the first few. */
  readonly leftOut?: readonly { readonly path: TreePath; readonly why: string }[]
  /** Of a worktree: how it differs from what its changes are counted from. */
  readonly changed?: LinesChanged
}

/** Lines; those of binary files are not counted. */
export interface LinesChanged {
  readonly files: number
  readonly added: number
  readonly removed: number
}

export interface ChangedFile {
  readonly path: TreePath
  readonly kind: 'added' | 'modified' | 'deleted' | 'renamed' | 'type-changed'
  /** Of a rename. */
  readonly from?: TreePath
  /** Lines; null for a binary file. */
  readonly added: number | null
  readonly removed: number | null
  /** Octal, where it changed: `100644` to `100755`. */
  readonly mode?: { readonly from: string; readonly to: string }
}

/** What lies between two states of a tree. */
export interface Changes {
  /** In words, for a heading: `base 4f2c1a0`, `turn 3`, `main`. */
  readonly from: string
  readonly to: string
  readonly files: readonly ChangedFile[]
  readonly added: number
  readonly removed: number
  /** As `git diff` prints it (bytes: names and contents may be no UTF-8). Absent unless asked for. */
  readonly patch?: Uint8Array
  /** The patch is cut at this many bytes. */
  readonly cutAt?: number
}

export interface CheckResult {
  readonly command: string
  readonly exitCode: number | null
  /** By which it was ended. */
  readonly signal?: string
  readonly ms: number
  /** The end of what it printed, plain text; the whole is in its run folder. */
  readonly output: string
}

export type LandHow = 'merge' | 'squash' | 'rebase'

/** What a session in this directory would work in. */
export interface Place {
  /** Absent: no repository that git can make worktrees of. */
  readonly repository?: {
    readonly top: string
    /** Short; null: detached, or no commit yet. */
    readonly branch: string | null
    readonly head: ObjectId | null
    readonly ahead: number | null
    readonly behind: number | null
    /** Tracked files that differ from HEAD; the first 200. */
    readonly changed: readonly TreePath[]
    /** Not tracked and not ignored; folders that are new as a whole end with `/`. The first 200. */
    readonly untracked: readonly TreePath[]
  }
  /** Live sessions that work in the same tree. */
  readonly sessions: readonly SessionId[]
  /** What `auto` means there now, and why, in words. */
  readonly auto: { readonly kind: 'worktree' | 'in-place'; readonly why: string }
}

/** What would happen if a session landed now. */
export interface LandingPlan {
  readonly session: SessionId
  readonly into: string
  readonly how: LandHow
  /** Commits of the branch it lands in that its own base does not have, and the other way round. */
  readonly behind: number
  readonly ahead: number
  /** Its files that are not committed and would be. */
  readonly uncommitted: number
  readonly changes: Changes
  /** Paths that truly conflict with the branch. */
  readonly conflicts: readonly TreePath[]
  readonly checks: readonly string[]
  /** Why it cannot land now, each with what to do; empty: it can. */
  readonly against: readonly string[]
}

/** Two sessions whose work cannot be merged as it is. */
export interface Conflict {
  readonly sessions: readonly [SessionId, SessionId]
  readonly repository: string
  /** Where they truly conflict; empty: they share files and can be merged. */
  readonly paths: readonly TreePath[]
  /** Files that both changed. */
  readonly shared: readonly TreePath[]
  /** They work in the same tree: nothing is to be merged, and `paths` are files that each of them changed over the other. */
  readonly sameTree?: true
}

/** Of one repository: every session with work that is not landed. */
export interface Forecast {
  readonly repository: string
  /** `branch`: the one that it goes to, where that has changed since in a way that conflicts with it. */
  readonly sessions: readonly {
    readonly id: SessionId
    readonly files: number
    readonly added: number
    readonly removed: number
    readonly branch?: { readonly name: string; readonly paths: readonly TreePath[] }
  }[]
  readonly conflicts: readonly Conflict[]
  /** In which order they are best landed, and why each stands where it does, in words. */
  readonly order: readonly { readonly id: SessionId; readonly why: string }[]
}
