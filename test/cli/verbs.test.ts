import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { catalogue } from '../../src/catalogue/index.ts'
import type { Input } from '../../src/cli/verb.ts'
import { FakeClient, shell } from './fake-client.ts'
import { offstage } from './run-cli.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'offstage-cli-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const here = { cwd: folder }

const typed = (text: string): Input => {
  const stream = new PassThrough()
  stream.end(text)
  return stream as unknown as Input
}

describe('bg', () => {
  const acp = ['--agent', 'acp:sh -c true']

  test('starts an agent and says how to come back', async () => {
    const client = new FakeClient()
    const { code, out, err } = await offstage(client, ['bg', ...acp, '--label', 'api', '--env', 'A=1=2', '--model', 'm', '--mode', 'plan', 'Add', 'an endpoint\nwith tests'], here)
    const [submission] = client.submitted
    const id = submission?.session ?? ''
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe(
      [
        ` backgrounded  ${id}  api`,
        '   Add an endpoint',
        '   offstage                all sessions',
        `   offstage switch ${id.slice(0, 4)}    come back`,
        `   offstage answer ${id.slice(0, 4)}    answer it when it asks`,
        '',
      ].join('\n'),
    )
    expect(submission?.command).toEqual({
      type: 'create',
      spec: { kind: 'agent', driver: 'acp', agent: 'acp:sh -c true', argv: ['sh', '-c', 'true'], cwd: folder, model: 'm', mode: 'plan', workspace: 'auto', umask: process.umask() },
      title: 'Add an endpoint',
      label: 'api',
      prompt: 'Add an endpoint\nwith tests',
    })
    expect(submission?.environment).toMatchObject({ HOME: '/home/me', A: '1=2' })
  })

  test('--json prints the session object', async () => {
    const client = new FakeClient()
    const { out } = await offstage(client, ['bg', '--json', '--', 'npm', 'test'], here)
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(client.view(client.submitted[0]?.session ?? ''))))
  })

  test('a program gets the size of the terminal and its command line as title; --no-tty gives it pipes', async () => {
    const client = new FakeClient()
    await offstage(client, ['bg', '--', 'sh', '-c', 'echo hi there'], { ...here, tty: true, columns: 132 })
    await offstage(client, ['bg', '--no-tty', '--', 'make'], here)
    expect(client.submitted.map(({ command }) => command)).toEqual([
      {
        type: 'create',
        spec: { kind: 'terminal', driver: 'terminal', agent: 'sh', argv: ['sh', '-c', 'echo hi there'], cwd: folder, size: { columns: 132, rows: 23 }, umask: process.umask() },
        title: "sh -c 'echo hi there'",
      },
      { type: 'create', spec: { kind: 'terminal', driver: 'command', agent: 'make', argv: ['make'], cwd: folder, umask: process.umask() }, title: 'make' },
    ])
  })

  test('"-" reads the prompt from standard input', async () => {
    const client = new FakeClient()
    await offstage(client, ['bg', ...acp, '-'], { ...here, stdin: typed('first line\n\nmore\n') })
    expect(client.submitted[0]?.command).toMatchObject({ title: 'first line', prompt: 'first line\n\nmore' })
  })

  test('a program that cannot be executed is said at once, and stays in the list', async () => {
    const client = new FakeClient()
    client.onStart = { type: 'not-started', why: 'nosuch: no such file or directory' }
    const { code, out, err } = await offstage(client, ['bg', '--', 'nosuch'], here)
    const id = client.submitted[0]?.session ?? ''
    expect({ code, out, err }).toEqual({
      code: 1,
      out: '',
      err: `offstage: session ${id} was not started: nosuch: no such file or directory\n  offstage why ${id} says more, offstage rm ${id} removes it\n`,
    })
    expect(client.view(id).status).toBe('failed')
  })

  test('a start that takes long is not waited for', async () => {
    const client = new FakeClient()
    client.onStart = null
    expect((await offstage(client, ['bg', '--', 'slow'], here)).code).toBe(0)
  })

  const file = join(folder, 'file')
  writeFileSync(file, '')
  const mistakes: readonly (readonly [string, readonly string[], string])[] = [
    ['no prompt', ['bg', ...acp], 'what is it to do? There is no prompt'],
    ['an empty prompt', ['bg', ...acp, '  '], 'what is it to do? There is no prompt'],
    ['no program', ['bg', '--'], 'which program? Nothing follows "--"'],
    ['a prompt and a program', ['bg', 'do', '--', 'make'], 'a prompt and a program cannot both be given'],
    ['an agent for a program', ['bg', '--agent', 'x', '--', 'make'], '--agent is for agents, not for a program'],
    ['pipes for an agent', ['bg', ...acp, '--no-tty', 'x'], '--no-tty needs a program'],
    ['a directory that is not there', ['bg', ...acp, '--cwd', 'nowhere', 'x'], `there is no directory ${join(folder, 'nowhere')}`],
    ['a file as directory', ['bg', ...acp, '--cwd', file, 'x'], `${file} is not a directory`],
    ['a variable without a value', ['bg', ...acp, '--env', 'SECRET', 'x'], '--env takes NAME=VALUE'],
    ['a quote that is not closed', ['bg', '--agent', 'acp:sh "', 'x'], 'a quote (") is not closed in "sh \\""'],
  ]
  test.each(mistakes)('%s is a usage error', async (_name, argv, message) => {
    const client = new FakeClient()
    const { code, out, err } = await offstage(client, argv, here)
    expect({ code, out, line: err.split('\n')[0], lines: err.split('\n').length }).toEqual({ code: 2, out: '', line: `offstage: ${message}`, lines: 3 })
    expect(client.submitted).toEqual([])
  })

  test('an agent that is not there is refused with what to do', async () => {
    expect(await offstage(new FakeClient(), ['bg', '--agent', 'nosuch', 'x'], here)).toEqual({
      code: 4,
      out: '',
      err: 'offstage: there is no agent "nosuch"\n  offstage agents lists them; any other is named by its command: --agent "acp:COMMAND LINE"\n',
    })
  })

  test('a configuration that cannot be read is a usage error that names the place', async () => {
    const config = join(folder, 'broken.toml')
    writeFileSync(config, '[agents.x]\ncommand = \n')
    const { code, err } = await offstage(new FakeClient(), ['bg', 'x'], { ...here, env: { OFFSTAGE_CONFIG: config } })
    expect(code).toBe(2)
    expect(err).toMatch(new RegExp(`^offstage: ${config}:2: .*\n {2}.*\n$`))
  })
})

