import { describe, expect, test } from 'vitest'
import { commandDriver } from '../../src/drivers/command.ts'
import type { Launch } from '../../src/drivers/driver.ts'
import { drivers } from '../../src/drivers/index.ts'
import { terminalDriver } from '../../src/drivers/terminal.ts'
import { driverContract } from './driver-contract.ts'

const launch: Launch = { session: 'abcd1234', run: 1, spec: { kind: 'terminal', driver: 'command', agent: 'make', argv: ['make'], cwd: '/' }, seq: 2, version: '0' }
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

driverContract('command', commandDriver, () => [
  {
    name: 'output and errors in turns',
    launch,
    steps: [
      { stream: 'out', bytes: 'größer ✓\n 10%\r 50%\r100%\n' },
      { stream: 'err', bytes: 'warning: \x1b[33mold\x1b[0m\nunfini' },
      { seq: 7, order: { type: 'interrupt' } },
      { stream: 'out', bytes: 'line 界\n'.repeat(1000) },
      { stream: 'err', bytes: `shed\n${'error\n'.repeat(900)}` },
    ],
  },
])

describe('a command', () => {
  test('is on pipes, begins silently, and is interrupted by a signal only', () => {
    const { conversation, outputs } = commandDriver.begin(launch)
    expect([commandDriver.mode, commandDriver.interruptBySignal, outputs, conversation.order(3, { type: 'interrupt' })]).toEqual(['pipes', true, [], []])
  })

  test('its last words are its errors if there were any, else its output', () => {
    const { conversation } = commandDriver.begin(launch)
    conversation.receive('out', 0, bytesOf('built\n'))
    expect([conversation.lines(), conversation.lastWords()]).toEqual([1, 'built'])
    conversation.receive('err', 0, bytesOf('\n'))
    expect(conversation.lastWords()).toBe('built')
    conversation.receive('err', 1, bytesOf('no rule\n'))
    conversation.receive('out', 6, bytesOf('leaving\n'))
    expect([conversation.lines(), conversation.lastWords()]).toEqual([4, 'no rule'])
  })
})

test('drivers are found by name', async () => {
  expect([await drivers.terminal(), await drivers.command()]).toEqual([terminalDriver, commandDriver])
})
