// What the terminal driver makes of what a program says of itself, and what it answers to its questions: to whom, when, and with which id.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Signal } from '../../src/core/signal.ts'
import { readTitle } from '../../src/drivers/agent-titles.ts'
import type { Checkpoint, Conversation, Launch, Output } from '../../src/drivers/driver.ts'
import { statusReport } from '../../src/drivers/program-status.ts'
import { terminalDriver } from '../../src/drivers/terminal.ts'
import { driverContract } from './driver-contract.ts'

const launch: Launch = { session: 'abcd1234', run: 1, spec: { kind: 'terminal', driver: 'terminal', agent: 'bash', argv: ['bash'], cwd: '/' }, seq: 2, version: '1.2.3' }
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const bytesOf = (text: string): Uint8Array => Buffer.from(text)

const begun = (): Conversation => terminalDriver.begin(launch).conversation
const restored = (checkpoint: Checkpoint): Conversation => terminalDriver.restore(launch, JSON.parse(JSON.stringify(checkpoint)) as Checkpoint)

function said(...parts: readonly string[]): Signal | undefined {
  const conversation = begun()
  let offset = 0
  for (const part of parts) {
    conversation.receive('out', offset, bytesOf(part))
    offset += bytesOf(part).length
  }
  return conversation.signal?.()
}

const status = (body: string): string => `\x1b]7501;${body}\x1b\\`

driverContract('terminal signals', terminalDriver, () => [
  {
    name: 'an agent at work',
    launch,
    steps: [
      { stream: 'out', bytes: `\x1b]0;⠂ Fix it\x07\x1b]0;⠐ Fix it\x07${status(`state=working:app=x:msg=${base64('größer ✓')}:progress=7`)}text\r\n` },
      { stream: 'out', bytes: `${status('state=blocked:id=a/b:kind=auth')}\x1b]99;i=1:d=0;Half\x1b\\more text\r\n\x1b]99;i=1:p=body:e=1;${base64('a bödy')}\x1b\\\x07` },
      { seq: 7, order: { type: 'interrupt' } },
      { stream: 'out', bytes: `\x1bP+q544e\x07\x1b\\\x1b]9;4;1;50\x07\x1b]0;✳ Fix it\x07${status('state=done')}\x1b]8;;http://x\x07` },
    ],
  },
  {
    name: 'sequences that are long, or never end',
    launch,
    steps: [
      { stream: 'out', bytes: `one\r\n\x07\x1b]0;${'t'.repeat(4000)}\x07${'x'.repeat(100)}\x1b]0;${'u'.repeat(5000)}` },
      { stream: 'out', bytes: `\x07\x1b]2;the end\x07\x1b_G${'A'.repeat(5000)}` },
    ],
  },
])

