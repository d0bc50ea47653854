// The optional user service: systemd on Linux, launchd on macOS. What its file says, whether it is there, and how it is put there and taken away. Never touches a file that it
// did not write.

import { lstat, mkdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { umaskVariable } from '../config/daemon-environment.ts'
import { entry } from '../config/package-root.ts'
import { type Paths, pathsFrom } from '../config/paths.ts'
import type { AskProgram } from './ask-program.ts'
import { CommandFailed, exitCodes, refusedError, usageError } from '../client/failures.ts'

export interface Place {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly paths: Paths
}

export interface Service {
  readonly file: string
  readonly text: string
  /** Each is run in turn: the first tells whether a service can be started here at all. */
  readonly start: readonly (readonly [string, ...string[]])[]
  readonly end: readonly (readonly [string, ...string[]])[]
  /** After the file is gone. */
  readonly forget: readonly (readonly [string, ...string[]])[]
  /** Made by the start beside the file: goes with it even where the system does not answer. */
  readonly link?: string
}

/** What tells our files from others; in every version of them. */
const marker = 'Written by "offstage daemon install"; "offstage daemon uninstall" removes it.'
const unit = 'offstage.service'
const label = 'offstage.daemon'

/** Throws a failure where there is no user service, or no home to put it in. */
export function serviceFor({ platform, env, paths }: Place): Service {
  if (platform !== 'linux' && platform !== 'darwin') throw new CommandFailed('failed', `there is no user service on ${platform}`, { exitCode: exitCodes.failed })
  const home = env['HOME'] ?? ''
  if (!isAbsolute(home)) throw usageError(`HOME is ${home === '' ? 'not set' : 'a relative path'}`, 'set HOME to an absolute path')
  const command = [process.execPath, entry('daemon')]
  if (platform === 'darwin') {
    const file = join(home, 'Library', 'LaunchAgents', `${label}.plist`)
    const target = `gui/${paths.uid}`
    return {
      file,
      text: plist(command, environmentOf(home, paths)),
      start: [
        ['launchctl', 'print', target],
        ['launchctl', 'bootstrap', target, file],
      ],
      end: [['launchctl', 'bootout', `${target}/${label}`]],
      forget: [],
    }
  }
  const folder = join(home, '.config', 'systemd', 'user')
  return {
    file: join(folder, unit),
    text: systemdUnit(command, environmentOf(home, paths)),
    start: [
      ['systemctl', '--user', 'daemon-reload'],
      ['systemctl', '--user', 'enable', '--now', unit],
    ],
    end: [['systemctl', '--user', 'disable', '--now', unit]],
    forget: [['systemctl', '--user', 'daemon-reload']],
    link: join(folder, 'default.target.wants', unit),
  }
}

/** What a daemon needs in order to find the same home, wherever this shell's environment says that it is, and to write as this shell does. */
function environmentOf(home: string, paths: Paths): Readonly<Record<string, string>> {
  const usual = pathsFrom({ HOME: home }, paths.uid)
  return {
    ...(paths.home === usual.home ? {} : { OFFSTAGE_HOME: paths.home }),
    ...(paths.configFile === usual.configFile ? {} : { OFFSTAGE_CONFIG: paths.configFile }),
    ...umaskVariable(process.umask()),
  }
}

/** KillMode and OOMPolicy: keepers and agents live in the unit's control group and are not the daemon's to end. */
function systemdUnit([node = '', ...args]: readonly string[], environment: Readonly<Record<string, string>>): string {
  const variables = Object.entries(environment).map(([name, value]) => `Environment=${systemdWord(`${name}=${value}`)}\n`)
  // Variables are put in everywhere but in the program's name.
  const words = [systemdWord(node), ...args.map((arg) => systemdWord(arg).replaceAll('$', '$$$$'))]
  return `# ${marker}
[Unit]
Description=Offstage daemon
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
ExecStart=${words.join(' ')}
${variables.join('')}WorkingDirectory=/
Restart=on-failure
RestartSec=2
KillMode=process
OOMPolicy=continue

[Install]
WantedBy=default.target
`
}

/** One word, whatever is in it: systemd.syntax(7) for the quotes, systemd.unit(5) for the percent signs. */
function systemdWord(text: string): string {
  const escaped = text
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll('%', '%%')
    .replaceAll(/[\x00-\x1f\x7f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `"${escaped}"`
}

/** ProcessType: the default slows the daemon down, and what it starts with it. AbandonProcessGroup: keepers and agents are not the daemon's to end. */
function plist(command: readonly string[], environment: Readonly<Record<string, string>>): string {
  const string = (text: string): string => `<string>${xml(text)}</string>`
  const variables = Object.entries(environment).map(([name, value]) => `    <key>${name}</key>\n    ${string(value)}\n`)
  const dictionary = variables.length === 0 ? '' : `  <key>EnvironmentVariables</key>\n  <dict>\n${variables.join('')}  </dict>\n`
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- ${marker} -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  ${string(label)}
  <key>ProgramArguments</key>
  <array>
${command.map((word) => `    ${string(word)}\n`).join('')}  </array>
${dictionary}  <key>WorkingDirectory</key>
  <string>/</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>AbandonProcessGroup</key>
  <true/>
  <key>ProcessType</key>
  <string>Interactive</string>
</dict>
</plist>
`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

const xml = (text: string): string => text.replaceAll(/[&<>]/g, (char) => entities[char] ?? char)

/** `same`: byte for byte what would be written now. `other`: ours, of another version or for another Node. */
export type There = 'none' | 'same' | 'other' | 'foreign'

export async function serviceOn(place: Place): Promise<{ readonly file: string; readonly there: There }> {
  const service = serviceFor(place)
  return { file: service.file, there: await whatIsThere(service) }
}

async function whatIsThere({ file, text }: Service): Promise<There> {
  const found = await lstat(file).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return undefined
    throw cause
  })
  if (!found) return 'none'
  if (!found.isFile()) return 'foreign'
  const there = await readFile(file, 'utf8')
  if (!there.split('\n', 2).some((line) => line.includes(marker))) return 'foreign'
  return there === text ? 'same' : 'other'
}

export interface Installed {
  readonly file: string
  readonly written: boolean
  readonly started: boolean
  /** Commands that are left to do, because the system's service manager does not answer. */
  readonly later: readonly string[]
}

/** Writes the file and starts the service. Refuses to replace a file of somebody else's. May be repeated. */
export async function installService(service: Service, ask: AskProgram): Promise<Installed> {
  const there = await whatIsThere(service)
  refuseForeign(there, service.file)
  if (there !== 'same') await write(service)
  const [reach, ...rest] = service.start
  const later = service.start.filter((one) => one !== reach || one[0] === 'systemctl').map((one) => one.join(' '))
  const reached = reach && (await ask(reach[0], reach.slice(1)))
  if (reached?.code !== 0) return { file: service.file, written: there !== 'same', started: false, later }
  // launchd takes a file only once; whether an older one is known to it does not matter.
  if (service.start.some(([program]) => program === 'launchctl')) for (const [program, ...args] of service.end) await ask(program, args)
  for (const [program, ...args] of rest) {
    const said = await ask(program, args)
    if (said?.code !== 0)
      throw new CommandFailed('failed', `${[program, ...args].join(' ')} failed${said ? `: ${lastLine(said.err)}` : ''}`, {
        exitCode: exitCodes.failed,
        hint: `${service.file} is written; offstage daemon uninstall removes it`,
      })
  }
  return { file: service.file, written: there !== 'same', started: true, later: [] }
}

/** Stops the service and removes the file, if it is ours. `removed` is false when there was none. */
export async function uninstallService(service: Service, ask: AskProgram): Promise<{ readonly file: string; readonly removed: boolean }> {
  const there = await whatIsThere(service)
  if (there === 'none') return { file: service.file, removed: false }
  refuseForeign(there, service.file)
  for (const [program, ...args] of service.end) await ask(program, args)
  try {
    if (service.link !== undefined && (await pointsTo(service.link, service.file))) await rm(service.link, { force: true })
    await rm(service.file, { force: true })
  } catch (cause) {
    throw notChanged(service.file, 'cannot be removed', cause)
  }
  for (const [program, ...args] of service.forget) await ask(program, args)
  return { file: service.file, removed: true }
}

const pointsTo = async (link: string, file: string): Promise<boolean> => (await readlink(link).catch(() => undefined)) === file

function refuseForeign(there: There, file: string): void {
  if (there === 'foreign') throw refusedError('not-ours', `${file} was not written by offstage daemon install`, 'move it away first')
}

async function write({ file, text }: Service): Promise<void> {
  const temporary = `${file}.${process.pid}`
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(temporary, text, { mode: 0o644, flag: 'wx' })
    await rename(temporary, file)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw notChanged(file, 'cannot be written', cause)
  }
}

function notChanged(file: string, what: string, cause: unknown): CommandFailed {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new CommandFailed('failed', `${file} ${what} (${code})`, { exitCode: exitCodes.failed, hint: 'offstage daemon install --print shows what belongs there', cause })
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
