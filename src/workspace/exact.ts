// What the tree of a snapshot cannot hold: the exact bytes of files that git converts (line ends, filters, encodings), empty folders, ignored files. Kept in a commit of its own beside it:
// `files/PATH` and `ignored/PATH` as they lay on the disk, `folders` and `no-folders` as lists of names, each followed by NUL.

import { lstatSync } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { ObjectId } from '../core/workspace.ts'
import { hasCode } from './disk.ts'
import { type GitDeps, runGit } from './git.ts'
import { type Look, type Name, at, listOf, nameOf, textOf } from './look.ts'
import { type ObjectPlace, type OpenTree, type TreeDeps, durable } from './open-tree.ts'
import { nulPieces } from './paths.ts'
import { rawAttributes } from './shadow.ts'
import { passedOver } from './stored-tree.ts'
import { WorkspaceFailed } from './workspaces.ts'

export interface Blob {
  readonly mode: string
  readonly id: ObjectId
}

export interface Exact {
  readonly files: ReadonlyMap<Name, Blob>
  readonly ignored: ReadonlyMap<Name, Blob>
  readonly folders: ReadonlySet<Name>
  /** Folders that are to be gone where nothing is in them. */
  readonly noFolders: ReadonlySet<Name>
}

export const nothingExact: Exact = { files: new Map(), ignored: new Map(), folders: new Set(), noFolders: new Set() }

export interface TreeEntry extends Blob {
  readonly size: number
}

export async function entriesOf(deps: GitDeps, place: ObjectPlace, tree: ObjectId, signal: AbortSignal): Promise<ReadonlyMap<Name, TreeEntry>> {
  const { bytes } = await runGit(deps, ['ls-tree', '-r', '-z', '-l', '--full-tree', tree], place, signal)
  // Thousands of them, and each time: no more strings than are needed.
  const text = bytes.toString('latin1')
  const entries = new Map<Name, TreeEntry>()
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\0', from)
    const tab = text.indexOf('\t', from)
    const id = text.indexOf(' ', from + 7) + 1
    const size = text.indexOf(' ', id)
    entries.set(text.slice(tab + 1, end), { mode: text.slice(from, from + 6), id: text.slice(id, size), size: Number(text.slice(size, tab)) || 0 })
    from = end + 1
  }
  return entries
}

/** Settings that tell whether, and where, git converts. */
export interface Conversion {
  readonly autocrlf: boolean
  /** Drivers that are set up. */
  readonly filters: ReadonlySet<string>
}

/** Undefined: nothing of this tree can be converted. */
export async function conversionIn(deps: TreeDeps, tree: OpenTree, look: Pick<Look, 'hasAttributes'>, signal: AbortSignal): Promise<Conversion | undefined> {
  if (tree.isPrivate) return undefined
  const asked = ['config', '-z', '--get-regexp', '^(core\\.(autocrlf|attributesfile)|filter\\..*\\.(clean|process|smudge))$']
  const { text } = await runGit(deps, asked, { ...tree, accepts: [1] }, signal)
  const settings = text.split('\0').flatMap((one) => (one === '' ? [] : [one.split('\n')]))
  const last = (name: string): string | undefined => settings.findLast(([key]) => key === name)?.[1]
  const autocrlf = !['', 'false', 'no', 'off', '0', undefined].includes(last('core.autocrlf')?.toLowerCase())
  const home = deps.env['HOME'] ?? homedir()
  const attributes = [
    join(tree.common, 'info', 'attributes'),
    last('core.attributesfile')?.replace(/^~(?=\/)/, home) ?? join(deps.env['XDG_CONFIG_HOME'] || join(home, '.config'), 'git/attributes'),
    // Wherever git was built for.
    '/etc/gitattributes',
    '/usr/local/etc/gitattributes',
    '/opt/homebrew/etc/gitattributes',
  ]
  const there = await Promise.all(attributes.map((path) => stat(path).then(({ size }) => size > 0, () => false))) // prettier-ignore
  if (!autocrlf && !look.hasAttributes && !there.includes(true)) return undefined
  return { autocrlf, filters: new Set(settings.flatMap(([key = '']) => /^filter\.(.*)\.[a-z]+$/s.exec(key)?.[1] ?? [])) }
}

