// fs/read_text_file and fs/write_text_file: not offered to agents, but some call them anyway. The engine does them, inside the workspace, or outside when a person allows it.

import { directoryOf } from '../../core/place.ts'
import type { FileCall, FileResult } from '../driver.ts'
import type { Exchange } from './exchange.ts'
import { type RpcId, errorLine, internalError, resultLine } from './rpc.ts'
import { readFileRequest, writeFileRequest } from './schema.ts'
import type { OpenCall, State } from './state.ts'
import { cut, cutMiddle, shownPath } from './text.ts'

/** No file of Linux or macOS can be opened by a longer one. */
const longestPath = 4096

/** Returns false if the request makes no sense. */
export function fileRequest(exchange: Exchange, rpcId: RpcId, kind: 'read' | 'write', params: unknown): boolean {
  const operation = operationOf(kind, params)
  if (!operation) return false
  const call: OpenCall = { callId: String(exchange.cause.id), rpcId, operation, asked: false, approvedBy: null }
  exchange.state.calls.push(call)
  exchange.file(fileCall(call))
  return true
}

function operationOf(kind: 'read' | 'write', params: unknown): FileCall['operation'] | undefined {
  if (kind === 'write') {
    const write = writeFileRequest.safeParse(params)
    return write.success ? { kind, path: write.data.path, content: write.data.content } : undefined
  }
  const read = readFileRequest.safeParse(params)
  if (!read.success) return undefined
  const { path, line, limit } = read.data
  return { kind, path, ...(typeof line === 'number' ? { line } : {}), ...(typeof limit === 'number' ? { limit } : {}) }
}

/** A call that an older version asked about was asked about by its path. */
const fileCall = ({ callId, operation, approvedBy, place }: OpenCall): FileCall => ({
  callId,
  ...(approvedBy === null ? {} : { approved: place ?? operation.path }),
  operation,
})

export const openCalls = (state: State): readonly FileCall[] => state.calls.filter((call) => !call.asked).map(fileCall)

export const findCall = (state: State, callId: string): OpenCall | undefined => state.calls.find((call) => call.callId === callId)

/** The cause of the response: the line that asked, or the order that allowed it. */
export const causeOf = (call: OpenCall): { readonly lane: 1 | 2; readonly id: number } =>
  call.approvedBy === null ? { lane: 2, id: Number(call.callId) } : { lane: 1, id: call.approvedBy }

export function fileResult(exchange: Exchange, call: OpenCall, result: FileResult): void {
  const { launch, state } = exchange
  const { operation } = call
  if (result.kind === 'outside' && call.approvedBy === null) {
    call.asked = true
    call.place = result.place
    const named = result.place === operation.path ? '' : ` (as ${cut(shownPath(directoryOf(launch.spec), operation.path), longestPath)})`
    exchange.ask(
      {
        kind: 'permission',
        title: `${operation.kind} ${cut(result.place, longestPath)}${named}, outside the workspace`,
        ...(operation.kind === 'write' ? { detail: cutMiddle(operation.content) } : {}),
        options: [
          { id: 'allow', label: 'Allow once', kind: 'allow', scope: 'once' },
          { id: 'reject', label: 'Reject', kind: 'reject', scope: 'once' },
        ],
      },
      { kind: 'outside', callId: call.callId },
      Number(call.callId),
    )
    return
  }
  state.calls = state.calls.filter((one) => one !== call)
  if (result.kind === 'done') return exchange.send(resultLine(call.rpcId, operation.kind === 'read' ? { content: result.content ?? '' } : {}))
  const message = result.kind === 'failed' ? result.message : `${operation.path} is outside the workspace`
  exchange.send(errorLine(call.rpcId, internalError, message))
}

/** What a person said about leaving the workspace. */
export function answerOutside(exchange: Exchange, callId: string, allowed: boolean): void {
  const { state, cause } = exchange
  const call = findCall(state, callId)
  if (!call) return
  if (allowed) {
    call.asked = false
    call.approvedBy = cause.id
    exchange.file(fileCall(call))
    return
  }
  state.calls = state.calls.filter((one) => one !== call)
  exchange.send(errorLine(call.rpcId, internalError, `${call.operation.path} is outside the workspace, and the user does not allow it`))
}
