// The desktop of this machine: notify-send on Linux, osascript on macOS, a Windows toast from WSL. Texts go by argument or by environment, never into a script.

import type { Announcement } from '../../core/announcement.ts'
import type { Channel, Environment } from './channel.ts'
import { type Program, type RunProgram, onPath } from './run-program.ts'

export type System = 'linux' | 'macos' | 'wsl'

/** Undefined: none is seen, or its program is not there. `wanted`: the user has said that there is one, so that not finding it is a failure to be told. */
export function desktopChannel(system: System, env: Environment, wanted: boolean, by: { readonly run: RunProgram; readonly timeLimitMs: number }): Channel | undefined {
  const { program, places } = programs[system]
  const found = [program, ...places].map((one) => onPath(one, env)).find((one) => one !== undefined)
  if (!wanted && (found === undefined || !isSeen(system, env))) return undefined
  return {
    name: 'desktop',
    by: program,
    deliver: (announcement, signal) =>
      found === undefined
        ? Promise.resolve({ how: 'failed', detail: `there is no program ${program}` })
        : by.run({ ...commands[system](found, announcement, env), timeLimitMs: by.timeLimitMs }, signal),
  }
}

/** A session bus alone says little: every login has one, also where no desktop is. */
const isSeen = (system: System, env: Environment): boolean => system !== 'linux' || Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY'])

const programs: Readonly<Record<System, { readonly program: string; readonly places: readonly string[] }>> = {
  linux: { program: 'notify-send', places: [] },
  macos: { program: 'osascript', places: [] },
  wsl: { program: 'powershell.exe', places: ['/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe'] },
}

type Command = (program: string, announcement: Announcement, env: Environment) => Omit<Program, 'timeLimitMs'>

const commands: Readonly<Record<System, Command>> = {
  linux: (program, { about, title, body }, env) => ({
    argv: [program, '--app-name=offstage', `--urgency=${about === 'completed' ? 'low' : 'normal'}`, '--', title, markup(body)],
    env,
  }),
  macos: (program, { title, body }, env) => ({
    argv: [program, '-e', 'on run argv', '-e', 'display notification (item 2 of argv) with title (item 1 of argv)', '-e', 'end run', '--', title, body],
    env,
  }),
  wsl: (program, { title, body }, env) => ({
    argv: [program, '-NoProfile', '-NonInteractive', '-EncodedCommand', Buffer.from(toast, 'utf16le').toString('base64')],
    // Only what WSLENV names gets to the other side.
    env: { ...env, OFFSTAGE_TITLE: title, OFFSTAGE_BODY: body, WSLENV: [env['WSLENV'], 'OFFSTAGE_TITLE', 'OFFSTAGE_BODY'].filter(Boolean).join(':') },
  }),
}

/** The body is markup by the specification of desktop notifications, and notify-send reads escapes in it (g_strcompress): neither is the agent's to write. */
const markup = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\\', '\\\\')

/** Without an application of its own a toast has to name one: PowerShell's is on every Windows. */
const toast = String.raw`
$ErrorActionPreference = 'Stop'
[void][Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
$texts = $xml.GetElementsByTagName('text')
[void]$texts.Item(0).AppendChild($xml.CreateTextNode($env:OFFSTAGE_TITLE))
[void]$texts.Item(1).AppendChild($xml.CreateTextNode($env:OFFSTAGE_BODY))
$application = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($application).Show([Windows.UI.Notifications.ToastNotification]::new($xml))
`
