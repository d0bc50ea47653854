// From the first byte to a session that takes prompts: initialize, open (new, resume, load), log in where asked, set mode and model. Nothing goes on with other
// permissions than were asked for.

import type { AgentMode } from '../../core/events.ts'
import type { Option } from '../../core/requests.ts'
import type { Exchange } from './exchange.ts'
import { choicesOf, offer, offerOf, optionFor, takeOffer } from './offers.ts'
import { type RpcError, authRequired, errorText } from './rpc.ts'
import { type ConfigOption, type Initialized, type Opened, configResponse, initializeResponse, sessionResponse } from './schema.ts'
import type { How, Phase } from './state.ts'
import { cut } from './text.ts'

export const protocolVersion = 1

export type Outcome = { readonly result: unknown } | { readonly error: RpcError }

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
  state.ownModes = Boolean(parsed.data.modes)
  offer(exchange, offerOf(parsed.data))
  setMode(exchange, how, parsed.data)
}

const listOf = (choices: readonly AgentMode[]): string => choices.map((one) => (one.name && one.name !== one.id ? `${one.id} (${one.name})` : one.id)).join(', ')

function refuse(exchange: Exchange, what: 'mode' | 'model', wanted: string, choices: readonly AgentMode[], why?: string): void {
  const available = choices.length > 0 ? `it offers: ${listOf(choices)}` : `it offers no ${what}s to choose from`
  exchange.giveUp(`${what} "${wanted}" cannot be set${why ? ` (${why})` : ''}; ${available}`)
}

function setMode(exchange: Exchange, how: How, response: Opened): void {
  const { launch, state } = exchange
  const { modes = [], currentMode } = state.offer
  const wanted = launch.spec.mode
  if (wanted === undefined || wanted === currentMode) return setModel(exchange, how, response)
  if (!modes.some((mode) => mode.id === wanted)) return refuse(exchange, 'mode', wanted, modes)
  const option = state.ownModes ? undefined : optionFor(response.configOptions, 'mode')
  const id = option ? setOption(exchange, option, wanted) : exchange.request('session/set_mode', { sessionId: state.agentRef, modeId: wanted })
  state.phase = { step: 'mode', id, how, ...(option ? { optionId: option.id } : {}), ...modelOption(response) }
}

const modelOption = (response: { readonly configOptions?: readonly ConfigOption[] | null }): { readonly modelOptionId?: string } => {
  const option = optionFor(response.configOptions, 'model')
  return option ? { modelOptionId: option.id } : {}
}

const setOption = (exchange: Exchange, option: { readonly id: string }, value: string): number =>
  exchange.request('session/set_config_option', { sessionId: exchange.state.agentRef, configId: option.id, value })

function setModel(exchange: Exchange, how: How, response: Opened): void {
  const option = optionFor(response.configOptions, 'model')
  chooseModel(exchange, how, option?.id)
}

function chooseModel(exchange: Exchange, how: How, optionId: string | undefined): void {
  const { launch, state } = exchange
  const { models = [], currentModel } = state.offer
  const wanted = launch.spec.model
  if (wanted === undefined || wanted === currentModel) return ready(exchange, how)
  if (!models.some((model) => model.id === wanted)) return refuse(exchange, 'model', wanted, models)
  const id = optionId === undefined ? exchange.request('session/set_model', { sessionId: state.agentRef, modelId: wanted }) : setOption(exchange, { id: optionId }, wanted)
  state.phase = { step: 'model', id, how, ...(optionId === undefined ? {} : { optionId }) }
}

/** The agent's word on a mode or model that it was told to take. */
function settled(exchange: Exchange, phase: Extract<Phase, { step: 'mode' | 'model' }>, outcome: Outcome): void {
  const { launch, state } = exchange
  const { step, how } = phase
  const wanted = launch.spec[step] ?? ''
  const choices = (step === 'mode' ? state.offer.modes : state.offer.models) ?? []
  if ('error' in outcome) return refuse(exchange, step, wanted, choices, errorText(outcome.error))
  let taken = wanted
  if (phase.optionId !== undefined) {
    const response = configResponse.safeParse(outcome.result)
    const option = response.success ? response.data.configOptions.find((one) => one.id === phase.optionId) : undefined
    if (option) {
      taken = String(option.currentValue)
      offer(exchange, step === 'mode' ? { modes: choicesOf(option) } : { models: choicesOf(option) })
    }
  }
  if (taken !== wanted) return refuse(exchange, step, wanted, choices, `the agent stays in "${taken}"`)
  offer(exchange, step === 'mode' ? { currentMode: wanted } : { currentModel: wanted })
  if (step === 'mode') return chooseModel(exchange, how, phase.modelOptionId)
  ready(exchange, how)
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