describe('OSC 7501', () => {
  test('a report is all that is known of its record; saying it again changes nothing', () => {
    const first = said('ab', status(`state=working:app=codex:progress=40:msg=${base64('building')}:title=${base64('Build')}`))
    expect(first).toEqual({
      claims: [{ source: 'OSC 7501', state: 'working', progress: 40, app: 'codex', title: 'Build', message: 'building', atOffset: expect.any(Number) as number }],
      worked: true,
    })
    const again = status('state=blocked:kind=permission')
    expect(said(status('state=working:app=x'), again)).toEqual(said(status('state=working:app=x'), again, 'text', again))
    expect(said(again)?.claims).toEqual([{ source: 'OSC 7501', state: 'blocked', kind: 'permission', atOffset: again.length }])
  })

  test('parts have states of their own, and go with what they are parts of', () => {
    const parts = status('state=working:id=a') + status('state=done:id=a/b') + status('state=error:id=c')
    expect(said(parts)?.parts?.map(({ id, state }) => [id, state])).toEqual([
      ['a', 'working'],
      ['a/b', 'done'],
      ['c', 'error'],
    ])
    expect(said(parts, status('state=clear:id=a'))?.parts?.map(({ id }) => id)).toEqual(['c'])
    expect(said(parts, status('state=done'), status('state=clear'))).toEqual({ claims: [] })
    const many = Array.from({ length: 100 }, (_, index) => status(`state=working:id=${index}`)).join('')
    expect(said(status('state=working'), many)).toMatchObject({ claims: [{ state: 'working' }], parts: Array.from({ length: 32 }, () => ({ state: 'working' })) })
    expect(said(status('state=working'), many)?.parts?.some(({ id }) => id === '99')).toBe(true)
  })

  test('a shell at its prompt and a full reset end what was going on, and not what was done', () => {
    expect(said(status('state=working'), '\x1b]133;A\x07')).toEqual({ claims: [] })
    expect(said(status('state=done'), '\x1b]133;A\x07')?.claims).toMatchObject([{ state: 'done' }])
    expect(said(status('state=done'), '\x1b]133;B\x07\x1bc')).toEqual({ claims: [] })
  })

  test('texts are one printable line', () => {
    const hostile = said(status(`state=error:msg=${base64('a\u202eb')}`), '\x1b]0;\u202eevil\u2066\x07')
    expect(hostile).toMatchObject({ claims: [{ message: 'a\ufffdb' }], title: '\ufffdevil\ufffd' })
    expect(said(status(`state=error:msg=${base64('界'.repeat(600))}`))?.claims[0]?.message).toHaveLength(200)
  })

  const read: readonly (readonly [string, object | undefined])[] = [
    ['state=idle', { id: '', state: 'idle' }],
    ['state=clear', { id: '', clear: true }],
    ['state=clear:id=a/b', { id: 'a/b', clear: true }],
    ['kind=question:state=blocked', { id: '', state: 'blocked', kind: 'question' }],
    ['state=blocked:kind=lunch', { id: '', state: 'blocked' }],
    ['state=working:kind=auth', { id: '', state: 'working' }],
    ['state=done:progress=50', { id: '', state: 'done' }],
    ['state=working:progress=101', { id: '', state: 'working' }],
    ['state=working:state=done', { id: '', state: 'done' }],
    ['state=working:new=key:odd:=x:UP=1:app=a b', { id: '', state: 'working' }],
    ['state=working:app=claude-code', { id: '', state: 'working', app: 'claude-code' }],
    ['state=working:msg=', { id: '', state: 'working' }],
    ['state=working:msg=aGk', { id: '', state: 'working', message: 'hi' }],
    ['state=sleeping', undefined],
    ['progress=1', undefined],
    ['?', undefined],
    ['', undefined],
    ['state=working:id=', undefined],
    ['state=working:id=a//b', undefined],
    ['state=working:id=a/b/c/d/e/f/g/h/i', undefined],
    [`state=working:id=${'a'.repeat(33)}`, undefined],
    [`state=working:app=${'a'.repeat(33)}`, undefined],
    ['state=working:abcdefghijklmnopq=x', undefined],
    ['state=working:msg=a', undefined],
    [`state=working:msg=${Buffer.from([0xff, 0xfe]).toString('base64')}`, undefined],
    [`state=working:msg=${base64('a\x1b[31mb')}`, undefined],
    [`state=working:msg=${base64('x'.repeat(2049))}`, undefined],
    [`state=working:title=${base64('x'.repeat(193))}`, undefined],
  ]
  test.each(read)('%s', (body, expected) => expect(statusReport(body)).toEqual(expected))
})

describe('titles', () => {
  const titles: readonly (readonly [string, string | undefined, string])[] = [
    ['[ ! ] Action Required | shop', 'blocked', 'shop'],
    ['[ . ] Action Required', 'blocked', ''],
    ['⠼ shop', 'working', 'shop'],
    ['⠋⠙ | A title', 'working', 'A title'],
    ['◇  Ready (shop)', 'idle', 'Ready (shop)'],
    ['✦  Working… (shop)', 'working', 'Working… (shop)'],
    ['⏲  Working… (shop)', 'working', 'Working… (shop)'],
    ['✋  Action Required (shop)', 'blocked', 'Action Required (shop)'],
    ['◐ Fix the tests', 'working', 'Fix the tests'],
    ['✳ Claude Code', 'idle', 'Claude Code'],
    ['✳Claude', undefined, '✳Claude'],
    ['✳\ufe0e Qwen - project', 'blocked', 'Qwen - project'],
    ['◐\ufe0e Qwen - project', 'working', 'Qwen - project'],
    ['notes.txt (~) - VIM', undefined, 'notes.txt (~) - VIM'],
    ['a ⠋ b', undefined, 'a ⠋ b'],
  ]
  test.each(titles)('%s', (title, state, text) => expect(readTitle(title)).toEqual({ ...(state ? { state } : {}), text }))

  test('an animated title is one title', () => {
    const frame = '\x1b]0;⠂ Fix it\x07'
    expect(said(frame, '\x1b]0;⠐ Fix it\x07', '\x1b]0;⠠ Fix it\x07')).toEqual(said(frame))
  })

  test('the same title without its mark: it works no more; another title says nothing', () => {
    expect(said('\x1b]0;⠂ shop\x07', '\x1b]0;shop\x07')).toMatchObject({ claims: [{ source: 'title', state: 'idle' }], title: 'shop' })
    expect(said('\x1b]0;⠂ shop\x07', '\x1b]0;user@host\x07')).toEqual({ claims: [], title: 'user@host', worked: true })
    expect(said('\x1b]0;⠂ shop\x07', '\x1b]2;\x07')).toEqual({ claims: [], worked: true })
    expect(said('\x1b]1;⠂ icon\x07')).toEqual({ claims: [] })
  })
})

