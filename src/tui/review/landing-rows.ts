// A landing in rows: what is known of it, the plan, how far it is, what became of it, and the keys that matter then. Pure.

import { type Landed, commitsText, landedText } from '../../client/landing.ts'
import { pathLine, printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import type { LandHow, LandingPlan } from '../../core/workspace.ts'
import { checkRows } from '../../text/checks-text.ts'
import { count } from '../../text/format.ts'
import type { ActionName } from '../actions.ts'
import { cellText } from '../cells.ts'
import type { Piece } from '../conversation/rows.ts'
import type { Keymap } from '../keymap.ts'
import type { ScrolledRows } from '../scrolled-rows.ts'
import type { Theme } from '../theme.ts'

export type LandingState =
  | { readonly kind: 'reading' }
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string | undefined }
  | { readonly kind: 'planned'; readonly plan: LandingPlan }
  | { readonly kind: 'landing'; readonly plan: LandingPlan; readonly step: string }
  | { readonly kind: 'over'; readonly plan: LandingPlan; readonly end: Landed }

export const ways: readonly LandHow[] = ['merge', 'squash', 'rebase']
const wayTexts: Readonly<Record<LandHow, string>> = { merge: 'its commits and one that merges them', squash: 'one commit', rebase: 'its commits, on top of the branch' }
const mostListed = 8

export const bringsNothing = ({ changes, ahead }: LandingPlan): boolean => changes.files.length === 0 && ahead === 0
export const endedInConflict = (end: Landed): end is Extract<Landed, { readonly type: 'land-failed' }> => end.type === 'land-failed' && end.at === 'conflict'

export interface LandingAbout {
  readonly session: SessionView
  /** They are to be run. */
  readonly checks: boolean
}

export function landingRows(state: LandingState, about: LandingAbout, theme: Theme): readonly string[] {
  switch (state.kind) {
    case 'reading':
      return [theme.dim('   reading what would happen …')]
    case 'refused':
      return [theme.warning(`   ${printableLine(state.why)}`), ...(state.hint === undefined ? [] : [`   ${printableLine(state.hint)}`])]
    case 'planned':
      return planRows(state.plan, about.checks, theme)
    case 'landing':
      return [...planRows(state.plan, about.checks, theme), '', ` ${theme.status('working', '●')} landing …  ${theme.dim(cellText(state.step))}`]
    case 'over':
      return [...planRows(state.plan, about.checks, theme), '', ...endRows(state.end, about.session, theme)]
  }
}

function planRows(plan: LandingPlan, runsChecks: boolean, { bold, dim, accent, added, removed, warning }: Theme): readonly string[] {
  const row = (word: string, text: string): string => `   ${dim(word.padEnd(11))}${text}`
  const list = (word: string, texts: readonly string[], paint: (text: string) => string): readonly string[] =>
    texts
      .slice(0, mostListed)
      .map((text, index) => row(index === 0 ? word : '', paint(cellText(text))))
      .concat(texts.length > mostListed ? [row('', dim(`… ${texts.length - mostListed} more`))] : [])
  const { into, how, behind, changes, checks, conflicts, against } = plan
  const brings = bringsNothing(plan)
    ? 'nothing: all of it is there'
    : changes.files.length === 0
      ? 'no changes of files'
      : `${count(changes.files.length, 'file')}  ${added(`+${changes.added}`)} ${removed(`−${changes.removed}`)}`
  const shown = ways.map((way) => (way === how ? bold(accent(`[${way}]`)) : dim(` ${way} `))).join(' ')
  return [
    row('into', `${bold(cellText(into))}${behind > 0 ? dim(`  ${behind} ahead of where it began`) : ''}`),
    row('how', `${shown}  ${dim(wayTexts[how])}`),
    row('brings', brings),
    row('commits', commitsText(plan)),
    ...(checks.length === 0 ? [row('checks', dim('none'))] : list(runsChecks ? 'checks' : 'no checks', checks, runsChecks ? (text) => text : (text) => dim(`left out: ${text}`))),
    ...(conflicts.length === 0 ? [row('conflicts', dim('none'))] : list('conflicts', conflicts.map(pathLine), (text) => warning(`≠ ${text}`))),
    ...list('not now', against, (text) => warning(`! ${text}`)),
  ]
}

function endRows(end: Landed, session: SessionView, theme: Theme): readonly string[] {
  const { text, hint } = landedText(session, end)
  const mark = end.type === 'landed' ? theme.status('completed', '✓') : theme.status('failed', '✗')
  return [` ${mark} ${theme.bold(text)}`, ...(hint === undefined || endedInConflict(end) ? [] : [`   ${hint}`]), ...checkRows(end.results ?? [], theme)]
}

/** `scrolled`: its rows, as they were painted. */
export function landingHints(state: LandingState, { checks, scrolled }: Pick<LandingAbout, 'checks'> & { readonly scrolled: ScrolledRows }, keymap: Keymap): readonly Piece[] {
  const hint = (name: ActionName, does: string, rank: number): Piece => ({ text: keymap.hint(name, does), rank })
  const handsOver = (): Piece => hint('dialog.choose', 'hands the conflict to it, shown first', 0)
  const more: Piece = { text: scrolled.most > 0 ? `${scrolled.top + 1} of ${scrolled.most + 1} ↑ ↓` : '', rank: 6 }
  const back = hint('dialog.later', state.kind === 'landing' ? 'back, it goes on' : 'back', 1)
  switch (state.kind) {
    case 'planned': {
      const { plan } = state
      const enter = plan.against.length > 0 || bringsNothing(plan) ? [] : [plan.conflicts.length > 0 ? handsOver() : hint('dialog.choose', 'lands', 0)]
      const toggle = plan.checks.length > 0 ? [hint('dialog.toggle', checks ? 'without checks' : 'with checks', 3)] : []
      return [...enter, hint('dialog.next', 'how', 2), ...toggle, hint('dialog.previous', 'another branch', 4), more, back]
    }
    case 'refused':
      return [hint('dialog.choose', 'asks again', 2), hint('dialog.previous', 'another branch', 3), back]
    case 'over':
      return [...(endedInConflict(state.end) ? [handsOver()] : []), more, back]
    default:
      return [more, back]
  }
}
