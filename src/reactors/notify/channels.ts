// The channels that the settings ask for and this machine has, and how they are doing, for people.

import { type Announcement, type ChannelReport, type NotifyReport, type NotifySettings, isQuiet, newsKinds, wantsKind } from '../../core/announcement.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { type Channel, messageOf } from './channel.ts'
import { type System, desktopChannel } from './desktop.ts'
import type { KnownEnvironment } from './environment.ts'
import type { RunProgram } from './run-program.ts'
import { webhookChannel } from './webhook.ts'

export interface ChannelDeps {
  readonly system: System
  readonly environment: KnownEnvironment
  readonly run: RunProgram
  readonly nowMs: () => number
  readonly delay: (ms: number) => Promise<void>
  /** For a program, or one try of a web hook. */
  readonly timeLimitMs: number
}

export function channelsOf({ desktop, command, webhook }: NotifySettings, deps: ChannelDeps): readonly Channel[] {
  const { system, environment } = deps
  const onDesktop = desktop === false ? undefined : desktopChannel(system, environment.forPrograms(), desktop === true, deps)
  return [
    ...(onDesktop ? [onDesktop] : []),
    ...(command ? [commandChannel(command, deps)] : []),
    ...(webhook ? [webhookChannel(webhook, { ...deps, variable: environment.variable })] : []),
  ]
}

/** The user's own program: the announcement is JSON on its standard input. */
const commandChannel = (argv: readonly [string, ...string[]], { environment, run, nowMs, timeLimitMs }: ChannelDeps): Channel => ({
  name: 'command',
  by: argv[0],
  deliver: (announcement, signal) => run({ argv, env: environment.forPrograms(), input: `${messageOf(announcement, nowMs())}\n`, timeLimitMs }, signal),
})

const testAnnouncement: Announcement = { about: 'needs-you', title: 'offstage', body: 'This is a test: you are told by this channel.', news: [] }

/** With `test`, by every channel that is on a test is told. */
export async function notifyReport(
  settings: NotifySettings,
  how: { readonly minuteOfDay: number; readonly problem?: string | undefined; readonly test: boolean; readonly signal: AbortSignal },
  deps: ChannelDeps,
): Promise<NotifyReport> {
  const { quiet } = settings
  const on = await Promise.all(
    channelsOf(settings, deps).map(async (channel): Promise<ChannelReport> => {
      const result = how.test ? { result: await channel.deliver(testAnnouncement, how.signal) } : {}
      return { channel: channel.name, on: true, detail: printableLine(channel.by), ...result }
    }),
  )
  const off: readonly ChannelReport[] = [
    { channel: 'desktop', on: false, detail: settings.desktop === false ? 'off' : 'no desktop is seen, or its program is not there' },
    { channel: 'command', on: false, detail: 'not set' },
    { channel: 'webhook', on: false, detail: 'not set' },
  ]
  return {
    tells: newsKinds.filter((about) => wantsKind(settings, about)),
    onScreen: settings.onScreen,
    minDurationMs: settings.minDurationMs,
    quiet: quiet ? { hours: `${timeOf(quiet.from)}-${timeOf(quiet.to)}`, now: isQuiet(settings, how.minuteOfDay) } : null,
    channels: [
      { channel: 'terminal', on: settings.terminal, detail: settings.terminal ? 'by the screens that are open' : 'off' },
      ...off.map((one) => on.find(({ channel }) => channel === one.channel) ?? one),
    ],
    problem: how.problem ?? null,
  }
}

const timeOf = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
