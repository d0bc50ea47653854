// Nothing of anybody runs because Offstage is installed.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'

const json = (name: string): unknown => JSON.parse(readFileSync(join(packageRoot, name), 'utf8'))

test('the file that the README has made and installed has the name that it gets', () => {
  const { name, version } = json('package.json') as { readonly name: string; readonly version: string }
  const named = readFileSync(join(packageRoot, 'README.md'), 'utf8').match(/offstage-\d[\w.-]*\.tgz/g)
  expect([...new Set(named)]).toEqual([`${name}-${version}.tgz`])
})

test('the package has no install script and pulls in no other package; install scripts of those that it is built with never run', () => {
  const { scripts, ...manifest } = json('package.json') as { scripts: Record<string, string> } & Record<string, unknown>
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare|uninstall)$/.test(name))).toEqual([])
  expect(['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'].filter((name) => name in manifest)).toEqual([])
  expect(readFileSync(join(packageRoot, '.npmrc'), 'utf8').split('\n')).toContain('ignore-scripts=true')
  const { packages } = json('package-lock.json') as { packages: Record<string, { readonly hasInstallScript?: boolean }> }
  // Whoever adds another one looks whether it works without its script.
  const known = ['node_modules/@google/genai', 'node_modules/esbuild', 'node_modules/protobufjs']
  expect(Object.entries(packages).flatMap(([path, { hasInstallScript }]) => (hasInstallScript ? [path] : []))).toEqual(known)
})
