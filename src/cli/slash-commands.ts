// What the commands that are typed in a conversation do. None of them waits: what the daemon says comes back as one more thing that happened.

import type { Command } from '../core/inputs.ts'
import { printableLine } from '../core/terminal-text.ts'
import type { ConversationParts, Ending, Happening } from './conversation-parts.ts'
import { endSession, endedText } from '../client/ending.ts'
import { findSession } from '../client/find.ts'
import { nameOf, padded } from '../text/format.ts'
import { nearest } from '../text/nearest.ts'
import { sessionsTable } from '../text/sessions-table.ts'
import { type Slash, slashHelp, slashNames } from '../client/slash.ts'

/** The conversation, as its commands see it. */
export interface Commanded extends ConversationParts {
  /** A line of Offstage's own. */
  readonly say: (text: string) => void
  /** Asks something of the daemon; its failure is told. */
  readonly ask: (perform: () => Promise<void>) => void
  readonly submit: (command: Command) => Promise<void>
  readonly prompt: (text: string) => void
  readonly decline: () => void
  /** Commands of the agent's own, without the slash. */
  readonly offered: readonly string[]
  /** False when this session is being ended already. */
  readonly beginEnding: () => boolean
}

export function obey(slash: Slash, text: string, on: Commanded): Ending | undefined {
  const { session, client, context, paint, say } = on
  switch (slash.kind) {
    case 'bg':
      return { kind: 'left', label: slash.label }
    case 'help':
      return void say(slashHelp.map(([command, does]) => `   ${padded(command, 18)}${paint.dim(does)}`).join('\n'))
    case 'wrong':
      return void say(`   ${printableLine(slash.message)}`)
    case 'decline':
      return void on.decline()
    case 'unknown':
      return void unknownCommand(slash.name, text, on)
    case 'sessions':
      return void reply(on, async () => {
        const sessions = await client.list({ all: false }, context.signal)
        const table = sessionsTable(sessions, { columns: on.surface.columns(), color: context.color, home: context.env['HOME'] })
        return { kind: 'say', text: table.trimEnd() }
      })
    case 'switch':
      return void reply(on, async () => {
        const to = await findSession(client, slash.to, context.signal)
        return to.id === session.id ? { kind: 'say', text: '   you are in it' } : { kind: 'over', ending: { kind: 'switched', to } }
      })
    case 'label':
      on.ask(() => on.submit({ type: 'label', label: slash.text }))
      return void say(slash.text === '' ? '   it has no label now' : `   labelled ${printableLine(slash.text)}`)
    case 'end':
      return void (slash.which === undefined ? endThis('end', 'ended', on) : endOther(slash.which, on))
    case 'stop':
      return void endThis('stop', 'stopped', on)
  }
}

function reply(on: Commanded, perform: () => Promise<Happening>): void {
  on.ask(async () => {
    on.mailbox.put(await perform())
    on.mailbox.put({ kind: 'accepted', seq: 0 })
  })
}

/** The agent may have commands of its own. */
function unknownCommand(name: string, text: string, { offered, prompt, say }: Commanded): void {
  if (offered.includes(name)) return prompt(text.trim())
  const near = nearest(name, [...slashNames, ...offered])
  say(`   there is no /${printableLine(name)}; ${near === undefined ? '/help says what there is' : `did you mean /${printableLine(near)}?`}`)
}

function endThis(type: 'stop' | 'end', done: string, on: Commanded): void {
  const { session, client, context, mailbox } = on
  if (!on.beginEnding()) return
  on.surface.doing(type === 'end' ? 'ending …' : 'stopping …')
  on.ask(async () => {
    const ended = await endSession(client, session.id, type, context.signal)
    const back = type === 'stop' ? `\n   offstage resume ${session.id}   starts it again` : ''
    mailbox.put({ kind: 'over', ending: { kind: 'ended', text: `${endedText(`${done} ${session.id}`, ended)}${back}` } })
  })
}

function endOther(typed: string, on: Commanded): void {
  const { client, session, context } = on
  reply(on, async () => {
    const found = await findSession(client, typed, context.signal)
    if (found.id === session.id) on.beginEnding()
    const text = endedText(`ended ${found.id}  ${nameOf(found)}`, await endSession(client, found.id, 'end', context.signal))
    return found.id === session.id ? { kind: 'over', ending: { kind: 'ended', text } } : { kind: 'say', text: `   ${text}` }
  })
}
