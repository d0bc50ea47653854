// Where a task can work: in a worktree of its own, with what of the changes, or in place. Pure; the first choice is what the configuration says.

import { type TreeWishes, kindOf } from '../../client/tree-wishes.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { Place } from '../../core/workspace.ts'
import { count } from '../../text/format.ts'
import type { DirectoryState } from './launching.ts'

export interface TreeChoice {
  readonly kind: 'worktree' | 'in-place'
  readonly text: string
  readonly wishes: TreeWishes
}

type Repository = NonNullable<Place['repository']>

/** `key`: what goes from one to the next. */
export function treeChoices({ branch, place, wish }: DirectoryState, kind: 'agent' | 'program', key: string): readonly TreeChoice[] {
  const repository = place?.repository
  const dirt = repository ? dirtText(repository) : undefined
  const where = [branch === undefined ? undefined : printableLine(branch), repository ? (dirt ?? 'clean') : undefined].filter((part) => part !== undefined).join(', ')
  const inPlace = (wishes: TreeWishes): TreeChoice => ({ kind: 'in-place', text: `in place${where === '' ? '' : ` (${where})`}`, wishes })
  if (!place || !repository || repository.head === null) return [inPlace({})]
  const from = `worktree from ${printableLine(repository.branch ?? repository.head.slice(0, 7))}`
  const carried = carriedWishes(repository)
  const state = dirt === undefined ? 'clean' : key === '' || carried.length === 0 ? dirt : `${dirt}: ${key} takes ${isOne(repository) ? 'it' : 'them'} along`
  const worktree = (wishes: TreeWishes): TreeChoice => ({ kind: 'worktree', text: `${from} (${state})`, wishes })
  const others = carried.map(({ text, carries }): TreeChoice => ({ kind: 'worktree', text: `${from}, with ${text}`, wishes: { workspace: 'worktree', carries } }))
  // A program works where it is started, unless told.
  const standard = kind === 'agent' ? kindOf(wish, place) : 'in-place'
  return standard === 'worktree' ? [worktree({}), ...others, inPlace({ workspace: 'in-place' })] : [inPlace({}), worktree({ workspace: 'worktree' }), ...others]
}

/** The directory may stand otherwise by now: what was chosen stays what it is, not the place that it had among the others. */
export function chosenAmong(choices: readonly TreeChoice[], chosen: TreeChoice): TreeChoice | undefined {
  const ofKind = choices.filter(({ kind }) => kind === chosen.kind)
  // Without new files all of it is what was changed.
  const same = ofKind.find((one) => takes(one) === takes(chosen)) ?? ofKind.find((one) => takes(chosen) === 'all' && takes(one) === 'tracked') ?? ofKind[0]
  return same && { ...same, wishes: { ...same.wishes, workspace: same.kind } }
}

/** How many changes there are to be taken along does not make it another one. */
export const isSameChoice = (one: TreeChoice, other: TreeChoice): boolean => one.kind === other.kind && takes(one) === takes(other)

const takes = ({ wishes: { carries } }: TreeChoice): string => (carries === undefined ? 'nothing' : carries.untracked === 'all' ? 'all' : 'tracked')

const isOne = ({ changed, untracked }: Repository): boolean => changed.length + untracked.length === 1

function dirtText({ changed, untracked }: Repository): string | undefined {
  const parts = [...(changed.length > 0 ? [`${changed.length} changed`] : []), ...(untracked.length > 0 ? [`${untracked.length} new`] : [])]
  return parts.length === 0 ? undefined : parts.join(', ')
}

function carriedWishes({ changed, untracked }: Repository): readonly { readonly text: string; readonly carries: NonNullable<TreeWishes['carries']> }[] {
  const tracked = count(changed.length, 'change')
  return [
    ...(changed.length > 0 ? [{ text: tracked, carries: { untracked: [] } }] : []),
    ...(untracked.length > 0 ? [{ text: `${changed.length > 0 ? `${tracked} and ` : ''}${count(untracked.length, 'new file')}`, carries: { untracked: 'all' as const } }] : []),
  ]
}
