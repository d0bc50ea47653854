// What `bg` and `run` start, worked out from their arguments: the agent or program, where, with which environment, and under which title.

import { realpathSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { isRefusal } from '../core/errors.ts'
import type { LaunchSpec, ResumePolicy } from '../core/events.ts'
import type { Submission } from '../core/api.ts'
import { printableLine } from '../core/terminal-text.ts'
import { cut } from './format.ts'
import { failureOf, usageError } from './failures.ts'
import { newId, ownEnvironment } from './submit.ts'
import { type Args, type Context, type Input, type OptionSpec, flag, text, texts } from './verb.ts'

export const launchOptions: Readonly<Record<string, OptionSpec>> = {
  agent: { type: 'string', short: 'a', value: 'NAME', help: 'which agent: a name of "offstage agents", or "acp:COMMAND LINE"' },
  label: { type: 'string', short: 'l', value: 'TEXT', help: 'a name for lists and for switch' },
  cwd: { type: 'string', short: 'C', value: 'DIR', help: 'where it works (default: here)' },
  'in-place': { type: 'boolean', help: 'work in the directory itself, which is the default' },
  model: { type: 'string', value: 'M', help: "the agent's own name of a model" },
  mode: { type: 'string', value: 'M', help: "the agent's own name of a mode" },
  resume: { type: 'string', value: 'P', help: 'what happens when its agent is lost: ask, auto (it is started again) or never' },
  env: { type: 'string', multiple: true, value: 'K=V', help: 'one more variable of its environment' },
  'no-tty': { type: 'boolean', help: 'with "--": connect the program by pipes, not by a terminal' },
}

/** What `--resume` takes, and what each means. */
export const resumePolicies: Readonly<Record<ResumePolicy, string>> = {
  ask: 'wait until you resume it',
  auto: 'start it again, and tell it nothing',
  never: 'let it be',
}

const longestTitle = 80

/** The submission that creates the session. Throws a usage failure for what cannot be meant. */
export async function launchFrom(context: Context, args: Args, promptNeeded: boolean): Promise<Submission> {
  const extra = variables(texts(args, 'env'))
  const cwd = directory(context, text(args, 'cwd'))
  const label = text(args, 'label')
  const labelled = label === undefined || label === '' ? {} : { label }
  const own = { ...ownEnvironment(context.env), ...extra }
  const { program } = args
  if (program !== undefined) {
    const spec = programSpec(context, args, program, cwd)
    const { commandLine } = await import('../config/agents.ts')
    return { session: newId(), commandId: newId(), command: { type: 'create', spec, title: titleOf(commandLine(program)), ...labelled }, environment: own }
  }
  if (flag(args, 'no-tty')) throw usageError('--no-tty needs a program', 'for example: offstage bg --no-tty -- npm test')
  const prompt = await promptFrom(context, args.words)
  if (prompt === '' && promptNeeded) throw usageError('what is it to do? There is no prompt', 'for example: offstage bg "add a test for the parser"')
  const { agent, spec } = await agentSpec(context, args, cwd, prompt)
  const told = prompt === '' || spec.kind === 'terminal' ? {} : { prompt }
  const environment = { ...ownEnvironment(context.env), ...agent.env, ...extra }
  return { session: newId(), commandId: newId(), command: { type: 'create', spec, title: titleOf(prompt === '' ? agent.name : prompt), ...labelled, ...told }, environment }
}

export const titleOf = (text: string): string => cut(printableLine(text.trim().split('\n', 1)[0] ?? ''), longestTitle)

/** The environment for a run of this agent that a prompt or `resume` may start. */
export async function environmentFor(context: Context, agentName: string, cwd: string, extra: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const own = ownEnvironment(context.env)
  const { resolveAgent, config } = await agentsAndConfig(context, cwd)
  // An agent that is not there any more says so when it is started.
  const agent = resolveAgent(agentName, config, { PATH: extra['PATH'] ?? own['PATH'] })
  return { ...own, ...(isRefusal(agent) ? {} : agent.env), ...extra }
}

async function agentsAndConfig(context: Context, cwd: string) {
  const [{ pathsFrom }, { loadConfig }, { resolveAgent }] = await Promise.all([import('../config/paths.ts'), import('../config/config.ts'), import('../config/agents.ts')])
  const { configFile } = pathsFrom(context.env, process.getuid?.() ?? 0)
  return { resolveAgent, config: await loadConfig({ configFile, cwd }) }
}

async function agentSpec(context: Context, args: Args, cwd: string, prompt: string) {
  const { resolveAgent, config } = await agentsAndConfig(context, cwd)
  const agent = resolveAgent(text(args, 'agent'), config, { PATH: context.env['PATH'] })
  if (isRefusal(agent)) throw failureOf(agent)
  const model = text(args, 'model')
  const mode = text(args, 'mode')
  const resume = resumePolicy(text(args, 'resume')) ?? config.resume
  const wishes = { ...(resume === 'ask' ? {} : { resume }), ...(model === undefined ? {} : { model }), ...(mode === undefined ? {} : { mode }) }
  // A terminal program takes keystrokes and no prompts, but nearly all agents of that sort take a first one as their argument.
  const spec: LaunchSpec =
    agent.driver === 'acp'
      ? { kind: 'agent', driver: 'acp', agent: agent.name, argv: agent.argv, cwd, ...wishes }
      : { kind: 'terminal', driver: 'terminal', agent: agent.name, argv: prompt === '' ? agent.argv : [...agent.argv, prompt], cwd, size: terminalSize(context), ...wishes }
  return { agent, spec }
}

const isResumePolicy = (text: string): text is ResumePolicy => Object.hasOwn(resumePolicies, text)

function resumePolicy(given: string | undefined): ResumePolicy | undefined {
  if (given !== undefined && !isResumePolicy(given)) throw usageError(`"${given}" is no resume policy`, `one of: ${Object.keys(resumePolicies).join(', ')}`)
  return given
}

function programSpec(context: Context, args: Args, program: readonly string[], cwd: string): LaunchSpec {
  const [name] = program
  if (name === undefined || name === '') throw usageError('which program? Nothing follows "--"', 'for example: offstage bg -- npm test')
  if (args.words.length > 0) throw usageError('a prompt and a program cannot both be given', 'the program takes no prompt: leave out what stands before "--"')
  const unfit = ['agent', 'model', 'mode', 'resume'].find((option) => args.values[option] !== undefined)
  if (unfit !== undefined) throw usageError(`--${unfit} is for agents, not for a program`, 'leave it out')
  if (program.some((word) => word.includes('\0'))) throw usageError('the command holds a zero byte')
  const common = { kind: 'terminal', agent: basename(name), argv: program, cwd } as const
  return flag(args, 'no-tty') ? { ...common, driver: 'command' } : { ...common, driver: 'terminal', size: terminalSize(context) }
}

const terminalSize = ({ stdout }: Context) => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 })

function directory(context: Context, given: string | undefined): string {
  const path = resolve(context.cwd, given ?? '.')
  try {
    const real = realpathSync(path)
    if (statSync(real).isDirectory()) return real
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    throw usageError(code === 'ENOENT' ? `there is no directory ${path}` : `cannot use ${path} (${code})`, '--cwd takes a directory that exists')
  }
  throw usageError(`${path} is not a directory`, '--cwd takes a directory')
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