describe('ids', () => {
  const two = (): FakeClient => new FakeClient().create('k3f9x2ab', { label: 'api', title: 'Add \x1b[31man\x1b[0m endpoint' }).create('k3zzzzzz', { title: 'Fix tests' })

  test('an exact label and a unique beginning of an id are enough', async () => {
    for (const name of ['k3f9x2ab', 'api', 'k3f']) expect((await offstage(two(), ['label', name, 'x'])).out).toBe('k3f9x2ab is labelled x\n')
  })

  test('a label that an ended session had before means the one that is in the list', async () => {
    const client = new FakeClient().create('aaaaaaaa', { label: 'api' }).create('bbbbbbbb', { label: 'api' }).create('cccccccc', { label: 'api' })
    expect((await offstage(client, ['label', 'api', 'x'])).code).toBe(3)
    for (const id of ['aaaaaaaa', 'cccccccc']) await offstage(client, ['end', id])
    expect((await offstage(client, ['label', 'api', 'x'])).out).toBe('bbbbbbbb is labelled x\n')
    // Of two that are both over none is meant.
    expect((await offstage(client, ['label', 'api', 'x'])).code).toBe(3)
  })

  test('an ambiguous one is exit 3 with the candidates', async () => {
    expect(await offstage(two(), ['label', 'k3', 'x'])).toEqual({
      code: 3,
      out: '',
      err: 'offstage: "k3" fits 2 sessions\n  k3zzzzzz  Fix tests\n  k3f9x2ab  api  Add an endpoint\n  give more of the id\n',
    })
    expect(JSON.parse((await offstage(two(), ['label', 'k3', 'x', '--json'])).err)).toEqual({
      error: {
        code: 'ambiguous',
        message: '"k3" fits 2 sessions',
        hint: 'give more of the id',
        candidates: [
          { id: 'k3zzzzzz', label: null, title: 'Fix tests' },
          { id: 'k3f9x2ab', label: 'api', title: 'Add \x1b[31man\x1b[0m endpoint' },
        ],
      },
    })
  })

  test('an unknown one is exit 3, with those that are near, or the newest', async () => {
    expect(await offstage(two(), ['stop', 'tests'])).toEqual({
      code: 3,
      out: '',
      err: 'offstage: no session matches "tests"\n  k3zzzzzz  Fix tests\n  offstage sessions lists them\n',
    })
    expect(await offstage(new FakeClient(), ['stop', 'x'])).toEqual({ code: 3, out: '', err: 'offstage: no session matches "x"\n  there are no sessions yet\n' })
  })

  test('a removed one is refused, and how to bring it back is said', async () => {
    const client = two().command('k3zzzzzz', { type: 'remove' })
    expect(await offstage(client, ['send', 'k3zz', 'x'])).toEqual({ code: 4, out: '', err: 'offstage: session k3zzzzzz was removed\n  offstage restore k3zzzzzz brings it back\n' })
    expect((await offstage(client, ['label', 'k3', 'x'])).out).toBe('k3f9x2ab is labelled x\n')
  })
})

describe('send', () => {
  test('a prompt is sent, or queued when the agent is at work', async () => {
    const client = new FakeClient().create('aaaaaaaa', { prompt: 'first' })
    expect((await offstage(client, ['send', 'aaaa', 'and', 'more'])).out).toBe('queued (1) to aaaaaaaa  Add an endpoint\n')
    client.endTurn('aaaaaaaa').endTurn('aaaaaaaa')
    expect((await offstage(client, ['send', 'aaaa', '-'], { stdin: typed('from a pipe\n') })).out).toBe('sent to aaaaaaaa  Add an endpoint\n')
    expect(client.submitted.map(({ command, environment }) => ({ command, home: environment?.['HOME'] }))).toEqual([
      { command: { type: 'prompt', text: 'and more' }, home: '/home/me' },
      { command: { type: 'prompt', text: 'from a pipe' }, home: '/home/me' },
    ])
  })

  test('a terminal gets keystrokes, with Enter where it is wanted', async () => {
    const client = new FakeClient().create('tttttttt', { spec: shell, title: 'bash' })
    expect((await offstage(client, ['send', 'tttt', 'ls', '--enter'])).out).toBe('sent 3 bytes to tttttttt  bash\n')
    await offstage(client, ['send', 'tttt', 'y'])
    expect(client.written).toEqual([
      { session: 'tttttttt', text: 'ls\r' },
      { session: 'tttttttt', text: 'y' },
    ])
  })

  test('what cannot be sent is refused in one line', async () => {
    const client = new FakeClient().create('tttttttt', { spec: shell, title: 'bash' }).exit('tttttttt', 0).create('aaaaaaaa').command('aaaaaaaa', { type: 'stop' })
    expect(await offstage(client, ['send', 'tttt', 'x'])).toMatchObject({ code: 4, out: '', err: 'offstage: session tttttttt has no program running\n' })
    expect(await offstage(client, ['send', 'aaaa', 'x'])).toEqual({
      code: 4,
      out: '',
      err: 'offstage: session aaaaaaaa has no agent at work (stopped), so it cannot take a prompt\n  offstage resume aaaaaaaa starts it again\n',
    })
    expect((await offstage(client, ['send', 'aaaa', ' '])).code).toBe(2)
    expect((await offstage(client, ['send', 'tttt', ''])).code).toBe(2)
  })
})

