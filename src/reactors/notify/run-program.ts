// Runs a program that tells the user something: no shell, its own process group, a time limit, and the end of what it said if it fails. Knows nothing of what it tells.

import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import { short } from '../../core/announcement.ts'
import type { Delivered, Environment } from './channel.ts'

export interface Program {
  readonly argv: readonly [string, ...string[]]
  readonly env: Environment
  /** For its standard input. */
  readonly input?: string
  readonly timeLimitMs: number
}

export type RunProgram = (program: Program, signal: AbortSignal) => Promise<Delivered>

const keptBytes = 2000
const keptCharacters = 300
/** What it left behind may hold its output open for ever. */
const lastWordsMs = 200

export const runProgram: RunProgram = ({ argv, env, input, timeLimitMs }, signal) => {
  const [program, ...args] = argv
  const { promise, resolve } = Promise.withResolvers<Delivered>()
  let said: Buffer = Buffer.alloc(0)
  const failed = (why: string): void => {
    const end = short(said.toString('utf8').trim().split('\n').slice(-3).join(' '), keptCharacters)
    resolve({ how: 'failed', detail: end === '' ? why : `${why}: ${end}` })
  }
  // A group of its own, so that the time limit holds for whatever it starts.
  const child = spawn(program, args, { cwd: '/', env: { ...env }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  let because: string | undefined
  const kill = (why: string): void => {
    because ??= why
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It is over.
    }
  }
  const limit = setTimeout(() => kill(`${program} took more than ${timeLimitMs / 1000} s`), timeLimitMs)
  const abort = (): void => kill('the daemon left')
  signal.addEventListener('abort', abort, { once: true })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      said = Buffer.concat([said, bytes]).subarray(-keptBytes)
    })
  // Whoever does not want to read need not.
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  const over = (): void => {
    clearTimeout(limit)
    signal.removeEventListener('abort', abort)
  }
  child.once('error', (cause: NodeJS.ErrnoException) => {
    over()
    failed(cause.code === 'ENOENT' ? `there is no program ${program}` : `${program} cannot be started (${cause.code ?? cause.message})`)
  })
  child.once('exit', (code, killedBy) => {
    over()
    const end = (): void => {
      clearTimeout(late)
      child.stdout.destroy()
      child.stderr.destroy()
      if (because !== undefined) failed(because)
      else if (code === 0) resolve({ how: 'told' })
      else failed(`${program} ended with ${code === null ? String(killedBy) : `exit code ${code}`}`)
    }
    const late = setTimeout(end, lastWordsMs)
    child.once('close', end)
  })
  return promise
}

/** Its absolute path, if it is there. */
export function onPath(program: string, { PATH = '/usr/bin:/bin' }: Environment): string | undefined {
  if (program.includes('/')) return isExecutable(program) ? program : undefined
  // An empty part would mean the current directory.
  return PATH.split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, program))
    .find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
