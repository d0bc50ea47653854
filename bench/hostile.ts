// What hostile output and hostile viewers do to everybody else: how long the daemon is deaf, and what a viewer that never reads costs.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connectTerminal } from '../src/sdk/terminal.ts'
import type { Client } from '../src/sdk/index.ts'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome, never } from './home.ts'
import { pssMb } from './processes.ts'

const repeated = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length))
const megabyte = 1024 * 1024

/** What terminals and those who read their output were brought down by. */
const corpus: Readonly<Record<string, string>> = {
  'repeat 2147483647': repeated('x\x1b[2147483647b', 4096),
  'insert and scroll 2147483647': repeated('\x1b[2147483647@\x1b[2147483647L\x1b[2147483647T\x1b[2147483647S', 65_536),
  'a string without an end': `\x1b]0;${repeated('a', 8 * megabyte)}`,
  'a device string without an end': `\x1bPq${repeated('?', 8 * megabyte)}`,
  'a million parameters': `\x1b[${repeated('1;', 2 * megabyte)}m`,
  'escapes only': repeated('\x1b', 4 * megabyte),
  titles: repeated('\x1b]0;a title\x07', 4 * megabyte),
  states: repeated('\x1b]7501;state=working\x1b\\\x1b]7501;state=blocked\x1b\\', 4 * megabyte),
  questions: repeated('\x1b[c\x1b[6n\x1b]11;?\x07', megabyte),
  'combining characters': `a${repeated('\u0301', 4 * megabyte)}`,
  'alternate screens': repeated('\x1b[?1049h\x1b[?1049l', megabyte),
  bells: repeated('\x07', 4 * megabyte),
  'broken UTF-8': repeated('\xc3\x28\xf0\x9f', 4 * megabyte),
}

export async function hostile({ lifetime, packageFolder }: Bench): Promise<readonly Figure[]> {
  const home = lifetime.use(new BenchHome(packageFolder))
  const client = await home.client()
  const worst: number[] = []
  for (const [name, text] of Object.entries(corpus)) {
    const file = join(home.project, 'hostile')
    writeFileSync(file, Buffer.from(text, name === 'broken UTF-8' ? 'latin1' : 'utf8'))
    const session = await home.startTerminal(client, ['sh', '-c', `cat ${JSON.stringify(file)}; exec cat`])
    const looked = new AbortController()
    const looking = client.screen({ session: session.id, size: { columns: 80, rows: 24 } }, AbortSignal.any([looked.signal, AbortSignal.timeout(10_000)])).catch(() => undefined)
    worst.push(await deafMs(home, looking))
    looked.abort()
    await home.end(client, session.id)
  }
  return [
    figure(`hostile output: longest that the daemon was deaf, worst of ${worst.length}`, 'ms', { offstage: worst }, { goal: 50 }, (samples) => Math.max(...samples)),
    figure('a viewer that never reads, of 50 MB: growth of the keeper', 'MB', { offstage: [await unreadMb(home, client)] }, { goal: 2 }),
  ]
}

/** The slowest answer to a small question, for a second, and until what is looked for is there. */
async function deafMs(home: BenchHome, looking: Promise<unknown>): Promise<number> {
  const asking = await home.client()
  let done = false
  void looking.finally(() => (done = true))
  let longestMs = 0
  for (const startedMs = performance.now(); !done || performance.now() - startedMs < 1000;) {
    const askedMs = performance.now()
    await asking.daemonStatus(never)
    longestMs = Math.max(longestMs, performance.now() - askedMs)
    await delay(2)
  }
  asking.close()
  return longestMs
}

async function unreadMb(home: BenchHome, client: Client): Promise<number> {
  const session = await home.startTerminal(client, ['sh', '-c', 'read x; seq -f "line %.0f of a program that prints and prints and prints, line after line" 700000; exec cat'])
  const viewer = await connectTerminal(session, never)
  if (!viewer) throw new Error('the session is gone')
  const before = pssMb(await home.keeperPids(client))
  viewer.read('out', 0, () => {})
  viewer.pause()
  await client.write(session.id, Buffer.from('\n'), never)
  const from = 50 * megabyte
  for await (const frame of client.output({ session: session.id, stream: 'out', from, follow: true }, never)) if (frame.bytes.length > 0) break
  const grown = pssMb(await home.keeperPids(client)) - before
  viewer.close()
  await home.end(client, session.id)
  return grown
}