describe('requests and answer', () => {
  test('one whose environment died with the daemon is listed, and the answer brings one', async () => {
    const client = new FakeClient()
    client.onStart = { type: 'environment-missing' }
    client.create('k3f9x2ab', { label: 'api', prompt: 'go' })
    const listed = await offstage(client, ['requests'])
    expect(listed.out).toMatch(/\tk3f9x2ab\tapi\terror\tneeds an environment: offstage resume k3f9x2ab gives it one\t1 start it with mine {3}2 stop it\t/)
    client.onStart = { type: 'started', keeper: { pid: 10, start: 1 }, child: { pid: 11, start: 1 } }
    expect((await offstage(client, ['answer', 'api', 'retry'])).code).toBe(0)
    expect(client.submitted.at(-1)?.environment).toMatchObject({ HOME: '/home/me' })
    expect([client.view('k3f9x2ab').run?.alive, client.view('k3f9x2ab').requests]).toEqual([true, []])
  })

  test('the answer to a live agent brings no environment', async () => {
    const client = asking()
    await offstage(client, ['answer', 'api', 'deny'])
    expect(client.submitted.at(-1)?.environment).toBe(undefined)
  })

  const asking = (): FakeClient => new FakeClient().create('aaaaaaaa', { label: 'api', prompt: 'x' }).ask('aaaaaaaa', 'q7m2p4zz', 'delete src/legacy/prefs.ts')

  test('lists what is open, oldest first', async () => {
    const client = asking()
    client.nowMs += 120_000
    expect((await offstage(client, ['requests'])).out).toBe('q7m2p4zz\taaaaaaaa\tapi\tpermission\tdelete src/legacy/prefs.ts\t1 allow once   2 reject\t2m\n')
    expect((await offstage(client, ['requests'], { tty: true })).out).toBe(
      ' q7m2p4zz  api  talker  2m\n   ◆ delete src/legacy/prefs.ts ?\n     1 allow once   2 reject\n     offstage answer q7m2 …\n',
    )
    expect(JSON.parse((await offstage(client, ['requests', '--json'])).out)).toMatchObject([{ id: 'q7m2p4zz', session: 'aaaaaaaa', label: 'api', kind: 'permission', lost: false }])
    expect((await offstage(new FakeClient(), ['requests'], { tty: true })).out).toBe('nothing waits for you\n')
  })

  test.each([
    ['aaaaaaaa', 'allow'],
    ['api', '1'],
    ['q7m2p4zz', 'once'],
    ['q7m', 'allow once'],
  ])('%s %s answers it', async (id, choice) => {
    const client = asking()
    const { code, out } = await offstage(client, ['answer', id, choice])
    expect({ code, out }).toEqual({ code: 0, out: 'answered q7m2p4zz of api  delete src/legacy/prefs.ts: allow once\n' })
    expect(client.facts('aaaaaaaa').at(-1)).toEqual({ type: 'answered', requestId: 'q7m2p4zz', answer: { kind: 'option', optionId: 'once' } })
  })

  test('what is no answer is refused with what would be one', async () => {
    expect(await offstage(asking(), ['answer', 'api', 'maybe'])).toEqual({
      code: 4,
      out: '',
      err: 'offstage: "maybe" is no answer to "delete src/legacy/prefs.ts"\n  choose one of: 1 once (allow once), 2 no (reject)\n',
    })
    expect(JSON.parse((await offstage(asking(), ['answer', 'api', 'maybe', '--json'])).err)).toMatchObject({ error: { code: 'no-such-option' } })
  })

  test('an answer counts once', async () => {
    const client = asking()
    await offstage(client, ['answer', 'api', 'deny'])
    expect(await offstage(client, ['answer', 'api', 'allow'])).toEqual({
      code: 4,
      out: '',
      err: 'offstage: session aaaaaaaa has no open request\n  offstage requests lists what is open\n',
    })
    expect((await offstage(client, ['answer', 'q7m2p4zz', 'allow'])).code).toBe(3)
  })

  test('a program that waits in its own screen is to be opened', async () => {
    const client = new FakeClient().create('tttttttt', { spec: shell, title: 'bash' })
    client.report('tttttttt', { type: 'signals', signal: { claims: [{ source: 'screen', state: 'blocked', kind: 'question', atOffset: 10 }] } })
    expect(await offstage(client, ['answer', 'tttt', '1'])).toEqual({
      code: 4,
      out: '',
      err: 'offstage: session tttttttt has no open request\n  it waits in its own screen: offstage switch tttttttt\n',
    })
  })

  test('a session with several is ambiguous', async () => {
    expect(await offstage(asking().ask('aaaaaaaa', 'q8888888', 'run make'), ['answer', 'api', '1'])).toEqual({
      code: 3,
      out: '',
      err: 'offstage: session aaaaaaaa has 2 open requests\n  q7m2p4zz  delete src/legacy/prefs.ts\n  q8888888  run make\n  offstage answer REQUEST CHOICE answers one of them\n',
    })
  })

  test('forms take fields, and secrets are not repeated', async () => {
    const fields = [
      { name: 'user', label: 'User', type: 'text', required: true },
      { name: 'token', label: 'Token', type: 'text', required: true, secret: true },
    ] as const
    const client = new FakeClient()
      .create('aaaaaaaa', { prompt: 'x' })
      .report('aaaaaaaa', { type: 'asks', ask: { id: 'ffffffff', kind: 'question', title: 'log in', options: [], fields } })
    const { out } = await offstage(client, ['answer', 'aaaa', '--field', 'user=me', '--field', 'token=canary=1'])
    expect(out).toBe('answered ffffffff of Add an endpoint  log in: user: me, token: (secret)\n')
    expect(client.submitted[0]?.command).toEqual({ type: 'answer', requestId: 'ffffffff', answer: { kind: 'form', fields: { user: 'me', token: 'canary=1' } } })
  })

  test('usage errors', async () => {
    expect((await offstage(asking(), ['answer', 'api'])).err).toBe('offstage: what is the answer?\n  give a choice, --field NAME=VALUE, or --decline\n')
    expect((await offstage(asking(), ['answer', 'api', '--field', 'x'])).code).toBe(2)
    expect((await offstage(asking(), ['answer', 'api', 'x', '--decline'])).code).toBe(2)
    expect((await offstage(asking(), ['answer', 'nope', 'x'])).code).toBe(3)
  })
})

