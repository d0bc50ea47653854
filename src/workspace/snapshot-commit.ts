// How a snapshot is written down as a commit, and read again: what it says of itself stands in trailers, so that no database is needed to list snapshots. Its parents keep what it rests on.

import type { ObjectId, Snapshot, SnapshotWhy, TreePath } from '../core/workspace.ts'
import { type GitDeps, runGit } from './git.ts'
import { type ObjectPlace, durable } from './open-tree.ts'

/** A repository inside the tree, kept in its own repository. */
export interface Inside {
  readonly path: TreePath
  readonly n: number
  readonly commit: ObjectId
  readonly tree: ObjectId
}

export interface Kept {
  readonly tree: ObjectId
  readonly head: ObjectId | null
  /** Commit with what was staged. */
  readonly index?: ObjectId
  /** Commit with exact bytes. */
  readonly exact?: ObjectId
  readonly inside: readonly Inside[]
  /** Absent: a target of an undo, no snapshot. */
  readonly snapshot?: Snapshot
}

const whys: readonly SnapshotWhy[] = ['start', 'turn-start', 'turn-end', 'asked', 'undo', 'restore', 'land', 'remove']
export const mostLeftOut = 20

export interface NewKept extends Omit<Kept, 'snapshot'> {
  readonly about?: Omit<Snapshot, 'commit' | 'tree'> & { readonly session: string }
}

export async function writeKept(deps: GitDeps, place: ObjectPlace, { tree, head, index, exact, inside, about }: NewKept, signal: AbortSignal): Promise<ObjectId> {
  const trailers: readonly (readonly [string, string | number | undefined])[] = [
    ['Session', about?.session],
    ['Number', about?.n],
    ['Why', about?.why],
    ['Turn', about?.turn],
    ['Time', about?.atMs],
    ['Head', head ?? 'none'],
    ['Index', index],
    ['Exact', exact],
    ...inside.map((one) => ['Inside', JSON.stringify(one)] as const),
    ...(about?.leftOut ?? []).map((one) => ['Left-Out', JSON.stringify(one)] as const),
  ]
  const lines = trailers.flatMap(([name, value]) => (value === undefined ? [] : [`Offstage-${name}: ${value}\n`]))
  const title = about ? `Offstage snapshot ${about.n} of ${about.session}` : 'Offstage: what is to be written back'
  const parents = [head, index, exact].flatMap((id) => id ?? [])
  return writeCommit(deps, place, { tree, parents, atMs: about?.atMs ?? 0, message: `${title}\n\n${lines.join('')}` }, signal)
}

/** By us. The same is the same commit. */
export async function writeCommit(
  deps: GitDeps,
  place: ObjectPlace,
  of: { readonly tree: ObjectId; readonly parents: readonly ObjectId[]; readonly message: string; readonly atMs?: number },
  signal: AbortSignal,
): Promise<ObjectId> {
  const at = `@${Math.floor((of.atMs ?? 0) / 1000)} +0000`
  const by = { NAME: 'Offstage', EMAIL: 'offstage@localhost', DATE: at }
  const who = Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((role) => Object.entries(by).map(([name, value]) => [`GIT_${role}_${name}`, value])))
  const call = { cwd: place.cwd, vars: { ...place.vars, ...who }, config: [...durable, 'i18n.commitEncoding=UTF-8'], input: of.message }
  return (await runGit(deps, ['commit-tree', of.tree, ...of.parents.flatMap((id) => ['-p', id]), '-F', '-'], call, signal)).text.trim()
}

/** Of a commit of ours. A tree, or a commit of others, has only its tree. */
export async function readKept(deps: GitDeps, place: ObjectPlace, id: ObjectId, signal: AbortSignal): Promise<Kept> {
  const { text } = await runGit(deps, ['cat-file', '--batch'], { ...place, input: `${id}\n` }, signal)
  const [header = '', ...lines] = text.split('\n')
  if (!header.includes(' commit ')) return { tree: id, head: null, inside: [] }
  const tree = lines.find((line) => line.startsWith('tree '))?.slice(5) ?? id
  return parseKept(id, tree, text.slice(text.indexOf('\n\n') + 2))
}

export function parseKept(commit: ObjectId, tree: ObjectId, message: string): Kept {
  const trailers = Array.from(message.matchAll(/^Offstage-([A-Za-z-]+): (.*)$/gm), ([, name = '', value = '']) => ({ name, value }))
  const all = (name: string): readonly string[] => trailers.flatMap((one) => (one.name === name ? [one.value] : []))
  const [head] = all('Head')
  const [index] = all('Index')
  const [exact] = all('Exact')
  const why = whys.find((one) => one === all('Why')[0])
  const [n, turn, atMs] = ['Number', 'Turn', 'Time'].map((name) => Number.parseInt(all(name)[0] ?? '', 10))
  const inside = all('Inside').flatMap((text): readonly Inside[] => {
    const { path, n: number, commit: its, tree: itsTree } = parsed(text)
    return typeof path === 'string' && typeof number === 'number' && typeof its === 'string' && typeof itsTree === 'string' ? [{ path, n: number, commit: its, tree: itsTree }] : []
  })
  const leftOut = all('Left-Out').flatMap((text) => {
    const { path, why: reason } = parsed(text)
    return typeof path === 'string' && typeof reason === 'string' ? [{ path, why: reason }] : []
  })
  const isSnapshot = why !== undefined && n !== undefined && turn !== undefined && atMs !== undefined && [n, turn, atMs].every(Number.isInteger)
  return {
    tree,
    head: head === undefined || head === 'none' ? null : head,
    inside,
    ...(index !== undefined && { index }),
    ...(exact !== undefined && { exact }),
    ...(isSnapshot && { snapshot: { n, commit, tree, why, turn, atMs, ...(leftOut.length > 0 && { leftOut }) } }),
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Oldest first. One whose commit is gone is none. */
export async function keptOf(
  deps: GitDeps,
  place: ObjectPlace,
  refs: string,
  signal: AbortSignal,
): Promise<readonly (Kept & { readonly snapshot: Snapshot; readonly ref: string })[]> {
  const { text } = await runGit(deps, ['for-each-ref', '--format=%(refname) %(objectname)', refs], place, signal)
  const named = text.split('\n').flatMap((line) => (line === '' ? [] : [line.split(' ')]))
  if (named.length === 0) return []
  const { bytes } = await runGit(deps, ['cat-file', '--batch'], { ...place, input: named.map(([, commit]) => `${commit}\n`).join('') }, signal)
  let from = 0
  const kept = named.flatMap(([ref = '', commit = '']) => {
    const end = bytes.indexOf(0x0a, from)
    const [, kind, size] = bytes.toString('utf8', from, end).split(' ')
    const content = kind === 'missing' ? '' : bytes.toString('utf8', end + 1, end + 1 + Number(size))
    from = kind === 'missing' ? end + 1 : end + 2 + Number(size)
    const one = parseKept(commit, /^tree (\S+)/.exec(content)?.[1] ?? '', content.slice(content.indexOf('\n\n') + 2))
    return one.snapshot ? [{ ...one, snapshot: one.snapshot, ref }] : []
  })
  return kept.toSorted((one, other) => one.snapshot.n - other.snapshot.n)
}
