// A tmux server of our own, on a socket of its own, without the user's configuration. Ends it by its pid.

import { spawn } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, sweep, until } from './processes.ts'
import { type Program, output, programMs } from './samples.ts'

export class Tmux implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
  readonly pid: number
  readonly #folder: string

  constructor() {
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), 'ob-tmux-')))
    this.env = { HOME: this.#folder, TMUX_TMPDIR: this.#folder, PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/sh' }
    this.run('start-server', ';', 'set', '-g', 'exit-empty', 'off', ';', 'set', '-g', 'status', 'off', ';', 'set', '-g', 'history-limit', '50000')
    this.pid = Number(this.run('display-message', '-p', '#{pid}'))
  }

  program(...args: readonly string[]): Program {
    return { command: 'tmux', args: ['-L', 'bench', '-f', '/dev/null', ...args], env: this.env }
  }

  run(...args: readonly string[]): string {
    return output(this.program(...args))
  }

  runMs(...args: readonly string[]): number {
    return programMs(this.program(...args))
  }

  /** Like `run`, but what happens meanwhile is not held up. */
  async wait(channel: string): Promise<void> {
    const { command, args, env } = this.program('wait-for', channel)
    const child = spawn(command, args, { env: { ...env }, stdio: 'ignore' })
    await new Promise((resolve) => child.once('exit', resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.kill(this.pid, 'SIGTERM')
    await until('the end of tmux', () => !isAlive(this.pid))
    await sweep(this.#folder)
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
