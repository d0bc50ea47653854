// Bringing a session's work into a branch, on a screen of its own: the plan first, then what becomes of it. Nothing moves before its key, and leaving the screen takes nothing back.

import { type Landed, commitsText, handOverPrompt, landedText, landingEnd, planOf, queueLanding } from '../../client/landing.ts'
import { failureFrom } from '../../client/failures.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import type { LandHow, LandingPlan } from '../../core/workspace.ts'
import { checkRows } from '../../text/checks-text.ts'
import { count, nameOf } from '../../text/format.ts'
import type { ActionName } from '../actions.ts'
import { cellText, fitStyled } from '../cells.ts'
import { type Piece, rule, statusRow } from '../conversation/rows.ts'
import { OneLine } from '../list/one-line.ts'
import type { Size, Stage, View } from '../view.ts'
import { readAfterMs } from './decision.ts'
import { offerPrompt } from './prompting.ts'

export interface LandingParts {
  readonly session: SessionView
  /** Of a run that a prompt starts. */
  readonly environment: () => Promise<Record<string, string>>
}

type State =
  | { readonly kind: 'reading' }
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string | undefined }
  | { readonly kind: 'planned'; readonly plan: LandingPlan }
  | { readonly kind: 'landing'; readonly plan: LandingPlan; readonly step: string }
  | { readonly kind: 'over'; readonly plan: LandingPlan; readonly end: Landed }

const ways: readonly LandHow[] = ['merge', 'squash', 'rebase']
const wayTexts: Readonly<Record<LandHow, string>> = { merge: 'its commits and one that merges them', squash: 'one commit', rebase: 'its commits, on top of the branch' }
const mostListed = 8

const isNothing = ({ changes, ahead }: LandingPlan): boolean => changes.files.length === 0 && ahead === 0

export const openLanding = (stage: Stage, parts: LandingParts): View => new LandingView(stage, parts)

class LandingView implements View {
  readonly #stage: Stage
  readonly #parts: LandingParts
  readonly #closing = new AbortController()
  #state: State = { kind: 'reading' }
  #into: string | undefined
  #how: LandHow | undefined
  #checks = true
  #typing: OneLine | undefined
  #top = 0
  #most = 0
  #asked = 0
  /** When what stands there came. */
  #sinceMs = 0

  constructor(stage: Stage, parts: LandingParts) {
    this.#stage = stage
    this.#parts = parts
    void this.#plan()
  }

  title(): string {
    return `land ${nameOf(this.#parts.session)}`
  }

