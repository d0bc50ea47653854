// The screens together: Agent View, and a conversation that was opened from it or from a shell. What leaving means is decided here: back to the list with that row selected, or back to the shell.

import type { NotifySettings } from '../core/announcement.ts'
import { printable } from '../core/terminal-text.ts'
import { nameOf } from '../text/format.ts'
import type { SessionView } from '../core/view.ts'
import { type Leaving, openConversation } from './conversation/conversation-view.ts'
import { openHelp } from './help-view.ts'
import type { KeptState } from './kept-state.ts'
import { type ListView, openList } from './list/list-view.ts'
import { LiveSessions } from './live-sessions.ts'
import { openLogs } from './logs-view.ts'
import { Ring } from './ring.ts'
import { openLanding } from './review/landing-view.ts'
import { openReview } from './review/review-view.ts'
import { type Left, type StageParts, TuiStage } from './stage.ts'
import type { View } from './view.ts'

export type { Left } from './stage.ts'

export interface AppParts extends StageParts {
  readonly kept: KeptState
  readonly driftAfterMs: number
  readonly notify: NotifySettings
  /** For a run that a prompt to this session starts. */
  readonly environment: (session: SessionView) => Promise<Record<string, string>>
  /** Brings a label to its session also when this process leaves now. */
  readonly label: (session: string, label: string) => void
  /** What the shell's user is told about a session that goes on. */
  readonly backgrounded: (session: Leaving, ids: readonly string[]) => string
}

const listWithinMs = 100

export async function showSessions(parts: AppParts): Promise<Left> {
  const app = new App(parts)
  await app.listKnown()
  return await app.run(app.list())
}

export async function showConversation(parts: AppParts, session: SessionView, from: 'start' | 'unseen'): Promise<Left> {
  const app = new App(parts)
  return await app.run(app.conversation(session, from))
}

class App {
  readonly #parts: AppParts
  readonly #stage: TuiStage
  readonly #sessions: LiveSessions
  #list: ListView | undefined
  readonly #ring: Ring
  #conversation: { readonly view: View; readonly session: string } | undefined

