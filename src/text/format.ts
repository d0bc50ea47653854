// How things look in text: columns, durations, colours, status marks, JSON. Everything that others said goes through `printable` before it goes through here.

import { printableLine } from '../core/terminal-text.ts'
import type { Status } from '../core/status.ts'
import type { SessionView } from '../core/view.ts'

/** JSON that is safe on a terminal and stays one line: controls, direction marks and odd line breaks are escaped. */
export function jsonText(value: unknown, indent?: number): string {
  // oxlint-disable-next-line no-control-regex
  return JSON.stringify(value, null, indent).replace(/[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Columns that a text takes on a terminal: marks that combine take none, wide characters two. */
export function displayWidth(text: string): number {
  // oxlint-disable-next-line no-control-regex
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const char of text) width += charWidth(char)
  return width
}

const combining = /^[\p{Mn}\p{Me}\p{Cf}]$/u
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]$/u

const charWidth = (char: string): number => (combining.test(char) ? 0 : wide.test(char) ? 2 : 1)

/** A terminal that does not know its size says 0. */
export const columnsOf = (output: { readonly columns?: number }): number => output.columns || 80

/** The text cut to at most `width` columns, with an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  if (width <= 0) return ''
  let kept = ''
  let used = 1
  for (const char of text) {
    used += charWidth(char)
    if (used > width) break
    kept += char
  }
  return `${kept.trimEnd()}…`
}

export const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)))

/** `31s`, `14m`, `2h 5m`, `3d 4h`. */
/** As this machine's clock and calendar have it. */
export function dayAndTime(ms: number): string {
  const at = new Date(ms)
  const two = (part: number): string => String(part).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  const both = (big: number, bigUnit: string, small: number, smallUnit: string): string => (small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit} ${small}${smallUnit}`)
  return hours < 24 ? both(hours, 'h', minutes % 60, 'm') : both(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** `14:05:12` of today's clock on this machine. */
export function clock(ms: number): string {
  const at = new Date(ms)
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** With the user's home as `~`. */
export function shortPath(path: string, home: string | undefined): string {
  const clean = printableLine(path)
  if (!home || home === '/') return clean
  return clean === home ? '~' : clean.startsWith(`${home}/`) ? `~${clean.slice(home.length)}` : clean
}

export interface Paint {
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
  readonly status: (status: Status, text: string) => string
  readonly added: (text: string) => string
  readonly removed: (text: string) => string
}

const statusColors: Readonly<Record<Status, string>> = { waiting: '33', working: '36', starting: '36', queued: '2', paused: '35', completed: '32', failed: '31', stopped: '2' }

export function painter(color: boolean): Paint {
  const wrap = (code: string) => (text: string) => (color && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text)
  return { dim: wrap('2'), bold: wrap('1'), status: (status, text) => wrap(statusColors[status])(text), added: wrap('32'), removed: wrap('31') }
}

/** Every status has its own shape, so that it reads without colour. */
export const statusMark: Readonly<Record<Status, string>> = { waiting: '◆', working: '●', starting: '◌', queued: '◦', paused: '‖', completed: '✓', failed: '✗', stopped: '■' }

/** An agent's name; of a whole command line only its program, or the script that an interpreter runs. */
export function agentLabel(agent: string): string {
  if (!agent.startsWith('acp:')) return printableLine(agent)
  const words = agent.slice(4).trim().split(/\s+/)
  const script = words.slice(1).find((word) => /\.[cm]?[jt]s$|\.py$/.test(word))
  return printableLine((script ?? words[0] ?? agent).replace(/^['"]|['"]$/g, '').replace(/^.*\//, ''))
}

/** Label or title, in one line. */
export const nameOf = (session: Pick<SessionView, 'label' | 'title'>): string => printableLine(session.label ?? session.title)

/** Reasons that say more than what the session did last: it stands still, nobody hears of it, or it has not begun. */
const standsStill = /^(held: |waits for |no signal; last known: |no signal: its |logging in$)/

/** What a session is about right now, in one line. */
export function summaryOf(session: Pick<SessionView, 'status' | 'reason' | 'activity' | 'title' | 'requests' | 'paused'>): string {
  if (standsStill.test(session.reason)) return printableLine(session.reason)
  switch (session.status) {
    case 'waiting': {
      const [asking] = session.requests
      return printableLine(asking ? (asking.lost ? `lost: ${asking.title}` : asking.title) : session.reason)
    }
    case 'paused':
      return pausedText(session, Date.now())
    case 'failed':
    case 'starting':
      return printableLine(session.reason || session.title)
    case 'working':
    case 'completed':
      return printableLine(session.activity || session.title)
    default:
      return printableLine(session.title)
  }
}

/** Where a text has a time as ISO 8601 says it, as the clock of this machine does: with its day, if that is another one than `atMs` is of. */
export const withLocalTimes = (text: string, atMs: number): string =>
  text.replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z/g, (iso) => {
    const at = new Date(iso)
    if (Number.isNaN(at.getTime())) return iso
    const day = at.toDateString()
    return `${day === new Date(atMs).toDateString() ? '' : `${day.slice(0, -5)} `}${clock(at.getTime()).slice(0, 5)}`
  })

/** `rate limit of anthropic, until 14:30 (in 12m)`, by the clock of this machine; a day away with its date. */
export function pausedText({ paused, reason }: Pick<SessionView, 'paused' | 'reason'>, nowMs: number): string {
  if (!paused?.until) return printableLine(reason)
  const at = new Date(paused.until)
  const leftMs = at.getTime() - nowMs
  const two = (number: number): string => String(number).padStart(2, '0')
  const day = Math.abs(leftMs) < 24 * 3_600_000 ? '' : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} `
  const left = leftMs > 0 ? ` (in ${duration(leftMs)})` : ''
  return `${printableLine(paused.why) || 'paused'}, until ${day}${two(at.getHours())}:${two(at.getMinutes())}${left}`
}

/** The shortest beginning of an id, at least four characters, that no other id shares. */
export function shortId(id: string, all: readonly string[]): string {
  for (let length = 4; length < id.length; length++) {
    const prefix = id.slice(0, length)
    if (all.every((other) => other === id || !other.startsWith(prefix))) return prefix
  }
  return id
}

export const count = (number: number, noun: string, plural = `${noun}s`): string => `${number} ${number === 1 ? noun : plural}`

/** `950`, `48k`, `1.2M`. */
export function shortNumber(number: number): string {
  if (number < 1000) return String(number)
  return number < 999_500 ? `${Math.round(number / 1000)}k` : `${(number / 1_000_000).toFixed(1)}M`
}

/** Tab-separated, one line: whatever a field holds cannot make another field or line. */
export const tabbed = (fields: readonly string[]): string => fields.map((field) => printableLine(field)).join('\t')
