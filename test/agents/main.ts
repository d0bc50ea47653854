// npm run test:agents [-- NAME... OPTION...]: Offstage with real agents and a scripted model. In three steps: the agents are installed into node_modules/.cache,
// once a version; a network that has nothing but loopback is made, where the system lets a user do that; the tests run in it.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { install, packages } from './installed.ts'

const words = process.argv.slice(2)
const names = words.filter((word) => !word.startsWith('-'))
const options = words.filter((word) => word.startsWith('-'))

for (const name of Object.keys(packages).filter((one) => names.length === 0 || names.includes(one))) {
  const failed = install(name)
  if (failed !== undefined) console.error(`${name} cannot be installed, and its tests are skipped: ${failed}`)
}

const apart = ['unshare', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
const run = (words: readonly string[]) => spawnSync(words[0] ?? '', words.slice(1), { stdio: 'inherit' })
const canBeApart = run([...apart, 'true']).status === 0
if (!canBeApart) console.error('this system makes no network of its own for a user: that nothing else is called is told by a proxy only')

const files = names.map((name) => `test/agents/${name}.test.ts`)
const vitest = ['vitest', 'run', '--config', join(import.meta.dirname, 'vitest.config.ts'), ...files, ...options]
process.exitCode = run([...(canBeApart ? apart : []), ...vitest]).status ?? 1
