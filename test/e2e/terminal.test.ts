// The conversation and the raw screen in a real terminal: /bg at any moment, the same process before and after, and a terminal that is sane afterwards.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TestHome, never, settle, until } from '../home.ts'
import { talkerAgent } from './offstage.ts'
import { Tmux, hasTmux } from './tmux.ts'

const small = { columns: 80, rows: 24 }

test.skipIf(!hasTmux)('run, /bg in the middle of the work, list, answer, switch back, end', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, small)
  tmux.type(`offstage run --agent "${talkerAgent}" 'chunks 60 50'`)
  await tmux.see(/line 3\b/)
  const client = await home.client()
  const [before] = await client.list({ all: false }, never)
  tmux.type('/bg --label counting')
  await tmux.see(/backgrounded +\w{8} +counting[\s\S]*offstage switch[\s\S]*ready\$ *$/)
  expect((await client.list({ all: false }, never))[0]?.run?.pid).toBe(before?.run?.pid)
  await until(client, before?.id ?? '', (view) => view.status === 'completed')
  tmux.type('clear; offstage sessions')
  await tmux.see(/✓ completed +counting/)
  tmux.type(`offstage send counting 'ask may I go on?'; clear`)
  await until(client, before?.id ?? '', (view) => view.status === 'waiting')
  tmux.type('offstage switch counting')
  await tmux.see(/◆ may I go on\?[\s\S]*1 {2}Allow once[\s\S]*›/)
  // A key that comes at once is an accident: it is pressed until it is meant.
  await settle(
    () => {
      tmux.keys('1')
      return tmux.screen()
    },
    (screen) => /answer: allow/.test(screen),
  )
  // What was pressed once too often stands in the composer.
  tmux.keys('C-u')
  tmux.type('/exit')
  await tmux.see(/ended [\s\S]*ready\$ *$/)
  expect(await client.list({ all: false }, never)).toEqual([])
})

test.skipIf(!hasTmux)('a closed terminal leaves the session running', async () => {
  await using home = new TestHome()
  const client = await home.client()
  {
    using tmux = new Tmux(home, small)
    tmux.type(`offstage run --agent "${talkerAgent}" 'chunks 40 50'`)
    await tmux.see(/line 2\b/)
  }
  const [session] = await client.list({ all: false }, never)
  const ended = await until(client, session?.id ?? '', (view) => view.status === 'completed')
  expect(ended.activity).toContain('line')
})

test.skipIf(!hasTmux)('Ctrl-C interrupts the turn, and twice leaves', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, small)
  tmux.type(`offstage run --agent "${talkerAgent}" 'hang'`)
  const client = await home.client()
  const [session] = await firstSessions(client)
  await until(client, session?.id ?? '', (view) => view.status === 'working')
  // Before it knows of the turn there is nothing to interrupt.
  await tmux.see(/hang · [^\n]*● working[\s\S]*›/)
  tmux.keys('C-c')
  await until(client, session?.id ?? '', (view) => view.outcome?.kind === 'cut-short')
  tmux.keys('C-c')
  tmux.keys('C-c')
  await tmux.see(/backgrounded[\s\S]*ready\$ *$/)
})

test.skipIf(!hasTmux)('a shell, vim and less are left by the prefix key and entered again where they were', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, small)
  tmux.type('offstage run --label shell -- env "PS1=inner$ " bash --norc --noprofile')
  await tmux.see(/inner\$ *\n\n* shell · env · project · ● working/)
  tmux.type('x=41; echo "made $((x + 1))"')
  await tmux.see(/made 42/)
  tmux.keys('C-\\', 'd')
  await tmux.see(/backgrounded[\s\S]*ready\$ *$/)
  tmux.type('clear; offstage switch shell')
  await tmux.see(/made 42[\s\S]*inner\$ *\n/)
  tmux.type('echo "still $x"; seq 1 500 > numbers; vim -u NONE numbers')
  await tmux.see(/^1\n2\n3\n[\s\S]*\n22\n.*\n shell · env · /)
  tmux.keys('C-\\', 'd')
  await tmux.see(/backgrounded[\s\S]*ready\$ *$/)
  tmux.type('clear; offstage switch shell')
  await tmux.see(/^1\n2\n3\n/)
  tmux.keys('G')
  await tmux.see(/\n499\n500/)
  tmux.type(':q!')
  await tmux.see(/still 41[\s\S]*inner\$ *\n/)
  tmux.type('less numbers')
  await tmux.see(/^1\n2\n3\n/)
  tmux.keys('C-\\', 'd')
  await tmux.see(/backgrounded[\s\S]*ready\$ *$/)
  tmux.resize(100, 30)
  tmux.type('clear; offstage switch shell')
  await tmux.see(/1\n2\n3\n[\s\S]*\n28\n.*\n shell · env · /)
  tmux.keys('q')
  tmux.type('exit 3')
  await tmux.see(/ready\$ *$/)
  tmux.type('echo "code $?"; stty -a | grep -o "[-]*icanon [^;]*echo"; offstage ls')
  expect(await tmux.see(/code 3[\s\S]*✗ failed +shell/)).toMatch(/\nicanon iexten echo /)
})