describe('stop, end, rm and restore', () => {
  const one = (): FakeClient => new FakeClient().create('aaaaaaaa', { prompt: 'x' })

  test('each says how many processes ended, once that is proven', async () => {
    expect((await offstage(one(), ['stop', 'aaaa'])).out).toBe('stopped aaaaaaaa  Add an endpoint: 3 processes ended\n')
    expect((await offstage(one(), ['end', 'aaaa'])).out).toBe('ended aaaaaaaa  Add an endpoint: 3 processes ended\n')
    expect((await offstage(one(), ['rm', 'aaaa'])).out).toBe('removed aaaaaaaa  Add an endpoint: 3 processes ended\n')
  })

  test('they do not return before the proof', async () => {
    const client = one()
    client.stopEnds = null
    let returned = false
    const stopping = offstage(client, ['stop', 'aaaa']).then((printed) => {
      returned = true
      return printed
    })
    const other = offstage(client, ['stop', 'aaaa'])
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(returned).toBe(false)
    client.report('aaaaaaaa', { type: 'swept', ended: 1 })
    expect((await stopping).out).toBe('stopped aaaaaaaa  Add an endpoint: 1 process ended\n')
    expect((await other).out).toBe('stopped aaaaaaaa  Add an endpoint: 1 process ended\n')
  })

  test('a second time nothing is running, and that is no failure', async () => {
    const client = one()
    await offstage(client, ['stop', 'aaaa'])
    expect(await offstage(client, ['stop', 'aaaa'])).toEqual({ code: 0, err: '', out: 'stopped aaaaaaaa  Add an endpoint: nothing was running\n' })
    expect((await offstage(client, ['end', 'aaaa'])).out).toBe('ended aaaaaaaa  Add an endpoint: nothing was running\n')
    await offstage(client, ['rm', 'aaaa'])
    expect(await offstage(client, ['rm', 'aaaa'])).toEqual({ code: 0, err: '', out: 'aaaaaaaa is removed already\n' })
  })

  test('several at once; the same one counts once; one unknown id and nothing is done', async () => {
    const client = one().create('bbbbbbbb', { label: 'two' })
    expect((await offstage(client, ['stop', 'aaaa', 'nope'])).code).toBe(3)
    expect(client.submitted).toEqual([])
    expect((await offstage(client, ['stop', 'aaaa', 'two', 'aaaaaaaa'])).out).toBe(
      'stopped aaaaaaaa  Add an endpoint: 3 processes ended\nstopped bbbbbbbb  two: 3 processes ended\n',
    )
    expect(JSON.parse((await offstage(client, ['end', 'aaaa', 'bbbb', '--json'])).out)).toEqual([
      { id: 'aaaaaaaa', label: null, done: 'ended', processes: 0 },
      { id: 'bbbbbbbb', label: 'two', done: 'ended', processes: 0 },
    ])
  })

  test('restore brings back what was removed or archived, and refuses what is in the list', async () => {
    const client = one()
    await offstage(client, ['rm', 'aaaa'])
    expect((await offstage(client, ['sessions'])).out).toBe('')
    expect((await offstage(client, ['restore', 'aaaa'])).out).toBe('restored aaaaaaaa  Add an endpoint\n')
    expect((await offstage(client, ['sessions'])).out).toContain('aaaaaaaa')
    expect(await offstage(client, ['restore', 'aaaa'])).toEqual({ code: 4, out: '', err: 'offstage: session aaaaaaaa is in the list\n' })
    expect((await offstage(client, ['restore', 'nope'])).code).toBe(3)
  })

  test('of several removed ones with one label, each is named with its id and when it went, the last first', async () => {
    const client = new FakeClient()
    for (const id of ['aaaaaaaa', 'bbbbbbbb']) {
      client.create(id, { label: 'api', title: 'the same' })
      client.nowMs += 3_600_000
      await offstage(client, ['rm', 'api'])
    }
    const rows = '  bbbbbbbb  api  WHEN  the same\n  aaaaaaaa  api  WHEN  the same\n  offstage restore ID brings one of them back\n'
    for (const verb of ['restore', 'diff']) {
      const { code, err } = await offstage(client, [verb, 'api'])
      expect([verb, code, err.replaceAll(/2026-11-\d\d \d\d:00/g, 'WHEN')]).toEqual([verb, 3, `offstage: "api" fits 2 removed sessions\n${rows}`])
    }
    expect((await offstage(client, ['restore', 'aaaa'])).code).toBe(0)
    expect((await offstage(client, ['restore', 'api'])).out).toBe('restored bbbbbbbb  api\n')
  })

  test('interrupt cancels a turn, and is refused without one', async () => {
    const client = one()
    expect((await offstage(client, ['interrupt', 'aaaa'])).out).toBe('interrupted aaaaaaaa  Add an endpoint\n')
    client.report('aaaaaaaa', { type: 'turn-ended', promptId: client.openPrompt('aaaaaaaa'), stopReason: 'cancelled' })
    expect(await offstage(client, ['interrupt', 'aaaa'])).toEqual({ code: 4, out: '', err: 'offstage: session aaaaaaaa is not at work\n' })
  })

  test('label sets and removes', async () => {
    const client = one()
    expect((await offstage(client, ['label', 'aaaa', 'two', 'words'])).out).toBe('aaaaaaaa is labelled two words\n')
    expect((await offstage(client, ['label', 'two words', ''])).out).toBe('aaaaaaaa has no label now\n')
  })
})

