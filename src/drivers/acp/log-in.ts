// Logging in: before the session is there, and when a turn is refused for want of it. A prompt that was refused is sent again only by the person who chooses that.

import { agentNamed } from '../../catalogue/index.ts'
import type { Option } from '../../core/requests.ts'
import type { Exchange } from './exchange.ts'
import { type Outcome, errorText } from './rpc.ts'
import type { How, State } from './state.ts'
import { cut } from './text.ts'

/** Choices of ours: a method by such a name could not be told from them. */
const ours: ReadonlySet<string> = new Set(['retry', 'again', 'leave'])

const byMessage = ({ authMethods }: State): readonly Option[] =>
  authMethods.filter(({ id, byHand }) => !byHand && !ours.has(id)).map(({ id, name }): Option => ({ id, label: name, kind: 'other' }))

const sendAgain: Option = { id: 'again', label: 'send the prompt again', kind: 'other', again: true }
const leaveIt: Option = { id: 'leave', label: 'do not send it again', kind: 'reject' }

const nameOf = ({ state, launch }: Exchange): string => state.agent.name ?? launch.spec.agent

function ways({ state, launch }: Exchange, why: string): string {
  const methods = state.authMethods.map(({ name, description }) => (description ? `${name}: ${description}` : name))
  const how = agentNamed(launch.spec.agent)?.login.how
  return cut([why, ...methods, ...(how === undefined ? [] : [`outside of Offstage: ${how}`])].join('\n'), 4096)
}

/** On the way to the session. */
export function askToLogIn(exchange: Exchange, how: How, why: string): void {
  const { state, cause } = exchange
  state.phase = { step: 'asked' }
  const options: readonly Option[] = [...byMessage(state), { id: 'retry', label: 'try again', kind: 'other' }]
  exchange.ask({ kind: 'auth', title: `log in to ${nameOf(exchange)}`, detail: ways(exchange, why), options }, { kind: 'auth', how }, cause.id)
}

/** In the midst of the session: a turn was refused, or logging in was. */
export function askToLogInAgain(exchange: Exchange, why: string): void {
  const { state, cause } = exchange
  const title = `log in to ${nameOf(exchange)}; your last prompt was not taken`
  const options = [...byMessage(state), { ...sendAgain, label: 'I have logged in: send the prompt again' }, leaveIt]
  exchange.ask({ kind: 'auth', title, detail: ways(exchange, why), options }, { kind: 'log-in-again' }, cause.id)
}

export function logInAgain(exchange: Exchange, methodId: string): void {
  const { state } = exchange
  if (state.authMethods.some(({ id }) => id === methodId && !ours.has(id))) state.loggingIn = exchange.request('authenticate', { methodId })
}

/** What the agent says to that. */
export function loggedIn(exchange: Exchange, outcome: Outcome): void {
  exchange.state.loggingIn = null
  if ('error' in outcome) return askToLogInAgain(exchange, errorText(outcome.error))
  exchange.ask({ kind: 'question', title: 'logged in: send the prompt again?', options: [sendAgain, leaveIt] }, { kind: 'logged-in' }, exchange.cause.id)
}
