// Programs as they are found on PATH, and what the package that they were installed with says of its version. Runs nothing.

import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { packageRoot } from './package-root.ts'

/** Where it is, if it can be executed. A path that is relative is so to the run's directory, which is not known here: its start will tell. */
export function findProgram(program: string, path = '/usr/bin:/bin'): string | undefined {
  if (program.includes('/')) return !isAbsolute(program) || isExecutable(program) ? program : undefined
  // An empty part would mean the current directory.
  const folder = path.split(':').find((one) => one !== '' && isExecutable(join(one, program)))
  return folder === undefined ? undefined : join(folder, program)
}

export const isInstalled = (program: string, path: string | undefined): boolean => findProgram(program, path) !== undefined

/** Without what a checkout of Offstage is built with, which npm puts first: an agent is among that, and it is not the user's. */
export const usersPath = (path: string | undefined): string | undefined =>
  path
    ?.split(':')
    .filter((folder) => folder !== join(packageRoot, 'node_modules', '.bin'))
    .join(':')

// Most of these places have no such file, and an exception costs a hundred times as much as the answer.
export function isExecutable(file: string): boolean {
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return false
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** So far from a program to its package.json. */
const mostFolders = 5

/** Of the npm package that the program belongs to, if `isMeant` knows its name; undefined for any other. Known in a fraction of a millisecond, where asking the program takes seconds. */
export function packagedVersion(program: string, path: string | undefined, isMeant: (name: string) => boolean): string | undefined {
  const found = findProgram(program, path)
  if (found === undefined || !isAbsolute(found)) return undefined
  try {
    let folder = dirname(realpathSync(found))
    for (let step = 0; step < mostFolders && basename(folder) !== 'node_modules'; step++, folder = dirname(folder)) {
      const version = versionIn(join(folder, 'package.json'), isMeant)
      if (version !== undefined) return version
    }
  } catch {
    // Gone meanwhile, or not ours to read: not known.
  }
  return undefined
}

function versionIn(file: string, isMeant: (name: string) => boolean): string | undefined {
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  const [name, version] = ['name', 'version'].map((key) => new RegExp(`"${key}"\\s*:\\s*"([^"]+)"`).exec(text)?.[1])
  return name !== undefined && version !== undefined && isMeant(name) ? versionOf(version) : undefined
}

/** The first number with dots in a text. */
export const versionOf = (text: string): string | undefined => /\d+(?:\.\d+)+/.exec(text)?.[0]

/** Missing parts count as 0. */
export function isOlder(version: string, than: string): boolean {
  const parts = version.split('.').map(Number)
  const least = than.split('.').map(Number)
  const differs = least.findIndex((part, index) => part !== (parts[index] ?? 0))
  return differs >= 0 && (parts[differs] ?? 0) < (least[differs] ?? 0)
}
