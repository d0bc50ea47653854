// The main promise: no dead daemon harms an agent. Real daemons, real keepers, real agents that speak ACP; the daemon is SIGKILLed again and again while they talk.

import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import { transcriptOf } from '../../src/core/transcript.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, fact, facts, never, newId, settle, until } from '../home.ts'
import { type Heard, heard as heardIn } from '../sessions.ts'

const talker = join(packageRoot, 'test', 'fixtures', 'agents', 'talker.ts')
const rounds = process.env.SOAK ? 100 : 8
const lines = process.env.SOAK ? 4000 : 400

async function startTalker(client: Client, home: TestHome, name: string, prompt: string): Promise<{ id: string; cwd: string }> {
  const id = newId()
  const cwd = join(home.project, name)
  mkdirSync(cwd)
  const spec = { kind: 'agent', driver: 'acp', agent: 'talker', argv: [process.execPath, talker], cwd } as const
  accepted(await client.submit({ session: id, commandId: newId(), command: { type: 'create', spec, title: name, prompt }, environment: home.env }, never))
  return { id, cwd }
}

const heard = (cwd: string, at: string): Heard[] => heardIn(cwd).filter((entry) => entry.at === at)

async function said(client: Client, session: string): Promise<string> {
  const { lines } = transcriptOf(await facts(client, session))
  return lines.map((line) => (line.kind === 'entry' && line.entry.kind === 'message' ? line.entry.text : '')).join('')
}

test(
  `eight talking sessions and ${rounds} dead daemons: every line once and in order, every prompt once, the question answered once`,
  { timeout: process.env.SOAK ? 600_000 : 60_000 },
  async () => {
    await using home = new TestHome()
    let client = await home.client()
    const prompt = `chunks ${lines} 8\nask delete everything?\nsay the end`
    const sessions = await Promise.all(Array.from({ length: 8 }, (_, index) => startTalker(client, home, `talker-${index}`, prompt)))

    for (let round = 0; round < rounds; round++) {
      // Some text later: the daemon that is to die has seen something of every session.
      await Promise.all(sessions.map(({ id }) => moreText(client, id)))
      await home.killDaemon()
      // Dead for a moment while the agents go on; in the last rounds they ask meanwhile.
      await new Promise((resolve) => setTimeout(resolve, round % 3 === 0 ? 150 : 0))
      client.close()
      client = await home.client()
    }

    for (const { id, cwd } of sessions) {
      const asked = await fact(client, id, (event) => event.type === 'asked')
      const requestId = asked.event.type === 'asked' ? asked.event.ask.id : ''
      const answer = { type: 'answer', requestId, answer: { kind: 'option', optionId: 'allow' } } as const
      accepted(await client.submit({ session: id, commandId: newId(), command: answer }, never))
      const second = await client.submit({ session: id, commandId: newId(), command: answer }, never)
      expect(isRefusal(second) && second.refused).toBe('not-asked')
      await until(client, id, (view) => view.status === 'completed')
      const text = await said(client, id)
      expect(text.match(/line \d+/g)).toEqual(Array.from({ length: lines }, (_, index) => `line ${index + 1}`))
      expect(text.match(/the end/g)).toEqual(['the end'])
      expect(heard(cwd, 'prompt').map((entry) => entry.text)).toEqual([prompt])
      expect(heard(cwd, 'answer')).toHaveLength(1)
    }
  },
)

/** Resolves when the agent has said something that was not there before, or has nothing more to say. */
async function moreText(client: Client, session: string): Promise<void> {
  const end = AbortSignal.timeout(5000)
  for await (const frame of client.watch({ session, after: 0, follow: true }, end)) {
    if (frame.kind === 'draft') return
    if (frame.kind === 'fact' && (frame.envelope.event.type === 'asked' || frame.envelope.event.type === 'turn-ended')) return
  }
}

test('a question that is asked while no daemon lives is there afterwards, and its answer reaches the agent', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const { id, cwd } = await startTalker(first, home, 'asker', 'sleep 300\nask may I?\nsay thank you')
  // The prompt is on its way when the tree is kept as it was.
  await settle(
    () => heardIn(cwd).length,
    (prompts) => prompts > 0,
  )
  await home.killDaemon()
  first.close()
  // It asks its keeper.
  const run = join(home.folder, 'home', 'runs', id, '1')
  const asked = (): string =>
    readdirSync(run)
      .flatMap((name) => (name.startsWith('out.') ? [readFileSync(join(run, name), 'utf8')] : []))
      .join('')
  expect(await settle(asked, (text) => text.includes('may I?'))).toContain('may I?')
  const client = await home.client()
  const [session] = await client.list({ all: false }, never)
  expect(session?.status).toBe('waiting')
  const [request] = session?.requests ?? []
  expect(request?.title).toContain('may I?')
  accepted(
    await client.submit({ session: id, commandId: newId(), command: { type: 'answer', requestId: request?.id ?? '', answer: { kind: 'option', optionId: 'allow' } } }, never),
  )
  await until(client, id, (view) => view.status === 'completed')
  expect(await said(client, id)).toContain('thank you')
  expect(heard(cwd, 'answer')).toHaveLength(1)
})

test('a terminal program goes on without a daemon and every byte of it is there afterwards', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const id = newId()
  const spec = {
    kind: 'terminal',
    driver: 'terminal',
    agent: 'sh',
    argv: ['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "line $i"; done; echo waiting; read answer; echo "got $answer"'],
    cwd: home.project,
  } as const
  accepted(await first.submit({ session: id, commandId: newId(), command: { type: 'create', spec, title: 'counter' }, environment: home.env }, never))
  await home.killDaemon()
  first.close()
  const client = await home.client()
  const pidBefore = (await client.get(id, never))?.session.run?.pid
  await home.killDaemon()
  expect((await client.get(id, never))?.session.run?.pid).toBe(pidBefore)
  expect(await client.write(id, Buffer.from('yes\r'), never)).toBeUndefined()
  await until(client, id, (view) => view.status === 'completed')
  const bytes: Uint8Array[] = []
  for await (const frame of client.output({ session: id, stream: 'out', from: 0, follow: false }, never)) bytes.push(frame.bytes)
  const text = Buffer.concat(bytes).toString().replaceAll('\r\n', '\n')
  expect(text).toBe(`${Array.from({ length: 3000 }, (_, index) => `line ${index + 1}\n`).join('')}waiting\nyes\ngot yes\n`)
})
