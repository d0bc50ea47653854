// An agent that asks for a permission as often as its prompt says, and tells when: each question's title is the moment before it was written to the pipe, and the moment at
// which each answer was read from the pipe is a line of `answers` in its directory. Moments are the system's monotonic clock in nanoseconds, the same for every process.

import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly sessionId?: string; readonly prompt?: readonly { readonly text?: string }[] }
}

let asked = 0
const waiting = new Map<number, () => void>()
const send = (message: object): void => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)

createInterface({ input: process.stdin }).on('line', (line) => {
  const atNs = process.hrtime.bigint()
  const { id, method, params } = JSON.parse(line) as Message
  switch (method) {
    case 'initialize':
      return send({ id, result: { protocolVersion: 1, agentCapabilities: {}, agentInfo: { name: 'asker', version: '1.0.0' }, authMethods: [] } })
    case 'session/new':
      return send({ id, result: { sessionId: 'asker' } })
    case 'session/prompt':
      return void ask(Number(params?.prompt?.[0]?.text)).then(() => send({ id, result: { stopReason: 'end_turn' } }))
    case undefined:
      appendFileSync('answers', `${atNs}\n`)
      waiting.get(id ?? 0)?.()
  }
})

async function ask(times: number): Promise<void> {
  for (let number = 1; number <= times; number++) {
    const answered = new Promise<void>((resolve) => waiting.set(++asked, resolve))
    const toolCall = { toolCallId: `call-${asked}`, title: String(process.hrtime.bigint()), kind: 'execute', status: 'pending' }
    const options = [
      { optionId: 'allow', name: 'Allow once', kind: 'allow_once' },
      { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
    ]
    send({ id: asked, method: 'session/request_permission', params: { sessionId: 'asker', toolCall, options } })
    await answered
  }
}
