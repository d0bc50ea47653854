// Programs that the own agent starts by itself, asked by nobody: where they are, and that a repository did not bring them along.

import { delimiter, isAbsolute, join } from 'node:path'
import type { Environment } from '../config/paths.ts'
import { isExecutable } from '../config/programs.ts'
import { isWithin } from './permission/workspace.ts'
import { real } from './sandbox/bounds.ts'

/** By its absolute path, so that PATH decides once. Never one that lies in any of these folders, which are absolute and without links, wherever on PATH it stands. */
export const programOutside = (name: string, env: Environment, folders: readonly string[]): string | undefined =>
  (env['PATH'] ?? '')
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .find((path) => isExecutable(path) && !folders.some((folder) => isWithin(folder, real(path) ?? path)))
