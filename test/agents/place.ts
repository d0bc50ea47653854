// Where one test with a real agent happens: a user of its own, a scripted model, a proxy that nobody may ask, and the `offstage` command.

import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import type { SessionView } from '../../src/core/view.ts'
import { offstage } from '../e2e/offstage.ts'
import { type ModelRequest, type ModelServer, type Step, startModelServer } from '../fixtures/model-server/server.ts'
import { TestHome } from '../home.ts'
import { programsOf } from './installed.ts'

/** How an agent is made to talk to the scripted model and to nobody else. */
export interface Setup {
  readonly name: string
  /** Its variables. `write` puts a file below the user's home. */
  prepare(from: {
    readonly model: string
    readonly user: string
    readonly project: string
    readonly write: (path: string, content: unknown) => void
  }): Readonly<Record<string, string>>
  /** The call by which its model writes this file, and about which the user is asked. */
  writes(path: string, content: string): Step
  /** A call with tools that is no part of the conversation. */
  readonly aside?: (request: ModelRequest) => boolean
  /** It has no permissions. */
  readonly asksNothing?: true
  /** What it calls though it was told to call nobody. It gets no answer here. */
  readonly insists?: readonly string[]
}

export interface Place extends AsyncDisposable {
  readonly home: TestHome
  readonly model: ModelServer
  /** All variables of a program that the user starts there. */
  readonly env: Readonly<Record<string, string>>
  /** Whom else than loopback somebody wanted to call, without those that the agent insists on. */
  outside(): readonly string[]
  /** The calls of the model that are part of the conversation. */
  talk(): readonly ModelRequest[]
  /** Resolves when the model has heard this many of them. */
  asked(count: number): Promise<void>
  /** What `offstage ARGS` prints. It has to succeed. */
  offstage(args: readonly string[]): Promise<string>
  session(id: string): Promise<SessionView>
  /** Starts a session in the background; gives its id. */
  start(prompt: string, options?: readonly string[]): Promise<string>
  /** The session when it is in one of these statuses, which has to be soon. */
  reaches(id: string, statuses: readonly string[]): Promise<SessionView>
}

/** Real agents need some seconds to begin, and many more where all processors are busy. */
const longestS = 90
/** What every place has in Offstage's own configuration. */
export const configuration = `initialize_timeout_s = ${longestS}\n`

export async function openPlace(setup: Setup, script: (project: string) => readonly Step[]): Promise<Place> {
  const isAside = (request: ModelRequest): boolean => setup.aside?.(request) ?? false
  const home = new TestHome()
  const steps = script(home.project)
  let said = 0
  const model = await startModelServer((request) => (isAside(request) ? { say: 'ok' } : (steps[said++] ?? { say: 'done' })))
  const proxy = await proxyThatRefuses()
  const user = home.env['HOME'] ?? ''
  const write = (path: string, content: unknown): void => {
    mkdirSync(dirname(join(user, path)), { recursive: true })
    writeFileSync(join(user, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
  }
  write('.config/offstage/config.toml', configuration)
  const env = { PATH: [...(programsOf(setup.name) ?? []), process.env['PATH']].join(':'), ...proxy.env, ...setup.prepare({ model: model.url, user, project: home.project, write }) }
  const run = async (args: readonly string[]): Promise<string> => {
    const ran = await offstage(home, args, { env })
    if (ran.code !== 0) throw new Error(`offstage ${args.join(' ')} ended with ${ran.code}: ${ran.err}${ran.out}`)
    return ran.out
  }
  const session = async (id: string): Promise<SessionView> => {
    const all: readonly SessionView[] = JSON.parse(await run(['sessions', '--all', '--json']))
    const found = all.find((one) => one.id === id)
    if (!found) throw new Error(`there is no session ${id} in ${JSON.stringify(all)}`)
    return found
  }
  const talk = (): readonly ModelRequest[] => model.requests.filter((request) => !isAside(request))
  return {
    home,
    model,
    env: { ...home.env, ...env },
    outside: () => proxy.asked.filter((one) => !setup.insists?.includes(one)),
    talk,
    async asked(count) {
      const end = AbortSignal.timeout(longestS * 1000)
      try {
        while (talk().length < count) await model.waitForRequest(model.requests.length + 1, end)
      } catch (cause) {
        throw new Error(`the model was asked ${talk().length} times, not ${count}\n${await run(['events'])}`, { cause })
      }
    },
    offstage: run,
    session,
    async start(prompt, options = []) {
      const started: SessionView = JSON.parse(await run(['bg', '--json', '--agent', setup.name, ...options, prompt]))
      return started.id
    },
    async reaches(id, statuses) {
      await offstage(home, ['wait', id, '--for', [...statuses, 'failed', 'waiting'].join(','), '--timeout', String(longestS)], { env })
      const reached = await session(id)
      if (statuses.includes(reached.status)) return reached
      throw new Error(`the session is ${reached.status}, not ${statuses.join(' or ')}\n${await run(['logs', id])}\n${await run(['why', id])}`)
    },
    async [Symbol.asyncDispose]() {
      await home.close()
      await model[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

/** Whoever wants to call somebody else than loopback comes here, if he keeps to the usual variables. */
async function proxyThatRefuses(): Promise<AsyncDisposable & { readonly env: Readonly<Record<string, string>>; readonly asked: readonly string[] }> {
  const asked: string[] = []
  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    outgoing.writeHead(502).end()
  })
  server.on('connect', (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`)
    socket.on('error', () => {})
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const loopback = '127.0.0.1,localhost'
  return {
    env: { HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, https_proxy: url, NO_PROXY: loopback, no_proxy: loopback },
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
