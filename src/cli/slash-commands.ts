// What the commands that are typed in a conversation do. None of them waits: what the daemon says comes back as one more thing that happened.

import { isRefusal } from '../core/errors.ts'
import type { AgentOffer } from '../core/events.ts'
import type { Command } from '../core/inputs.ts'
import type { Request } from '../core/requests.ts'
import { pathLine, printable, printableLine } from '../core/terminal-text.ts'
import type { Line } from '../core/transcript.ts'
import type { ConversationParts, Ending, Happening } from './conversation-parts.ts'
import { agentLines, agentsHere } from '../client/agents.ts'
import { choicesOf, chosenFrom, nothingOffered, optionsOf, whatIsMeant } from '../client/choosing.ts'
import { endSession, endedText } from '../client/ending.ts'
import { findSession } from '../client/find.ts'
import { resumeCommand } from '../client/resume-command.ts'
import { reviewRows } from '../client/slash-review.ts'
import { changedFiles } from '../text/changed-files.ts'
import { patchText } from '../text/changes-text.ts'
import { type Paint, nameOf, padded } from '../text/format.ts'
import { sessionsTable } from '../text/sessions-table.ts'
import { type Slash, notOurs, slashHelp } from '../client/slash.ts'

/** The conversation, as its commands see it. */
export interface Commanded extends ConversationParts {
  /** A line of Offstage's own. */
  readonly say: (text: string) => void
  /** Asks something of the daemon; its failure is told. */
  readonly ask: (perform: () => Promise<void>) => void
  readonly submit: (command: Command, environment?: Readonly<Record<string, string>>) => Promise<void>
  readonly prompt: (text: string) => void
  readonly decline: () => void
  readonly offer: AgentOffer
  readonly requests: readonly Request[]
  readonly lines: readonly Line[]
  /** False when this session is being ended already. */
  readonly beginEnding: () => boolean
}

export function obey(slash: Slash, text: string, on: Commanded): Ending | undefined {
  const { session, client, context, paint, say } = on
  switch (slash.kind) {
    case 'bg':
      return { kind: 'left', label: slash.label }
    case 'help':
      return void say([...slashHelp, interruptHelp].map(([command, does]) => `   ${padded(command, 18)}${paint.dim(does)}`).join('\n'))
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
    case 'new':
      return void say('   offstage run "PROMPT" starts another one in the foreground, offstage bg "PROMPT" in the background')
    case 'logs':
      return void say(`   offstage logs ${session.id} prints all of it`)
    case 'agents':
      return void reply(on, async () => ({ kind: 'say', text: agentLines(await agentsHere(context.env, session.cwd), paint).join('\n') }))
    case 'choose':
      return void on.ask(() => choose(slash.what, slash.value, on))
    case 'diff':
      return void reply(on, async () => ({ kind: 'say', text: await diffText(on) }))
    case 'undo':
    case 'land':
    case 'check':
      if (slash.kind === 'check') say(`   ${paint.dim('its checks run …')}`)
      return void reply(on, async () => {
        const rows = await reviewRows(client, session.id, slash, { paint, columns: on.surface.columns() - 3 }, on.environment, context.signal)
        return { kind: 'say', text: rows.map((row) => `   ${row}`).join('\n') }
      })
    case 'resume':
      return void on.ask(async () => on.submit(resumeCommand(session.id, on.requests, slash.choice), await on.environment()))
  }
}

const interruptHelp: readonly [string, string] = ['Ctrl-C', 'interrupt; twice: leave it running']

async function choose(typed: string | undefined, value: string | undefined, on: Commanded): Promise<void> {
  const what = typed === undefined ? undefined : whatIsMeant(on.offer, typed)
  const choices = what === undefined ? optionsOf(on.offer) : choicesOf(on.offer, what)
  if (what !== undefined && value !== undefined) return on.submit({ type: 'choose', what, value: chosenFrom(choices, what, value).id })
  if (choices.all.length === 0) throw nothingOffered(what ?? 'option')
  const width = Math.max(...choices.all.map(({ id }) => printableLine(id).length)) + 3
  const row = (choice: { readonly id: string; readonly name: string }): string => {
    const is = what === undefined ? `${printableLine(choicesOf(on.offer, choice.id).current ?? '')}   ` : ''
    return `   ${choice.id === choices.current ? '●' : ' '} ${padded(printableLine(choice.id), width)}${is}${on.paint.dim(printableLine(choice.name))}`
  }
  on.mailbox.put({ kind: 'say', text: choices.all.map(row).join('\n') })
  on.mailbox.put({ kind: 'accepted', seq: 0 })
}

/** As the tree has it; without a snapshot, what its tool calls say. */
async function diffText({ client, session, lines, paint, context }: Commanded): Promise<string> {
  const found = await client.changes({ session: session.id, patchBytes: shownPatchBytes }, context.signal)
  if (isRefusal(found)) return changesText(lines, paint)
  if (found.files.length === 0) return '   nothing has changed'
  const cut = found.cutAt === undefined ? '' : `\n   … offstage diff ${session.id} shows all of it`
  return `${patchText(found.patch ?? new Uint8Array(), paint)
    .trimEnd()
    .replaceAll(/^/gm, '   ')}${cut}`
}

const shownPatchBytes = 256 * 1024

function changesText(lines: readonly Line[], paint: Paint): string {
  const files = changedFiles(lines)
  if (files.length === 0) return '   no tool call has changed a file'
  const coloured = (row: string): string => `   ${row.startsWith('+') ? paint.added(row) : row.startsWith('-') ? paint.removed(row) : row}`
  return files
    .map(({ path, added, removed, diffs }) => {
      const head = `   ${paint.bold(pathLine(path))}  ${paint.added(`+${added}`)} ${paint.removed(`−${removed}`)}`
      return [head, ...diffs.flatMap((diff) => printable(diff).replace(/\n$/, '').split('\n').map(coloured))].join('\n')
    })
    .join('\n\n')
}

function reply(on: Commanded, perform: () => Promise<Happening>): void {
  on.ask(async () => {
    on.mailbox.put(await perform())
    on.mailbox.put({ kind: 'accepted', seq: 0 })
  })
}

/** The agent may have commands of its own. */
function unknownCommand(name: string, text: string, { offer, prompt, say }: Commanded): void {
  const meant = notOurs(name, offer)
  if (meant.kind === 'agents-own') prompt(text.trim())
  else say(`   ${meant.message}`)
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
