// Who is told what, and when: sessions under a held clock.

import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { restartDelayMs } from '../../../src/core/decide.ts'
import { shell } from '../../cli/fake-client.ts'
import { World } from './world.ts'

function world(): World {
  const made = new World()
  onTestFinished(() => made.stop())
  return made
}

test('a request is told after a moment, once, and recorded', async () => {
  const here = world()
  here.work('sess0001', 'backend-api')
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt')
  await here.pass(900)
  expect(here.told).toEqual([])
  await here.pass(10_000)
  expect(here.told.map(({ announcement: { about, title, body } }) => ({ about, title, body }))).toEqual([
    { about: 'needs-you', title: 'backend-api needs you', body: 'permission: delete old.txt · shop' },
  ])
  expect(here.recorded).toEqual([{ session: 'sess0001', about: 'needs-you', of: 'reqaaaa1', channel: 'command', how: 'told' }])
  await here.start()
  await here.pass(10_000)
  expect(here.told).toHaveLength(1)
})

test('what comes within a moment is told together, each kind for itself', async () => {
  const here = world()
  for (const id of ['sess0001', 'sess0002', 'sess0003', 'sess0004']) here.work(id, `name-${id.at(-1)}`)
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt')
  await here.pass(500)
  here.client.ask('sess0002', 'reqaaaa2', 'run npm test').say('sess0004', '1.1', 'All tests pass.').endTurn('sess0004')
  await here.pass(300)
  here.client.ask('sess0003', 'reqaaaa3', 'which tone?')
  await here.pass(10_000)
  expect(here.told.map(({ announcement: { title, body } }) => [title, body])).toEqual([
    ['3 sessions need you', 'name-1: permission: delete old.txt · shop\nname-2: permission: run npm test · shop\nname-3: permission: which tone? · shop'],
    ['name-4 completed', 'All tests pass. · shop'],
  ])
})

test('a stream of requests is told in a few pieces, and none of them before a moment is over', async () => {
  const here = world()
  for (let number = 1; number <= 9; number += 1) here.work(`sess000${number}`)
  await here.start()
  for (let number = 1; number <= 9; number += 1) {
    here.client.ask(`sess000${number}`, `reqaaaa${number}`, 'go on?')
    await here.pass(600)
  }
  await here.pass(10_000)
  expect(here.told.flatMap(({ announcement }) => announcement.news).map(({ request }) => request)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `reqaaaa${number}`))
  expect(here.told.length).toBeLessThanOrEqual(5)
  for (const { announcement, atMs } of here.told) for (const news of announcement.news) expect(atMs - news.atMs).toBeGreaterThanOrEqual(1000)
})

test('what was answered, or seen, within the moment is not told', async () => {
  const here = world()
  here.work('sess0001')
  here.work('sess0002')
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt').ask('sess0002', 'reqaaaa2', 'delete it too')
  await here.pass(800)
  here.client
    .command('sess0001', { type: 'answer', requestId: 'reqaaaa1', answer: { kind: 'option', optionId: 'once' } })
    .command('sess0002', { type: 'show', entries: here.client.session('sess0002').entries })
  await here.pass(10_000)
  expect(here.told).toEqual([])
})

test('one that is shown in part, or was shown before it asked, is told of', async () => {
  const here = world()
  here.work('sess0001')
  await here.start()
  here.client.command('sess0001', { type: 'show', entries: 1 }).say('sess0001', '1.1', 'I would like to.').ask('sess0001', 'reqaaaa1', 'delete old.txt')
  await here.pass(100)
  here.client.command('sess0001', { type: 'show', entries: 2 })
  await here.pass(10_000)
  expect(here.titles).toEqual(['sess0001 needs you'])
})

test('a session on a screen is told of where that is wanted', async () => {
  const here = world()
  here.settings = { ...here.settings, onScreen: true }
  here.work('sess0001')
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt').command('sess0001', { type: 'show', entries: 9 })
  await here.pass(10_000)
  expect(here.titles).toEqual(['sess0001 needs you'])
})

test('a terminal that somebody has attached is on a screen', async () => {
  const here = world()
  here.client.create('sess0001', { spec: shell, label: 'one' }).create('sess0002', { spec: shell, label: 'two' })
  here.attached.add('sess0001')
  await here.start()
  here.client.exit('sess0001', 1).exit('sess0002', 1)
  await here.pass(10_000)
  expect(here.titles).toEqual(['two failed'])
})

