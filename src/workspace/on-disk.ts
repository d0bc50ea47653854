// One file of a working tree as it lies on the disk: what it is, and whether it is still the same. Never goes through a symbolic link: behind one there is nothing of the tree.

import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { lstat, open, readlink } from 'node:fs/promises'
import { isMissing } from './disk.ts'
import { type Name, at } from './look.ts'

export type OnDisk =
  | { readonly kind: 'absent' }
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly executable: boolean; readonly stats: BigIntStats }
  | { readonly kind: 'link'; readonly stats: BigIntStats }
  | { readonly kind: 'other' }

/** Of one that has other names, the time of its last change also tells that one of those was taken away. */
export function isStill(before: OnDisk, now: OnDisk): boolean {
  const hasNames = 'stats' in before && before.stats.nlink > 1n
  const stamp = (disk: OnDisk): string =>
    'stats' in disk ? [disk.kind, disk.stats.ino, disk.stats.size, disk.stats.mtimeNs, hasNames ? '' : disk.stats.ctimeNs, disk.stats.mode].join(' ') : disk.kind
  return stamp(before) === stamp(now)
}

/** `a`, `a/b` of `a/b/c`. */
export const parentsOf = (name: Name): readonly Name[] => Array.from(name.matchAll(/\//g), ({ index }) => name.slice(0, index))

export async function diskAt(top: string, name: Name): Promise<OnDisk> {
  for (const parent of parentsOf(name)) if ((await kindAt(top, parent)).kind !== 'folder') return { kind: 'absent' }
  return kindAt(top, name)
}

async function kindAt(top: string, name: Name): Promise<OnDisk> {
  try {
    const stats = await lstat(at(top, name), { bigint: true })
    if (stats.isDirectory()) return { kind: 'folder' }
    if (stats.isSymbolicLink()) return { kind: 'link', stats }
    return stats.isFile() ? { kind: 'file', executable: (stats.mode & 0o100n) !== 0n, stats } : { kind: 'other' }
  } catch (cause) {
    if (isMissing(cause)) return { kind: 'absent' }
    throw cause
  }
}

/** The first parent that is there and is no folder. */
export async function blockedBy(top: string, name: Name): Promise<Name | undefined> {
  for (const parent of parentsOf(name)) {
    const { kind } = await kindAt(top, parent)
    if (kind === 'absent') return undefined
    if (kind !== 'folder') return parent
  }
  return undefined
}

/** The id that git would give these very bytes. */
export async function rawIdOf(top: string, name: Name, disk: OnDisk, format: string): Promise<string> {
  const hash = createHash(format)
  if (disk.kind === 'link') {
    const target = await readlink(at(top, name), 'buffer')
    return hash.update(`blob ${target.length}\0`).update(target).digest('hex')
  }
  await using file = await open(at(top, name), 'r')
  hash.update(`blob ${(await file.stat()).size}\0`)
  for await (const piece of file.createReadStream({ autoClose: false })) hash.update(piece)
  return hash.digest('hex')
}
