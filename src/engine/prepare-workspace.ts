// Makes the tree of a session ready for its programs: what may be run of the project's, the worktree, its ports, what is brought, the set-up. Every step may be repeated after a crash within it.

import type { Ask } from '../core/requests.ts'
import type { Session } from '../core/session.ts'
import type { ObjectId } from '../core/workspace.ts'
import { WorkspaceFailed } from '../workspace/workspaces.ts'
import { crashPoint } from './crash-point.ts'
import { type TreeWork, askId, messageOf } from './tree-work.ts'
import { type StepEnd, adoptStep } from './steps.ts'

class SetUpFailed extends Error {
  readonly output: string
  constructor(message: string, output: string) {
    super(message)
    this.output = output
  }
}

/** Ends in `workspace-ready` or `workspace-failed`, or in a question; a stop has said itself what became of it. */
export async function prepareWorkspace(work: TreeWork): Promise<void> {
  const { tree, stopping } = work.session
  if (tree.state !== 'preparing' || (stopping && stopping !== 'given-back')) return
  let at: 'tree' | 'bring' | 'set-up' = 'tree'
  const { workspaces } = work.deps.trees
  try {
    if (await asksForTrust(work)) return
    const { base, detached } = await makeTree(work)
    crashPoint('worktree.made')
    const { spec, tree, id } = work.session
    const { ports: names = [], bring = [] } = spec.preparation ?? {}
    const ports = names.length > 0 ? await workspaces.takePorts(id, names, work.signal) : {}
    at = 'bring'
    if (spec.worktree && bring.length > 0 && !tree.withoutSetup) await workspaces.bring(spec.worktree, bring, work.signal)
    crashPoint('worktree.brought')
    at = 'set-up'
    const end = await setUp(work, ports)
    work.signal.throwIfAborted()
    await work.report({ type: 'workspace-ready', base, ports, ...(detached ? { detached } : {}), ...(end ? { setup: { ms: end.ms, output: end.output } } : {}) })
  } catch (cause) {
    if (work.signal.aborted) return
    await work.report({ type: 'workspace-failed', at, reason: messageOf(cause), ...(cause instanceof SetUpFailed && cause.output !== '' ? { output: cause.output } : {}) })
  }
}

/** True: the user is to say first whether what the project says is run. */
async function asksForTrust(work: TreeWork): Promise<boolean> {
  const { session, deps } = work
  const { trust } = session.spec
  if (!trust || session.tree.trusted === 'once' || session.tree.trusted === 'without') return false
  if (session.tree.trusted === 'always') await deps.trees.trust.add(trust)
  if (session.tree.trusted === 'always' || (await deps.trees.trust.has(trust))) return false
  await work.report({ type: 'asks-about', ask: trustAsk(session, trust.file) })
  return true
}

function trustAsk(session: Session, file: string): Ask {
  const { preparation, checks = [] } = session.spec
  const { setup, environment = {} } = preparation ?? {}
  const runs = [
    ...(setup === undefined ? [] : [`set-up: ${setup}`]),
    ...checks.map((command) => `check: ${command}`),
    ...Object.entries(environment).map(([name, value]) => `with: ${name}=${value}`),
  ]
  return {
    id: askId(session, 'trust', 0),
    kind: 'permission',
    about: 'trust',
    title: `may Offstage run what ${file} says?`,
    detail: runs.join('\n'),
    options: [
      { id: 'once', label: 'run it for this session', kind: 'allow', scope: 'once' },
      { id: 'always', label: 'run it from now on, as long as it says just this', kind: 'allow', scope: 'always' },
      { id: 'without', label: 'start without it', kind: 'reject', scope: 'once' },
      { id: 'stop', label: 'stop it', kind: 'reject' },
    ],
  }
}

/** Resolves to the commit that changes are counted from; in place they are counted from the first snapshot. */
async function makeTree(work: TreeWork): Promise<{ readonly base: ObjectId | null; readonly detached?: true }> {
  const { spec, tree } = work.session
  const { worktree } = spec
  if (!worktree) return { base: null }
  let from = tree.from ?? undefined
  if (from === undefined && worktree.carries) {
    const taken = tree.first?.why === 'start' ? tree.first : await work.take('start', 0, { directory: worktree.repository })
    // Taken by a daemon that could not say so any more.
    from = (taken ?? work.session.tree.first)?.commit
  }
  crashPoint('worktree.planned')
  const { base, detached } = await work.deps.trees.workspaces.makeWorktree(worktree, from, work.signal)
  // What is taken along on the first day is no return.
  return { base, ...(detached && tree.from !== null ? { detached } : {}) }
}

/** Undefined: there is none, or it is not wanted. Also of a tree that comes back: what programs can make again was in no snapshot. */
async function setUp(work: TreeWork, ports: Readonly<Record<string, number>>): Promise<StepEnd | undefined> {
  const { spec, tree, id } = work.session
  const command = spec.preparation?.setup
  if (command === undefined || !spec.worktree || tree.trusted === 'without' || tree.withoutSetup) return undefined
  const started = work.marks().setUp.at(-1)
  const adopted = started && (await adoptStep(work.deps, id, started.step, started.atMs, work.signal))
  const end = adopted ?? (await runSetUp(work, command, spec.worktree.path, ports))
  if (end.exitCode !== 0) {
    const how = end.exitCode === null ? `it was ended by ${end.signal}` : `exit code ${end.exitCode}`
    throw new SetUpFailed(`the set-up failed: ${command} (${how})`, end.output)
  }
  return end
}

async function runSetUp(work: TreeWork, command: string, directory: string, ports: Readonly<Record<string, number>>): Promise<StepEnd> {
  const environment = await work.environment('waits')
  if (!environment)
    throw new WorkspaceFailed('failed', 'the set-up could not be run: its environment was gone with the daemon', { hint: `offstage resume ${work.session.id} gives it one` })
  return work.step('set-up', command, {
    directory,
    below: work.session.spec.preparation?.setupIn,
    environment: { ...environment, ...work.additions(ports) },
    umask: work.session.spec.umask,
  })
}
