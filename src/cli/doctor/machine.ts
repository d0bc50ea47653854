// Checks of the machine: what Offstage runs on, and what of it could end sessions early.

import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { count } from '../../text/format.ts'
import { serviceOn } from '../daemon-service.ts'
import { type Check, type Finding, type Ground, quoted } from './check.ts'
import { KeeperUnavailable, keeperAtHand } from '../../sdk/inspect.ts'

const neededNode = [24, 11] as const

export const lookAtNode: Check = async ({ nodeVersion }) => {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const enough = major > neededNode[0] || (major === neededNode[0] && minor >= neededNode[1])
  if (enough) return { state: 'good', says: nodeVersion }
  return {
    state: 'bad',
    says: `${nodeVersion} is too old, ${neededNode.join('.')} is needed`,
    hint: 'install it from https://nodejs.org or with your version manager (nvm install 24)',
  }
}

export const lookAtKeeper: Check = async ({ packageRoot, paths, env, platform }) => {
  try {
    const found = await keeperAtHand({ packageRoot, cacheDir: paths.cache })
    if (found.kind === 'ready') return { state: 'good', says: found.path.startsWith(paths.cache) ? 'compiled here' : 'came with the package' }
    if (isOnPath('cc', env['PATH'])) return { state: 'good', says: 'is compiled at the first start, with cc' }
    const install = platform === 'darwin' ? 'xcode-select --install' : "apt install gcc libc6-dev, or your system's C compiler"
    return { state: 'bad', says: 'has to be compiled once, and there is no C compiler (cc)', hint: install }
  } catch (cause) {
    if (!(cause instanceof KeeperUnavailable)) throw cause
    return { state: 'bad', says: cause.message }
  }
}

function isOnPath(program: string, path = '/usr/local/bin:/usr/bin:/bin'): boolean {
  return path.split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

const fewestOpenFiles = 1024

/** Node takes as many as the hard limit allows, so that is the one that counts. */
export const lookAtOpenFiles: Check = async ({ openFiles, runs }) => {
  const live = (await runs()).filter((run) => run.keeperRuns).length
  const allowed = openFiles()
  const needed = Math.max(fewestOpenFiles, 4 * live + 200)
  const says = `${allowed === Number.MAX_SAFE_INTEGER ? 'unlimited' : allowed}, with ${count(live, 'live run')}`
  if (allowed >= needed) return { state: 'good', says }
  return {
    state: 'warning',
    says: `only ${says}; ${needed} are needed`,
    hint: `raise the limit (ulimit -Hn shows it; /etc/security/limits.conf, or DefaultLimitNOFILE of systemd), then: offstage daemon stop`,
  }
}

const hasSystemd = async ({ platform, readSystem }: Ground): Promise<boolean> => platform === 'linux' && (await readSystem('/proc/1/comm')).trim() === 'systemd'

/** Whether the system ends what is left running when its user logs out. */
export const lookAtLogout: Check = async (ground) => {
  const { ask, env, paths } = ground
  if (!(await hasSystemd(ground))) return { state: 'good', says: 'nothing here ends sessions when you log out' }
  const property = async (...args: readonly string[]): Promise<string | undefined> => {
    const said = await ask('loginctl', [...args, '--value'])
    return said?.code === 0 ? said.out.trim() : undefined
  }
  const [linger, kills] = await Promise.all([property('show-user', String(paths.uid), '--property=Linger'), property('show-session', '--property=KillUserProcesses')])
  const user = env['USER'] ? ` ${quoted(env['USER'])}` : ''
  if (kills === 'yes' && linger !== 'yes')
    return { state: 'bad', says: 'systemd ends all your sessions when you log out (KillUserProcesses=yes, Linger=no)', hint: `loginctl enable-linger${user}` }
  if (linger === 'no') return { state: 'warning', says: 'systemd may end sessions when you log out (Linger=no)', hint: `loginctl enable-linger${user}` }
  if (linger === undefined) return { state: 'good', says: 'loginctl does not tell' }
  return { state: 'good', says: 'sessions stay (Linger=yes)' }
}

export const lookAtSurroundings: Check = async ({ platform, readSystem, env }) => {
  if (platform !== 'linux') return { state: 'good', says: platform }
  if (/microsoft/i.test(await readSystem('/proc/sys/kernel/osrelease')))
    return { state: 'good', says: 'Linux under Windows (WSL): sessions end when Windows shuts it down (wsl --shutdown, a reboot)' }
  const marks = await Promise.all(['/run/.containerenv', '/run/systemd/container', '/proc/1/cgroup', '/proc/self/mountinfo'].map(readSystem))
  const inside =
    Boolean(env['container']) || marks[0] !== '' || marks[1] !== '' || /docker|containerd|kubepods|libpod/.test(marks[2] ?? '') || / \/ \/ .* - overlay /.test(marks[3] ?? '')
  return { state: 'good', says: inside ? 'Linux in a container: sessions end with it' : 'Linux' }
}

/** The wall clock orders nothing (facts have numbers), but people read it. */
export const lookAtClock: Check = async ({ database, now }) => {
  const found = await database()
  const aheadMs = found.kind === 'good' && found.newestAtMs !== undefined ? found.newestAtMs - now() : 0
  if (aheadMs < 60_000) return { state: 'good', says: 'not behind what is recorded' }
  return {
    state: 'warning',
    says: `${count(Math.round(aheadMs / 60_000), 'minute')} behind the newest fact in the database`,
    hint: 'set the clock; times and durations in lists are wrong until then, nothing else is',
  }
}

export const lookAtTerminal: Check = async ({ env, isTerminal }): Promise<Finding> => {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  const term = env['TERM'] ?? ''
  if (isTerminal && (term === '' || term === 'dumb'))
    return { state: 'warning', says: `TERM is ${term === '' ? 'not set' : 'dumb'}: no colours, no screens`, hint: 'export TERM=xterm-256color, or what your terminal is' }
  if (!/utf-?8/i.test(locale)) return { state: 'warning', says: `the locale is ${locale || 'not set'}, not UTF-8: some signs may look wrong`, hint: 'export LANG=C.UTF-8' }
  return { state: 'good', says: [term, locale].filter((part) => part !== '').join(', ') }
}

/** The optional user service: whether what was installed still is what would be installed. */
export const lookAtService: Check = async ({ platform, env, paths }) => {
  if (platform !== 'linux' && platform !== 'darwin') return { state: 'good', says: 'none on this system' }
  const service = await serviceOn({ platform, env, paths })
  switch (service.there) {
    case 'none':
      return { state: 'good', says: 'not installed (optional: offstage daemon install)' }
    case 'foreign':
      return { state: 'good', says: `${service.file} is not ours` }
    case 'other':
      return { state: 'warning', says: `${service.file} is for another home or umask, or starts another Offstage or Node`, hint: 'offstage daemon install writes it anew' }
    default:
      return { state: 'good', says: `installed: ${service.file}` }
  }
}