test('each kind can be off', async () => {
  const here = world()
  here.settings = { ...here.settings, needsYou: false, completed: false }
  for (const id of ['sess0001', 'sess0002', 'sess0003']) here.work(id)
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt').endTurn('sess0002').exit('sess0003', 3)
  await here.pass(10_000)
  expect(here.titles).toEqual(['sess0003 failed'])
})

test('a muted session is not told of, and later only of what came later', async () => {
  const here = world()
  here.work('sess0001')
  await here.start()
  here.client.command('sess0001', { type: 'mute', muted: true }).ask('sess0001', 'reqaaaa1', 'delete old.txt')
  await here.pass(10_000)
  here.client.command('sess0001', { type: 'mute', muted: false })
  await here.pass(10_000)
  expect(here.told).toEqual([])
  here.client.ask('sess0001', 'reqaaaa2', 'delete new.txt')
  await here.pass(10_000)
  expect(here.told.map(({ announcement }) => announcement.news.map(({ request }) => request))).toEqual([['reqaaaa2']])
})

test('in quiet hours nothing is told, then or later, and it is recorded so', async () => {
  const here = world()
  here.settings = { ...here.settings, quiet: { from: 22 * 60, to: 7 * 60 } }
  here.channels = ['desktop', 'webhook']
  here.minuteOfDay = 6 * 60 + 59
  here.work('sess0001')
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt')
  await here.pass(10_000)
  here.minuteOfDay = 7 * 60
  await here.start()
  await here.pass(10_000)
  expect(here.told).toEqual([])
  expect(here.recorded.map(({ channel, how, detail }) => [channel, how, detail])).toEqual([
    ['desktop', 'suppressed', 'quiet hours'],
    ['webhook', 'suppressed', 'quiet hours'],
  ])
  here.client.ask('sess0001', 'reqaaaa2', 'delete new.txt')
  await here.pass(10_000)
  expect(here.told.map(({ channel }) => channel)).toEqual(['desktop', 'webhook'])
})

test('what took a moment only is not announced when it completes; the same session is when it took longer', async () => {
  const here = world()
  here.settings = { ...here.settings, minDurationMs: 10_000 }
  here.work('sess0001')
  await here.start()
  await here.pass(9_000)
  here.client.endTurn('sess0001')
  // Also not when its process goes, or when another daemon looks.
  await here.pass(60_000)
  here.client.report('sess0001', { type: 'idle' })
  await here.start()
  await here.pass(60_000)
  expect(here.told).toEqual([])
  here.client.command('sess0001', { type: 'prompt', text: 'more' })
  await here.pass(10_000)
  here.client.endTurn('sess0001')
  await here.pass(10_000)
  expect(here.titles).toEqual(['sess0001 completed'])
})

test('a turn that its user interrupted, and a session that its user stopped or archived, are not told', async () => {
  const here = world()
  for (const id of ['sess0001', 'sess0002', 'sess0003']) here.work(id)
  await here.start()
  await here.pass(60_000)
  here.client
    .command('sess0001', { type: 'interrupt' })
    .report('sess0001', { type: 'turn-ended', promptId: here.client.openPrompt('sess0001'), stopReason: 'cancelled' })
    .command('sess0002', { type: 'stop' })
    .endTurn('sess0003')
    .command('sess0003', { type: 'end' })
  await here.pass(10_000)
  expect(here.told).toEqual([])
})

test('a session that goes on by itself is not told as completed', async () => {
  const here = world()
  here.work('sess0001')
  await here.start()
  here.client.command('sess0001', { type: 'prompt', text: 'and then this' }).endTurn('sess0001')
  await here.pass(10_000)
  expect(here.told).toEqual([])
  here.client.endTurn('sess0001')
  await here.pass(10_000)
  expect(here.titles).toEqual(['sess0001 completed'])
})

test('an agent that is started again by policy is told as waiting for its user, not as failed', async () => {
  const here = world()
  here.client.create('sess0001', { spec: { kind: 'agent', driver: 'acp', agent: 'talker', argv: ['talker'], cwd: '/w', resume: 'auto' }, label: 'auto', prompt: 'go' })
  await here.start()
  here.client.report('sess0001', { type: 'lost', cause: 'its keeper ended' })
  expect(restartDelayMs(here.client.session('sess0001'))).toBe(1000)
  await here.pass(4000)
  expect(here.told).toEqual([])
  here.client.report('sess0001', { type: 'may-start' })
  await here.pass(10_000)
  expect(here.told.map(({ announcement: { title, body } }) => [title, body])).toEqual([['auto needs you', 'waiting for a prompt · shop']])
})

