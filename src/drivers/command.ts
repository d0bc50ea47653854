// Any program on pipes, its stderr apart. As the terminal driver, but an interrupt cannot go through its input.

import { z } from 'zod'
import type { Checkpoint, Conversation, Driver } from './driver.ts'
import { OutputTail } from './output-tail.ts'

const stateSchema = z.object({ outLines: z.number(), errLines: z.number() })

function conversationFrom(out: OutputTail, err: OutputTail): Conversation {
  return {
    receive(stream, offset, bytes) {
      if (stream === 'out') out.receive(offset, bytes)
      else err.receive(offset, bytes)
      return []
    },
    order: () => [],
    reply: () => [],
    openCalls: () => [],
    ended: () => [],
    lines: () => out.lines + err.lines,
    lastWords: () => err.text() ?? out.text(),
    checkpoint: (): Checkpoint => {
      const outPlace = out.place()
      const errPlace = err.place()
      return { outOffset: outPlace.offset, errOffset: errPlace.offset, state: { outLines: outPlace.lines, errLines: errPlace.lines } }
    },
  }
}

export const commandDriver: Driver = {
  mode: 'pipes',
  interruptBySignal: true,
  begin: () => ({ conversation: conversationFrom(new OutputTail(0, 0), new OutputTail(0, 0)), outputs: [] }),
  restore: (_, checkpoint) => {
    const { outLines, errLines } = stateSchema.parse(checkpoint.state)
    return conversationFrom(new OutputTail(checkpoint.outOffset, outLines), new OutputTail(checkpoint.errOffset, errLines))
  },
}
