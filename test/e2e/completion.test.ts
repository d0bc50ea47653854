// The Tab key in real shells on a real terminal: what is inserted is the label, quoted, and nothing that is on the line is run.

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TestHome, never, newId, settle } from '../home.ts'
import { launcher, offstage } from './offstage.ts'
import { Tmux, hasTmux } from './tmux.ts'

const isInstalled = (shell: string): boolean => {
  try {
    execFileSync(shell, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The shell without anybody's settings, at a prompt `ready$ `, with completion as its users are told to set it up. */
const shells = {
  bash: { start: ['exec bash --norc --noprofile'], setUp: 'eval "$(offstage completion bash)"' },
  zsh: { start: ['exec zsh -f', 'PS1="ready$ "'], setUp: 'source <(offstage completion zsh)' },
  fish: {
    start: ['exec fish --no-config', 'function fish_prompt; echo -n "ready\\$ "; end; set -g fish_greeting; set -g fish_autosuggestion_enabled 0'],
    setUp: 'offstage completion fish | source',
  },
} as const

/** Types, presses Tab, and gives the screen once it is like that. Again, if the daemon of a loaded machine was too slow for an answer: then there is none. */
async function tab(tmux: Tmux, typed: string, like: RegExp): Promise<string> {
  let screen = ''
  for (let left = 5; left > 0 && !like.test(screen); left--) {
    tmux.keys('C-u', 'C-l')
    await tmux.see(/^ready\$ *$/)
    tmux.keys('-l', '--', typed)
    tmux.keys('Tab')
    screen = await settle(
      () => tmux.screen(),
      (seen) => like.test(seen),
      4000,
    )
  }
  expect(screen).toMatch(like)
  return screen
}

const hostile = 'a:b$(touch ran) "q" it\'s `touch ran` !v; ä'

const usable = (name: string): boolean => hasTmux && isInstalled(name)

describe.each(Object.entries(shells).map(([name, shell]) => ({ name, ...shell })))('$name', ({ name, start, setUp }) => {
  test.skipIf(!usable(name))('Tab inserts names of everything, labels quoted, and runs nothing', { timeout: 120_000 }, async () => {
    await using home = new TestHome()
    const client = await home.client()
    const bin = join(home.folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'offstage'), `#!/bin/sh\nexec '${process.execPath}' '${launcher}' "$@"\n`)
    chmodSync(join(bin, 'offstage'), 0o755)
    mkdirSync(join(home.project, 'some folder'))
    for (const label of [hostile, 'my label', 'my lemon', 'e\x1b[31mvil'])
      await client.submit(
        {
          session: newId(),
          commandId: newId(),
          command: {
            type: 'create',
            spec: { kind: 'terminal', driver: 'terminal', agent: 'true', argv: ['true'], cwd: home.project, size: { columns: 80, rows: 24 } },
            title: 'true',
            label,
          },
          environment: { PATH: home.env['PATH'] ?? '' },
        },
        never,
      )
    using tmux = new Tmux(home, { columns: 100, rows: 24 })
    tmux.type(`unset -f offstage; export PATH='${bin}':"$PATH"; clear`)
    for (const line of [...start, setUp]) {
      tmux.type(line)
      await tmux.see(/[$#>] *$/)
    }
    await tab(tmux, 'offstage interr', /^ready\$ offstage interrupt *$/)
    await tab(tmux, 'offstage wait x --for=comp', /--for=completed *$/)
    await tab(tmux, 'offstage bg --cwd some', /--cwd (some\\ folder\/|'some folder\/'?|"some folder\/"?)/)
    await tab(tmux, 'offstage bg -- tou', /-- touch\b/)
    await tab(tmux, 'offstage switch my\\ la', /my\\ label *$/)
    await tab(tmux, 'offstage switch "my le', /"my lemon" *$/)
    // More than one letter: ids are by chance.
    for (const begun of ['a:', '"a:', "'a:"]) {
      await tab(tmux, `offstage why ${begun}`, /^ready\$ offstage why .*;.*ä/)
      tmux.type('')
      expect(await tmux.see(/how it was started[\s\S]*ready\$ *$/)).toContain(hostile)
    }
    // Of the word itself zsh expands such a thing, with any program.
    await tab(tmux, 'offstage answer $(touch ran) `touch ran` "$(touch ran)" --dec', /--decline *$/)
    expect(existsSync(join(home.project, 'ran'))).toBe(false)
  })
})

test.skipIf(!hasTmux)('the list that a second Tab shows in bash has ids, states and no control characters', { timeout: 60_000 }, async () => {
  await using home = new TestHome()
  using tmux = new Tmux(home, { columns: 100, rows: 24 })
  const client = await home.client()
  await offstage(home, ['bg', '--label', 'e\x1b[31mvil', '--', 'sleep', '60'])
  await offstage(home, ['bg', '--label', 'other one', '--', 'sleep', '60'])
  tmux.type(`${shells.bash.setUp}; clear`)
  await tmux.see(/^ready\$ *$/)
  const [other, evil] = await client.list({ all: false }, never)
  // An id may begin as the label does: then bash writes that much already.
  const list = new RegExp(String.raw`^ready\$ offstage switch(?: o\w*)?\nother one +\(${other?.id} +working.*\n${evil?.id} +\(evil +working`)
  await tab(tmux, 'offstage switch ', /switch(?: o\w*)? *$/)
  for (let left = 5; left > 0 && !list.test(tmux.screen()); left--) {
    tmux.keys('Tab')
    await settle(
      () => tmux.screen(),
      (seen) => list.test(seen),
      3000,
    )
  }
  expect(tmux.screen()).toMatch(list)
})

test('without a daemon none is started; one that hangs is not waited for', async () => {
  const words = ['completion', 'zsh', '--', 'offstage', 'switch', '']
  await using home = new TestHome({}, { bare: true })
  expect([await offstage(home, words), existsSync(home.env['OFFSTAGE_HOME'] ?? '')]).toEqual([{ code: 0, out: 'words\n', err: '' }, false])
  const client = await home.client()
  const { pid } = await client.daemonStatus(never)
  process.kill(pid, 'SIGSTOP')
  try {
    const startedMs = performance.now()
    expect(await offstage(home, words)).toEqual({ code: 0, out: 'words\n', err: '' })
    // A tenth of a second, and what a loaded machine adds to the start of a process.
    expect(performance.now() - startedMs).toBeLessThan(3000)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})
