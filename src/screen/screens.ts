// What terminal sessions show, asked by the daemon and computed by a worker thread that starts with the first question and ends when nobody has asked for a while. Whatever the bytes are, an answer comes or is
// given up after a deadline: the thread is then terminated, and the next question goes to a new one.

import { Worker } from 'node:worker_threads'
import type { TerminalSize } from '../core/events.ts'
import type { FromWorker, Question, ScreenOf, ScreenText, Snapshot, ToWorker } from './messages.ts'
import type { CursorPosition } from './screen.ts'

export type { CursorPosition, ScreenOf, ScreenText, Snapshot }

export interface ScreensOptions {
  /** For one answer, the start of the worker included. Default 1000. */
  readonly deadlineMs?: number
  /** For the answer to a program that asks where its cursor is. Default 1000: the worker may have to be started first. */
  readonly cursorDeadlineMs?: number
  /** The worker ends after this long without a question. Default 60 s. */
  readonly idleAfterMs?: number
  /** Called with why, when the worker failed or was terminated. */
  readonly warn?: (message: string) => void
}

type Answer = Snapshot | CursorPosition | ScreenText | undefined
interface Asked {
  readonly question: Question
  readonly answered: (answer: Answer) => void
}

/** The same two folders apart in src/ and in dist/, whichever chunk this file is in. */
const workerFile = new URL(`../screen/worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
/** For the checkpoints of what is warm. */
const endingMs = 1000

export class Screens implements AsyncDisposable {
  readonly #options: Required<ScreensOptions>
  readonly #queue: Asked[] = []
  #current: Asked | undefined
  #deadline: NodeJS.Timeout | undefined
  #worker: Worker | undefined
  /** The worker has logs to advance. */
  #advancing = false
  #idle: NodeJS.Timeout | undefined
  #closed = false

  constructor({ deadlineMs = 1000, cursorDeadlineMs = 1000, idleAfterMs = 60_000, warn = () => {} }: ScreensOptions = {}) {
    this.#options = { deadlineMs, cursorDeadlineMs, idleAfterMs, warn }
  }

  /** As of the log's end now, or later; laid out in the new size first if there is one, which then stays its size until the PTY's changes.
   *  Undefined if it took too long or cannot be made. Rejects only when `signal` aborts. */
  async snapshot(of: ScreenOf & { readonly resizeTo?: TerminalSize }, signal: AbortSignal): Promise<Snapshot | undefined> {
    const { folder, size, resizeTo } = of
    const answer = await this.#ask({ kind: 'snapshot', of: { folder, size }, resizeTo }, signal)
    return answer && 'bytes' in answer ? answer : undefined
  }

  /** After exactly that many bytes of the log. Undefined if it took too long, or these bytes are not there any more. */
  async cursor({ folder, size }: ScreenOf, offset: number): Promise<CursorPosition | undefined> {
    const soon = AbortSignal.timeout(this.#options.cursorDeadlineMs)
    const answer = await this.#ask({ kind: 'cursor', of: { folder, size }, offset }, soon).catch(() => undefined)
    return answer && 'row' in answer ? answer : undefined
  }

  /** What stands on the screen, as of the log's end now, or later. Undefined if it took too long or cannot be made. */
  async text({ folder, size }: ScreenOf): Promise<ScreenText | undefined> {
    const soon = AbortSignal.timeout(this.#options.deadlineMs)
    const answer = await this.#ask({ kind: 'text', of: { folder, size } }, soon).catch(() => undefined)
    return answer && 'rows' in answer && !('bytes' in answer) ? answer : undefined
  }

  /** The log has grown by about a megabyte, or has come to rest: what the next snapshot needs is prepared, in a fifth of one core's time at most. */
  advance({ folder, size }: ScreenOf): void {
    if (this.#closed) return
    this.#advancing = true
    this.#say({ kind: 'advance', of: { folder, size } })
  }

  /** What is still asked is answered with undefined. Resolves when the worker is gone. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { answered } of this.#queue.splice(0)) answered(undefined)
    const { promise, resolve } = Promise.withResolvers<void>()
    const worker = this.#worker
    if (!worker) return
    worker.once('exit', () => resolve())
    worker.ref()
    this.#end(worker)
    await promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #ask(question: Question, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    if (this.#closed) return Promise.resolve(undefined)
    if (signal.aborted) return Promise.reject(asError(signal.reason))
    const asked: Asked = { question, answered: resolve }
    const abandon = (): void => {
      // What is being answered goes on: it is wanted soon again, or it is stuck and has to be ended.
      const index = this.#queue.indexOf(asked)
      if (index >= 0) this.#queue.splice(index, 1)
      reject(asError(signal.reason))
    }
    signal.addEventListener('abort', abandon, { once: true })
    this.#queue.push(asked)
    this.#next()
    return promise.finally(() => signal.removeEventListener('abort', abandon))
  }

  #next(): void {
    if (this.#current || this.#closed) return
    const asked = this.#queue.shift()
    if (!asked) return this.#rest()
    this.#current = asked
    this.#deadline = setTimeout(() => this.#giveUp(`no answer in ${this.#options.deadlineMs} ms`), this.#options.deadlineMs)
    this.#say({ kind: 'question', question: asked.question })
  }

  #say(message: ToWorker): void {
    clearTimeout(this.#idle)
    this.#worker ??= this.#start()
    this.#worker.postMessage(message, [])
    if (!this.#current) this.#rest()
  }

  #start(): Worker {
    const worker = new Worker(workerFile, { env: {}, name: 'offstage screens', resourceLimits: { maxOldGenerationSizeMb: 256 } })
    worker.unref()
    worker.on('message', (message: FromWorker) => {
      if (this.#worker !== worker) return
      if (message.kind === 'idle') {
        this.#advancing = false
        return this.#rest()
      }
      this.#settle(message.answer)
    })
    const failed = (why: string): void => {
      if (this.#worker === worker) this.#giveUp(why)
    }
    worker.on('error', (error) => failed(error instanceof Error ? error.message : String(error)))
    worker.on('exit', (code) => failed(`it ended with ${code}`))
    return worker
  }

  #settle(answer: Answer): void {
    clearTimeout(this.#deadline)
    const asked = this.#current
    this.#current = undefined
    asked?.answered(answer)
    this.#next()
  }

  #giveUp(why: string): void {
    this.#options.warn(`screens: ${why}`)
    const worker = this.#worker
    this.#worker = undefined
    this.#advancing = false
    void worker?.terminate()
    this.#settle(undefined)
  }

  /** Ends the worker when nothing comes for a while. */
  #rest(): void {
    clearTimeout(this.#idle)
    if (!this.#worker || this.#advancing) return
    this.#idle = setTimeout(() => {
      if (this.#worker) this.#end(this.#worker)
    }, this.#options.idleAfterMs).unref()
  }

  #end(worker: Worker): void {
    clearTimeout(this.#idle)
    clearTimeout(this.#deadline)
    this.#worker = undefined
    this.#advancing = false
    this.#current?.answered(undefined)
    this.#current = undefined
    worker.postMessage({ kind: 'end' } satisfies ToWorker, [])
    const late = setTimeout(() => void worker.terminate(), endingMs)
    late.unref()
    worker.once('exit', () => clearTimeout(late))
  }
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error('aborted', { cause: reason }))
