// npm run bench: the figures, printed as a table and kept as JSON in bench/results/.
//   npm run bench -- [NAME...] [--package FOLDER]     only these groups; an unpacked package instead of this checkout
// What each figure means and how it is measured: README.md.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { agent } from './agent.ts'
import { attach } from './attach.ts'
import { echo } from './echo.ts'
import { type Figure, table } from './figure.ts'
import type { Group } from './group.ts'
import { hostile } from './hostile.ts'
import { idle } from './idle.ts'
import { busyWarning, describeMachine, machineLines } from './machine.ts'
import { ownAgent } from './own-agent.ts'
import { packInto } from './packed.ts'
import { screens } from './screens.ts'
import { start } from './start.ts'
import { throughput } from './throughput.ts'
import { workspace } from './workspace.ts'

const groups: Readonly<Record<string, Group>> = { start, attach, echo, idle, throughput, agent, 'own-agent': ownAgent, hostile, screens, workspace }

const { values, positionals } = parseArgs({ options: { package: { type: 'string' } }, allowPositionals: true })
const unknown = positionals.find((name) => !Object.hasOwn(groups, name))
if (unknown !== undefined) {
  console.error(`there is no group "${unknown}": ${Object.keys(groups).join(', ')}`)
  process.exit(2)
}

const startedMs = performance.now()
const startedAt = new Date().toISOString()
const machine = await describeMachine(tmpdir())
const warning = busyWarning(machine)
console.log(machineLines(machine))
if (warning !== undefined) console.log(`WARNING: ${warning}`)
if (machine.tmux === null) console.log('tmux is not installed: its columns stay empty')

const temporary = mkdtempSync(join(tmpdir(), 'ob-package-'))
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }))
const packageFolder = values.package === undefined ? packInto(temporary, join(import.meta.dirname, '..')) : resolve(values.package)
const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string }

let lifetime = new AsyncDisposableStack()
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(name, () => void lifetime.disposeAsync().finally(() => process.exit(code)))

const figures: Figure[] = []
for (const [name, group] of Object.entries(groups)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const groupMs = performance.now()
  lifetime = new AsyncDisposableStack()
  try {
    figures.push(...(await group({ packageFolder, machine, lifetime })))
  } finally {
    await lifetime.disposeAsync()
  }
  console.error(`${name}: ${((performance.now() - groupMs) / 1000).toFixed(0)} s`)
}

console.log(`\n${table(figures)}\n`)
const seconds = (performance.now() - startedMs) / 1000
const results = join(import.meta.dirname, 'results')
mkdirSync(results, { recursive: true })
const file = join(results, `${startedAt.slice(0, 19).replaceAll(':', '-')}.json`)
writeFileSync(file, `${JSON.stringify({ startedAt, seconds, version, machine, warning: warning ?? null, figures }, null, 2)}\n`)
console.log(`${seconds.toFixed(0)} s; kept in ${file}`)
if (warning !== undefined) console.log(`WARNING: ${warning}`)
