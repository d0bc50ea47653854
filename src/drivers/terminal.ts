// Any program on a PTY. It is not spoken to: there are no turns and no questions, only output, keystrokes, and an end.

import { z } from 'zod'
import type { Checkpoint, Conversation, Driver } from './driver.ts'
import { OutputTail } from './output-tail.ts'

const stateSchema = z.object({ lines: z.number() })

/** As the interrupt key sends it: what it does is for the program's terminal settings to say. */
const interruptKey = Uint8Array.of(0x03)

function conversationFrom(out: OutputTail): Conversation {
  return {
    receive(stream, offset, bytes) {
      if (stream === 'out') out.receive(offset, bytes)
      return []
    },
    order: (seq, order) => (order.type === 'interrupt' ? [{ kind: 'send', send: { lane: 1, id: seq, bytes: interruptKey } }] : []),
    reply: () => [],
    openCalls: () => [],
    ended: () => [],
    lines: () => out.lines,
    lastWords: () => out.text(),
    checkpoint: (): Checkpoint => {
      const { offset, lines } = out.place()
      return { outOffset: offset, errOffset: 0, state: { lines } }
    },
  }
}

export const terminalDriver: Driver = {
  mode: 'pty',
  begin: () => ({ conversation: conversationFrom(new OutputTail(0, 0)), outputs: [] }),
  restore: (_, checkpoint) => conversationFrom(new OutputTail(checkpoint.outOffset, stateSchema.parse(checkpoint.state).lines)),
}
