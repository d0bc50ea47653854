// npm run release: dist/ anew, the tarball made of it, and a check of the tarball's manifest. Publishing it is left to whoever may.

import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

process.chdir(join(import.meta.dirname, '..'))
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string; version: string }
const tarball = `${name}-${version}.tgz`

run(process.execPath, 'scripts/build.ts')
run('npm', 'pack', '--ignore-scripts', '--loglevel', 'error')
run('publint', 'run', tarball, '--strict')
console.log(`${tarball}: ${(statSync(tarball).size / 1000).toFixed(0)} kB; to publish it: npm publish ${tarball}`)

function run(command: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`, { cause: error })
}
