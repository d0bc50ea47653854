// Where this package lies and where its programs are, the same question in a checkout (src/*/x.ts) and in a published package (dist/*/x.js).
// Both trees have this code exactly two folders below the package's root; scripts/build.ts keeps it so.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Absolute path of the folder that holds package.json, without a slash at its end. */
export const packageRoot: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** Whether this is a checkout, run from its sources. */
export const isCheckout: boolean = import.meta.url.endsWith('.ts')

/** The version in package.json. */
export const packageVersion: string = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version

/** With how each ends in a published package. */
const programs = {
  cli: ['cli/main', 'cjs'],
  daemon: ['daemon/main', 'js'],
  'scripted-agent': ['demo/scripted-agent', 'js'],
  models: ['agent/models', 'js'],
  agent: ['agent/main', 'js'],
} as const

/** Absolute path of a program of ours: the .ts file in a checkout, the compiled one in a published package. Run it with `process.execPath`. */
export function entry(name: keyof typeof programs): string {
  const [file, ending] = programs[name]
  return isCheckout ? join(packageRoot, 'src', `${file}.ts`) : join(packageRoot, 'dist', `${file}.${ending}`)
}
