// A client of the wire that takes its time holds little in memory, however much there is.

import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { packageVersion } from '../../src/config/package-root.ts'
import { pathsFrom } from '../../src/config/paths.ts'
import { connect } from '../../src/sdk/index.ts'
import { TestHome, never } from '../home.ts'
import { pause } from '../machine.ts'

test('of a stream no more than about 4 MB are received before they are taken, and all of it comes in the end', async () => {
  await using home = new TestHome()
  const { socket: path } = pathsFrom(home.env, process.getuid?.() ?? 0)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const items = 500
  const base64 = Buffer.alloc(65_536, 'x').toString('base64')
  let sent = 0
  // A daemon that says all it has as fast as it is taken.
  const server = createServer((socket) => {
    const say = (message: object): boolean => socket.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    say({ method: 'welcome', params: { protocol: 1, version: packageVersion, pid: process.pid } })
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const { id } = JSON.parse(bytes.toString()) as { id: number }
      const more = (): void => {
        for (; sent < items; sent++) {
          if (say({ method: 'item', params: { request: id, value: { stream: 'out', offset: sent * 65_536, base64 } } })) continue
          sent++
          return void socket.once('drain', more)
        }
        say({ id, result: null })
      }
      more()
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const client = await connect({ env: home.env, start: false }, never)
  try {
    let taken = 0
    for await (const { bytes } of client.output({ session: 'any', stream: 'out', from: 0, follow: false }, never)) {
      taken += bytes.length
      if (taken > bytes.length) continue
      // As much as it ever gets without more being taken.
      for (let last = -1; last !== sent; await pause(200)) last = sent
      expect(sent * base64.length).toBeLessThan(8 * 1024 * 1024)
    }
    expect(taken).toBe(items * 65_536)
  } finally {
    client.close()
    server.close()
  }
})
