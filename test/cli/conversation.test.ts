import { PassThrough } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dispatch } from '../../src/cli/dispatch.ts'
import type { Context, Input, Output } from '../../src/cli/verb.ts'
import { FakeClient } from './fake-client.ts'
import { contextOf } from './run-cli.ts'
import { Screen } from './screen.ts'

interface Talk {
  readonly client: FakeClient
  readonly screen: Screen
  readonly err: () => string
  readonly detached: readonly (readonly string[])[]
  readonly code: Promise<number>
  readonly raw: boolean[]
  type(keys: string): Promise<void>
  hangUp(): void
  abort(signal: string): void
}

const aFewTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** What needs a file or a module to be read takes more than a few turns. */
async function until(happened: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000
  while (!happened()) {
    if (performance.now() > deadline) throw new Error(`never happened: ${happened.toString()}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await aFewTurns()
}

const submits = (client: FakeClient, type: string): Promise<void> => until(() => client.submitted.some(({ command }) => command.type === type))

/** `offstage ARGV` in front of a terminal. */
async function talk(client: FakeClient, argv: readonly string[], columns = 60): Promise<Talk> {
  const screen = new Screen()
  const raw: boolean[] = []
  const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) })
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns, rows: 24 })
  stdout.setEncoding('utf8').on('data', (text: string) => screen.write(text))
  const stopping = new AbortController()
  const printed = { out: '', err: '' }
  const detached: (readonly string[])[] = []
  const base = contextOf(client, { tty: true, columns, signal: stopping.signal, now: () => client.nowMs }, printed, detached)
  const context: Context = {
    ...base,
    // Lines as they are told where nothing is drawn.
    env: { ...base.env, OFFSTAGE_SCREEN_READER: '1' },
    stdin: keyboard as unknown as Input,
    stdout: stdout as unknown as Output,
    out: (text) => void stdout.write(text),
    detach: (args) => void detached.push(args),
  }
  const code = dispatch(argv, context)
  onTestFinished(async () => {
    stopping.abort('SIGTERM')
    await code
  })
  await until(() => screen.text.includes('/help'))
  return {
    client,
    screen,
    err: () => printed.err,
    detached,
    code,
    raw,
    type: async (keys) => {
      keyboard.write(keys)
      await aFewTurns()
    },
    hangUp: () => keyboard.end(),
    abort: (signal) => stopping.abort(signal),
  }
}

const told = (): FakeClient =>
  new FakeClient().create('k3f9x2ab', { label: 'api', title: 'Add an endpoint', prompt: 'Add an endpoint' }).say('k3f9x2ab', '1.1', 'I will start with the schema.')

const draft = (client: FakeClient, entryId: string, from: number, text: string): void => void client.draft({ session: 'k3f9x2ab', entryId, kind: 'message', from, text })

describe('what is told', () => {
  test('switch tells what was not seen, under a mark', async () => {
    const client = told()
    client.command('k3f9x2ab', { type: 'show', entries: 1 })
    const { screen } = await talk(client, ['switch', 'api'])
    expect(screen.text).toBe(
      [
        ' k3f9x2ab · api · talker · /work/shop',
        ' /bg leaves it running · /help',
        '',
        ' you   Add an endpoint',
        '',
        ' ── 1 new ────────────────────────────────────────────────',
        '',
        ' talker',
        '   I will start with the schema.',
        '● I will start with the schema.',
        ' ›',
      ].join('\n'),
    )
    expect(client.view('k3f9x2ab').unseen).toBe(0)
  })

  test('run tells everything from the start, as it comes', async () => {
    const client = new FakeClient()
    const { screen } = await talk(client, ['run', '--agent', 'acp:sh', '--cwd', '/', 'Say hello'])
    const id = client.submitted[0]?.session ?? ''
    client.say(id, '1.1', 'Hello.').endTurn(id)
    await aFewTurns()
    expect(screen.text).toBe([` ${id} · Say hello · sh · /`, ' /bg leaves it running · /help', '', ' you   Say hello', '', ' sh', '   Hello.', ' ›'].join('\n'))
    expect(client.view(id).unseen).toBe(0)
  })

  test('drafts are told as they grow, wrapped, and the fact says only what is left', async () => {
    const client = told()
    const { screen } = await talk(client, ['switch', 'api'], 40)
    draft(client, '1.2', 0, 'Two tests fail because the old st')
    await aFewTurns()
    expect(screen.text.split('\n').slice(-4)).toEqual(['', '   Two tests fail because the old st', '● I will start with the schema.', ' ›'])
    draft(client, '1.2', 33, 'ore writes first.\n\nI will')
    await aFewTurns()
    draft(client, '1.2', 52, 'I will look')
    client.say('k3f9x2ab', '1.2', 'Two tests fail because the old store writes first.\n\nI will look into it.')
    await aFewTurns()
    expect(screen.text.split('\n').slice(-8)).toEqual([
      '   I will start with the schema.',
      '',
      '   Two tests fail because the old store',
      '   writes first.',
      '',
      '   I will look into it.',
      '● Two tests fail because the old store…',
      ' ›',
    ])
    expect(screen.strange).toEqual([])
  })

  test('drafts that were lost on the way come with the fact; a rewritten message is told again', async () => {
    const client = told()
    const { screen } = await talk(client, ['switch', 'api'])
    draft(client, '1.2', 0, 'one ')
    draft(client, '1.2', 10, 'three')
    client.say('k3f9x2ab', '1.2', 'one two th three')
    client.say('k3f9x2ab', '1.2', 'something else')
    await aFewTurns()
    expect(screen.text.split('\n').slice(-6, -2)).toEqual(['', '   one two th three', '', '   something else'])
  })

  test('tool calls are told once, when they are over; a draft that overtakes a fact waits for it', async () => {
    const client = told()
    const tool = (status: 'pending' | 'running' | 'completed') =>
      client.report('k3f9x2ab', { type: 'entry', entryId: '1.3', entry: { kind: 'tool', title: 'npm test', toolKind: 'execute', status } })
    const { screen } = await talk(client, ['switch', 'api'])
    draft(client, '1.2', 0, 'Testing.')
    draft(client, '1.4', 0, 'Good.')
    client.say('k3f9x2ab', '1.2', 'Testing.')
    tool('pending')
    tool('running')
    await aFewTurns()
    expect(screen.text.split('\n').slice(-3)).toEqual(['   Good.', '● npm test', ' ›'])
    tool('completed')
    client.say('k3f9x2ab', '1.4', 'Good.')
    await aFewTurns()
    expect(screen.text.split('\n').slice(-7)).toEqual(['', '   Testing.', '', '   Good.', '   ✓ run    npm test', '● Good.', ' ›'])
  })

  test('control bytes of the agent do not reach the terminal, in drafts cut anywhere either', async () => {
    const client = told()
    const { screen } = await talk(client, ['switch', 'api'])
    const evil = 'a\x1b[31mb\x1b]0;t\x07c\u009b2Jd\u202ee\r\nf'
    for (let at = 0; at < evil.length; at++) draft(client, '1.2', at, evil[at] ?? '')
    client.say('k3f9x2ab', '1.2', evil).ask('k3f9x2ab', 'q7m2p4zz', evil, evil)
    await aFewTurns()
    expect(screen.strange).toEqual([])
    expect(screen.text).not.toMatch(/[\u0080-\u009f\u202e]/)
  })
})

describe('what is typed', () => {
  test('a line is a prompt, told once and without what was typed', async () => {
    const { client, screen, type } = await talk(told().endTurn('k3f9x2ab'), ['switch', 'api'])
    await type('and a tset')
    expect(screen.text.split('\n').at(-1)).toBe(' › and a tset')
    await type('\x7f\x7f\x7fest\r')
    await submits(client, 'prompt')
    expect(screen.text.split('\n').slice(-4)).toEqual(['', ' you   and a test', '● at work', ' ›'])
    expect(client.submitted.at(-1)).toMatchObject({ command: { type: 'prompt', text: 'and a test' }, environment: { HOME: '/home/me' } })
  })

  test('what comes meanwhile goes above what is being typed', async () => {
    const { client, screen, type } = await talk(told(), ['switch', 'api'])
    await type('half a line')
    client.say('k3f9x2ab', '1.2', 'Done.')
    await aFewTurns()
    expect(screen.text.split('\n').slice(-4)).toEqual(['', '   Done.', '● Done.', ' › half a line'])
  })

  test('a line that is longer than the terminal keeps its cursor in sight', async () => {
    const { screen, type } = await talk(told(), ['switch', 'api'], 30)
    await type(`begin ${'x'.repeat(40)} end`)
    const row = screen.text.split('\n').at(-1) ?? ''
    expect(row.endsWith('end')).toBe(true)
    expect(row.length).toBeLessThan(30)
  })

  test('a paste of several lines is one prompt', async () => {
    const { client, screen, type } = await talk(told().endTurn('k3f9x2ab'), ['switch', 'api'])
    await type('see:\x1b[200~one\ntwo\nthree\x1b[201~')
    expect(screen.text.split('\n').at(-1)).toBe(' › (2 more lines) three')
    await type(' !\r')
    await submits(client, 'prompt')
    expect(client.submitted.at(-1)?.command).toEqual({ type: 'prompt', text: 'see:one\ntwo\nthree !' })
  })

  test('a number answers what is asked; other text is a prompt', async () => {
    const { client, screen, type } = await talk(told().ask('k3f9x2ab', 'q7m2p4zz', 'delete prefs.ts', 'no imports'), ['switch', 'api'])
    expect(screen.text.split('\n').slice(-6)).toEqual([
      '',
      '   ◆ delete prefs.ts ?',
      '     no imports',
      '     1 allow once   2 reject',
      'number to answer, or text to say something else',
      ' ›',
    ])
    await type('why?\r')
    await submits(client, 'prompt')
    expect(client.submitted.at(-1)?.command).toEqual({ type: 'prompt', text: 'why?' })
    await type('2\r')
    expect(client.submitted.at(-1)?.command).toEqual({ type: 'answer', requestId: 'q7m2p4zz', answer: { kind: 'option', optionId: 'no' } })
    expect(screen.text).toContain('\n     → reject\n')
  })

  test('a form is answered field by field; a secret is not shown, and not remembered', async () => {
    const client = told()
    const fields = [
      { name: 'user', label: 'User', type: 'text', required: true },
      { name: 'port', label: 'Port', type: 'integer', required: false },
      { name: 'token', label: 'Token', type: 'text', required: true, secret: true },
    ] as const
    client.report('k3f9x2ab', { type: 'asks', ask: { id: 'ffffffff', kind: 'question', title: 'Log in', options: [], fields } })
    const { screen, type } = await talk(client, ['switch', 'api'])
    expect(screen.text.split('\n').at(-2)).toBe('User')
    await type('me\r')
    expect(screen.text.split('\n').at(-2)).toBe('Port   (Enter leaves it out)')
    await type('many\r')
    expect(screen.text).toContain('"many" does not fit field "port" (integer)')
    await type('\r')
    await type('canary')
    expect(screen.text.split('\n').slice(-2)).toEqual(['Token', ' › ••••••'])
    await type('\r')
    expect(client.submitted.at(-1)?.command).toEqual({ type: 'answer', requestId: 'ffffffff', answer: { kind: 'form', fields: { user: 'me', token: 'canary' } } })
    await type('\x1b[A')
    expect(screen.text).not.toContain('canary')
  })

  test('commands that the agent offers are its own; others get a hint', async () => {
    const { client, screen, type } = await talk(told().endTurn('k3f9x2ab'), ['switch', 'api'])
    await type('/review the diff\r')
    await submits(client, 'prompt')
    expect(client.submitted.at(-1)?.command).toEqual({ type: 'prompt', text: '/review the diff' })
    await type('/usr/bin is a path\r')
    await until(() => client.facts('k3f9x2ab').filter((event) => event.type === 'prompt-queued').length === 3)
    expect(client.submitted.at(-1)?.command).toEqual({ type: 'prompt', text: '/usr/bin is a path' })
    await type('/reviw\r/frobnicate\r')
    expect(screen.text).toContain('   there is no /reviw; did you mean /review?\n   there is no /frobnicate; /help says what there is\n')
  })

  test('/help, /sessions and /label', async () => {
    const { client, screen, type } = await talk(told().create('m4c8d1ef', { title: 'Fix tests' }), ['switch', 'api'])
    await type('/help\r/sessions\r/label new name\r')
    expect(screen.text).toContain('   /bg [--label L]   leave it running; also Ctrl-D\n')
    expect(screen.text).toMatch(/\nm4c8d1ef {2}◆ waiting {2}Fix tests/)
    expect(client.view('k3f9x2ab').label).toBe('new name')
  })

  test('what is refused is said, and the conversation goes on', async () => {
    const { client, screen, type } = await talk(told().report('k3f9x2ab', { type: 'lost', cause: 'killed' }), ['switch', 'api'])
    await type('go on\r')
    await submits(client, 'prompt')
    expect(screen.text).toContain(
      '✗ session k3f9x2ab has no agent at work (run lost: killed), so it cannot take a prompt\n     offstage resume k3f9x2ab starts it again\n     not sent: go on\n',
    )
    expect(screen.text.split('\n').at(-1)).toBe(' ›')
  })
})

describe('how it is left', () => {
  const farewell = (label: string): readonly string[] => [
    ` backgrounded  k3f9x2ab  ${label}`,
    '   Add an endpoint: I will start with the schema.',
    '   offstage                all sessions',
    '   offstage switch k3f9    come back',
    '   offstage answer k3f9    answer it when it asks',
    '',
  ]

  test('/bg gives the terminal back and says how to come back; nothing is told to the agent', async () => {
    const { client, screen, type, code, raw } = await talk(told(), ['switch', 'api'])
    await type('/bg\r')
    expect(await code).toBe(0)
    expect(screen.text.split('\n').slice(-7)).toEqual(['', ...farewell('api')])
    expect(raw).toEqual([true, false])
    expect(client.submitted.map(({ command }) => command.type)).toEqual(['show'])
    expect(client.view('k3f9x2ab').status).toBe('working')
  })

  test.each([
    ['Ctrl-D', '\x04'],
    ['Ctrl-C twice', '\x03\x03'],
  ])('%s is /bg', async (_name, keys) => {
    const { screen, type, code } = await talk(told(), ['switch', 'api'])
    await type(keys)
    expect(await code).toBe(0)
    expect(screen.text.split('\n').slice(-6)).toEqual(farewell('api'))
  })

  test.each(['SIGHUP', 'SIGTERM'])('%s is /bg', async (signal) => {
    const { client, screen, abort, code } = await talk(told(), ['switch', 'api'])
    abort(signal)
    expect(await code).toBe(0)
    expect(screen.text.split('\n').slice(-6)).toEqual(farewell('api'))
    expect(client.view('k3f9x2ab').status).toBe('working')
  })

  test('a terminal that is closed is /bg', async () => {
    const { client, hangUp, code } = await talk(told(), ['switch', 'api'])
    hangUp()
    expect(await code).toBe(0)
    expect(client.view('k3f9x2ab').status).toBe('working')
  })

  test('/bg within 50 ms although the daemon never answers, and the label is brought there by another process', async () => {
    const client = told()
    const { screen, type, code, detached } = await talk(client, ['switch', 'api'])
    client.hangs.add('submit').add('list').add('get')
    await type('a prompt that is stuck\r/sessions\r/end\r')
    const before = performance.now()
    void type('/bg --label "new name"\r')
    expect(await code).toBe(0)
    expect(performance.now() - before).toBeLessThan(50)
    expect(screen.text.split('\n').slice(-6)).toEqual(farewell('new name'))
    expect(detached).toEqual([['label', 'k3f9x2ab', '--', 'new name']])
  })

  test('/bg --label that is answered at once needs no other process', async () => {
    const { client, type, code, detached } = await talk(told(), ['switch', 'api'])
    await type('/bg --label new\r')
    expect(await code).toBe(0)
    expect(client.view('k3f9x2ab').label).toBe('new')
    expect(detached).toEqual([])
  })

  test('Ctrl-C once interrupts the turn; in an idle session it only says how to leave', async () => {
    const working = await talk(told(), ['switch', 'api'])
    await working.type('half\x03')
    expect(working.client.submitted.map(({ command }) => command.type)).toEqual(['show', 'interrupt'])
    expect(working.screen.text.split('\n').slice(-3)).toEqual(['   · interrupted', '● interrupting', ' ›'])
    working.client.nowMs += 1001
    await working.type('\x03')
    const idle = await talk(told().endTurn('k3f9x2ab'), ['switch', 'api'])
    await idle.type('\x03')
    expect(idle.screen.text.split('\n').slice(-2)).toEqual(['   Ctrl-C again leaves it running · /exit ends it · /help', ' ›'])
    expect(idle.client.submitted.map(({ command }) => command.type)).toEqual(['show'])
  })

  test('/exit ends the session, with proof', async () => {
    const { client, screen, type, code } = await talk(told(), ['switch', 'api'])
    client.stopEnds = null
    await type('/exit\r')
    expect(screen.text.split('\n').at(-2)).toBe('● being stopped')
    client.report('k3f9x2ab', { type: 'swept', ended: 4 })
    expect(await code).toBe(0)
    expect(screen.text.split('\n').slice(-2)).toEqual(['   ended k3f9x2ab: 4 processes ended', ''])
    expect(client.view('k3f9x2ab').archived).toBe(true)
  })

  test('/stop keeps it', async () => {
    const { client, screen, type, code } = await talk(told(), ['switch', 'api'])
    await type('/stop\r')
    expect(await code).toBe(0)
    expect(screen.text).toContain('   stopped k3f9x2ab: 3 processes ended\n   offstage resume k3f9x2ab   starts it again\n')
    expect(client.view('k3f9x2ab')).toMatchObject({ archived: false, status: 'stopped' })
  })

  test('a stop from elsewhere ends the conversation', async () => {
    const { client, screen, code } = await talk(told(), ['switch', 'api'])
    client.command('k3f9x2ab', { type: 'stop' })
    expect(await code).toBe(0)
    expect(screen.text).toContain('   k3f9x2ab was stopped\n')
  })

  test('/end ID ends another one and stays', async () => {
    const { client, screen, type } = await talk(told().create('m4c8d1ef', { title: 'Fix tests' }), ['switch', 'api'])
    await type('/end m4c\r/end nope\r')
    expect(screen.text).toContain('   ended m4c8d1ef  Fix tests: 3 processes ended\n')
    expect(screen.text).toContain('✗ no session matches "nope"')
    expect(client.view('m4c8d1ef').archived).toBe(true)
  })

  test('/switch ID goes to another session in place', async () => {
    const { screen, type, code } = await talk(told().create('m4c8d1ef', { title: 'Fix tests', prompt: 'Fix tests' }), ['switch', 'api'])
    await type('/switch m4\r')
    expect(screen.text).toContain('\n m4c8d1ef · Fix tests · talker · /work/shop\n')
    await type('/bg\r')
    expect(await code).toBe(0)
    expect(screen.text).toContain(' backgrounded  m4c8d1ef\n')
  })
})

describe('without a terminal', () => {
  function piped(client: FakeClient, argv: readonly string[], input: string, signal = new AbortController().signal) {
    const printed = { out: '', err: '' }
    const stdin = new PassThrough()
    stdin.end(input)
    const context = contextOf(client, { stdin: stdin as unknown as Input, signal }, printed)
    return { printed, code: dispatch(argv, context) }
  }
  const start = ['run', '--agent', 'acp:sh', '--cwd', '/']
  const idOf = (client: FakeClient): string => client.submitted[0]?.session ?? ''

  test('run streams until the turn ends', async () => {
    const client = new FakeClient()
    const { printed, code } = piped(client, [...start, 'Say hello'], '')
    await until(() => printed.out.includes('you'))
    const id = idOf(client)
    client.draft({ session: id, entryId: '1.1', kind: 'message', from: 0, text: 'Hel' })
    await aFewTurns()
    expect(printed.out).toBe(' you   Say hello\n\n sh\n   Hel')
    client.say(id, '1.1', 'Hello.').endTurn(id)
    expect(await code).toBe(0)
    expect(printed).toEqual({ out: ' you   Say hello\n\n sh\n   Hello.\n', err: '' })
  })

  const ends: readonly (readonly [string, (client: FakeClient, id: string) => unknown, number])[] = [
    ['a question', (client, id) => client.ask(id, 'q7m2p4zz', 'delete it'), 10],
    ['a failure', (client, id) => client.report(id, { type: 'exited', exit: { code: 1 }, outEnd: 0, errEnd: 0 }), 11],
    ['an end of the turn', (client, id) => client.endTurn(id), 0],
  ]
  test.each(ends)('%s ends it', async (_name, happens, expected) => {
    const client = new FakeClient()
    const { code, printed } = piped(client, [...start, 'x'], '')
    await until(() => printed.out.includes('you'))
    happens(client, idOf(client))
    expect(await code).toBe(expected)
  })

  test('lines are taken one by one, when the agent can take them', async () => {
    const client = new FakeClient()
    const { printed, code } = piped(client, [...start, 'first'], '1\nsecond\u2028line\r\n\nthird')
    await until(() => printed.out.includes('you'))
    const id = idOf(client)
    expect(client.submitted).toHaveLength(1)
    client.ask(id, 'q7m2p4zz', 'delete it')
    await aFewTurns()
    for (const prompt of [2, 3]) {
      client.endTurn(id)
      await until(() => client.facts(id).filter((event) => event.type === 'turn-started').length === prompt)
    }
    client.endTurn(id)
    expect(await code).toBe(0)
    expect(client.submitted.slice(1).map(({ command }) => command)).toEqual([
      { type: 'answer', requestId: 'q7m2p4zz', answer: { kind: 'option', optionId: 'once' } },
      { type: 'prompt', text: 'second\u2028line' },
      { type: 'prompt', text: 'third' },
    ])
    expect(printed.out).toContain('     → allow once\n')
  })

  test('an agent that cannot be executed is a failure', async () => {
    const client = new FakeClient()
    client.onStart = { type: 'not-started', why: 'sh: permission denied' }
    const { printed, code } = piped(client, [...start, 'x'], '')
    expect(await code).toBe(1)
    expect(printed.err).toBe(
      `offstage: session ${idOf(client)} was not started: sh: permission denied\n  offstage why ${idOf(client)} says more, offstage rm ${idOf(client)} removes it\n`,
    )
  })

  test('/bg leaves at once, and says it on stderr', async () => {
    const client = new FakeClient()
    const { printed, code } = piped(client, [...start, 'x'], '/bg --label later\n')
    expect(await code).toBe(0)
    expect(printed.err).toContain(` backgrounded  ${idOf(client)}  later\n`)
    expect(client.view(idOf(client)).label).toBe('later')
  })

  test('a signal leaves it running', async () => {
    const client = new FakeClient()
    const stopping = new AbortController()
    const { printed, code } = piped(client, [...start, 'x'], '', stopping.signal)
    await until(() => printed.out.includes('you'))
    stopping.abort('SIGINT')
    expect(await code).toBe(130)
    expect(printed.err).toContain(` backgrounded  ${idOf(client)}\n`)
    expect(client.view(idOf(client)).status).toBe('working')
  })

  test('--json says nothing but the session object at the end', async () => {
    const client = new FakeClient()
    const { printed, code } = piped(client, [...start, '--json', 'x'], 'this is not for it\n')
    await submits(client, 'create')
    const id = idOf(client)
    client.say(id, '1.1', 'Hello.').endTurn(id)
    expect(await code).toBe(0)
    expect(JSON.parse(printed.out)).toMatchObject({ id, status: 'completed', entries: 2 })
  })

  test('a program prints its output, and its exit code is ours', async () => {
    const client = new FakeClient()
    const { printed, code } = piped(client, ['run', '--cwd', '/', '--', 'make'], '')
    await submits(client, 'create')
    await aFewTurns()
    client.print(idOf(client), 'building\x1b[31m!\x1b[0m\r\n').exit(idOf(client), 7)
    expect(await code).toBe(7)
    expect(printed.out).toBe('building!\n')
  })
})
