// Checks of the daemon and of what it remembers.

import { readNotices } from '../../config/notices.ts'
import { count } from '../../text/format.ts'
import { isOlder } from '../../sdk/inspect.ts'
import { type Check, type Finding, quoted, size } from './check.ts'

export const lookAtDaemon: Check = async ({ daemon, packageVersion, platform, paths }) => {
  const found = await daemon()
  switch (found.kind) {
    case 'none':
      return { state: 'good', says: 'not running; the next command starts it' }
    case 'foreign':
      return another(found.pid, found.version, 'older', packageVersion)
    case 'silent': {
      const who = found.pid === undefined ? 'a daemon' : `the daemon (pid ${found.pid})`
      const find = platform === 'darwin' ? `lsof -t ${quoted(paths.lock)} tells its pid` : 'find its pid (ps -ef | grep daemon/main)'
      const end = found.pid === undefined ? `${find}, then kill -9 it` : `kill -9 ${found.pid}`
      return {
        state: 'bad',
        says: found.listens ? `${who} has the lock and does not answer` : `${who} has the lock and does not listen: it is just starting, or it hangs`,
        hint: `look again in a moment; if it stays so: ${end}. Agents stay at work, and the next command starts another daemon`,
      }
    }
    default: {
      const { pid, version, runs } = found.status
      if (version === packageVersion) return { state: 'good', says: `pid ${pid}, version ${version}, ${count(runs, 'live run')}, answered in ${Math.ceil(found.tookMs)} ms` }
      return another(pid, version, isOlder(version, packageVersion) ? 'older' : 'newer', packageVersion)
    }
  }
}

const another = (pid: number, version: string, is: 'older' | 'newer', ours: string): Finding => ({
  state: 'warning',
  says: `the running daemon (pid ${pid}) is ${is} (${version}) than this offstage (${ours})`,
  hint: is === 'older' ? 'offstage daemon start replaces it; agents stay at work' : 'use the newer offstage, or install it here',
})

/** Without a daemon too. */
export const lookAtNotices: Check = async ({ paths }) => {
  const notices = readNotices(paths.home)
  return notices.length === 0
    ? { state: 'good', says: 'none' }
    : { state: 'warning', says: notices.join('; '), hint: 'offstage daemon status shows it once more, and then it is forgotten' }
}

export const lookAtDatabase: Check = async ({ database, paths }) => {
  const found = await database()
  switch (found.kind) {
    case 'missing':
      return { state: 'good', says: 'none yet' }
    case 'damaged':
      return {
        state: 'bad',
        says: `${paths.database} is damaged: ${found.why}`,
        hint: 'the next start of the daemon sets it aside and rebuilds it from the folder runs beside it; keep a copy of both before',
      }
    case 'unreadable':
      return { state: 'bad', says: `${paths.database} cannot be read: ${found.why}` }
    case 'newer':
      return { state: 'bad', says: `${paths.database} was written by a newer Offstage (format ${found.format})`, hint: 'use that one, or install it here' }
    default:
      return {
        state: 'good',
        says: `${count(found.sessions.size, 'session')}, ${size(found.bytes)}, format ${found.format}${found.checked ? ', sound' : '; too large to be checked as a whole here'}`,
      }
  }
}
