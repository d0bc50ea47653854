// A repository of a user with its working tree, and a worktree of a session beside it, made by plain git in a folder of its own.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import type { Worktree } from '../../src/core/workspace.ts'
import { mergeFor } from '../../src/workspace/merge.ts'
import type { MergeWish } from '../../src/workspace/workspaces.ts'

export const never = new AbortController().signal

/** `null`: no such file. */
export type Files = Readonly<Record<string, string | Buffer | { readonly link: string } | { readonly run: string } | null>>

/** In memory, where there is such a folder: what is tested waits for the disk at each step. No program can be in it everywhere. */
const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Made once for the same files, and copied. */
const made = new Map<string, string>()

afterAll(() => {
  for (const folder of made.values()) rmSync(folder, { recursive: true, force: true })
})

export class LandingPlace {
  readonly folder: string
  readonly user: string
  readonly session: string
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  readonly deps: { readonly env: Readonly<Record<string, string>> }
  readonly worktree: Worktree

  /** What the user has committed, and the session's branch begins with. */
  constructor(files: Files, settings: readonly string[] = [], { format = 'sha1', programs = false } = {}) {
    const parent = programs ? tmpdir() : inMemory
    this.folder = realpathSync(mkdtempSync(join(parent, 'os-land-')))
    this.user = join(this.folder, 'project')
    this.home = join(this.folder, 'home')
    this.session = join(this.home, 'worktrees', 's1', 'project')
    this.env = { PATH: process.env.PATH ?? '', HOME: join(this.folder, 'me'), GIT_CONFIG_NOSYSTEM: '1', GIT_CEILING_DIRECTORIES: this.folder }
    this.deps = { env: this.env }
    const key = JSON.stringify([files, settings, format])
    const like = made.get(key)
    if (like === undefined) {
      this.#make(files, settings, format)
      const kept = mkdtempSync(join(parent, 'os-land-'))
      cpSync(this.folder, kept, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
      made.set(key, kept)
    } else {
      cpSync(like, this.folder, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
      writeFileSync(join(this.session, '.git'), `gitdir: ${this.user}/.git/worktrees/project\n`)
      writeFileSync(join(this.user, '.git', 'worktrees', 'project', 'gitdir'), `${this.session}/.git\n`)
    }
    const base = readFileSync(join(this.user, '.git', 'refs', 'heads', 'main'), 'utf8').trim()
    this.worktree = { repository: this.user, path: this.session, below: '', branch: 'offstage/s1', base, from: 'main' }
  }

  #make(files: Files, settings: readonly string[], format: string): void {
    for (const one of [this.user, join(this.folder, 'me'), dirname(this.session)]) mkdirSync(one, { recursive: true })
    writeFileSync(join(this.folder, 'me', '.gitconfig'), '[user]\n\tname = Me\n\temail = me@example.org\n')
    this.git('init', '-q', '-b', 'main', '--template=', `--object-format=${format}`)
    for (const setting of settings) this.git('config', ...setting.split('='))
    this.write(this.user, files)
    this.git('add', '-A')
    this.git('commit', '-q', '--allow-empty', '-m', 'first')
    this.git('worktree', 'add', '-q', '-b', 'offstage/s1', this.session)
  }

  git(...args: readonly string[]): string {
    return this.gitIn(this.user, ...args)
  }

  gitIn(cwd: string, ...args: readonly string[]): string {
    return execFileSync('git', [...args], { cwd, env: this.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).replace(/\n$/, '')
  }

  write(top: string, files: Files): void {
    for (const [path, content] of Object.entries(files)) {
      const at = join(top, path)
      rmSync(at, { recursive: true, force: true })
      if (content === null) continue
      mkdirSync(dirname(at), { recursive: true })
      if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(at, content)
      else if ('link' in content) symlinkSync(content.link, at)
      else {
        writeFileSync(at, content.run)
        chmodSync(at, 0o755)
      }
    }
  }

  commit(top: string, files: Files, message = 'a change'): string {
    this.write(top, files)
    this.gitIn(top, 'add', '-A')
    this.gitIn(top, 'commit', '-q', '-m', message)
    return this.gitIn(top, 'rev-parse', 'HEAD')
  }

  get wish(): MergeWish {
    return { session: 's1', directory: this.session, worktree: this.worktree, base: this.worktree.base, repository: this.user, into: 'main', how: 'merge' }
  }

  merge(more: Partial<MergeWish> = {}) {
    return mergeFor(this.deps, { ...this.wish, title: 'What was asked', message: 'What was asked', ...more }, never)
  }

  /** The merge, which has to come out. */
  async merged(more: Partial<MergeWish> = {}) {
    const merged = await this.merge(more)
    if (merged.kind !== 'merged') throw new Error(`conflict in ${merged.paths.join(', ')}`)
    return { ...merged, move: { repository: this.user, ref: merged.ref, old: merged.old, new: merged.commit, tree: this.user, reflog: 'offstage: land s1' } }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Every file below a folder but git's own: what kind it is and each of its bytes. */
export function bytesOf(top: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  const visit = (folder: Buffer, prefix: string): void => {
    for (const name of readdirSync(folder, { encoding: 'buffer' })) {
      const path = Buffer.concat([folder, Buffer.from('/'), name])
      const key = prefix + name.toString('latin1')
      const entry = lstatSync(path)
      if (key === '.git') continue
      if (entry.isDirectory()) visit(path, `${key}/`)
      else found[key] = entry.isSymbolicLink() ? `-> ${readlinkSync(path)}` : `${(entry.mode & 0o111).toString(8)} ${readFileSync(path, 'latin1')}`
    }
  }
  visit(Buffer.from(top), '')
  return found
}
