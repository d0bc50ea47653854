// Lands one session: what the queue of landings asks of it. Its commands run as steps, in the tree that the queue made of the merged commit.

import { join } from 'node:path'
import type { Event, Land } from '../core/events.ts'
import type { Session } from '../core/session.ts'
import type { CheckResult } from '../core/workspace.ts'
import { WorkspaceFailed } from '../workspace/workspaces.ts'
import { resultOf } from './checks.ts'
import type { Landing } from './landing.ts'
import { type TreeWork, messageOf, treeOf } from './tree-work.ts'
import { sweepStep } from './steps.ts'

export const landingOf = ({ id, label, title, spec, tree }: Session): Landing => ({
  session: id,
  title: label ?? title,
  directory: treeOf(spec),
  ...(spec.worktree ? { worktree: spec.worktree } : {}),
  base: tree.base ?? spec.worktree?.base ?? '',
  checks: tree.trusted === 'without' ? [] : (spec.checks ?? []),
})

/** Ends in `landed` or `land-failed`. `leftOver`: a former daemon died over it, and may have left the tree in which it ran the checks. */
export async function landSession(work: TreeWork, land: Land, going: Extract<Event, { readonly type: 'landing' }> | undefined, leftOver: boolean): Promise<void> {
  if (!work.session.tree.landing) return
  const { deps, session } = work
  const of = landingOf(session)
  const { step } = session.tree
  let isLeft = leftOver
  try {
    // What a former daemon ran in a tree that is made anew now.
    if (step?.what === 'landing') await sweepStep(deps, session.id, step.step, deps.signal)
    await deps.trees.landings.land(
      {
        workspaces: deps.trees.workspaces,
        report: (report) => work.report(report),
        runSteps: (tree, commands, signal) => {
          // Whoever makes one removes what is left of others.
          isLeft = false
          return runSteps(work, tree, commands, signal)
        },
        snapshot: async (tree) => void (await work.take('land', work.session.turns, { directory: tree })),
        closing: deps.signal,
      },
      of,
      land,
      going,
      work.signal,
    )
  } catch (cause) {
    if (deps.signal.aborted || !work.session.tree.landing) return
    const stopped = work.signal.aborted
    await work.report({ type: 'land-failed', at: 'failed', reason: stopped ? 'it was stopped before it landed' : messageOf(cause) })
  } finally {
    if (isLeft) await removeLeftOver(deps, of)
  }
}

/** By making another tree and removing it, which is dear and seldom: this landing has ended without one, and there may never be a next. */
async function removeLeftOver({ trees: { workspaces }, signal }: TreeWork['deps'], { worktree }: Landing): Promise<void> {
  if (!worktree) return
  const tree = await workspaces.temporaryTree(worktree.repository, worktree.base, signal).catch(() => undefined)
  // Where git refuses, the next landing tries again.
  await tree?.remove().catch(() => {})
}

async function runSteps(
  work: TreeWork,
  tree: string,
  commands: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly results: readonly CheckResult[]; readonly problem?: string }> {
  const { spec, id, tree: state } = work.session
  const { workspaces } = work.deps.trees
  const results: CheckResult[] = []
  const portsOf = `${id}.landing`
  try {
    const given = await work.environment()
    if (!given) throw new WorkspaceFailed('failed', 'the environment of its run is gone', { hint: `offstage resume ${id} gives it one` })
    const { ports: names = [], bring = [], setup, setupIn } = spec.preparation ?? {}
    const ports = names.length > 0 ? await workspaces.takePorts(portsOf, names, signal) : {}
    const environment = { ...given, ...work.additions(ports), OFFSTAGE_WORKTREE: tree }
    if (spec.worktree && bring.length > 0) await workspaces.bring({ ...spec.worktree, path: tree }, bring, signal)
    if (setup !== undefined && state.trusted !== 'without' && !state.withoutSetup) {
      const end = await work.step('landing', setup, { directory: tree, below: setupIn, environment, umask: spec.umask })
      if (end.exitCode !== 0) return { results, problem: `the set-up of the merged tree failed: ${setup}\n${end.output}` }
    }
    for (const command of commands) {
      const result = resultOf(
        command,
        await work.step('landing', command, { directory: join(tree, spec.worktree?.below ?? ''), below: spec.checksIn, environment, umask: spec.umask }),
      )
      results.push(result)
      if (result.exitCode !== 0) break
    }
    return { results }
  } catch (cause) {
    signal.throwIfAborted()
    return { results, problem: messageOf(cause) }
  } finally {
    await workspaces.forgetPorts(portsOf).catch(() => {})
  }
}
