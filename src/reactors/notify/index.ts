// The notify reactor, put together: what main.ts hands in, and what the daemon needs of it.

import { release } from 'node:os'
import type { NotifyReport, NotifySettings } from '../../core/announcement.ts'
import { type ChannelDeps, channelsOf, notifyReport } from './channels.ts'
import type { System } from './desktop.ts'
import { Notifier, type NotifierDeps } from './notifier.ts'
import { runProgram } from './run-program.ts'

export { type KnownEnvironment, knownEnvironment } from './environment.ts'

const timeLimitMs = 10_000

export interface NotifyDeps extends Omit<NotifierDeps, 'settings' | 'channels' | 'monotonicMs' | 'minuteOfDay'> {
  /** As the file is now; where it cannot be used, as it was before, and why. */
  readonly settings: () => Promise<{ readonly settings: NotifySettings; readonly problem?: string }>
  readonly environment: ChannelDeps['environment']
}

/** Tells until `signal` is aborted. The result says how it is with the channels, or tries them. */
export function startNotify(deps: NotifyDeps, signal: AbortSignal): (query: { readonly test: boolean }) => Promise<NotifyReport> {
  const { nowMs, delay, warn, environment } = deps
  const channelDeps: ChannelDeps = { system: systemOf(), environment, run: runProgram, nowMs, delay, timeLimitMs }
  const notifier = new Notifier({
    ...deps,
    settings: async () => (await deps.settings()).settings,
    channels: (settings) => channelsOf(settings, channelDeps),
    monotonicMs: () => performance.now(),
    minuteOfDay,
  })
  void notifier.run(signal).catch((cause: unknown) => warn({ error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }, 'nobody is told anything any more'))
  return async ({ test }) => {
    const { settings, problem } = await deps.settings()
    return notifyReport(settings, { minuteOfDay: minuteOfDay(nowMs()), problem, test, signal }, channelDeps)
  }
}

function minuteOfDay(ms: number): number {
  const at = new Date(ms)
  return at.getHours() * 60 + at.getMinutes()
}

// Kernels for WSL call themselves so.
const systemOf = (): System => (process.platform === 'darwin' ? 'macos' : /microsoft/i.test(release()) ? 'wsl' : 'linux')
