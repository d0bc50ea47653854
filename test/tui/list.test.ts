// The list as it is used: keys go in, and what is on the screen and asked of the daemon comes out.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { FakeClient, shell } from '../cli/fake-client.ts'
import { alt, click, control, keys, paste } from './headless.ts'
import { type ListOptions, claude, listOn, stateOf } from './list-on-stage.ts'
import { FixedSessions, minutesAgo, nowMs, request, view } from './list-sessions.ts'

const has = (text: string) => (screen: readonly string[]) => screen.some((row) => row.includes(text))
const lacks = (text: string) => (screen: readonly string[]) => screen.every((row) => !row.includes(text))

/** A daemon with `waits` (asks for something), `works` and `rests`. */
function threeKinds(): FakeClient {
  const client = new FakeClient()
  client.nowMs = nowMs - 120_000
  client.create('restsaaa', { label: 'rests', prompt: 'rest' }).say('restsaaa', '1.1', 'Rested.').endTurn('restsaaa')
  client.create('worksaaa', { label: 'works', prompt: 'work' }).say('worksaaa', '1.1', 'I am at it.')
  client.create('waitsaaa', { label: 'waits', prompt: 'wait' }).ask('waitsaaa', 'askedaaa', 'delete prefs.ts', 'no imports')
  client.nowMs = nowMs
  return client
}

async function shown(options: ListOptions = {}) {
  const client = options.client ?? threeKinds()
  const on = listOn({ ...options, client })
  await on.until((screen) => !screen.some((row) => row.includes('reading the sessions')))
  return { ...on, client }
}

const commands = (client: FakeClient): readonly unknown[] => client.submitted.map(({ session, command }) => ({ session, ...command }))

describe('what there is', () => {
  test('sessions stand in groups under what they need, and the first row counts them', async () => {
    const { screen } = await shown()
    const rows = screen().filter((row) => row !== '')
    expect(rows[0]).toMatch(/^ offstage +1 needs you · 1 working · 1 done   \d\d:\d\d$/)
    expect(rows.slice(1, 7).map((row) => row.slice(0, 24).trim())).toEqual([
      'Needs you',
      '▸ ◆ waits  talker  shop',
      'Working',
      '● works  talker  shop',
      'Completed',
      '✓ rests  talker  shop',
    ])
  })

  test('one whose check has failed is counted as failed, and stands so in its row', async () => {
    const client = new FakeClient()
    client.create('checkaaa', { spec: { kind: 'agent', driver: 'acp', agent: 'talker', argv: ['talker'], cwd: '/w', checks: ['npm test'] }, prompt: 'fix it' }).endTurn('checkaaa')
    client.report('checkaaa', { type: 'checked', turn: 1, results: [{ command: 'npm test', exitCode: 1, ms: 1, output: '' }] })
    const { screen } = await shown({ client })
    const rows = screen().filter((row) => row !== '')
    expect(rows[0]).toMatch(/^ offstage +1 failed   \d\d:\d\d$/)
    expect(rows.find((row) => row.includes('✗'))).toMatch(/✗ Add an endpoint .* chec/)
  })

  test('the title says how many need the user', async () => {
    const { title, client, until } = await shown()
    expect(title()).toBe('offstage: 1 needs you')
    client.command('waitsaaa', { type: 'answer', requestId: 'askedaaa', answer: { kind: 'option', optionId: 'once' } })
    await until(lacks('Needs you'))
    expect(title()).toBe('offstage')
  })

  test('without a session it is told how to begin', async () => {
    const { screen } = await shown({ client: new FakeClient() })
    expect(screen().join('\n')).toMatch(/No sessions yet\.[^]*n {3}write what is to be done[^]*offstage bg/)
  })

  test('what changes is on the screen without a key', async () => {
    const { client, until, row } = await shown()
    client.say('worksaaa', '1.2', 'Nearly there.')
    await until(has('Nearly there.'))
    expect(row('works')).toContain('Nearly there.')
  })

  test('one that goes round in circles says so', () => {
    const sessions = new FixedSessions([view('driftaaa', { label: 'drifts', activity: 'read it', drift: { unchangedSince: minutesAgo(17), repeats: null } })])
    expect(listOn({ sessions, columns: 120 }).row('drifts')).toContain('read it  no file changed for 17m')
  })

  test('failed and stopped ones say so in words', () => {
    const ended = (id: string, status: 'failed' | 'stopped') =>
      view(id, { label: id, status, reason: status === 'failed' ? 'no space' : 'stopped', outcome: { kind: status, summary: '', checks: [] } })
    const { row } = listOn({ sessions: new FixedSessions([ended('failsaaa', 'failed'), ended('stopsaaa', 'stopped')]) })
    expect(row('failsaaa')).toMatch(/✗ failsaaa .*failed: no space/)
    expect(row('stopsaaa')).toMatch(/■ stopsaaa .*stopped/)
  })

  test('without colours nothing but attributes is written', async () => {
    const { written, type } = await shown({ parts: { color: false } })
    type(keys.space, 'n', '/')
    expect(written()).not.toMatch(/\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|4[0-7])(?:;\d+)*m/)
  })
})

