// What differs between many pairs of trees, by one git. Changes nothing, and runs no program of the user's on the files.

import type { ChangedFile, ObjectId, TreePath } from '../core/workspace.ts'
import { type GitDeps, runGit } from './git.ts'
import { pathText } from './paths.ts'

export interface TreePair {
  readonly from: ObjectId
  readonly to: ObjectId
}

type Lines = Pick<ChangedFile, 'added' | 'removed'>

const kinds: Readonly<Record<string, ChangedFile['kind']>> = { A: 'added', D: 'deleted', R: 'renamed', T: 'type-changed' }
const nameOf = ({ from, to }: TreePair): string => `${from} ${to}`

/** For each pair of trees (no commits), in their order. `vars`: where else git finds them. Throws GitFailed. */
export async function changedFiles(
  deps: GitDeps,
  directory: string,
  pairs: readonly TreePair[],
  signal: AbortSignal,
  vars: Readonly<Record<string, string>> = {},
): Promise<readonly (readonly ChangedFile[])[]> {
  const asked = [...new Set(pairs.filter(({ from, to }) => from !== to).map(nameOf))]
  if (asked.length === 0) return pairs.map(() => [])
  const args = ['diff-tree', '--stdin', '-r', '-z', '-M', '-l1000', '--raw', '--numstat', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none']
  const { bytes } = await runGit(deps, args, { cwd: directory, vars, input: asked.map((pair) => `${pair}\n`).join('') }, signal)
  const found = readChanges(bytes)
  return pairs.map((pair) => found.get(nameOf(pair)) ?? [])
}

/** A line with both trees, then `:modes hashes letter` and names of each file, then `added TAB removed TAB` and names of each; names end with NUL. */
function readChanges(bytes: Buffer): ReadonlyMap<string, readonly ChangedFile[]> {
  const found = new Map<string, readonly ChangedFile[]>()
  let at = 0
  const upTo = (byte: number): Buffer => {
    const end = bytes.indexOf(byte, at)
    const piece = bytes.subarray(at, end === -1 ? bytes.length : end)
    at += piece.length + 1
    return piece
  }
  const name = (): TreePath => pathText(upTo(0))
  let pair = ''
  let files: Omit<ChangedFile, 'added' | 'removed'>[] = []
  let lines = new Map<TreePath, Lines>()
  const close = (): void => void found.set(pair, files.map((file) => ({ ...file, ...(lines.get(file.path) ?? { added: null, removed: null }) }))) // prettier-ignore
  while (at < bytes.length) {
    if (bytes[at] === 0x3a) files.push(readFile(upTo(0).toString('latin1'), name))
    else if (isCount(bytes, at)) {
      const [added, removed] = [countOf(upTo(9)), countOf(upTo(9))]
      const path = name()
      // A rename: nothing, then both names.
      if (path === '') name()
      lines.set(path === '' ? name() : path, { added, removed })
    } else {
      close()
      pair = upTo(10).toString('latin1')
      files = []
      lines = new Map()
    }
  }
  close()
  return found
}

function readFile(meta: string, name: () => TreePath): Omit<ChangedFile, 'added' | 'removed'> {
  const [before = '', after = '', , , letter = ''] = meta.slice(1).split(' ')
  const first = name()
  const kind = kinds[letter.charAt(0)] ?? 'modified'
  const mode = before !== after && kind !== 'added' && kind !== 'deleted' ? { mode: { from: before, to: after } } : {}
  return kind === 'renamed' ? { path: name(), kind, from: first, ...mode } : { path: first, kind, ...mode }
}

/** Not the line with both trees. */
function isCount(bytes: Buffer, at: number): boolean {
  const tab = bytes.indexOf(9, at)
  return tab !== -1 && tab - at <= 12 && /^(\d+|-)$/.test(bytes.toString('latin1', at, tab))
}

const countOf = (bytes: Buffer): number | null => (bytes.toString('latin1') === '-' ? null : Number(bytes.toString('latin1')))
