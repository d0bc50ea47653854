// Lines of a stream that is not a terminal. Cut at LF by hand: Node's readline also cuts at U+2028, which a prompt may hold.

import { StringDecoder } from 'node:string_decoder'
import type { Input } from './verb.ts'

/** Calls `line` for each line (the last one may be without its end), then `end` once. Returns what stops it. */
export function readLines(stream: Input, line: (text: string) => void, end: () => void): () => void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let over = false
  const take = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const one of lines) line(one.replace(/\r$/, ''))
  }
  const onData = (bytes: Buffer | string): void => take(typeof bytes === 'string' ? bytes : decoder.write(bytes))
  const onEnd = (): void => {
    if (over) return
    over = true
    take(decoder.end())
    if (rest !== '') line(rest)
    end()
  }
  stream.on('data', onData)
  for (const way of ['end', 'close', 'error']) stream.on(way, onEnd)
  // Somebody who read it before may have paused it.
  stream.resume()
  // A stream that has ended before says it to nobody again.
  if ('readableEnded' in stream && stream.readableEnded) queueMicrotask(onEnd)
  return () => {
    over = true
    stream.off('data', onData)
    for (const way of ['end', 'close', 'error']) stream.off(way, onEnd)
    stream.pause()
  }
}