describe('the cursor', () => {
  test('it stays on its session when another one comes above it', async () => {
    const { type, client, until, cursorRow } = await shown()
    type('j')
    expect(cursorRow()).toContain('works')
    client.create('newoneaa', { label: 'newest', prompt: 'x' })
    await until(has('newest'))
    expect(cursorRow()).toContain('works')
  })

  test('it follows its session into another group', async () => {
    const { client, until, cursorRow } = await shown()
    expect(cursorRow()).toContain('waits')
    client.command('waitsaaa', { type: 'answer', requestId: 'askedaaa', answer: { kind: 'option', optionId: 'once' } })
    await until(lacks('Needs you'))
    expect(cursorRow()).toContain('waits')
  })

  test('when its session is gone it is on the next one', async () => {
    const { client, until, cursorRow } = await shown()
    client.command('waitsaaa', { type: 'remove' })
    await until(lacks('waits'))
    expect(cursorRow()).toContain('works')
  })

  test('it goes to what needs the user, round and round', () => {
    const asks = (id: string, minutes: number) => view(id, { label: id, requests: [request('r', 'may I', { askedAt: minutesAgo(minutes) })] })
    const { type, cursorRow } = listOn({ sessions: new FixedSessions([asks('firstaaa', 9), asks('secondaa', 3), view('otheraaa')]) })
    type('G', 'w')
    expect(cursorRow()).toContain('firstaaa')
    type('w')
    expect(cursorRow()).toContain('secondaa')
    type('w')
    expect(cursorRow()).toContain('firstaaa')
  })

  test('a session can be selected before it is known', async () => {
    const { list, client, until, cursorRow } = await shown()
    list.select('lateraaa')
    client.create('lateraaa', { label: 'later', prompt: 'x' })
    await until(has('later'))
    expect(cursorRow()).toContain('later')
  })

  test('what does not fit of what is over is one row, and moving there shows it', () => {
    const done = Array.from({ length: 30 }, (_, number) =>
      view(`done${String(number).padStart(4, '0')}`, { status: 'completed', reason: 'the turn ended', changedAt: minutesAgo(number) }),
    )
    const { type, screen, cursorRow } = listOn({ sessions: new FixedSessions([view('worksaaa', { label: 'works' }), ...done]) })
    expect(screen().join('\n')).toContain('… 17 more')
    expect(screen().join('\n')).toContain('Working')
    type('G')
    expect(cursorRow()).toContain('task done0029')
    expect(screen().join('\n')).toMatch(/↑ \d+ more/)
    type('g')
    expect(cursorRow()).toContain('works')
    expect(screen().join('\n')).toContain('… 17 more')
  })

  test('a click selects, two clicks open, the wheel scrolls', async () => {
    const many = Array.from({ length: 40 }, (_, number) => view(`many${String(number).padStart(4, '0')}`, { createdAt: minutesAgo(number) }))
    const { type, screen, cursorRow, opened, until } = listOn({ sessions: new FixedSessions(many) })
    const rowOf = (text: string): number => screen().findIndex((row) => row.includes(text))
    type(click({ column: 10, row: rowOf('many0004') }))
    await until(() => cursorRow().includes('many0004'))
    type(click({ column: 10, row: rowOf('many0006') }), click({ column: 10, row: rowOf('many0006') }))
    expect(opened).toEqual(['many0006'])
    type(...Array.from({ length: 10 }, () => '\x1b[<65;5;5M'))
    await until(lacks('many0004'))
    type('j')
    expect(cursorRow()).toContain('many0007')
  })
})

