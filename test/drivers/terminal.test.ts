import { describe, expect, test } from 'vitest'
import type { Checkpoint, Conversation, Launch } from '../../src/drivers/driver.ts'
import { terminalDriver } from '../../src/drivers/terminal.ts'
import { driverContract } from './driver-contract.ts'

const launch: Launch = { session: 'abcd1234', run: 1, spec: { kind: 'terminal', driver: 'terminal', agent: 'bash', argv: ['bash'], cwd: '/' }, seq: 2, version: '0' }
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

function ran(...parts: readonly string[]): Conversation {
  const { conversation } = terminalDriver.begin(launch)
  let offset = 0
  for (const part of parts) {
    expect(conversation.receive('out', offset, bytesOf(part))).toEqual([])
    offset += bytesOf(part).length
  }
  return conversation
}

driverContract('terminal', terminalDriver, () => [
  {
    name: 'a shell, a progress bar and a key',
    launch,
    steps: [
      { stream: 'out', bytes: '\x1b[?2004h$ make größer ✓\r\n 10%\r 50%\r100%\r\n' },
      { seq: 7, order: { type: 'interrupt' } },
      { stream: 'out', bytes: `${'many lines 界\r\n'.repeat(20)}^C\r\n\x1b[31mError: brok` },
      { stream: 'out', bytes: 'en\x1b[0m\x07\r\n$ ' },
    ],
  },
  {
    name: 'more than is remembered',
    launch,
    steps: [
      { seq: 7, order: { type: 'interrupt' } },
      { stream: 'out', bytes: Array.from({ length: 900 }, (_, line) => `line ${line} ✓\r\n`).join('') },
    ],
  },
])

describe('a terminal', () => {
  test('begins silently on a PTY', () => {
    expect(terminalDriver.mode).toBe('pty')
    expect(terminalDriver.begin(launch).outputs).toEqual([])
  })

  test('an interrupt is the interrupt key, once per fact; other orders mean nothing to it', () => {
    const conversation = ran()
    expect(conversation.order(9, { type: 'interrupt' })).toEqual([{ kind: 'send', send: { lane: 1, id: 9, bytes: Uint8Array.of(3) } }])
    expect(conversation.order(10, { type: 'prompt', promptId: 'p', text: 'hello' })).toEqual([])
    expect(conversation.order(11, { type: 'cancel-request', requestId: 'r' })).toEqual([])
  })

  test('lines are counted by their ends', () =>
    expect([ran().lines(), ran('a').lines(), ran('a\r', '\nb\n').lines(), ran('\n'.repeat(100_000)).lines()]).toEqual([0, 0, 2, 100_000]))

  test('last words are text: no controls, whole lines, at most 2000 characters', () => {
    expect(ran().lastWords()).toBeUndefined()
    expect(ran('\x1b[2J\x1b[31mred\x1b[0m\u202e\r\n 10%\r100%\r\n').lastWords()).toBe('red\ufffd\n100%')
    const long = ran('\x1b[31mé begins\r\n'.repeat(1000), 'the end').lastWords() ?? ''
    expect(long.length).toBeLessThanOrEqual(2000)
    expect(new Set(long.split('\n').slice(1))).toEqual(new Set(['é begins', 'the end']))
    expect(ran('👍'.repeat(5000)).lastWords()?.isWellFormed()).toBe(true)
  })

  test('the picture of a full-screen program is no last word', () => {
    expect(ran('$ vim\r\n\x1b[?1049h\x1b[H~\r\n~\r\n').lastWords()).toBeUndefined()
    expect(ran('$ vim\r\n\x1b[?1049h\x1b[H~\r\n~\r\n\x1b[?1049lVim: Caught deadly signal\r\n').lastWords()).toBe('Vim: Caught deadly signal')
  })

  test('nothing of the output is in a checkpoint, and lines are counted on behind it', () => {
    const before = ran('secret word\r\n'.repeat(10_000))
    const checkpoint = before.checkpoint()
    expect(JSON.stringify(checkpoint)).not.toContain('secret')
    expect(JSON.stringify(checkpoint).length).toBeLessThan(100)
    const after = terminalDriver.restore(launch, JSON.parse(JSON.stringify(checkpoint)) as Checkpoint)
    after.receive('out', checkpoint.outOffset, bytesOf('secret word\r\n'.repeat(10_000)).subarray(checkpoint.outOffset))
    after.receive('out', 130_000, bytesOf('one more\r\n'))
    expect(after.lines()).toBe(10_001)
  })

  test('bytes that were received already, and a part of the log that is gone, do no harm', () => {
    const conversation = ran('one\ntwo\n')
    conversation.receive('out', 4, bytesOf('two\nthree\n'))
    expect([conversation.lines(), conversation.lastWords()]).toEqual([3, 'one\ntwo\nthree'])
    conversation.receive('out', 1_000_000, bytesOf('half\nwhole\n'))
    expect([conversation.lines(), conversation.lastWords(), conversation.checkpoint().outOffset]).toEqual([5, 'whole', 1_000_000])
  })
})
