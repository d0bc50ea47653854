// The sandbox of commands that an agent runs: they write in the workspace and nowhere else, and see no keys. Made by the system's own tool (bubblewrap, or macOS' sandbox-exec), which is tried before it is
// relied on. Where there is none the answer is a refusal: no command ever runs outside because it could not run inside. See docs/decisions/0012-sandbox.md.

import { spawnSync } from 'node:child_process'
import { lstatSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../../config/paths.ts'
import { type Refusal, isRefusal, refusal } from '../../core/errors.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { isExecutable } from '../../config/programs.ts'
import { isWithin } from '../permission/workspace.ts'
import { programOutside } from '../program-outside.ts'
import { type Bounds, boundsOf, real } from './bounds.ts'
import { type SystemPlaces, bubblewrapArguments } from './bubblewrap.ts'
import { seatbeltProfile } from './seatbelt.ts'

export interface Sandbox {
  /** What to run in the place of this command. It is run by whoever must outlive it: the command dies with the thread that starts it. */
  readonly wrap: (argv: readonly string[]) => readonly string[]
  /** What holds, in a sentence for people. */
  readonly description: string
  /** After a command: takes away what it planted in the repository to be executed later, and says so. */
  readonly tidy: () => string | undefined
}

export interface SandboxFrom {
  /** Where commands work. */
  readonly workspace: string
  readonly network: boolean
  readonly env: Environment
  /** Further folders that they may write. */
  readonly also?: readonly string[]
}

const trialMs = 5000

export function sandboxFor(from: SandboxFrom, platform: NodeJS.Platform = process.platform): Sandbox | Refusal {
  if (platform !== 'linux' && platform !== 'darwin')
    return refusal(
      'not-supported',
      `there is no sandbox for ${platform}: Offstage makes them with bubblewrap on Linux and with sandbox-exec on macOS`,
      'run without a sandbox, in a machine or container of its own',
    )
  const bounds = boundsOf({ workspace: from.workspace, also: from.also ?? [], env: from.env })
  if (isRefusal(bounds)) return bounds
  return platform === 'linux' ? byBubblewrap(bounds, from) : bySeatbelt(bounds, from)
}

function byBubblewrap(bounds: Bounds, { network, env }: SandboxFrom): Sandbox | Refusal {
  const bwrap = programOutside('bwrap', env, bounds.writable)
  if (bwrap === undefined)
    return refusal(
      'not-supported',
      'a sandbox cannot be made: bwrap is not on PATH',
      'install bubblewrap (apt install bubblewrap, dnf install bubblewrap, pacman -S bubblewrap), or run without a sandbox',
    )
  const before = [bwrap, ...bubblewrapArguments(bounds, systemPlaces(), network, withheld(env))]
  const refused = tried([...before, 'true'], env)
  if (refused !== undefined)
    return refusal(
      'not-supported',
      `a sandbox cannot be made: ${bwrap} failed: ${refused}`,
      'containers often forbid user namespaces, and some systems allow them to chosen programs only (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns); run without a sandbox, or in a machine of its own',
    )
  return { wrap: (argv) => [...before, ...argv], description: described(bounds, network, 'bubblewrap'), tidy: () => removeRedirect(bounds) }
}

function bySeatbelt(bounds: Bounds, { network, env }: SandboxFrom): Sandbox | Refusal {
  const program = '/usr/bin/sandbox-exec'
  if (!isExecutable(program)) return refusal('not-supported', `a sandbox cannot be made: there is no ${program}`, 'run without a sandbox, in a machine of its own')
  // Nothing can be mounted here, so the folder for temporary files is another one, not another view of the same.
  const temporary = real(mkdtempSync(join(tmpdir(), 'offstage-sandbox-'))) as string
  const before = [program, '-p', seatbeltProfile(bounds, temporary, network), '/usr/bin/env', ...withheld(env).flatMap((name) => ['-u', name]), `TMPDIR=${temporary}`]
  const refused = tried([...before, '/usr/bin/true'], env)
  if (refused !== undefined) {
    rmSync(temporary, { recursive: true, force: true })
    return refusal('not-supported', `a sandbox cannot be made: ${program} failed: ${refused}`, 'run without a sandbox, in a machine of its own')
  }
  return { wrap: (argv) => [...before, ...argv], description: described(bounds, network, 'sandbox-exec'), tidy: () => removeRedirect(bounds) }
}

/** Variables with keys, and those that lead to somebody who acts outside. */
const withheld = (env: Environment): readonly string[] =>
  Object.keys(env).filter((name) => leadingOut.has(name) || /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$/i.test(name))

const leadingOut: ReadonlySet<string> = new Set(
  'SSH_AUTH_SOCK SSH_AGENT_PID GPG_AGENT_INFO DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR DISPLAY WAYLAND_DISPLAY XAUTHORITY DOCKER_HOST WSL_INTEROP TMUX OFFSTAGE_HOME OFFSTAGE_CONFIG'.split(
    ' ',
  ),
)

const described = ({ workspace }: Bounds, network: boolean, by: string): string =>
  `commands write only in ${printableLine(workspace)} and in temporary files of their own, see no keys, and have ${network ? 'the network' : 'no network'} (${by})`

/** Why it did not run to its end. */
function tried([program = '', ...args]: readonly string[], env: Environment): string | undefined {
  const { error, status, signal, stderr } = spawnSync(program, args, {
    env: { ...env },
    timeout: trialMs,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (error) return printableLine(error.message)
  if (status === 0) return undefined
  return printableLine(stderr.trim().split('\n').at(-1) ?? '').slice(0, 300) || `it ended with ${signal ?? `code ${status}`}`
}

function systemPlaces(): SystemPlaces {
  const isFolder = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  const own = ['/tmp', '/var/tmp', '/run', '/var/run'].filter(isFolder)
  // Names of the network may be answered by a file that is a link into /run; NixOS keeps its programs there.
  const kept = ['/etc/resolv.conf', '/run/current-system'].flatMap((path) => {
    const found = real(path)
    return found !== undefined && isWithin('/run', path.startsWith('/run/') ? path : found) ? [path.startsWith('/run/') ? path : found] : []
  })
  return { own, kept }
}

function removeRedirect({ redirect }: Bounds): string | undefined {
  if (redirect === null || !lstatSync(redirect, { throwIfNoEntry: false })) return undefined
  rmSync(redirect, { recursive: true, force: true })
  return `removed ${printableLine(redirect)}: by it a command would have chosen what git executes`
}