describe('the peek', () => {
  test('shows what was said and asks what is asked, and its answer is for that question', async () => {
    const { type, client, until, screen } = await shown()
    type(keys.space)
    expect(screen().join('\n')).toMatch(/── waits {2}talker · shop ─+ ◆ waiting 2m: permission ──\n[^]*delete prefs\.ts \?\n {3}no imports\n {3}1 allow once {3}2 reject/)
    await until(has('wait'))
    client.nowMs += 400
    type('1')
    expect(commands(client)).toEqual([{ session: 'waitsaaa', type: 'answer', requestId: 'askedaaa', answer: { kind: 'option', optionId: 'once' } }])
  })

  test('no key answers a question in the first moment that it is there', async () => {
    const { type, client } = await shown()
    client.nowMs += 10_000
    type(keys.space, 'y', '1', 'x')
    client.nowMs += 399
    type('y', '1', 'x')
    expect(client.submitted).toEqual([])
    client.nowMs += 1
    type('x')
    expect(commands(client)).toEqual([{ session: 'waitsaaa', type: 'answer', requestId: 'askedaaa', answer: { kind: 'option', optionId: 'no' } }])
  })

  test('nor in the first moment after the cursor came to it', async () => {
    const { type, client } = await shown()
    type('j', keys.space)
    client.nowMs += 10_000
    type('k', 'y')
    expect(client.submitted).toEqual([])
    client.nowMs += 400
    type('y')
    expect(client.submitted).toHaveLength(1)
  })

  test('nor one that took the place of another', () => {
    const sessions = new FixedSessions([view('waitsaaa', { label: 'waits', requests: [request('first000', 'delete a')] })])
    const { type, client } = listOn({ sessions })
    type(keys.space)
    client.nowMs += 1000
    sessions.change('waitsaaa', { requests: [request('second00', 'delete everything')] })
    // The first was on the screen when this was typed, the second is when that is.
    type('y', 'y', '1')
    expect(client.submitted).toEqual([])
    client.nowMs += 400
    type('y')
    expect(commands(client)).toMatchObject([{ type: 'answer', requestId: 'second00' }])
  })

  test('while it is closed an answer key shows the question and answers nothing', async () => {
    const { type, client, screen } = await shown()
    client.nowMs += 10_000
    type('y')
    expect(screen().join('\n')).toContain('1 allow once')
    expect(client.submitted).toEqual([])
    type('1')
    expect(client.submitted).toEqual([])
  })

  test('a key that is pressed twice is one answer, and can be pressed again when it was not taken', async () => {
    const client = new FakeClient()
    const { type, until } = listOn({ client, sessions: new FixedSessions([view('waitsaaa', { requests: [request('askedaaa', 'delete it')] })]) })
    type(keys.space)
    client.nowMs += 400
    type('1', '1', 'y')
    expect(client.submitted).toHaveLength(1)
    // Nobody knows that session: it is refused.
    await until((screen) => screen.at(-1)?.includes('no such session') ?? false)
    type('1')
    expect(client.submitted).toHaveLength(2)
  })

  test('a key that allows never allows for ever', () => {
    const always = request('always00', 'run it', { options: [{ id: 'ever', label: 'always', kind: 'allow', scope: 'always' }] })
    const { type, client, screen } = listOn({ sessions: new FixedSessions([view('waitsaaa', { requests: [always] })]) })
    type(keys.space)
    client.nowMs += 400
    type('y')
    expect(client.submitted).toEqual([])
    expect(screen().at(-1)).toContain('it has no answer that means "allow once"')
  })

  test('a question that is too long for the peek is not answered here', () => {
    const long = request('long0000', 'run it', { detail: Array.from({ length: 60 }, (_, line) => `line ${line}`).join('\n') })
    const { type, client, screen } = listOn({ sessions: new FixedSessions([view('waitsaaa', { requests: [long] })]) })
    type(keys.space)
    client.nowMs += 400
    type('y', '1', 'x')
    expect(client.submitted).toEqual([])
    expect(screen().join('\n')).toContain('too long to be answered here')
  })

  test('the answer to a lost question starts the agent, which is asked first', () => {
    const lost = view('lostaaaa', { requests: [request('lost0000', 'delete it', { lost: true })], run: { number: 1, pid: null, alive: false } })
    const { type, client, screen } = listOn({ sessions: new FixedSessions([lost]) })
    type(keys.space)
    expect(screen().join('\n')).toContain('lost: its process is gone')
    client.nowMs += 400
    type('1')
    expect(screen().at(-3)).toBe(' start claude again and tell it: allow once?   y/n')
    type('n', '1')
    expect(client.submitted).toEqual([])
  })

  test('the cursor passes by without anything being read', async () => {
    const client = threeKinds()
    const watched: (string | undefined)[] = []
    const watch = client.watch.bind(client)
    client.watch = (query, signal) => {
      watched.push(query.session)
      return watch(query, signal)
    }
    const { type, until } = await shown({ client })
    type('G', keys.space, 'k', 'k', 'j')
    await until(has('I am at it.'))
    await until((screen) => watched.length > 0 && screen.length > 0)
    expect(watched).toEqual(['worksaaa'])
  })

  test('nothing is read any more when it is closed or the cursor went on', async () => {
    const client = threeKinds()
    const signals: AbortSignal[] = []
    const watch = client.watch.bind(client)
    client.watch = (query, signal) => {
      signals.push(signal)
      return watch(query, signal)
    }
    const { type, until } = await shown({ client })
    type(keys.space)
    await until(() => signals.length === 1)
    type('j')
    expect(signals[0]?.aborted).toBe(true)
    await until(() => signals.length === 2)
    type(keys.escape)
    expect(signals[1]?.aborted).toBe(true)
  })

  test('the last output of a program is shown as lines', async () => {
    const client = new FakeClient()
    client.create('shellaaa', { spec: shell, title: 'bash' }).print('shellaaa', 'first\r\n\x1b[31msecond\x1b[0m\r\n\x1b]2;evil\x07third')
    const { type, until, title } = await shown({ client })
    type(keys.space)
    await until((screen) => screen.includes('   second') && screen.includes('   third'))
    client.print('shellaaa', '\x1b[?1049h\x1b[2;2Hdrawn')
    await until(has('it draws a screen of its own'))
    expect(title()).not.toContain('evil')
  })

  const agentInTerminal = (): FakeClient => {
    const client = new FakeClient()
    client.create('claudeaa', { spec: { ...shell, agent: 'claude', argv: ['claude'] }, title: 'claude' }).print('claudeaa', '\x1b[?1049h\x1b[2;2Hdrawn')
    client.screens.set('claudeaa', ['banner', ...Array.from({ length: 30 }, () => ''), '╭────╮', '│ Do you want to run \x1b]2;evil\x07this? │', '╰────╯', '', ''])
    client.report('claudeaa', { type: 'signals', signal: { claims: [{ source: 'OSC 7501', state: 'blocked', kind: 'permission', message: 'run npm test', atOffset: 1 }] } })
    return client
  }

  test('of a terminal that draws its own screen the last rows are shown, what it says of itself, and how it is answered', async () => {
    const client = agentInTerminal()
    const { type, until, screen, title } = await shown({ client, columns: 100 })
    type(keys.space)
    await until(has('│ Do you want to run this? │'))
    expect(screen().join('\n')).toMatch(/╰────╯\n ◆ permission: run npm test\n {3}Enter opens it to answer\n/)
    expect(screen().join('\n')).toMatch(/why: permission: run npm test · OSC 7501: blocked \(permission\): run npm test \w+/)
    expect(screen().join('\n')).not.toMatch(/drawn|banner/)
    expect(title()).not.toContain('evil')
    client.screens.set('claudeaa', ['done'])
    client.print('claudeaa', 'x')
    await until(has('   done'))
  })

  test('a permission that the screen of a terminal asks is answered by its number', async () => {
    const client = agentInTerminal().ask('claudeaa', 'q7m2p4zz', 'run npm test')
    const { type, until, screen } = await shown({ client })
    type(keys.space)
    await until(has('1 allow once'))
    expect(screen().join('\n')).not.toContain('opens it to answer')
    client.nowMs += 400
    type('2')
    await until(() => client.submitted.length === 1)
    expect(commands(client)).toEqual([{ session: 'claudeaa', type: 'answer', requestId: 'q7m2p4zz', answer: { kind: 'option', optionId: 'no' } }])
  })
})

