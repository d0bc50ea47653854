// Dialogs on the screens of known agents and the files that they keep of themselves, with real daemons, keepers and terminals. The programs are bash, under the names of agents.

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hookCommand } from '../../src/catalogue/hooks.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, fact, facts, never, until } from '../home.ts'
import { openRequest, output, programSpec, prints, start, tell } from '../sessions.ts'

/** A session of the agent of this name, which does that. */
function act(client: Client, home: TestHome, name: string, script: string): Promise<string> {
  const bin = join(home.folder, 'bin')
  mkdirSync(bin, { recursive: true })
  const program = join(bin, name)
  try {
    symlinkSync(join(packageRoot, 'test', 'fixtures', 'agents', 'act.sh'), program)
  } catch {
    // Linked already.
  }
  return start(client, home, programSpec(home.project, [program, script]))
}
const type = async (client: Client, session: string, text: string): Promise<void> => void (await client.write(session, Buffer.from(text), never))
const answer = (client: Client, session: string, requestId: string, optionId: string) => tell(client, session, { type: 'answer', requestId, answer: { kind: 'option', optionId } })
const read = 'read x'

test('a dialog that only the screen shows is waited for, until it is not there any more', async () => {
  await using home = new TestHome()
  const client = await home.client()
  // Its title says that it is ready, as the real one's does.
  const session = await act(
    client,
    home,
    'codex',
    `printf '\\e]0;codex\\a'; says state=idle:app=codex; show codex-directory; ${read}; clear_screen over; ${read}; says state=working; show codex-trust; ${read}`,
  )
  const waiting = await until(client, session, (view) => view.status === 'waiting' && view.reason.startsWith('question'))
  expect(waiting).toMatchObject({ reason: 'question: asks in which directory to go on', requests: [] })
  expect(waiting.evidence[0]).toMatch(/^screen, since \d{4}-\d\d-\d\dT[\d:.]+Z: blocked \(question\): asks in which directory to go on$/)
  expect(waiting.signals.map(({ source }) => source)).toEqual(['OSC 7501', 'screen', 'window title'])
  await type(client, session, '\n')
  await until(client, session, (view) => view.reason === 'waiting for a prompt')
  // What it says itself is not doubted.
  await type(client, session, '\n')
  expect(await until(client, session, (view) => view.status === 'working')).toMatchObject({ signals: [{ source: 'OSC 7501', value: 'working' }, { source: 'window title' }] })
})

test('a permission is answered by the key that the program knows, once', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await act(client, home, 'gemini', `show gemini-write; key; clear_screen thanks; key -t 1; ${read}`)
  const request = await openRequest(client, session)
  expect(request).toMatchObject({
    kind: 'permission',
    title: '? WriteFile  Writing to written.txt · 1 hello · 2 world · Apply this change?',
    detail: '? WriteFile  Writing to written.txt\n1 hello\n2 world\nApply this change?',
  })
  expect(request.options.map(({ label }) => label)).toEqual(['Allow once', 'Allow for this session', 'Modify with external editor', 'No, suggest changes'])
  expect(await until(client, session, (view) => view.status === 'waiting')).toMatchObject({
    reason: `permission: ${request.title}`,
    evidence: [`request ${request.id} is open`, expect.stringMatching(/^screen, since/), expect.any(String)],
  })
  expect(await answer(client, session, request.id, '7')).toMatchObject({ refused: 'no-such-option' })
  expect(await tell(client, session, { type: 'answer', requestId: request.id, answer: { kind: 'option', optionId: '1', note: 'and hurry' } })).toMatchObject({
    refused: 'not-supported',
  })
  accepted((await answer(client, session, request.id, '4')) as object)
  expect(await answer(client, session, request.id, '1')).toMatchObject({ refused: 'not-asked' })
  // The second key did not come.
  expect(await prints(client, session, 'thanks')).toContain('key [4]')
  await prints(client, session, "key ['']")
  expect((await until(client, session, (view) => view.requests.length === 0 && view.status === 'working')).reason).toBe('no signal: the program runs')
  const asked = (await facts(client, session)).filter(({ event }) => event.type === 'asked' || event.type === 'answered')
  expect(asked.map(({ by, event }) => `${event.type} ${by}`)).toEqual(['asked agent', 'answered user'])
})

test('an answer to a question that the screen does not show any more is refused, and nothing is typed', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await act(client, home, 'qwen', `show qwen-run; while [ ! -e go ]; do sleep 0.02; done; clear_screen 'Delete everything? (1) yes'; key -t 1; ${read}`)
  const request = await openRequest(client, session)
  writeFileSync(join(home.project, 'go'), '')
  await prints(client, session, 'Delete everything')
  expect(await answer(client, session, request.id, '1')).toMatchObject({ refused: 'not-asked' })
  await prints(client, session, "key ['']")
  expect((await facts(client, session)).some(({ event }) => event.type === 'answered')).toBe(false)
  expect(await fact(client, session, (event) => event.type === 'request-closed')).toMatchObject({ event: { requestId: request.id, because: 'withdrawn' } })
})

