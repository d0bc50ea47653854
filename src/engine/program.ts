// What is executed for a run, from what was recorded of its session.

import { ownAgent } from '../catalogue/index.ts'
import type { LaunchSpec } from '../core/events.ts'

export interface Circumstances {
  /** A program of this session has run before. */
  readonly again: boolean
  /** What `offstage` is in this package now: that of the recording may be gone. */
  readonly offstage: readonly [string, ...string[]]
}

/** The own agent is recorded as `offstage agent`, so that its sessions outlive the package that began them. */
export function programOf(spec: Pick<LaunchSpec, 'agent' | 'argv' | 'resumeArgv'>, { again, offstage }: Circumstances): readonly string[] {
  const argv = again && spec.resumeArgv ? spec.resumeArgv : spec.argv
  const [program, ...words] = argv
  return spec.agent === ownAgent.name && program === ownAgent.acp?.command[0] ? [...offstage, ...words] : argv
}