describe('a reply', () => {
  test('is a prompt for a session that asks nothing', async () => {
    const { type, client, until } = await shown()
    type('j', 'r', 'and the tests', keys.enter)
    await until(() => client.submitted.length === 1)
    expect(commands(client)).toEqual([{ session: 'worksaaa', type: 'prompt', text: 'and the tests' }])
    await until((rows) => rows.some((row) => row.includes('1 queued   ')) && !rows.some((row) => row.includes('and the tests')))
  })

  test('answers a question that wants words', () => {
    const asked = request('tone0000', 'which tone?', { kind: 'question', options: [], fields: [{ name: 'tone', label: 'Tone', type: 'text', required: true }] })
    const { type, client, screen } = listOn({ sessions: new FixedSessions([view('waitsaaa', { requests: [asked] })]) })
    type(keys.space)
    expect(screen().join('\n')).toContain('r answers in your words')
    type('r', '12', keys.enter)
    expect(commands(client)).toEqual([{ session: 'waitsaaa', type: 'answer', requestId: 'tone0000', answer: { kind: 'form', fields: { tone: '12' } } }])
  })

  test('stays when it was not taken, and when it is left', async () => {
    const { type, client, until, screen } = await shown()
    client.command('restsaaa', { type: 'stop' })
    type('G', 'r', 'go on')
    type(keys.escape, 'k', 'j', 'r')
    expect(screen().join('\n')).toContain(' › go on')
    type(keys.enter)
    await until(has('so it cannot take a prompt'))
    type(keys.left)
    expect(screen().join('\n')).toContain(' › go on')
  })

  test('is left when its session is not under the cursor any more', async () => {
    const { type, client, until, screen, cursorRow } = await shown()
    type('w', 'r', 'to whom')
    client.command('waitsaaa', { type: 'remove' })
    await until(lacks('waits'))
    type(keys.enter, 'j')
    expect(commands(client)).toEqual([])
    expect(screen().join('\n')).not.toContain('to whom')
    expect(cursorRow()).not.toContain('waits')
  })

  test('is not for terminals', async () => {
    const client = new FakeClient()
    client.create('shellaaa', { spec: shell, title: 'bash' })
    const { type, screen } = await shown({ client })
    type('r')
    expect(screen().at(-1)).toContain('a terminal takes keystrokes')
  })
})

