// Keepers of earlier releases live on after an upgrade: today's client works with each of them, as with its own.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { keeperContract } from './keeper-contract.ts'
import { root } from './keepers.ts'
import { logLimitsContract } from './log-limits-contract.ts'
import { revivalContract } from './revival-contract.ts'

const folder = join(root, 'test/frozen')
const frozen = readdirSync(folder).filter((name) => /^keeper-\d+-\w+-\w+$/.test(name))
const ours = frozen.filter((name) => name.endsWith(`-${process.platform}-${process.arch}`))

test('a frozen keeper is never changed, and stays small', () => {
  expect(frozen).toContain('keeper-1-linux-x64')
  for (const name of frozen) {
    const bytes = readFileSync(join(folder, name))
    expect(`${createHash('sha256').update(bytes).digest('hex')}\n`).toBe(readFileSync(join(folder, `${name}.sha256`), 'utf8'))
    expect(bytes.length).toBeLessThan(90_000)
  }
})

describe.concurrent.each(ours)('%s', (name) => {
  const binary = join(folder, name)
  keeperContract(binary)
  logLimitsContract(binary)
  revivalContract(binary)
})
