// What programs in a terminal say of themselves and what they ask, with real programs, keepers and daemons, and nobody looking.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, fact, facts, never, settle, until } from '../home.ts'
import { output, prints, programSpec, start, tell } from '../sessions.ts'

const bash = (client: Client, home: TestHome, script: string): Promise<string> => start(client, home, programSpec(home.project, ['bash', '-c', script]))
const type = async (client: Client, session: string, text: string): Promise<void> => void (await client.write(session, Buffer.from(text), never))
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const says = (body: string): string => `printf '\\e]7501;${body}\\e\\\\'`

const packageVersion = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version

const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('a program that says its state has it: working, waiting, done, and gone when it ends', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await bash(
    client,
    home,
    [
      'read x',
      says(`state=working:app=deploy:progress=40:msg=${base64('building')}`),
      'read x',
      "printf 'Sure?\\n'",
      says(`state=blocked:kind=permission:msg=${base64('Deploy to prod?')}`),
      'read x',
      says(`state=done:msg=${base64('deployed')}`),
      'read x',
      'exit 3',
    ].join('; '),
  )
  expect(await until(client, session, (view) => view.run?.alive === true)).toMatchObject({ status: 'working', reason: 'no signal: the program runs', progress: null, signals: [] })
  await type(client, session, '\n')
  const working = await until(client, session, (view) => view.progress === 40)
  expect(working).toMatchObject({ status: 'working', reason: 'building', activity: 'building', signals: [{ source: 'OSC 7501', value: 'working 40 % by deploy: building' }] })
  await type(client, session, '\n')
  const waiting = await until(client, session, (view) => view.status === 'waiting')
  expect(waiting.reason).toBe('permission: Deploy to prod?')
  expect(waiting.evidence[0]).toMatch(/^OSC 7501, since \d{4}-\d\d-\d\dT[\d:.]+Z: blocked \(permission\): Deploy to prod\?$/)
  const screen = await client.screen({ session, text: true }, never)
  expect([screen?.bytes.length, screen?.text?.length, screen?.text?.filter((row) => row !== '')]).toEqual([0, 24, ['Sure?']])
  expect((await client.list({ all: false }, never)).map(({ status, activity }) => ({ status, activity }))).toEqual([{ status: 'waiting', activity: 'Deploy to prod?' }])
  await type(client, session, '\n')
  expect(await until(client, session, (view) => view.status === 'completed')).toMatchObject({ reason: 'done: deployed', run: { alive: true } })
  await type(client, session, '\n')
  expect(await until(client, session, (view) => view.status === 'failed')).toMatchObject({ reason: expect.stringMatching(/^exit code 3/) as string, signals: [], progress: null })
})

test('a notification that nobody has looked at is waited for, until it was looked at', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await bash(client, home, `printf '\\e]2;⠋ my tests\\a\\e]2;shell\\a\\a\\e]9;all tests passed\\a'; read x; printf '\\e]777;notify;Tests;broken again\\a'; read x`)
  expect(await until(client, session, (view) => view.status === 'waiting')).toMatchObject({ reason: 'says: all tests passed', activity: 'shell' })
  accepted((await tell(client, session, { type: 'show', entries: 0 })) as object)
  expect(await until(client, session, (view) => view.status === 'working')).toMatchObject({ reason: 'no signal: the program runs' })
  await type(client, session, '\n')
  expect((await until(client, session, (view) => view.status === 'waiting')).reason).toBe('says: Tests: broken again')
})

test('what was said while no daemon lived is known to the next one, and what was looked at stays so', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await bash(client, home, `printf '\\e]9;look here\\a'; read x; ${says('state=working')}; ${says('state=blocked:kind=question')}; echo asked; read x`)
  await until(client, session, (view) => view.reason === 'says: look here')
  accepted((await tell(client, session, { type: 'show', entries: 0 })) as object)
  await until(client, session, (view) => view.reason === 'no signal: the program runs')
  await home.killDaemon()
  const next = await home.client()
  expect((await next.get(session, never))?.session.reason).toBe('no signal: the program runs')
  await type(next, session, '\n')
  await prints(next, session, 'asked')
  await home.killDaemon()
  const last = await home.client()
  expect(await until(last, session, (view) => view.status === 'waiting')).toMatchObject({ reason: 'question: it asks for you' })
})