describe('what is done to sessions', () => {
  test('nothing that ends a process happens on one key', async () => {
    const { type, client, screen } = await shown()
    type('j')
    for (const key of ['S', 'e', 'D']) {
      type(key)
      expect(screen().at(-3)).toMatch(/works\?.*y\/n$/)
      type('n')
      type(key, keys.enter)
    }
    expect(client.submitted).toEqual([])
  })

  test('stop, archive and remove are done when they are confirmed', async () => {
    const { type, client, until } = await shown()
    type('j', 'S', 'y')
    await until(has('stopped works: 3 processes ended'))
    expect(client.view('worksaaa')).toMatchObject({ status: 'stopped', archived: false })
    type('g', 'e', 'y')
    await until(lacks('Needs you'))
    expect(client.view('waitsaaa').archived).toBe(true)
    type('g', 'D', 'y')
    await until((screen) => screen.filter((row) => row.includes(' works')).length <= 1)
  })

  test('what was archived or removed comes back, the last one first', async () => {
    const { type, client, until } = await shown()
    // What is at rest goes at once: it comes back by one key too.
    type('G', 'e')
    await until(() => client.view('restsaaa').archived)
    await until(has('archived rests'))
    type('g', 'D', 'y')
    await until(has('removed waits'))
    type('u')
    await until(() => !client.view('waitsaaa').removed)
    expect(client.view('restsaaa').archived).toBe(true)
    type('u')
    await until(() => !client.view('restsaaa').archived)
    type('u')
    await until(has('nothing was archived or removed here'))
  })

  test('marked ones go together and come back together', async () => {
    const { type, client, until, screen } = await shown()
    type('m', 'm')
    expect(screen()[0]).toContain('2 marked')
    type('D')
    expect(screen().at(-3)).toContain('remove 2 sessions?')
    type('y')
    await until(has('removed 2 sessions'))
    expect(screen()[0]).not.toContain('marked')
    type('u')
    await until((rows) => has('waits')(rows) && has('works')(rows))
    expect(client.view('restsaaa').removed).toBe(false)
  })

  test('archived ones are shown when they are asked for, and come back by the same key', async () => {
    const client = threeKinds().command('restsaaa', { type: 'end' })
    const { type, until, screen } = await shown({ client })
    expect(screen().join('\n')).not.toContain('rests')
    type('A', 'G')
    await until(has('archived, '))
    type('e')
    await until(() => !client.view('restsaaa').archived)
  })

  test('one is pinned to the top of its group and named', async () => {
    const client = threeKinds().create('olderaaa', { label: 'older', prompt: 'x' })
    client.nowMs += 1000
    client.create('neweraaa', { label: 'newer', prompt: 'x' })
    const { type, until, screen, cursorRow } = await shown({ client })
    const working = (): readonly string[] => screen().filter((row) => row.includes('●'))
    expect(working()[0]).toContain('newer')
    type('w', 'j', 'j')
    expect(cursorRow()).toContain('older')
    type('P')
    await until(() => working()[0]?.includes('older') ?? false)
    expect(cursorRow()).toMatch(/▸↑● older/)
    type('L', control('u'), 'elder', keys.enter)
    await until(has('elder'))
    expect(client.view('olderaaa').label).toBe('elder')
  })

  test('a pasted name is one line without control bytes', async () => {
    const { type, client, until } = await shown()
    type('L', control('u'), paste('two\x1b[2J\nlines'), keys.enter)
    await until(() => client.submitted.length === 1)
    expect(commands(client)).toEqual([{ session: 'waitsaaa', type: 'label', label: 'two lines' }])
  })

  test('it is interrupted at once and started again with its environment', async () => {
    const { type, client, until } = await shown()
    type('j', control('x'))
    await until(() => client.submitted.length === 1)
    client.command('worksaaa', { type: 'stop' })
    type('R')
    await until(() => client.submitted.length === 2)
    expect(client.submitted.map(({ command, environment }) => [command.type, environment])).toEqual([
      ['interrupt', undefined],
      ['resume', { HOME: '/home/me' }],
    ])
  })

  test('what the daemon refuses is told in one line', async () => {
    const { type, until } = await shown()
    type('G', control('x'))
    await until((screen) => screen.at(-1)?.includes('is not at work') ?? false)
  })

  test('the app is asked to open, to show the log, and for help', async () => {
    const { type, opened, logged, helped, written } = await shown()
    type(keys.enter, 'j', 'l', '?', 'c')
    expect([opened, logged, helped()]).toEqual([['waitsaaa'], ['worksaaa'], 1])
    expect(written()).toContain(`\x1b]52;c;${Buffer.from('worksaaa').toString('base64')}\x07`)
  })

  test('leaving leaves every session as it is', async () => {
    const { type, client, until } = await shown()
    type('q')
    await until((screen) => screen.join('') === '')
    expect(client.submitted).toEqual([])
  })
})

