// Nothing of anybody runs because Offstage is installed.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'

const json = (name: string): unknown => JSON.parse(readFileSync(join(packageRoot, name), 'utf8'))

test('the package has no install script and pulls in no other package; none that it is built with has an install script', () => {
  const { scripts, ...manifest } = json('package.json') as { scripts: Record<string, string> } & Record<string, unknown>
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare|uninstall)$/.test(name))).toEqual([])
  expect(['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'].filter((name) => name in manifest)).toEqual([])
  const { packages } = json('package-lock.json') as { packages: Record<string, { readonly hasInstallScript?: boolean }> }
  expect(Object.keys(packages).length).toBeGreaterThan(10)
  expect(Object.entries(packages).flatMap(([path, { hasInstallScript }]) => (hasInstallScript ? [path] : []))).toEqual([])
})
