// Finds or makes the keeper program: the one that came with the package where it is that source's, else compiled once
// into the user's own folder. Never runs it, never touches the package folder.
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { access, constants, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type KeeperBinaryOptions = { packageRoot: string; cacheDir: string }

/** There is no keeper for this machine and none could be made; the message says what to install. */
export class KeeperUnavailable extends Error {
  override name = 'KeeperUnavailable'
}

/** A keeper that is there, or what to compile one from and where to. */
export type KeeperAtHand = { kind: 'ready'; path: string } | { kind: 'to-compile'; source: string; target: string }

/** Path of a keeper program that runs on this machine. Throws KeeperUnavailable. Two callers at once are fine. */
export async function keeperBinary(options: KeeperBinaryOptions): Promise<string> {
  const found = await keeperAtHand(options)
  if (found.kind === 'ready') return found.path
  await compile(found.source, found.target, options.cacheDir)
  return found.target
}

/** Only looks. Throws KeeperUnavailable when there is neither a keeper nor its source. */
export async function keeperAtHand(options: KeeperBinaryOptions): Promise<KeeperAtHand> {
  const source = await findSource(options.packageRoot)
  const hash = source === undefined ? undefined : createHash('sha256').update(source.text).digest('hex')
  const prebuilt = join(options.packageRoot, 'dist', 'native', `keeper-${process.platform}-${process.arch}`)
  if (await isCurrent(prebuilt, hash)) return { kind: 'ready', path: prebuilt }
  if (source === undefined || hash === undefined) {
    throw new KeeperUnavailable(`no keeper for ${process.platform} ${process.arch}, and no keeper.c, in ${options.packageRoot}; install the package again`)
  }
  const target = join(options.cacheDir, `keeper-${hash.slice(0, 16)}`)
  return (await isExecutable(target)) ? { kind: 'ready', path: target } : { kind: 'to-compile', source: source.path, target }
}

/** sha256 of keeper.c, as written beside a prebuilt binary. */
export async function sourceHash(sourcePath: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(sourcePath))
    .digest('hex')
}

async function findSource(packageRoot: string): Promise<{ path: string; text: Buffer } | undefined> {
  for (const folder of [join('src', 'keeper', 'native'), join('dist', 'native')]) {
    const path = join(packageRoot, folder, 'keeper.c')
    const text = await readIfThere(path)
    if (text !== undefined) return { path, text }
  }
  return undefined
}

async function isCurrent(prebuilt: string, hash: string | undefined): Promise<boolean> {
  if (!(await isExecutable(prebuilt))) return false
  if (hash === undefined) return true
  const recorded = await readIfThere(`${prebuilt}.sha256`)
  return recorded?.toString('latin1').trim().split(/\s/)[0] === hash
}

async function compile(source: string, target: string, cacheDir: string): Promise<void> {
  await mkdir(cacheDir, { recursive: true, mode: 0o700 })
  const temporary = join(cacheDir, `.keeper-${process.pid}-${randomUUID()}`)
  try {
    await promisify(execFile)('cc', ['-O2', '-o', temporary, source])
    await rename(temporary, target)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw new KeeperUnavailable(whatToDo(cause, source), { cause })
  }
}

function whatToDo(cause: unknown, source: string): string {
  const install = process.platform === 'darwin' ? '"xcode-select --install"' : '"apt install gcc libc6-dev" (or your system\'s C compiler)'
  if (isErrno(cause, 'ENOENT')) return `the keeper has to be compiled once and there is no C compiler: install one with ${install}`
  const said = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr).trim().split('\n')[0] : String(cause)
  return `cc could not compile ${source} (${said}): see whether ${install} helps`
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ENOTDIR')) return undefined
    throw cause
  }
}

function isErrno(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code
}
