// What a yes is worth: it is one person's, for one question, one place and one text, once; and silence is none.

import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, facts, until } from '../home.ts'
import { heard, openRequest, start, talkerSpec, tell } from '../sessions.ts'

const yes = (requestId: string) => ({ type: 'answer', requestId, answer: { kind: 'option', optionId: 'allow' } }) as const

/** The open request that is another one than these. */
async function nextRequest(client: Client, session: string, ...before: readonly string[]) {
  const view = await until(client, session, ({ requests }) => requests.some(({ id }) => !before.includes(id)))
  const request = view.requests.find(({ id }) => !before.includes(id))
  if (!request) throw new Error('no request')
  return request
}

test('a yes to a write outside of the workspace is for that text, once: the same place with another text is asked about again, and shown', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const outside = join(home.folder, 'outside.txt')
  const session = await start(client, home, talkerSpec(home.project), `write ${outside} first\nwrite ${outside} second\nwrite ${outside} first`)
  const first = await openRequest(client, session)
  expect([first.title, first.detail]).toEqual([expect.stringContaining(outside), 'first'])
  accepted(await tell(client, session, yes(first.id)))
  const second = await nextRequest(client, session, first.id)
  expect([second.detail, readFileSync(outside, 'utf8')]).toEqual(['second', 'first'])
  accepted(await tell(client, session, { ...yes(second.id), answer: { kind: 'option', optionId: 'reject' } }))
  // Even what was allowed before, word for word.
  const third = await nextRequest(client, session, first.id, second.id)
  expect([third.detail, readFileSync(outside, 'utf8')]).toEqual(['first', 'first'])
  rmSync(outside)
  accepted(await tell(client, session, { ...yes(third.id), answer: { kind: 'option', optionId: 'reject' } }))
  await until(client, session, ({ status }) => status === 'completed')
  expect(existsSync(outside)).toBe(false)
})

test('a yes to a write through a link is for the place where it led when it was asked, which the question names: led elsewhere, nothing is written', async () => {
  await using home = new TestHome()
  const client = await home.client()
  for (const name of ['shown', 'swapped']) mkdirSync(join(home.folder, name))
  const link = join(home.project, 'link')
  symlinkSync(join(home.folder, 'shown'), link)
  const session = await start(client, home, talkerSpec(home.project), 'write link/file one\nwrite link/file two')
  const first = await openRequest(client, session)
  expect(first.title).toContain(join(home.folder, 'shown', 'file'))
  accepted(await tell(client, session, yes(first.id)))
  const second = await nextRequest(client, session, first.id)
  expect(readFileSync(join(home.folder, 'shown', 'file'), 'utf8')).toBe('one')
  rmSync(link)
  symlinkSync(join(home.folder, 'swapped'), link)
  accepted(await tell(client, session, yes(second.id)))
  await until(client, session, ({ status }) => status === 'completed')
  expect([existsSync(join(home.folder, 'swapped', 'file')), readFileSync(join(home.folder, 'shown', 'file'), 'utf8')]).toEqual([false, 'one'])
  expect((await facts(client, session)).some(({ event }) => event.type === 'entry-written' && JSON.stringify(event.entry).includes('another place'))).toBe(true)
})

test('the id of a question is of no other one: not of the same question asked again, not in another session; and who answered is in the log', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const cwds = ['one', 'other'].map((name) => join(home.project, name))
  for (const cwd of cwds) mkdirSync(cwd)
  const [one, other] = await Promise.all(cwds.map((cwd) => start(client, home, talkerSpec(cwd), 'ask delete it?\nask delete it?')))
  if (!one || !other) throw new Error('not started')
  const [first, foreign] = [await openRequest(client, one), await openRequest(client, other)]
  const wrong = await tell(client, one, yes(foreign.id))
  expect(isRefusal(wrong) && wrong.refused).toBe('not-asked')
  accepted(await tell(client, one, yes(first.id)))
  const second = await nextRequest(client, one, first.id)
  expect(second.title).toBe(first.title)
  // A button that somebody still has on the screen.
  const stale = await tell(client, one, yes(first.id))
  expect(isRefusal(stale) && stale.refused).toBe('not-asked')
  accepted(await tell(client, one, { ...yes(second.id), answer: { kind: 'option', optionId: 'reject' } }))
  await until(client, one, ({ status }) => status === 'completed')
  expect(heard(cwds[0] ?? '').filter(({ at }) => at === 'answer')).toMatchObject([{ outcome: { optionId: 'allow' } }, { outcome: { optionId: 'reject' } }])
  expect(heard(cwds[1] ?? '').filter(({ at }) => at === 'answer')).toEqual([])
  const answered = (await facts(client, one)).flatMap(({ by, command, event }) => (event.type === 'answered' ? [[by, command !== undefined, event.requestId, event.answer]] : []))
  expect(answered).toEqual([
    ['user', true, first.id, { kind: 'option', optionId: 'allow' }],
    ['user', true, second.id, { kind: 'option', optionId: 'reject' }],
  ])
})
