// From the first byte to a session that takes prompts: initialize, open (new, resume, load), log in where asked, set mode and model. Nothing goes on with other
// permissions than the session was begun with or had last, unless it is said.

import type { AgentMode, Choosable } from '../../core/events.ts'
import type { Option } from '../../core/requests.ts'
import { takenOf, tell } from './choose.ts'
import type { Exchange } from './exchange.ts'
import { takeOffer, takeOpened } from './offers.ts'
import { type Outcome, authRequired, errorText } from './rpc.ts'
import { type Initialized, initializeResponse, sessionResponse } from './schema.ts'
import type { How, Phase } from './state.ts'
import { cut } from './text.ts'

export const protocolVersion = 1

export function initialize(exchange: Exchange): void {
  const id = exchange.request('initialize', {
    protocolVersion,
    clientInfo: { name: 'offstage', title: 'Offstage', version: exchange.launch.version },
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false, elicitation: { form: {} } },
  })
  exchange.state.phase = { step: 'initialize', id }
}

/** The response that the handshake waits for. */
export function handshakeResponse(exchange: Exchange, phase: Extract<Phase, { id: number }>, outcome: Outcome): void {
  switch (phase.step) {
    case 'initialize':
      return initialized(exchange, outcome)
    case 'open':
      return opened(exchange, phase.how, outcome)
    case 'authenticate':
      return 'error' in outcome ? askToLogIn(exchange, phase.how, errorText(outcome.error)) : open(exchange, phase.how)
    case 'mode':
    case 'model':
      return settled(exchange, phase, outcome)
  }
}

function initialized(exchange: Exchange, outcome: Outcome): void {
  const { state, launch } = exchange
  if ('error' in outcome) return exchange.giveUp(`the agent refused the first message: ${errorText(outcome.error)}`)
  const parsed = initializeResponse.safeParse(outcome.result)
  if (!parsed.success) return exchange.giveUp('the agent answered the first message with something that is not ACP')
  const response = parsed.data
  if (response.protocolVersion !== protocolVersion) {
    return exchange.giveUp(
      `the agent speaks version ${response.protocolVersion} of the Agent Client Protocol, Offstage speaks version ${protocolVersion}; install a version of the agent that has it`,
    )
  }
  remember(exchange, response)
  if (launch.resumes === undefined) return open(exchange, 'new')
  if (state.canResume) return open(exchange, 'resumed')
  if (state.canLoad) return open(exchange, 'loaded')
  exchange.note('the agent cannot resume a conversation: it starts without memory of what was said')
  open(exchange, 'new')
}

function remember({ state }: Exchange, response: Initialized): void {
  const { agentInfo, agentCapabilities, authMethods } = response
  const name = agentInfo?.title || agentInfo?.name
  state.agent = { ...(name ? { name: cut(name, 100) } : {}), ...(agentInfo?.version ? { version: cut(agentInfo.version, 40) } : {}) }
  state.canLoad = agentCapabilities?.loadSession === true
  state.canResume = agentCapabilities?.sessionCapabilities?.resume === true
  state.authMethods = (authMethods ?? []).map((method) => {
    const byHand = method.type === 'terminal'
    const how = byHand ? `in a terminal of your own: start the agent with ${method.args?.join(' ') || 'no arguments'}, then try again` : ''
    return { id: method.id, name: method.name, description: [method.description, how].filter((part) => part).join('; '), byHand }
  })
}

/** Asks the agent for its session: a new one, or the one that this run goes on with. */
export function open(exchange: Exchange, how: How): void {
  const { launch, state } = exchange
  const where = { cwd: launch.spec.cwd, mcpServers: [] }
  const id =
    how === 'new' ? exchange.request('session/new', where) : exchange.request(how === 'resumed' ? 'session/resume' : 'session/load', { sessionId: launch.resumes, ...where })
  state.phase = { step: 'open', id, how }
}

export function authenticate(exchange: Exchange, methodId: string, how: How): void {
  exchange.state.phase = { step: 'authenticate', id: exchange.request('authenticate', { methodId }), how }
}

function opened(exchange: Exchange, how: How, outcome: Outcome): void {
  const { launch, state } = exchange
  if ('error' in outcome) {
    if (outcome.error.code === authRequired) return askToLogIn(exchange, how, errorText(outcome.error))
    if (how !== 'new') return askAboutForgotten(exchange, errorText(outcome.error))
    return exchange.giveUp(`the agent could not begin a session: ${errorText(outcome.error)}`)
  }
  const parsed = sessionResponse.safeParse(outcome.result)
  if (!parsed.success) return exchange.giveUp('the agent answered the request for a session with something that is not ACP')
  const agentRef = how === 'new' ? parsed.data.sessionId : launch.resumes
  if (!agentRef) return exchange.giveUp('the agent began a session without giving it an id')
  state.agentRef = agentRef
  state.history = how === 'loaded'
  takeOpened(exchange, parsed.data)
  setMode(exchange, how)
}

