// How long a question takes from the agent to the person, and an answer back, and a state from the program of a terminal: both ends write down the moment, on the same clock.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRefusal } from '../src/core/errors.ts'
import type { Client } from '../src/sdk/index.ts'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome, never, newId } from './home.ts'
import { until } from './processes.ts'
import { type Samples, emptyNode, percentile, programMs } from './samples.ts'

const questions = 42
const warmUps = 2
const states = 22
/** A state after some quiet. */
const stateEveryMs = 600

export async function agent(bench: Bench): Promise<readonly Figure[]> {
  const { lifetime, packageFolder } = bench
  const home = lifetime.use(new BenchHome(packageFolder))
  const client = await home.client()
  const session = await home.startAgent(client, [process.execPath, join(import.meta.dirname, 'asker.ts')])
  const submitted = await client.submit({ session: session.id, commandId: newId(), command: { type: 'prompt', text: String(questions) } }, never)
  if (isRefusal(submitted)) throw new Error(submitted.message)

  const shown: number[] = []
  const bySdk: number[] = []
  const byCommand: number[] = []
  const floor: number[] = []
  let number = 0
  for await (const { requestId, ms } of questionsOf(client, session.id)) {
    number += 1
    const kept = number > warmUps
    if (kept) shown.push(ms)
    const byHand = number % 2 === 0
    if (byHand && kept) floor.push(programMs(emptyNode(home.env)))
    const answeredNs = process.hrtime.bigint()
    if (byHand) home.run('answer', requestId, 'allow')
    else {
      const reply = await client.submit({ session: session.id, commandId: newId(), command: { type: 'answer', requestId, answer: { kind: 'option', optionId: 'allow' } } }, never)
      if (isRefusal(reply)) throw new Error(reply.message)
    }
    const heardNs = await answerHeard(home, number)
    if (kept) (byHand ? byCommand : bySdk).push(millisecondsBetween(answeredNs, heardNs))
    if (number === questions) break
  }
  const p95 = (samples: Samples): number => percentile(samples, 0.95)
  const ages = await statesOf(home, client)
  return [
    figure('agent: state on its terminal to a watching client, p50', 'ms', { offstage: ages }, { goal: 50 }),
    figure('agent: state on its terminal to a watching client, p95', 'ms', { offstage: ages }, { goal: 50 }, p95),
    figure('agent: question on its pipe to a watching client, p50', 'ms', { offstage: shown }, { goal: 50 }),
    figure('agent: question on its pipe to a watching client, p95', 'ms', { offstage: shown }, { goal: 50 }, p95),
    figure('agent: answer of a connected client to its pipe, p50', 'ms', { offstage: bySdk }),
    figure('agent: answer of a connected client to its pipe, p95', 'ms', { offstage: bySdk }, {}, p95),
    figure('agent: "offstage answer" to its pipe, p50', 'ms', { offstage: byCommand, floor }, { goal: 100 }),
    figure('agent: "offstage answer" to its pipe, p95', 'ms', { offstage: byCommand, floor }, { goal: 100 }, p95),
  ]
}

/** Each question as a client sees it that watches, and how old it was then. */
async function* questionsOf(client: Client, session: string): AsyncIterable<{ readonly requestId: string; readonly ms: number }> {
  for await (const frame of client.watch({ session, after: 0, follow: true }, AbortSignal.timeout(60_000))) {
    const seenNs = process.hrtime.bigint()
    if (frame.kind !== 'fact' || frame.envelope.event.type !== 'asked') continue
    const { ask } = frame.envelope.event
    yield { requestId: ask.id, ms: millisecondsBetween(BigInt(ask.title), seenNs) }
  }
}

/** How old each state was when a client saw it that watches. */
async function statesOf(home: BenchHome, client: Client): Promise<readonly number[]> {
  const session = await home.startTerminal(client, [process.execPath, join(import.meta.dirname, 'teller.ts'), String(states), String(stateEveryMs)])
  const ages: number[] = []
  for await (const frame of client.watch({ session: session.id, after: 0, follow: true }, AbortSignal.timeout(60_000))) {
    const seenNs = process.hrtime.bigint()
    if (frame.kind !== 'fact' || frame.envelope.event.type !== 'signaled') continue
    const said = frame.envelope.event.signal.claims[0]?.message
    if (said === undefined) continue
    ages.push(millisecondsBetween(BigInt(said), seenNs))
    if (ages.length === states) break
  }
  return ages.slice(warmUps)
}

async function answerHeard(home: BenchHome, number: number): Promise<bigint> {
  const read = (): readonly string[] => {
    try {
      return readFileSync(join(home.project, 'answers'), 'utf8').split('\n').slice(0, -1)
    } catch {
      return []
    }
  }
  await until('the answer to reach the agent', () => read().length >= number)
  return BigInt(read()[number - 1] ?? 0)
}

const millisecondsBetween = (fromNs: bigint, toNs: bigint): number => Number(toNs - fromNs) / 1e6