  constructor(parts: AppParts) {
    this.#parts = parts
    this.#stage = new TuiStage(parts)
    this.#sessions = new LiveSessions(parts.client, this.#stage.signal, {
      changed: () => this.#changed(),
      failed: (cause) => this.#stage.complain(cause),
    })
    this.#ring = new Ring({
      settings: parts.notify,
      env: parts.env,
      now: parts.now,
      sessions: () => this.#sessions.all(),
      // A terminal that does not tell whether it is looked at may be behind another window: then only what is open counts as seen.
      isSeen: (session) => (this.#stage.focused === undefined ? session.id === this.#conversation?.session : this.#stage.focused),
      write: (sequence) => this.#stage.write(sequence),
    })
  }

  /** The first frame shows the list, unless that takes long. */
  async listKnown(): Promise<void> {
    await this.#sessions.told(listWithinMs)
  }

  run(first: View): Promise<Left> {
    return this.#stage.run(first).finally(() => {
      this.#ring.close()
      this.#parts.kept.close()
    })
  }

  list(): ListView {
    const stage = this.#stage
    const { kept, driftAfterMs } = this.#parts
    this.#list = openList(stage, {
      sessions: this.#sessions,
      kept,
      driftAfterMs,
      environment: this.#parts.environment,
      open: (session) => this.#open(session),
      logs: (session) => stage.open(openLogs(stage, session)),
      review: (session) => this.#review(session),
      land: (session) => this.#land(session),
      help: () => stage.open(openHelp(stage, ['list', 'dispatch', 'filter', 'logs', 'review'])),
    })
    return this.#list
  }

  conversation(session: SessionView, from: 'start' | 'unseen'): View {
    const stage = this.#stage
    const view = openConversation(stage, {
      session,
      from,
      draft: { text: this.#parts.kept.draftFor(session.id), keep: (text) => this.#parts.kept.keepDraftFor(session.id, text) },
      forms: { kept: this.#parts.kept.formsFor(session.id), keep: (forms) => this.#parts.kept.keepFormsFor(session.id, forms) },
      environment: () => this.#parts.environment(session),
      help: (above) => stage.open(openHelp(stage, ['conversation', 'dialog', 'logs', 'review'], above)),
      logs: () => stage.open(openLogs(stage, session)),
      review: (toolCalls) => this.#review(session, toolCalls),
      land: () => this.#land(this.#sessions.get(session.id) ?? session),
      newest: () => this.#sessions.get(session.id),
      leave: (leaving) => this.#leave(leaving),
    })
    this.#conversation = { view, session: session.id }
    return view
  }

  #open(session: SessionView): void {
    const stage = this.#stage
    if (session.kind === 'agent') stage.open(this.conversation(session, 'unseen'))
    else if (session.run?.alive && session.driver === 'terminal') stage.attach(session).catch((thrown: unknown) => stage.complain(thrown))
    else stage.open(openLogs(stage, session))
  }

  #land(session: SessionView): void {
    this.#stage.open(openLanding(this.#stage, { session, environment: () => this.#parts.environment(session) }))
  }

  #review(session: SessionView, toolCalls?: () => void): void {
    const { kept, environment } = this.#parts
    const { id } = session
    const view: View = openReview(this.#stage, {
      session,
      kept: {
        comments: kept.commentsFor(id),
        keepComments: (comments) => kept.keepCommentsFor(id, comments),
        reviewed: kept.reviewedFor(id),
        keepReviewed: (reviewed) => kept.keepReviewedFor(id, reviewed),
      },
      environment: () => environment(session),
      newest: () => this.#sessions.get(id),
      ...(toolCalls ? { toolCalls: () => (this.#stage.close(view), toolCalls()) } : {}),
    })
    this.#stage.open(view)
  }

  #leave(leaving: Leaving): void {
    if (leaving.label !== undefined) this.#parts.label(leaving.session.id, leaving.label)
    switch (leaving.how) {
      case 'switched': {
        const { to } = leaving
        if (to.kind === 'terminal') this.#toList(to.id)
        else this.#clear()
        return this.#open(to)
      }
      case 'list':
        return this.#toList(leaving.session.id)
      case 'new':
        this.#toList(leaving.session.id)
        return this.#list?.writeTask()
      case 'bg':
      case 'ended':
      case 'not-started':
        return this.#list ? this.#backToList(leaving) : this.#toShell(leaving)
    }
  }

  get #ids(): readonly string[] {
    return this.#sessions.all().map(({ id }) => id)
  }

  #toShell(leaving: Extract<Leaving, { how: 'bg' | 'ended' | 'not-started' }>): void {
    const lost = leaving.known.unsent.map((text) => `   not sent: ${printable(text).trimEnd().replaceAll('\n', '\n     ')}\n`).join('')
    if (leaving.how === 'not-started') return this.#stage.leave(leaving.text, 1)
    this.#stage.leave((leaving.how === 'bg' ? this.#parts.backgrounded(leaving, this.#ids) : `   ${leaving.text}\n`) + lost)
  }

  #backToList(leaving: Extract<Leaving, { how: 'bg' | 'ended' | 'not-started' }>): void {
    this.#toList(leaving.session.id)
    const [unsent] = leaving.known.unsent
    if (unsent !== undefined) this.#stage.say(`not sent: ${unsent}`, 'error')
    else if (leaving.how !== 'bg') this.#stage.say(leaving.text)
    else if (this.#sessions.get(leaving.session.id)?.status === 'working') this.#stage.say(`${nameOf(leaving.session)} goes on`)
  }

  #toList(selected: string): void {
    this.#clear()
    if (!this.#list) this.#stage.open(this.list())
    this.#list?.select(selected)
  }

  /** The conversation is left, and what lies on it. */
  #clear(): void {
    const left = this.#conversation
    this.#conversation = undefined
    if (left) this.#stage.close(left.view)
  }

  #changed(): void {
    if (this.#list) this.#list.changed()
    else this.#stage.repaint()
    if (this.#sessions.caughtUp) this.#ring.look()
  }
}
