// What most tests with real sessions do: start one, tell it something, hear what its agent heard, read its output.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LaunchSpec } from '../src/core/events.ts'
import type { Command } from '../src/core/inputs.ts'
import type { RequestView } from '../src/core/view.ts'
import type { Client } from '../src/sdk/index.ts'
import { packageRoot } from '../src/config/package-root.ts'
import { type TestHome, accepted, never, newId, until } from './home.ts'

const fixtures = join(packageRoot, 'test', 'fixtures')
export const talker = join(fixtures, 'agents', 'talker.ts')
export const hostile = join(fixtures, 'agents', 'hostile.ts')
export const numbers = join(fixtures, 'numbers.ts')

export const agentSpec = (cwd: string, argv: readonly string[], more: Partial<LaunchSpec> = {}): LaunchSpec => ({ kind: 'agent', driver: 'acp', agent: 'test', argv, cwd, ...more })
export const talkerSpec = (cwd: string, ...flags: string[]): LaunchSpec => agentSpec(cwd, [process.execPath, talker, ...flags])
export const programSpec = (cwd: string, argv: readonly string[], driver: 'terminal' | 'command' = 'terminal'): LaunchSpec => ({
  kind: 'terminal',
  driver,
  agent: argv[0] ?? '',
  argv,
  cwd,
})

/** Resolves to the new session's id. */
export async function start(client: Client, home: TestHome, spec: LaunchSpec, prompt?: string, more: { readonly title?: string; readonly label?: string } = {}): Promise<string> {
  const session = newId()
  const command: Command = { type: 'create', spec, title: 'test', ...more, ...(prompt === undefined ? {} : { prompt }) }
  accepted(await client.submit({ session, commandId: newId(), command, environment: home.env }, never))
  return session
}

export const tell = (client: Client, session: string, command: Command, environment?: Readonly<Record<string, string>>) =>
  client.submit({ session, commandId: newId(), command, ...(environment ? { environment } : {}) }, never)

/** The first request that is open, as soon as there is one. */
export async function openRequest(client: Client, session: string): Promise<RequestView> {
  const [request] = (await until(client, session, (view) => view.requests.length > 0)).requests
  if (!request) throw new Error('no request')
  return request
}

export interface Heard {
  readonly at: string
  readonly text?: string
  readonly title?: string
  readonly pid?: number
  readonly content?: unknown
}

/** What the talker wrote down of what it got. */
export const heard = (cwd: string): Heard[] =>
  existsSync(join(cwd, 'prompts.log'))
    ? readFileSync(join(cwd, 'prompts.log'), 'utf8')
        .split('\n')
        // What follows the last line end is still being written.
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Heard)
    : []

export async function output(client: Client, session: string, run?: number, stream: 'out' | 'err' = 'out'): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const frame of client.output({ session, stream, from: 0, follow: false, ...(run === undefined ? {} : { run }) }, never)) parts.push(frame.bytes)
  return Buffer.concat(parts)
}

/** Resolves to all output so far as soon as it includes this text. Rejects after 20 s, or when the run ends without it. */
export async function prints(client: Client, session: string, text: string): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const frame of client.output({ session, stream: 'out', from: 0, follow: true }, AbortSignal.timeout(20_000))) {
    parts.push(frame.bytes)
    const all = Buffer.concat(parts).toString()
    if (all.includes(text)) return all
  }
  throw new Error(`session ${session} printed ${JSON.stringify(Buffer.concat(parts).toString().slice(-500))} and not ${JSON.stringify(text)}`)
}
