// Run as a program: makes the search index of one large log at the path it is given, and says when it has begun, so that a test can kill it in the midst of it.

import { type MemoryLog, memoryLog } from '../../src/store/memory-log.ts'
import { SearchIndex } from '../../src/store/search-index.ts'

export const messages = 4000

export async function largeLog(): Promise<MemoryLog> {
  const log = memoryLog()
  const entry = (number: number) => ({ kind: 'message' as const, text: `message${number} ${'of some words '.repeat(60)}` })
  const events = Array.from({ length: messages }, (_, number) => ({
    atMs: number,
    by: 'agent' as const,
    event: { type: 'entry-written' as const, run: 1, entryId: `1.${number}`, entry: entry(number) },
  }))
  await log.append({ session: 'aaaaaaaa', expectedSeq: 0, events })
  return log
}

if (import.meta.main) {
  const index = new SearchIndex({ path: process.argv[2] ?? '', log: await largeLog(), projectOf: async () => '' })
  const searched = index.search({ text: 'words', limit: 1 }, new AbortController().signal)
  setImmediate(() => process.stdout.write('begun\n'))
  await searched
  process.stdout.write('done\n')
}
