// The tables `[workspace]` and `[conflicts]` of config.toml: where sessions work, how long what they leave is kept, and what is done about conflicts. What a project says of its own tree is in project-file.ts.

import type { WorkspaceWish } from '../core/workspace.ts'
import type { Source } from './config.ts'

export interface WorkspaceSetting {
  /** For whoever says neither `--worktree` nor `--in-place`. */
  readonly mode: WorkspaceWish
  /** Both may be given to a session. */
  readonly portRange: { readonly first: number; readonly last: number }
  /** Files above it, untracked or ignored, are left out of snapshots, and named. */
  readonly largestSnapshotFileBytes: number
  /** After the end of a removed session. 0: for ever. */
  readonly keepSnapshotsMs: number
  /** The worktree of a session at rest is removed after this time, when a snapshot has all of it. 0: never. */
  readonly keepWorktreesMs: number
}

/** What is done when the work of two sessions cannot be merged: the second writer is told in its next prompt, or the user is asked, or the edit waits in its permission request, or it is only shown. */
export type ConflictPolicy = 'tell' | 'ask' | 'hold' | 'show'

export interface ConflictSetting {
  readonly policy: ConflictPolicy
}

const dayMs = 86_400_000

export const defaultWorkspace: WorkspaceSetting = {
  mode: 'auto',
  portRange: { first: 20_000, last: 29_999 },
  largestSnapshotFileBytes: 512 * 1024 ** 2,
  keepSnapshotsMs: 0,
  keepWorktreesMs: 0,
}
export const defaultConflicts: ConflictSetting = { policy: 'tell' }

const modes: readonly WorkspaceWish[] = ['auto', 'worktree', 'in-place']
const policies: readonly ConflictPolicy[] = ['tell', 'ask', 'hold', 'show']

type NumberAt = (source: Source, path: readonly string[], least: number, most: number, times: number) => number | undefined

/** Throws ConfigInvalid. */
export function workspaceSetting(source: Source, numberAt: NumberAt): WorkspaceSetting {
  source.optionalTable(['workspace'], ['mode', 'port_range', 'largest_snapshot_file_mb', 'keep_snapshots_days', 'keep_worktrees_days'])
  return {
    mode: oneOf(source, ['workspace', 'mode'], modes) ?? defaultWorkspace.mode,
    portRange: portRange(source) ?? defaultWorkspace.portRange,
    largestSnapshotFileBytes: numberAt(source, ['workspace', 'largest_snapshot_file_mb'], 0.001, 1_000_000, 1024 ** 2) ?? defaultWorkspace.largestSnapshotFileBytes,
    keepSnapshotsMs: numberAt(source, ['workspace', 'keep_snapshots_days'], 0, 100_000, dayMs) ?? defaultWorkspace.keepSnapshotsMs,
    keepWorktreesMs: numberAt(source, ['workspace', 'keep_worktrees_days'], 0, 100_000, dayMs) ?? defaultWorkspace.keepWorktreesMs,
  }
}

/** Throws ConfigInvalid. */
export function conflictSetting(source: Source): ConflictSetting {
  source.optionalTable(['conflicts'], ['policy'])
  return { policy: oneOf(source, ['conflicts', 'policy'], policies) ?? defaultConflicts.policy }
}

function oneOf<Word extends string>(source: Source, path: readonly string[], words: readonly Word[]): Word | undefined {
  const value = source.text(path)
  if (value === undefined) return undefined
  const word = words.find((one) => one === value)
  if (word !== undefined) return word
  throw source.invalid(path, `${path.at(-1)} ${JSON.stringify(value)} is not known`, `write one of: ${words.join(', ')}`)
}

function portRange(source: Source): WorkspaceSetting['portRange'] | undefined {
  const path = ['workspace', 'port_range']
  const value = source.at(path)
  if (value === undefined) return undefined
  const [first, last, ...more]: readonly unknown[] = Array.isArray(value) ? value : []
  // Below 1024 only root may listen.
  const isPort = (one: unknown): one is number => Number.isInteger(one) && Number(one) >= 1024 && Number(one) <= 65_535
  if (more.length > 0 || !isPort(first) || !isPort(last) || first > last)
    throw source.invalid(path, 'port_range is not a range of ports', 'write two ports from 1024 to 65535, the lower one first: port_range = [20000, 29999]')
  return { first, last }
}