describe('notifications, progress and the bell', () => {
  const notices: readonly (readonly [string, object | undefined])[] = [
    ['\x1b]9;tests passed\x07', { source: 'OSC 9', text: 'tests passed' }],
    ['\x1b]9;3 tests failed\x1b\\', { source: 'OSC 9', text: '3 tests failed' }],
    ['\x1b]9;1;100\x07', undefined],
    ['\x1b]9;\x07', undefined],
    ['\x1b]777;notify;Build;it; failed\x07', { source: 'OSC 777', text: 'Build: it; failed' }],
    ['\x1b]777;precmd\x07', undefined],
    ['\x1b]99;;Hello\x1b\\', { source: 'OSC 99', text: 'Hello' }],
    [`\x1b]99;i=x:d=0:e=1;${base64('Hö')}\x1b\\\x1b]99;i=x:p=body;there\x1b\\`, { source: 'OSC 99', text: 'Hö: there' }],
    ['\x1b]99;i=x:d=0;Half\x1b\\', undefined],
    ['\x1b]99;i=q:p=?;\x1b\\', undefined],
    ['\x1b]52;c;aGVsbG8=\x07\x1b]8;;http://x\x07', undefined],
  ]
  test.each(notices)('%j', (bytes, expected) => expect(said(bytes)?.notice).toEqual(expected && { ...expected, atOffset: bytesOf(bytes).length }))

  test('a progress bar is a state', () => {
    expect(said('\x1b]9;4;1;40\x07')?.claims).toEqual([{ source: 'OSC 9;4', state: 'working', progress: 40, atOffset: 11 }])
    expect(said('\x1b]9;4;3\x07')?.claims).toEqual([{ source: 'OSC 9;4', state: 'working', atOffset: 8 }])
    expect(said('\x1b]9;4;2;40\x07')?.claims).toMatchObject([{ state: 'error' }])
    expect(said('\x1b]9;4;1;40\x07', '\x1b]9;4;0\x07')).toEqual({ claims: [], worked: true })
  })

  test('a bell is one that ends nothing', () => {
    expect(said('\x1b]0;t\x07')?.bell).toBeUndefined()
    expect(said('ding\x07')?.bell).toEqual({ atOffset: 5 })
  })

  test('what was looked at is over, and what comes after it is not', () => {
    const conversation = begun()
    conversation.receive('out', 0, bytesOf('\x07\x1b]9;one\x07\x1b]0;t\x07'))
    conversation.looked?.()
    expect(conversation.signal?.()).toEqual({ claims: [], title: 't' })
    conversation.receive('out', 15, bytesOf('\x1b]9;one\x07'))
    expect(conversation.signal?.()?.notice).toEqual({ source: 'OSC 9', text: 'one', atOffset: 23 })
  })
})

test('a checkpoint of another version is heard anew, not an error', () => {
  const conversation = restored({ outOffset: 10, errOffset: 0, state: { lines: 3, signals: { records: 'other' } } })
  conversation.receive('out', 10, bytesOf('\n\x1b]0;t\x07'))
  expect([conversation.lines(), conversation.signal?.()]).toEqual([4, { claims: [], title: 't' }])
  expect(restored({ outOffset: 10, errOffset: 0, state: { lines: 3 } }).lines()).toBe(3)
})

