// Asks a program of the system (systemctl, loginctl, git ...) and returns what it said. Nothing is ever started with this; agents are the keeper's.

import { execFile } from 'node:child_process'

export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Undefined when there is no such program, or when it does not answer in time. */
export type AskProgram = (program: string, args: readonly string[]) => Promise<Said | undefined>

const answersWithinMs = 20_000

export const askWith =
  (env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): AskProgram =>
  (program, args) =>
    new Promise((resolve) => {
      execFile(program, [...args], { env: { ...env, LC_ALL: 'C' }, signal, timeout: answersWithinMs, killSignal: 'SIGKILL', encoding: 'utf8' }, (cause, out, err) => {
        if (!cause) resolve({ code: 0, out, err })
        else if (typeof cause.code === 'number') resolve({ code: cause.code, out, err })
        else resolve(undefined)
      })
    })