/** Files of the tree whose bytes on the disk are, or may be, others than those of their blobs. */
async function convertedIn(deps: TreeDeps, tree: OpenTree, made: ObjectId, look: Look, { head, sizes }: Before, signal: AbortSignal): Promise<readonly Name[]> {
  if (tree.isPrivate) return []
  const [entries, conversion] = await Promise.all([entriesBeside(deps, tree, made, head, signal), conversionIn(deps, tree, look, signal)])
  const names = [...entries].flatMap(([name, { mode }]) => (mode.startsWith('100') ? [name] : []))
  // Line ends and idents make what git keeps shorter. Also of those that it converted once and converts no more: they are as they were to git until somebody touches them.
  const kinds = conversion ? conversionsOf(deps, tree, names, conversion, signal) : new Map<Name, ConversionKind>()
  const others = await sizesOf(tree.top, names.filter((name) => !sizes.has(name))) // prettier-ignore
  const how = await kinds
  const found: Name[] = []
  for (const [name, entry] of entries) {
    const size = sizes.get(name) ?? others.get(name)
    const kind = how.get(name)
    if (size === undefined || (size === entry.size && kind !== 'any' && kind !== 'lfs')) continue
    // What is committed and lies in git-lfs' own store comes back from there.
    if (kind === 'lfs' && size !== entry.size && head.get(name)?.id === entry.id && (await hasLfsObject(deps, tree, entry, signal))) continue
    found.push(name)
  }
  return found
}

export type Entries = ReadonlyMap<Name, TreeEntry>

/** Of this tree, by those of another that is much the same. */
async function entriesBeside(deps: GitDeps, tree: OpenTree, made: ObjectId, head: Entries, signal: AbortSignal): Promise<Entries> {
  if (!tree.head) return entriesOf(deps, tree, made, signal)
  if (tree.head.tree === made) return head
  const { bytes } = await runGit(deps, ['diff-tree', '-r', '-z', '--raw', '--no-renames', tree.head.tree, made, '--'], tree, signal)
  const pieces = nulPieces(bytes)
  const changed = pieces.flatMap((piece, at) => {
    const name = pieces[at + 1]
    const [, mode = '', , id = ''] = piece.toString('latin1').split(' ')
    return at % 2 === 0 && name ? [{ name: nameOf(name), mode, id }] : []
  })
  const blobs = changed.filter(({ mode }) => mode.startsWith('100'))
  const { text } = await runGit(deps, ['cat-file', '--batch-check=%(objectsize)'], { ...tree, input: blobs.map(({ id }) => `${id}\n`).join('') }, signal)
  const sizes = text.split('\n')
  const entries = new Map(head)
  for (const { name } of changed) entries.delete(name)
  for (const [at, { name, mode, id }] of blobs.entries()) entries.set(name, { mode, id, size: Number.parseInt(sizes[at] ?? '', 10) || 0 })
  return entries
}

// oxlint-disable-next-line no-control-regex
const isAscii = /^[\0-\x7f]*$/

/** Of files that are there. In portions: one call after the other is many times as fast as all of them side by side, and nobody is to wait long. */
export async function sizesOf(top: string, names: readonly Name[]): Promise<ReadonlyMap<Name, number>> {
  const sizes = new Map<Name, number>()
  for (const [index, name] of names.entries()) {
    if (index % 1000 === 999) await new Promise(setImmediate)
    try {
      const found = lstatSync(isAscii.test(name) ? `${top}/${name}` : at(top, name))
      if (found.isFile()) sizes.set(name, found.size)
    } catch (cause) {
      if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw cause
    }
  }
  return sizes
}

/** `shortened`: what git keeps is never longer than the file, and as long only where it is the same. */
export type ConversionKind = 'shortened' | 'lfs' | 'any'

