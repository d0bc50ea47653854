// `offstage agents`: which agents can be used here, the user's own first; `--check` starts one and tells what it can.

import { isRefusal } from '../../core/errors.ts'
import { printableLine, plainText } from '../../core/terminal-text.ts'
import { type KnownVersion, adviceFor, agentLines, agentsHere } from '../../client/agents.ts'
import { exitCodes, failureOf, refusedError, usageError } from '../../client/failures.ts'
import { ownConfig } from '../../client/own-config.ts'
import { ownEnvironment } from '../../client/submit.ts'
import type { AgentListing } from '../../config/agents.ts'
import { isOlder, versionOf } from '../../config/programs.ts'
import { commandLine } from '../../config/shell-words.ts'
import { jsonText, padded, painter, tabbed } from '../../text/format.ts'
import { askVersion } from '../ask-agent.ts'
import { type CheckedAgent, checkAgent } from '../check-agent.ts'
import { type Args, type Context, type Verb, jsonOption, text } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const name = text(args, 'check')
  if (args.words.length > 0) return await (await import('../agent-hooks.ts')).agentHooks(context, args)
  const whose = text(args, 'sessions')
  if (name !== undefined && whose !== undefined) throw usageError('--check and --sessions cannot both be given', 'leave one of them out')
  if (whose !== undefined) return await sessionsOf(context, whose)
  return name === undefined ? await listed(context) : await checked(context, name)
}

async function listed(context: Context): Promise<number> {
  const here = await agentsHere(context.env, context.cwd)
  const known = await versionsOf(here.agents, context)
  const { agents } = here
  if (context.json)
    context.out(
      `${jsonText(
        agents.map((agent) => inJson(agent, known)),
        2,
      )}\n`,
    )
  else if (!context.stdout.isTTY) context.out(agents.map((agent) => `${tabbed(inColumns(agent, known))}\n`).join(''))
  else context.out(`${agentLines(here, painter(context.color), known).join('\n')}\n`)
  return exitCodes.done
}

/** Asks every program that is installed, all at once. */
async function versionsOf(agents: readonly AgentListing[], { env, signal }: Context): Promise<KnownVersion> {
  const ways = agents.flatMap((agent) => (agent.name === ownName ? [] : agent.ways.filter((way) => way.installed && way.install !== null)))
  const programs = [...new Set(ways.map(({ argv: [program] }) => program))]
  const said = new Map(await Promise.all(programs.map(async (program) => [program, versionOf((await askVersion(program, env, signal)) ?? '')] as const)))
  const { packageVersion } = await import('../../config/package-root.ts')
  return (way) => {
    const version = way.argv[0] === ownName ? packageVersion : said.get(way.argv[0])
    return version === undefined ? undefined : { version, tooOld: way.leastVersion !== null && isOlder(version, way.leastVersion) }
  }
}

const ownName = 'offstage'

const versionIn = ({ ways: [taken] }: AgentListing, known: KnownVersion): string | null => (taken && known(taken)?.version) ?? null

const inJson = (agent: AgentListing, known: KnownVersion): object => ({
  ...agent,
  version: versionIn(agent, known),
  tooOld: agent.ways.some((way) => known(way)?.tooOld === true),
  ways: agent.ways.map((way) => ({ ...way, argv: undefined, command: commandLine(way.argv), version: known(way)?.version ?? null })),
  advice: adviceFor(agent, known),
})

const inColumns = (agent: AgentListing, known: KnownVersion): readonly string[] => [
  agent.name,
  agent.installed ? 'installed' : 'missing',
  agent.protocol,
  agent.default ? 'default' : '',
  agent.command,
  agent.install ?? '',
  versionIn(agent, known) ?? '',
  agent.loggedIn === null ? '' : agent.loggedIn ? 'logged-in' : 'logged-out',
]

/** What is started to ask an agent about itself. Throws for one that cannot be asked. */
async function askable(context: Context, name: string, forWhat: string) {
  const [{ resolveAgent }, { config }, { packageRoot, packageVersion }] = await Promise.all([
    import('../../config/agents.ts'),
    ownConfig(context.env, context.cwd),
    import('../../config/package-root.ts'),
  ])
  const agent = resolveAgent(name, config, context.env, { prompt: '', conversation: '' })
  if (isRefusal(agent)) throw failureOf(agent)
  if (agent.driver !== 'acp') throw refusedError('not-supported', `agent ${name} is a program in a terminal: it cannot be asked ${forWhat}`, `try it: offstage run --agent ${name}`)
  const argv = agent.known?.own ? [process.execPath, `${packageRoot}/bin/offstage.cjs`, ...agent.argv.slice(1)] : agent.argv
  const env = { ...ownEnvironment(context.env), ...agent.env }
  return { agent, argv, env, version: packageVersion, deadlineMs: config.initializeTimeoutMs }
}

