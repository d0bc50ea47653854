// What the tree of a snapshot cannot hold: the exact bytes of files that git converts (line ends, filters, encodings), empty folders, ignored files. Kept in a commit of its own beside it:
// `files/PATH` and `ignored/PATH` as they lay on the disk, `folders` and `no-folders` as lists of names, each followed by NUL.

import { lstat, mkdir, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ObjectId } from '../core/workspace.ts'
import { type GitDeps, runGit } from './git.ts'
import { type Look, type Name, at, inChunks, listOf, nameOf } from './look.ts'
import { type ObjectPlace, type OpenTree, type TreeDeps, durable } from './open-tree.ts'
import { nulPieces } from './paths.ts'
import { rawAttributes } from './shadow.ts'

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
  const entries = new Map<Name, TreeEntry>()
  for (const piece of nulPieces(bytes)) {
    const tab = piece.indexOf(9)
    const [mode = '', , id = '', size = ''] = piece.toString('latin1', 0, tab).split(/ +/)
    entries.set(nameOf(piece.subarray(tab + 1)), { mode, id, size: Number.parseInt(size, 10) || 0 })
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

/** Files of the tree whose bytes on the disk may be others than those of their blobs. */
async function convertedIn(deps: TreeDeps, tree: OpenTree, made: ObjectId, conversion: Conversion, signal: AbortSignal): Promise<readonly Name[]> {
  const entries = await entriesOf(deps, tree, made, signal)
  const head = tree.head && tree.head.tree !== made ? await entriesOf(deps, tree, tree.head.tree, signal) : entries
  const names = [...entries].flatMap(([name, { mode }]) => (mode.startsWith('100') ? [name] : []))
  const how = await conversionsOf(deps, tree, names, conversion, signal)
  const judged = await inChunks(names, async (name) => {
    const kind = how.get(name)
    if (kind === undefined) return []
    const entry = entries.get(name)
    const found = await lstat(at(tree.top, name)).catch(() => undefined)
    if (!entry || !found?.isFile()) return []
    // Line ends and idents only ever get shorter.
    if (kind === 'shortened') return found.size === entry.size ? [] : [name]
    // What is committed and lies in git-lfs' own store comes back from there.
    const isKept = kind === 'lfs' && found.size !== entry.size && head.get(name)?.id === entry.id && (await hasLfsObject(deps, tree, entry, signal))
    return isKept ? [] : [name]
  })
  return judged.flat()
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

export interface Beside {
  readonly emptyFolders: readonly Name[]
  /** Files; empty unless all is kept. */
  readonly ignored: readonly Name[]
}

/** The tree of the commit "exact"; undefined where nothing needs one. */
export async function storeExact(deps: TreeDeps, tree: OpenTree, made: ObjectId, look: Look, beside: Beside, scratch: string, signal: AbortSignal): Promise<ObjectId | undefined> {
  const conversion = await conversionIn(deps, tree, look, signal)
  const converted = conversion ? await convertedIn(deps, tree, made, conversion, signal) : []
  if (converted.length + beside.ignored.length + beside.emptyFolders.length === 0) return undefined
  const raw = await rawRepository(tree, scratch)
  const files = converted.length > 0 ? await rawTree(deps, tree, raw, 'files', converted, signal) : undefined
  const ignored = beside.ignored.length > 0 ? await rawTree(deps, tree, raw, 'ignored', beside.ignored, signal) : undefined
  return makeTree(deps, tree, { ...(files && { files }), ...(ignored && { ignored }), folders: beside.emptyFolders }, signal)
}

/** A git directory beside the repository's, with the same objects, that converts nothing. */
async function rawRepository(tree: OpenTree, scratch: string): Promise<string> {
  const gitDir = join(scratch, 'raw')
  for (const folder of ['objects', 'refs', 'info']) await mkdir(join(gitDir, folder), { recursive: true })
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n')
  await writeFile(join(gitDir, 'info', 'attributes'), rawAttributes)
  const format = tree.format === 'sha1' ? '' : `[extensions]\n\tobjectFormat = ${tree.format}\n`
  await writeFile(join(gitDir, 'config'), `[core]\n\trepositoryformatversion = ${format === '' ? 0 : 1}\n${format}`)
  return gitDir
}

async function rawTree(deps: TreeDeps, tree: OpenTree, raw: string, what: string, names: readonly Name[], signal: AbortSignal): Promise<ObjectId> {
  const vars = { GIT_DIR: raw, GIT_WORK_TREE: tree.top, GIT_OBJECT_DIRECTORY: join(tree.common, 'objects'), GIT_INDEX_FILE: join(raw, `index-${what}`) }
  const call = { cwd: tree.top, vars, config: [...durable, 'core.autocrlf=false'] }
  await runGit(deps, ['update-index', '--add', '--remove', '-z', '--stdin'], { ...call, input: listOf(names) }, signal)
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
