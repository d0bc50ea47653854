// Which trees are watched, and how often it is passed on that somebody writes there: at once, then not more than every few seconds, and ever more seldom while nothing comes of it (a program that only writes what git ignores).

import type { SessionId } from '../core/ids.ts'
import type { TreeWatch, Workspaces } from '../workspace/workspaces.ts'

export interface TreeWatchesDeps {
  readonly watchTree: Workspaces['watchTree']
  /** Of all sessions that work in that tree. */
  readonly tell: (sessions: readonly SessionId[]) => void
  readonly nowMs: () => number
  readonly delay: (ms: number) => Promise<void>
  readonly warn: (facts: object, message: string) => void
  readonly signal: AbortSignal
}

interface Watched {
  sessions: readonly SessionId[]
  readonly watch: TreeWatch
  toldAtMs: number
  pauseMs: number
  isWaiting: boolean
  isWarned: boolean
}

const shortestPauseMs = 5000
const longestPauseMs = 80_000
/** A pause is at least so many times as long as reading took: what is written all the time may be large. */
const dearness = 20
const mostTrees = 20

export class TreeWatches {
  readonly #deps: TreeWatchesDeps
  readonly #watched = new Map<string, Watched>()

  constructor(deps: TreeWatchesDeps) {
    this.#deps = deps
    deps.signal.addEventListener('abort', () => this.follow(new Map()), { once: true })
  }

  /** From now on these are watched, by their tops, and no others; of very many the last ones. */
  follow(trees: ReadonlyMap<string, readonly SessionId[]>): void {
    const wanted = new Map([...trees].slice(-mostTrees))
    for (const [top, { watch }] of this.#watched) {
      if (wanted.has(top)) continue
      watch[Symbol.dispose]()
      this.#watched.delete(top)
    }
    for (const [top, sessions] of wanted) {
      const known = this.#watched.get(top)
      if (known) known.sessions = sessions
      else this.#begin(top, sessions)
    }
  }

  /** It was read, which took so long, and had become another one or not. */
  looked(top: string, isChanged: boolean, tookMs = 0): void {
    const one = this.#watched.get(top)
    if (!one) return
    const dear = dearness * tookMs
    one.pauseMs = Math.min(Math.max(dear, isChanged ? shortestPauseMs : 2 * one.pauseMs), longestPauseMs)
    void this.#refresh(one)
  }

  #begin(top: string, sessions: readonly SessionId[]): void {
    const watch = this.#deps.watchTree(top, () => void this.#touched(top))
    const one = { sessions, watch, toldAtMs: 0, pauseMs: shortestPauseMs, isWaiting: false, isWarned: false }
    this.#watched.set(top, one)
    void this.#refresh(one)
  }

  async #refresh(one: Watched): Promise<void> {
    try {
      await one.watch.refresh(this.#deps.signal)
    } catch (cause) {
      if (this.#deps.signal.aborted || one.isWarned) return
      one.isWarned = true
      this.#deps.warn(
        { sessions: one.sessions, error: cause instanceof Error ? cause.message : String(cause) },
        'not all of a tree is watched: conflicts there may be seen no sooner than when a turn ends, or when asked for',
      )
    }
  }

  async #touched(top: string): Promise<void> {
    const one = this.#watched.get(top)
    if (!one || one.isWaiting) return
    one.isWaiting = true
    const waitMs = one.toldAtMs + one.pauseMs - this.#deps.nowMs()
    if (waitMs > 0) await this.#deps.delay(waitMs)
    one.isWaiting = false
    one.toldAtMs = this.#deps.nowMs()
    if (this.#watched.get(top) === one) this.#deps.tell(one.sessions)
  }
}