// Drawn by hand, on purpose with what serializing a screen loses: margins, origin, a hidden cursor, keypad, mouse, colours of empty cells, insert mode, half a sequence at the end.
const picture = [
  '\\e[?1049h\\e[44m\\e[2J\\e[3;5H\\e[1;31mred and bold\\e[0m\\e[10;1H\\e[7minverse\\e[0m',
  '\\e[?25l\\e[?1h\\e=\\e[?1002h\\e[?1006h\\e[5;20r\\e[?6h\\e[3;7H\\e[4;38;5;208m',
].join('')

test.skipIf(!hasTmux)('a screen that a program has drawn comes back cell by cell, with its modes, and what it draws next fits', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, small)
  writeFileSync(join(home.project, 'draw'), `stty -echo raw; printf '${picture}'; printf '\\e[3'; head -c 1 >/dev/null; printf 5mhere; head -c 1 >/dev/null`)
  tmux.type('offstage run --label pic -- bash draw')
  await tmux.see(/red and bold[\s\S]*inverse/)
  const before = tmux.state()
  tmux.keys('C-\\', 'd')
  await tmux.see(/backgrounded[\s\S]*ready\$ *$/)
  expect(tmux.state().modes).toMatch(/cursor_flag=1 alternate_on=0 .*mouse_any_flag=0/)
  tmux.type('clear; offstage switch pic')
  await tmux.see(/red and bold[\s\S]*inverse/)
  expect(
    await settle(
      () => tmux.state(),
      ({ modes }) => modes === before.modes,
    ),
  ).toEqual(before)
  tmux.keys('x')
  // In colour 5, where the cursor was, which half a sequence at the time of leaving decided.
  await tmux.see(/here/)
  expect(tmux.state().screen).toMatch(/\x1b\[[\d;]*35[;m].*here/) // oxlint-disable-line no-control-regex
  tmux.keys('x')
  await tmux.see(/ready\$ *$/)
})

test.skipIf(!hasTmux)('who only looks types nothing and changes no size', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, { columns: 100, rows: 30 })
  tmux.type(`offstage bg --label wide -- bash -c 'while read -r line; do echo "got $line at $(stty size)"; done'`)
  await tmux.see(/backgrounded/)
  tmux.resize(80, 24)
  tmux.type('clear; offstage send wide --enter one; offstage switch --read-only wide')
  await tmux.see(/got one at 29 100/)
  tmux.type('two')
  tmux.keys('C-\\', 'd')
  await tmux.see(/backgrounded[\s\S]*ready\$ *$/)
  tmux.type('clear; offstage switch wide')
  await tmux.see(/got one at 29 100/)
  tmux.type('three')
  expect(await tmux.see(/got three at 23 80[\s\S]* wide · bash · project · /)).not.toContain('two')
  tmux.keys('C-\\', 'd')
  await tmux.see(/backgrounded[\s\S]*ready\$ *$/)
})

test.skipIf(!hasTmux)('the status line is hidden, shown and resized around a program, and gone with a viewer that is killed', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, small)
  const lined = (rows: number): RegExp => new RegExp(`(?:.*\\n){${rows - 1}} lines · env · project · ● working · `)
  tmux.type('offstage run --label lines -- env "PS1=inner$ " bash --norc --noprofile')
  await tmux.see(lined(24))
  tmux.type('seq 1 60; stty size')
  await tmux.see(/\n60\n23 80\ninner\$ *\n lines/)
  tmux.keys('C-\\', 'h')
  tmux.type('stty size')
  expect(await tmux.see(/\n24 80\ninner\$ *$/)).not.toContain('lines')
  tmux.keys('C-\\', 'h')
  await tmux.see(/\n24 80\ninner\$ *\n lines/)
  tmux.type('less -X +G /etc/passwd; vim -u NONE')
  await tmux.see(/\(END\)\n lines/)
  tmux.keys('q')
  await tmux.see(/on-line help[\s\S]*\n lines/)
  tmux.resize(100, 30)
  await tmux.see(lined(30))
  tmux.type(':q')
  expect(await tmux.see(/inner\$ *\n lines/)).not.toMatch(/lines[\s\S]*lines/)
  tmux.keys('C-\\', '?')
  await tmux.see(/ Ctrl-\\ then: d leaves · s switches · h hides this line · /)
  const viewer = home.processes().find(({ command }) => command.includes('--label lines'))
  process.kill(viewer?.pid ?? 0, 'SIGTERM')
  expect(await tmux.see(/backgrounded[\s\S]*ready\$ *$/)).not.toContain('then:')
  expect(tmux.state().modes).toMatch(/scroll_region_upper=0 scroll_region_lower=29/)
  tmux.type('offstage switch lines')
  await tmux.see(lined(30))
  tmux.keys('C-\\', 'w')
  await tmux.see(/● working +lines[\s\S]*offstage switch ID[\s\S]*ready\$ *$/)
})

async function firstSessions(client: Awaited<ReturnType<TestHome['client']>>) {
  for await (const frame of client.watch({ after: 0, follow: true }, AbortSignal.timeout(10_000))) if (frame.kind === 'fact') break
  return client.list({ all: false }, never)
}
