// Requests to an agent of the Agent Client Protocol that is only asked about itself: one at a time, each with a deadline. Its own requests are refused.

import { type AskedAgent, aborted } from './ask-agent.ts'

export const authRequired = -32_000
const methodNotFound = -32_601
const longestLine = 16 * 1024 * 1024

export const initializing = (version: string): object => ({
  protocolVersion: 1,
  clientInfo: { name: 'offstage', title: 'Offstage', version },
  clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
})

type Reply = { readonly tookMs: number } & ({ readonly result: Fields } | { readonly error: { readonly code?: number; readonly message: string } })

/** One request at a time. Whatever it asks for itself it is refused. */
export function conversation({ input, output, over }: AskedAgent, signal: AbortSignal) {
  const say = (message: object): void => void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  let answered: (message: Fields) => void = () => {}
  let rest = ''
  output.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = (lines.pop() ?? '').slice(-longestLine)
    for (const line of lines) {
      const message = parsed(line)
      if (message['method'] !== undefined && message['id'] !== undefined) say({ id: message['id'], error: { code: methodNotFound, message: 'not while it is only asked' } })
      else if (message['id'] !== undefined) answered(message)
    }
  })
  let lastId = 0
  return async (method: string, params: object, withinMs: number): Promise<Reply> => {
    const id = ++lastId
    const sinceMs = performance.now()
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
    const answer = new Promise<Fields>((resolve) => (answered = (message) => message['id'] === id && resolve(message)))
    const late = aborted(inTime).then(() => `no answer within ${withinMs / 1000} s`)
    say({ id, method, params })
    const came = await Promise.race([answer, late, over])
    signal.throwIfAborted()
    const tookMs = Math.round(performance.now() - sinceMs)
    if (typeof came === 'string') return { tookMs, error: { message: came } }
    const error = came['error']
    if (error === undefined) return { tookMs, result: fields(came['result']) }
    const { code, message, data } = fields(error)
    const more = textOf(fields(data)['details']) ?? textOf(data)
    const message_ = [textOf(message) ?? 'it refused', more].filter((part) => part !== undefined).join(': ')
    return { tookMs, error: { message: message_, ...(typeof code === 'number' ? { code } : {}) } }
  }
}

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
export const fields = (value: unknown): Fields => (isFields(value) ? value : {})
export const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : [])
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

function parsed(line: string): Fields {
  try {
    return fields(JSON.parse(line))
  } catch {
    return {} // what is not JSON-RPC is noise
  }
}
