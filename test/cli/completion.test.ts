import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { type Quote, quoted, readLine } from '../../src/cli/completion/bash-line.ts'
import { bash } from '../../src/cli/completion/bash.ts'
import type { Candidate } from '../../src/cli/completion/complete.ts'
import { verbs } from '../../src/cli/verbs/index.ts'
import { FakeClient, shell, talker } from './fake-client.ts'
import { type Setting, offstage } from './run-cli.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'offstage-completion-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the shell is told: the kind of the answer, then `[value, description]`. */
async function asked(client: FakeClient, words: readonly string[], setting: Setting = {}): Promise<readonly [string, Readonly<Record<string, string>>]> {
  const { code, out, err } = await offstage(client, ['completion', 'fish', '--', 'offstage', ...words], setting)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const [kind = '', ...lines] = out.trimEnd().split('\n')
  return [kind, Object.fromEntries(lines.map((line) => line.split('\t')))]
}

const values = async (client: FakeClient, ...words: readonly string[]): Promise<readonly string[]> => Object.keys((await asked(client, words))[1])

/** A working agent, one that asks, one that ended, an archived one, a removed one, and a shell. */
const several = (): FakeClient =>
  new FakeClient()
    .create('work1111', { prompt: 'x', label: 'backend-api' })
    .create('asks1111', { prompt: 'x', label: 'docs pass', title: 'Pass over the docs' })
    .ask('asks1111', 'q7m2p4zz', 'which tone?')
    .create('over1111', { spec: shell, title: 'make' })
    .exit('over1111', 0)
    .create('arch1111', { prompt: 'x', label: 'archived' })
    .command('arch1111', { type: 'end' })
    .create('gone1111', { prompt: 'x', label: 'removed' })
    .command('gone1111', { type: 'remove' })
    .create('bash1111', { spec: shell, title: 'bash' })

/** And one in a worktree of its own, with checks. */
const everyKind = (): FakeClient => {
  const worktree = { repository: '/work/shop', path: '/home/w/tree1111/shop', below: '', branch: 'offstage/tree1111', base: 'b'.repeat(40) }
  return several().create('tree1111', { spec: { ...talker, worktree, checks: ['npm test'] }, title: 'apart' })
}