const listOf = (choices: readonly AgentMode[]): string => choices.map((one) => (one.name && one.name !== one.id ? `${one.id} (${one.name})` : one.id)).join(', ')

/** What was asked for with the session is insisted on. What it had last may have gone out of use since. */
function notTaken(exchange: Exchange, how: How, step: Choosable, wanted: string, why?: string): void {
  const { launch, state } = exchange
  const choices = (step === 'mode' ? state.offer.modes : state.offer.models) ?? []
  const cannot = `${step} "${wanted}" cannot be set${why ? ` (${why})` : ''}`
  if (wanted === launch.spec[step]) return exchange.giveUp(`${cannot}; ${choices.length > 0 ? `it offers: ${listOf(choices)}` : `it offers no ${step}s to choose from`}`)
  const now = step === 'mode' ? state.offer.currentMode : state.offer.currentModel
  exchange.note(`the ${cannot}, which it had before; it goes on with ${now === undefined ? 'its own' : `"${now}"`}`)
  goOn(exchange, how, step)
}

const goOn = (exchange: Exchange, how: How, after: Choosable): void => (after === 'mode' ? setModel(exchange, how) : ready(exchange, how))

function setMode(exchange: Exchange, how: How): void {
  const { launch, state } = exchange
  set(exchange, how, 'mode', launch.lastMode ?? launch.spec.mode, state.offer.modes, state.offer.currentMode)
}

function setModel(exchange: Exchange, how: How): void {
  const { launch, state } = exchange
  set(exchange, how, 'model', launch.lastModel ?? launch.spec.model, state.offer.models, state.offer.currentModel)
}

function set(exchange: Exchange, how: How, step: Choosable, wanted: string | undefined, choices: readonly AgentMode[] | undefined, now: string | undefined): void {
  if (wanted === undefined || wanted === now) return goOn(exchange, how, step)
  if (!choices?.some((one) => one.id === wanted)) return notTaken(exchange, how, step, wanted)
  const { id, optionId } = tell(exchange, step, wanted)
  exchange.state.phase = { step, id, how, wanted, ...(optionId === undefined ? {} : { optionId }) }
}

/** The agent's word on a mode or model that it was told to take. */
function settled(exchange: Exchange, phase: Extract<Phase, { step: Choosable }>, outcome: Outcome): void {
  const { step, how, optionId } = phase
  const wanted = phase.wanted ?? exchange.launch.spec[step] ?? ''
  if ('error' in outcome) return notTaken(exchange, how, step, wanted, errorText(outcome.error))
  const taken = takenOf(exchange, { what: step, value: wanted, ...(optionId === undefined ? {} : { optionId }) }, outcome.result)
  if (taken !== wanted) return notTaken(exchange, how, step, wanted, `the agent stays in "${taken}"`)
  goOn(exchange, how, step)
}

function ready(exchange: Exchange, how: How): void {
  const { state } = exchange
  state.phase = { step: 'ready' }
  const { name, version } = state.agent
  exchange.report({
    type: 'ready',
    agentRef: state.agentRef ?? '',
    how,
    canResume: state.canResume || state.canLoad,
    ...(name === undefined ? {} : { agentName: name }),
    ...(version === undefined ? {} : { agentVersion: version }),
    offer: takeOffer(exchange),
  })
}

function askToLogIn(exchange: Exchange, how: How, why: string): void {
  const { state, launch, cause } = exchange
  const methods = state.authMethods
  const options: readonly Option[] = [
    ...methods.filter((method) => !method.byHand).map((method): Option => ({ id: method.id, label: method.name, kind: 'other' })),
    { id: 'retry', label: 'try again', kind: 'other' },
  ]
  const detail = [why, ...methods.map((method) => (method.description ? `${method.name}: ${method.description}` : method.name))].join('\n')
  state.phase = { step: 'asked' }
  exchange.ask({ kind: 'auth', title: `log in to ${state.agent.name ?? launch.spec.agent}`, detail: cut(detail, 4096), options }, { kind: 'auth', how }, cause.id)
}

function askAboutForgotten(exchange: Exchange, why: string): void {
  const { state, launch, cause } = exchange
  state.phase = { step: 'asked' }
  exchange.ask(
    {
      kind: 'error',
      title: 'the agent has forgotten this conversation',
      detail: cut(`It was asked to go on with its session ${launch.resumes ?? ''} and said: ${why}`, 4096),
      options: [
        { id: 'new', label: 'start a new conversation', kind: 'other' },
        { id: 'stop', label: 'stop', kind: 'reject' },
      ],
    },
    { kind: 'forgotten' },
    cause.id,
  )
}