/** Files that are none of these are kept as they are. */
export async function conversionsOf(
  deps: GitDeps,
  tree: OpenTree,
  names: readonly Name[],
  conversion: Conversion,
  signal: AbortSignal,
): Promise<ReadonlyMap<Name, ConversionKind>> {
  const { bytes } = await runGit(deps, ['check-attr', '-z', '--stdin', '-a'], { ...tree, input: listOf(names) }, signal)
  const attributes = new Map<Name, Map<string, string>>()
  const said = nulPieces(bytes).map(nameOf)
  for (let from = 0; from + 2 < said.length; from += 3) {
    const name = said[from] ?? ''
    const own = attributes.get(name) ?? new Map<string, string>()
    attributes.set(name, own.set(said[from + 1] ?? '', said[from + 2] ?? ''))
  }
  return new Map(
    names.flatMap((name) => {
      const kind = conversionOf(attributes.get(name), conversion)
      return kind === 'none' ? [] : [[name, kind] as const]
    }),
  )
}

function conversionOf(attributes: ReadonlyMap<string, string> | undefined, { autocrlf, filters }: Conversion): ConversionKind | 'none' {
  const value = (name: string): string | undefined => attributes?.get(name)
  const filter = value('filter')
  if (filter !== undefined && filters.has(filter)) return filter === 'lfs' ? 'lfs' : 'any'
  if (!['unset', 'unspecified', undefined].includes(value('working-tree-encoding'))) return 'any'
  if (value('ident') === 'set') return 'shortened'
  const text = value('text') ?? value('crlf')
  if (text === 'unset') return 'none'
  return text !== undefined || value('eol') !== undefined || autocrlf ? 'shortened' : 'none'
}

export const lfsPointer = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:[^\n]*\n)*?oid sha256:([0-9a-f]{64})\n/

async function hasLfsObject(deps: GitDeps, tree: OpenTree, entry: TreeEntry, signal: AbortSignal): Promise<boolean> {
  if (entry.size > 1024) return false
  const { text } = await runGit(deps, ['cat-file', 'blob', entry.id], tree, signal)
  const id = lfsPointer.exec(text)?.[1]
  return id !== undefined && (await stat(join(tree.common, 'lfs', 'objects', id.slice(0, 2), id.slice(2, 4), id)).catch(() => undefined)) !== undefined
}

/** What is read while the tree is being made. */
export interface Before {
  /** Of HEAD. */
  readonly head: Entries
  /** On the disk, of files that git holds for unchanged. */
  readonly sizes: ReadonlyMap<Name, number>
}

export interface Beside {
  readonly emptyFolders: readonly Name[]
  /** Files; empty unless all is kept. */
  readonly ignored: readonly Name[]
}

/** The tree of the commit "exact"; undefined where nothing needs one. */
export async function storeExact(
  deps: TreeDeps,
  tree: OpenTree,
  { made, look, before, beside }: { readonly made: ObjectId; readonly look: Look; readonly before: Before; readonly beside: Beside },
  scratch: string,
  signal: AbortSignal,
): Promise<ObjectId | undefined> {
  const converted = await convertedIn(deps, tree, made, look, before, signal)
  if (converted.length + beside.ignored.length + beside.emptyFolders.length === 0) return undefined
  const raw = await rawRepository(deps, tree, scratch, signal)
  const files = converted.length > 0 ? await rawTree(deps, tree, raw, 'files', converted, signal) : undefined
  const ignored = beside.ignored.length > 0 ? await rawTree(deps, tree, raw, 'ignored', beside.ignored, signal) : undefined
  return makeTree(deps, tree, { ...(files && { files }), ...(ignored && { ignored }), folders: beside.emptyFolders }, signal)
}

interface RawRepository {
  readonly gitDir: string
  /** As with -c. */
  readonly config: readonly string[]
}

