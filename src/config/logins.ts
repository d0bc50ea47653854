// Whether an agent is logged in, as far as variables and files tell. No model is called, no program started, and no key is looked at.

import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { CatalogueAgent, LoginFile } from '../catalogue/agent.ts'
import type { Config } from './config.ts'
import { keysFile } from './model-keys.ts'
import { secretVariables } from './model-settings.ts'
import { type Environment, pathsFrom } from './paths.ts'

const readBytes = 64 * 1024

/** Null: it cannot be told. */
export function loggedIn(agent: Pick<CatalogueAgent, 'login' | 'own'>, config: Config, env: Environment): boolean | null {
  if (agent.own) return hasModel(config, env) || null
  const { variables = [], files = [], complete } = agent.login
  if (variables.some((name) => env[name])) return true
  if (files.some((file) => counts(file, env))) return true
  // The keychain of macOS is not asked: it could ask the user.
  return complete && process.platform === 'linux' ? false : null
}

/** A model for the own agent is set, or a key is there. Servers on this machine are not looked for. */
function hasModel({ models }: Config, env: Environment): boolean {
  if (models.default !== undefined || Object.keys(models.providers).length > 0 || secretVariables(models).some((name) => env[name])) return true
  return existsSync(keysFile(pathsFrom(env, process.getuid?.() ?? 0).home))
}

function counts({ path, holds }: LoginFile, env: Environment): boolean {
  const file = placeOf(path, env)
  if (file === undefined) return false
  if (!holds) return existsSync(file)
  const text = beginningOf(file)
  return holds.some((word) => text.includes(word))
}

function placeOf(path: string, env: Environment): string | undefined {
  const named = /^\$(\w+)\|(.*)$/.exec(path)
  if (!named) return join(env['HOME'] || homedir(), path)
  const folder = env[named[1] ?? '']
  return folder !== undefined && isAbsolute(folder) ? join(folder, named[2] ?? '') : undefined
}

function beginningOf(file: string): string {
  if (!existsSync(file)) return ''
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const bytes = Buffer.alloc(readBytes)
      return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, readBytes, 0))
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return ''
  }
}
