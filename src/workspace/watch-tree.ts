// Tells when something is written in a working tree: a hint, git is the truth. The system says it folder by folder (inotify(7), FSEvents), nobody looks around. Folders that git ignores are passed over, or a build would be news without end.

import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import { type GitDeps, runGit } from './git.ts'
import { bytesOf, nameOf } from './look.ts'
import { nulPieces } from './paths.ts'
import { type TreeWatch, WorkspaceFailed } from './workspaces.ts'

/** Of one tree, those nearest to its top: the system has a limit for all programs of a user, often 8,192, and 20 trees are watched at most. */
const mostFolders = 300

export function watchTree(deps: GitDeps, top: string, touched: () => void): TreeWatch {
  const watched = new Map<string, FSWatcher>()
  let isOver = false
  // Something came or went since the folders were listed.
  let isStale = true
  const forget = (folder: string): void => {
    for (const [one, watcher] of watched) {
      if (one !== folder && !one.startsWith(`${folder}/`)) continue
      watcher.close()
      watched.delete(one)
    }
  }
  const begin = (folder: string): void => {
    const watcher = watch(join(top, folder), { persistent: false }, (kind, name) => {
      // It may be a folder that went: one that comes by the same name is another one.
      if (kind === 'rename') {
        isStale = true
        if (name !== null && watched.has(join(folder, name))) forget(join(folder, name))
      }
      touched()
    })
    // It is gone, mostly.
    watcher.on('error', () => forget(folder))
    watched.set(folder, watcher)
  }
  return {
    refresh: async (signal) => {
      if (!isStale) return
      isStale = false
      const folders = await foldersOf(deps, top, signal).catch((cause: unknown) => {
        isStale = true
        throw cause
      })
      if (isOver) return
      for (const folder of watched.keys()) if (!folders.has(folder)) forget(folder)
      for (const folder of folders) if (!watched.has(folder)) beginOr(() => begin(folder), top)
    },
    [Symbol.dispose]: () => {
      isOver = true
      for (const watcher of watched.values()) watcher.close()
      watched.clear()
    },
  }
}

function beginOr(begin: () => void, top: string): void {
  try {
    begin()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    // Listed, and not there: it was deleted, or is left out of a sparse tree.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return
    throw new WorkspaceFailed('failed', `${top} cannot be watched any further: ${String(code)}`, {
      hint: 'the system lets you watch no more folders (sysctl fs.inotify.max_user_watches)',
      cause,
    })
  }
}

/** Those with files that git knows or would add, and the ones above them; the empty name is the top. */
async function foldersOf(deps: GitDeps, top: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { bytes } = await runGit(deps, ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: top }, signal)
  const found = new Set([''])
  for (const piece of nulPieces(bytes)) {
    const name = nameOf(piece)
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      const folder = name.slice(0, end)
      if (found.has(folder)) break
      found.add(folder)
    }
  }
  const depth = (folder: string): number => (folder === '' ? 0 : folder.split('/').length)
  const nearest = [...found].toSorted((one, other) => depth(one) - depth(other)).slice(0, mostFolders)
  return new Set(nearest.map((folder) => bytesOf(folder).toString('utf8')))
}