/** A git directory beside the repository's, with the same objects, that converts nothing. */
async function rawRepository(deps: TreeDeps, tree: OpenTree, scratch: string, signal: AbortSignal): Promise<RawRepository> {
  const gitDir = join(scratch, 'raw')
  for (const folder of ['objects', 'refs', 'info']) await mkdir(join(gitDir, folder), { recursive: true })
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n')
  await writeFile(join(gitDir, 'info', 'attributes'), rawAttributes)
  const format = tree.format === 'sha1' ? '' : `[extensions]\n\tobjectFormat = ${tree.format}\n`
  await writeFile(join(gitDir, 'config'), `[core]\n\trepositoryformatversion = ${format === '' ? 0 : 1}\n${format}`)
  // Whoever shares the repository writes into the same folders of objects.
  const shared = (await runGit(deps, ['config', '--get', 'core.sharedRepository'], { ...tree, accepts: [1] }, signal)).text.trim()
  return { gitDir, config: shared === '' ? [] : [`core.sharedRepository=${shared}`] }
}

async function rawTree(deps: TreeDeps, tree: OpenTree, raw: RawRepository, what: string, names: readonly Name[], signal: AbortSignal): Promise<ObjectId> {
  const vars = { GIT_DIR: raw.gitDir, GIT_WORK_TREE: tree.top, GIT_OBJECT_DIRECTORY: join(tree.common, 'objects'), GIT_INDEX_FILE: join(raw.gitDir, `index-${what}`) }
  const call = { cwd: tree.top, vars, config: [...durable, 'core.autocrlf=false', ...raw.config] }
  const { errors } = await runGit(deps, ['update-index', '--add', '--remove', '-z', '--stdin'], { ...call, input: listOf(names) }, signal)
  const [passed] = await passedOver(deps, call, names, errors, signal)
  if (passed)
    throw new WorkspaceFailed('refused', `not all of ${printableLine(tree.top)} can be kept: ${printableLine(textOf(passed.name))} (${passed.why})`, {
      hint: 'move it away, or give it another name',
      paths: [textOf(passed.name)],
    })
  return (await runGit(deps, ['write-tree'], call, signal)).text.trim()
}

/** Of parts that are there already. */
export async function makeTree(
  deps: GitDeps,
  place: ObjectPlace,
  of: { readonly files?: ObjectId; readonly ignored?: ObjectId; readonly folders: Iterable<Name>; readonly noFolders?: Iterable<Name> },
  signal: AbortSignal,
): Promise<ObjectId> {
  const call = { ...place, config: durable }
  const lines: string[] = []
  for (const [name, folders] of [
    ['folders', of.folders],
    ['no-folders', of.noFolders ?? []],
  ] as const) {
    // prettier-ignore
    const input = listOf([...folders])
    if (input.length > 0) lines.push(`100644 blob ${(await runGit(deps, ['hash-object', '-w', '--stdin'], { ...call, input }, signal)).text.trim()}\t${name}\0`)
  }
  if (of.files !== undefined) lines.push(`040000 tree ${of.files}\tfiles\0`)
  if (of.ignored !== undefined) lines.push(`040000 tree ${of.ignored}\tignored\0`)
  return (await runGit(deps, ['mktree', '-z'], { ...call, input: lines.join('') }, signal)).text.trim()
}

export async function readExact(deps: GitDeps, place: ObjectPlace, commit: ObjectId | undefined, signal: AbortSignal): Promise<Exact> {
  if (commit === undefined) return nothingExact
  const entries = await entriesOf(deps, place, commit, signal)
  const below = (folder: string): ReadonlyMap<Name, Blob> =>
    new Map([...entries].flatMap(([name, { mode, id }]) => (name.startsWith(`${folder}/`) ? [[name.slice(folder.length + 1), { mode, id }]] : [])))
  const list = async (name: string): Promise<ReadonlySet<Name>> => {
    const entry = entries.get(name)
    return new Set(entry ? nulPieces((await runGit(deps, ['cat-file', 'blob', entry.id], place, signal)).bytes).map(nameOf) : [])
  }
  return { files: below('files'), ignored: below('ignored'), folders: await list('folders'), noFolders: await list('no-folders') }
}
