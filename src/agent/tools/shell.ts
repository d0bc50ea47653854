// The tool that runs a command: a shell in a process group of its own, without the keys of models, ended with everything it started when it is cancelled or takes too long.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { printable } from '../../core/terminal-text.ts'
import { judgeCommand } from '../permission/command.ts'
import type { Workspace } from '../permission/workspace.ts'
import { signalGroup } from '../signal-group.ts'
import type { ToolResult } from '../thinker.ts'
import { type OwnTool, integer, maybeNumber, schema, string, text } from './step.ts'

export interface ShellFrom {
  readonly workspace: Workspace
  /** For the command; without secrets. */
  readonly env: Readonly<Record<string, string>>
  /** Puts a command into a sandbox. */
  readonly sandbox?: { readonly wrap: (argv: readonly string[]) => readonly string[]; readonly tidy: () => string | undefined }
}

const defaultTimeoutS = 120
const longestTimeoutS = 3600
/** What the model gets: the beginning and the end. */
const mostHead = 8 * 1024
const mostTail = 24 * 1024
/** A group that does not end when it is told to is killed. */
const patienceMs = 50
/** Somebody in the background may hold the pipes open for ever. */
const drainMs = 100
const printEveryMs = 100

const shellPath = existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh'

export function shellTool(from: ShellFrom): OwnTool {
  const { workspace } = from
  return {
    name: 'shell',
    description: `Runs a shell command in the workspace and gives what it printed. It has no terminal and no input. Ends after ${defaultTimeoutS} s unless timeout_s says otherwise (at most ${longestTimeoutS}).`,
    input: schema({ command: string('the command'), timeout_s: integer('seconds until it is ended') }, ['command']),
    look(input) {
      const command = text(input, 'command')
      const timeoutMs = Math.min(maybeNumber(input, 'timeout_s') ?? defaultTimeoutS, longestTimeoutS) * 1000
      const verdict = judgeCommand(command, (path) => workspace.place(path).inside)
      // The title is one line, in which what follows a comment looks like a part of it.
      const content = command.includes('\n') ? [{ type: 'content' as const, content: { type: 'text' as const, text: command } }] : []
      return {
        title: `\`${command}\``,
        kind: 'execute',
        paths: [],
        content,
        action: { kind: 'command', verdict },
        run: (signal, print) => runCommand(from, command, timeoutMs, signal, print),
      }
    },
  }
}

async function runCommand({ workspace, env, sandbox }: ShellFrom, command: string, timeoutMs: number, signal: AbortSignal, print: (text: string) => void): Promise<ToolResult> {
  const argv = [shellPath, '-c', command]
  const [program = shellPath, ...args] = sandbox ? sandbox.wrap(argv) : argv
  // A group of its own: whoever ends it ends all that it started.
  const child = spawn(program, args, { cwd: workspace.root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = new Printed()
  let told = 0
  let lastMs = 0
  const take = (decoder: StringDecoder, bytes: Buffer): void => {
    output.add(decoder.write(bytes))
    const nowMs = performance.now()
    if (nowMs - lastMs < printEveryMs || output.length === told) return
    lastMs = nowMs
    told = output.length
    print(printable(output.text()))
  }
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder('utf8')
    stream.on('data', (bytes: Buffer) => take(decoder, bytes))
  }
  const how = await ended(child, timeoutMs, signal)
  const planted = sandbox?.tidy()
  const said = printable(output.text()).trimEnd() || '(it printed nothing)'
  const more = [endingOf(how, timeoutMs), planted].filter((line) => line !== undefined)
  return { text: [said, ...more].join('\n'), failed: how.kind !== 'exit' || how.code !== 0 }
}

type Ending =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'not-started'; readonly why: string }

function endingOf(how: Ending, timeoutMs: number): string | undefined {
  switch (how.kind) {
    case 'exit':
      return how.code === 0 ? undefined : `(exit code ${how.code})`
    case 'signal':
      return `(ended by ${how.signal})`
    case 'timeout':
      return `(ended after ${timeoutMs / 1000} s, with all that it started)`
    case 'cancelled':
      return '(cancelled by the user)'
    case 'not-started':
      return `(it could not be started: ${how.why})`
  }
}

function ended(child: ChildProcess, timeoutMs: number, signal: AbortSignal): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>()
  let because: 'timeout' | 'cancelled' | undefined
  const end = (why: 'timeout' | 'cancelled'): void => {
    if (because) return
    because = why
    endGroup(child)
  }
  const cancel = (): void => end('cancelled')
  const timer = setTimeout(() => end('timeout'), timeoutMs)
  const close = (how: Ending): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', cancel)
    child.stdout?.destroy()
    child.stderr?.destroy()
    resolve(because ? { kind: because } : how)
  }
  child.once('error', (thrown) => close({ kind: 'not-started', why: thrown.message }))
  child.once('exit', (code, name) => {
    const how: Ending = name === null ? { kind: 'exit', code: code ?? 0 } : { kind: 'signal', signal: name }
    if (because) return close(how)
    const drained = setTimeout(() => close(how), drainMs)
    child.once('close', () => {
      clearTimeout(drained)
      close(how)
    })
  })
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })
  return promise
}

function endGroup(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  signalGroup(pid, 'SIGTERM')
  // Whether the shell itself has ended or not: the group lives for as long as one of it does.
  setTimeout(() => signalGroup(pid, 'SIGKILL'), patienceMs)
}

/** The beginning and the end of what was printed; memory does not grow with the rest. */
class Printed {
  #head = ''
  #tail = ''
  length = 0

  add(more: string): void {
    this.length += more.length
    const room = mostHead - this.#head.length
    if (room > 0) this.#head += more.slice(0, room)
    const rest = room > 0 ? more.slice(room) : more
    if (rest !== '') this.#tail = (this.#tail + rest).slice(-mostTail)
  }

  text(): string {
    const skipped = this.length - this.#head.length - this.#tail.length
    return skipped > 0 ? `${this.#head}\n… (${skipped} characters left out) …\n${this.#tail}` : this.#head + this.#tail
  }
}
