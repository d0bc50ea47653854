// The only place that runs git. Arguments are handed over as they are, no shell reads them; nothing asks for a password or opens an editor.

import { execFile } from 'node:child_process'

/** git ended with an error: what it was asked, where, and what it said. */
export class GitFailed extends Error {
  readonly exitCode: number | undefined
  constructor(args: readonly string[], cwd: string, said: string, exitCode: number | undefined, options?: ErrorOptions) {
    super(`git ${args[0]} failed in ${cwd}: ${said.trim().split('\n').at(-1) ?? ''}`, options)
    this.name = 'GitFailed'
    this.exitCode = exitCode
  }
}

const quiet = { GIT_TERMINAL_PROMPT: '0', GIT_EDITOR: 'true', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' }

/** What git printed (UTF-8). Throws GitFailed, also when git is not installed. */
export function git(args: readonly string[], cwd: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('git', [...args], { cwd, env: { ...env, ...quiet }, signal, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' }, (cause, stdout, stderr) => {
      if (!cause) return resolve(stdout)
      if (signal.aborted) return reject(signal.reason)
      const missing = cause.code === 'ENOENT'
      reject(new GitFailed(args, cwd, missing ? 'git is not installed' : stderr || cause.message, typeof cause.code === 'number' ? cause.code : undefined, { cause }))
    })
  })
}

/** The files of a directory's working tree that git knows or would add, relative to it; those that differ from the index first. Throws GitFailed where there is no repository. */
export async function filesIn(directory: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<readonly string[]> {
  const listed = await git(['ls-files', '-z', '-t', '--cached', '--modified', '--deleted', '--others', '--exclude-standard'], directory, env, signal)
  // "C path" was changed, "? path" is new, "R path" is gone; each of the index has "H path" besides.
  const entries = listed.split('\0').filter((entry) => entry !== '')
  const tagged = (tags: string): readonly string[] => entries.filter((entry) => tags.includes(entry.charAt(0))).map((entry) => entry.slice(2))
  const gone = new Set(tagged('R'))
  return [...new Set([...tagged('C?'), ...tagged('HSM')])].filter((path) => !gone.has(path))
}

/** How many files and new folders of the directory's repository differ from its last commit. Throws GitFailed where there is no repository. */
export async function changesIn(directory: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<number> {
  const listed = await git(['status', '--porcelain', '--untracked-files=normal'], directory, env, signal)
  return listed.split('\n').filter((line) => line !== '').length
}
