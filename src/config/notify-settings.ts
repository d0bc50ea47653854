// The table `[notify]` of config.toml.

import type { NotifySettings, Webhook } from '../core/announcement.ts'
import type { Source } from './config.ts'

export const defaultNotify: NotifySettings = { needsYou: true, completed: true, failed: true, onScreen: false, terminal: true, desktop: 'auto', minDurationMs: 10_000 }

const keys = ['command', 'completed', 'desktop', 'failed', 'min_duration_s', 'needs_you', 'on_screen', 'quiet', 'terminal', 'webhook', 'webhook_secret_env', 'webhook_secret_file']

/** Throws ConfigInvalid. */
export function notifySettings(source: Source, minDurationMs: number | undefined): NotifySettings {
  source.optionalTable(['notify'], keys)
  const flag = (name: string, otherwise: boolean): boolean => source.flag(['notify', name]) ?? otherwise
  const command = commandAt(source)
  const webhook = webhookAt(source)
  const quiet = quietAt(source)
  return {
    needsYou: flag('needs_you', defaultNotify.needsYou),
    completed: flag('completed', defaultNotify.completed),
    failed: flag('failed', defaultNotify.failed),
    onScreen: flag('on_screen', defaultNotify.onScreen),
    terminal: flag('terminal', defaultNotify.terminal),
    desktop: source.flag(['notify', 'desktop']) ?? defaultNotify.desktop,
    ...(command ? { command } : {}),
    ...(webhook ? { webhook } : {}),
    ...(quiet ? { quiet } : {}),
    minDurationMs: minDurationMs ?? defaultNotify.minDurationMs,
  }
}

function commandAt(source: Source): NotifySettings['command'] {
  const path = ['notify', 'command']
  const value = source.at(path)
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string' && !one.includes('\0')))
    throw source.invalid(path, 'command is not a list of strings', 'write for example: command = ["/home/me/bin/tell", "--loud"]')
  const [program, ...args] = value as string[]
  if (!program) throw source.invalid(path, 'command names no program', 'write for example: command = ["/home/me/bin/tell"]')
  // The daemon has no directory that anybody would mean.
  if (program.includes('/') && !program.startsWith('/'))
    throw source.invalid(path, `${JSON.stringify(program)} is a relative path`, 'write the absolute path, or the name of a program on PATH')
  return [program, ...args]
}

function webhookAt(source: Source): Webhook | undefined {
  const path = ['notify', 'webhook']
  const url = source.text(path)
  const file = source.text(['notify', 'webhook_secret_file'])
  const variable = source.text(['notify', 'webhook_secret_env'])
  if (file !== undefined && !file.startsWith('/'))
    throw source.invalid(
      ['notify', 'webhook_secret_file'],
      'webhook_secret_file is not an absolute path',
      'write for example: webhook_secret_file = "/home/me/.config/offstage/webhook.secret"',
    )
  if (variable !== undefined && !/^[A-Za-z_]\w*$/.test(variable))
    throw source.invalid(
      ['notify', 'webhook_secret_env'],
      `${JSON.stringify(variable)} cannot be a variable's name`,
      'write the name of the variable that holds the secret, not the secret',
    )
  if (file !== undefined && variable !== undefined)
    throw source.invalid(['notify', 'webhook_secret_env'], 'webhook_secret_file and webhook_secret_env are both set', 'leave one of them')
  if (url === undefined) {
    if (file === undefined && variable === undefined) return undefined
    throw source.invalid(
      ['notify', file === undefined ? 'webhook_secret_env' : 'webhook_secret_file'],
      'there is a secret and no webhook',
      'add a line such as: webhook = "https://…"',
    )
  }
  // The address itself is often a secret: it is in no message.
  const parsed = URL.parse(url)
  if (!parsed || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:'))
    throw source.invalid(path, 'webhook is not an address', 'write for example: webhook = "https://example.org/hook"')
  if (parsed.username !== '' || parsed.password !== '')
    throw source.invalid(path, 'webhook has a name or password in it', 'sign with webhook_secret_file instead, or put a token into the path')
  if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname))
    throw source.invalid(path, 'webhook is http, and not to this machine', 'write https://; http goes to 127.0.0.1, [::1] and localhost only')
  return { url, ...(file === undefined ? {} : { secret: { file } }), ...(variable === undefined ? {} : { secret: { variable } }) }
}

/** As `URL` writes them: every way of writing an IPv4 address becomes the dotted one. */
export const isLoopback = (hostname: string): boolean => hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)

function quietAt(source: Source): NotifySettings['quiet'] {
  const path = ['notify', 'quiet']
  const text = source.text(path)
  if (text === undefined) return undefined
  const [, ...parts] = /^\s*(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)\s*$/.exec(text) ?? []
  const [fromHour = 24, fromMinute = 60, toHour = 24, toMinute = 60] = parts.map(Number)
  const isTime = (hour: number, minute: number): boolean => hour < 24 && minute < 60
  if (!isTime(fromHour, fromMinute) || !isTime(toHour, toMinute))
    throw source.invalid(path, `quiet ${JSON.stringify(text)} is not a time of day`, 'write for example: quiet = "22:00-07:00"')
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute]
  if (from === to)
    throw source.invalid(
      path,
      'quiet begins and ends at the same time',
      'write for example: quiet = "22:00-07:00"; to have none told, set needs_you, completed and failed to false',
    )
  return { from, to }
}