describe('resume', () => {
  const lost = (): FakeClient =>
    new FakeClient().create('aaaaaaaa', { prompt: 'x' }).ask('aaaaaaaa', 'q7m2p4zz', 'delete src/legacy/prefs.ts').report('aaaaaaaa', { type: 'lost', cause: 'the keeper is gone' })

  test('starts a stopped session again with the environment of now', async () => {
    const client = new FakeClient().create('aaaaaaaa', { prompt: 'x' }).command('aaaaaaaa', { type: 'stop' })
    expect(await offstage(client, ['resume', 'aaaa', '--env', 'A=1'])).toEqual({ code: 0, err: '', out: 'resumed aaaaaaaa  Add an endpoint\n' })
    expect(client.submitted[0]).toMatchObject({ command: { type: 'resume' }, environment: { A: '1', HOME: '/home/me' } })
    expect(await offstage(client, ['resume', 'aaaa'])).toEqual({
      code: 4,
      out: '',
      err: 'offstage: session aaaaaaaa has a live run already\n  offstage switch aaaaaaaa opens it\n',
    })
  })

  test('an agent that asks because of its environment gets that again, also where its program is not found', async () => {
    const spec = { kind: 'agent', driver: 'acp', agent: 'opencode', argv: ['/opt/opencode', 'acp'], cwd: '/work/shop' } as const
    const client = new FakeClient().create('aaaaaaaa', { prompt: 'x', spec }).command('aaaaaaaa', { type: 'stop' })
    await offstage(client, ['resume', 'aaaa'], { env: { HOME: '/home/me', PATH: '/nowhere' } })
    expect(client.submitted[0]).toMatchObject({ command: { type: 'resume' }, environment: { OPENCODE_PERMISSION: expect.stringContaining('"ask"') } })
  })

  test('--answer shows the very prompt that is sent, before it is sent', async () => {
    const client = lost()
    const { code, out, err } = await offstage(client, ['resume', 'aaaa', '--answer', 'allow'])
    expect({ code, out }).toEqual({ code: 0, out: 'resumed aaaaaaaa  Add an endpoint\n' })
    const queued = client.facts('aaaaaaaa').findLast((event) => event.type === 'prompt-queued')
    const shown = err
      .split('\n')
      .slice(2, -2)
      .map((line) => line.replace(/^ {3}/, ''))
      .join('\n')
    expect(queued).toMatchObject({ text: shown })
    expect(shown).toContain('> delete src/legacy/prefs.ts')
    expect(shown).toContain('My answer: allow once')
  })

  test('without an answer it says that the question is dropped', async () => {
    expect(await offstage(lost(), ['resume', 'aaaa'])).toEqual({ code: 0, err: 'not answered: delete src/legacy/prefs.ts\n', out: 'resumed aaaaaaaa  Add an endpoint\n' })
  })

  test('an answer to a question that is not lost, or to none, is refused', async () => {
    const open = new FakeClient().create('aaaaaaaa', { prompt: 'x' }).ask('aaaaaaaa', 'q7m2p4zz', 'delete it')
    expect(await offstage(open, ['resume', 'aaaa', '--answer', '1'])).toEqual({
      code: 4,
      out: '',
      err: 'offstage: session aaaaaaaa has no lost question\n  its question is still open: offstage answer aaaaaaaa …\n',
    })
    expect((await offstage(lost(), ['resume', 'aaaa', '--answer', 'maybe'])).code).toBe(4)
    expect((await offstage(lost(), ['answer', 'aaaa', 'allow'])).err).toBe(
      'offstage: the process that asked "delete src/legacy/prefs.ts" is gone\n  offstage resume aaaaaaaa --answer … starts the agent again and tells it your answer\n',
    )
  })

  test('a run that cannot start is a failure', async () => {
    const client = new FakeClient().create('aaaaaaaa').command('aaaaaaaa', { type: 'stop' })
    client.onStart = { type: 'not-started', why: 'the directory is gone' }
    expect(await offstage(client, ['resume', 'aaaa'])).toMatchObject({
      code: 1,
      out: '',
      err: 'offstage: session aaaaaaaa was not started: the directory is gone\n  offstage why aaaaaaaa says more, offstage rm aaaaaaaa removes it\n',
    })
  })
})

