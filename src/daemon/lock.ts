// One daemon per home: an exclusive transaction on a small database, held for life. The kernel gives the lock back when the process dies, however it dies.

import { closeSync, existsSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** The lock, or undefined when another process has it. Node has no flock; SQLite's POSIX locks serve. */
export function takeLock(path: string): { release(): void } | undefined {
  // SQLite would make it readable by all that the umask lets.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('pragma journal_mode = delete; begin exclusive')
    return { release: () => database.close() }
  } catch (cause) {
    database.close()
    if (cause instanceof Error && 'errcode' in cause && (cause.errcode === 5 || cause.errcode === 6)) return undefined
    throw cause
  }
}