async function sessionsOf(context: Context, name: string): Promise<number> {
  const { agent, ...asking } = await askable(context, name, 'for its conversations')
  return await (await import('../agent-sessions.ts')).ownSessions(context, { ...asking, name, login: agent.known?.login.how })
}

async function checked(context: Context, name: string): Promise<number> {
  const { agent, argv, ...asking } = await askable(context, name, 'what it can')
  const found = await checkAgent({ argv, ...asking }, context.signal)
  const isModeMissing = agent.mode !== undefined && found.answers && !found.needsLogin && !found.modes.includes(agent.mode)
  const isNamed = agent.mode !== agent.known?.acp?.mode
  const problem = isModeMissing
    ? `it does not offer mode "${agent.mode}"${isNamed ? ': sessions with it are refused' : ', in which it asks you: every session asks which one to take'}`
    : found.problem
  const fine = found.answers && !isModeMissing
  const result = { name, command: commandLine(argv), mode: agent.mode ?? null, ok: fine && !found.needsLogin, ...found, problem }
  if (context.json) context.out(`${jsonText(result, 2)}\n`)
  else context.out(report(context, result, agent.known?.login.how))
  return result.ok ? exitCodes.done : exitCodes.failed
}

const stderrLines = 8
const shownChoices = 12

function report(
  context: Context,
  found: CheckedAgent & { readonly name: string; readonly command: string; readonly mode: string | null; readonly ok: boolean },
  login: string | undefined,
): string {
  const paint = painter(context.color)
  const row = (name: string, value: string | null | undefined): readonly string[] => (value ? [`   ${padded(name, 12)}${printableLine(value)}`] : [])
  const current = (all: readonly string[], now: string | null): string => {
    const more = all.length > shownChoices ? [`and ${all.length - shownChoices} more`] : []
    return [...all.slice(0, shownChoices).map((one) => (one === now ? `${one} (now)` : one)), ...more].join(', ')
  }
  const stderr = found.ok ? [] : plainText(Buffer.from(found.stderr)).trimEnd().split('\n').slice(-stderrLines)
  return [
    ` ${found.ok ? paint.status('completed', '✓') : paint.status('failed', '✗')} ${printableLine(found.name)}  ${[found.agent, found.version]
      .filter((part) => part !== null)
      .map((part) => printableLine(part))
      .join(' ')}`,
    ...row('problem', found.problem),
    ...(found.needsLogin ? row('log in', login) : []),
    ...row('command', found.command),
    ...row('protocol', found.protocolVersion === null ? null : `ACP ${found.protocolVersion}`),
    ...row('ready after', found.readyMs === null ? null : `${found.readyMs} ms`),
    ...row('modes', current(found.modes, found.currentMode)),
    ...row('mode set', found.mode),
    ...row('models', current(found.models, found.currentModel)),
    ...row('can', found.can.join(', ')),
    ...row('log in by', found.authMethods.join(', ')),
    ...(stderr.join('') === '' ? [] : ['', ' the end of stderr', ...stderr.map((line) => `   ${line}`)]),
    '',
  ].join('\n')
}

const verb: Verb = {
  name: 'agents',
  aliases: [],
  summary: 'list the agents that can be used',
  usage: ['agents', 'agents --check NAME', 'agents --sessions NAME', 'agents hooks NAME [--undo]'],
  about: [
    'Asks every installed program for its version, and looks for logins without using them: what cannot be told is left out.',
    'Into a pipe it prints one line each, tab-separated: name, installed or missing, protocol, default, command, how to install it, version, logged-in or logged-out.',
    'With --sessions one line each, newest first: id, when it was last changed, title. "offstage run --agent NAME --continues ID" goes on with one.',
    '"hooks" shows what would be added to the own settings of an agent, so that it reports its state to the terminal of its session, and writes it only if you say so. Where Offstage does not run it, the hooks do nothing.',
  ],
  options: {
    yes: { type: 'boolean', help: 'with hooks: make the change that is shown' },
    undo: { type: 'boolean', help: 'with hooks: take them out again' },
    check: { type: 'string', value: 'NAME', help: 'start it in an empty directory, without a prompt, and tell what it can' },
    sessions: { type: 'string', value: 'NAME', help: 'start it here, without a prompt, and list the conversations that it has had on its own in this directory' },
    json: { ...jsonOption, help: 'print one JSON array; with --check one object' },
  },
  words: { min: 0, max: 2, name: 'hooks and an agent' },
  examples: ['offstage agents', 'offstage agents --check gemini', 'offstage agents --sessions codex', 'offstage agents hooks claude'],
  run,
}

export default verb
