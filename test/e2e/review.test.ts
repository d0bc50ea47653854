// A review on a terminal, with a real daemon and real git behind it: what stands there is what is in the tree, and what is asked for there happens to it.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SessionView } from '../../src/core/view.ts'
import { openReview } from '../../src/tui/review/review-view.ts'
import { TestHome, never } from '../home.ts'
import { keys, stageOn } from '../tui/headless.ts'
import { offstage, talkerAgent } from './offstage.ts'

test('a hunk is taken back and brought back, and the rest lands', async () => {
  await using home = new TestHome()
  const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: home.project, env: home.env, encoding: 'utf8' })
  const numbers = Array.from({ length: 40 }, (_, index) => `const a${index} = ${index}\n`).join('')
  git('init', '-q', '-b', 'main')
  git('config', 'user.name', 'A')
  git('config', 'user.email', 'a@localhost')
  writeFileSync(join(home.project, '.gitignore'), '.talker\nprompts.log\n')
  writeFileSync(join(home.project, 'a.ts'), numbers)
  git('add', '-A')
  git('commit', '-qm', 'first')
  const started = await offstage(home, ['bg', '--json', '--agent', talkerAgent, '--worktree', 'write b.ts new'])
  const { id } = JSON.parse(started.out) as SessionView
  await offstage(home, ['wait', id, '--timeout', '30'])
  const client = await home.client()
  const session = (await client.get(id, never))?.session
  if (!session) throw new Error('it is gone')
  const file = join(session.workspace.path, 'a.ts')
  writeFileSync(file, numbers.replace('a3 = 3', 'a3 = "three"').replace('a30 = 30', 'a30 = "thirty"'))

  let nowMs = Date.now()
  const headless = stageOn({ columns: 120, rows: 30, parts: { client, now: () => nowMs } })
  const { type, until, screen } = headless
  const shown = async (words: RegExp): Promise<string> => {
    await until((rows) => words.test(rows.join('\n')))
    return words.exec(screen().join('\n'))?.[1] ?? ''
  }
  const over = headless.run(
    openReview(headless.stage, { session, kept: { comments: [], reviewed: {}, keepComments: () => {}, keepReviewed: () => {} }, environment: async () => ({ ...home.env }) }),
  )
  await shown(/31 \+ const a30 = "thirty"/)
  expect(screen().some((row) => /A b\.ts +\+1 −0/.test(row))).toBe(true)
  type(keys.enter, 'n', 'n', 'x', 'y')
  const kept = await shown(/took back a hunk of a\.ts; offstage restore (\S+) brings it back/)
  expect(readFileSync(file, 'utf8')).toBe(numbers.replace('a3 = 3', 'a3 = "three"'))
  expect((await offstage(home, ['restore', kept, '--yes'])).code).toBe(0)
  expect(readFileSync(file, 'utf8')).toContain('a30 = "thirty"')

  type('B')
  await shown(/brings +2 files +\+3 −2/)
  // A plan is not carried out in the moment in which it came.
  nowMs += 1000
  type(keys.enter)
  await shown(/✓ landed in main \(merge\)/)
  expect(git('show', '--stat', '--format=%s', 'HEAD^2')).toMatch(/a\.ts \| 4 \+\+--\n b\.ts \| 1 \+/)
  headless.hangUp()
  await over
}, 60_000)