describe('logs', () => {
  const talked = (): FakeClient =>
    new FakeClient()
      .create('aaaaaaaa', { prompt: 'Add an endpoint\nwith tests' })
      .say('aaaaaaaa', '1.1', 'I will start with\nthe schema.')
      .report('aaaaaaaa', { type: 'entry', entryId: '1.2', entry: { kind: 'tool', title: 'src/db/schema.ts', toolKind: 'read', status: 'completed' } })
      .report('aaaaaaaa', {
        type: 'entry',
        entryId: '1.3',
        entry: { kind: 'tool', title: 'npm test', toolKind: 'execute', status: 'failed', output: 'one\ntwo\nthree\nfour\n', changes: [{ path: 'a', added: 84, removed: 3 }] },
      })
      .ask('aaaaaaaa', 'q7m2p4zz', 'delete src/legacy/prefs.ts')
      .command('aaaaaaaa', { type: 'answer', requestId: 'q7m2p4zz', answer: { kind: 'option', optionId: 'no' } })
      .endTurn('aaaaaaaa')

  const transcript = [
    ' you   Add an endpoint',
    '       with tests',
    '',
    ' talker',
    '   I will start with',
    '   the schema.',
    '   ✓ read   src/db/schema.ts',
    '   ✗ run    npm test  +84 −3',
    '     two',
    '     three',
    '     four',
    '   ◆ delete src/legacy/prefs.ts',
    '     1 allow once   2 reject',
    '     → reject',
    '',
  ].join('\n')

  test('has what each run of a set-up printed, below its own headline, also when it was tried again', async () => {
    const printed = (what: string): string => Array.from({ length: 20 }, (_, line) => `${what} ${line}`).join('\n')
    const client = new FakeClient().create('aaaaaaaa', { prompt: 'x' }).report('aaaaaaaa', {
      type: 'asks-about',
      ask: {
        id: 'q7m2p4zz',
        kind: 'error',
        about: 'workspace',
        title: 'the set-up failed: npm ci (exit code 1)',
        detail: `${printed('bad')}\n`,
        options: [{ id: 'retry', label: 'try again', kind: 'other' }],
      },
    })
    const logs = async (): Promise<string> => (await offstage(client, ['logs', 'aaaa'])).out
    const indented = (what: string): string => printed(what).replaceAll(/^/gm, '     ')
    expect(await logs()).toContain(`\n${indented('bad')}\n     1 try again`)
    client.command('aaaaaaaa', { type: 'answer', requestId: 'q7m2p4zz', answer: { kind: 'option', optionId: 'retry' } })
    expect(await logs()).toContain(`   ◆ the set-up failed: npm ci (exit code 1)\n${indented('bad')}\n     1 try again\n     → try again\n`)
  })

  test('prints the transcript of an agent', async () => {
    expect(await offstage(talked(), ['logs', 'aaaa'])).toEqual({ code: 0, err: '', out: transcript })
  })

  test('--tail takes the last lines', async () => {
    expect((await offstage(talked(), ['logs', 'aaaa', '--tail', '2'])).out).toBe('     1 allow once   2 reject\n     → reject\n')
    expect((await offstage(talked(), ['logs', 'aaaa', '--tail', '0'])).out).toBe('')
    expect((await offstage(talked(), ['logs', 'aaaa', '--tail', 'x'])).code).toBe(2)
  })

  test('-f goes on with what comes, and says nothing twice', async () => {
    const client = new FakeClient().create('aaaaaaaa', { prompt: 'x' }).say('aaaaaaaa', '1.1', 'before')
    const stopping = new AbortController()
    const printing = offstage(client, ['logs', 'aaaa', '-f'], { signal: stopping.signal })
    await new Promise((resolve) => setImmediate(resolve))
    const draft = { session: 'aaaaaaaa', entryId: '1.2', kind: 'message' } as const
    client
      .draft({ ...draft, from: 0, text: 'now' })
      .draft({ ...draft, from: 3, text: ' and th' })
      .draft({ ...draft, from: 10, text: 'en\nmore' })
      .say('aaaaaaaa', '1.2', 'now and then\nmore and more')
      .endTurn('aaaaaaaa')
    await new Promise((resolve) => setImmediate(resolve))
    stopping.abort('SIGINT')
    expect(await printing).toEqual({ code: 130, err: '', out: ' you   x\n\n talker\n   before\n\n   now and then\n   more and more\n' })
  })

  test('a message that was recorded in several parts is one, followed or not', async () => {
    const client = new FakeClient().create('aaaaaaaa', { prompt: 'x' })
    const stopping = new AbortController()
    const printing = offstage(client, ['logs', 'aaaa', '-f'], { signal: stopping.signal })
    await new Promise((resolve) => setImmediate(resolve))
    client
      .say('aaaaaaaa', '1.1', 'one\n')
      .draft({ session: 'aaaaaaaa', entryId: '1.2', kind: 'message', from: 0, text: 'tw', continues: true })
      .report('aaaaaaaa', { type: 'entry', entryId: '1.2', entry: { kind: 'message', text: 'two\nthree', continues: true } })
    await new Promise((resolve) => setImmediate(resolve))
    stopping.abort('SIGINT')
    const whole = ' you   x\n\n talker\n   one\n   two\n   three\n'
    expect((await printing).out).toBe(whole)
    expect((await offstage(client, ['logs', 'aaaa'])).out).toBe(whole)
  })

  test('a prompt that was queued stands where its turn began, followed or not', async () => {
    const client = new FakeClient().create('aaaaaaaa', { prompt: 'x' })
    const stopping = new AbortController()
    const printing = offstage(client, ['logs', 'aaaa', '-f'], { signal: stopping.signal })
    await new Promise((resolve) => setImmediate(resolve))
    client.command('aaaaaaaa', { type: 'prompt', text: 'and then y' }).say('aaaaaaaa', '1.1', 'x is done')
    expect((await offstage(client, ['logs', 'aaaa'])).out).toBe(' you   x\n\n talker\n   x is done\n\n you   and then y\n       (queued)\n')
    client.endTurn('aaaaaaaa').say('aaaaaaaa', '1.2', 'y is done')
    await new Promise((resolve) => setImmediate(resolve))
    stopping.abort('SIGINT')
    const whole = ' you   x\n\n talker\n   x is done\n\n you   and then y\n\n talker\n   y is done\n'
    expect((await printing).out).toBe(whole)
    expect((await offstage(client, ['logs', 'aaaa'])).out).toBe(whole)
  })

  test('a terminal: its output as text; --raw the bytes', async () => {
    const output = 'a \x1b[31mred\x1b[0m line\r\n50%\r100%\r\n\x1b]0;title\x07last'
    const client = new FakeClient().create('tttttttt', { spec: shell, title: 'bash' }).print('tttttttt', output).print('tttttttt', 'oops\n', 'err').exit('tttttttt', 0)
    expect((await offstage(client, ['logs', 'tttt'])).out).toBe('a red line\n100%\nlast\n')
    expect((await offstage(client, ['logs', 'tttt', '-f'])).out).toBe('a red line\n100%\nlast\n')
    expect((await offstage(client, ['logs', 'tttt', '--tail', '1'])).out).toBe('last\n')
    expect((await offstage(client, ['logs', 'tttt', '--raw'])).out).toBe(output)
    expect((await offstage(client, ['logs', 'tttt', '--stderr'])).out).toBe('oops\n')
    expect((await offstage(client, ['logs', 'tttt', '--raw', '--json'])).code).toBe(2)
  })

  test('--json prints the facts', async () => {
    const client = talked()
    const { out } = await offstage(client, ['logs', 'aaaa', '--json'])
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: unknown }).event),
    ).toEqual(client.facts('aaaaaaaa'))
    expect((await offstage(client, ['logs', 'aaaa', '--json', '--tail', '2'])).out.trim().split('\n')).toHaveLength(2)
  })

  test('what stood on a terminal to its end counts as seen, in a pipe it does not', async () => {
    const client = talked()
    await offstage(client, ['logs', 'aaaa'])
    expect(client.view('aaaaaaaa').unseen).toBe(5)
    await offstage(client, ['logs', 'aaaa'], { tty: true })
    expect(client.view('aaaaaaaa').unseen).toBe(0)
  })
})

