// A stream of the daemon for as long as it is wanted: one that ends or fails is asked for again a second later, because a daemon may go and come.

import { setTimeout as delay } from 'node:timers/promises'

const againAfterMs = 1000

/** Resolves when aborted. `take` is awaited: the stream waits meanwhile. */
export async function followAgain<Item>(
  open: (signal: AbortSignal) => AsyncIterable<Item>,
  told: { readonly take: (item: Item) => Promise<void> | void; readonly failed: (cause: unknown) => void },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const item of open(signal)) {
        const taken = told.take(item)
        if (taken) await taken
      }
    } catch (cause) {
      if (signal.aborted) return
      told.failed(cause)
    }
    await delay(againAfterMs, undefined, { signal }).catch(() => {})
  }
}
