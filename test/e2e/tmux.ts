// A real terminal that we did not write: tmux with a server of its own. Keys in, screens out.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { TestHome } from '../home.ts'
import { settle } from '../home.ts'
import { launcher } from './offstage.ts'

export const hasTmux = ((): boolean => {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

export class Tmux {
  readonly #home: TestHome
  readonly #socket: string

  /** A bash at its prompt `ready$ ` in which `offstage` is the command of this checkout. */
  constructor(home: TestHome, size: { readonly columns: number; readonly rows: number }) {
    this.#home = home
    this.#socket = join(home.folder, 'tmux')
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(size.columns), '-y', String(size.rows), 'env', 'PS1=ready$ ', 'bash', '--norc', '--noprofile')
    this.type(`offstage() { '${process.execPath}' '${launcher}' "$@"; }; clear`)
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { cwd: this.#home.project, env: { ...this.#home.env }, encoding: 'utf8' })
  }

  /** A line and Enter. */
  type(line: string): void {
    this.#tmux('send-keys', '-l', '--', line)
    this.#tmux('send-keys', 'Enter')
  }

  /** Keys by tmux's names: `C-c`, `Escape`. */
  keys(...keys: string[]): void {
    this.#tmux('send-keys', ...keys)
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  screen(): string {
    return this.#tmux('capture-pane', '-p').trimEnd()
  }

  /** What is shown with its colours, and the modes that a program has set. */
  state(): { readonly screen: string; readonly modes: string } {
    const modes = [
      'cursor_x',
      'cursor_y',
      'cursor_flag',
      'alternate_on',
      'insert_flag',
      'keypad_cursor_flag',
      'keypad_flag',
      'mouse_any_flag',
      'mouse_sgr_flag',
      'origin_flag',
      'wrap_flag',
    ]
    const margins = ['scroll_region_upper', 'scroll_region_lower']
    return {
      screen: this.#tmux('capture-pane', '-p', '-e'),
      modes: this.#tmux('display-message', '-p', [...modes, ...margins].map((name) => `${name}=#{${name}}`).join(' ')).trim(),
    }
  }

  /** The screen as soon as it is like that. Throws with the last one after 15 s. */
  async see(like: RegExp): Promise<string> {
    const screen = await settle(
      () => this.screen(),
      (seen) => like.test(seen),
      15_000,
    )
    if (!like.test(screen)) throw new Error(`no ${like} on the screen:\n${screen}`)
    return screen
  }

  [Symbol.dispose](): void {
    this.#tmux('kill-server')
  }
}
