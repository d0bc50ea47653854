// Checks of what runs left behind: sockets, processes, keepers, folders. Nothing is called abandoned without proof.

import { basename } from 'node:path'
import { type RunSeen, endLeftovers, removeSocket, seeLeftovers, staleSockets } from '../../sdk/inspect.ts'
import { count } from '../../text/format.ts'
import { type Check, quoted } from './check.ts'

const shown = 5

/** The first few of them, and how many more there are. */
const list = (all: readonly (string | number)[]): string => `${all.slice(0, shown).join(', ')}${all.length > shown ? ` and ${all.length - shown} more` : ''}`

const sessionsOf = (runs: readonly RunSeen[]): string => list([...new Set(runs.map((run) => run.session))])

export const lookAtSockets: Check = async ({ paths }, signal) => {
  const stale = await staleSockets(paths, signal)
  if (stale.length === 0) return { state: 'good', says: 'none without a keeper' }
  return {
    state: 'warning',
    says: `${count(stale.length, 'socket')} of keepers that are gone: ${list(stale.map((path) => basename(path, '.sock')))}`,
    hint: 'harmless; offstage daemon start or offstage doctor --fix removes them',
    fix: async (end) => {
      const removed = await Promise.all(stale.map((path) => removeSocket(path, end)))
      return { state: 'good', says: `${count(removed.filter(Boolean).length, 'stale socket')} removed` }
    },
  }
}

export const lookAtOrphans: Check = async ({ runs }) => {
  const found = await seeLeftovers(await runs())
  if (found === undefined) return { state: 'good', says: 'not looked for: this system does not show what belongs to which run' }
  if (found.length === 0) return { state: 'good', says: 'none' }
  const pids = found.flatMap((one) => one.pids)
  return {
    state: 'bad',
    says: `${count(pids.length, 'process', 'processes')} of runs whose keeper is gone: pid ${list(pids)}, of session ${sessionsOf(found.map((one) => one.run))}`,
    hint: 'offstage doctor --fix ends them',
    fix: async (end) => {
      const swept = await Promise.all(found.map((one) => endLeftovers(one, end)))
      const left = swept.flatMap((one) => one.left)
      if (left.length > 0) return { state: 'bad', says: `could not be ended: pid ${list(left)}`, hint: `kill -9 ${left.join(' ')}` }
      const ended = swept.reduce((all, one) => all + one.ended, 0)
      return { state: 'good', says: `${count(ended, 'process', 'processes')} ended` }
    },
  }
}

export const lookAtKeepers: Check = async ({ runs, database, daemon }) => {
  const [all, found] = [(await runs()).filter((run) => run.keeperRuns), await database()]
  if (found.kind !== 'good') return { state: 'good', says: `${count(all.length, 'keeper')} at work` }
  const idle = all.filter(({ session, run }) => found.sessions.has(session) && found.sessions.get(session)?.current !== run)
  if (idle.length === 0) return { state: 'good', says: `${count(all.length, 'keeper')} at work` }
  const running = (await daemon()).kind === 'answers'
  return {
    state: 'warning',
    says: `${count(idle.length, 'keeper')} of runs that are over by the facts, of session ${sessionsOf(idle)}`,
    hint: `${running ? 'offstage daemon stop, then ' : ''}offstage daemon start collects ${idle.length === 1 ? 'it' : 'them'}`,
  }
}

export const lookAtFolders: Check = async ({ runs, database, paths }) => {
  const [all, found] = [await runs(), await database()]
  const known = found.kind === 'good' ? found.sessions : undefined
  if (!known && found.kind !== 'missing') return { state: 'good', says: `${count(all.length, 'run folder')}, not compared with the database` }
  // Commands that Offstage runs itself lie beside the runs of their session.
  const lonely = all.filter((run) => !known?.has(run.session.replace(/\.steps$/, '')))
  if (lonely.length === 0) return { state: 'good', says: count(all.length, 'run folder') }
  const kept = lonely.some((run) => run.keeperRuns)
  return {
    state: 'warning',
    says: `${count(lonely.length, 'run folder')} of sessions that the database does not know: ${sessionsOf(lonely)}`,
    hint: `look at spec.json in ${quoted(paths.runs)}/SESSION/RUN; ${kept ? 'some of them are still kept, leave those; ' : ''}what you do not need you may remove`,
  }
}
