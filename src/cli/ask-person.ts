// A question to the person at the terminal that a command was typed in, before anything is done. Never asked where nobody can answer.

import { createInterface } from 'node:readline'
import { CommandFailed, signalExitCode } from '../client/failures.ts'
import type { Context } from './verb.ts'

/** Whether somebody sits there who can be asked. */
export const canAsk = ({ stdin, stderr, json }: Pick<Context, 'stdin' | 'stderr' | 'json'>): boolean => stdin.isTTY === true && stderr.isTTY === true && !json

/** One line, trimmed; '' for Enter and for the end of input. Ctrl-C throws CommandFailed: nothing was done. */
export async function askLine({ stdin, stderr, signal }: Pick<Context, 'stdin' | 'stderr' | 'signal'>, question: string): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const editor = createInterface({ input: stdin, output: stderr, terminal: true, historySize: 0 })
  const nothingDone = (exitCode: number): CommandFailed => new CommandFailed('interrupted', 'nothing was changed', { exitCode })
  const aborted = (): void => reject(nothingDone(signalExitCode(signal.reason)))
  signal.addEventListener('abort', aborted, { once: true })
  editor.once('SIGINT', () => reject(nothingDone(130)))
  editor.once('close', () => resolve(undefined))
  editor.question(question, resolve)
  try {
    return (await promise)?.trim()
  } finally {
    editor.close()
    signal.removeEventListener('abort', aborted)
  }
}

/** Enter and the end of input are no. */
export async function confirmed(context: Pick<Context, 'stdin' | 'stderr' | 'signal'>, question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await askLine(context, `${question} [y/N] `)) ?? '')
}

/** The letter of one of these choices; Enter is the first. Asked until one is given; the end of input is undefined. */
export async function choiceOf(context: Pick<Context, 'stdin' | 'stderr' | 'signal'>, question: string, letters: readonly string[]): Promise<string | undefined> {
  for (;;) {
    const line = await askLine(context, question)
    if (line === undefined) return undefined
    const chosen = line === '' ? letters[0] : letters.find((letter) => letter === line.toLowerCase())
    if (chosen !== undefined) return chosen
  }
}
