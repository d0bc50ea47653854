// Before files are written back: what has to be done to each, and whether it is as it has to be. Looks only.

import { readdir } from 'node:fs/promises'
import type { ObjectId } from '../core/workspace.ts'
import { type Blob, type Conversion, type ConversionKind, conversionIn, conversionsOf, entriesOf, readExact } from './exact.ts'
import { GitFailed, runGit } from './git.ts'
import { type Name, at, listOf, nameOf } from './look.ts'
import { type OnDisk, blockedBy, diskAt, rawIdOf } from './on-disk.ts'
import { type OpenTree, type TreeDeps } from './open-tree.ts'
import { nulPieces } from './paths.ts'
import { keptOf, readKept } from './snapshot-commit.ts'
import type { Whole } from './undo.ts'

/** What a file is to be: these bytes, or what git makes of this blob when it checks it out. */
export type Wanted = { readonly kind: 'absent' } | { readonly kind: 'raw' | 'converted'; readonly mode: string; readonly id: ObjectId }

export interface Change {
  readonly name: Name
  readonly was: Wanted
  readonly will: Wanted
}

export interface Plan {
  readonly changes: readonly Change[]
  readonly to: Whole
  /** Of submodules nothing is written. */
  readonly submodules: readonly Name[]
}

const none = '000000'
const submodule = '160000'
const absent: Wanted = { kind: 'absent' }

export async function planOf(
  deps: TreeDeps,
  tree: OpenTree,
  of: { readonly from: ObjectId; readonly to: ObjectId; readonly before?: ObjectId; readonly checkedOut?: true },
  signal: AbortSignal,
): Promise<Plan> {
  const from = await wholeBefore(deps, tree, of, signal)
  const target = await readKept(deps, tree, of.to, signal)
  const to = { tree: target.tree, exact: await readExact(deps, tree, target.exact, signal) }
  const differing = await differences(deps, tree, from.tree, to.tree, signal)
  const entries = of.checkedOut || to.exact.files.size > 0 ? await entriesOf(deps, tree, to.tree, signal) : undefined
  if (entries) {
    // What git converts when it checks out may have lain there otherwise, or as its blob.
    const converted = of.checkedOut ? (await convertible(deps, tree, to.tree, [...entries].flatMap(([name, { mode }]) => (mode.startsWith('100') ? [name] : [])), signal)).keys() : [] // prettier-ignore
    for (const name of new Set([...to.exact.files.keys(), ...converted])) if (!differing.has(name)) differing.set(name, { was: entries.get(name), will: entries.get(name) })
  }
  const kinds = await convertible(deps, tree, to.tree, [...differing.keys()], signal)
  const known = await knownBlobs(deps, tree, [...kinds].flatMap(([name, kind]) => { const will = differing.get(name)?.will; return kind !== 'lfs' && will && !to.exact.files.has(name) ? [{ name, id: will.id }] : [] }), signal) // prettier-ignore
  const changes: Change[] = []
  const submodules: Name[] = []
  for (const [name, { was, will }] of differing) {
    if (was?.mode === submodule || will?.mode === submodule) {
      submodules.push(name)
      continue
    }
    const wanted = wantedOf(will, to.exact.files.get(name), kinds.get(name), known.has(name))
    // Without a snapshot that says more, what git makes of it is the same file.
    const sure = of.before !== undefined && kinds.get(name) !== 'lfs'
    const earlier = wantedOf(was, from.exact.files.get(name), kinds.get(name), sure)
    if (JSON.stringify(earlier) !== JSON.stringify(wanted)) changes.push({ name, was: earlier, will: wanted })
  }
  for (const [name, { mode, id }] of to.exact.ignored) {
    const kept = from.exact.ignored.get(name)
    changes.push({ name, was: kept ? { kind: 'raw', mode: kept.mode, id: kept.id } : absent, will: { kind: 'raw', mode, id } })
  }
  return { changes: changes.toSorted((one, other) => (one.name < other.name ? -1 : 1)), to, submodules }
}

/** What is known of the bytes as they are: by `before`, or by `from` where that says it itself. Of a tree alone, what git makes of it is as good. */
async function wholeBefore(deps: TreeDeps, tree: OpenTree, { from, before }: { readonly from: ObjectId; readonly before?: ObjectId }, signal: AbortSignal): Promise<Whole> {
  const own = await readKept(deps, tree, from, signal)
  const kept = before === undefined ? undefined : await readKept(deps, tree, before, signal)
  return { tree: own.tree, exact: await readExact(deps, tree, kept?.tree === own.tree ? kept.exact : own.exact, signal) }
}