describe('what there is to choose from', () => {
  test('commands with what they do; their other names to those who begin to type them', async () => {
    const [kind, all] = await asked(new FakeClient(), [''])
    expect(kind).toBe('words')
    expect(all).toEqual({ ...Object.fromEntries(verbs.map(({ name, summary }) => [name, summary])), help: 'say more about a command' })
    expect(await values(new FakeClient(), 'att')).toEqual(['attach'])
    expect(await values(new FakeClient(), 'help', 'res')).toEqual(['resume', 'restore'])
    expect(await values(new FakeClient(), '--v')).toEqual(['--version'])
    expect(await values(new FakeClient(), 'frobnicate', '')).toEqual([])
  })

  test('the options of every command, as its help says them, and none twice', async () => {
    for (const { name, load } of verbs) {
      const { default: verb } = await load()
      const [, offered] = await asked(new FakeClient(), [name, '--'])
      const shown = Object.entries(verb.options).filter(([, spec]) => !spec.hidden)
      expect(offered).toMatchObject(Object.fromEntries(shown.map(([option, spec]) => [`--${option}`, spec.help])))
      expect(Object.keys(offered)).toHaveLength(shown.length + (verb.program ? 2 : 1))
    }
    expect(await values(new FakeClient(), 'sessions', '--all', '--c')).toEqual(['--cwd'])
    expect(await values(new FakeClient(), 'sessions', '-a', '-Cx', '--')).toEqual(['--removed', '--status', '--json', '--help'])
    expect(await values(new FakeClient(), 'bg', '--env', 'A=1', '--e')).toEqual(['--env'])
    expect(await values(new FakeClient(), 'logs', '-f')).toEqual(['-f'])
  })

  test.each([
    ['the statuses', ['wait', 'x', '--for', 'st'], ['starting', 'stopped']],
    ['the statuses, behind "="', ['sessions', '--status=w'], ['--status=working', '--status=waiting']],
    ['the statuses, behind a short option', ['sessions', '-s', 'w'], ['working', 'waiting']],
    ['the next one of a list', ['wait', 'x', '--for', 'failed,s'], ['failed,starting', 'failed,stopped']],
    ['the policies', ['bg', '--resume', ''], ['ask', 'auto', 'never']],
    ['the shells', ['completion', ''], ['bash', 'zsh', 'fish']],
    ['what the daemon can be told', ['daemon', 'st'], ['status', 'start', 'stop']],
    ['nothing for a free text', ['bg', '--label', ''], []],
    ['nothing for a prompt that was begun', ['bg', 'add'], []],
    ['nothing for an option that there is not', ['bg', '--nonsense='], []],
    ['options instead of a prompt', ['demo', ''], ['--auto', '--help']],
  ] as const)('%s', async (_name, words, expected) => {
    expect(await values(new FakeClient(), ...words)).toEqual(expected)
  })

  test('directories and the command behind "--" are left to the shell', async () => {
    for (const words of [
      ['bg', '--cwd', ''],
      ['bg', '-C', 'x'],
      ['sessions', '--cwd=x'],
    ])
      expect((await asked(new FakeClient(), words))[0]).toBe('directories')
    for (const words of [
      ['bg', '--', ''],
      ['run', '--label', '--', '--', 'ls', '-'],
    ])
      expect((await asked(new FakeClient(), words))[0]).toBe('command')
    expect((await asked(new FakeClient(), ['why', '--', '']))[0]).toBe('words')
  })

  test('agents of the catalogue and of the configuration, which may have a mistake in it', async () => {
    const config = join(folder, 'config.toml')
    writeFileSync(config, '[agents.mine]\ncommand = "sh"\n')
    const setting = { env: { OFFSTAGE_CONFIG: config }, cwd: folder }
    const [, all] = await asked(new FakeClient(), ['bg', '--agent', ''], setting)
    expect(all).toMatchObject({ mine: 'sh', codex: expect.stringMatching(/codex-acp$/) })
    writeFileSync(config, '[agents')
    expect(Object.keys((await asked(new FakeClient(), ['bg', '--agent=co'], setting))[1])).toEqual(['--agent=codex', '--agent=copilot'])
  })
})

