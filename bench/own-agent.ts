// Offstage's own agent against a model that answers at once: from its start to the first word, from the model's words to the client's, a cancel, and its memory. What the model takes is in none of it.

import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import * as acp from '@agentclientprotocol/sdk/unstable'
import { startModelServer } from '../test/fixtures/model-server/server.ts'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome } from './home.ts'
import { pssMb } from './processes.ts'
import { type Program, emptyNode, percentile, programMs } from './samples.ts'

const starts = 10
const turns = 40
const noLocalModels = '[models]\nlocal = false\n'

export async function ownAgent({ lifetime, packageFolder }: Bench): Promise<readonly Figure[]> {
  const home = lifetime.use(new BenchHome(packageFolder))
  const askedMs: number[] = []
  const server = lifetime.use(
    await startModelServer(({ body }) => {
      askedMs.push(performance.now())
      return lastMessage(body).includes('hang now') ? { hang: 'Hm' } : { say: 'Here I am.' }
    }),
  )
  const config = join(home.folder, 'config.toml')
  writeFileSync(config, noLocalModels)
  const { command, args } = home.program('agent')
  const program = { command, args, env: { ...home.env, OFFSTAGE_CONFIG: config, ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: 'none', ANTHROPIC_MODEL: 'test-model' } }

  const ready: number[] = []
  const floor: number[] = []
  const first: number[] = []
  for (let round = 0; round < starts; round++) {
    floor.push(programMs(emptyNode(home.env)))
    await using agent = startOwnAgent(program)
    await agent.open(home.project)
    ready.push(performance.now() - agent.startedMs)
    const word = agent.word()
    const turn = agent.say('hello')
    const heardMs = await word
    // The reply of the model left when it was asked.
    first.push(heardMs - (askedMs.at(-1) ?? 0))
    await turn
  }

  await using agent = startOwnAgent(program)
  await agent.open(home.project)
  const later: number[] = []
  const cancels: number[] = []
  for (let round = 0; round < turns; round++) {
    const word = agent.word()
    const hangs = round % 4 === 3
    const turn = agent.say(hangs ? 'hang now' : 'hello')
    later.push((await word) - (askedMs.at(-1) ?? 0))
    if (hangs) cancels.push(await agent.cancel(turn))
    else await turn
  }
  const memory = [pssMb([agent.pid])]
  return [
    figure('own agent: from its start to an open session', 'ms', { offstage: ready, floor }, { goal: 400 }),
    figure('own agent: first word after its start, from the model to the client', 'ms', { offstage: first }, { goal: 400 }),
    figure('own agent: later words, from the model to the client, p50', 'ms', { offstage: later }, { goal: 30 }),
    figure('own agent: later words, from the model to the client, p95', 'ms', { offstage: later }, { goal: 30 }, (samples) => percentile(samples, 0.95)),
    figure('own agent: a cancel while the model hangs', 'ms', { offstage: cancels }, { goal: 100 }),
    figure('own agent: memory after 40 turns', 'MB', { offstage: memory }, { goal: 160 }),
  ]
}

function lastMessage(body: unknown): string {
  const messages = typeof body === 'object' && body !== null && 'messages' in body && Array.isArray(body.messages) ? body.messages : []
  return JSON.stringify(messages.at(-1) ?? '')
}

function startOwnAgent({ command, args, env }: Program) {
  const startedMs = performance.now()
  const program: ChildProcess & { stdin: NonNullable<ChildProcess['stdin']>; stdout: NonNullable<ChildProcess['stdout']> } = spawn(command, args, {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => program.once('exit', resolve))
  let heard: (ms: number) => void = () => {}
  const connection = acp
    .client({ name: 'bench' })
    .onNotification('session/update', ({ params }) => {
      if (params.update.sessionUpdate === 'agent_message_chunk') heard(performance.now())
    })
    .connect(acp.ndJsonStream(Writable.toWeb(program.stdin), Readable.toWeb(program.stdout) as ReadableStream<Uint8Array>))
  let sessionId = ''
  return {
    startedMs,
    pid: program.pid ?? 0,
    async open(cwd: string) {
      await connection.agent.request('initialize', { protocolVersion: acp.PROTOCOL_VERSION, clientCapabilities: {} })
      sessionId = (await connection.agent.request('session/new', { cwd, mcpServers: [] })).sessionId
    },
    /** When the next word is heard. */
    word: () => new Promise<number>((resolve) => void (heard = resolve)),
    say: (text: string) => connection.agent.request('session/prompt', { sessionId, prompt: [{ type: 'text', text }] }),
    async cancel(turn: Promise<unknown>) {
      const fromMs = performance.now()
      await connection.agent.notify('session/cancel', { sessionId })
      await turn
      return performance.now() - fromMs
    },
    async [Symbol.asyncDispose]() {
      program.stdin.end()
      await ended
      connection.close()
    },
  }
}
