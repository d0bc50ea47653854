// What a verb is: data for help and for reading its arguments, and one function. What it may touch is in its Context, nothing else.

import type { Client } from '../sdk/client.ts'

export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  /** How help writes its value, e.g. `DIR`. Completion goes by it. */
  readonly value?: string
  readonly help: string
  /** Accepted and not shown. */
  readonly hidden?: boolean
}

export interface Args {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>
  /** The words before `--`. */
  readonly words: readonly string[]
  /** What followed `--`, or undefined without one. */
  readonly program: readonly string[] | undefined
}

export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
  setRawMode?(on: boolean): unknown
}

export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface Context {
  /** The daemon, started if there is none; connects at the first call. */
  readonly client: () => Promise<Client>
  /** The daemon if there is one, else DaemonUnreachable. Not shared. */
  readonly existingClient: () => Promise<Client>
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly json: boolean
  /** Whether stdout takes colours. */
  readonly color: boolean
  /** Aborted by SIGINT, SIGTERM and SIGHUP, with the name of the signal as its reason. */
  readonly signal: AbortSignal
  readonly now: () => number
  /** Runs `offstage` with these arguments on its own, outliving this process. */
  readonly detach: (args: readonly string[]) => void
}

export interface Verb {
  readonly name: string
  readonly aliases: readonly string[]
  readonly summary: string
  /** What follows `offstage `, one form a line. Completion goes by it: `ID` is a session, `CHOICE` an answer, small letters with `|` are words to choose from. */
  readonly usage: readonly string[]
  /** More to know, a paragraph each. */
  readonly about?: readonly string[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /** How many words it takes and what they are called. */
  readonly words: { readonly min: number; readonly max: number; readonly name: string }
  /** Takes a command after `--`; for the others `--` only ends the options. */
  readonly program?: boolean
  readonly examples: readonly string[]
  /** The exit code. */
  readonly run: (context: Context, args: Args) => Promise<number>
}

export const jsonOption: OptionSpec = { type: 'boolean', help: 'print JSON' }

export const flag = (args: Args, name: string): boolean => args.values[name] === true

export function text(args: Args, name: string): string | undefined {
  const value = args.values[name]
  return typeof value === 'string' ? value : undefined
}

export function texts(args: Args, name: string): readonly string[] {
  const value = args.values[name]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** The first word; `words.min` promises that there is one. */
export const word = (args: Args, index = 0): string => args.words[index] ?? ''
