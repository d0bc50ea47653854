// Checks that are asked for: started, and waited for until all have ended.

import type { CheckResult } from '../core/workspace.ts'
import type { Client } from '../sdk/client.ts'
import { askedFor } from './asked-for.ts'
import { CommandFailed, exitCodes } from './failures.ts'
import type { Environment } from './submit.ts'

/** `begins` hears each command as it is started. `environment`: where that of its run is gone. Throws CommandFailed when they are refused, cannot be run, or are cut short. */
export async function runChecks(
  client: Client,
  session: string,
  begins: (command: string) => void,
  environment: Environment,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  const end = await askedFor(
    client,
    {
      session,
      command: { type: 'check' },
      environment,
      asked: 'checks-started',
      ends: ['checked', 'checks-cut-short', 'stopped'],
      meanwhile: (event) => {
        if (event.type === 'step-started') begins(event.command)
      },
    },
    signal,
  )
  if (end.type !== 'checked')
    throw new CommandFailed('cut-short', `the checks of ${session} were cut short: the session ${end.type === 'stopped' ? 'was stopped' : 'went on'}`, {
      exitCode: exitCodes.failed,
      hint: `offstage check ${session} runs them again`,
    })
  if (end.problem !== undefined)
    throw new CommandFailed('not-checked', `the checks of ${session} could not be run: ${end.problem}`, { exitCode: exitCodes.failed, hint: `offstage why ${session} says more` })
  return end.results
}
