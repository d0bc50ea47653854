// Bringing a session's work into a branch, on a screen of its own: the plan first, then what becomes of it. Nothing moves before its key, and leaving the screen takes nothing back.

import { type Landed, handOverPrompt, landedText, landingEnd, planOf, queueLanding } from '../../client/landing.ts'
import { failureFrom } from '../../client/failures.ts'
import type { SessionView } from '../../core/view.ts'
import type { LandHow, LandingPlan } from '../../core/workspace.ts'
import { nameOf } from '../../text/format.ts'
import { fitStyled } from '../cells.ts'
import { rule, statusRow } from '../conversation/rows.ts'
import { OneLine } from '../list/one-line.ts'
import { ScrolledRows } from '../scrolled-rows.ts'
import type { Size, Stage, View } from '../view.ts'
import { readAfterMs } from './decision.ts'
import { type LandingState, bringsNothing, endedInConflict, landingHints, landingRows, ways } from './landing-rows.ts'
import { offerPrompt } from './prompting.ts'

export interface LandingParts {
  readonly session: SessionView
  /** Of a run that a prompt starts, and of checks. */
  readonly environment: () => Promise<Record<string, string>>
}

export const openLanding = (stage: Stage, parts: LandingParts): View => new LandingView(stage, parts)

class LandingView implements View {
  readonly #stage: Stage
  readonly #parts: LandingParts
  readonly #closing = new AbortController()
  readonly #scrolled = new ScrolledRows()
  #state: LandingState = { kind: 'reading' }
  #into: string | undefined
  #how: LandHow | undefined
  #checks = true
  #typing: OneLine | undefined
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
    const { theme, keymap } = this.#stage
    const { session } = this.#parts
    const shown = this.#scrolled.show(landingRows(this.#state, { session, checks: this.#checks }, theme), Math.max(1, height - 3))
    const pieces = landingHints(this.#state, { checks: this.#checks, scrolled: this.#scrolled }, keymap)
    const foot = this.#typing ? this.#typing.render(columns) : statusRow(pieces, columns, theme)
    return [theme.bold(` ${this.title()}`), rule(columns, theme), ...shown, foot].map((row) => fitStyled(row, columns, '…')).slice(-height)
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
        return this.#scrolled.by(-1)
      case 'dialog.down':
        return this.#scrolled.by(1)
      case 'dialog.scroll-up':
        return this.#scrolled.by(-10)
      case 'dialog.scroll-down':
        return this.#scrolled.by(10)
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
        if (bringsNothing(state.plan)) return
        return state.plan.conflicts.length > 0 ? this.#handOver(state.plan) : void this.#land(state.plan)
      }
      case 'over':
        return endedInConflict(state.end) ? this.#handOver({ into: state.plan.into, conflicts: state.end.paths ?? [] }) : this.#stage.close(this)
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
    let state: LandingState
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
    const { session, environment } = this.#parts
    const { into, how, checks } = plan
    const step = (text: string): void => {
      this.#state = { kind: 'landing', plan, step: text }
      this.#stage.repaint()
    }
    step('')
    let isQueued = false
    try {
      // Not the signal of this screen: what was asked for is not taken back by leaving it.
      const queued = await queueLanding(client, session.id, { into, how, checks: this.#checks && checks.length > 0 }, await environment(), signal)
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
}