describe('sessions', () => {
  test.each([
    ['switch', ['bash1111', 'over1111', 'docs pass', 'backend-api', 'archived']],
    ['attach', ['bash1111', 'over1111', 'docs pass', 'backend-api', 'archived']],
    ['stop', ['bash1111', 'docs pass', 'backend-api']],
    ['interrupt', ['bash1111', 'docs pass', 'backend-api']],
    ['send', ['bash1111', 'docs pass', 'backend-api', 'archived']],
    ['resume', ['over1111', 'archived']],
    ['end', ['bash1111', 'over1111', 'docs pass', 'backend-api']],
    ['restore', ['removed', 'archived']],
    ['answer', ['docs pass']],
    ['sessions', ['--all', '--removed', '--status', '--cwd', '--json', '--help']],
  ])('%s is offered those that it can do something with', async (verb, expected) => {
    expect(await values(several(), verb, '')).toEqual(expected)
  })

  test('every command that takes an ID is offered some', async () => {
    for (const { name, load } of verbs) {
      const { default: verb } = await load()
      if (!verb.usage.some((usage) => /^\S+ (\[[^\]]*\] )*\[?ID\b/.test(usage))) continue
      expect([name, (await values(everyKind(), name, '')).length]).not.toEqual([name, 0])
      expect([name, (await values(everyKind(), name, '')).filter((one) => one.startsWith('-'))]).toEqual([name, []])
    }
  })

  test('say by what they are described, and are not offered twice', async () => {
    expect((await asked(several(), ['wait', '']))[1]).toMatchObject({ 'docs pass': 'asks1111  waiting  which tone?', over1111: 'make  completed' })
    expect(await values(several(), 'stop', 'asks1111', '')).toEqual(['bash1111', 'backend-api'])
  })

  test('an id that was begun stands for itself', async () => {
    expect(await values(several(), 'switch', 'as')).toEqual(['asks1111'])
    expect(await values(several(), 'switch', 'b')).toEqual(['bash1111', 'backend-api'])
  })

  test('a label that would not find its session again is replaced by the id', async () => {
    const client = new FakeClient()
    const labels = ['same', 'same', '-f', 'line\nbreak', 'e\x1b[31mvil', '\u202etxt', ' blank', 'tab\tbed', 'three333']
    for (const [index, label] of labels.entries()) client.create(`id${index}aaaaa`, { prompt: 'x', label })
    client.create('three333', { prompt: 'x' })
    const [, all] = await asked(client, ['switch', ''])
    expect(Object.keys(all).toSorted()).toEqual([...labels.map((_, index) => `id${index}aaaaa`), 'three333'])
    // oxlint-disable-next-line no-control-regex
    expect(/[\0-\x1f\x7f-\x9f\u202a-\u202e]/.exec(Object.values(all).join(''))).toBe(null)
  })

  test('requests by session or id, and the answers to them', async () => {
    const client = several()
    expect((await asked(client, ['answer', 'q']))[1]).toEqual({ q7m2p4zz: 'docs pass  permission: which tone?' })
    for (const name of ['docs pass', 'q7m2', 'asks']) expect((await asked(client, ['answer', name, '']))[1]).toEqual({ once: 'allow once', no: 'reject' })
    expect(await values(client, 'answer', 'backend-api', '')).toEqual([])
    client.ask('asks1111', 'r7m2p4zz', 'and which colour?')
    expect(await values(client, 'answer', '')).toEqual(['q7m2p4zz', 'r7m2p4zz'])
    client.report('asks1111', { type: 'exited', exit: { signal: 'SIGKILL' }, outEnd: 0, errEnd: 0 })
    expect(await values(client, 'answer', '')).toEqual([])
    expect(await values(client, 'resume', 'docs pass', '--request', '')).toEqual(['q7m2p4zz', 'r7m2p4zz'])
  })

  test('the fields of a form', async () => {
    const client = new FakeClient().create('asks1111', { prompt: 'x' })
    const tone = { name: 'tone', label: 'Tone', type: 'choice', required: true, choices: [{ value: 'formal', label: 'Formal' }] } as const
    client.report('asks1111', { type: 'asks', ask: { id: 'q7m2p4zz', kind: 'question', title: 'tone?', options: [], fields: [tone] } })
    expect((await asked(client, ['answer', 'asks', '']))[1]).toEqual({ formal: 'Formal' })
    expect((await asked(client, ['answer', 'asks', '--field', 't']))[1]).toEqual({ 'tone=formal': 'Formal' })
  })

  test.each([['nobody runs', 'unreachable'] as const, ['the daemon hangs', undefined] as const])('none, and at once, when %s', async (_name, daemon) => {
    const client = several()
    client.hangs.add('list')
    expect(await asked(client, ['switch', ''], daemon === undefined ? {} : { daemon })).toEqual(['words', {}])
  })
})

describe('the scripts', () => {
  test.each(['bash', 'zsh', 'fish'])('%s gets one that names it', async (shell) => {
    const { code, out } = await offstage(new FakeClient(), ['completion', shell], { daemon: 'unreachable' })
    expect([code, out.includes(`offstage completion ${shell} -- `)]).toEqual([0, true])
  })

  test.each([
    ['no shell', [], {}, 'for which shell: bash, zsh or fish?', 'for example in ~/.bashrc: eval "$(offstage completion bash)"'],
    ['no shell, in zsh', [], { SHELL: '/bin/zsh' }, 'for which shell: bash, zsh or fish?', 'for example in ~/.zshrc: source <(offstage completion zsh)'],
    ['another shell', ['tcsh'], {}, 'there is no completion for "tcsh", only for bash, zsh and fish', 'did you mean offstage completion bash?'],
    ['a typing error', ['fihs'], {}, 'there is no completion for "fihs", only for bash, zsh and fish', 'did you mean offstage completion fish?'],
    [
      'a name that objects have',
      ['constructor'],
      {},
      'there is no completion for "constructor", only for bash, zsh and fish',
      'for example in ~/.bashrc: eval "$(offstage completion bash)"',
    ],
  ] as const)('%s is a usage error that names the three', async (_name, args, env, message, hint) => {
    expect(await offstage(new FakeClient(), ['completion', ...args], { env })).toEqual({ code: 2, out: '', err: `offstage: ${message}\n  ${hint}\n` })
  })
})

