// Places where a test makes this process kill itself: `OFFSTAGE_CRASH_AT=name` or `name:n` for the n-th time that the place is reached; several, with commas, kill a process
// each. Published builds have the variable
// defined away. A line naming each reached place goes to `OFFSTAGE_CRASH_LOG`, so that a test can tell that none was missed.

import { appendFileSync, existsSync, readFileSync } from 'node:fs'

export const crashPoints = [
  'daemon.locked',
  'daemon.adopted',
  'daemon.listening',
  'start.recorded',
  'start.launched',
  'start.connected',
  'prompt.recorded',
  'prompt.sent',
  'bytes.reduced',
  'asked.recorded',
  'answer.recorded',
  'answer.half',
  'turn-end.recorded',
  'exit.recorded',
  'stop.recorded',
  'stop.swept',
  'remove.recorded',
  'create.chosen',
  'workspace.recorded',
  'worktree.planned',
  'worktree.made',
  'worktree.brought',
  'step.recorded',
  'step.ended',
  'workspace.ready',
  'snapshot.made',
  'snapshot.recorded',
  'checks.recorded',
  'checked.recorded',
  'undo.asked',
  'undo.kept',
  'undo.recorded',
  'undo.written',
  'land.asked',
  'landing.recorded',
  'landed.recorded',
  'remove.kept',
  'remove.done',
  'removed.recorded',
  'rebuild.built',
  'rebuild.aside',
] as const

export type CrashPoint = (typeof crashPoints)[number]

/** How often each place is still to be reached. */
const left = process.env.OFFSTAGE_CRASH_AT === undefined ? undefined : wantedIn(process.env.OFFSTAGE_CRASH_AT, process.env.OFFSTAGE_CRASH_LOG)

function wantedIn(places: string, log: string | undefined): Map<string, number> {
  const wanted = new Map(places.split(',').map((place) => [place.split(':')[0] ?? '', Number(place.split(':')[1] ?? 1)]))
  // Of several, each kills one process.
  const reached = log !== undefined && wanted.size > 1 && existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []
  for (const place of reached) wanted.delete(place)
  return wanted
}

/** Whether this process is to die at this place now. For places that have to do half of something first. */
export function crashesAt(name: CrashPoint): boolean {
  const times = left?.get(name)
  if (times === undefined) return false
  left?.set(name, times - 1)
  return times === 1
}

export function die(name: CrashPoint): never {
  if (process.env.OFFSTAGE_CRASH_LOG) appendFileSync(process.env.OFFSTAGE_CRASH_LOG, `${name}\n`)
  process.kill(process.pid, 'SIGKILL')
  // SIGKILL to oneself is delivered before kill returns on Linux; elsewhere nothing may happen until it is.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}

export function crashPoint(name: CrashPoint): void {
  if (crashesAt(name)) die(name)
}
