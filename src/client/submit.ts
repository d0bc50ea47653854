// Commands on their way to the daemon: each with an id of its own, so that one that is sent twice counts once.

import { randomBytes } from 'node:crypto'
import type { Accepted } from '../core/api.ts'
import { isRefusal } from '../core/errors.ts'
import { idFromBytes } from '../core/ids.ts'
import type { Command } from '../core/inputs.ts'
import type { Client } from '../sdk/client.ts'
import { failureOf } from './failures.ts'

export const newId = (): string => idFromBytes(randomBytes(8))

export type Environment = Readonly<Record<string, string>>

export interface Order {
  readonly session: string
  readonly command: Command
  readonly environment?: Environment
}

/** Throws CommandFailed when it is refused. */
export async function submit(client: Client, order: Order, signal: AbortSignal): Promise<Accepted> {
  const reply = await client.submit({ ...order, commandId: newId() }, signal)
  if (isRefusal(reply)) throw failureOf(reply)
  return reply
}

/** The whole environment of this process, for a run that it starts. */
export const ownEnvironment = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((one): one is [string, string] => one[1] !== undefined))
