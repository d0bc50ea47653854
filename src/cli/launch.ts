// What `bg` and `run` start, from their arguments.

import type { Submission } from '../core/api.ts'
import type { ResumePolicy } from '../core/events.ts'
import { printableLine } from '../core/terminal-text.ts'
import { usageError } from '../client/failures.ts'
import { directoryAt, launchAgent, launchProgram } from '../client/launch.ts'
import { programSize } from '../client/program-size.ts'
import { type Args, type Context, type Input, type OptionSpec, flag, text, texts } from './verb.ts'

export const launchOptions: Readonly<Record<string, OptionSpec>> = {
  agent: { type: 'string', short: 'a', value: 'NAME', help: 'which agent: a name of "offstage agents", or "acp:COMMAND LINE"' },
  label: { type: 'string', short: 'l', value: 'TEXT', help: 'a name for lists and for switch' },
  cwd: { type: 'string', short: 'C', value: 'DIR', help: 'where it works (default: here)' },
  'in-place': { type: 'boolean', help: 'work in the directory itself, which is the default' },
  model: { type: 'string', value: 'M', help: "the agent's own name of a model" },
  mode: { type: 'string', value: 'M', help: "the agent's own name of a mode" },
  terminal: { type: 'boolean', help: 'the agent in its own terminal screen, though it may have another way' },
  resume: { type: 'string', value: 'P', help: 'what happens when its agent is lost: ask, auto (it is started again) or never' },
  continues: { type: 'string', value: 'REF', help: 'go on with this conversation of the agent\'s own: see "offstage agents --sessions NAME"' },
  env: { type: 'string', multiple: true, value: 'K=V', help: 'one more variable of its environment' },
  'no-tty': { type: 'boolean', help: 'with "--": connect the program by pipes, not by a terminal' },
}

/** What `--resume` takes, and what each means. */
export const resumePolicies: Readonly<Record<ResumePolicy, string>> = {
  ask: 'wait until you resume it',
  auto: 'start it again, and tell it nothing',
  never: 'let it be',
}

/** The submission that creates the session. Throws a usage failure for what cannot be meant. */
export async function launchFrom(context: Context, args: Args, promptNeeded: boolean): Promise<Submission> {
  const { program } = args
  const { columns, rows, isTTY } = context.stdout
  const size = { columns: columns || 80, rows: rows || 24 }
  const wishes = {
    extra: variables(texts(args, 'env')),
    cwd: directoryAt(context.cwd, text(args, 'cwd')),
    label: text(args, 'label'),
    size: isTTY ? await programSize(context.env, size) : size,
  }
  if (program !== undefined) {
    if (args.words.length > 0) throw usageError('a prompt and a program cannot both be given', 'the program takes no prompt: leave out what stands before "--"')
    const unfit = ['agent', 'model', 'mode', 'resume', 'terminal', 'continues'].find((option) => args.values[option] !== undefined)
    if (unfit !== undefined) throw usageError(`--${unfit} is for agents, not for a program`, 'leave it out')
    return launchProgram(context.env, { ...wishes, argv: program, pipes: flag(args, 'no-tty') })
  }
  if (flag(args, 'no-tty')) throw usageError('--no-tty needs a program', 'for example: offstage bg --no-tty -- npm test')
  const prompt = await promptFrom(context, args.words)
  if (prompt === '' && promptNeeded) throw usageError('what is it to do? There is no prompt', 'for example: offstage bg "add a test for the parser"')
  const resume = resumePolicy(text(args, 'resume'))
  return launchAgent(context.env, {
    ...wishes,
    agent: text(args, 'agent'),
    prompt,
    model: text(args, 'model'),
    mode: text(args, 'mode'),
    resume,
    continues: conversationId(text(args, 'continues')),
    terminal: flag(args, 'terminal'),
    warn: (line) => context.err(`offstage: ${printableLine(line)}\n`),
  })
}

const longestId = 1000

function conversationId(given: string | undefined): string | undefined {
  if (given === undefined || (given !== '' && given.length <= longestId && !given.includes('\0'))) return given
  throw usageError("--continues takes the agent's own id of a conversation", 'offstage agents --sessions NAME lists them')
}

const isResumePolicy = (text: string): text is ResumePolicy => Object.hasOwn(resumePolicies, text)

function resumePolicy(given: string | undefined): ResumePolicy | undefined {
  if (given !== undefined && !isResumePolicy(given)) throw usageError(`"${given}" is no resume policy`, `one of: ${Object.keys(resumePolicies).join(', ')}`)
  return given
}

export function variables(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      // It is not repeated in the message: it may be a secret.
      if (at <= 0 || pair.includes('\0')) throw usageError('--env takes NAME=VALUE', 'for example: --env LANG=C')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

async function promptFrom(context: Context, words: readonly string[]): Promise<string> {
  if (words.length === 1 && words[0] === '-') return (await readAll(context.stdin)).trim()
  return words.join(' ').trim()
}

/** Everything that comes on a stream, as text. */
export async function readAll(stream: Input): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(Buffer.from(part))
  return Buffer.concat(parts).toString('utf8')
}
