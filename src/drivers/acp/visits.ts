// Addresses that an agent wants a person to open, for example to log in somewhere. They are shown, never opened; only what nobody can listen to on the way is shown at all.

import { printableLine } from '../../core/terminal-text.ts'
import type { Exchange } from './exchange.ts'
import { type RpcId, resultLine } from './rpc.ts'
import { elicitationCompleted } from './schema.ts'
import type { Pending } from './state.ts'
import { cut, firstLine } from './text.ts'

type Visit = Extract<Pending, { kind: 'visit' }>

const longestAddress = 4096

// Stricter than what a URL may be: no user name that looks like a host, no characters that look like others. An agent that means well escapes them.
const address = /^(https?):\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:\d{1,5})?([/?#][!-~]*)?$/i
const loopback = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/i

/** Host and port; undefined where it is no address to send anybody to. */
export function placeOf(url: string): string | undefined {
  const [, scheme = '', host = '', port = ''] = (url.length <= longestAddress ? address.exec(url) : null) ?? []
  if (host === '' || (scheme.toLowerCase() === 'http' && !loopback.test(host))) return undefined
  return `${host}${port}`.toLowerCase()
}

interface Wanted {
  readonly message: string
  readonly url: string
  readonly elicitationId: string
}

/** Before its session is there, what an agent wants of a person is a log-in. */
export function askToVisit(exchange: Exchange, rpcId: RpcId, { message, url, elicitationId }: Wanted): void {
  const { phase } = exchange.state
  const place = placeOf(url)
  if (place === undefined) {
    exchange.note(cut(`the agent wanted an address opened that is neither https nor on this machine; it was declined: ${printableLine(url)}`, 500))
    exchange.send(resultLine(rpcId, { action: 'decline' }))
    return
  }
  const said = message.trim()
  exchange.ask(
    {
      kind: phase.step === 'ready' ? 'question' : 'auth',
      title: cut(`open ${place}: ${firstLine(message) || 'the agent wants you to'}`, 300),
      detail: [url, ...(said === '' ? [] : [cut(said, 2048)]), 'Offstage does not open it: open it yourself, if you trust the agent and the address.'].join('\n'),
      options: [
        { id: 'open', label: 'I open it now', kind: 'other' },
        { id: 'done', label: 'I have done what is asked there', kind: 'other' },
        { id: 'decline', label: 'decline', kind: 'reject' },
      ],
    },
    { kind: 'visit', rpcId, elicitationId, place },
    exchange.cause.id,
  )
}

/** Whoever opens it has consented; what becomes of it there, only the agent or the person can tell. */
export function answerVisit(exchange: Exchange, { rpcId, elicitationId, place, at }: Visit, optionId: string | null): void {
  const action = optionId === 'open' || optionId === 'done' ? 'accept' : optionId === null ? 'cancel' : 'decline'
  exchange.send(resultLine(rpcId, { action }))
  if (optionId !== 'open') return
  const options = [{ id: 'done', label: 'done', kind: 'other' }] as const
  exchange.ask({ kind: 'question', title: `finish at ${place}`, options }, { kind: 'visited', elicitationId }, at, 'visited')
}

/** `elicitation/complete`: what was asked there is done. Whoever has not said yet that they open it goes on being asked: nobody consents for them. */
export function visitCompleted(exchange: Exchange, params: unknown): void {
  const { state } = exchange
  const { elicitationId } = elicitationCompleted.safeParse(params).data ?? {}
  for (const pending of state.requests) {
    if (pending.kind !== 'visited' || pending.elicitationId !== elicitationId || pending.answeredBy !== null) continue
    state.requests = state.requests.filter((one) => one !== pending)
    exchange.report({ type: 'withdraws', requestId: pending.id })
  }
}
