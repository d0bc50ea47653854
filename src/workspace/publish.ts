// Brings what has landed to others, only when told, each time: pushes a branch, or opens a pull request of the session's own branch by the program of its forge (gh, glab). Never by force.

import { execFile } from 'node:child_process'
import { printableLine } from '../core/terminal-text.ts'
import { type GitDeps, GitFailed, runGit } from './git.ts'
import { WorkspaceFailed } from './workspaces.ts'

export interface Publication {
  readonly repository: string
  /** Short name: what is pushed. */
  readonly branch: string
  readonly how: 'push' | 'pull-request'
  /** Short name: what the pull request is for. */
  readonly into: string
  readonly title: string
}

const longestMs = 300_000

/** Whether there is where to, and who does it; asks nobody outside of this machine. Throws WorkspaceFailed where not. */
export async function mayPublish(deps: GitDeps, of: Omit<Publication, 'title'>, signal: AbortSignal): Promise<void> {
  const remote = await remoteOf(deps, of, signal)
  if (of.how === 'pull-request') await forgeOf(deps, await urlOf(deps, remote, of.repository, signal), of.repository, signal)
}

/** In words what became of it. Throws WorkspaceFailed where nothing did. */
export async function publish(deps: GitDeps, of: Publication, signal: AbortSignal): Promise<string> {
  const remote = await remoteOf(deps, of, signal)
  // Asked for first: a branch that nobody can make a pull request of is not pushed.
  const forge = of.how === 'pull-request' ? await forgeOf(deps, await urlOf(deps, remote, of.repository, signal), of.repository, signal) : undefined
  await push(deps, of, remote, signal)
  if (!forge) return `pushed ${printableLine(of.branch)} to ${printableLine(remote)}`
  const said = await forge.open(of, signal)
  return `opened ${/https?:\/\/\S+/.exec(said)?.[0] ?? `a pull request of ${printableLine(of.branch)}`}`
}

const urlOf = async (deps: GitDeps, remote: string, cwd: string, signal: AbortSignal): Promise<string> =>
  (await runGit(deps, ['remote', 'get-url', remote], { cwd, accepts: [2, 128] }, signal)).text.trim()

async function remoteOf(deps: GitDeps, { repository, branch, into }: Omit<Publication, 'title'>, signal: AbortSignal): Promise<string> {
  for (const name of [`branch.${branch}.pushRemote`, 'remote.pushDefault', `branch.${branch}.remote`, `branch.${into}.remote`]) {
    const remote = (await runGit(deps, ['config', '--get', name], { cwd: repository, accepts: [1] }, signal)).text.trim()
    if (remote !== '' && remote !== '.') return remote
  }
  const remotes = (await runGit(deps, ['remote'], { cwd: repository }, signal)).text.split('\n').filter((name) => name !== '')
  const [only] = remotes.length === 1 ? remotes : remotes.filter((name) => name === 'origin')
  if (only === undefined)
    throw new WorkspaceFailed('refused', remotes.length === 0 ? 'there is no remote to push to' : `it is not clear which remote is meant: ${printableLine(remotes.join(', '))}`, {
      hint: remotes.length === 0 ? 'git remote add origin URL' : 'git config remote.pushDefault NAME',
    })
  return only
}

async function push(deps: GitDeps, { repository, branch }: Publication, remote: string, signal: AbortSignal): Promise<void> {
  const ref = `refs/heads/${branch}`
  try {
    // With the user's hooks: they are what the user wants to happen before anything leaves, and some bring large files along.
    await runGit(
      deps,
      ['push', '--quiet', '--no-force', '--end-of-options', remote, `${ref}:${ref}`],
      { cwd: repository, hooks: true },
      AbortSignal.any([signal, AbortSignal.timeout(longestMs)]),
    )
  } catch (cause) {
    signal.throwIfAborted()
    if (!(cause instanceof GitFailed)) throw cause
    const rejected = /\(fetch first\)|\(non-fast-forward\)/.test(cause.said)
    throw new WorkspaceFailed(
      'refused',
      `${printableLine(remote)} did not take ${printableLine(branch)}: ${rejected ? 'it has commits there that are not here' : (whySaid(cause.said) ?? cause.message)}`,
      {
        hint: rejected ? `git fetch ${printableLine(remote)}, and bring them in` : `git push ${printableLine(remote)} ${printableLine(branch)} tells more`,
        cause,
      },
    )
  }
}

/** What a hook there printed, and why git says that it was refused; git's last line says neither. */
function whySaid(said: string): string | undefined {
  const why = /\[(?:remote )?rejected\].*\((.+)\)\s*$/m.exec(said)?.[1]
  const hook = /^remote: +(\S.*?)\s*$/m.exec(said)?.[1]
  return why === undefined ? undefined : printableLine(hook === undefined ? why : `${hook} (${why})`)
}

interface Forge {
  readonly open: (of: Publication, signal: AbortSignal) => Promise<string>
}

async function forgeOf(deps: GitDeps, url: string, cwd: string, signal: AbortSignal): Promise<Forge> {
  const programs = /gitlab/i.test(url) ? ['glab', 'gh'] : ['gh', 'glab']
  for (const program of programs) {
    const there = await run(deps, program, ['--version'], cwd, signal).then(
      () => true,
      (cause: unknown) => !(cause instanceof WorkspaceFailed && cause.kind === 'impossible'),
    )
    signal.throwIfAborted()
    if (there) return { open: (of, end) => run(deps, program, program === 'gh' ? forGitHub(of) : forGitLab(of), cwd, end) }
  }
  throw new WorkspaceFailed('impossible', 'neither gh nor glab is installed, by which a pull request is opened', { hint: 'install one of them and log in; or --push' })
}

const forGitHub = ({ branch, into, title }: Publication): readonly string[] => ['pr', 'create', `--head=${branch}`, `--base=${into}`, `--title=${printableLine(title)}`, '--body=']

const forGitLab = ({ branch, into, title }: Publication): readonly string[] => [
  'mr',
  'create',
  `--source-branch=${branch}`,
  `--target-branch=${into}`,
  `--title=${printableLine(title)}`,
  '--description=',
  '--yes',
]

/** What it printed. It asks nobody: it has no terminal and is told so. */
function run(deps: GitDeps, program: string, args: readonly string[], cwd: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...deps.env, GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined, GH_PROMPT_DISABLED: '1', GIT_TERMINAL_PROMPT: '0', NO_COLOR: '1' }
    const child = execFile(program, [...args], { cwd, env, signal, timeout: longestMs, encoding: 'utf8' }, (cause, stdout, stderr) => {
      if (!cause) return resolve(stdout)
      if (signal.aborted) return reject(signal.reason)
      if (cause.code === 'ENOENT') return reject(new WorkspaceFailed('impossible', `${program} is not installed`, { cause }))
      const said = (stderr || stdout || cause.message).trim().split('\n')[0] ?? ''
      reject(
        new WorkspaceFailed('failed', `${program} did not open a pull request: ${printableLine(said)}`, {
          hint: `${program} auth status; then ${program} ${args.slice(0, 2).join(' ')}`,
          cause,
        }),
      )
    })
    child.stdin?.end()
  })
}
