import { existsSync } from 'node:fs'
import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { TerminalSize } from '../../src/core/events.ts'
import { type AttachEnd, type AttachOptions, attach, terminalReset } from '../../src/cli/attach.ts'
import { printable } from '../../src/core/terminal-text.ts'
import { type KeeperConnection, connectKeeper } from '../../src/keeper/connection.ts'
import { FakeConnection, FakeTerminal } from './attach-fakes.ts'
import { type TestRun, nonce, path, root, soon, startRun, temporaryFolder, until } from '../keeper/keepers.ts'

const never = new AbortController().signal

const questions =
  '\x1b[c\x1b[>c\x1b[=c\x1bZ\x05\x1b[5n\x1b[6n\x1b[?6n\x1b[>q\x1b[>0q\x1b[?u\x1b[?2026$p\x1bP$qm\x1b\\\x1bP+q544e\x1b\\\x1b]4;1;?\x07\x1b]10;?\x1b\\\x1b]11;?\x07\x1b]12;?\x07\x1b]52;c;?\x07\x1b[14t\x1b[18t\x1b[21t\x1b[x\x1b_Gi=1,a=q;AAAA\x1b\\\x1b[?1004h\x1b[?2048h\x07'

describe('attaching a terminal', () => {
  test('the screen is cleared, the old output drawn without its questions, then everything live as it comes', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection(`old \x1b[31mred${questions}!\r\n$ `)
    const end = terminal.attach(connection)
    connection.serve(3, 9, 20, 21)
    expect([terminal.picture, terminal.answered]).toEqual(['old \x1b[31mred!\r\n$ ', 0])
    connection.live('\x1b[cnew\x07')
    expect([terminal.picture, terminal.answered, connection.typed]).toEqual(['old \x1b[31mred!\r\n$ \x1b[cnew\x07', 1, ['\x1b[?62;3c']])
    terminal.type('\x1cd')
    expect(await end).toEqual({ kind: 'detached', key: 'd' })
  })

  test('a question that began in the old output does not become one with the live', async () => {
    for (const whole of ['\x1b[6n', '\x1b]11;?\x07', '\x1bP+q544e\x1b\\', '\x1b[>0q', '\x1b_Ga=q;\x1b\\', '✓']) {
      const bytes = Buffer.from(whole)
      for (let cut = 1; cut < bytes.length; cut += 1) {
        const terminal = new FakeTerminal()
        const connection = new FakeConnection(Buffer.concat([Buffer.from('a'), bytes, Buffer.from('b\x1b[5n')]), 1 + cut)
        void terminal.attach(connection)
        connection.serve(1 + cut)
        expect(terminal.picture).toBe(whole === '✓' ? Buffer.from('a✓b\x1b[5n').toString('latin1') : 'ab\x1b[5n')
        expect(connection.typed).toEqual(['\x1b[?62;4c'])
        terminal.type('\x1cd')
      }
    }
  })

  test('of a long output the last 64 KB, from the start of a line', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection(`${'a line of output\r\n'.repeat(20_000)}\x1b]0;t\x07$ `)
    const end = terminal.attach(connection)
    expect(connection.from).toBe(360_008 - 65_536)
    connection.serve()
    expect(terminal.picture).toMatch(/^a line of output\r\n/)
    expect(terminal.picture.length).toBeGreaterThan(65_000)
    terminal.type('\x1cd')
    await end
  })

  test('of a program without lines, from the start of a sequence', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection('\x1b[12;34Hcell'.repeat(10_000))
    const end = terminal.attach(connection)
    connection.serve()
    expect(terminal.picture).toMatch(/^\x1b\[12;34Hcell/)
    terminal.type('\x1cd')
    await end
  })

  test('keys go to the program at once: control keys, slash commands, the prefix twice', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection('')
    const end = terminal.attach(connection)
    expect(terminal.modes).toEqual([true])
    for (const keys of ['a', '\x03', '\x04', '\x1a', '/bg\r', '\x1b', 'x\x1c\x1cy', '\x1cq']) terminal.type(keys)
    expect(connection.typed).toEqual(['a', '\x03', '\x04', '\x1a', '/bg\r', '\x1b', 'x', '\x1c', 'y'])
    terminal.type('z\x1cdtyped ahead')
    expect([await end, connection.typed.at(-1), terminal.unread]).toEqual([{ kind: 'detached', key: 'd' }, 'z', 'typed ahead'])
  })

  test('the prefix and ? show what there is, further keys leave by their name', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection('')
    const keys = [
      { key: 'd', does: 'leaves it running' },
      { key: 's', does: 'lists the sessions' },
    ]
    const end = attach({ connection, input: terminal.input, output: terminal.output, signals: terminal.signals, keys, prefix: 1 }, never)
    connection.serve()
    terminal.type('\x01?')
    expect(printable(Buffer.from(terminal.picture, 'latin1').toString())).toBe(' Ctrl-A then: d leaves it running · s lists the sessions · Ctrl-A sends itself ')
    terminal.type('\x01s')
    expect(await end).toEqual({ kind: 'detached', key: 's' })
  })

  test('a full-screen program is made to repaint, and hears of every new size', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection('')
    const end = terminal.attach(connection)
    await until(() => connection.sizes.length === 2, 'the second size')
    terminal.resize(90, 20)
    expect(connection.sizes).toEqual(['100x29', '100x30', '90x20'])
    terminal.type('\x1cd')
    await end
    terminal.resize(91, 21)
    expect(connection.sizes).toHaveLength(3)

    // Whoever leaves before the program was given its size back gives it back.
    const hasty = new FakeTerminal()
    const nudged = new FakeConnection('')
    const left = hasty.attach(nudged)
    hasty.type('\x1cd')
    await left
    expect(nudged.sizes).toEqual(['100x29', '100x30'])
  })

  /** Attached with a screen of the first five bytes of the log. */
  async function withScreen(
    connection: FakeConnection,
    more: Partial<AttachOptions> = {},
    screen: string | undefined = 'SCREEN',
  ): Promise<{ terminal: FakeTerminal; end: Promise<AttachEnd> }> {
    const terminal = new FakeTerminal()
    const asked = Promise.withResolvers<void>()
    const made = (size: TerminalSize | undefined) => {
      setImmediate(asked.resolve)
      connection.sizes.push(size ? `screen of ${size.columns}x${size.rows}` : 'screen of its own size')
      return Promise.resolve(screen === undefined ? undefined : { offset: 5, columns: 100, rows: 30, bytes: Buffer.from(screen) })
    }
    const end = attach({ connection, input: terminal.input, output: terminal.output, signals: terminal.signals, screen: made, ...more }, never)
    await asked.promise
    return { terminal, end }
  }

  test('with a screen it is shown, then what came since, of which the daemon answered the questions, then everything as it comes', async () => {
    const connection = new FakeConnection('12345 \x1b[1mmore\x1b[6n\x1b]11;?\x07 and\x1b[c')
    connection.answerFrom(29)
    const { terminal, end } = await withScreen(connection)
    expect(connection.from).toBe(5)
    connection.serve(12, 20, 29)
    expect([terminal.picture, terminal.answered]).toEqual(['SCREEN \x1b[1mmore and\x1b[c', 1])
    expect(connection.sizes).toEqual(['100x30', 'screen of 100x30'])
    terminal.type('\x1cd')
    await end
  })

  test('a sequence that was half received is finished by what comes, also between the screen and the first live byte', async () => {
    for (const from of [5, 6, 7, 9]) {
      const connection = new FakeConnection('1234535mred')
      connection.answerFrom(from)
      const { terminal } = await withScreen(connection, {}, 'SCREEN\x1b[')
      connection.serve(6, 8)
      expect(terminal.picture).toBe('SCREEN\x1b[35mred')
    }
  })

  test('of several terminals the newest answers, from the byte on that the keeper says', async () => {
    const connection = new FakeConnection('12345')
    connection.answerFrom(5)
    const { terminal } = await withScreen(connection)
    connection.live('\x1b[c', 5)
    connection.say({ from: 9, newest: false })
    connection.live('a\x1b[5n\x1b[6', 8)
    connection.live('n\x1b[1mb', 16)
    connection.say({ from: 22, newest: true })
    connection.live('\x1b]11;?', 21)
    connection.say({ from: 30, newest: true })
    connection.live('\x07\x1b[6n', 27)
    expect(terminal.picture).toBe('SCREEN\x1b[ca\x1b[1mb\x1b]11;?\x07\x1b[6n')
    // This terminal answers a colour's question before its end.
    expect(connection.typed).toEqual(['\x1b[?62;3c', '\x1b[?62;6c', '\x1b[?62;4c'])
  })

  test('who types has the size, when another terminal has changed it', async () => {
    const connection = new FakeConnection('12345')
    connection.size = { cols: 80, rows: 24 }
    const { terminal, end } = await withScreen(connection)
    terminal.type('a')
    connection.size = { cols: 60, rows: 20 }
    terminal.type('b')
    terminal.type('c')
    expect([connection.typed, connection.sizes]).toEqual([
      ['a', 'b', 'c'],
      ['100x30', 'screen of 100x30', '100x30'],
    ])
    terminal.type('\x1cd')
    await end
  })

  test('keys typed while the screen is being made reach the program', async () => {
    const connection = new FakeConnection('12345')
    const made = Promise.withResolvers<undefined>()
    const terminal = new FakeTerminal()
    const end = attach({ connection, input: terminal.input, output: terminal.output, signals: terminal.signals, screen: () => made.promise }, never)
    terminal.type('early')
    expect(connection.typed).toEqual(['early'])
    terminal.type('\x1cd')
    expect(await end).toEqual({ kind: 'detached', key: 'd' })
    made.resolve(undefined)
    expect(connection.from).toBe(-1)
  })

  test('without a screen the end of the log is drawn', async () => {
    const connection = new FakeConnection('12345 old')
    const terminal = new FakeTerminal()
    const made = Promise.withResolvers<undefined>()
    const end = attach({ connection, input: terminal.input, output: terminal.output, signals: terminal.signals, screen: () => made.promise }, never)
    made.resolve(undefined)
    await until(() => connection.from === 0, 'the log to be read')
    connection.serve()
    expect(terminal.picture).toBe('12345 old')
    terminal.type('\x1cd')
    await end
  })

  test('who only looks changes no size, answers nothing, and what is typed goes nowhere but the prefix', async () => {
    const connection = new FakeConnection('12345')
    connection.answerFrom(5)
    const { terminal, end } = await withScreen(connection, { readOnly: true })
    connection.live('\x1b[c', 5)
    terminal.type('x')
    terminal.resize(90, 20)
    expect([connection.typed, connection.sizes]).toEqual([[], ['screen of its own size']])
    terminal.type('\x1cd')
    expect(await end).toEqual({ kind: 'detached', key: 'd' })
    expect([connection.sizes.length, connection.attending]).toEqual([1, false])
  })

  const endings: readonly (readonly [string, (terminal: FakeTerminal, connection: FakeConnection, abort: AbortController) => void, AttachEnd])[] = [
    ['detached', (terminal) => terminal.type('\x1cd'), { kind: 'detached', key: 'd' }],
    ['exited', (_, connection) => connection.exit({ kind: 'code', code: 3 }), { kind: 'exited', exit: { kind: 'code', code: 3 } }],
    ['lost', (_, connection) => connection.lose(), { kind: 'lost' }],
    ['hung up', (terminal) => terminal.signals.emit('SIGHUP'), { kind: 'detached', key: null }],
    ['terminated', (terminal) => terminal.signals.emit('SIGTERM'), { kind: 'detached', key: null }],
    ['closed', (terminal) => terminal.input.emit('end'), { kind: 'detached', key: null }],
    ['aborted', (_terminal, _connection, abort) => abort.abort(), { kind: 'detached', key: null }],
  ]
  test.each(endings)("%s: the terminal is the user's again", async (_, happens, expected) => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection('old')
    const abort = new AbortController()
    const end = terminal.attach(connection, abort.signal)
    connection.serve()
    connection.live('\x1b[?1049h\x1b[?1003h\x1b[?25l\x1b]0;half a ti')
    happens(terminal, connection, abort)
    expect(await end).toEqual(expected)
    connection.live('too late')
    expect(terminal.shown.endsWith(terminalReset)).toBe(true)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect([terminal.modes, terminal.input.flowing, terminal.listeners]).toEqual([[true, false], false, 0])
    for (const off of [
      '\x1b[?1049l',
      '\x1b[?1000l',
      '\x1b[?1003l',
      '\x1b[?1006l',
      '\x1b[?2004l',
      '\x1b[?25h',
      '\x1b[?1l',
      '\x1b>',
      '\x1b[<99u',
      '\x1b[?1004l',
      '\x1b[0m',
      '\x1b[r',
    ])
      expect(terminalReset).toContain(off)
  })

  test('a terminal that is gone while something is written is no error', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection('')
    const end = terminal.attach(connection)
    terminal.broken = true
    connection.live('x')
    expect(await end).toEqual({ kind: 'detached', key: null })
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect(terminal.listeners).toBe(0)
  })

  test('the last output is shown before the exit is told, also of a program that had ended before', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection('all it said\r\n')
    connection.hello.exit = { kind: 'signal', signal: 9 }
    const end = terminal.attach(connection)
    connection.serve()
    connection.exit({ kind: 'signal', signal: 9 })
    expect([await end, terminal.picture, connection.sizes]).toEqual([{ kind: 'exited', exit: { kind: 'signal', signal: 9 } }, 'all it said\r\n', []])
  })

  test('a slow terminal makes us stop reading, and detaching still works at once', async () => {
    const terminal = new FakeTerminal()
    const connection = new FakeConnection('')
    const end = terminal.attach(connection)
    terminal.full = true
    connection.live('a')
    connection.live('b')
    expect(connection.flow).toEqual(['pause'])
    terminal.full = false
    terminal.output.emit('drain')
    expect(connection.flow).toEqual(['pause', 'resume'])
    terminal.full = true
    connection.live('c')
    const before = performance.now()
    terminal.type('\x1cd')
    expect(await end).toEqual({ kind: 'detached', key: 'd' })
    expect(performance.now() - before).toBeLessThan(1000)
    expect(connection.flow).toEqual(['pause', 'resume', 'pause', 'resume'])
  })
})