describe('order', () => {
  test('another order and other groups are shown in the first row', async () => {
    const { type, screen } = await shown()
    type('s')
    expect(screen()[0]).toContain('by last change')
    type('s', 's')
    expect(screen()[0]).toContain('by cost')
    type('s', 'p')
    expect(screen()[0]).toContain('by project')
    expect(screen()[2]).toBe(' shop  3')
  })
})

describe('the filter', () => {
  test('counts with every key, is kept by Enter and cleared by Escape', async () => {
    const { type, screen, until } = await shown()
    type('/', 'works')
    expect(screen().join('\n')).toMatch(/ works/)
    expect(screen().join('\n')).not.toMatch(/ waits| rests/)
    expect(screen().at(-1)).toContain('1 of 3')
    type(keys.enter)
    expect(screen()[0]).toMatch(/offstage {3}\/works 1 of 3/)
    type(keys.escape)
    await until(has('rests'))
    expect(screen()[0]).not.toContain('/works')
  })

  test('goes by status, and says what there is when there is no such status', async () => {
    const { type, screen } = await shown()
    type('/', 'status:waiting')
    expect(screen().join('\n')).toMatch(/waits/)
    expect(screen().join('\n')).not.toMatch(/works|rests/)
    type(control('u'), 'status:wating')
    expect(screen().at(-1)).toContain('"wating" is no status; did you mean waiting?')
  })

  test('finds in transcripts, and shows where', async () => {
    const client = threeKinds()
    client.hits = [{ session: 'restsaaa', seq: 9, atMs: nowMs, kind: 'message', excerpt: 'then the \u0001Preferences\u0002 were \x1b[31mmoved' }]
    const { type, until, row, cells, screen } = await shown({ client })
    type('/', 'preferences')
    await until(has('then the Preferences were moved'))
    expect(client.searched).toEqual([{ text: 'preferences', limit: 200 }])
    const at = screen().findIndex((one) => one.includes('Preferences'))
    const column = row('Preferences').indexOf('Preferences')
    expect(cells(at)[column]?.bold).toBe(true)
    expect(cells(at)[column - 2]?.bold).toBe(false)
  })

  test('is saved under a name and chosen again', async () => {
    const { type, screen, kept } = await shown()
    type('/', 'status:waiting', control('s'), 'mine', keys.enter)
    expect(kept.filters).toEqual({ mine: 'status:waiting' })
    type(keys.escape, '/', '/')
    expect(screen().join('\n')).toContain('saved filters')
    type(keys.enter)
    expect(screen().join('\n')).toContain(' / status:waiting')
    expect(screen().join('\n')).not.toMatch(/works|rests/)
  })

  test('the cursor is where it was when the filter is gone', async () => {
    const { type, cursorRow } = await shown()
    type('G')
    expect(cursorRow()).toContain('rests')
    type('/', 'waits')
    expect(cursorRow()).toContain('waits')
    type(keys.escape)
    expect(cursorRow()).toContain('rests')
  })
})

test('one that is paused works, needs nobody, and counts down by the minute', () => {
  const paused = view('pausedaa', {
    status: 'paused',
    reason: 'usage limit, until then',
    paused: { until: new Date(nowMs + 42 * 60_000 + 30_000).toISOString(), why: 'usage limit' },
  })
  const client = new FakeClient()
  const { screen, type, row } = listOn({
    client,
    columns: 110,
    sessions: new FixedSessions([paused, view('unknownn', { status: 'paused', paused: { until: null, why: 'usage limit' } })]),
  })
  expect(screen()[0]).toMatch(/2 working/)
  expect(screen().slice(2, 4)).toEqual([' Working', expect.stringMatching(/ ‖ task pausedaa .* goes on in 42m: usage limit /)])
  expect(row('task unknownn')).toContain(' paused: usage limit ')
  client.nowMs = nowMs + 42 * 60_000
  type('j', 'k')
  expect(row('task pausedaa')).toContain(' goes on in <1m: usage limit ')
  client.nowMs = nowMs + 43 * 60_000
  type('j', 'k')
  expect(row('task pausedaa')).toContain(' goes on now: usage limit ')
  type(keys.space)
  expect(screen().join('\n')).toMatch(/‖ paused 45m/)
  expect(screen().join('\n')).toMatch(/why: usage limit, until \d\d:\d\d$/m)
})

test('one key shows what the session under the cursor changed, another brings it into a branch', async () => {
  const { type, reviewed, landed, until } = await shown()
  type('d', 'B')
  expect([reviewed, landed]).toEqual([[landed[0]], [reviewed[0]]])
  expect(reviewed).toHaveLength(1)
  type('M', 'B')
  await until(has('several are landed one after the other by: offstage land '))
  expect(landed).toHaveLength(1)
})

