// Runs the checks of a session in its tree, one after the other, all of them even if one fails. They go on without the daemon; the next one takes over what runs.

import { directoryOf } from '../core/place.ts'
import type { CheckResult } from '../core/workspace.ts'
import { WorkspaceFailed } from '../workspace/workspaces.ts'
import { type TreeWork, messageOf } from './tree-work.ts'
import { type StepEnd, adoptStep } from './steps.ts'

export const resultOf = (command: string, { exitCode, signal, ms, output }: StepEnd): CheckResult => ({
  command,
  exitCode,
  ...(signal === undefined ? {} : { signal }),
  ms,
  output,
})

/** Ends in `checked`; when the session goes on first, that was said by whoever stopped them. */
export async function runChecks(work: TreeWork, turn: number): Promise<void> {
  if (work.session.tree.checking !== turn) return
  const { spec, id } = work.session
  const results: CheckResult[] = []
  try {
    const started = work.marks().checks
    for (const [index, { command, step, atMs }] of started.entries()) {
      const end = await adoptStep(work.deps, id, step, atMs, work.signal)
      if (!end) break
      const next = started[index + 1]
      results.push(resultOf(command, next ? { ...end, ms: next.atMs - atMs } : end))
    }
    for (const command of (spec.checks ?? []).slice(results.length)) {
      const environment = await work.environment()
      if (!environment) throw new WorkspaceFailed('failed', 'the environment of its run is gone', { hint: `offstage resume ${id} gives it one, then: offstage check ${id}` })
      results.push(
        resultOf(
          command,
          await work.step('check', command, { directory: directoryOf(spec), below: spec.checksIn, environment: { ...environment, ...work.additions() }, umask: spec.umask }),
        ),
      )
    }
    work.signal.throwIfAborted()
    await work.report({ type: 'checked', turn, results })
  } catch (cause) {
    if (!work.signal.aborted) await work.report({ type: 'checked', turn, results, problem: messageOf(cause) })
  }
}
