// Appends to the log at argv[2] until it is killed, in groups of one to five, and prints the sequence number of each fact that was acknowledged.

import { writeSync } from 'node:fs'
import { openSqliteLog } from '../../src/store/sqlite-log.ts'

const log = openSqliteLog(process.argv[2] ?? '')
let seq = log.cursor()
for (;;) {
  const group = Array.from({ length: 1 + (seq % 5) }, (_, index) => {
    const next = seq + 1 + index
    return log
      .append({
        session: 'writer',
        expectedSeq: next - 1,
        events: [{ atMs: next, by: 'agent', event: { type: 'noted', run: 1, text: `note ${next}` } }],
        checkpoint: { run: 1, seq: next, value: { next } },
      })
      .then(() => writeSync(1, `${next}\n`))
  })
  await Promise.all(group)
  seq += group.length
}