test('two sessions that conflict name each other on their rows, and in the peek', () => {
  const tree = { ...view('x').workspace, kind: 'worktree', branch: 'offstage/a', base: '4f2c1a0', from: 'main', state: 'ready' } as const
  const { type, row, screen } = listOn({
    columns: 110,
    sessions: new FixedSessions([
      view('onlyaaaa', { label: 'api', status: 'completed', activity: 'it is done', workspace: tree, conflicts: [{ session: 'otheraaa', paths: ['src/a.ts'] }] }),
      view('otheraaa', { label: 'docs-pass', activity: 'goes on', conflicts: [{ session: 'onlyaaaa', paths: ['src/a.ts'] }] }),
    ]),
  })
  expect(row('✓ api')).toContain('≠ conflicts with docs-pass: src/a.ts')
  expect(row('● docs-pass')).toContain('≠ conflicts with api: src/a.ts')
  type('G', keys.space)
  expect(screen().join('\n')).toContain(' ≠ docs-pass: src/a.ts   worktree offstage/a from main 4f2c1a0')
})

describe('the dispatch line', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  /** A user with one agent on the path, in a directory of their own. */
  function someone() {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-')))
    folders.push(folder)
    for (const name of ['bin', 'home', 'shop', 'site']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, 'bin', 'claude-agent-acp'), '#!/bin/sh\n', { mode: 0o700 })
    const env = { HOME: join(folder, 'home'), OFFSTAGE_HOME: join(folder, 'state'), PATH: join(folder, 'bin'), TERM: 'xterm-256color' }
    return { folder, parts: { env, cwd: join(folder, 'shop') } }
  }

  test('Enter starts what is written in the background and selects it', async () => {
    const { folder, parts } = someone()
    const { type, client, until, cursorRow, opened, kept } = await shown({ parts })
    type('n', 'Fix the flaky test', keys.enter)
    await until(has('task: ') && ((screen) => screen.some((row) => row.includes('▸') && row.includes('Fix the'))))
    expect(client.submitted.map(({ command }) => command)).toMatchObject([
      { type: 'create', title: 'Fix the flaky test', prompt: 'Fix the flaky test', spec: { agent: 'claude', cwd: join(folder, 'shop') } },
    ])
    expect(cursorRow()).toContain('Fix the')
    expect([opened, kept.draft]).toEqual([[], ''])
  })

  test('where it works is said before it is started, chosen with one key, and goes along with it', async () => {
    const { parts } = someone()
    const wishes: unknown[] = []
    const { type, client, until, screen } = await shown({ parts, list: { directory: async () => stateOf(3, 0, { auto: { kind: 'worktree', why: 'the tree is dirty' } }) } })
    const standing = (): string => screen().find((one) => one.startsWith('   claude ·')) ?? ''
    const start = async (): Promise<void> => {
      const many = client.submitted.length
      type('Fix it', keys.enter)
      await until(() => client.submitted.length === many + 1)
      const { command } = client.submitted.at(-1) ?? {}
      wishes.push(command?.type === 'create' ? [command.spec.workspace, command.spec.carries] : undefined)
      await until(() => standing() !== '')
    }
    type('n')
    expect(standing()).toBe('   claude · shop · worktree from main (3 changed: Shift-Tab takes them along)')
    await start()
    type(keys.shiftTab)
    expect(standing()).toBe('   claude · shop · worktree from main, with 3 changes')
    await start()
    // Each task is chosen for anew.
    expect(standing()).toBe('   claude · shop · worktree from main (3 changed: Shift-Tab takes them along)')
    type(keys.shiftTab, keys.shiftTab)
    expect(standing()).toBe('   claude · shop · in place (main, 3 changed)')
    await start()
    expect(wishes).toEqual([
      ['auto', undefined],
      ['worktree', { untracked: [] }],
      ['in-place', undefined],
    ])
  })

  test('it can be opened at once', async () => {
    const { parts } = someone()
    const { type, until, opened, client } = await shown({ parts })
    type('n', 'Fix it', keys.altEnter)
    await until(() => opened.length === 1)
    expect(opened).toEqual([client.submitted[0]?.session])
  })

  test.each([
    ['fix it', [{ ...claude, loggedIn: false }], '! claude does not seem to be logged in: claude /login'],
    ['fix it', [{ ...claude, default: false, installed: false }], '! no agent is installed, and no model is set: npm i -g @agentclientprotocol/c'],
    ['fix it', [{ ...claude, installed: false }], '! claude is not installed: npm i -g @agentclientprotocol/claude-agent-acp'],
    [
      '@codex fix it',
      [claude, { ...claude, name: 'codex', default: false, installed: false, install: null, command: 'my-codex' }],
      '! codex is not installed: there is no program my-codex',
    ],
    ['@scri fix it', [claude], '! no agent is called scri; Tab behind @ lists them'],
  ])('%j says what is in its way before Enter: %j', async (task, agents, says) => {
    const { type, until } = await shown({ list: { agents: async () => agents } })
    type('n', task)
    await until((rows) => rows.at(-1)?.trimStart().startsWith(says) === true)
    type(control('u'), '!npm test')
    await until(lacks(says))
  })

  test('an empty list says that there is no agent to start', async () => {
    const { until } = await shown({ client: new FakeClient(), list: { agents: async () => [{ ...claude, default: false, installed: false }] } })
    await until(has('! no agent is installed'))
  })

  test('completions of agents: those that are there, then those that are missing, which are dim', async () => {
    const { type, until, screen, cells } = await shown({ list: { agents: async () => [{ ...claude, name: 'codex', title: 'Codex', default: false, installed: false }, claude] } })
    type('n', '@')
    await until(has('not installed'))
    const rows = screen().filter((row) => /@c\w+ /.test(row))
    expect(rows.map((row) => row.trim().replace(/ +/g, ' '))).toEqual(['→ @claude Claude Code, the default', '@codex not installed'])
    const isDim = (name: string): boolean | undefined => {
      const row = screen().findIndex((one) => one.includes(name))
      return cells(row)[screen()[row]?.indexOf(name) ?? 0]?.dim
    }
    expect([isDim('@claude'), isDim('@codex')]).toEqual([false, true])
  })

  test('an agent that is not installed is told with how to get it, and the text stays', async () => {
    const { parts } = someone()
    const { type, until, screen, client } = await shown({ parts })
    type('n', '@codex fix it', keys.enter)
    await until((rows) => /codex is not installed.*npm i -g/.test(rows.slice(-2).join('')))
    type(keys.left)
    expect(screen().join('\n')).toContain('@codex fix it')
    expect(client.submitted).toEqual([])
  })

  test('a name that no agent has is told while it is written, and is no completion although a session has it', async () => {
    const client = new FakeClient().create('demoaaaa', { spec: { kind: 'agent', driver: 'acp', agent: 'scripted', argv: ['scripted'], cwd: '/work/demo' } })
    const { type, until, screen } = await shown({ client })
    type('n', '@cl')
    await until(has('→ @claude'))
    type(control('u'), '@scri fix it')
    await until(has('no agent is called scri · '))
    expect(screen().join('\n')).not.toContain('@scripted')
  })

  test('#project is a directory that sessions know, and a path any', async () => {
    const { folder, parts } = someone()
    const client = new FakeClient().create('siteaaaa', { spec: { kind: 'agent', driver: 'acp', agent: 'talker', argv: ['talker'], cwd: join(folder, 'site') } })
    const { type, until, screen } = await shown({ parts, client })
    type('n', '#nowhere do it', keys.enter)
    await until(has('no session works in a directory called nowhere'))
    type(control('u'), '#site do it')
    expect(screen().join('\n')).not.toContain('no session works')
    type(keys.enter)
    await until(() => client.submitted.length === 1)
    type('#', `${folder}/missing do it`, keys.enter)
    await until(has('there is no directory'))
    expect(client.submitted.map(({ command }) => (command.type === 'create' ? command.spec.cwd : ''))).toEqual([join(folder, 'site')])
  })

  test('! starts a program', async () => {
    const { parts } = someone()
    const { type, until, client } = await shown({ parts })
    type('n', "!npm test -- 'a b'", keys.enter)
    await until(() => client.submitted.length === 1)
    expect(client.submitted[0]?.command).toMatchObject({ spec: { kind: 'terminal', driver: 'terminal', agent: 'npm', argv: ['npm', 'test', '--', 'a b'] } })
  })

  test('the draft outlives leaving the line, opening a session and the screens', async () => {
    const first = await shown()
    first.type('n', 'half a thou', keys.escape, keys.enter, 'n', 'ght')
    expect(first.kept.draft).toBe('half a thought')
    expect(first.screen().join('\n')).toContain('half a thought')
    const second = await shown({ draft: first.kept.draft })
    expect(second.screen().join('\n')).toContain('half a thought')
  })

  test('single keys act on the list only', async () => {
    const { type, client, screen } = await shown()
    type('n', 'Swap De queue')
    expect(screen().join('\n')).toContain('Swap De queue')
    expect(client.submitted).toEqual([])
  })

  test('what the task leaves out is said below it', async () => {
    const { type, screen } = await shown({ list: { directory: async () => stateOf() } })
    type('n', 'Make the whole thing much better than it is today')
    expect(screen().at(-1)).toContain('names no file or directory')
  })

  test('another line for what is longer, and the editor for more', async () => {
    const { type, until, screen } = await shown({ parts: { edit: async (text) => `${text}\nfrom the editor\n` } })
    type('n', 'first', alt('x'), keys.shiftEnter, 'second', control('g'))
    await until(has('from the editor'))
    expect(screen().join('\n')).toMatch(/ › first\n {3}second\n {3}from the editor/)
  })
})
