// The bounds as arguments of bubblewrap: a view of the file system of the command's own, in which the last mount over a place counts.

import { isWithin } from '../permission/workspace.ts'
import { type Bounds, byDepth } from './bounds.ts'

/** Places outside of a command's files where others of this user, and of the system, listen. */
export interface SystemPlaces {
  /** Folders with sockets (`/run`), and those that everybody writes (`/tmp`): each becomes a folder of the command's own. */
  readonly own: readonly string[]
  /** Files and folders in them that are needed (who answers names of the network), as they are. */
  readonly kept: readonly string[]
}

interface Mount {
  readonly path: string
  readonly as: readonly string[]
}

/** What stands between `bwrap` and the command. `without`: variables that the command does not get. */
export function bubblewrapArguments(bounds: Bounds, places: SystemPlaces, network: boolean, without: readonly string[]): readonly string[] {
  const mount =
    (as: (path: string) => readonly string[]) =>
    (path: string): Mount => ({ path, as: as(path) })
  const empty = mount((path) => ['--tmpfs', path])
  const readOnly = mount((path) => ['--ro-bind', path, path])
  // Where two speak of one place the later one counts, and sorting keeps their order.
  const mounts = byDepth([
    ...places.own.map(empty),
    ...places.kept.map(readOnly),
    ...bounds.hiddenFolders.map(empty),
    ...bounds.fixed.map(readOnly),
    ...bounds.writable.map(mount((path) => ['--bind', path, path])),
    ...bounds.absent.map(empty),
    ...bounds.hiddenFiles.filter((path) => !bounds.hiddenFolders.some((folder) => isWithin(folder, path))).map(mount((path) => ['--ro-bind', '/dev/null', path])),
  ])
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', ...(network ? [] : ['--unshare-net'])],
    // Without this root would keep the right to mount everything anew.
    ...['--cap-drop', 'ALL', '--new-session', '--die-with-parent'],
    ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
    ...mounts.flatMap(({ as }) => as),
    ...without.flatMap((name) => ['--unsetenv', name]),
    ...['--setenv', 'TMPDIR', '/tmp', '--'],
  ]
}
