// npm run dev -- VERB ...: offstage from these sources, in a home of the checkout's own (.dev/), so that your real sessions and daemon are not touched.

import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const home = join(root, '.dev')
mkdirSync(home, { recursive: true, mode: 0o700 })
const { status, signal } = spawnSync(process.execPath, [join(root, 'bin', 'offstage.cjs'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, OFFSTAGE_HOME: join(home, 'home'), OFFSTAGE_CONFIG: join(home, 'config.toml') },
})
process.exitCode = signal === null ? (status ?? 1) : 1
