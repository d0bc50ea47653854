// What the agent says, from chunks to entries: a message or thought grows until something else begins, and is an entry then.

import type { Exchange } from './exchange.ts'
import type { Half } from './state.ts'
import { pieceOf } from './text.ts'

/** In UTF-16 units: a longer text becomes several entries. */
const longestEntry = 16_384

/** Outside a turn nothing may come that would end a text, so it is written again as it grows: each time at first, then in steps. */
const eagerWrites = 8
const writeStep = 512

export interface Chunk {
  readonly kind: Half['kind']
  readonly text: string
  readonly messageId: string | null
}

function write(exchange: Exchange, half: Half): void {
  if (half.text === '' || half.text.length === half.written) return
  exchange.entry(half.entryId, { kind: half.kind, text: half.text, ...(half.continues ? { continues: true } : {}) })
  half.written = half.text.length
  half.writes += 1
}

/** Something else begins. */
export function endSpeech(exchange: Exchange): void {
  const { half } = exchange.state
  if (half) write(exchange, half)
  exchange.state.half = null
}

/** The turn is over. Some agents answer the prompt before their last chunk has left them: it still belongs to this entry. */
export function pauseSpeech(exchange: Exchange): void {
  if (exchange.state.half) write(exchange, exchange.state.half)
}

const goesOn = (half: Half, chunk: Chunk): boolean => half.kind === chunk.kind && (half.messageId === chunk.messageId || chunk.messageId === null || half.messageId === null)

export function say(exchange: Exchange, chunk: Chunk): void {
  const { state } = exchange
  if (chunk.text === '') return
  if (state.half && !goesOn(state.half, chunk)) endSpeech(exchange)
  const begin = (text: string, continues: boolean): Half => {
    return { entryId: exchange.nextEntryId(), kind: chunk.kind, messageId: chunk.messageId, text, ...(continues ? { continues } : {}), writes: 0, written: 0 }
  }
  if (state.half) {
    state.half.text += chunk.text
    state.half.messageId ??= chunk.messageId
  } else {
    state.half = begin(chunk.text, false)
  }
  for (let half: Half = state.half; half.text.length > longestEntry; half = state.half) {
    const rest = half.text.slice(pieceOf(half.text, longestEntry).length)
    half.text = half.text.slice(0, half.text.length - rest.length)
    write(exchange, half)
    state.half = begin(rest, true)
  }
  const { half, turn } = state
  if (!turn && (half.writes < eagerWrites || half.text.length - half.written >= writeStep)) write(exchange, half)
}
