// Places where a test makes this process kill itself: `OFFSTAGE_CRASH_AT=name` or `name:n` for the n-th time that the place is reached. Published builds have the variable
// defined away. A line naming each reached place goes to `OFFSTAGE_CRASH_LOG`, so that a test can tell that none was missed.

import { appendFileSync } from 'node:fs'

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
  'rebuild.built',
  'rebuild.aside',
] as const

export type CrashPoint = (typeof crashPoints)[number]

const wanted = process.env.OFFSTAGE_CRASH_AT
const [wantedName, wantedTimes] = (wanted ?? '').split(':')
let left = Number(wantedTimes ?? 1)

/** Whether this process is to die at this place now. For places that have to do half of something first. */
export function crashesAt(name: CrashPoint): boolean {
  if (wanted === undefined || name !== wantedName) return false
  left -= 1
  return left === 0
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