test('the next daemon knows the question by what the screen shows, and it goes with its program', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await act(client, home, 'codex', `says state=blocked:kind=permission:app=codex; show codex-run; key; exit 3`)
  const request = await openRequest(client, session)
  await home.killDaemon()
  const next = await home.client()
  expect((await until(next, session, (view) => view.status === 'waiting')).requests.map(({ id }) => id)).toEqual([request.id])
  await type(next, session, 'x')
  const ended = await until(next, session, (view) => view.status === 'failed')
  expect(ended).toMatchObject({ requests: [], reason: expect.stringMatching(/^exit code 3/) as string })
})

test('an answer that was recorded and not typed is never typed later: what the screen still asks is asked again', async () => {
  await using home = new TestHome()
  await home.startDaemon({ OFFSTAGE_CRASH_AT: 'answer.recorded' })
  const client = await home.client()
  const session = await act(client, home, 'claude', `show claude-write; key -t 4; ${read}`)
  const request = await openRequest(client, session)
  await answer(client, session, request.id, '1').catch(() => {})
  const next = await home.client()
  const again = (await until(next, session, (view) => view.requests.length > 0 && view.requests[0]?.id !== request.id)).requests[0]
  expect(again?.detail).toBe(request.detail)
  expect((await output(next, session)).toString()).not.toContain('key [1]')
  expect(await fact(next, session, (event) => event.type === 'noted')).toMatchObject({ event: { text: expect.stringContaining('was not typed') as string } })
  accepted((await answer(next, session, again?.id ?? '', '3')) as object)
  expect(await prints(next, session, 'key [')).toContain('key [3]')
})

test('the file that an agent keeps of itself is believed of the very process', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const mine = '$$ $(started $$)'
  const session = await act(
    client,
    home,
    'claude',
    `printf '\\e]0;✳ Claude\\a'; keeps busy '' ${mine}; ${read}; keeps waiting 'permission prompt' ${mine}; ${read}; keeps waiting 'permission prompt' $$ 17; ${read}; keeps idle '' ${mine}; ${read}; rm $HOME/.claude/sessions/$$.json; ${read}`,
  )
  const working = await until(client, session, (view) => view.status === 'working' && view.signals.some(({ source }) => source === 'session file'))
  expect(working.evidence[0]).toMatch(/^session file, since .*: working$/)
  await type(client, session, '\n')
  expect(await until(client, session, (view) => view.status === 'waiting')).toMatchObject({ reason: 'permission: permission prompt' })
  await type(client, session, '\n')
  expect((await until(client, session, (view) => view.signals.every(({ source }) => source !== 'session file'))).evidence[0]).toMatch(/^title, since/)
  await type(client, session, '\n')
  expect(await until(client, session, (view) => view.status === 'completed')).toMatchObject({ reason: 'idle again: Claude', run: { alive: true } })
  await home.killDaemon()
  // Where the folder is, it sees in the environment of the program.
  const next = await home.client()
  expect((await next.get(session, never))?.session.reason).toBe('idle again: Claude')
  await type(next, session, '\n')
  await until(next, session, (view) => view.signals.every(({ source }) => source !== 'session file'))
})

test('a file of a process of the run that was killed is not believed', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await act(client, home, 'claude', `sleep 1000 & keeps busy '' $! $(started $!); ${read}; kill -9 $!; wait; sleep 2; echo killed; ${read}`)
  await until(client, session, (view) => view.status === 'working' && view.signals.length > 0)
  await type(client, session, '\n')
  expect((await until(client, session, (view) => view.signals.length === 0)).reason).toBe('no signal: the program runs')
})

test('a hook that the user turned on reports to the terminal of its session, and nowhere else', async () => {
  await using home = new TestHome()
  const client = await home.client()
  writeFileSync(join(home.project, 'hook'), hookCommand('state=blocked:kind=permission'))
  // As agents run them: without a terminal of their own.
  const session = await act(
    client,
    home,
    'claude',
    `setsid sh -c "$(cat hook)" > hooked 2>&1 < /dev/null; ${read}; OFFSTAGE_SESSION= setsid sh -c "$(sed s/blocked/working/ hook)"; echo nowhere; ${read}`,
  )
  const waiting = await until(client, session, (view) => view.status === 'waiting')
  expect(waiting.evidence[0]).toMatch(/^hook, since .*: blocked \(permission\)$/)
  expect(readFileSync(join(home.project, 'hooked'), 'utf8')).toBe('')
  await type(client, session, '\n')
  await prints(client, session, 'nowhere')
  expect((await client.get(session, never))?.session.signals).toMatchObject([{ source: 'hook', value: 'blocked (permission)' }])
})