test('a title that flips as fast as it can makes a few facts, and the last state is what is shown', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const beganMs = performance.now()
  const session = await bash(
    client,
    home,
    `end=$((SECONDS+2)); while [ $SECONDS -lt $end ]; do printf '\\e]0;⠋ a\\a\\e]0;✳ b\\a\\e]0;[ ! ] Action Required | c\\a'; done; echo over; read x`,
  )
  await prints(client, session, 'over')
  expect(await until(client, session, (view) => view.status === 'waiting')).toMatchObject({ reason: 'blocked: c' })
  const all = await facts(client, session)
  const signaled = all.filter(({ event }) => event.type === 'signaled')
  // By a clock that all of it lies within: a fact is committed some time after its turn came.
  const seconds = (performance.now() - beganMs) / 1000
  expect(signaled.length).toBeGreaterThan(0)
  expect(signaled.length).toBeLessThanOrEqual(4 + 2 * seconds)
})

/** Asks for the device attributes when `asks` lets it, says what came, and, at an x, what else had come. */
const asksWhatItIs = (asks = 'true'): string =>
  `stty -echo -icanon; ${asks}; printf '\\e[c'; : > asked; IFS= read -r -t 5 -d c a; printf 'got %q\\n' "$a"; IFS= read -r -d x b; printf 'then %q\\n' "$b"; read x`

test('a program that asks what its terminal is gets one answer', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await bash(client, home, asksWhatItIs())
  expect(await prints(client, session, 'got')).toContain(String.raw`got $'\E[?62;22'`)
  await type(client, session, 'x')
  expect(await prints(client, session, 'then')).toContain("then ''")
})

test('questions that are asked at once are answered in their order, the one that few terminals know among them', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await bash(client, home, `stty -echo -icanon; printf '\\e[>0q\\e[?u\\e]7501;?\\e\\\\\\e]11;?\\a\\e[c'; IFS= read -r -t 5 -d c a; printf 'got %q\\n' "$a"; read x`)
  expect(await prints(client, session, 'got')).toContain(String.raw`got $'\EP>|offstage ${packageVersion}\E\\\E]7501;?\E\\\E]11;rgb:0000/0000/0000\a\E[?62;22'`)
})

test('what was answered is not answered again by the next daemon', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await bash(client, home, asksWhatItIs())
  await prints(client, session, '62;22')
  await home.killDaemon()
  const next = await home.client()
  expect((await next.get(session, never))?.session.status).toBe('working')
  await type(next, session, 'x')
  expect(await prints(next, session, 'then')).toContain("then ''")
})

test('what was asked while no daemon lived is answered once at most', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await bash(client, home, asksWhatItIs('while [ ! -e go ]; do sleep 0.02; done'))
  await until(client, session, (view) => view.run?.alive === true)
  await home.killDaemon()
  writeFileSync(join(home.project, 'go'), '')
  await settle(() => existsSync(join(home.project, 'asked')), Boolean)
  const next = await home.client()
  await type(next, session, 'cx')
  // Typed, or the answer and then what was typed.
  expect(await prints(next, session, 'then')).toMatch(/got (?:''\r\nthen ''|\$'\\E\[\?62;22'\r\nthen c)/)
})

test('a flood of questions to a terminal that nobody looks at holds up nobody', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await bash(client, home, `stty -echo -icanon; for i in $(seq 20000); do printf '\\e[c\\e[6n\\e]11;?\\a'; done; echo over; read x`)
  await prints(client, session, 'over')
  const startedMs = performance.now()
  accepted((await tell(client, session, { type: 'stop' })) as object)
  await until(client, session, (view) => view.status === 'stopped')
  expect(performance.now() - startedMs).toBeLessThan(5000)
})

test.skipIf(!has('vim'))('vim comes up with nobody looking', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, programSpec(home.project, ['vim', '-u', 'NONE', '-c', 'set title', 'notes.txt']))
  await until(client, session, (view) => view.activity.includes('notes.txt'))
  await type(client, session, ':q!\r')
  expect(await until(client, session, (view) => view.status === 'completed')).toMatchObject({ exit: { code: 0 } })
  expect((await output(client, session)).toString()).not.toContain('62;22')
})

test.skipIf(!has('tmux'))('tmux comes up with nobody looking', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, programSpec(home.project, ['tmux', '-f', '/dev/null', '-L', 'here', 'new-session', 'echo inside; read x']))
  await prints(client, session, 'inside')
  await type(client, session, '\n')
  const ended = await fact(client, session, (event) => event.type === 'run-exited')
  expect(ended.event).toMatchObject({ exit: { code: 0 } })
})
