// Finds and ends all processes of one run: its process group, its session, what descends from its keeper, whatever carries
// the run's tag in its environment, and who was seen to belong to it before. Ends nothing that it could not tell from a
// later bearer of the same pid.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { processRuns, processTableAfter, type ProcessIdentity, type ProcessStat } from './process-stat.ts'

export type Tree = {
  /** Of the child that the keeper started, which leads both. */
  pgid?: number
  sid?: number
  /** Start time of the process whose pid they are: an older bearer of the number is not ours. */
  leaderStart?: number
  /** Value of OFFSTAGE_RUN in the environment of the run's processes. */
  tag?: string
  /** Whatever descends from it belongs to the tree (it is a subreaper), itself not. */
  keeper?: ProcessIdentity
  /** Were seen to belong to the tree: they do as long as they run, and so does whatever descends from them. */
  known?: readonly ProcessIdentity[]
  /** Never touched, nor is our own pid, nor pid 1. */
  spare?: readonly number[]
}
export type Found = { stat: ProcessStat; by: 'group' | 'session' | 'keeper' | 'known' | 'tag' }
export type SweepOptions = { graceMs?: number; killMs?: number }
export type Swept = { ended: readonly number[]; left: readonly number[] }

export const tagVariable = 'OFFSTAGE_RUN'
const defaultGraceMs = 2000
const defaultKillMs = 3000
const rescanMs = 15

/** The live processes of the tree, zombies left out, as they were after `momentMs` (`performance.now()`; default: now). */
export async function findTree(tree: Tree, momentMs = performance.now()): Promise<Found[]> {
  const table = await processTableAfter(momentMs)
  const all = table.stats
  const alive = new Map(all.flatMap((stat) => (stat.zombie || stat.pid <= 1 ? [] : [[keyOf(stat), stat] as const])))
  const keeper = tree.keeper && alive.get(keyOf(tree.keeper))
  const underKeeper = descendantsOf(keeper ? [keeper] : [], all)
  // Where there are no start times nothing tells them from later bearers of their pids.
  const known = (tree.known ?? []).flatMap((one) => (one.start > 0 ? (alive.get(keyOf(one)) ?? []) : []))
  const ofKnown = new Set([...known.map((stat) => stat.pid), ...descendantsOf(known, all)])
  const refused = new Set([0, 1, process.pid, tree.keeper?.pid, ...(tree.spare ?? [])])
  const replaced = all.some((stat) => isAnotherLeader(stat, tree))
  const belongsBy = (stat: ProcessStat): Found['by'] | undefined => {
    if (stat.zombie || refused.has(stat.pid)) return undefined
    const ours = !replaced && isNotOlder(stat, tree)
    if (ours && tree.pgid !== undefined && tree.pgid > 1 && stat.group === tree.pgid) return 'group'
    if (ours && tree.sid !== undefined && tree.sid > 1 && stat.session === tree.sid) return 'session'
    if (underKeeper.has(stat.pid)) return 'keeper'
    if (ofKnown.has(stat.pid)) return 'known'
    return tree.tag !== undefined && table.hasEnvironment(stat.pid, tagVariable, tree.tag) ? 'tag' : undefined
  }
  return all.flatMap((stat) => {
    const by = belongsBy(stat)
    return by === undefined ? [] : [{ stat, by }]
  })
}

/** False if it is certain that nobody is its child, which is much cheaper to know than who is (proc(5), task/TID/children;
 *  some kernels have no such list). For a process with one thread. */
export function mayHaveChildren(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1') !== ''
  } catch {
    return true
  }
}

/** Ends the tree: TERM (and CONT, a stopped process hears nothing), up to `graceMs` (2 s) for them to go, then KILL,
 *  looking again until two looks in a row find nothing; who was found once is not lost again by leaving group, session
 *  or parent. Waits in short steps; returns early when all are gone. An aborted signal cuts the grace short, never the
 *  killing. `left`: what could not be ended in `killMs`. */
