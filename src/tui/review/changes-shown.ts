// What a review shows: the files that were changed between two states, and the patch of each when it is looked at. Asks the daemon, keeps the last answers, paints nothing.

import { failureFrom } from '../../client/failures.ts'
import type { ChangesFound, ChangesQuery } from '../../core/api.ts'
import { isRefusal } from '../../core/errors.ts'
import { type PatchFile, parsePatch } from '../../core/patch.ts'
import type { ChangedFile, ObjectId, TreePath } from '../../core/workspace.ts'
import type { Client } from '../../sdk/client.ts'

/** Everything that the session changed, or one turn of it. */
export type Scope = 'all' | number

/** The patch of one file, between the trees that its hunks are counted in. */
export interface FilePatch {
  readonly kind: 'patch'
  readonly bytes: Uint8Array
  /** A file that became a link is two. */
  readonly parts: readonly PatchFile[]
  readonly trees: { readonly from: ObjectId; readonly to: ObjectId }
  readonly isCut: boolean
}

export type Known<Found> = { readonly kind: 'loading' } | { readonly kind: 'failed'; readonly why: string } | Found

const mostPatchBytes = 4 * 1024 ** 2
/** Of all files that bear marks, to see whether these are still theirs. */
const mostMarkedBytes = 16 * 1024 ** 2
const mostKept = 40

const loading: Known<never> = { kind: 'loading' }

export class ChangesShown {
  readonly #client: Client
  readonly #session: string
  readonly #signal: AbortSignal
  readonly #changed: () => void
  #looking = new AbortController()
  #scope: Scope = 'all'
  #found: Known<{ readonly kind: 'found'; readonly found: ChangesFound }> = loading
  #turns: readonly number[] = []
  readonly #patches = new Map<TreePath, Known<FilePatch>>()

  constructor(client: Client, session: string, signal: AbortSignal, changed: () => void) {
    this.#client = client
    this.#session = session
    this.#signal = signal
    this.#changed = changed
  }

  get scope(): Scope {
    return this.#scope
  }

  get state(): Known<{ readonly kind: 'found'; readonly found: ChangesFound }> {
    return this.#found
  }

  get found(): ChangesFound | undefined {
    return this.#found.kind === 'found' ? this.#found.found : undefined
  }

  get files(): readonly ChangedFile[] {
    return this.found?.files ?? []
  }

  /** Those that were kept by snapshots, oldest first. */
  get turns(): readonly number[] {
    return this.#turns
  }

  /** As it is now. What was shown stays until the answer is there. */
  async look(scope: Scope): Promise<void> {
    this.#looking.abort()
    const looking = (this.#looking = new AbortController())
    const signal = AbortSignal.any([looking.signal, this.#signal])
    if (scope !== this.#scope) this.#found = loading
    this.#scope = scope
    this.#changed()
    const [found, turns] = await Promise.all([this.#changes({ ...turnOf(scope) }, signal), this.#turnsThatAre(signal)])
    if (signal.aborted) return
    this.#patches.clear()
    this.#turns = turns
    this.#found = 'why' in found ? { kind: 'failed', why: found.why } : { kind: 'found', found }
    this.#changed()
  }

  /** As far as it is known. Undefined: nobody has asked for it. */
  patchOf({ path }: Pick<ChangedFile, 'path'>): Known<FilePatch> | undefined {
    return this.#patches.get(path)
  }

  /** Asks for it, unless somebody has. */
  ask(file: ChangedFile): void {
    if (this.#patches.has(file.path)) return
    this.#keep(file.path, loading)
    void this.#load(file, this.#looking.signal)
  }

  /** The patches of these files in one answer, for what is only to be compared with. */
  async patchesOf(files: readonly ChangedFile[]): Promise<ReadonlyMap<TreePath, Pick<FilePatch, 'bytes' | 'parts'>>> {
    const found = await this.#changes({ ...this.#compared(), paths: pathsOf(files), patchBytes: mostMarkedBytes }, AbortSignal.any([this.#looking.signal, this.#signal]))
    const all = new Map<TreePath, Pick<FilePatch, 'bytes' | 'parts'>>()
    if ('why' in found || !found.patch) return all
    const bytes = found.patch
    for (const part of parsePatch(bytes))
      if (part.end < bytes.length || found.cutAt === undefined) all.set(part.path, { bytes, parts: [...(all.get(part.path)?.parts ?? []), part] })
    return all
  }

  async #load(file: ChangedFile, looking: AbortSignal): Promise<void> {
    const found = await this.#changes({ ...this.#compared(), paths: pathsOf([file]), patchBytes: mostPatchBytes }, AbortSignal.any([looking, this.#signal]))
    if (looking.aborted || this.#signal.aborted) return
    if ('why' in found) this.#keep(file.path, { kind: 'failed', why: found.why })
    else {
      const bytes = found.patch ?? new Uint8Array()
      this.#keep(file.path, { kind: 'patch', bytes, parts: parsePatch(bytes), trees: found.trees, isCut: found.cutAt !== undefined })
    }
    this.#changed()
  }

  /** The very states that the files were found between: a patch is of nothing newer than its file's row. */
  #compared(): Pick<ChangesQuery, 'turn' | 'between'> {
    return { ...turnOf(this.#scope), ...(this.found ? { between: this.found.trees } : {}) }
  }

  #keep(path: TreePath, known: Known<FilePatch>): void {
    this.#patches.delete(path)
    this.#patches.set(path, known)
    const [oldest] = this.#patches.keys()
    if (this.#patches.size > mostKept && oldest !== undefined) this.#patches.delete(oldest)
  }

  async #changes(query: Omit<Parameters<Client['changes']>[0], 'session'>, signal: AbortSignal): Promise<ChangesFound | { readonly why: string }> {
    try {
      const found = await this.#client.changes({ session: this.#session, ...query }, signal)
      return isRefusal(found) ? { why: found.hint === undefined ? found.message : `${found.message}; ${found.hint}` } : found
    } catch (thrown) {
      return { why: failureFrom(thrown).message }
    }
  }

  async #turnsThatAre(signal: AbortSignal): Promise<readonly number[]> {
    try {
      const snapshots = await this.#client.snapshots(this.#session, signal)
      return [...new Set(snapshots.flatMap(({ why, turn }) => (why === 'turn-end' && turn > 0 ? [turn] : [])))].toSorted((one, other) => one - other)
    } catch {
      return this.#turns // all of it can be read without them
    }
  }
}

const turnOf = (scope: Scope): { readonly turn?: number } => (scope === 'all' ? {} : { turn: scope })

/** With both names of a rename, or it would be none. */
export const pathsOf = (files: readonly ChangedFile[]): readonly TreePath[] => files.flatMap(({ path, from }) => (from === undefined ? [path] : [path, from]))