describe('events and why', () => {
  const client = new FakeClient().create('aaaaaaaa', { prompt: 'x', label: 'api' }).say('aaaaaaaa', '1.1', 'hello').create('bbbbbbbb')
  client.report('aaaaaaaa', { type: 'note', text: 'a line that was no JSON' }).print('aaaaaaaa', 'warning: \x1b[33mold\x1b[0m\n', 'err')

  test('events prints all facts, of one session or after a cursor', async () => {
    const lines = async (...argv: string[]): Promise<readonly { session: string; cursor: number; event: { type: string } }[]> =>
      (await offstage(client, ['events', '--json', ...argv])).out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { session: string; cursor: number; event: { type: string } })
    const all = await lines()
    expect(all.map(({ cursor }) => cursor)).toEqual(all.map((_, index) => index + 1))
    expect((await lines('api')).every(({ session }) => session === 'aaaaaaaa')).toBe(true)
    expect(await lines('--after', '3')).toEqual(all.slice(3))
    expect((await offstage(client, ['events', 'api', '--after', '2'])).out.split('\n')[0]).toMatch(
      /^3 +\d\d:\d\d:\d\d {2}aaaaaaaa {2}run-starting +run 1, because of its creation$/,
    )
    expect((await offstage(client, ['events', '--after', 'x'])).code).toBe(2)
  })

  test('events --follow goes on', async () => {
    const following = new FakeClient().create('aaaaaaaa')
    const stopping = new AbortController()
    const printing = offstage(following, ['events', '--follow', '--after', '4', '--json'], { signal: stopping.signal })
    await new Promise((resolve) => setImmediate(resolve))
    following.command('aaaaaaaa', { type: 'label', label: 'new' })
    await new Promise((resolve) => setImmediate(resolve))
    stopping.abort('SIGINT')
    expect(JSON.parse((await printing).out)).toMatchObject({ event: { type: 'labelled', label: 'new' } })
  })

  test('why says the status, how it was started, and what happened', async () => {
    const { code, out } = await offstage(client, ['why', 'api'])
    expect(code).toBe(0)
    expect(out.replace(/\d\d:\d\d:\d\d/g, '00:00:00')).toBe(
      [
        ' aaaaaaaa  api  talker  /work/shop',
        ' ● working: hello',
        '   its directory is gone: /work/shop',
        '   turn 1 is open',
        '   run 1 is alive, pid 11',
        '',
        ' how it was started',
        '   agent       talker',
        '   program     talker --acp',
        '   directory   /work/shop',
        '   driver      acp',
        '   environment HOME PATH',
        '',
        ' what happened',
        '   00:00:00  created            talker  /work/shop  api  Add an endpoint',
        '   00:00:00  prompt-queued      cmd00000  x',
        '   00:00:00  run-starting       run 1, because of its creation',
        '   00:00:00  run-started        run 1, pid 11, keeper 10',
        '   00:00:00  agent-ready        run 1, new,  agent-ref',
        '   00:00:00  turn-started       turn 1, prompt cmd00000',
        '   00:00:00  noted              run 1: a line that was no JSON',
        '',
        ' notes',
        '   a line that was no JSON',
        '',
        ' the end of stderr',
        '   warning: old',
        '',
      ].join('\n'),
    )
    const json = JSON.parse((await offstage(client, ['why', 'api', '--json'])).out) as object
    expect(json).toMatchObject({
      session: { id: 'aaaaaaaa' },
      spec: { argv: ['talker', '--acp'] },
      environmentNames: ['HOME', 'PATH'],
      notes: ['a line that was no JSON'],
      stderr: 'warning: old',
    })
  })
})