export async function sweep(tree: Tree, options: SweepOptions, signal: AbortSignal): Promise<Swept> {
  const { graceMs = defaultGraceMs, killMs = defaultKillMs } = options
  const seen = new Map<string, Found>()
  const note = (found: readonly Found[]): Found[] => {
    const fresh = found.filter((one) => !seen.has(keyOf(one.stat)))
    for (const one of fresh) seen.set(keyOf(one.stat), one)
    return fresh
  }
  const graceEnds = performance.now() + graceMs
  const look = (): Promise<Found[]> => findTree({ ...tree, known: [...(tree.known ?? []), ...[...seen.values()].map((one) => one.stat)] }, sentMs)
  let empty = 0
  let sentMs = performance.now()
  while (empty < 2 && performance.now() < graceEnds && !signal.aborted) {
    const found = await look()
    await send(note(found), 'SIGTERM', tree)
    sentMs = performance.now()
    empty = found.length === 0 ? empty + 1 : 0
    if (empty < 2) await delay(rescanMs)
  }
  const killEnds = performance.now() + killMs
  let left: Found[] = []
  while (empty < 2) {
    left = await look()
    note(left)
    empty = left.length === 0 ? empty + 1 : 0
    if (empty >= 2 || (left.length > 0 && performance.now() >= killEnds)) break
    await send(left, 'SIGKILL', tree)
    sentMs = performance.now()
    await delay(rescanMs)
  }
  const leftKeys = new Set(left.map((one) => keyOf(one.stat)))
  const ended = [...seen.values()].filter((one) => !leftKeys.has(keyOf(one.stat)))
  return { ended: ended.map((one) => one.stat.pid), left: left.map((one) => one.stat.pid) }
}

async function send(targets: readonly Found[], signal: 'SIGTERM' | 'SIGKILL', tree: Tree): Promise<void> {
  // The group at once, so that none of it can fork away in between; then the others, one by one.
  if (tree.pgid !== undefined && targets.some((one) => one.by === 'group') && !tree.spare?.length) signalQuietly(-tree.pgid, signal)
  const order: readonly Found['by'][] = ['group', 'session', 'keeper', 'known', 'tag']
  for (const by of order) {
    for (const one of targets.filter((target) => target.by === by)) {
      if (by === 'group' && !tree.spare?.length) continue
      if (await processRuns(one.stat)) signalQuietly(one.stat.pid, signal)
    }
  }
  if (signal === 'SIGTERM') for (const one of targets) if (await processRuns(one.stat)) signalQuietly(one.stat.pid, 'SIGCONT')
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // ESRCH: gone meanwhile. EPERM: not ours; the next look finds it again and it ends in `left`.
  }
}

/** Whoever bears the leader's pid now was started at another time: the group of that number is another's. */
function isAnotherLeader(stat: ProcessStat, tree: Tree): boolean {
  return tree.leaderStart !== undefined && (stat.pid === tree.pgid || stat.pid === tree.sid) && stat.start !== tree.leaderStart
}

function isNotOlder(stat: ProcessStat, tree: Tree): boolean {
  return tree.leaderStart === undefined || stat.start >= tree.leaderStart
}

function descendantsOf(roots: readonly ProcessStat[], all: readonly ProcessStat[]): Set<number> {
  const found = new Set<number>()
  if (roots.length === 0) return found
  const children = Map.groupBy(all, (stat) => stat.parent)
  const queue = roots.map((stat) => stat.pid)
  for (const pid of queue) {
    for (const stat of children.get(pid) ?? []) {
      if (found.has(stat.pid) || isOffstage(stat)) continue
      found.add(stat.pid)
      queue.push(stat.pid)
    }
  }
  return found
}

/** An agent may use Offstage itself. The daemon and the keepers that come of it belong to the user, though this keeper, as the nearest subreaper, is their parent now. */
function isOffstage(stat: ProcessStat): boolean {
  return stat.pid === process.pid || stat.name === 'offstage-keeper'
}

function keyOf(identity: ProcessIdentity): string {
  return `${identity.pid}:${identity.start}`
}
