// Where the key of a provider of models comes from: a variable, the keychain of the system, or keys.toml in the home, which only its owner can read.
// Keys leave here in memory only; what is printed or kept is where a key came from, never the key.

import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Keychain } from './keychain.ts'
import type { Environment } from './paths.ts'

export interface FoundKey {
  readonly key: string
  /** The variable's name, `keychain`, or `keys.toml`. */
  readonly from: string
}

/** By provider: the key itself, or that the keychain has it. */
export type StoredKeys = ReadonlyMap<string, { readonly key: string } | 'keychain'>

/** keys.toml cannot be trusted or understood. One line each; no key is in them. */
export class KeysUnusable extends Error {
  readonly hint: string
  constructor(file: string, problem: string, hint: string) {
    super(`${file}: ${problem}`)
    this.name = 'KeysUnusable'
    this.hint = hint
  }
}

export const keysFile = (home: string): string => join(home, 'keys.toml')

/** What a provider could have given out: printable, without spaces. What is sent in a header and is something else would be quoted in an error. */
export const isKey = (text: string): boolean => /^[!-~]{1,4096}$/.test(text)

/** Throws KeysUnusable. A file that is missing holds none. */
export async function readStoredKeys(home: string, uid: number): Promise<StoredKeys> {
  const file = keysFile(home)
  const text = readPrivately(file, uid)
  if (text === undefined) return new Map()
  const { parse } = await import('smol-toml')
  let root: Readonly<Record<string, unknown>>
  try {
    root = parse(text)
  } catch {
    // The parser quotes what it could not read, which may be a key.
    throw new KeysUnusable(file, 'it is not valid TOML', 'write lines such as PROVIDER = "KEY", or remove it and run: offstage models key PROVIDER')
  }
  const keys = Object.entries(root).map(([provider, value]): readonly [string, { readonly key: string } | 'keychain'] => {
    if (typeof value === 'string' && isKey(value)) return [provider, { key: value }]
    if (typeof value === 'object' && value !== null && 'in' in value && value.in === 'keychain') return [provider, 'keychain']
    throw new KeysUnusable(file, `what stands for ${JSON.stringify(provider)} is no key`, 'correct that line, or remove it and run: offstage models key PROVIDER')
  })
  return new Map(keys)
}

interface Keep {
  /** It must be there. */
  readonly home: string
  readonly uid: number
  readonly keychain: Keychain
}

/** In the keychain, or in the file where there is none or it does not take it. Throws KeysUnusable. */
export async function storeKey(provider: string, key: string, { home, uid, keychain }: Keep, signal: AbortSignal): Promise<'keychain' | 'keys.toml'> {
  const kept = await keychain.write(provider, key, signal)
  // A keychain may ask its user and take long: what was stored meanwhile stays.
  await writeStoredKeys(home, new Map(await readStoredKeys(home, uid)).set(provider, kept ? 'keychain' : { key }))
  return kept ? 'keychain' : 'keys.toml'
}

/** Whether there was one. Throws KeysUnusable. */
export async function removeKey(provider: string, { home, uid, keychain }: Keep, signal: AbortSignal): Promise<boolean> {
  const stored = (await readStoredKeys(home, uid)).get(provider)
  if (stored === undefined) return false
  if (stored === 'keychain') await keychain.remove(provider, signal)
  await writeStoredKeys(home, new Map([...(await readStoredKeys(home, uid))].filter(([name]) => name !== provider)))
  return true
}

async function writeStoredKeys(home: string, keys: StoredKeys): Promise<void> {
  const file = keysFile(home)
  if (keys.size === 0) return rmSync(file, { force: true })
  const { stringify } = await import('smol-toml')
  const text = stringify(Object.fromEntries(Array.from(keys, ([provider, stored]) => [provider, stored === 'keychain' ? { in: 'keychain' } : stored.key])))
  const fresh = `${file}.${process.pid}`
  rmSync(fresh, { force: true })
  writeFileSync(fresh, `# Keys of models. Only you may read this: offstage refuses it otherwise.\n${text}`, { mode: 0o600, flag: 'wx', flush: true })
  renameSync(fresh, file)
}

interface KeysFrom {
  readonly env: Environment
  readonly home: string
  readonly uid: number
  readonly keychain: Keychain
  readonly now: () => number
}

/** A keychain that gave nothing may be locked, and may ask the user each time. */
const asksAgainAfterMs = 30_000

/** The key of a provider as it is now: the first of the variables that is set, else what is stored. What is stored is read again when its file has changed. Throws KeysUnusable. */
export function keysNow({
  env,
  home,
  uid,
  keychain,
  now: nowMs,
}: KeysFrom): (provider: string, variables: readonly string[], signal: AbortSignal) => Promise<FoundKey | undefined> {
  let mark: string | undefined
  let stored: Promise<StoredKeys> = Promise.resolve(new Map())
  let asked = new Map<string, { readonly answer: Promise<string | undefined>; readonly atMs: number }>()
  return async (provider, variables, signal) => {
    const now = markOf(keysFile(home))
    if (now !== mark) {
      mark = now
      asked = new Map()
      stored = readStoredKeys(home, uid)
    }
    const kept = (await stored).get(provider)
    for (const variable of variables) {
      const key = env[variable]?.trim() ?? ''
      if (isKey(key)) return { key, from: variable }
    }
    if (kept === undefined) return undefined
    if (kept !== 'keychain') return { key: kept.key, from: 'keys.toml' }
    let last = asked.get(provider)
    if (!last || ((await last.answer) === undefined && nowMs() - last.atMs > asksAgainAfterMs)) {
      last = { answer: keychain.read(provider, signal), atMs: nowMs() }
      asked.set(provider, last)
    }
    const key = await last.answer
    return key !== undefined && isKey(key) ? { key, from: 'keychain' } : undefined
  }
}

/** Another one for each state of the file. */
function markOf(file: string): string {
  const found = lstatSync(file, { bigint: true, throwIfNoEntry: false })
  return found ? `${found.ino} ${found.size} ${found.mode} ${found.mtimeNs} ${found.ctimeNs}` : 'none'
}

function readPrivately(file: string, uid: number): string | undefined {
  let descriptor: number
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new KeysUnusable(file, code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be read (${code})`, 'make it a file of your own that only you can read, or move it away')
  }
  try {
    const found = fstatSync(descriptor)
    if (!found.isFile()) throw new KeysUnusable(file, 'it is not a file', 'move it away')
    if (found.uid !== uid) throw new KeysUnusable(file, `it belongs to another user (uid ${found.uid})`, 'move it away, and run: offstage models key PROVIDER')
    if ((found.mode & 0o077) !== 0) throw new KeysUnusable(file, 'others can read the keys in it', `run: chmod 600 '${file}'; keys that others could read are best replaced`)
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}
