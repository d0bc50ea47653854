// Ports of sessions: free ones, each for one session, kept until they are given up. And who is at work in a folder.

import { spawn } from 'node:child_process'
import { mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openPorts } from '../../src/workspace/ports.ts'
import { insideByList, processesInside } from '../../src/workspace/processes-inside.ts'
import { failure, never, place } from './worktree-kit.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** On a port of the system's choice. */
function listens(host: string): Promise<number> {
  const server = createServer()
  servers.push(server)
  return new Promise((resolve) => {
    server.listen(0, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}

/** Two next to each other that nobody has: what a test takes for granted of the machine. */
async function freeRange(length: number): Promise<{ first: number; last: number }> {
  const port = await listens('127.0.0.1')
  await new Promise((resolve) => servers.pop()?.close(resolve))
  const first = port > 60_000 ? port - 100 : port
  return { first, last: first + length - 1 }
}

test('each name has a port of its own, the same for the session again, and none for two sessions', async () => {
  const { home } = place()
  const ports = openPorts(home, async () => freeRange(200))
  const first = await ports.take('aaaaaaaa', ['PORT', 'DB_PORT'], never)
  const [second, third] = await Promise.all([ports.take('bbbbbbbb', ['PORT'], never), ports.take('cccccccc', ['PORT'], never)])
  const all = [first['PORT'], first['DB_PORT'], second['PORT'], third['PORT']]
  expect(new Set(all).size).toBe(4)
  const again = openPorts(home)
  expect(await again.take('aaaaaaaa', ['DB_PORT', 'PORT'], never)).toEqual(first)
  expect(await again.take('dddddddd', [], never)).toEqual({})
})

test('who listens already keeps the port, on either loopback address', async () => {
  const { home } = place()
  for (const host of ['127.0.0.1', '::1']) {
    const taken = await listens(host)
    const { PORT } = await openPorts(join(home), () => ({ first: taken, last: taken + 20 })).take(host === '::1' ? 'six' : 'four', ['PORT'], never)
    expect(PORT).toBeGreaterThan(taken)
  }
})

test('none left is told, with what to do; what was given up is free', async () => {
  const { home } = place()
  const range = await freeRange(1)
  const ports = openPorts(home, () => range)
  await ports.take('aaaaaaaa', ['PORT'], never)
  const { kind, message } = await failure(ports.take('bbbbbbbb', ['PORT'], never))
  expect({ kind, message }).toEqual({ kind: 'refused', message: `no free port is left from ${range.first} to ${range.last}` })
  await ports.forget('aaaaaaaa')
  expect(await ports.take('bbbbbbbb', ['PORT'], never)).toEqual({ PORT: range.first })
})

test('what is no line of ours in the file counts for nothing, and a file that was not finished neither', async () => {
  const { home } = place()
  writeFileSync(join(home, 'ports'), `20001 aaaaaaaa PORT\n\0\0\0\nnonsense\n999999 x Y\n20002 bbbb`)
  writeFileSync(join(home, 'ports.new'), '2')
  const ports = openPorts(home, () => ({ first: 20_001, last: 29_999 }))
  expect(await ports.take('aaaaaaaa', ['PORT'], never)).toEqual({ PORT: 20_001 })
  expect((await ports.take('cccccccc', ['PORT'], never))['PORT']).not.toBe(20_001)
  expect(readFileSync(join(home, 'ports'), 'utf8')).toMatch(/^20001 aaaaaaaa PORT\n\d+ cccccccc PORT\n$/)
})

test.runIf(process.platform === 'linux')('who works in a folder: by its directory, or a file that is open; nobody else', async () => {
  const { root } = place()
  const folder = join(root, 'with space\nand line')
  mkdirSync(join(folder, 'deep'), { recursive: true })
  mkdirSync(`${folder}-beside`)
  writeFileSync(join(folder, 'f'), 'x')
  expect(await processesInside(folder, never)).toEqual([])
  const open = openSync(join(folder, 'f'), 'r')
  const programs = [
    spawn('sleep', ['60'], { cwd: join(folder, 'deep') }),
    spawn('sleep', ['60'], { cwd: '/', stdio: [open, 'ignore', 'ignore'] }),
    spawn('sleep', ['60'], { cwd: `${folder}-beside` }),
  ]
  closeSync(open)
  try {
    const found = (await processesInside(folder, never)) ?? []
    expect(found.toSorted((one, other) => one.pid - other.pid)).toEqual(programs.slice(0, 2).map(({ pid }) => ({ pid, program: 'sleep' })))
  } finally {
    for (const program of programs) program.kill('SIGKILL')
  }
})

test('the list of lsof is read: processes with a file at or below the folder', () => {
  const list = 'p12\ncnode\nfcwd\nn/trees/a\nf3\nn/trees/a/x\np13\ncvim\nfcwd\nn/trees/ab\np14\ncs\u001b[31mh\nfcwd\nn/\nf4\nn/trees/a/deep/f\n'
  expect(insideByList('/trees/a', list).map(({ pid }) => pid)).toEqual([12, 14])
  expect(insideByList('/trees/a', list)[1]?.program).not.toContain('\u001b')
})

test('a port of a landing is nobody else’s, and free again after it', async () => {
  const { home } = place()
  const range = await freeRange(1)
  const ports = openPorts(home, () => range)
  await ports.take('aaaaaaaa.landing', ['PORT'], never)
  expect((await failure(ports.take('bbbbbbbb', ['PORT'], never))).kind).toBe('refused')
  await ports.forget('aaaaaaaa.landing')
  expect(await ports.take('bbbbbbbb', ['PORT'], never)).toEqual({ PORT: range.first })
})
