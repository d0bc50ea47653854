// What an agent's error says of a rate limit, as agents and providers word it. A hint for a person; nothing is sent again because of it.

const limited =
  /\brate[ _-]?limit|\busage[ _-]?limit|(?<!disk )\bquota\b|\bresource[ _]exhausted|\btoo many requests|\b429\b|\blimit (?:was |has been )?reached|\bhit your .{0,40}\blimit/i
/** `resets at 3pm (Europe/Berlin)`, `try again in 20s`, `retry after 30 seconds`. */
const reset = /\b(?:resets?|try again|retry|available again)\s{1,9}((?:(?:at|in|on|after)\s{1,9}|(?=\d))[^,;|\n]{1,60}?)(?=\.\s|\.$|[,;|\n]|$)/i
/** Claude Code adds the time in seconds since 1970. */
const resetStamp = /\|(\d{10})\b/

/** What to add to the error, or nothing if it is no rate limit. */
export function limitHint(said: string): string {
  if (!limited.test(said)) return ''
  const stamp = resetStamp.exec(said)?.[1]
  const when = stamp === undefined ? reset.exec(said)?.[1]?.trim() : `at ${new Date(Number(stamp) * 1000).toISOString()}`
  return `; a rate limit: send the prompt again when it is over${when === undefined ? '' : ` (${when})`}`
}