test('nothing of what passes by is in a checkpoint', () => {
  const conversation = begun()
  conversation.receive('out', 0, bytesOf(`\x1b]52;c;${base64('a secret')}\x07\x1b]52;c;${base64('a secret')}`))
  expect(JSON.stringify(conversation.checkpoint())).not.toContain(base64('a secret'))
})

const answersOf = (outputs: readonly Output[]): unknown[] =>
  outputs.map((output) => {
    if (output.kind === 'send') return [output.send.lane, output.send.id, Buffer.from(output.send.bytes).toString('latin1')]
    return output.kind === 'cursor' ? ['cursor', output.offset, output.extended] : output
  })

describe('questions', () => {
  const asked: readonly (readonly [string, string | undefined])[] = [
    ['\x1b[c', '\x1b[?62;22c'],
    ['\x1b[0c', '\x1b[?62;22c'],
    ['\x1b[>c', '\x1b[>0;0;0c'],
    ['\x1b[>0c', '\x1b[>0;0;0c'],
    ['\x1b[5n', '\x1b[0n'],
    ['\x1b[>q', '\x1bP>|offstage 1.2.3\x1b\\'],
    ['\x1b[>0q', '\x1bP>|offstage 1.2.3\x1b\\'],
    ['\x1b[?2026$p', '\x1b[?2026;0$y'],
    ['\x1b[4$p', '\x1b[4;0$y'],
    ['\x1b]10;?\x07', '\x1b]10;rgb:e5e5/e5e5/e5e5\x07'],
    ['\x1b]11;?\x1b\\', '\x1b]11;rgb:0000/0000/0000\x1b\\'],
    ['\x1b]10;?;?\x07', '\x1b]10;rgb:e5e5/e5e5/e5e5\x07\x1b]11;rgb:0000/0000/0000\x07'],
    ['\x1b]12;?;?\x07', '\x1b]12;rgb:e5e5/e5e5/e5e5\x07'],
    ['\x1b]7501;?\x1b\\', '\x1b]7501;?\x1b\\'],
    ['\x1b]7501;?\x07', '\x1b]7501;?\x07'],
    // Nobody is there to answer these.
    ['\x1b[?u', undefined],
    ['\x1b[=c', undefined],
    ['\x1b]4;1;?\x07', undefined],
    ['\x1b]52;c;?\x07', undefined],
    ['\x1b]11;#123456\x07', undefined],
    ['\x1b]0;what?\x07', undefined],
    ['\x1b[1;2c', undefined],
    ['\x1b[?62;22c', undefined],
    ['\x1b[2 q', undefined],
    ['\x1b[!p', undefined],
    ['\x1b[1n\x05', undefined],
  ]
  test.each(asked)('%j', (bytes, answer) => {
    const conversation = begun()
    conversation.live?.(0)
    expect(answersOf(conversation.receive('out', 0, bytesOf(bytes)))).toEqual(answer === undefined ? [] : [[2, bytes.length, answer]])
  })

  test('where the cursor is only a screen knows', () => {
    const conversation = begun()
    conversation.live?.(0)
    expect(answersOf(conversation.receive('out', 0, bytesOf('text\x1b[6n\x1b[?6n')))).toEqual([
      ['cursor', 8, false],
      ['cursor', 13, true],
    ])
  })

  test('history is not answered: a question is live if its last byte is', () => {
    const conversation = begun()
    expect(conversation.receive('out', 0, bytesOf('\x1b[c'))).toEqual([])
    conversation.live?.(8)
    expect(answersOf(conversation.receive('out', 3, bytesOf('\x1b[5n\x1b[c\x1b[5n')))).toEqual([
      [2, 10, '\x1b[?62;22c'],
      [2, 14, '\x1b[0n'],
    ])
    const exactly = begun()
    exactly.live?.(3)
    expect(exactly.receive('out', 0, bytesOf('\x1b[c'))).toEqual([])
    exactly.live?.(2)
    expect(begun().receive('out', 0, bytesOf('\x1b[c\x1b]7501;?\x07'))).toEqual([])
  })

  test('an attached terminal answers for itself, but not what few terminals know', () => {
    const conversation = begun()
    conversation.live?.(0)
    conversation.attended?.(0, 0)
    const three = '\x1b[c\x1b]7501;?\x07\x1b]11;?\x07'
    const hear = (offset: number): number[] => conversation.receive('out', offset, bytesOf(three)).flatMap((output) => (output.kind === 'send' ? [output.send.id] : []))
    expect(hear(0)).toEqual([3, 12, 19])
    conversation.attended?.(21, 1)
    conversation.attended?.(38, 2)
    conversation.attended?.(57, 0)
    // The first of these begins before the viewer came and ends after.
    expect(hear(19)).toEqual([31])
    expect(hear(38)).toEqual([50])
    expect(hear(57)).toEqual([60, 69, 76])
  })

  test('a viewer that comes within a question has to answer it', () => {
    const conversation = begun()
    conversation.live?.(0)
    conversation.receive('out', 0, bytesOf('\x1b['))
    conversation.attended?.(2, 1)
    expect(conversation.receive('out', 2, bytesOf('c'))).toEqual([])
    conversation.receive('out', 3, bytesOf('\x1b[c\x1b'))
    conversation.attended?.(7, 0)
    expect(answersOf(conversation.receive('out', 7, bytesOf('[c')))).toEqual([[2, 9, '\x1b[?62;22c']])
  })

  test('of a flood of questions a part is answered, the same part however it is cut', () => {
    const bytes = bytesOf('\x1b[c'.repeat(20_000))
    const conversation = begun()
    conversation.live?.(0)
    const whole = answersOf(conversation.receive('out', 0, bytes))
    expect(whole.length).toBeLessThan(2000)
    expect(whole.length).toBeGreaterThan(64)
    const other = begun()
    other.live?.(0)
    const cut: unknown[] = []
    for (let at = 0; at < bytes.length; at += 777) cut.push(...answersOf(other.receive('out', at, bytes.subarray(at, at + 777))))
    expect(cut).toEqual(whole)
  })

  test('whoever hears the same bytes again answers with the same ids; whoever comes later answers nothing of them', () => {
    const piece = fc.constantFrom('\x1b[c', '\x1b[6n', '\x1b]11;?\x07', '\x1b]7501;?\x1b\\', '\x1b[>q', 'text', '\x1b]0;t\x07', '\x1bPq', '\x1b\\', '\x18')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(), fc.infiniteStream(fc.integer({ min: 1, max: 20 })), (pieces, seed, lengths) => {
        const bytes = bytesOf(pieces.join(''))
        const middle = seed % (bytes.length + 1)
        const all = begun()
        all.live?.(0)
        const whole = answersOf(all.receive('out', 0, bytes))
        const first = begun()
        first.live?.(0)
        const before = answersOf(first.receive('out', 0, bytes.subarray(0, middle)))
        const checkpoint = first.checkpoint()
        const hear = (from: number): unknown[] => {
          const next = restored(checkpoint)
          next.live?.(from)
          const outputs: unknown[] = []
          for (let at = checkpoint.outOffset; at < bytes.length;) {
            const length = Number(lengths.next().value)
            outputs.push(...answersOf(next.receive('out', at, bytes.subarray(at, at + length))))
            at += length
          }
          return outputs
        }
        expect(hear(middle)).toEqual(whole.slice(before.length))
        expect(hear(bytes.length)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})

test('hostile output is heard in time that grows with its length, and what is kept of it is little', () => {
  const units = [
    '\x1b]0;⠂ a\x07\x1b]0;✳ b\x07',
    status('state=working') + status('state=done'),
    '\x1b]99;i=1:d=0;more and more\x07',
    '\x1b]9;a\x07',
    '\x1b]9;4;1;5\x07\x1b]9;4;1;6\x07',
    '\x07',
    '\x1b[6n',
  ]
  for (const unit of units) {
    const bytes = bytesOf(unit.repeat(Math.ceil((1024 * 1024) / unit.length)))
    const conversation = begun()
    conversation.live?.(0)
    const startedMs = performance.now()
    for (let at = 0; at < bytes.length; at += 64 * 1024) {
      conversation.receive('out', at, bytes.subarray(at, at + 64 * 1024))
      conversation.signal?.()
    }
    expect(performance.now() - startedMs, JSON.stringify(unit)).toBeLessThan(3000)
    expect(JSON.stringify(conversation.checkpoint()).length).toBeLessThan(4096)
  }
})
