import { chmod, cp, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { keeperBinary, KeeperUnavailable, sourceHash } from '../../src/keeper/keeper-binary.ts'
import { root, startRun, temporaryFolder } from './keepers.ts'

const source = join(root, 'src/keeper/native/keeper.c')
const prebuiltName = `keeper-${process.platform}-${process.arch}`

async function packageWith(folder: string, files: { source?: boolean; prebuilt?: { sha256?: string } }): Promise<string> {
  const native = join(folder, 'package/dist/native')
  await mkdir(native, { recursive: true })
  if (files.source) await cp(source, join(native, 'keeper.c'))
  if (files.prebuilt) {
    await writeFile(join(native, prebuiltName), '#!/bin/sh\n')
    await chmod(join(native, prebuiltName), 0o755)
    if (files.prebuilt.sha256 !== undefined) await writeFile(join(native, `${prebuiltName}.sha256`), `${files.prebuilt.sha256}\n`)
  }
  return join(folder, 'package')
}

test('the prebuilt program is used when it is of this source, or there is no source', async () => {
  for (const files of [{ source: true, prebuilt: { sha256: await sourceHash(source) } }, { prebuilt: {} }]) {
    await using folder = await temporaryFolder()
    const packageRoot = await packageWith(folder.path, files)
    expect(await keeperBinary({ packageRoot, cacheDir: join(folder.path, 'cache') })).toBe(join(packageRoot, 'dist/native', prebuiltName))
    expect(await readdir(folder.path)).toEqual(['package'])
  }
})

test('else it is compiled once, also by two at the same time, into a folder of ours', async () => {
  await using folder = await temporaryFolder()
  const packageRoot = await packageWith(folder.path, { source: true, prebuilt: { sha256: 'of another source' } })
  const cacheDir = join(folder.path, 'a/cache')
  const [first, second] = await Promise.all([keeperBinary({ packageRoot, cacheDir }), keeperBinary({ packageRoot, cacheDir })])
  expect(first).toBe(join(cacheDir, `keeper-${(await sourceHash(source)).slice(0, 16)}`))
  expect(second).toBe(first)
  expect(await readdir(cacheDir)).toEqual([first.slice(cacheDir.length + 1)])
  expect((await stat(cacheDir)).mode & 0o777).toBe(0o700)
  await using run = await startRun(['true'], { binary: first })
  expect((await (await run.connect()).exited)?.exit).toEqual({ kind: 'code', code: 0 })
})

test('without a compiler, or without anything to compile, it says what to install', async () => {
  await using folder = await temporaryFolder()
  const cacheDir = join(folder.path, 'cache')
  vi.stubEnv('PATH', folder.path)
  try {
    const attempt = keeperBinary({ packageRoot: await packageWith(folder.path, { source: true }), cacheDir })
    await expect(attempt).rejects.toThrow(/no C compiler: install one with "(apt install gcc|xcode-select)/)
    await expect(keeperBinary({ packageRoot: join(folder.path, 'empty'), cacheDir })).rejects.toBeInstanceOf(KeeperUnavailable)
    expect(await readdir(cacheDir)).toEqual([])
  } finally {
    vi.unstubAllEnvs()
  }
})
