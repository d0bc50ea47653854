// The daemon as a process and as a peer: one per home, and a wire that shrugs off what it does not understand.

import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { type Socket, connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { entry } from '../../src/config/package-root.ts'
import { TestHome, never, newId } from '../home.ts'

/** A client that says raw lines, as one of another version or another language would. */
async function raw(home: TestHome): Promise<{ socket: Socket; say: (line: string) => void; hear: () => Promise<Record<string, unknown>> }> {
  const socket = connectSocket(join(home.folder, 'home', 'sockets', 'daemon.sock'))
  const lines: string[] = []
  let wake = (): void => {}
  let rest = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    const cut = (rest + text).split('\n')
    rest = cut.pop() ?? ''
    lines.push(...cut)
    wake()
  })
  socket.on('error', () => {})
  const hear = async (): Promise<Record<string, unknown>> => {
    while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return JSON.parse(lines.shift() ?? '') as Record<string, unknown>
  }
  return { socket, say: (line) => void socket.write(`${line}\n`), hear }
}

test('twenty daemons started at once for one home: one serves, the others leave without touching anything', async () => {
  await using home = new TestHome()
  const said = await Promise.all(Array.from({ length: 20 }, () => home.startDaemon()))
  expect(said.toSorted()).toEqual([...Array.from({ length: 19 }, () => 'held'), 'ready'])
  const client = await home.client(false)
  expect(await client.list({ all: true }, never)).toEqual([])
})

test('several clients that find no daemon end up with the same one', async () => {
  await using home = new TestHome()
  const clients = await Promise.all(Array.from({ length: 6 }, () => home.client()))
  const pids = await Promise.all(clients.map(async (client) => (await client.daemonStatus(never)).pid))
  expect(new Set(pids).size).toBe(1)
})

test('what is no message, no method or no parameter of ours is answered by an error, and the connection goes on', async () => {
  await using home = new TestHome()
  await home.startDaemon()
  const { socket, say, hear } = await raw(home)
  expect(await hear()).toMatchObject({ method: 'welcome', params: { protocol: 1, pid: expect.any(Number) } })
  const table: readonly (readonly [string, number])[] = [
    ['nonsense', -32700],
    ['"text"', -32700],
    ['{"jsonrpc":"2.0","id":1,"method":"fly"}', -32601],
    ['{"jsonrpc":"2.0","id":2,"method":"constructor"}', -32601],
    ['{"jsonrpc":"2.0","id":3,"method":"get","params":{"session":7}}', 1],
    [`{"jsonrpc":"2.0","id":4,"method":"submit","params":{"session":"../../ev","commandId":"${newId()}","command":{"type":"stop"}}}`, 1],
    [`{"jsonrpc":"2.0","id":5,"method":"submit","params":{"session":"${newId()}","commandId":"${newId()}","command":{"type":"stop"}}}`, 1],
  ]
  for (const [line, code] of table) {
    say(line)
    expect([line, await hear()]).toEqual([line, expect.objectContaining({ error: expect.objectContaining({ code, message: expect.any(String) }) })])
  }
  // Of a newer client: fields that this daemon does not know are passed over.
  say('{"jsonrpc":"2.0","id":6,"method":"list","params":{"all":true,"sortedBy":"mood"},"priority":9}')
  expect(await hear()).toEqual({ jsonrpc: '2.0', id: 6, result: [] })
  socket.destroy()
})

test('a client that vanishes in the middle of a message or a watch leaves the daemon as it was', async () => {
  await using home = new TestHome()
  await home.startDaemon()
  for (const line of ['{"jsonrpc":"2.0","id":1,"method":"wat', '{"jsonrpc":"2.0","id":1,"method":"watch","params":{"after":0,"follow":true}}\n']) {
    const { socket, hear } = await raw(home)
    await hear()
    socket.write(line)
    socket.destroy()
  }
  const client = await home.client(false)
  expect((await client.daemonStatus(never)).sessions).toBe(0)
})

test('the socket is closed to others, and a daemon that is asked to leave takes it along', async () => {
  await using home = new TestHome()
  await home.startDaemon()
  const socket = join(home.folder, 'home', 'sockets', 'daemon.sock')
  expect(statSync(socket).mode & 0o777).toBe(0o600)
  const client = await home.client(false)
  await client.stopDaemon(never)
  expect(existsSync(socket)).toBe(false)
})

test('a daemon that cannot use its home says why and leaves', async () => {
  const home = new TestHome()
  const daemon = spawn(process.execPath, [entry('daemon')], { env: { ...home.env, OFFSTAGE_HOME: 'relative/path' }, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  daemon.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const code = await new Promise((resolve) => daemon.once('close', resolve))
  expect([code, said]).toEqual([1, expect.stringMatching(/^failed \{"message":"cannot use relative\/path.*"hint":"set .*\n$/)])
  await home.close()
})
