// What the commands that are typed in a conversation do on the screen. None of them waits: what the daemon says of it comes later, as a fact or a complaint.

import { agentLines, agentsHere } from '../../client/agents.ts'
import { choicesOf, chosenFrom, whatIsMeant } from '../../client/choosing.ts'
import { endSession, endedText } from '../../client/ending.ts'
import { findSession } from '../../client/find.ts'
import { resumeCommand } from '../../client/resume-command.ts'
import { type Slash, notOurs, slashHelp } from '../../client/slash.ts'
import { type Review, reviewRows } from '../../client/slash-review.ts'
import type { AgentOffer } from '../../core/events.ts'
import type { Command } from '../../core/inputs.ts'
import type { Session } from '../../core/session.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { Line } from '../../core/transcript.ts'
import type { SessionView } from '../../core/view.ts'
import { nameOf, padded } from '../../text/format.ts'
import type { Stage, View } from '../view.ts'
import { openPage } from './page.ts'

/** The conversation, as its commands see it. */
export interface Commanded {
  readonly stage: Stage
  readonly id: string
  readonly name: string
  /** Undefined until it has been read. */
  readonly session: Session | undefined
  readonly lines: readonly Line[]
  /** Ends when the conversation is left. */
  readonly signal: AbortSignal
  readonly background: (label: string | undefined) => void
  readonly toList: () => void
  readonly another: () => void
  readonly switchTo: (session: SessionView) => void
  readonly ended: (text: string) => void
  /** Asks something of the daemon; its failure is told. */
  readonly ask: (perform: () => Promise<void>) => void
  readonly submit: (command: Command, environment?: Readonly<Record<string, string>>) => Promise<void>
  readonly environment: () => Promise<Readonly<Record<string, string>>>
  readonly prompt: (text: string) => void
  readonly decline: () => void
  /** Undefined: which option first. */
  readonly pick: (what: string | undefined) => void
  /** Undefined: it is closed. */
  readonly page: (page: View | undefined) => void
  readonly help: () => void
  readonly logs: () => void
  readonly review: () => void
  readonly land: () => void
}

/** Whether that is done with what was typed; what is not goes on standing there, to be corrected. */
export function obey(slash: Slash, text: string, on: Commanded): boolean {
  const { stage } = on
  switch (slash.kind) {
    case 'bg':
      return done(on.background(slash.label))
    case 'sessions':
      return done(on.toList())
    case 'new':
      return done(on.another())
    case 'switch':
      return done(switchTo(slash.to, on))
    case 'label':
      return done(label(slash.text, on))
    case 'end':
      return done(slash.which === undefined ? endThis(on) : endOther(slash.which, on))
    case 'stop':
      return done(stop(on))
    case 'resume':
      return done(resume(slash.choice, on))
    case 'choose':
      return done(choose(slash.what, slash.value, on))
    case 'diff':
      return done(on.review())
    case 'land':
      return done(slash.yes ? review(slash, on) : on.land())
    case 'undo':
    case 'check':
      return done(review(slash, on))
    case 'agents':
      return done(showAgents(on))
    case 'decline':
      return done(on.decline())
    case 'logs':
      return done(on.logs())
    case 'help':
      return done(on.help())
    case 'wrong':
      stage.say(slash.message, 'error')
      return false
    case 'unknown':
      return unknownCommand(slash.name, text, on)
  }
}

const done = (_: void): true => true

/** Commands that can be typed here: ours, then the agent's own. */
export function commandRows(offer: AgentOffer | undefined, stage: Stage): readonly string[] {
  const own = (offer?.commands ?? []).map(({ name, description }): readonly [string, string] => [`/${printableLine(name).replace(/^\//, '')}`, printableLine(description)])
  const rows = (commands: readonly (readonly [string, string])[]): readonly string[] => commands.map(([usage, does]) => `   ${padded(usage, 19)}${does}`)
  const { bold } = stage.theme
  return ['', ` ${bold('Commands')}`, ...rows(slashHelp), ...(own.length === 0 ? [] : ['', ` ${bold("The agent's own commands")}`, ...rows(own)])]
}

function switchTo(typed: string, on: Commanded): void {
  on.ask(async () => {
    const to = await findSession(on.stage.client, typed, on.signal)
    if (to.id === on.id) on.stage.say('you are in it')
    else on.switchTo(to)
  })
}

function label(text: string, on: Commanded): void {
  on.ask(async () => {
    await on.submit({ type: 'label', label: text })
    on.stage.say(text === '' ? 'it has no label now' : `labelled ${text}`)
  })
}

function endThis(on: Commanded): void {
  on.stage.say('ending …')
  on.ask(async () => on.ended(endedText(`ended ${on.id}`, await endSession(on.stage.client, on.id, 'end', on.signal))))
}

function endOther(typed: string, on: Commanded): void {
  const { client } = on.stage
  on.ask(async () => {
    const found = await findSession(client, typed, on.signal)
    if (found.id === on.id) return endThis(on)
    on.stage.say(endedText(`ended ${found.id}  ${nameOf(found)}`, await endSession(client, found.id, 'end', on.signal)))
  })
}

function stop(on: Commanded): void {
  on.stage.say('stopping …')
  on.ask(async () => on.stage.say(endedText('stopped', await endSession(on.stage.client, on.id, 'stop', on.signal))))
}

function resume(choice: string | undefined, on: Commanded): void {
  on.ask(async () => on.submit(resumeCommand(on.id, on.session?.requests ?? [], choice), await on.environment()))
}

function choose(typed: string | undefined, value: string | undefined, on: Commanded): void {
  const offer = on.session?.offer ?? {}
  const what = typed === undefined ? undefined : whatIsMeant(offer, typed)
  if (what === undefined || value === undefined) return on.pick(what)
  on.ask(() => on.submit({ type: 'choose', what, value: chosenFrom(choicesOf(offer, what), what, value).id }))
}

/** One line is said, more stand on a page. */
function review(slash: Review, on: Commanded): void {
  const { stage } = on
  if (slash.kind === 'check') stage.say('its checks run …')
  on.ask(async () => {
    const rows = await reviewRows(stage.client, on.id, slash, { paint: stage.theme, columns: stage.size().columns - 2 }, on.environment, on.signal)
    const [only = '', ...more] = rows
    if (more.length === 0) stage.say(only)
    else on.page(openPage(stage, { heading: `${on.name} · ${slash.kind}`, rows: () => rows.map((row) => ` ${row}`), nothing: '', back: () => on.page(undefined) }))
  })
}

function showAgents(on: Commanded): void {
  const { stage } = on
  on.ask(async () => {
    const lines = agentLines(await agentsHere(stage.env, stage.cwd), stage.theme)
    on.page(openPage(stage, { heading: 'agents', rows: () => lines, nothing: 'there are none', back: () => on.page(undefined) }))
  })
}

/** The agent may have commands of its own. */
function unknownCommand(name: string, text: string, on: Commanded): boolean {
  const meant = notOurs(name, on.session?.offer)
  if (meant.kind === 'agents-own') return done(on.prompt(text))
  on.stage.say(meant.message, 'error')
  return false
}
