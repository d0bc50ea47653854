// A terminal that a program is shown in, held by a keeper of ours and read by the bench: the outer layer that is the same for every program that attaches to something.

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KeeperConnection, connectKeeper } from '../src/keeper/connection.ts'
import { keeperBinary } from '../src/keeper/keeper-binary.ts'
import { launchKeeper } from '../src/keeper/launch.ts'
import { isAlive, sweep } from './processes.ts'
import type { Program } from './samples.ts'

/** Control sequences, whole or half received; never what a key prints. */
// oxlint-disable-next-line no-control-regex
const sequences = /\x1b(?:\[[0-?]*[ -/]*(?:[@-~]|$)|\][^\x07\x1b]*(?:\x07|\x1b\\|$)|[PX^_][^\x1b]*(?:\x1b\\|$)|[ -/]*(?:[0-~]|$))/g

/** The newest output of one program, and who waits for a text in it. */
export class Watched {
  #text = ''
  #wanted: { readonly text: string; readonly seen: () => void } | undefined

  push(bytes: Uint8Array): void {
    this.#text = (this.#text + Buffer.from(bytes).toString('latin1')).slice(-16_384)
    this.#look()
  }

  /** Milliseconds from `cause`, which is performed here, to this text. Throws after 20 s. */
  after(text: string, cause: () => void): Promise<number> {
    this.#text = ''
    const startedMs = performance.now()
    cause()
    return this.until(text).then((seenMs) => seenMs - startedMs)
  }

  /** When this text was seen, at once if it is there already. Throws after 20 s. */
  until(text: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`${JSON.stringify(text)} did not come, but ${JSON.stringify(this.#text.slice(-500))}`)), 20_000)
      const seen = (): void => {
        clearTimeout(deadline)
        resolve(performance.now())
      }
      this.#wanted = { text, seen }
      this.#look()
    })
  }

  #look(): void {
    const wanted = this.#wanted
    if (!wanted || !this.#text.replaceAll(sequences, '').includes(wanted.text)) return
    this.#wanted = undefined
    wanted.seen()
  }
}

export class Screen implements AsyncDisposable {
  readonly #folder: string
  readonly #connection: KeeperConnection
  readonly #childPid: number
  readonly watched = new Watched()

  private constructor(folder: string, connection: KeeperConnection, childPid: number) {
    this.#folder = folder
    this.#connection = connection
    this.#childPid = childPid
    connection.read('out', 0, ({ bytes }) => this.watched.push(bytes))
  }

  static async open({ command, args, env }: Program, packageFolder: string): Promise<Screen> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ob-screen-')))
    const nonce = 'screen-of-the-bench'
    const signal = AbortSignal.timeout(20_000)
    mkdirSync(join(folder, 'run'))
    const socketPath = join(folder, 'keeper.sock')
    const binary = await keeperBinary({ packageRoot: packageFolder, cacheDir: join(folder, 'cache') })
    const { child } = await launchKeeper(
      { binary, folder: join(folder, 'run'), socketPath, nonce, argv: [command, ...args], env: { ...env, BENCH_SCREEN: folder }, cwd: '/', mode: 'pty' },
      signal,
    )
    return new Screen(folder, await connectKeeper(socketPath, { nonce }, signal), child.pid)
  }

  get pid(): number {
    return this.#childPid
  }

  resize(cols: number, rows: number): void {
    this.#connection.resize({ cols, rows })
  }

  type(text: string): void {
    void this.#connection.input({ lane: 0, id: 0, bytes: Buffer.from(text) }).catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (isAlive(this.#childPid)) process.kill(-this.#childPid, 'SIGKILL')
    await this.#connection.exited
    this.#connection.collect()
    await this.#connection.closed
    await sweep(this.#folder)
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
