// What the daemon knows of the user's desktop and variables. It was started by whoever came first, a login without a desktop maybe, so what clients send for their runs counts too. In memory only.

import type { Environment } from './channel.ts'

/** They belong together: a display of one login and the bus of another are of no use. */
const desktopNames = ['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'XDG_RUNTIME_DIR', 'XDG_CURRENT_DESKTOP', 'DBUS_SESSION_BUS_ADDRESS', 'WSL_DISTRO_NAME', 'WSL_INTEROP', 'WSLENV']

const hasDesktop = (env: Environment): boolean => ['DISPLAY', 'WAYLAND_DISPLAY', 'WSL_INTEROP'].some((name) => env[name])

export interface KnownEnvironment {
  /** A client has sent it. */
  given(env: Environment): void
  /** The daemon's own, with the desktop of the newest client that had one. */
  forPrograms(): Environment
  /** Of the newest client, else the daemon's own, else as it was known last. */
  variable(name: string): string | undefined
}

export function knownEnvironment(own: Environment): KnownEnvironment {
  let newest: Environment = {}
  let desktop: Environment = {}
  const known = new Map<string, string>()
  return {
    given(env) {
      newest = env
      if (hasDesktop(env)) desktop = Object.fromEntries(desktopNames.map((name) => [name, env[name]]))
    },
    forPrograms: () => ({ ...own, ...desktop }),
    variable(name) {
      const value = newest[name] ?? own[name] ?? known.get(name)
      if (value !== undefined) known.set(name, value)
      return value
    },
  }
}