test('the program of a terminal that says that it is blocked is told once for each time', async () => {
  const here = world()
  here.client.create('sess0001', { spec: { kind: 'terminal', driver: 'terminal', agent: 'codex', argv: ['codex'], cwd: '/w' }, label: 'codex' })
  await here.start()
  const says = (state: 'working' | 'blocked' | 'done', atOffset: number, message: string): void =>
    void here.client.report('sess0001', { type: 'signals', signal: { claims: [{ source: 'OSC 7501', state, message, atOffset }], worked: true } })
  says('blocked', 10, 'rm -r build?')
  await here.pass(10_000)
  says('blocked', 20, 'rm -r build? (y/n)')
  await here.pass(10_000)
  says('working', 30, 'removing')
  await here.pass(10_000)
  says('blocked', 40, 'rm -r dist?')
  await here.pass(10_000)
  says('done', 50, 'removed')
  await here.pass(10_000)
  expect(here.told.map(({ announcement: { title, body } }) => [title, body])).toEqual([
    ['codex needs you', 'blocked: rm -r build? · shop'],
    ['codex needs you', 'blocked: rm -r dist? · shop'],
    ['codex completed', 'removed · shop'],
  ])
})

test('what the screen of a program asks in detail, after it has said that it is blocked, is told once', async () => {
  const here = world()
  here.client.create('sess0001', { spec: { kind: 'terminal', driver: 'terminal', agent: 'codex', argv: ['codex'], cwd: '/w' }, label: 'codex' })
  await here.start()
  void here.client.report('sess0001', { type: 'signals', signal: { claims: [{ source: 'OSC 7501', state: 'blocked', kind: 'permission', message: 'rm?', atOffset: 5 }] } })
  await here.pass(300)
  here.client.ask('sess0001', 'reqaaaa1', 'rm -r build?')
  await here.pass(10_000)
  expect(here.told.map(({ announcement: { title } }) => title)).toEqual(['codex needs you'])
})

test('a daemon that starts tells what came up in the last ten minutes, and nothing older', async () => {
  const here = world()
  for (const id of ['sess0001', 'sess0002', 'sess0003']) here.work(id)
  here.client.ask('sess0001', 'reqaaaa1', 'an old one')
  await here.pass(300_000)
  here.client.ask('sess0002', 'reqaaaa2', 'a new one').exit('sess0003', 3)
  await here.pass(301_000)
  await here.start()
  await here.pass(10_000)
  expect(here.titles).toEqual(['sess0002 needs you', 'sess0003 failed'])
  // A fact of it makes an old one no newer.
  here.client.command('sess0001', { type: 'label', label: 'old' })
  await here.pass(10_000)
  expect(here.told).toHaveLength(2)
})

test('a daemon that died while it told leaves it to the next one, channel by channel', async () => {
  const here = world()
  here.channels = ['desktop', 'webhook']
  here.takesMs = 5000
  here.work('sess0001')
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt')
  await here.pass(2000)
  expect(here.told.map(({ channel }) => channel)).toEqual(['desktop', 'webhook'])
  here.client.report('sess0001', { type: 'notified', about: 'needs-you', of: 'reqaaaa1', channel: 'desktop', how: 'told' })
  await here.start()
  await here.pass(10_000)
  expect(here.told.map(({ channel }) => channel)).toEqual(['desktop', 'webhook', 'webhook'])
  expect(here.recorded.map(({ channel, how }) => [channel, how])).toEqual([['webhook', 'told']])
})

test('what comes while a channel takes its time is told together after it, without what is over by then', async () => {
  const here = world()
  here.takesMs = 20_000
  for (const id of ['sess0001', 'sess0002', 'sess0003', 'sess0004']) here.work(id)
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'one')
  await here.pass(2000)
  for (const number of [2, 3, 4]) {
    here.client.ask(`sess000${number}`, `reqaaaa${number}`, 'another')
    await here.pass(3000)
  }
  here.client.command('sess0003', { type: 'answer', requestId: 'reqaaaa3', answer: { kind: 'option', optionId: 'no' } })
  await here.pass(60_000)
  expect(here.told.map(({ announcement }) => announcement.news.map(({ request }) => request))).toEqual([['reqaaaa1'], ['reqaaaa2', 'reqaaaa4']])
})

