// The program of `offstage agent`: the own agent on its stdin and stdout, as any ACP agent. Takes --sandbox and --no-network. Nothing but the protocol is written to stdout.
// It is started by itself, or becomes the process of the verb.

import { Console } from 'node:console'
import { Readable, Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { ndJsonStream } from '@agentclientprotocol/sdk/unstable'
import { loadConfig } from '../config/config.ts'
import { isCheckout, packageVersion } from '../config/package-root.ts'
import { pathsFrom, prepareHome } from '../config/paths.ts'
import { isRefusal } from '../core/errors.ts'
import { openModels } from './models/index.ts'
import { agentParts } from './parts.ts'
import { serve } from './serve.ts'

/** Pauses before a failed call of a model is made again begin with this. */
const retryMs = 1000

// Libraries that print would break the protocol.
globalThis.console = new Console(process.stderr, process.stderr)

async function main(env: NodeJS.ProcessEnv, argv: readonly string[]): Promise<void> {
  const args = argv[0] === 'agent' ? argv.slice(1) : [...argv]
  const { values } = parseArgs({ args, options: { sandbox: { type: 'boolean' }, network: { type: 'boolean' } }, allowNegative: true })
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => ending.abort())
  const paths = pathsFrom(env, process.getuid?.() ?? 0)
  prepareHome(paths)
  const config = await loadConfig({ configFile: paths.configFile })
  const models = await openModels({ env, configFile: paths.configFile, signal: ending.signal })
  if (isRefusal(models)) throw new Error(models.hint === undefined ? models.message : `${models.message}; ${models.hint}`)
  const boxed = values.sandbox ?? config.ownAgent.sandbox
  const parts = agentParts({
    version: packageVersion,
    env: { ...env },
    paths,
    models,
    mcp: config.mcp,
    sandbox: boxed ? { network: values.network ?? config.ownAgent.network } : undefined,
    searchProgram: new URL(isCheckout ? './search.ts' : './search.js', import.meta.url),
    retryMs,
    signal: ending.signal,
  })
  await serve(parts, ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>))
}

try {
  await main(process.env, process.argv.slice(2))
  process.exit(0)
} catch (thrown) {
  process.stderr.write(`offstage agent: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  process.exit(1)
}
