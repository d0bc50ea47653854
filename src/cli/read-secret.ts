// Reads one line that nobody may see: without echo on a terminal, else the first line of what is piped in. It is returned, and kept nowhere.

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { signalExitCode, CommandFailed } from '../client/failures.ts'
import { readLines } from './read-lines.ts'
import type { Context } from './verb.ts'

export async function readSecret(context: Pick<Context, 'stdin' | 'err' | 'signal'>, prompt: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const aborted = (): void => reject(new CommandFailed('interrupted', 'nothing was changed', { exitCode: signalExitCode(context.signal.reason) }))
  context.signal.addEventListener('abort', aborted, { once: true })
  const stop = context.stdin.isTTY ? fromTerminal(context, prompt, resolve, reject) : fromPipe(context, resolve)
  try {
    return (await promise).trim()
  } finally {
    stop()
    context.signal.removeEventListener('abort', aborted)
  }
}

function fromPipe({ stdin }: Pick<Context, 'stdin'>, resolve: (line: string) => void): () => void {
  return readLines(stdin, resolve, () => resolve(''))
}

function fromTerminal({ stdin, err }: Pick<Context, 'stdin' | 'err'>, prompt: string, resolve: (line: string) => void, reject: (why: Error) => void): () => void {
  // Readline edits, and what it would show goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const editor = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 })
  err(prompt)
  editor.once('line', resolve)
  editor.once('SIGINT', () => reject(new CommandFailed('interrupted', 'nothing was changed', { exitCode: 130 })))
  editor.once('close', () => resolve(''))
  return () => {
    editor.close()
    err('\n')
  }
}