/** Bytes of output that the child has written so far, on the disk. */
async function outputLength(run: TestRun): Promise<number> {
  const sizes = await Promise.all((await readdir(run.folder)).filter((name) => name.startsWith('out.')).map(async (name) => (await stat(join(run.folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Bytes of input that the child ever got, as the keeper's own log tells. */
async function inputLength(run: TestRun): Promise<number> {
  let length = 0
  for (const name of (await readdir(run.folder)).filter((one) => one.startsWith('in.'))) {
    for (const line of (await readFile(join(run.folder, name), 'latin1')).split('\n').filter((one) => one !== '')) length += Number(line.split(' ')[2])
  }
  return length
}

async function terminalRun(argv: readonly string[], home: string): Promise<TestRun> {
  const run = await startRun(argv, {
    mode: 'pty',
    cwd: home,
    env: { PATH: path, TERM: 'xterm-256color', HOME: home, PS1: '$ ', LC_ALL: 'C.UTF-8', HISTFILE: '', LESSHISTFILE: '-' },
  })
  onTestFinished(() => run[Symbol.asyncDispose]())
  return run
}

async function home(): Promise<string> {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  return folder.path
}

/** Attached while `use` runs. */
async function attached(run: TestRun, use: (terminal: FakeTerminal, connection: KeeperConnection) => Promise<void>): Promise<FakeTerminal> {
  const terminal = new FakeTerminal()
  const connection = await run.connect()
  const end = terminal.attach(connection)
  await use(terminal, connection)
  terminal.type('\x1cd')
  expect(await end).toEqual({ kind: 'detached', key: 'd' })
  connection.close()
  return terminal
}

async function saidBefore(run: TestRun, text: string): Promise<void> {
  const connection = await run.connect()
  let all = ''
  const { promise, resolve } = Promise.withResolvers<void>()
  connection.read('out', 0, ({ bytes }) => {
    all += bytes.toString('latin1')
    if (all.includes(text)) resolve()
  })
  await promise
  connection.close()
}

/** less loses a key that comes while it takes in a new size, in any terminal. */
async function pressUntil(terminal: FakeTerminal, key: string, done: Promise<unknown>): Promise<void> {
  terminal.type(key)
  const again = setInterval(() => terminal.type(key), 100)
  await done.finally(() => clearInterval(again))
}

describe('real programs', () => {
  test('not one byte reaches the program because its old output is full of questions; a live question is answered', async () => {
    const folder = await home()
    await writeFile(join(folder, 'questions'), questions.repeat(50))
    const run = await terminalRun(['bash', '-c', `stty raw -echo; cat questions; printf ready; head -c 1 >/dev/null; printf '\\033[cagain'; exec cat >got`], folder)
    await saidBefore(run, 'ready')
    const first = await attached(run, (terminal) => terminal.shows('ready'))
    expect([first.answered, await inputLength(run)]).toEqual([0, 0])
    const second = await attached(run, async (terminal) => {
      await terminal.shows('ready')
      terminal.type('x')
      await terminal.shows('again')
      await until(async () => (await inputLength(run)) > 1, 'the answer to arrive')
    })
    expect([second.answered, await inputLength(run)]).toEqual([1, 1 + '\x1b[?62;3c'.length])
    await until(async () => (await readFile(join(folder, 'got'), 'utf8')) === '\x1b[?62;3c', 'the program to read the answer')
  })

  test('bash: left and entered again, the same shell, its exit told', async () => {
    const run = await terminalRun(['bash', '--norc', '--noprofile', '-i'], await home())
    await saidBefore(run, '$ ')
    await attached(run, async (terminal) => {
      terminal.type('marker=one$((20+3)); echo "is $marker"\r')
      await terminal.shows('is one23')
    })
    const terminal = new FakeTerminal()
    const connection = await run.connect()
    const end = terminal.attach(connection)
    await terminal.shows('is one23')
    terminal.type('until [ "$(stty size)" = "30 100" ]; do :; done; echo "still $marker"\r')
    await terminal.shows('still one23')
    terminal.type('exit 7\r')
    expect(await end).toEqual({ kind: 'exited', exit: { kind: 'code', code: 7 } })
  })

  test.skipIf(!existsSync('/usr/bin/vim'))('vim: repaints its screen when entered again, also in another size (vim is needed)', async () => {
    const folder = await home()
    // Lines without a character in common: vim writes only what is not there yet.
    const line = (index: number): string => String.fromCharCode(0x41 + (index % 57)).repeat(9)
    await writeFile(join(folder, 'file'), Array.from({ length: 200 }, (_, index) => `${line(index)}\n`).join(''))
    const run = await terminalRun(['vim', '-u', 'NONE', '-N', '-i', 'NONE', '-n', 'file'], folder)
    await saidBefore(run, line(1))
    await attached(run, async (terminal) => {
      terminal.type('100G')
      await terminal.shows(line(99))
    })
    await attached(run, async (terminal) => {
      // Once out of the log, and once because it was made to repaint.
      await terminal.shows(line(99))
      await terminal.shows(line(99), terminal.shown.lastIndexOf(line(99)) + 1)
      const before = terminal.shown.length
      terminal.resize(60, 12)
      await terminal.shows(line(99), before)
    })
  })

  test.skipIf(!existsSync('/usr/bin/less'))('less: is moved about in, left and entered again (less is needed)', async () => {
    const folder = await home()
    await writeFile(join(folder, 'file'), Array.from({ length: 500 }, (_, line) => `text of line ${line + 1}\n`).join(''))
    const run = await terminalRun(['less', 'file'], folder)
    await saidBefore(run, 'text of line 1')
    await attached(run, async (terminal) => {
      await terminal.shows('text of line 29')
      await pressUntil(terminal, 'G', terminal.shows('text of line 500'))
    })
    const again = new FakeTerminal()
    const connection = await run.connect()
    const end = again.attach(connection)
    await again.shows('text of line 500')
    await pressUntil(again, 'q', end)
    expect(await end).toEqual({ kind: 'exited', exit: { kind: 'code', code: 0 } })
  })

  test('in a real terminal: raw while attached, quiet for Ctrl-\\, told of a new size, and as it was afterwards', async () => {
    const folder = await home()
    await writeFile(join(folder, 'mark'), 'ready\n')
    const inner = await terminalRun(['bash', '--norc', '--noprofile', '-i'], folder)
    await saidBefore(inner, '$ ')
    const outer = await terminalRun(['bash', '-c', `"${process.execPath}" test/fixtures/attach-here.ts ${inner.socketPath} ${nonce}; stty -a; echo over`], root)
    const viewer = await connectKeeper(outer.socketPath, { nonce }, soon())
    onTestFinished(() => viewer[Symbol.asyncDispose]())
    const shown = new FakeTerminal()
    viewer.read('out', 0, ({ bytes }) => shown.output.write(bytes))
    const type = (text: string): Promise<unknown> => viewer.input({ lane: 0, id: 0, bytes: Buffer.from(text) })
    await shown.shows('$ ')
    await type('ulimit -c 0; tail -f mark; echo co""de $?\r')
    await shown.shows('ready')
    await type('\x1c\x1c')
    await shown.shows('code 131')
    viewer.resize({ cols: 77, rows: 33 })
    await type('until [ "$(stty size)" = "33 77" ]; do :; done; echo si""ze\r')
    await shown.shows('size')
    await type('\x1cd')
    await shown.shows('END {"kind":"detached","key":"d"} raw=false')
    await type('\r')
    await shown.shows('over')
    expect(shown.shown).toMatch(/\sicanon\s/)
    expect(shown.shown).toMatch(/\sisig\s/)
    await attached(inner, (terminal) => terminal.shows('size'))
  })

  test('a terminal that is closed leaves the program running', async () => {
    const inner = await terminalRun(['bash', '--norc', '--noprofile', '-i'], await home())
    await saidBefore(inner, '$ ')
    const outer = await terminalRun([process.execPath, 'test/fixtures/attach-here.ts', inner.socketPath, nonce], root)
    await saidBefore(outer, '$ ')
    process.kill(outer.identity.child.pid, 'SIGHUP')
    await saidBefore(outer, 'END {"kind":"detached","key":null}')
    await attached(inner, async (terminal) => {
      terminal.type('echo al""ive\r')
      await terminal.shows('alive')
    })
  })

  test('a flood is shown to its end, in order', async () => {
    const run = await terminalRun(['bash', '-c', 'read x; seq 1 200000; exit 5'], await home())
    const terminal = new FakeTerminal()
    const connection = await run.connect()
    const end = terminal.attach(connection)
    terminal.type('\r')
    expect(await end).toEqual({ kind: 'exited', exit: { kind: 'code', code: 5 } })
    const lines = terminal.picture.trim().split(/\r\n/).slice(-200_000)
    expect([lines.length, lines.at(0)?.trim(), lines.at(-1)]).toEqual([200_000, '1', '200000'])
  })

  test('a terminal that takes nothing costs no memory, stops no program, and is left at once', async () => {
    const run = await terminalRun(['bash', '-c', 'read x; exec yes'], await home())
    const terminal = new FakeTerminal()
    const connection = await run.connect()
    const end = terminal.attach(connection)
    terminal.full = true
    terminal.type('\r')
    await until(async () => (await outputLength(run)) > 10_000_000, 'the program to go on')
    expect(terminal.shown.length).toBeLessThan(1_000_000)
    terminal.type('\x1cd')
    expect(await end).toEqual({ kind: 'detached', key: 'd' })
    expect(terminal.shown.length).toBeLessThan(1_000_000)
  })
})
