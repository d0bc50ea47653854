// npm run check: everything that can be said in under a minute, all at once, each part's output only if it failed.
// format; lint; types of everything, then of each layer that has a tsconfig.json of its own; unused code; the tests that start no program (boundaries among them).

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'

process.chdir(join(import.meta.dirname, '..'))

// A test that spins cannot be ended from within.
const limitMs = 120_000

const layers = globSync('src/*/tsconfig.json').toSorted().map(dirname)
const parts: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format', 'oxfmt', '--check', '.'],
  ['lint', 'oxlint', '--deny-warnings', '.'],
  ['types', 'tsc', '-p', '.'],
  ...layers.map((folder) => [`types of ${folder}`, 'tsc', '-p', folder] as const),
  ['unused', 'knip'],
  ['pure tests', 'vitest', 'run', '--project', 'pure'],
]

const startedMs = performance.now()
const failed = (await Promise.all(parts.map(run))).filter((passed) => !passed).length
console.log(`${failed === 0 ? 'all good' : `${failed} of ${parts.length} failed`}, ${seconds(startedMs)}`)
process.exitCode = failed === 0 ? 0 : 1

async function run([name, command, ...args]: (typeof parts)[number]): Promise<boolean> {
  const partStartedMs = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL', env: { ...process.env, NO_COLOR: '1' } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const { promise, resolve } = Promise.withResolvers<boolean>()
  child.on('error', (error) => {
    output += `${error.message}: run it with "npm run check", after "npm ci"\n`
    resolve(false)
  })
  child.on('close', (code, signal) => {
    if (signal !== null) output += `ended by ${signal} after ${seconds(partStartedMs)}\n`
    resolve(code === 0)
  })
  const passed = await promise
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name}, ${seconds(partStartedMs)}`)
  if (!passed) console.log(output.trimEnd())
  return passed
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
}
