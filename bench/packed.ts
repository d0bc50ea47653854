// The package as users get it: packed, unpacked into a folder of its own, without the sources that the launcher would prefer.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the unpacked package's folder. Built here: npm runs no script of a package, also not of this one (.npmrc). */
export function packInto(folder: string, checkout: string): string {
  mkdirSync(folder, { recursive: true })
  run(process.execPath, [join(checkout, 'scripts', 'build.ts')], checkout)
  run('npm', ['pack', '--silent', '--pack-destination', folder], checkout)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`npm pack left nothing in ${folder}`)
  run('tar', ['xf', tarball], folder)
  return join(folder, 'package')
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? ''}${stdout}${stderr}`)
}
