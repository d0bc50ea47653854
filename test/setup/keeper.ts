// Before the first test: the keeper is built once into dist/native, as for a tarball, so that no test compiles one in a home of its own.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/config/package-root.ts'
import { sourceHash } from '../../src/keeper/keeper-binary.ts'

export default async function buildKeeper(): Promise<void> {
  const binary = join(packageRoot, 'dist', 'native', `keeper-${process.platform}-${process.arch}`)
  const built = existsSync(`${binary}.sha256`) ? readFileSync(`${binary}.sha256`, 'utf8').trim() : ''
  if (built === (await sourceHash(join(packageRoot, 'src', 'keeper', 'native', 'keeper.c')))) return
  const { status, stderr } = spawnSync(process.execPath, [join(packageRoot, 'scripts', 'build-keeper.ts')], { encoding: 'utf8' })
  // Where static linking is not possible it is compiled on first use, as on any such machine.
  if (status !== 0) console.warn(`no static keeper could be built: ${stderr.trim().split('\n').at(-1)}`)
}
