// The screens in a real terminal: one day with them. Keys in, screens out; whatever happens to the screens, sessions go on and the terminal is sane.

import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { TestHome, never, settle, until } from '../home.ts'
import { offstage, talkerAgent } from './offstage.ts'
import { Tmux, hasTmux } from './tmux.ts'

const size = { columns: 100, rows: 30 }
const sane = /cursor_flag=1 alternate_on=0 .*mouse_any_flag=0/

/** Of the newest client that was started with these words, in this home. */
function clientPid(home: TestHome, words: readonly string[]): number {
  const wanted = `offstage.cjs\0${words.map((word) => `${word}\0`).join('')}`
  const found = readdirSync('/proc').find((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').endsWith(wanted) && readFileSync(`/proc/${name}/environ`, 'utf8').includes(home.folder)
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error('no client runs')
  return Number(found)
}

test.skipIf(!hasTmux)('start, /bg in the middle of the work, list, answer in the peek, open, come back, end', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, size)
  const client = await home.client()
  tmux.type(`offstage run --agent "${talkerAgent}" 'chunks 60 50'`)
  await tmux.see(/● working[\s\S]*line 3\b/)
  const [before] = await client.list({ all: false }, never)
  tmux.type('/bg --label counting')
  await tmux.see(/backgrounded +\w{8} +counting[\s\S]*offstage switch[\s\S]*ready\$ *$/)
  expect(tmux.state().modes).toMatch(sane)
  expect((await client.list({ all: false }, never))[0]?.run?.pid).toBe(before?.run?.pid)
  await until(client, before?.id ?? '', (view) => view.label === 'counting')

  tmux.type('clear; offstage')
  await tmux.see(/Working[\s\S]*▸ ● counting/)
  await tmux.see(/Completed[\s\S]*✓ counting +.*done/)
  await offstage(home, ['send', 'counting', 'ask may I go on?'])
  await tmux.see(/1 needs you[\s\S]*Needs you\s+▸ ◆ counting .*may I go on\?/)
  tmux.keys('Space')
  await tmux.see(/1 Allow once/)
  const [asked] = (await client.list({ all: false }, never))[0]?.requests ?? []
  // A key that comes at once is an accident; the question stays open until one is meant.
  await settle(
    () => {
      tmux.keys('1')
      return tmux.screen()
    },
    (screen) => /answer: allow/.test(screen),
  )
  expect(asked?.title).toBe('may I go on?')
  await tmux.see(/answer: allow/)
  tmux.keys('Enter')
  await tmux.see(/counting · .*✓ completed[\s\S]*→ Allow once[\s\S]*answer: allow[\s\S]*›/)
  tmux.type('say and one more')
  await tmux.see(/and one more[\s\S]*✓ completed|✓ completed[\s\S]*and one more/)
  tmux.keys('C-d')
  await tmux.see(/Completed[\s\S]*▸ ✓ counting/)
  tmux.keys('e')
  await tmux.see(/no session|archived|nothing|begin|first/i)
  tmux.keys('u')
  await tmux.see(/▸ . counting/)
  tmux.keys('q')
  await tmux.see(/ready\$ *$/)
  expect(tmux.state().modes).toMatch(sane)
})

test.skipIf(!hasTmux)('a task is started from the list, its screen entered and left by the prefix key, with the list as it was', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, size)
  await offstage(home, ['bg', '--label', 'other', '--', 'sleep', '1000'])
  tmux.type('offstage')
  await tmux.see(/▸ . other/)
  tmux.keys('n')
  tmux.type('!env "PS1=inner$ " bash --norc --noprofile')
  await tmux.see(/▸ . env .PS1/)
  tmux.keys('Escape')
  await tmux.see(/Enter open/)
  tmux.keys('Enter')
  // Its row in the list says `inner$` too: only at the beginning of a row is it the program's own.
  await tmux.see(/^inner\$/m)
  tmux.type('x=41; echo "made $((x + 1))"')
  await tmux.see(/made 42/)
  tmux.keys('C-\\', 'd')
  await tmux.see(/▸ . env .PS1[\s\S]*other/)
  tmux.keys('j')
  await tmux.see(/▸ . other/)
  tmux.keys('q')
  await tmux.see(/ready\$ *$/)
  expect(tmux.state().modes).toMatch(sane)
})

test.skipIf(!hasTmux)('killed or cut off, the screens leave every session at work and a sane terminal', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, size)
  const client = await home.client()
  await offstage(home, ['bg', '--agent', talkerAgent, '--label', 'long', 'chunks 2000 50'])
  const [session] = await client.list({ all: false }, never)
  for (const words of [[], ['switch', 'long']]) {
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGHUP'] as const) {
      tmux.type(`clear; offstage ${words.join(' ')}`)
      await tmux.see(words.length === 0 ? /▸ ● long/ : /long · [\s\S]*line \d+/)
      process.kill(clientPid(home, words), signal)
      await settle(
        () => tmux.state().modes,
        (modes) => sane.test(modes),
      )
      expect(tmux.state().modes).toMatch(sane)
      // One that was killed leaves the shell's prompt on a row of its own.
      tmux.type('')
      tmux.type('clear; stty -a | grep -o "[-]*icanon [^;]*echo "')
      await tmux.see(/\nicanon iexten echo|^icanon iexten echo/)
    }
  }
  expect((await client.get(session?.id ?? '', never))?.session).toMatchObject({ status: 'working', run: { pid: session?.run?.pid, alive: true } })
})

test.skipIf(!hasTmux)('a screen reader is told what changes, line by line', async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, { columns: 200, rows: 30 })
  await offstage(home, ['bg', '--agent', talkerAgent, '--label', 'first', 'say hello'])
  tmux.type('export OFFSTAGE_SCREEN_READER=1; clear; offstage')
  await tmux.see(/1 session\.\n1\. first, node in \w+: [\s\S]*Type a number/)
  await tmux.see(/1\. first, node in \w+: completed for \w+, hello\./)
  await offstage(home, ['send', 'first', 'ask may I go on?'])
  await tmux.see(/\d\d:\d\d:\d\d 1\. first, node in \w+: needs you for \w+, may I go on\? 1 Allow once, 2 Always allow, 3 Reject\./)
  tmux.type('answer 1 allow')
  await tmux.see(/answered first\.[\s\S]*1\. first.*: completed/)
  tmux.type('nonsense')
  await tmux.see(/no session matches "nonsense"/)
  tmux.type('1')
  await tmux.see(/answer: allow[\s\S]*›/)
  tmux.type('/bg')
  await tmux.see(/backgrounded|left {2}[\s\S]*1 session\./)
  tmux.type('quit')
  await tmux.see(/ready\$ *$/)
})
