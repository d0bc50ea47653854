// What `offstage send` types into a terminal. Enter is not pressed on a question that nobody has seen.

import { takesPastes } from '../config/terminal-programs.ts'
import type { SessionView } from '../core/view.ts'
import { type CommandFailed, refusedError } from '../client/failures.ts'

/** An agent that says by its own protocol that it is at its prompt gets the text as a paste, so that Enter sends it whole. Throws CommandFailed. */
export function typed(session: SessionView, text: string, enter: boolean): string {
  if (!enter) return text
  const asking = askingError(session)
  if (asking && text !== '') throw asking
  const [said] = session.signals
  const isAtPrompt = said?.source === 'OSC 7501' && /^(?:idle|done)\b/.test(said.value)
  // What ends a paste cannot be in it.
  return isAtPrompt && text !== '' && takesPastes(session.agent) ? `\u001b[200~${text.replaceAll('\u001b', '')}\u001b[201~\r` : `${text}\r`
}

function askingError({ id, requests: [request], signals }: SessionView): CommandFailed | undefined {
  if (!request && !(signals[0]?.value ?? '').startsWith('blocked') && !signals.some(({ source }) => source === 'screen')) return undefined
  const hint = request ? `offstage answer ${id} …, or offstage switch ${id}` : `offstage switch ${id} opens it`
  return refusedError('not-supported', `session ${id} asks something: Enter would answer it`, hint)
}
