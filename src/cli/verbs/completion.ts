// `offstage completion`: the script with which a shell completes commands, options, ids and labels. The script asks back, with `-- WORDS...`, at every Tab: the answer comes at once or is empty.

import type { AgentListing } from '../../config/agents.ts'
import type { SessionView } from '../../core/view.ts'
import { bash } from '../completion/bash.ts'
import { type Facts, complete } from '../completion/complete.ts'
import { fish } from '../completion/fish.ts'
import type { Shell } from '../completion/shell.ts'
import { zsh } from '../completion/zsh.ts'
import { exitCodes, usageError } from '../../client/failures.ts'
import { allSessions } from '../../client/find.ts'
import { nearest } from '../../text/nearest.ts'
import type { Args, Context, Verb } from '../verb.ts'
import type { VerbEntry } from './index.ts'

const shells: Readonly<Record<string, Shell>> = { bash, zsh, fish }

/** A person waits with a finger on the key. From the start of this process; a tenth of a second with its end. */
const answersWithinMs = 85

async function run(context: Context, args: Args, verbs: readonly VerbEntry[]): Promise<number> {
  const shell = shellFrom(context, args.words[0])
  if (args.program === undefined) context.out(shell.script)
  else {
    const facts: Facts = { verbs, sessions: () => sessionsInTime(context), agents: () => agentsInTime(context) }
    const lines = await shell.answer(args.program, (words) => complete(words, facts))
    context.out(lines.map((line) => `${line}\n`).join(''))
  }
  return exitCodes.done
}

function shellFrom({ env }: Context, name: string | undefined): Shell {
  const found = name === undefined || !Object.hasOwn(shells, name) ? undefined : shells[name]
  if (found) return found
  const own = env['SHELL']?.split('/').at(-1) ?? ''
  const { setUp } = (Object.hasOwn(shells, own) ? shells[own] : undefined) ?? bash
  const example = `for example in ${setUp.file}: ${setUp.line}`
  if (name === undefined) throw usageError('for which shell: bash, zsh or fish?', example)
  const near = nearest(name, Object.keys(shells))
  throw usageError(`there is no completion for "${name}", only for bash, zsh and fish`, near === undefined ? example : `did you mean offstage completion ${near}?`)
}

/** Of a daemon that runs and answers. Never starts one. */
async function sessionsInTime(context: Context): Promise<readonly SessionView[]> {
  // The way to it is loaded before the clock starts.
  await import('../../sdk/connect.ts')
  const sinceStartMs = performance.now()
  // Where this process took long to start, the daemon has to share the machine too.
  const inTime = AbortSignal.timeout(Math.ceil(Math.max(answersWithinMs - sinceStartMs, Math.min(sinceStartMs, 500) / 2)))
  const late = new Promise<readonly SessionView[]>((resolve) => inTime.addEventListener('abort', () => resolve([])))
  const asked = context.existingClient().then((client) => allSessions(client, AbortSignal.any([context.signal, inTime])))
  return await Promise.race([late, asked.catch(() => [])])
}

async function agentsInTime({ env, cwd }: Context): Promise<readonly AgentListing[]> {
  const [{ defaultConfig }, { listAgents }, { ownConfig }] = await Promise.all([
    import('../../config/config.ts'),
    import('../../config/agents.ts'),
    import('../../client/own-config.ts'),
  ])
  // A configuration with a mistake in it is not the moment's business.
  const { config } = await ownConfig(env, cwd).catch(() => ({ config: defaultConfig }))
  return listAgents(config, env)
}

export const completionVerb = (verbs: readonly VerbEntry[]): Verb => ({
  name: 'completion',
  aliases: [],
  summary: 'let Tab complete commands, ids and labels',
  usage: ['completion bash|zsh|fish'],
  about: ['Prints a script for your shell, which asks offstage at every Tab. Ids and labels are those of the daemon that runs; none is started for it.'],
  options: {},
  words: { min: 0, max: 1, name: 'a shell' },
  program: true,
  examples: Object.values(shells).map(({ setUp }) => `${setUp.line.padEnd(36)}# in ${setUp.file}`),
  run: (context, args) => run(context, args, verbs),
})
