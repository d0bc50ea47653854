// From the first byte to a session that takes prompts: initialize, open (new, resume, load), log in where asked, set mode, model and options. Nothing goes on with another
// mode or model than the session was begun with or had last, unless a person says so.

import { agentNamed } from '../../catalogue/index.ts'
import type { AgentMode, Choosable } from '../../core/events.ts'
import { type Choices, choicesOf } from '../../core/offer.ts'
import { directoryOf } from '../../core/place.ts'
import type { Option } from '../../core/requests.ts'
import { takenOf, tell } from './choose.ts'
import { askToLogIn } from './log-in.ts'
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
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false, elicitation: { form: {}, url: {} } },
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
    case 'option':
      return optionSet(exchange, phase, outcome)
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
  if (continues(exchange)) {
    return exchange.giveUp(`the agent cannot go on with a conversation, so not with its session ${cut(launch.resumes, 200)}; start a new one without --continues`)
  }
  exchange.note('the agent cannot resume a conversation: it starts without memory of what was said')
  open(exchange, 'new')
}

/** It is to go on with the very conversation that a person has named. */
const continues = ({ launch }: Exchange): boolean => launch.resumes !== undefined && launch.resumes === launch.spec.continues

function remember({ state }: Exchange, response: Initialized): void {
  const { agentInfo, agentCapabilities, authMethods } = response
  const name = agentInfo?.title || agentInfo?.name
  state.agent = { ...(name ? { name: cut(name, 100) } : {}), ...(agentInfo?.version ? { version: cut(agentInfo.version, 40) } : {}) }
  state.canLoad = agentCapabilities?.loadSession === true
  state.canResume = agentCapabilities?.sessionCapabilities?.resume === true
  state.canClose = agentCapabilities?.sessionCapabilities?.close === true
  state.authMethods = (authMethods ?? []).map((method) => {
    const byHand = method.type === 'terminal'
    const how = byHand ? `in a terminal of your own: start the agent with ${method.args?.join(' ') || 'no arguments'}, then try again` : ''
    return { id: method.id, name: method.name, description: [method.description, how].filter((part) => part).join('; '), byHand }
  })
}

