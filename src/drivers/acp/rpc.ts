// JSON-RPC 2.0 as lines: what a line is, and how ours are written.

import { rpcError } from './schema.ts'
import type { z } from 'zod'

export type RpcId = string | number
export type RpcError = z.output<typeof rpcError>

export type Outcome = { readonly result: unknown } | { readonly error: RpcError }

export type Message =
  | { readonly kind: 'request'; readonly id: RpcId; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  | { readonly kind: 'response'; readonly id: RpcId; readonly outcome: Outcome }

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isId = (value: unknown): value is RpcId => typeof value === 'string' || typeof value === 'number'

/** Nothing that makes sense is nested deeper; what walks over a message may call itself this often, and parsing takes no more memory than the line is worth. */
export const mostLevels = 200

/** The message of one line, or nothing if it is none: a log line on the wrong stream, or a batch, which ACP does not have. Of one that is nested deeper than `mostLevels` only
 *  what has to be answered, or is waited for, is told: a request without its parameters, a response as an error. */
export function readMessage(line: string): Message | undefined {
  const shallow = withoutDepths(line)
  const isDeep = shallow !== line
  let value: unknown
  try {
    value = JSON.parse(shallow)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  if (typeof value['method'] === 'string') {
    const { id, method, params } = value
    if (isId(id)) return { kind: 'request', id, method, params: isDeep ? undefined : params }
    return isDeep ? undefined : { kind: 'notification', method, params }
  }
  if (!isId(value['id'])) return undefined
  if (isDeep) return { kind: 'response', id: value['id'], outcome: { error: { code: 0, message: `its answer is nested deeper than ${mostLevels} levels` } } }
  if (value['error'] !== undefined && value['error'] !== null) {
    const error = rpcError.safeParse(value['error'])
    return { kind: 'response', id: value['id'], outcome: { error: error.success ? error.data : { code: 0, message: String(value['error']) } } }
  }
  return 'result' in value ? { kind: 'response', id: value['id'], outcome: { result: value['result'] } } : undefined
}

/** JSON with `null` in the place of what lies deeper than `mostLevels`. Before it is parsed: V8 takes 2 GB and 14 s for 64 MB of brackets. */
function withoutDepths(json: string): string {
  let kept = ''
  let from = 0
  let level = 0
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case 0x22: // a string, to its closing quotation mark
        for (at++; at < json.length && json.charCodeAt(at) !== 0x22; at++) if (json.charCodeAt(at) === 0x5c) at++
        break
      case 0x5b:
      case 0x7b:
        if (level === mostLevels) kept += `${json.slice(from, at)}null`
        level++
        break
      case 0x5d:
      case 0x7d:
        level--
        if (level === mostLevels) from = at + 1
    }
  }
  return from === 0 && kept === '' ? json : `${kept}${level > mostLevels ? '' : json.slice(from)}`
}

export const methodNotFound = -32601
export const invalidParams = -32602
export const internalError = -32603
export const requestCancelled = -32800
export const authRequired = -32000

const written = (message: object): string => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`

export const requestLine = (id: number, method: string, params: object): string => written({ id, method, params })
export const notificationLine = (method: string, params: object): string => written({ method, params })
export const resultLine = (id: RpcId, result: object): string => written({ id, result })
export const errorLine = (id: RpcId, code: number, message: string): string => written({ id, error: { code, message } })

/** What an agent's error says, with the detail that several agents hide in `data`. */
export function errorText(error: RpcError): string {
  const data = error.data
  const detail = typeof data === 'string' ? data : isRecord(data) ? [data['details'], data['message'], data['error']].find((value) => typeof value === 'string') : undefined
  return detail !== undefined && detail !== '' && detail !== error.message ? `${error.message}: ${String(detail)}` : error.message
}
