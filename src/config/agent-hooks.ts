// The hooks of Offstage in an agent's own settings: what would be changed, changing it, and taking it out again. Writes only when it is told to, atomically, beside a copy of what was there; what it does
// not understand it does not touch.

import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { type AgentHooks, hookCommand, hookMark } from '../catalogue/hooks.ts'
import { agentNamed, catalogue } from '../catalogue/index.ts'
import { type Refusal, isRefusal, refusal } from '../core/errors.ts'
import type { Environment } from './paths.ts'

const longestSettings = 1024 * 1024
const copyEnd = '.before-offstage'

export interface HookChange {
  readonly agent: string
  /** The settings, links followed. */
  readonly file: string
  /** Null: there is no such file. Both as they are and as they would be. */
  readonly before: string | null
  readonly after: string | null
  readonly needlessSince: string | undefined
}

/** What adding the hooks would change, or removing them; nothing, if `before` is `after`. */
export function hookChange(name: string, undo: boolean, env: Environment): HookChange | Refusal {
  const hooks = agentNamed(name)?.terminal?.hooks
  if (!agentNamed(name)) return refusal('unknown-agent', `there is no agent ${JSON.stringify(name)} in the catalogue`, 'offstage agents lists them')
  if (!hooks) {
    const others = catalogue.filter(({ terminal }) => terminal?.hooks).map((agent) => agent.name)
    return refusal('not-supported', `no hook is known by which ${name} would tell more than it does by itself`, `there are hooks for ${others.join(', ')}`)
  }
  const file = fileOf(hooks, env)
  const before = textOf(file)
  if (isRefusal(before)) return before
  const after = undo ? without(file, before, hooks) : withHooks(file, before, hooks)
  return isRefusal(after) ? after : { agent: name, file, before, after, needlessSince: hooks.needlessSince }
}

/** Refused if the file is not as it was when the change was made. Throws what the file system does. */
export function applyChange({ file, before, after }: HookChange, undo: boolean): Refusal | undefined {
  const now = textOf(file)
  if (isRefusal(now)) return now
  if (now !== before) return refusal('invalid', `${file} was changed meanwhile; nothing was written`, 'try again')
  const copy = `${file}${copyEnd}`
  if (undo) {
    if (after === null) rmSync(file, { force: true })
    else replace(file, after)
    rmSync(copy, { force: true })
    return undefined
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Of what was there before any of ours: with ours in it already, an older copy stays.
  if (before !== null && !before.includes(hookMark)) replace(copy, before, file)
  else if (before === null) rmSync(copy, { force: true })
  if (after !== null) replace(file, after)
  return undefined
}

function fileOf({ files }: AgentHooks, env: Environment): string {
  const paths = files.flatMap((path) => {
    const [, variable, below = ''] = /^\$(\w+)\|(.*)$/.exec(path) ?? []
    if (variable === undefined) return [join(env['HOME'] || homedir(), path)]
    const folder = env[variable]
    return folder !== undefined && isAbsolute(folder) ? [join(folder, below)] : []
  })
  const [path = ''] = paths
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function textOf(file: string): string | null | Refusal {
  try {
    const stat = statSync(file)
    if (!stat.isFile()) return refusal('invalid', `${file} is no file`)
    if (stat.size > longestSettings) return refusal('invalid', `${file} is too long to be settings`)
    const bytes = readFileSync(file)
    const text = bytes.toString('utf8')
    return Buffer.from(text, 'utf8').equals(bytes) ? text : refusal('invalid', `${file} is not UTF-8`)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (code !== 'ENOENT') return refusal('invalid', `cannot read ${file} (${code})`)
    // A link to nowhere: whose file that will be is not known.
    return lstatSync(file, { throwIfNoEntry: false }) ? refusal('invalid', `${file} is a link to a file that is not there`) : null
  }
}

type Json = Readonly<Record<string, unknown>>
const isTable = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** As JSON, if nothing of it is lost when it is written again. */
function settingsIn(file: string, text: string): Json | Refusal {
  const nothingDone = 'nothing was changed; add the hooks by hand, or correct the file'
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (cause) {
    return refusal('invalid', `${file} cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`, nothingDone)
  }
  if (!isTable(value) || (value['hooks'] !== undefined && (!isTable(value['hooks']) || !Object.values(value['hooks']).every(Array.isArray))))
    return refusal('invalid', `${file} does not hold settings with hooks as they are known`, nothingDone)
  // Twice the same name, a number with too many digits, another way to write a letter.
  if (packed(text) !== JSON.stringify(value)) return refusal('invalid', `${file} is written in a way that would not be kept`, nothingDone)
  return value
}

/** Without the blanks between its tokens. */
const packed = (text: string): string => text.replace(/^\ufeff/, '').replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string: string | undefined) => string ?? '')

