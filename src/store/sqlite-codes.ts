// What SQLite says went wrong: https://sqlite.org/rescode.html

export const SQLITE_ERROR = 1
export const SQLITE_READONLY = 8
export const SQLITE_CORRUPT = 11
export const SQLITE_FULL = 13
export const SQLITE_NOTADB = 26

/** Undefined for what is no error of SQLite. */
export function primaryCode(cause: unknown): number | undefined {
  const code = cause instanceof Error && 'errcode' in cause ? cause.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}
