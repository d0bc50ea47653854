// Runs the command line in this process against a fake client, and keeps what it printed.

import { PassThrough } from 'node:stream'
import { DaemonUnreachable } from '../../src/sdk/client.ts'
import { dispatch } from '../../src/cli/dispatch.ts'
import type { Context, Input, Output } from '../../src/cli/verb.ts'
import type { FakeClient } from './fake-client.ts'

export interface Printed {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Setting {
  readonly stdin?: Input
  readonly tty?: boolean
  readonly columns?: number
  readonly color?: boolean
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly signal?: AbortSignal
  readonly now?: () => number
  readonly daemon?: 'unreachable'
}

export const emptyInput = (): Input => {
  const stream = new PassThrough()
  stream.end()
  return stream as unknown as Input
}

export function contextOf(client: FakeClient, setting: Setting, printed: { out: string; err: string }, detached: (readonly string[])[] = []): Context {
  const { tty = false, columns = 80, env = {}, cwd = '/', signal = new AbortController().signal } = setting
  const sink = (write: (text: string) => void): Output => {
    const stream = new PassThrough()
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => write(text))
    return Object.assign(stream, { isTTY: tty, columns, rows: 24 }) as unknown as Output
  }
  const unreachable = async (): Promise<never> => {
    throw new DaemonUnreachable('the daemon did not start: no space left on device', 'free some space and try again')
  }
  return {
    client: setting.daemon === 'unreachable' ? unreachable : async () => client,
    existingClient: setting.daemon === 'unreachable' ? unreachable : async () => client,
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    stdin: setting.stdin ?? emptyInput(),
    stdout: sink((text) => (printed.out += text)),
    stderr: sink((text) => (printed.err += text)),
    env: { HOME: '/home/me', PATH: '/usr/bin:/bin', OFFSTAGE_CONFIG: '/nonexistent/config.toml', OFFSTAGE_HOME: '/nonexistent/offstage', ...env },
    cwd,
    json: false,
    color: setting.color ?? false,
    signal,
    now: setting.now ?? (() => client.nowMs),
    detach: (args) => void detached.push(args),
  }
}

export async function offstage(client: FakeClient, argv: readonly string[], setting: Setting = {}): Promise<Printed> {
  const printed = { out: '', err: '' }
  const code = await dispatch(argv, contextOf(client, setting, printed))
  // What went through a stream arrives a turn later.
  await new Promise((resolve) => setImmediate(resolve))
  return { code, ...printed }
}
