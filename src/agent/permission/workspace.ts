// Where a path really lies: inside the workspace of a session or not, with every symbolic link followed the way the system follows it.

import { readlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, sep } from 'node:path'

export interface Place {
  /** Absolute, links followed. */
  readonly path: string
  readonly inside: boolean
}

export interface Workspace {
  /** Absolute, links followed. */
  readonly root: string
  /** A path as a model or a command writes it: absolute, relative to the root, or from `~`. */
  readonly place: (path: string) => Place
}

export function workspaceAt(cwd: string): Workspace {
  const root = follow(sep, cwd)
  const place = (path: string): Place => {
    // Somebody else's home.
    if (/^~[^/]/.test(path)) return { path, inside: false }
    const expanded = path.startsWith('~') ? homedir() + path.slice(1) : path
    const real = follow(isAbsolute(expanded) ? sep : root, expanded)
    return { path: real, inside: isWithin(root, real) }
  }
  return { root, place }
}

export const isWithin = (folder: string, path: string): boolean => path === folder || path.startsWith(folder === sep ? sep : `${folder}${sep}`)

const mostLinks = 40

/** `link/..` is the folder above what the link leads to, as the system sees it. What does not exist is taken as it is written. */
function follow(from: string, path: string): string {
  let links = 0
  const walk = (start: string, rest: string): string =>
    rest.split(sep).reduce((at, part) => {
      if (part === '' || part === '.') return at
      if (part === '..') return dirname(at)
      const next = join(at, part)
      const target = links < mostLinks ? linkAt(next) : undefined
      if (target === undefined) return next
      links++
      return walk(isAbsolute(target) ? sep : at, target)
    }, start)
  return walk(from, path)
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
