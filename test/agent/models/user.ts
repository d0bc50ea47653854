// A user of models for one test: a home of their own, a configuration that looks for no server but those of the test, and servers that are closed at the end.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type RequestListener, createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { isRefusal } from '../../../src/core/errors.ts'
import { type Models, openModels } from '../../../src/agent/models/index.ts'

export const soon = (): AbortSignal => AbortSignal.timeout(5000)

export class ModelsUser implements AsyncDisposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'offstage-models-')))
  readonly home = join(this.folder, 'home')
  readonly configFile = join(this.folder, 'config.toml')
  readonly programs = join(this.folder, 'bin')
  readonly env: Record<string, string> = { HOME: this.folder, OFFSTAGE_HOME: this.home, OFFSTAGE_CONFIG: this.configFile, PATH: `${this.programs}${delimiter}/usr/bin:/bin` }
  readonly #closes: (() => Promise<void>)[] = []

  constructor(config = '', local: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.home, { mode: 0o700 })
    mkdirSync(this.programs)
    // No test may find a server, or a keychain, of whoever runs it.
    this.program('secret-tool', 'exit 1')
    this.program('security', 'exit 1')
    this.configure(config, local)
  }

  configure(config: string, local: Readonly<Record<string, string>> = {}): void {
    const servers = ['ollama', 'llama-cpp', 'lm-studio', 'vllm'].map((name) => `${name} = ${JSON.stringify(local[name] ?? false)}`)
    writeFileSync(this.configFile, `${config}\n[models.local]\n${servers.join('\n')}\n`)
  }

  /** A program of the shell, found before those of the system. */
  program(name: string, script: string): void {
    writeFileSync(join(this.programs, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(this.programs, name), 0o755)
  }

  keys(text: string, mode = 0o600): void {
    writeFileSync(join(this.home, 'keys.toml'), text)
    chmodSync(join(this.home, 'keys.toml'), mode)
  }

  /** Its address. */
  async server(answer: RequestListener): Promise<string> {
    const server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#closes.push(async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    })
    const address = server.address()
    return typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : ''
  }

  async open(env: Readonly<Record<string, string>> = {}): Promise<Models> {
    const models = await openModels({ env: { ...this.env, ...env }, configFile: this.configFile, signal: soon() })
    if (isRefusal(models)) throw new Error(`${models.message}: ${models.hint}`)
    return models
  }

  /** Every file below the folder, with what is in it. */
  files(): ReadonlyMap<string, string> {
    const names = readdirSync(this.folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(this.folder, name)).isFile())
    return new Map(names.map((name) => [name, readFileSync(join(this.folder, name), 'utf8')]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#closes.map((close) => close()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}
