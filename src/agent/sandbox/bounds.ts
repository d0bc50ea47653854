// What a command may touch: which folders it writes, what of them stays as it is, and what it does not even see. Says nothing of how that is kept.

import { lstatSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { type Environment, HomeUnusable, pathsFrom } from '../../config/paths.ts'
import { type Refusal, isRefusal, refusal } from '../../core/errors.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { isWithin } from '../permission/workspace.ts'
import { gitDirectoryOf } from './git-directory.ts'

/** Every path is absolute and without links. What lies deeper goes before what lies above it. */
export interface Bounds {
  readonly workspace: string
  /** The workspace among them. */
  readonly writable: readonly string[]
  /** Inside of what is writable. */
  readonly fixed: readonly string[]
  /** Folders that are not there and whose making has no effect. */
  readonly absent: readonly string[]
  readonly hiddenFolders: readonly string[]
  readonly hiddenFiles: readonly string[]
  /** See GitDirectory. */
  readonly redirect: string | null
}

// Keys, and places by which somebody with the user's rights acts outside: sockets of agents and of container engines.
const keyFolders = [
  '.ssh .gnupg .aws .azure .kube .docker .oci .password-store .1password .mozilla .thunderbird .electrum .bitcoin .gem/credentials .terraform.d .vault-token.d .minikube .colima .lima .rd',
  '.config/offstage .config/gcloud .config/gh .config/glab-cli .config/hub .config/op .config/doctl .config/heroku .config/rclone .config/containers .config/github-copilot .config/sops',
  '.config/google-chrome .config/chromium .config/BraveSoftware .config/microsoft-edge .config/Signal .config/Slack',
  '.local/share/keyrings .local/share/kwalletd .local/share/containers .local/share/opencode',
  'Library/Keychains Library/Cookies Library/Mail Library/Messages Library/Safari',
]
  .join(' ')
  .split(' ')
const keyFiles = [
  '.netrc .git-credentials .npmrc .yarnrc.yml .pypirc .pgpass .my.cnf .boto .s3cfg .dockercfg .vault-token .Xauthority .ICEauthority .config/git/credentials .config/pip/pip.conf .pip/pip.conf',
  '.cargo/credentials .cargo/credentials.toml .m2/settings.xml .m2/settings-security.xml .gradle/gradle.properties .nuget/NuGet/NuGet.Config .composer/auth.json .bundle/config .terraformrc',
  '.claude.json .claude/.credentials.json .codex/auth.json .gemini/oauth_creds.json .gemini/.env .qwen/oauth_creds.json .qwen/.env .pi/agent/auth.json .pi/agent/models.json',
  '.bash_history .zsh_history .local/share/fish/fish_history',
]
  .join(' ')
  .split(' ')

/** The bounds of commands in this workspace, or why there can be none. */
export function boundsOf(from: { readonly workspace: string; readonly also: readonly string[]; readonly env: Environment }): Bounds | Refusal {
  const home = from.env['HOME']
  if (!home || !isAbsolute(home)) return refusal('invalid', 'a sandbox cannot be made: HOME is not set, so nobody knows where keys lie', 'set HOME to an absolute path')
  const ours = ownPlaces(from.env)
  if (isRefusal(ours)) return ours
  const realHome = real(home) ?? home
  const keys = keyFolders.map((name) => join(realHome, name)).flatMap(existing)
  const folders = [...keys, ...ours.folders.flatMap(existing)]
  const files = [...keyFiles.map((name) => join(realHome, name)), ...ours.files].flatMap(existing)
  const writable: string[] = []
  for (const path of [from.workspace, ...from.also]) {
    const found = writableAt(path, realHome, keys, folders)
    if (isRefusal(found)) return found
    writable.push(found)
  }
  const workspace = writable[0] as string
  const git = gitDirectoryOf(workspace)
  if (git?.redirect && lstatSync(git.redirect, { throwIfNoEntry: false }))
    return refusal(
      'invalid',
      `a sandbox cannot be made for ${printableLine(workspace)}: its repository is redirected by ${printableLine(git.redirect)}, which git itself never writes there`,
      'look at that file, and remove it',
    )
  return {
    workspace,
    writable: [...new Set([...writable, ...(git?.writable ?? [])])],
    fixed: git?.fixed ?? [],
    absent: git?.absent ?? [],
    hiddenFolders: folders.filter(isFolder),
    hiddenFiles: [...folders, ...files].filter((path) => !isFolder(path)),
    redirect: git?.redirect ?? null,
  }
}

function ownPlaces(env: Environment): { readonly folders: readonly string[]; readonly files: readonly string[] } | Refusal {
  try {
    const { home, sockets, configFile } = pathsFrom(env, process.getuid?.() ?? 0)
    const agentSocket = env['SSH_AUTH_SOCK']
    return { folders: [home, sockets], files: [configFile, ...(agentSocket && isAbsolute(agentSocket) ? [agentSocket] : [])] }
  } catch (cause) {
    if (cause instanceof HomeUnusable) return refusal('invalid', `a sandbox cannot be made: ${cause.message}`, cause.hint)
    throw cause
  }
}

function writableAt(path: string, home: string, keys: readonly string[], hidden: readonly string[]): string | Refusal {
  const no = (why: string): Refusal => refusal('invalid', `a sandbox cannot be made for ${printableLine(path)}: ${why}`, 'work in a folder that holds one project')
  if (path.includes('\0') || !isAbsolute(path)) return no('it is not an absolute path')
  const found = real(path)
  if (found === undefined || !isFolder(found)) return no('it is not a folder')
  if (isWithin(found, home)) return no('your home lies in it, so nothing of yours would be safe')
  const system = ['/etc', '/usr', '/bin', '/sbin', '/lib', '/boot', '/dev', '/proc', '/sys', '/run', '/tmp', '/var', '/System', '/Library', '/private'].includes(found)
  if (system) return no('it belongs to the system')
  if (hidden.includes(found) || keys.some((key) => isWithin(key, found))) return no('keys or sessions are kept in it')
  return found
}

/** Where it really is: what is hidden has to be hidden there. */
const existing = (path: string): readonly string[] => {
  const found = real(path)
  return found === undefined || found === '/' ? [] : [found]
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

export function real(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** Parents before what lies in them. */
export const byDepth = <T extends { readonly path: string }>(all: readonly T[]): readonly T[] => all.toSorted((a, b) => depth(a.path) - depth(b.path))

const depth = (path: string): number => (dirname(path) === path ? 0 : path.split('/').length)
