// Starts a daemon and waits until it answers. Two clients may do so at once: the lock picks one daemon, the other leaves.

import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { daemonEnvironment } from '../config/daemon-environment.ts'
import { entry } from '../config/package-root.ts'
import { type Paths, prepareHome } from '../config/paths.ts'
import { DaemonUnreachable } from './client.ts'

const startDeadlineMs = 15_000
const openEveryMs = 20
/** How long one that has the lock may take to listen before it is looked whether it still has it; twice as long each time. */
const patienceMs = 500
const longestPatienceMs = 2000

/** Resolves to what `open` gives once the daemon listens. Throws DaemonUnreachable. */
export async function startDaemon<T>(paths: Paths, env: Readonly<Record<string, string | undefined>>, open: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
  prepareHome(paths)
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(startDeadlineMs)])
  for (let waitsMs = patienceMs; !deadline.aborted; waitsMs = Math.min(2 * waitsMs, longestPatienceMs)) {
    const said = await launch(paths, env, deadline)
    if (said.startsWith('failed ')) {
      const { message, hint } = JSON.parse(said.slice('failed '.length)) as { message: string; hint: string }
      throw new DaemonUnreachable(`the daemon cannot start: ${message}`, hint || `see ${paths.log}`)
    }
    if (said !== 'ready' && said !== 'held') throw new DaemonUnreachable('the daemon ended while it started', `see ${paths.log}`)
    // Somebody else's daemon is on its way, was just killed, or has no descriptor left for us.
    for (const until = performance.now() + waitsMs; ; await delay(openEveryMs)) {
      const connection = await open()
      if (connection !== undefined) return connection
      if (deadline.aborted || performance.now() > until) break
    }
  }
  throw new DaemonUnreachable(`no daemon answered at ${paths.socket} within ${startDeadlineMs / 1000} s`, `see ${paths.log}`)
}

/** The one line that a new daemon says; empty when it died first. */
function launch(paths: Paths, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const daemon = spawn(process.execPath, [entry('daemon')], {
      cwd: '/',
      env: daemonEnvironment(env, paths),
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let said = ''
    const done = (): void => {
      signal.removeEventListener('abort', done)
      daemon.stdout.destroy()
      daemon.unref()
      resolve(said.trim())
    }
    signal.addEventListener('abort', done, { once: true })
    daemon.once('error', reject)
    daemon.stdout.setEncoding('utf8')
    daemon.stdout.on('data', (text: string) => {
      said += text
      if (said.includes('\n')) done()
    })
    daemon.stdout.once('close', done)
  })
}
