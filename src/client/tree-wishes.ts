// What a launch says of the tree: where it works, what is taken along, what makes it ready and what checks it. From the wishes of whoever starts it, their configuration and the project's own file.

import type { Config } from '../config/config.ts'
import type { LaunchSpec } from '../core/events.ts'
import type { Place, WorkspaceWish } from '../core/workspace.ts'

export type TreeSpec = Pick<LaunchSpec, 'workspace' | 'carries' | 'preparation' | 'checks' | 'checksIn' | 'checkRetries' | 'trust'>

export interface TreeWishes {
  /** Undefined: as configured. */
  readonly workspace?: WorkspaceWish | undefined
  /** What is not committed and comes along into a worktree. */
  readonly carries?: LaunchSpec['carries']
  /** In the place of those of the project; empty: none. */
  readonly checks?: readonly string[] | undefined
  readonly checkRetries?: number | undefined
}

/** What a wish is where none was said. A program works where it is started, unless told. */
export const wishOf = (config: Pick<Config, 'workspace'>, wishes: TreeWishes, kind: 'agent' | 'program'): WorkspaceWish =>
  wishes.workspace ?? (kind === 'agent' ? config.workspace.mode : 'in-place')

/** What will come of it there. */
export const kindOf = (wish: WorkspaceWish, place: Pick<Place, 'auto'>): 'worktree' | 'in-place' => (wish === 'auto' ? place.auto.kind : wish)

/** Throws ConfigInvalid. */
export async function treeSpec(config: Pick<Config, 'workspace'>, cwd: string, wishes: TreeWishes, kind: 'agent' | 'program'): Promise<TreeSpec> {
  const workspace = wishOf(config, wishes, kind)
  if (kind === 'program' && workspace === 'in-place') return {}
  const { digestOf, projectSettings } = await import('../config/project-file.ts')
  const ofProject = await projectSettings(cwd)
  const { preparation, checkRetries = ofProject.checkRetries } = { ...ofProject, ...(wishes.checkRetries === undefined ? {} : { checkRetries: wishes.checkRetries }) }
  const own = kind === 'program' ? [] : wishes.checks
  const checks = own ?? ofProject.checks ?? []
  // Of checks that are the user's own nothing has to be trusted.
  const digest = own === undefined ? ofProject.trust?.digest : digestOf(preparation ? { preparation } : {})
  return {
    workspace,
    ...(wishes.carries && workspace !== 'in-place' ? { carries: wishes.carries } : {}),
    ...(preparation ? { preparation } : {}),
    ...(checks.length === 0 ? {} : { checks }),
    ...(own !== undefined || ofProject.checksIn === undefined ? {} : { checksIn: ofProject.checksIn }),
    ...(checkRetries === undefined || checks.length === 0 ? {} : { checkRetries }),
    ...(ofProject.trust && digest !== undefined ? { trust: { file: ofProject.trust.file, digest } } : {}),
  }
}
