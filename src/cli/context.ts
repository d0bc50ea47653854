// The Context of a real process: its streams, environment and signals, and one connection that is made when it is first needed.

import { spawn } from 'node:child_process'
import type { Client } from '../sdk/client.ts'
import type { Context } from './verb.ts'

let connected: Promise<Client> | undefined

export function processContext(env: Context['env']): Context {
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopping.abort(name))
  const { signal } = stopping
  const { stdin, stdout, stderr } = process
  // A reader that has seen enough (`| head`) or a terminal that is gone: nothing more can be said to anybody.
  for (const stream of [stdout, stderr]) stream.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' || error.code === 'EIO' ? process.exit(0) : process.exit(1)))
  const connect = async (start: boolean): Promise<Client> => {
    const sdk = await import('../sdk/connect.ts')
    return await sdk.connect({ env, start }, signal)
  }
  return {
    client: () => (connected ??= connect(true)),
    existingClient: () => connect(false),
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    stdin,
    stdout,
    stderr,
    env,
    cwd: process.cwd(),
    json: false,
    color: takesColor(env, stdout),
    signal,
    now: Date.now,
    detach: (args) => {
      const [, program = ''] = process.argv
      spawn(process.execPath, [...process.execArgv, program, ...args], { detached: true, stdio: 'ignore' }).unref()
    },
  }
}

/** https://no-color.org, and FORCE_COLOR as most programs read it. */
export function takesColor(env: Context['env'], stdout: { readonly isTTY?: boolean }): boolean {
  if (env['NO_COLOR']) return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return stdout.isTTY === true && env['TERM'] !== 'dumb'
}

/** Ends this process once everything that was printed has left it; the daemon and its agents go on. */
export async function leave(exitCode: number): Promise<never> {
  // Not awaited when it is still under way: nobody waits for a connection that is not needed any more.
  void connected?.then(
    (client) => client.close(),
    () => {},
  )
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))))
  process.exit(exitCode)
}
