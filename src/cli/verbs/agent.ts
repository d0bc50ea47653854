// `offstage agent`: the own agent, as the program that a session runs. Loads nothing of it unless it is that program: it becomes it, in this process.

import { pathToFileURL } from 'node:url'
import { entry } from '../../config/package-root.ts'
import { exitCodes, usageError } from '../../client/failures.ts'
import type { Args, Context, Verb } from '../verb.ts'

async function run(context: Context, _args: Args): Promise<number> {
  if (context.stdin.isTTY)
    throw usageError(
      'offstage agent speaks the Agent Client Protocol on stdin and stdout, and this is a terminal',
      'offstage bg --agent offstage "your task" starts a session with it',
    )
  // It reads the arguments itself, and ends the process.
  await import(pathToFileURL(entry('agent')).href)
  return exitCodes.done
}

const verb: Verb = {
  name: 'agent',
  aliases: [],
  summary: "be Offstage's own agent, for a client of ACP",
  usage: ['agent [--sandbox [--no-network]]'],
  about: [
    'Started by Offstage for sessions of the agent "offstage", or by any other client of the Agent Client Protocol. It works with every model that "offstage models" lists.',
    'Modes: ask (asks before edits and commands), accept-edits, plan (changes nothing), auto. Deletions and anything outside the workspace are asked about in all of them.',
    'In config.toml: [agent] sandbox = true and network = false say the same as the options; [models] on_limit = "ask" asks before it goes on after a limit.',
  ],
  options: {
    sandbox: { type: 'boolean', help: 'commands write in the workspace and nowhere else' },
    'no-network': { type: 'boolean', help: 'with --sandbox: and reach no network' },
  },
  words: { min: 0, max: 0, name: 'no words' },
  examples: ['offstage bg --agent offstage "fix the flaky test"', 'offstage agent --sandbox --no-network'],
  run,
}

export default verb
