// Ports that sessions have for themselves, in one small file of the home that is replaced as a whole: a line for each, `20001 k3f9x2ab PORT`. Only the daemon writes it, and there is one daemon.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { hasCode, ifMissing, replaceFile } from './disk.ts'
import { WorkspaceFailed } from './workspaces.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

export interface Ports {
  /** One for each name; those that the session has already stay as they are. Throws WorkspaceFailed `refused` where none is left. */
  take(session: string, names: readonly string[], signal: AbortSignal): Promise<Readonly<Record<string, number>>>
  forget(session: string): Promise<void>
}

interface Reserved {
  readonly port: number
  readonly session: string
  readonly name: string
}

export const defaultPortRange: PortRange = { first: 20_000, last: 29_999 }

export function openPorts(home: string, range: () => PortRange | Promise<PortRange> = () => defaultPortRange): Ports {
  const file = join(home, 'ports')
  // One after the other: each reads what the one before it wrote.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const mine = last.then(step, step)
    last = mine.catch(() => {})
    return mine
  }
  return {
    take: (session, names, signal) =>
      inTurn(async () => {
        const reserved = await readReserved(file)
        const own = new Map(reserved.filter((one) => one.session === session).map(({ name, port }) => [name, port]))
        const missing = [...new Set(names)].filter((name) => !own.has(name))
        if (missing.length > 0) {
          const free = await freePorts(await range(), new Set(reserved.map(({ port }) => port)), missing.length, signal)
          const taken = missing.map((name, index): Reserved => ({ port: free[index] ?? 0, session, name }))
          await replace(file, [...reserved, ...taken])
          for (const { name, port } of taken) own.set(name, port)
        }
        return Object.fromEntries(names.map((name) => [name, own.get(name) ?? 0]))
      }),
    forget: (session) =>
      inTurn(async () => {
        const reserved = await readReserved(file)
        const kept = reserved.filter((one) => one.session !== session)
        if (kept.length < reserved.length) await replace(file, kept)
      }),
  }
}

async function freePorts({ first, last }: PortRange, taken: ReadonlySet<number>, count: number, signal: AbortSignal): Promise<readonly number[]> {
  const found: number[] = []
  for (let port = first; port <= last && found.length < count; port += 1) {
    signal.throwIfAborted()
    if (!taken.has(port) && (await isFree(port))) found.push(port)
  }
  if (found.length === count) return found
  throw new WorkspaceFailed('refused', `no free port is left from ${first} to ${last}`, {
    hint: 'remove sessions that are done, or set a wider port_range under [workspace] in config.toml',
  })
}

/** On both loopback addresses: programs that listen at `localhost` take either. */
async function isFree(port: number): Promise<boolean> {
  return (await isFreeAt(port, '127.0.0.1')) && (await isFreeAt(port, '::1'))
}

function isFreeAt(port: number, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    // A machine without IPv6 has no such address, and nobody listens there.
    server.once('error', (cause) => resolve(hasCode(cause, 'EADDRNOTAVAIL', 'EAFNOSUPPORT')))
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** What is no line of ours counts for nothing: who has a port is in the facts of the session too. */
async function readReserved(file: string): Promise<readonly Reserved[]> {
  const text = await readFile(file, 'utf8').catch(ifMissing(''))
  return text.split('\n').flatMap((line): readonly Reserved[] => {
    const [, port, session, name] = /^(\d{1,5}) ([\w.-]+) (\w+)$/.exec(line) ?? []
    return port === undefined || session === undefined || name === undefined ? [] : [{ port: Number(port), session, name }]
  })
}

const replace = (file: string, reserved: readonly Reserved[]): Promise<void> =>
  replaceFile(file, reserved.map(({ port, session, name }) => `${port} ${session} ${name}\n`).join(''), 0o600)
