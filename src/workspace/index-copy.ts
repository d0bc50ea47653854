// Copies of a tree's index: the user's own is only read. What git learns of the files while it looks through one is kept for the next look. Without that it would read every file of a fresh worktree
// again each time: they are as new as its index, and by time alone git cannot tell that they did not change since (racy-git in git's technical documentation).

import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isMissing } from './disk.ts'

interface Refreshed {
  /** As `versionOf` says of the tree's own index. */
  readonly version: string
  readonly path: string
  readonly bytes: number
}

/** By git directory, the one used last at the end. They lie among what goes with this process (open-tree.ts). */
export type RefreshedIndexes = Map<string, Refreshed>

export interface IndexCopy {
  /** Keeps the copy as it is now, where git has written what it learned into it. */
  readonly keep: () => Promise<void>
}

const most = { indexes: 32, bytes: 256 * 1024 ** 2 }
/** Of one that is newer, another version may have the same times. */
const settledMs = 1000

/** `to`: in a scratch folder; whatever is written there afterwards must come by a rename, as git does it. */
export async function copyIndexToLook(refreshed: RefreshedIndexes, gitDir: string, to: string): Promise<IndexCopy> {
  const before = await versionOf(gitDir)
  const kept = refreshed.get(gitDir)
  const isLinked =
    kept !== undefined &&
    kept.version === before?.version &&
    (await link(kept.path, to).then(
      () => true,
      () => false,
    ))
  if (!isLinked) await copyIndex(gitDir, to)
  // Another look may have replaced it meanwhile.
  else if (refreshed.get(gitDir) === kept && refreshed.delete(gitDir)) refreshed.set(gitDir, kept)
  const copied = await stat(to, { bigint: true }).catch(() => undefined)
  return {
    keep: async () => {
      const now = await stat(to, { bigint: true }).catch(() => undefined)
      if (!now || !before || now.ino === copied?.ino || Date.now() - before.writtenMs < settledMs) return
      // Another one may have come before it was copied.
      if ((await versionOf(gitDir))?.version !== before.version) return
      const path = join(dirname(dirname(to)), `${process.pid}-${randomUUID()}.index`)
      const isKept = await link(to, path).then(() => true, () => false) // prettier-ignore
      if (isKept) await replace(refreshed, gitDir, { version: before.version, path, bytes: Number(now.size) })
    },
  }
}

async function replace(refreshed: RefreshedIndexes, gitDir: string, by: Refreshed): Promise<void> {
  const old = refreshed.get(gitDir)
  refreshed.delete(gitDir)
  refreshed.set(gitDir, by)
  let bytes = [...refreshed.values()].reduce((sum, one) => sum + one.bytes, 0)
  const gone = old ? [old] : []
  for (const [key, one] of refreshed) {
    if (refreshed.size <= most.indexes && bytes <= most.bytes) break
    refreshed.delete(key)
    bytes -= one.bytes
    gone.push(one)
  }
  await Promise.all(gone.map(({ path }) => rm(path, { force: true })))
}

/** Each write of git's is a new file. Undefined: nothing was ever added. */
async function versionOf(gitDir: string): Promise<{ readonly version: string; readonly writtenMs: number } | undefined> {
  const found = await stat(join(gitDir, 'index'), { bigint: true }).catch((cause: unknown) => {
    if (isMissing(cause)) return undefined
    throw cause
  })
  return found && { version: [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' '), writtenMs: Number(found.mtimeMs) }
}

/** Gives when it was written, and gives the copy that time: by it git tells entries that may have changed without looking so. Undefined: nothing was ever added. */
export async function copyIndex(gitDir: string, to: string): Promise<Date | undefined> {
  const from = join(gitDir, 'index')
  try {
    const { mtimeMs } = await stat(from)
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    const written = new Date(Math.floor(mtimeMs))
    await utimes(to, written, written)
    return written
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
}
