// What the disk says: whether something is there, what an error of it means, and when what was written outlives a power cut.

import { lstat, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Such as `ENOENT`. */
export const codeOf = (cause: unknown): string | undefined => (cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined)

export const hasCode = (cause: unknown, ...codes: readonly string[]): boolean => codes.includes(codeOf(cause) ?? '')

/** Nothing is there; also behind a link that leads in a circle. */
export const isMissing = (cause: unknown): boolean => hasCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP')

/** For `catch`: this, where nothing is there, or where the error is one of `also`. What cannot be read is not taken for what is not there. */
export const ifMissing =
  <T>(instead: T, ...also: readonly string[]) =>
  (cause: unknown): T => {
    if (!isMissing(cause) && !hasCode(cause, ...also)) throw cause
    return instead
  }

/** Also a link that leads nowhere. Throws where it cannot be told. */
export const isThere = (path: string): Promise<boolean> => lstat(path).then(() => true, ifMissing(false))

/** Behind links too. What cannot be looked at is not. */
export const canBeFound = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** So that names in it outlive a power cut. Not every file system can; a folder that is gone has none. */
export async function syncFolder(path: string | Buffer): Promise<void> {
  try {
    await using folder = await open(path, 'r')
    await folder.sync()
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'EACCES', 'EINVAL', 'ENOTSUP', 'EPERM')) throw cause
  }
}

/** Durable: the old text or the new one. By one writer at a time. */
export async function replaceFile(path: string, text: string, mode = 0o666): Promise<void> {
  const fresh = `${path}.new`
  {
    await using file = await open(fresh, 'w', mode)
    await file.writeFile(text)
    await file.sync()
  }
  await rename(fresh, path)
  await syncFolder(dirname(path))
}
