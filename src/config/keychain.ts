// Keys of models in the keychain of the system: `security` on macOS, `secret-tool` elsewhere, where it is there. A key goes in through standard input, never through arguments.

import { spawn } from 'node:child_process'
import type { Environment } from './paths.ts'

export interface Keychain {
  /** Undefined when it has none, is locked, or does not answer. */
  read(provider: string, signal: AbortSignal): Promise<string | undefined>
  /** Whether it is there now, read back. */
  write(provider: string, key: string, signal: AbortSignal): Promise<boolean>
  remove(provider: string, signal: AbortSignal): Promise<void>
}

/** A keychain that is locked asks the user, who may not be there. */
const answersWithinMs = 20_000

export function systemKeychain(env: Environment, platform: string): Keychain {
  const ask = (argv: readonly [string, ...string[]], signal: AbortSignal, input = ''): Promise<string | undefined> =>
    said(argv, env, AbortSignal.any([signal, AbortSignal.timeout(answersWithinMs)]), input)
  const read: Keychain['read'] = async (provider, signal) => {
    const key = await ask(
      platform === 'darwin' ? ['security', 'find-generic-password', '-s', 'offstage', '-a', provider, '-w'] : ['secret-tool', 'lookup', ...attributes(provider)],
      signal,
    )
    return key?.replace(/\r?\n$/, '') || undefined
  }
  return {
    read,
    async write(provider, key, signal) {
      if (platform === 'darwin') {
        // What `security` reads as a command has quotes of its own; keys of today have none.
        if (!/^[\w.+/=:~-]+$/.test(key)) return false
        await ask(['security', '-i'], signal, `add-generic-password -U -s offstage -a ${provider} -w ${key}\n`)
      } else await ask(['secret-tool', 'store', `--label=Offstage: ${provider}`, ...attributes(provider)], signal, key)
      return (await read(provider, signal)) === key
    },
    async remove(provider, signal) {
      await ask(platform === 'darwin' ? ['security', 'delete-generic-password', '-s', 'offstage', '-a', provider] : ['secret-tool', 'clear', ...attributes(provider)], signal)
    },
  }
}

const attributes = (provider: string): readonly string[] => ['service', 'offstage', 'provider', provider]

/** What the program printed, or undefined: there is none, it failed, or it did not answer in time. */
function said([program, ...args]: readonly [string, ...string[]], env: Environment, signal: AbortSignal, input: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...env }, signal, killSignal: 'SIGKILL', stdio: ['pipe', 'pipe', 'ignore'] })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    // A program that does not want to read need not.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.once('error', () => resolve(undefined))
    child.once('close', (code) => resolve(code === 0 ? out : undefined))
  })
}