test('a channel that fails is recorded with its reason and not tried again', async () => {
  const here = world()
  here.result = { how: 'failed', detail: 'example.org: 404 Not Found' }
  here.work('sess0001')
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt')
  await here.pass(10_000)
  await here.start()
  await here.pass(10_000)
  expect(here.told).toHaveLength(1)
  expect(here.recorded).toEqual([{ session: 'sess0001', about: 'needs-you', of: 'reqaaaa1', channel: 'command', how: 'failed', detail: 'example.org: 404 Not Found' }])
})

test('without a channel nothing is recorded', async () => {
  const here = world()
  here.channels = []
  here.work('sess0001')
  await here.start()
  here.client.ask('sess0001', 'reqaaaa1', 'delete old.txt')
  await here.pass(10_000)
  expect([here.told, here.recorded]).toEqual([[], []])
})

const number = fc.integer({ min: 1, max: 3 })
const step = fc.oneof(
  fc.record({ kind: fc.constant('ask' as const), of: number }),
  fc.record({ kind: fc.constant('answer' as const), of: number }),
  fc.record({ kind: fc.constant('end' as const), of: number }),
  fc.record({ kind: fc.constant('show' as const), of: number }),
  fc.record({ kind: fc.constant('mute' as const), of: number, muted: fc.boolean() }),
  fc.record({ kind: fc.constant('restart' as const) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2500 }) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2500 }) }),
)

test('whatever happens: a request is told at most once by each channel, never when it was over within a moment, never while muted or in quiet hours, and always when it is left alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), async (steps, quiet) => {
      const here = new World()
      here.channels = ['desktop', 'webhook']
      if (quiet) here.settings = { ...here.settings, quiet: { from: 0, to: 1439 } }
      const asked = new Map<string, { readonly session: string; readonly atMs: number; overMs?: number }>()
      const touched = new Set<string>()
      for (const id of ['sess0001', 'sess0002', 'sess0003']) here.work(id)
      await here.start()
      for (const one of steps) {
        const { client } = here
        const id = 'of' in one ? `sess000${one.of}` : ''
        const over = (session: string): void => {
          for (const request of asked.values()) if (request.session === session) request.overMs ??= client.nowMs
        }
        const open = id === '' ? [] : client.session(id).requests
        if (one.kind === 'pass') await here.pass(one.ms)
        else if (one.kind === 'restart') await here.start()
        else if (one.kind === 'ask') {
          const request = `req${String(asked.size).padStart(5, '0')}`
          asked.set(request, { session: id, atMs: client.nowMs })
          client.ask(id, request, 'may I?')
        } else if (one.kind === 'answer' && open[0]) {
          client.command(id, { type: 'answer', requestId: open[0].id, answer: { kind: 'option', optionId: 'once' } })
          const request = asked.get(open[0].id)
          if (request) request.overMs = client.nowMs
        } else if (one.kind === 'end') {
          client.endTurn(id).command(id, { type: 'prompt', text: 'again' })
          over(id)
        } else if (one.kind === 'show') {
          touched.add(id)
          client.command(id, { type: 'show', entries: client.session(id).entries })
        } else if (one.kind === 'mute') {
          touched.add(id)
          client.command(id, { type: 'mute', muted: one.muted })
        }
      }
      await here.pass(20_000)
      here.stop()
      expect(here.warnings).toEqual([])
      if (quiet) expect(here.told).toEqual([])
      for (const [request, { session, atMs, overMs }] of asked) {
        for (const channel of here.channels) {
          const times = here.told.filter((one) => one.channel === channel && one.announcement.news.some((news) => news.request === request))
          expect(times.length).toBeLessThanOrEqual(1)
          const [once] = times
          if (once) {
            expect(once.atMs - atMs).toBeGreaterThanOrEqual(1000)
            expect(overMs === undefined || once.atMs <= overMs).toBe(true)
          }
          const recorded = here.recorded.filter((one) => one.of === request && one.channel === channel)
          if (overMs === undefined && !touched.has(session)) expect(recorded.map(({ how }) => how)).toEqual([quiet ? 'suppressed' : 'told'])
        }
      }
      for (const { announcement, muted } of here.told) {
        expect(muted).toBe(false)
        // All of one kind, in one announcement, and none twice.
        expect(new Set(announcement.news.map(({ of, session }) => `${session} ${of}`)).size).toBe(announcement.news.length)
        expect(new Set(announcement.news.map(({ about }) => about))).toEqual(new Set([announcement.about]))
      }
    }),
    { numRuns: 100 },
  )
}, 60_000)