/** Asks the agent for its session: a new one, or the one that this run goes on with. */
export function open(exchange: Exchange, how: How): void {
  const { launch, state } = exchange
  const where = { cwd: directoryOf(launch.spec), mcpServers: [] }
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

/** What was asked for with a new session is insisted on, as a misspelt word would be. Otherwise it is no longer to be had, or nobody has typed it: a person chooses. */
function notTaken(exchange: Exchange, how: How, step: Choosable, wanted: string, why?: string): void {
  const { launch } = exchange
  const { all } = offeredFor(exchange, step)
  const offers = all.length > 0 ? `it offers: ${listOf(all)}` : `it offers no ${step}s to choose from`
  if (launch.run === 1 && (launch.resumes === undefined || continues(exchange)) && wanted === launch.spec[step] && !isByDefault(exchange, step)) {
    return exchange.giveUp(`${step} "${wanted}" cannot be set${why ? ` (${why})` : ''}; ${offers}`)
  }
  askAboutGone(exchange, how, step, wanted, why, offers)
}

/** Nobody has named it: the catalogue has. */
function isByDefault({ launch: { spec } }: Exchange, step: Choosable): boolean {
  return step === 'mode' && spec.mode !== undefined && agentNamed(spec.agent)?.acp?.mode === spec.mode
}

const offeredFor = ({ state }: Exchange, step: Choosable): Choices => choicesOf(state.offer, step) ?? { all: [], current: undefined }

const goOn = (exchange: Exchange, how: How, after: Choosable): void => (after === 'mode' ? setModel(exchange, how) : setOptions(exchange, how))

function setMode(exchange: Exchange, how: How): void {
  const { launch, state } = exchange
  set(exchange, how, 'mode', launch.lastMode ?? launch.spec.mode, state.offer.modes, state.offer.currentMode)
}

function setModel(exchange: Exchange, how: How): void {
  const { launch, state } = exchange
  set(exchange, how, 'model', launch.lastModel ?? launch.spec.model, state.offer.models, state.offer.currentModel)
}

function set(exchange: Exchange, how: How, step: Choosable, wanted: string | undefined, choices: readonly AgentMode[] | undefined, now: string | undefined): void {
  if (step === 'mode' && wanted === now) exchange.state.settledMode = now ?? null
  if (wanted === undefined || wanted === now) return goOn(exchange, how, step)
  if (!choices?.some((one) => one.id === wanted)) return notTaken(exchange, how, step, wanted)
  takeUp(exchange, how, step, wanted)
}

function takeUp(exchange: Exchange, how: How, step: Choosable, wanted: string): void {
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
  if (step === 'mode') exchange.state.settledMode = taken
  goOn(exchange, how, step)
}

/** What the user had set. An option widens no permission that a mode would not name, so what is not to be had is only said. */
function setOptions(exchange: Exchange, how: How, options: readonly (readonly [string, string])[] = Object.entries(exchange.launch.lastOptions ?? {})): void {
  const { state } = exchange
  const [first, ...left] = options
  if (!first) return ready(exchange, how)
  const [option, wanted] = first
  const choices = choicesOf(state.offer, option)
  if (choices?.current === wanted) return setOptions(exchange, how, left)
  if (!choices?.all.some(({ id }) => id === wanted)) {
    exchange.note(cut(`the option ${option} cannot be "${wanted}" any more, as it was before; ${choices ? `it is "${choices.current}"` : 'the agent does not have it'}`, 500))
    return setOptions(exchange, how, left)
  }
  state.phase = { step: 'option', id: tell(exchange, option, wanted).id, how, option, wanted, left }
}

function optionSet(exchange: Exchange, { how, option, wanted, left }: Extract<Phase, { step: 'option' }>, outcome: Outcome): void {
  const taken = 'error' in outcome ? undefined : takenOf(exchange, { what: option, value: wanted, optionId: option }, outcome.result)
  if (taken !== wanted)
    exchange.note(cut(`the agent does not take option ${option} "${wanted}", which it had before${'error' in outcome ? `: ${errorText(outcome.error)}` : ''}`, 500))
  setOptions(exchange, how, left)
}

function ready(exchange: Exchange, how: How): void {
  const { state } = exchange
  const { settledMode } = state
  const { currentMode } = state.offer
  // Some agents leave a mode that goes not together with the model.
  if (settledMode !== null && currentMode !== settledMode) return notTaken(exchange, how, 'mode', settledMode, `the agent is in "${currentMode}" since the others are set`)
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

/** Choices of ours: an offered one by such a name could not be told from them. */
const ours: ReadonlySet<string> = new Set(['own', 'stop'])
const mostOffered = 50

function askAboutGone(exchange: Exchange, how: How, step: Choosable, wanted: string, why: string | undefined, offers: string): void {
  const { state, cause } = exchange
  const { all, current } = offeredFor(exchange, step)
  state.phase = { step: 'asked' }
  const offered = all.filter(({ id }) => !ours.has(id)).slice(0, mostOffered)
  // A mode says what the agent may do: it goes on in one that was chosen, unless it has none.
  const own: readonly Option[] =
    step === 'model' || all.length === 0 ? [{ id: 'own', label: current === undefined ? `go on without a ${step} of your choice` : `go on with ${current}`, kind: 'other' }] : []
  const name = exchange.state.agent.name ?? exchange.launch.spec.agent
  exchange.ask(
    {
      kind: 'error',
      title: cut(`${name} does not have the ${step} "${wanted}"${exchange.launch.run === 1 ? '' : ' any more'}: which one?`, 300),
      detail: cut(
        [
          `The session is to go on in ${step} "${wanted}". ${why ? `The agent says: ${why}` : 'The agent does not offer it.'}`,
          `Now ${offers}.`,
          'Nothing is done until you choose.',
        ].join('\n'),
        4096,
      ),
      options: [...offered.map(({ id, name: label }): Option => ({ id, label: cut(label || id, 200), kind: 'other' })), ...own, { id: 'stop', label: 'stop', kind: 'reject' }],
    },
    { kind: 'gone', step, how },
    cause.id,
  )
}

/** A person has chosen. What was chosen is told even if the agent has it already, so that the choice can be read from what was sent. */
export function chosenInstead(exchange: Exchange, { step, how }: { readonly step: Choosable; readonly how: How }, optionId: string): void {
  const { all, current } = offeredFor(exchange, step)
  const wanted = optionId === 'own' ? current : optionId
  if (wanted === undefined) return goOn(exchange, how, step)
  if (optionId === 'own' || all.some(({ id }) => id === wanted)) takeUp(exchange, how, step, wanted)
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
