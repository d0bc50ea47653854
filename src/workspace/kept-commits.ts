// Commits that only a worktree knows of (its HEAD, what it was before, what its branch was before) get a private ref before the worktree goes: git would forget them with it.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectId } from '../core/workspace.ts'
import { ifMissing } from './disk.ts'
import { type GitDeps, runGit } from './git.ts'
import { durable } from './open-tree.ts'
import { writeCommit } from './snapshot-commit.ts'

export interface Leaving {
  readonly repository: string
  readonly common: string
  /** git's own folder of the worktree. */
  readonly admin: string
  readonly session: string
  /** Short. */
  readonly branch: string
}

const keptRef = (session: string): string => `refs/offstage/${session}/kept`

/** Repeatable. Objects that are gone already are not waited for. */
export async function keepCommits(deps: GitDeps, { repository, common, admin, session, branch }: Leaving, signal: AbortSignal): Promise<void> {
  const files = [...['HEAD', 'ORIG_HEAD', 'logs/HEAD'].map((name) => join(admin, name)), join(common, 'logs/refs/heads', branch)]
  const texts = await Promise.all(files.map((file) => readFile(file, 'latin1').catch(ifMissing('', 'EISDIR'))))
  const known = [...new Set(texts.flatMap((text) => text.split('\n')).flatMap(idsIn))].filter((id) => !/^0+$/.test(id))
  const own = await refsOf(deps, admin, signal)
  if (known.length + own.length === 0) return
  const ref = keptRef(session)
  const call = { cwd: repository }
  const before = (await runGit(deps, ['for-each-ref', '--format=%(objectname)', ref], call, signal)).text.trim()
  const asked = [...known, ...own, ...(before === '' ? [] : [`^${before}`])].map((id) => `${id}\n`).join('')
  // Without the HEADs of worktrees: this one is to go.
  const elsewhere = ['--not', '--single-worktree', '--exclude=refs/offstage/*', '--all']
  const listed = await runGit(deps, ['rev-list', '--ignore-missing', '--parents', '--stdin', ...elsewhere], { ...call, input: asked }, signal)
  const lines = listed.text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
  const inner = new Set(lines.flatMap(([, ...parents]) => parents))
  const tips = lines.flatMap(([id]) => (id === undefined || inner.has(id) ? [] : [id]))
  if (tips.length === 0) return
  const tree = (await runGit(deps, ['rev-parse', `${tips[0]}^{tree}`], call, signal)).text.trim()
  const parents = [...(before === '' ? [] : [before]), ...tips]
  const kept = await writeCommit(deps, { cwd: repository, vars: {} }, { tree, parents, message: `Commits that only the worktree of session ${session} had\n` }, signal)
  await runGit(deps, ['update-ref', ref, kept, before === '' ? '0'.repeat(kept.length) : before], { ...call, config: [...durable, 'core.logAllRefUpdates=false'] }, signal)
}

/** Of a line of a reflog, or of a file that holds one. */
const idsIn = (line: string): readonly ObjectId[] => (/^([0-9a-f]{40,64})(?: ([0-9a-f]{40,64}) |$)/.exec(line) ?? []).slice(1).filter((id) => id !== undefined)

/** Refs of the worktree alone: of a bisect, a rebase, or its user's. */
async function refsOf(deps: GitDeps, admin: string, signal: AbortSignal): Promise<readonly ObjectId[]> {
  const said = await runGit(
    deps,
    ['--git-dir', admin, 'for-each-ref', '--format=%(objectname) %(objecttype)', 'refs/worktree', 'refs/bisect', 'refs/rewritten'],
    { cwd: admin, accepts: [128] },
    signal,
  )
  return said.text.split('\n').flatMap((line) => /^([0-9a-f]+) commit$/.exec(line)?.[1] ?? [])
}
