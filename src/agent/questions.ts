// What the agent asks the person at the other end, by ACP: permissions, and questions by a form; where the client has no forms a question becomes a permission with the answers as options.

import type { AgentContext, PermissionOption, ToolCallUpdate } from '@agentclientprotocol/sdk/unstable'

export interface Choice {
  readonly id: string
  readonly name: string
}

export interface Questions {
  readonly canWrite: boolean
  /** The chosen option; undefined if the question was closed without an answer. Rejects if the signal is aborted. */
  permission(toolCall: ToolCallUpdate, options: readonly PermissionOption[], signal: AbortSignal): Promise<{ readonly id: string; readonly reason?: string } | undefined>
  choose(message: string, choices: readonly Choice[], signal: AbortSignal, toolCallId?: string): Promise<string | undefined>
  /** A text; undefined if none was given, or none can be. */
  write(message: string, signal: AbortSignal, toolCallId?: string): Promise<string | undefined>
}

export function questionsTo(client: Pick<AgentContext, 'request'>, sessionId: string, canWrite: boolean): Questions {
  let asked = 0
  const form = async (message: string, property: Readonly<Record<string, unknown>>, signal: AbortSignal, toolCallId: string | undefined): Promise<string | undefined> => {
    const response = await client.request(
      'elicitation/create',
      {
        mode: 'form',
        sessionId,
        ...(toolCallId === undefined ? {} : { toolCallId }),
        message,
        requestedSchema: { type: 'object', properties: { answer: { type: 'string', title: 'Answer', ...property } }, required: ['answer'] },
      },
      { cancellationSignal: signal, stopWaitingOnCancel: true },
    )
    signal.throwIfAborted()
    const content = response.action === 'accept' && 'content' in response ? response.content : undefined
    const answer = typeof content === 'object' && content !== null && 'answer' in content ? content.answer : undefined
    return typeof answer === 'string' && answer !== '' ? answer : undefined
  }
  const permission: Questions['permission'] = async (toolCall, options, signal) => {
    const response = await client.request('session/request_permission', { sessionId, toolCall, options: [...options] }, { cancellationSignal: signal, stopWaitingOnCancel: true })
    signal.throwIfAborted()
    const { outcome } = response
    if (outcome.outcome !== 'selected') return undefined
    const reason = reasonIn(outcome._meta) ?? reasonIn(response._meta)
    return { id: outcome.optionId, ...(reason === undefined ? {} : { reason }) }
  }
  return {
    canWrite,
    permission,
    choose: async (message, choices, signal, toolCallId) => {
      if (canWrite) return form(message, { oneOf: choices.map(({ id, name }) => ({ const: id, title: name })) }, signal, toolCallId)
      asked++
      const options = choices.map(({ id, name }): PermissionOption => ({ optionId: id, name, kind: 'allow_once' }))
      const [title = message] = message.split('\n', 1)
      const call = { toolCallId: toolCallId ?? `question-${asked}`, title, kind: 'other', content: [{ type: 'content', content: { type: 'text', text: message } }] } as const
      return (await permission({ ...call, content: [...call.content] }, options, signal))?.id
    },
    write: async (message, signal, toolCallId) => (canWrite ? form(message, {}, signal, toolCallId) : undefined),
  }
}

/** Clients that let people say why may put it there. */
function reasonIn(meta: Readonly<Record<string, unknown>> | null | undefined): string | undefined {
  const reason = meta?.['reason']
  return typeof reason === 'string' && reason.trim() !== '' ? reason : undefined
}