describe('what a terminal says of itself', () => {
  const claim = { source: 'OSC 7501', state: 'working', message: 'building', atOffset: 10 } as const
  const client = new FakeClient().create('tttttttt', { spec: shell, title: 'bash' })
  client.report('tttttttt', { type: 'signals', signal: { claims: [claim], title: 'one', worked: true } })
  client.report('tttttttt', { type: 'signals', signal: { claims: [claim], title: 'two', worked: true } })
  client.nowMs += 12_000
  const notice = { source: 'OSC 9', text: 'look', atOffset: 90 } as const
  client.report('tttttttt', { type: 'signals', signal: { claims: [{ ...claim, state: 'blocked', kind: 'question', atOffset: 80 }], title: 'two', notice, worked: true } })
  client.nowMs += 5_000

  test('why says it by source and age, and of the facts only those that made another state', async () => {
    const { out } = await offstage(client, ['why', 'tttttttt'])
    expect(out).toContain(
      [
        ' ◆ waiting: question: building',
        '   its directory is gone: /work/shop',
        '   OSC 7501, since 2026-11-23T14:00:12.000Z: blocked (question): building',
        '   run 1 is alive, pid 11',
        '',
        ' what it says of itself',
        '',
      ].join('\n'),
    )
    expect(out).toContain(['   OSC 7501      blocked (question): building, 5s ago', '   window title  two, 17s ago', '   OSC 9         look, 5s ago', ''].join('\n'))
    expect(out.match(/signaled.*/g)).toEqual([
      'signaled           run 1: OSC 7501 working: building; window title one',
      'signaled           run 1: OSC 7501 blocked (question): building; window title two; OSC 9 look',
    ])
    expect((await offstage(client, ['why', 'tttttttt', '--all'])).out.match(/signaled/g)).toHaveLength(3)
  })

  test('the list shows it', async () => {
    expect((await offstage(client, ['sessions'])).out).toContain('tttttttt\twaiting\t\tbash\t/work/shop\tquestion: building\t')
  })
})

describe('agents and daemon', () => {
  test('agents lists the configured and the known ones', async () => {
    const config = join(folder, 'config.toml')
    writeFileSync(config, 'default_agent = "mine"\n[agents.mine]\ncommand = "sh"\nargs = ["-c", "true"]\n')
    const setting = { ...here, env: { OFFSTAGE_CONFIG: config } }
    const { out } = await offstage(new FakeClient(), ['agents'], setting)
    expect(out.split('\n')[0]).toBe('mine\tinstalled\tacp\tdefault\tsh -c true\t\t\t')
    expect((await offstage(new FakeClient(), ['agents'], { ...setting, tty: true })).out.split('\n')[0]).toMatch(/^ ✓ mine +sh -c true {3}the default$/)
    expect(JSON.parse((await offstage(new FakeClient(), ['agents', '--json'], setting)).out)).toMatchObject([
      { name: 'mine', installed: true, default: true },
      ...catalogue.map(({ name }) => ({ name })),
    ])
  })

  test('daemon status and start say where it is', async () => {
    for (const action of ['status', 'start']) {
      expect((await offstage(new FakeClient(), ['daemon', action])).out).toBe(
        ' running  pid 4242, version 0.1.0, for 1m\n   home      /home/me/.local/state/offstage\n   sessions  0, 1 live run\n',
      )
    }
    expect(JSON.parse((await offstage(new FakeClient(), ['daemon', 'status', '--json'])).out)).toMatchObject({
      pid: 4242,
      version: '0.1.0',
      home: '/home/me/.local/state/offstage',
      sessions: 0,
      runs: 1,
    })
    expect((await offstage(new FakeClient(), ['daemon', 'status'], { daemon: 'unreachable' })).code).toBe(5)
  })

  test('daemon stop stops it, and without one says so', async () => {
    const client = new FakeClient()
    expect(await offstage(client, ['daemon', 'stop'])).toEqual({ code: 0, err: '', out: 'the daemon is stopped; 1 agent stays at work\n' })
    expect(client.stopped).toBe(true)
    expect(await offstage(client, ['daemon', 'stop'], { daemon: 'unreachable' })).toEqual({ code: 0, err: '', out: 'no daemon is running\n' })
  })

  test('daemon logs prints the log file', async () => {
    writeFileSync(join(folder, 'daemon.log'), '{"a":1}\n{"b":"\u009b31m"}\n{"c":3}')
    const setting = { env: { OFFSTAGE_HOME: folder } }
    expect((await offstage(new FakeClient(), ['daemon', 'logs'], setting)).out).toBe('{"a":1}\n{"b":""}\n{"c":3}\n')
    expect((await offstage(new FakeClient(), ['daemon', 'logs', '--tail', '1'], setting)).out).toBe('{"c":3}\n')
    expect(await offstage(new FakeClient(), ['daemon', 'logs'])).toEqual({ code: 0, out: '', err: 'there is no log yet\n' })
  })

  test('an unknown action is a usage error', async () => {
    expect(await offstage(new FakeClient(), ['daemon', 'stat'])).toEqual({
      code: 2,
      out: '',
      err: 'offstage: "stat" is not one of status, start, stop, logs, install, uninstall\n  did you mean offstage daemon status?\n',
    })
  })
})