function writtenLike(text: string | null, value: Json): string {
  const indent = /\n([ \t]+)"/.exec(text ?? '')?.[1] ?? '  '
  const isOneLine = text !== null && !text.trim().includes('\n') && text.trim() !== '{}'
  const made = isOneLine ? JSON.stringify(value) : JSON.stringify(value, null, indent)
  const crlf = text?.includes('\r\n') ? made.replaceAll('\n', '\r\n') : made
  return `${text?.startsWith('\ufeff') ? '\ufeff' : ''}${crlf}${/\s*$/.exec(text ?? '\n')?.[0] ?? ''}`
}

function withHooks(file: string, text: string | null, { reports }: AgentHooks): string | Refusal {
  const settings = text === null || text.trim() === '' ? {} : settingsIn(file, text)
  if (isRefusal(settings)) return settings
  const hooks = new Map(Object.entries(tableOf(settings['hooks'])))
  for (const [moment, report] of Object.entries(reports)) {
    const others = listOf(hooks.get(moment)).filter((group) => !isOurs(group))
    hooks.set(moment, [...others, { hooks: [{ type: 'command', command: hookCommand(report) }] }])
  }
  return writtenLike(text, { ...settings, hooks: Object.fromEntries(hooks) })
}

/** Byte for byte what was there before, if nothing else was changed since; else only ours are taken out. */
function without(file: string, text: string | null, hooks: AgentHooks): string | null | Refusal {
  if (text === null || !text.includes(hookMark)) return text
  const copied = existsSync(`${file}${copyEnd}`) ? textOf(`${file}${copyEnd}`) : null
  const former = isRefusal(copied) ? null : copied
  const made = withHooks(file, former, hooks)
  if (!isRefusal(made) && made === text) return former
  const settings = settingsIn(file, text)
  if (isRefusal(settings)) return settings
  const left = Object.entries(tableOf(settings['hooks'])).flatMap(([moment, groups]) => {
    const others = listOf(groups).filter((group) => !isOurs(group))
    return others.length > 0 || listOf(groups).length === 0 ? [[moment, others] as const] : []
  })
  const { hooks: _, ...rest } = settings
  return writtenLike(text, left.length === 0 ? rest : { ...settings, hooks: Object.fromEntries(left) })
}

const tableOf = (value: unknown): Json => (isTable(value) ? value : {})
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Everything in it is marked. */
function isOurs(group: unknown): boolean {
  const commands = listOf(tableOf(group)['hooks']).map((hook) => tableOf(hook)['command'])
  return commands.length > 0 && commands.every((command) => typeof command === 'string' && command.endsWith(hookMark))
}

/** With the rights of the file that it stands for. */
function replace(file: string, text: string, like = file): void {
  const mode = statSync(like, { throwIfNoEntry: false })?.mode
  const made = `${file}.${process.pid}.new`
  try {
    writeFileSync(made, text, { mode: 0o600, flag: 'wx' })
    if (mode !== undefined) chmodSync(made, mode & 0o777)
    renameSync(made, file)
  } finally {
    rmSync(made, { force: true })
  }
}
