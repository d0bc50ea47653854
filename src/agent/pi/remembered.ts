// What is in a session's file, as what was said and done: without what Offstage told the model by itself, and with every step beside its result.

import type { SessionEntry } from '@earendil-works/pi-coding-agent'
import type { Part, Remembered, ToolResult } from '../thinker.ts'

type Content = string | readonly ({ readonly type: 'text'; readonly text: string } | { readonly type: 'image'; readonly mimeType: string; readonly data: string })[]

export function remembered(entries: readonly SessionEntry[]): readonly Remembered[] {
  const messages = entries.flatMap((entry) => (entry.type === 'message' ? [entry.message] : []))
  const results = new Map<string, ToolResult>()
  for (const message of messages) {
    if (message.role !== 'toolResult') continue
    const parts = partsOf(message.content)
    results.set(message.toolCallId, { text: textOf(parts), pictures: parts.flatMap((part) => (part.kind === 'picture' ? [part] : [])), failed: message.isError })
  }
  return messages.flatMap((message): readonly Remembered[] => {
    if (message.role === 'user') return [{ kind: 'user', parts: partsOf(message.content) }]
    if (message.role !== 'assistant') return []
    return message.content.flatMap((block): readonly Remembered[] => {
      if (block.type === 'text') return block.text === '' ? [] : [{ kind: 'text', text: block.text }]
      if (block.type === 'thinking') return block.thinking === '' ? [] : [{ kind: 'thinking', text: block.thinking }]
      return [{ kind: 'tool', call: { id: block.id, input: block.arguments }, name: block.name, result: results.get(block.id) }]
    })
  })
}

const partsOf = (content: Content): readonly Part[] =>
  typeof content === 'string'
    ? [{ kind: 'text', text: content }]
    : content.map((block) => (block.type === 'text' ? { kind: 'text', text: block.text } : { kind: 'picture', mimeType: block.mimeType, bytes: block.data }))

const textOf = (parts: readonly Part[]): string => parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n')