  render({ columns, rows: height }: Size): readonly string[] {
    const { theme } = this.#stage
    const rows = this.#rows(columns)
    const room = Math.max(1, height - 3)
    this.#most = Math.max(0, rows.length - room)
    this.#top = Math.min(this.#top, this.#most)
    const shown = rows.slice(this.#top, this.#top + room)
    const foot = this.#typing ? this.#typing.render(columns) : statusRow(this.#hints(), columns, theme)
    const all = [theme.bold(` land ${nameOf(this.#parts.session)}`), rule(columns, theme), ...shown, ...Array.from<string>({ length: room - shown.length }).fill(''), foot]
    return all.map((row) => fitStyled(row, columns, '…')).slice(-height)
  }

  input(data: string): void {
    const { keymap } = this.#stage
    if (this.#typing) return this.#type(this.#typing, data)
    switch (keymap.action('dialog', data)) {
      case 'dialog.later':
        return this.#stage.back()
      case 'dialog.choose':
        return this.#choose()
      case 'dialog.next': {
        if (this.#state.kind !== 'planned') return
        this.#how = ways[(ways.indexOf(this.#state.plan.how) + 1) % ways.length]
        return void this.#plan()
      }
      case 'dialog.previous':
        if (this.#state.kind === 'planned' || this.#state.kind === 'refused') {
          const text = this.#state.kind === 'planned' ? this.#state.plan.into : ''
          this.#typing = new OneLine(this.#stage.theme, { prompt: 'into the branch:', placeholder: 'main', text })
        }
        return
      case 'dialog.toggle':
        if (this.#state.kind === 'planned' && this.#state.plan.checks.length > 0) this.#checks = !this.#checks
        return
      case 'dialog.up':
        return this.#scroll(-1)
      case 'dialog.down':
        return this.#scroll(1)
      case 'dialog.scroll-up':
        return this.#scroll(-10)
      case 'dialog.scroll-down':
        return this.#scroll(10)
      default:
        if (keymap.action('review', data) === 'review.back') this.#stage.back()
    }
  }

  resumed(): void {
    this.#stage.repaint()
  }

  close(): void {
    this.#closing.abort()
  }

  #scroll(by: number): void {
    this.#top = Math.max(0, Math.min(this.#most, this.#top + by))
  }

  #type(typing: OneLine, data: string): void {
    switch (this.#stage.keymap.action('filter', data)) {
      case 'filter.back':
        this.#typing = undefined
        return
      case 'filter.apply':
        this.#typing = undefined
        this.#into = typing.text.trim() || undefined
        return void this.#plan()
      default:
        typing.input(data)
    }
  }

  #choose(): void {
    const state = this.#state
    if (this.#stage.now() - this.#sinceMs < readAfterMs) return
    switch (state.kind) {
      case 'planned': {
        const [against] = state.plan.against
        if (against !== undefined) return this.#stage.say(`not now: ${against}`, 'error')
        if (isNothing(state.plan)) return
        return state.plan.conflicts.length > 0 ? this.#handOver(state.plan) : void this.#land(state.plan)
      }
      case 'over':
        return state.end.type === 'land-failed' && state.end.at === 'conflict'
          ? this.#handOver({ into: state.plan.into, conflicts: state.end.paths ?? [] })
          : this.#stage.close(this)
      case 'refused':
        return void this.#plan()
      default:
    }
  }

  /** Asked for as the user's own prompt, which they see first. */
  #handOver(about: Pick<LandingPlan, 'into' | 'conflicts'>): void {
    const { session, environment } = this.#parts
    const sent = (): void => {
      this.#stage.close(this)
      this.#stage.say(`handed to ${nameOf(session)}`)
    }
    offerPrompt(this.#stage, { session, text: handOverPrompt(session.workspace, about), environment, sent })
  }

  async #plan(): Promise<void> {
    const { client } = this.#stage
    this.#asked += 1
    const asked = this.#asked
    const query = { session: this.#parts.session.id, ...(this.#into === undefined ? {} : { into: this.#into }), ...(this.#how === undefined ? {} : { how: this.#how }) }
    let state: State
    try {
      state = { kind: 'planned', plan: await planOf(client, query, this.#closing.signal) }
    } catch (thrown) {
      const { message, hint } = failureFrom(thrown)
      state = { kind: 'refused', why: message, hint }
    }
    if (asked !== this.#asked || this.#closing.signal.aborted) return
    this.#state = state
    this.#sinceMs = this.#stage.now()
    this.#stage.repaint()
  }

  async #land(plan: LandingPlan): Promise<void> {
    const { client, signal } = this.#stage
    const { session } = this.#parts
    const { into, how, checks } = plan
    const step = (text: string): void => {
      this.#state = { kind: 'landing', plan, step: text }
      this.#stage.repaint()
    }
    step('')
    let isQueued = false
    try {
      // Not the signal of this screen: what was asked for is not taken back by leaving it.
      const queued = await queueLanding(client, session.id, { into, how, checks: this.#checks && checks.length > 0 }, signal)
      isQueued = true
      const meanwhile = (event: Parameters<Parameters<typeof landingEnd>[2]>[0]): void => {
        if (event.type === 'step-started') step(event.command)
        else if (event.type === 'landing') step(`moving ${into}`)
      }
      const end = await landingEnd(client, queued, meanwhile, signal)
      this.#state = { kind: 'over', plan, end }
      this.#sinceMs = this.#stage.now()
      if (this.#closing.signal.aborted) this.#tell(end)
    } catch (thrown) {
      this.#stage.complain(thrown)
      // It may go on unseen: how it stands is asked anew.
      if (isQueued) await this.#plan()
      else this.#state = { kind: 'planned', plan }
    }
    this.#stage.repaint()
  }

  /** Of one that is not looked at any more. */
  #tell(end: Landed): void {
    const { text, hint } = landedText(this.#parts.session, end)
    const told = `${nameOf(this.#parts.session)}: ${text}`
    if (end.type === 'landed') this.#stage.say(told)
    else this.#stage.say(hint === undefined ? told : `${told}; ${hint}`, 'error')
  }

  #rows(columns: number): readonly string[] {
    const { theme } = this.#stage
    const state = this.#state
    if (state.kind === 'reading') return [theme.dim('   reading what would happen …')]
    if (state.kind === 'refused') return [theme.warning(`   ${printableLine(state.why)}`), ...(state.hint === undefined ? [] : [`   ${printableLine(state.hint)}`])]
    const planned = this.#planRows(state.plan)
    if (state.kind === 'planned') return planned
    if (state.kind === 'landing') return [...planned, '', ` ${theme.status('working', '●')} landing …  ${theme.dim(cellText(state.step))}`]
    return [...planned, '', ...this.#endRows(state.end, columns)]
  }

  #planRows(plan: LandingPlan): readonly string[] {
    const { theme } = this.#stage
    const { bold, dim, accent, added, removed, warning } = theme
    const row = (word: string, text: string): string => `   ${dim(word.padEnd(11))}${text}`
    const list = (word: string, texts: readonly string[], paint: (text: string) => string): readonly string[] =>
      texts
        .slice(0, mostListed)
        .map((text, index) => row(index === 0 ? word : '', paint(cellText(text))))
        .concat(texts.length > mostListed ? [row('', dim(`… ${texts.length - mostListed} more`))] : [])
    const { into, how, behind, changes, checks, conflicts, against } = plan
    const brings = isNothing(plan)
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
      ...(checks.length === 0
        ? [row('checks', dim('none'))]
        : list(this.#checks ? 'checks' : 'no checks', checks, this.#checks ? (text) => text : (text) => dim(`left out: ${text}`))),
      ...(conflicts.length === 0 ? [row('conflicts', dim('none'))] : list('conflicts', conflicts, (text) => warning(`≠ ${text}`))),
      ...list('not now', against, (text) => warning(`! ${text}`)),
    ]
  }

  #endRows(end: Landed, columns: number): readonly string[] {
    const { theme } = this.#stage
    const { text, hint } = landedText(this.#parts.session, end)
    const mark = end.type === 'landed' ? theme.status('completed', '✓') : theme.status('failed', '✗')
    const results = checkRows(end.results ?? [], theme)
    return [` ${mark} ${theme.bold(text)}`, ...(hint === undefined || (end.type === 'land-failed' && end.at === 'conflict') ? [] : [`   ${hint}`]), ...results].map((row) =>
      fitStyled(row, columns, '…'),
    )
  }

  #hints(): readonly Piece[] {
    const { keymap } = this.#stage
    const hint = (name: ActionName, does: string, rank: number): Piece => ({ text: keymap.hint(name) === '' ? '' : `${keymap.hint(name)} ${does}`, rank })
    const state = this.#state
    const more: Piece = { text: this.#most > 0 ? `${this.#top + 1} of ${this.#most + 1} ↑ ↓` : '', rank: 6 }
    const back = hint('dialog.later', state.kind === 'landing' ? 'back, it goes on' : 'back', 1)
    switch (state.kind) {
      case 'planned': {
        const does = state.plan.conflicts.length > 0 ? 'hands the conflict to it, shown first' : 'lands'
        const enter = state.plan.against.length > 0 || isNothing(state.plan) ? [] : [hint('dialog.choose', does, 0)]
        const checks = state.plan.checks.length > 0 ? [hint('dialog.toggle', this.#checks ? 'without checks' : 'with checks', 3)] : []
        return [...enter, hint('dialog.next', 'how', 2), ...checks, hint('dialog.previous', 'another branch', 4), more, back]
      }
      case 'refused':
        return [hint('dialog.choose', 'asks again', 2), hint('dialog.previous', 'another branch', 3), back]
      case 'over':
        return [
          state.end.type === 'land-failed' && state.end.at === 'conflict' ? hint('dialog.choose', 'hands the conflict to it, shown first', 0) : { text: '', rank: 2 },
          more,
          back,
        ]
      default:
        return [more, back]
    }
  }
}
