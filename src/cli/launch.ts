// What `bg` and `run` start, from their arguments.

import type { Submission } from '../core/api.ts'
import type { ResumePolicy } from '../core/events.ts'
import { printableLine } from '../core/terminal-text.ts'
import { usageError } from '../client/failures.ts'
import { directoryAt, launchAgent, launchProgram } from '../client/launch.ts'
import { programSize } from '../client/program-size.ts'
import type { TreeWishes } from '../client/tree-wishes.ts'
import type { Place } from '../core/workspace.ts'
import type { CarryWish, placed } from './launch-place.ts'
import { type Args, type Context, type Input, type OptionSpec, flag, text, texts } from './verb.ts'

export const launchOptions: Readonly<Record<string, OptionSpec>> = {
  agent: { type: 'string', short: 'a', value: 'NAME', help: 'which agent: a name of "offstage agents", or "acp:COMMAND LINE"' },
  label: { type: 'string', short: 'l', value: 'TEXT', help: 'a name for lists and for switch' },
  cwd: { type: 'string', short: 'C', value: 'DIR', help: 'where it works (default: here)' },
  worktree: { type: 'boolean', short: 'w', help: 'work in a worktree of its own, on a branch of its own' },
  'in-place': { type: 'boolean', help: 'work in the directory itself (default: a worktree where another session works or changes are not committed)' },
  carry: { type: 'boolean', help: 'take changes that are not committed along into the worktree' },
  'no-carry': { type: 'boolean', help: 'start the worktree from HEAD, and do not ask' },
  untracked: { type: 'string', multiple: true, value: 'PATH', help: 'take this new file or folder along too; "all" takes all of them' },
  check: { type: 'string', multiple: true, value: 'CMD', help: "Offstage runs it when a turn is done, instead of the project's own checks" },
  'no-checks': { type: 'boolean', help: "without the project's own checks" },
  'check-retries': { type: 'string', value: 'N', help: 'tell the agent of failed checks, at most so often in a row (default: 0)' },
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

export interface Launch {
  readonly submission: Submission
  /** What there was before it; undefined where nobody asked. */
  readonly place: Place | undefined
}

/** The submission that creates the session, once the person was asked what there is to ask. Throws a usage failure for what cannot be meant. */
export async function launchFrom(context: Context, args: Args, promptNeeded: boolean): Promise<Launch> {
  const { program } = args
  const { wishes: tree, carry } = treeWishes(args)
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
    const unfit = ['agent', 'model', 'mode', 'resume', 'terminal', 'continues', 'check', 'no-checks', 'check-retries'].find((option) => args.values[option] !== undefined)
    if (unfit !== undefined) throw usageError(`--${unfit} is for agents, not for a program`, 'leave it out')
    const there = tree.workspace === undefined ? { wishes: tree, place: undefined } : await placedAt(context, wishes.cwd, tree, carry, 'program')
    return { submission: await launchProgram(context.env, { ...wishes, tree: there.wishes, argv: program, pipes: flag(args, 'no-tty') }), place: there.place }
  }
  if (flag(args, 'no-tty')) throw usageError('--no-tty needs a program', 'for example: offstage bg --no-tty -- npm test')
  const prompt = await promptFrom(context, args.words)
  if (prompt === '' && promptNeeded) throw usageError('what is it to do? There is no prompt', 'for example: offstage bg "add a test for the parser"')
  const resume = resumePolicy(text(args, 'resume'))
  // What cannot be started is said before anything is asked.
  const submission = await launchAgent(context.env, {
    ...wishes,
    tree,
    agent: text(args, 'agent'),
    prompt,
    model: text(args, 'model'),
    mode: text(args, 'mode'),
    resume,
    continues: conversationId(text(args, 'continues')),
    terminal: flag(args, 'terminal'),
    warn: (line) => context.err(`offstage: ${printableLine(line)}\n`),
  })
  const { wishes: asked, place } = await placedAt(context, wishes.cwd, tree, carry, 'agent')
  if (submission.command.type !== 'create') return { submission, place }
  const { workspace, carries } = asked
  const spec = { ...submission.command.spec, ...(workspace === undefined ? {} : { workspace }), ...(carries === undefined ? {} : { carries }) }
  return { submission: { ...submission, command: { ...submission.command, spec } }, place }
}

/** Loaded only where something may be asked. */
const placedAt = async (...given: Parameters<typeof placed>): ReturnType<typeof placed> => (await import('./launch-place.ts')).placed(...given)

function treeWishes(args: Args): { readonly wishes: TreeWishes; readonly carry: CarryWish } {
  for (const [one, other] of [
    ['worktree', 'in-place'],
    ['carry', 'no-carry'],
    ['check', 'no-checks'],
  ] as const)
    if (args.values[one] !== undefined && args.values[other] !== undefined) throw usageError(`--${one} and --${other} exclude each other`, 'leave one of them out')
  const untracked = texts(args, 'untracked')
  const taken = flag(args, 'carry') ? 'carry' : untracked.length > 0 ? 'untracked' : undefined
  if (taken !== undefined && flag(args, 'in-place')) throw usageError(`--${taken} is for a worktree`, 'with --in-place it works in the directory as it is')
  if (untracked.length > 0 && flag(args, 'no-carry')) throw usageError('--untracked and --no-carry exclude each other', 'leave one of them out')
  const checks = texts(args, 'check')
  if (checks.some((check) => check.trim() === '' || check.includes('\0'))) throw usageError('--check takes a command', 'for example: --check "npm test"')
  const retries = text(args, 'check-retries')
  if (retries !== undefined && !/^\d{1,3}$/.test(retries)) throw usageError(`"${retries}" is no number of retries`, 'for example: --check-retries 2')
  const workspace = flag(args, 'worktree') ? 'worktree' : flag(args, 'in-place') ? 'in-place' : undefined
  return {
    wishes: {
      workspace,
      checks: flag(args, 'no-checks') ? [] : checks.length > 0 ? checks : undefined,
      checkRetries: retries === undefined ? undefined : Number(retries),
    },
    carry: { carry: flag(args, 'carry') ? true : flag(args, 'no-carry') ? false : undefined, untracked },
  }
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