function wantedOf(blob: Blob | undefined, exact: Blob | undefined, kind: ConversionKind | undefined, isRaw: boolean): Wanted {
  if (!blob) return absent
  if (exact) return { kind: 'raw', mode: blob.mode, id: exact.id }
  const converts = kind !== undefined && !isRaw && blob.mode.startsWith('100')
  return { kind: converts ? 'converted' : 'raw', mode: blob.mode, id: blob.id }
}

async function differences(
  deps: TreeDeps,
  tree: OpenTree,
  from: ObjectId,
  to: ObjectId,
  signal: AbortSignal,
): Promise<Map<Name, { readonly was: Blob | undefined; readonly will: Blob | undefined }>> {
  const { bytes } = await runGit(deps, ['diff-tree', '-r', '-z', '--raw', '--no-renames', from, to, '--'], tree, signal)
  const pieces = nulPieces(bytes)
  const found = new Map<Name, { readonly was: Blob | undefined; readonly will: Blob | undefined }>()
  for (let piece = 0; piece + 1 < pieces.length; piece += 2) {
    const [oldMode = none, mode = none, oldId = '', id = ''] = nameOf(pieces[piece] ?? Buffer.alloc(0)).slice(1).split(' ') // prettier-ignore
    found.set(nameOf(pieces[piece + 1] ?? Buffer.alloc(0)), { was: oldMode === none ? undefined : { mode: oldMode, id: oldId }, will: mode === none ? undefined : { mode, id } })
  }
  return found
}

