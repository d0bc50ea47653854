// When a limit of a provider is reset, by what its headers and its text say. Pure. Everything that is said may be wrong: what is more than a month away is not believed, what is past is now.

export interface Said {
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const longestMs = 35 * 86_400_000

/** Milliseconds of the clock, or null when nobody says. */
export function resetOf(said: Said, nowMs: number): number | null {
  const candidates = [() => retryAfter(said.headers, nowMs), () => exhausted(said.headers, nowMs), () => inText(said.text, nowMs), () => anyReset(said.headers, nowMs)]
  for (const candidate of candidates) {
    const untilMs = candidate()
    if (untilMs !== undefined && Number.isFinite(untilMs) && untilMs <= nowMs + longestMs) return Math.max(nowMs, Math.ceil(untilMs))
  }
  return null
}

function retryAfter(headers: Said['headers'], nowMs: number): number | undefined {
  const ms = decimal(headers['retry-after-ms'])
  if (ms !== undefined) return nowMs + ms
  const after = headers['retry-after']
  const seconds = decimal(after)
  return seconds === undefined ? dated(after) : nowMs + seconds * 1000
}

// Anthropic: `anthropic-ratelimit-KIND-reset` and `-remaining`, a date. OpenAI: `x-ratelimit-reset-KIND` and `x-ratelimit-remaining-KIND`, a duration. Others: `x-ratelimit-reset`, in one of three units.
const resetName = /^(anthropic-ratelimit-(?:.+-)?|x-ratelimit-|ratelimit-)reset(-.+)?$/

/** Of the limits that have nothing left, the one that is reset last. */
function exhausted(headers: Said['headers'], nowMs: number): number | undefined {
  return latest(
    Object.entries(headers).flatMap(([name, value]) => {
      const [, before, after = ''] = resetName.exec(name) ?? []
      const left = decimal(headers[`${before}remaining${after}`])
      const status = headers[`${before}status`]
      return before !== undefined && (left === 0 || status === 'rejected') ? [moment(value, nowMs)] : []
    }),
  )
}

const anyReset = (headers: Said['headers'], nowMs: number): number | undefined =>
  latest(Object.entries(headers).flatMap(([name, value]) => (resetName.test(name) ? [moment(value, nowMs)] : [])))

function latest(all: readonly (number | undefined)[]): number | undefined {
  const known = all.filter((one) => one !== undefined && Number.isFinite(one)).map(Number)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** A date, a duration, or a number: of milliseconds or of seconds since 1970, or of seconds from now. */
function moment(value: string, nowMs: number): number | undefined {
  const number = decimal(value)
  if (number !== undefined) return number > 1e12 ? number : number > 1e9 ? number * 1000 : nowMs + number * 1000
  const span = durationMs(value)
  return span === undefined ? dated(value) : nowMs + span
}

const dated = (value: string | undefined): number | undefined => {
  const at = value === undefined || !/\d{4}/.test(value) ? Number.NaN : Date.parse(value)
  return Number.isNaN(at) ? undefined : at
}

const decimal = (value: string | undefined): number | undefined => (value !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined)

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `20ms`, `1.5s`, `6m0s`, `1h 2m`, `3 hours 5 minutes`, `2 days`. */
function durationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])/gi)]
  if (parts.length === 0 || text.replaceAll(/[\s,]|and/g, '').length !== parts.reduce((length, [part]) => length + part.replaceAll(/\s/g, '').length, 0)) return undefined
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitMs[/^m(s|illi)/i.test(unit) ? 'ms' : (unit[0] ?? '').toLowerCase()] ?? 0), 0)
}

function inText(text: string, nowMs: number): number | undefined {
  // OpenAI's usage limits, and OpenRouter, which repeats its headers.
  const at = /"(?:resets_at|x-ratelimit-reset)":\s*"?(\d+)/i.exec(text)?.[1]
  if (at !== undefined) return moment(at, nowMs)
  const seconds = /"(?:resets_in_seconds|retry_after(?:_seconds)?)":\s*"?(\d+(?:\.\d+)?)/i.exec(text)?.[1] ?? /Server requested (\d+)s retry delay/.exec(text)?.[1]
  if (seconds !== undefined) return nowMs + Number(seconds) * 1000
  // Google's RetryInfo.
  const delay =
    /"retryDelay":\s*"([\d.]+s)"/.exec(text)?.[1] ??
    /(?:try again|retry|resets?|available(?: again)?) (?:in|after) (?:about |approximately )?((?:\d+(?:\.\d+)?\s*[a-z]+[\s,]*(?:and )?)+)/i.exec(text)?.[1]
  const span = delay === undefined ? undefined : leadingDuration(delay)
  if (span !== undefined) return nowMs + span
  const epoch = /limit reached\|(\d{10,13})\b/.exec(text)?.[1]
  if (epoch !== undefined) return moment(epoch, nowMs)
  const date = /\b(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d| UTC)?)/.exec(/(?:resets?|until|after|again)\b[^]*/i.exec(text)?.[0] ?? '')?.[1]
  // Whoever leaves the zone out of a date means UTC.
  if (date !== undefined) return dated(/(?:Z|[+-]\d\d:?\d\d)$/.test(date) ? date : `${date.replace(/ UTC$/, '').replace(' ', 'T')}Z`)
  return timeOfDay(text, nowMs)
}

/** Of `20s. Visit https://…` only the first two characters are one. */
function leadingDuration(text: string): number | undefined {
  const words = text.trim().match(/\d+(?:\.\d+)?\s*[a-z]+/gi) ?? []
  const units = words.findIndex((word) => durationMs(word) === undefined)
  const compact = words.slice(0, units === -1 ? words.length : units).join(' ')
  return durationMs(compact)
}

/** `resets 3pm`, `resets at 3:30 PM (Europe/Berlin)`, `until 15:00 UTC`: the next time that a clock there, or here, shows it. */
function timeOfDay(text: string, nowMs: number): number | undefined {
  const found = /(?:resets?|until|again)\s+(?:at\s+)?(\d{1,2})(?::(\d\d))?\s*(am|pm)?\b\s*(?:\(?([A-Z][A-Za-z_]+\/[A-Za-z_/]+|UTC|GMT)\)?)?/i.exec(text)
  const [, hours = '', minutes, half, zone] = found ?? []
  if (!found || (minutes === undefined && half === undefined)) return undefined
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
  const minute = Number(minutes ?? 0)
  if (hour > 23 || minute > 59) return undefined
  const now = minuteOfDay(nowMs, zone)
  if (now === undefined) return undefined
  // What is reset this minute is reset in the next: clocks differ.
  const inMinutes = Math.max(1, (hour * 60 + minute - now + 1440) % 1440)
  return (Math.floor(nowMs / 60_000) + inMinutes) * 60_000
}

function minuteOfDay(nowMs: number, timeZone: string | undefined): number | undefined {
  try {
    const shown = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(timeZone === undefined ? {} : { timeZone }) }).format(nowMs)
    const [hour = 0, minute = 0] = shown.split(':').map(Number)
    return hour * 60 + minute
  } catch {
    return undefined
  }
}
