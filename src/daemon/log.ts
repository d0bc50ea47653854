// The daemon's log: JSON lines with time, level and facts. People see events; this is for whoever looks into the daemon itself.

import { appendFileSync, renameSync, statSync } from 'node:fs'

const maxBytes = 10 * 1024 * 1024

export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

/** Appends to this file; one that has grown over 10 MB when the daemon starts is kept once as `FILE.1`. A full disk loses log lines, nothing else. */
export function openLog(path: string): Log {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxBytes) renameSync(path, `${path}.1`)
  const write = (level: string, facts: object, message: string): void => {
    try {
      appendFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), level, pid: process.pid, message, ...facts })}\n`, { mode: 0o600 })
    } catch {
      // Nowhere to say it.
    }
  }
  return { info: (facts, message) => write('info', facts, message), warn: (facts, message) => write('warn', facts, message) }
}
