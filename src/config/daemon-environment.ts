// What a daemon gets of its starter's environment. Everything else, keys above all, goes to runs only.

import { join } from 'node:path'
import type { Environment, Paths } from './paths.ts'

const passedOn = /^(HOME|PATH|LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_[A-Z_]+|OFFSTAGE_(HOME|CONFIG|CRASH_AT|CRASH_LOG)|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY)$/

const umaskName = 'OFFSTAGE_UMASK'

/** For one that is not started by a command of its user's: what starts it then (a keeper, a login service) has another umask. */
export const umaskVariable = (umask: number): Record<string, string> => ({ [umaskName]: umask.toString(8).padStart(4, '0') })

/** What `umaskVariable` says. Undefined: nothing; then it has its starter's. */
export function umaskFrom(env: Environment): number | undefined {
  const said = env[umaskName] ?? ''
  return /^0?[0-7]{3}$/.test(said) ? Number.parseInt(said, 8) : undefined
}

/** With V8's compiled code in a folder that nobody else can write. */
export const daemonEnvironment = (env: Environment, paths: Paths): Record<string, string> => ({
  ...(Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== undefined && passedOn.test(name))) as Record<string, string>),
  NODE_COMPILE_CACHE: join(paths.cache, 'compiled'),
})
