// When a conversation is too long for its model: what was said first is replaced by a summary, with pi's own cuts and prompts. The file keeps everything.

import { type SessionManager, calculateContextTokens, estimateTokens, findCutPoint, generateSummaryWithUsage, sessionEntryToContextMessages } from '@earendil-works/pi-coding-agent'
import type { StreamFn } from '@earendil-works/pi-agent-core'
import type { Api, Model } from '@earendil-works/pi-ai'

/** Tokens kept free for an answer, and kept as they are at the end; less where the model takes little. */
const reserveTokens = 16_384
const keepRecentTokens = 20_000

const reserveOf = (model: Model<Api>): number => Math.min(reserveTokens, Math.floor(model.contextWindow / 4))

/** What the model is sent now, by its own last count and an estimate of what came since. */
export function contextTokens(session: SessionManager): number {
  const { messages } = session.buildSessionProjection()
  const compacted = session.getBranch().findLast((entry) => entry.type === 'compaction')
  const since = compacted ? Date.parse(compacted.timestamp) : 0
  // What was counted before a compaction counts what is no longer sent.
  const counted = messages.findLastIndex((message) => message.role === 'assistant' && message.timestamp > since && calculateContextTokens(message.usage) > 0)
  const last = messages[counted]
  const base = last?.role === 'assistant' ? calculateContextTokens(last.usage) : 0
  return messages.slice(counted + 1).reduce((sum, message) => sum + (message.role === 'system' ? 0 : estimateTokens(message)), base)
}

export const needsCompaction = (session: SessionManager, model: Model<Api>): boolean => model.contextWindow > 0 && contextTokens(session) > model.contextWindow - reserveOf(model)

/** Returns whether there was something to take away. Throws if the summary could not be made. */
export async function compact(session: SessionManager, model: Model<Api>, stream: StreamFn, signal: AbortSignal | undefined): Promise<boolean> {
  const entries = session.buildContextEntries()
  const [first] = entries
  const summarised = first?.type === 'compaction' ? first : undefined
  const from = summarised ? 1 : 0
  const keep = Math.min(keepRecentTokens, Math.floor(model.contextWindow / 4))
  const { firstKeptEntryIndex } = findCutPoint(entries, from, entries.length, keep)
  const firstKept = entries[firstKeptEntryIndex]
  const old = entries.slice(from, firstKeptEntryIndex).flatMap((entry) => sessionEntryToContextMessages(entry))
  if (!firstKept || old.length === 0) return false
  const before = contextTokens(session)
  const { text, usage } = await generateSummaryWithUsage(old, model, reserveOf(model), undefined, undefined, signal, undefined, summarised?.summary, undefined, stream)
  session.appendCompaction(text, firstKept.id, before, undefined, false, usage)
  return true
}