const quotes: readonly Quote[] = ['', '"', "'"]
/** Any text of one line, often with what shells read. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...' \\"\'$`!:=*?~#&|;<>(){}[]^-'),
    fc.constantFrom('ä', '日', '😀', '\u0301', '\u00a0', 'a', 'b'),
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 12,
})
const closed = (text: string, quote: Quote): string => `${quote}${quoted(text, quote)}${quote}`

describe('bash', () => {
  test('what is quoted is read back as it was, also by bash itself', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            anyText.filter((text) => text !== ''),
            fc.constantFrom(...quotes),
          ),
          { minLength: 1, maxLength: 50 },
        ),
        (words) => {
          const texts = words.map(([text]) => text)
          const line = words.map(([text, quote]) => closed(text, quote)).join(' ')
          expect(readLine(`${line} `).map((word) => word.value)).toEqual([...texts, ''])
          expect(
            execFileSync('bash', ['--norc', '-c', `printf '%s\\0' ${line}`], { encoding: 'utf8', env: { LANG: 'C.UTF-8' }, stdio: ['ignore', 'pipe', 'inherit'] })
              .split('\0')
              .slice(0, -1),
          ).toEqual(texts)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('redirections are no words, and what is redirected to is a file', () => {
    expect(readLine('offstage ls 2>&1 >"a b" x').map(({ value, redirects }) => [value, redirects])).toEqual([
      ['offstage', false],
      ['ls', false],
      ['1', true],
      ['a b', true],
      ['x', false],
    ])
    expect(readLine('ls > ').at(-1)).toMatchObject({ value: '', redirects: true })
  })

  const answers = (candidates: readonly string[], line: string, replaced: string, type = '9'): Promise<readonly string[]> =>
    bash.answer([line, replaced, type, '80'], async () => ({ kind: 'words', candidates: candidates.map((value): Candidate => ({ value, description: 'd' })) }))

  test('whatever of the word bash replaces, the whole is the candidate', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, fc.constantFrom(...quotes), fc.nat(), fc.nat(), async (text, quote, typedTo, keptTo) => {
        const chars = [...text]
        const typed = `${quote}${quoted(chars.slice(0, typedTo % (chars.length + 1)).join(''), quote)}`
        // Bash keeps whole characters and never stops behind a backslash: that quotes the next one.
        const places = Array.from({ length: typed.length + 1 }, (_, at) => at).filter(
          (at) => typed.slice(0, at).isWellFormed() && (quote === '' ? !typed.slice(0, at).endsWith('\\') : at === 1),
        )
        const kept = typed.slice(0, places[keptTo % places.length])
        const [kind, inserted = ''] = await answers([text], `offstage why ${typed}`, typed.slice(kept.length))
        const line = `x ${kept}${inserted}`
        expect([kind, readLine(line + (readLine(line).at(-1)?.quote ?? '')).at(-1)?.value]).toEqual(['words', text])
      }),
    )
  })

  test('a word that is common to several never ends within an escape', async () => {
    expect(await answers(['a b', 'a"c'], 'offstage why a', 'a')).toEqual(['words', 'aa', 'ab'])
    expect(await answers(['a b', 'a"c'], "offstage why 'a", 'a')).toEqual(['words', 'a b', 'a"c'])
    expect(await answers(['a!b', 'a"c'], 'offstage why "a', 'a')).toEqual(['words', 'a"\\!"b', 'a\\"c'])
    expect(await answers(['x😀', 'x😁'], 'offstage why x', 'x')).toEqual(['words', 'xa', 'xb'])
  })

  test('a list shows descriptions within the width of the terminal, and inserts nothing', async () => {
    expect(await answers(['a b', 'long'], 'offstage why ', '', '63')).toEqual(['words', 'a b   (d)'.padEnd(40), 'long  (d)'.padEnd(40)])
    const wide = await bash.answer(['offstage why ', '', '63', '20'], async () => ({ kind: 'words', candidates: [{ value: 'id', description: 'd'.repeat(50) }] }))
    expect(wide).toEqual(['words', `id  (${'d'.repeat(13)}…`])
  })

  test('of a line that is not understood nothing is made', async () => {
    expect(await answers(['a'], 'offstage why b', 'other')).toEqual(['words'])
  })
})