async function convertible(deps: TreeDeps, tree: OpenTree, to: ObjectId, names: readonly Name[], signal: AbortSignal): Promise<ReadonlyMap<Name, ConversionKind>> {
  if (names.length === 0 || tree.isPrivate) return new Map()
  const { bytes } = await runGit(deps, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', to], tree, signal)
  const hasAttributes = bytes.includes('.gitattributes\0') || names.some((name) => name.endsWith('.gitattributes'))
  const conversion: Conversion | undefined = await conversionIn(deps, tree, { hasAttributes }, signal)
  return conversion ? conversionsOf(deps, tree, names, conversion, signal) : new Map()
}

/** Names whose blob stands in some snapshot: there, what is not kept as exact bytes was the blob itself. */
async function knownBlobs(deps: TreeDeps, tree: OpenTree, wanted: readonly { readonly name: Name; readonly id: ObjectId }[], signal: AbortSignal): Promise<ReadonlySet<Name>> {
  const known = new Set<Name>()
  if (wanted.length === 0) return known
  const kept = await keptOf(deps, tree, 'refs/offstage', signal)
  for (const { tree: its, exact } of kept) {
    const left = wanted.filter(({ name }) => !known.has(name))
    if (left.length === 0) break
    const idAt = await blobsAt(deps, tree, left.flatMap(({ name }) => [{ of: its, name }, ...(exact === undefined ? [] : [{ of: exact, name: `files/${name}` }])]), signal) // prettier-ignore
    for (const { name, id } of left) if (idAt(its, name) === id && (exact === undefined || idAt(exact, `files/${name}`) === undefined)) known.add(name)
  }
  return known
}

type BlobAt = (of: ObjectId, name: Name) => ObjectId | undefined

async function blobsAt(deps: TreeDeps, tree: OpenTree, wanted: readonly { readonly of: ObjectId; readonly name: Name }[], signal: AbortSignal): Promise<BlobAt> {
  // Answers come as lines, and what is not there is named in them.
  if (wanted.some(({ name }) => name.includes('\n'))) {
    const all = new Map<ObjectId, ReadonlyMap<Name, Blob>>()
    for (const of of new Set(wanted.map((one) => one.of))) all.set(of, await entriesOf(deps, tree, of, signal))
    return (of, name) => all.get(of)?.get(name)?.id
  }
  const { text } = await runGit(deps, ['cat-file', '--batch-check=%(objectname)', '-z'], { ...tree, input: listOf(wanted.map(({ of, name }) => `${of}:${name}`)) }, signal)
  const lines = text.split('\n')
  const found = new Map(wanted.map(({ of, name }, index) => [`${of}:${name}`, lines[index]]))
  return (of, name) => {
    const line = found.get(`${of}:${name}`)
    return line?.endsWith(' missing') ? undefined : line
  }
}

export interface Checked {
  readonly change: Change
  readonly disk: OnDisk
  /** `neither`: somebody else wrote it. */
  readonly state: 'from' | 'to' | 'neither'
}

/** How each file is now. */
export async function check(deps: TreeDeps, tree: OpenTree, { changes }: Plan, signal: AbortSignal): Promise<readonly Checked[]> {
  const fileMode = (await runGit(deps, ['config', '--type=bool', 'core.fileMode'], { ...tree, accepts: [1] }, signal)).text.trim() !== 'false'
  const goes = new Set(changes.flatMap(({ name, was, will }) => (was.kind !== 'absent' && will.kind === 'absent' ? [name] : [])))
  const looked: { readonly change: Change; readonly disk: OnDisk; readonly id: ObjectId | undefined; readonly blocked: boolean }[] = []
  for (const change of changes) {
    signal.throwIfAborted()
    const disk = await diskAt(tree.top, change.name)
    const id = disk.kind === 'file' || disk.kind === 'link' ? await rawIdOf(tree.top, change.name, disk, tree.format) : undefined
    const blocker = change.will.kind === 'absent' ? undefined : await blockedBy(tree.top, change.name)
    looked.push({ change, disk, id, blocked: blocker !== undefined && !goes.has(blocker) })
  }
  const cleaned = await cleanedIds(deps, tree, looked.flatMap(({ change, disk }) => (disk.kind === 'file' && (change.was.kind === 'converted' || change.will.kind === 'converted') ? [change.name] : [])), signal) // prettier-ignore
  const is = (wanted: Wanted, disk: OnDisk, name: Name, id: ObjectId | undefined): boolean => {
    if (wanted.kind === 'absent') return disk.kind === 'absent'
    if (wanted.mode === '120000') return disk.kind === 'link' && id === wanted.id
    if (disk.kind !== 'file' || (fileMode && disk.executable !== (wanted.mode === '100755'))) return false
    return id === wanted.id || (wanted.kind === 'converted' && cleaned.get(name) === wanted.id)
  }
  const checked: Checked[] = []
  for (const { change, disk, id, blocked } of looked) {
    const { name, was, will } = change
    const isFolder = disk.kind === 'folder'
    // Where a file is to come, a folder may be in which everything goes; where a folder is to come, one may be.
    const isFree = isFolder && (will.kind === 'absent' || (was.kind === 'absent' && (await allGo(tree.top, name, goes))))
    const seen: OnDisk = isFree ? { kind: 'absent' } : disk
    // Nothing goes that is not there any more; what is not to be there, and is not, is done.
    const state = is(will, seen, name, id) ? 'to' : is(was, seen, name, id) && !blocked ? 'from' : 'neither'
    checked.push({ change, disk, state })
  }
  return checked
}

async function allGo(top: string, folder: Name, goes: ReadonlySet<Name>): Promise<boolean> {
  for (const entry of await readdir(at(top, folder), { withFileTypes: true, encoding: 'buffer' })) {
    const name = `${folder}/${nameOf(entry.name)}`
    if (entry.isDirectory() ? !(await allGo(top, name, goes)) : !goes.has(name)) return false
  }
  return true
}

/** What git would keep of them. */
async function cleanedIds(deps: TreeDeps, tree: OpenTree, names: readonly Name[], signal: AbortSignal): Promise<ReadonlyMap<Name, ObjectId>> {
  if (names.length === 0) return new Map()
  // One a line, quoted as git quotes: every byte that is no plain ASCII as octal.
  const quoted = names.map((name) => `"${name.replaceAll(/[^ !#-[\]-~]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`)}"\n`)
  const said = await runGit(deps, ['hash-object', '--stdin-paths'], { ...tree, input: quoted.join('') }, signal).catch((cause: unknown) => {
    if (!(cause instanceof GitFailed) || cause.kind !== 'failed') throw cause
    // A filter that does not run: then only bytes that are known count as the same.
    return undefined
  })
  const ids = said?.text.split('\n') ?? []
  return new Map(names.map((name, index) => [name, ids[index] ?? '']))
}
