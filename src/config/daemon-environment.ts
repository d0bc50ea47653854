// What a daemon gets of its starter's environment. Everything else, keys above all, goes to runs only.

import { join } from 'node:path'
import type { Environment, Paths } from './paths.ts'

const passedOn = /^(HOME|PATH|LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_[A-Z_]+|OFFSTAGE_(HOME|CONFIG|CRASH_AT|CRASH_LOG)|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY)$/

/** With V8's compiled code in a folder that nobody else can write. */
export const daemonEnvironment = (env: Environment, paths: Paths): Record<string, string> => ({
  ...(Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== undefined && passedOn.test(name))) as Record<string, string>),
  NODE_COMPILE_CACHE: join(paths.cache, 'compiled'),
})
