// The first row: how many need the user, and what of the list is not as usual (a filter, another order, marked rows). Pure.

import { visibleWidth } from '@earendil-works/pi-tui'
import { clock } from '../../text/format.ts'
import type { Theme } from '../theme.ts'
import { betweenEdges } from '../cells.ts'
import type { Sort } from './groups.ts'
import type { Counts } from './listing.ts'

export interface HeaderState {
  readonly counts: Counts
  readonly filter: string
  readonly sort: Sort
  readonly byProject: boolean
  readonly archived: boolean
  readonly marked: number
  readonly nowMs: number
}

const sortTexts: Readonly<Record<Sort, string>> = { attention: '', change: 'by last change', start: 'by start', cost: 'by cost' }

export function headerRow(state: HeaderState, columns: number, theme: Theme): string {
  const { bold, dim, accent } = theme
  const { counts } = state
  const time = dim(clock(state.nowMs).slice(0, 5))
  const unusual = [
    state.filter === '' ? '' : `${accent(`/${state.filter}`)} ${dim(`${counts.fitting} of ${counts.all}`)}`,
    state.marked > 0 ? accent(`${state.marked} marked`) : '',
    dim(sortTexts[state.sort]),
    state.byProject ? dim('by project') : '',
    state.archived ? dim('with archived') : '',
  ].filter((text) => text !== '')
  const start = ` ${[bold('offstage'), ...unusual].join('   ')}`
  const ends = [wordsOf(counts, theme), shapesOf(counts, theme)].map((text) => `${text}   ${time} `)
  return betweenEdges(start, ends.find((end) => visibleWidth(start) + 2 + visibleWidth(end) <= columns) ?? ends.at(-1) ?? '', columns)
}

function wordsOf({ needYou, working, done, failed, all }: Counts, theme: Theme): string {
  if (all === 0) return theme.dim('no sessions')
  const parts = [
    needYou > 0 ? theme.status('waiting', `${needYou} ${needYou === 1 ? 'needs' : 'need'} you`) : '',
    working > 0 ? theme.status('working', `${working} working`) : '',
    done > 0 ? theme.dim(`${done} done`) : '',
    failed > 0 ? theme.status('failed', `${failed} failed`) : '',
  ]
  return parts.filter((part) => part !== '').join(theme.dim(' · '))
}

function shapesOf({ needYou, working, done, failed }: Counts, theme: Theme): string {
  const parts = [
    needYou > 0 ? theme.status('waiting', `◆${needYou}`) : '',
    working > 0 ? theme.status('working', `●${working}`) : '',
    done > 0 ? theme.dim(`✓${done}`) : '',
    failed > 0 ? theme.status('failed', `✗${failed}`) : '',
  ]
  return parts.filter((part) => part !== '').join(' ')
}
