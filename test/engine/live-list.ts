// The live list as a client keeps it, and what every Api does with it. Each test gets an Api of its own from `open`, with a way to make sessions.

import { describe, expect, test } from 'vitest'
import type { Api, ListFrame } from '../../src/core/api.ts'
import { isRefusal } from '../../src/core/errors.ts'
import type { SessionView } from '../../src/core/view.ts'
import { never, newId } from '../home.ts'

export interface Opened extends AsyncDisposable {
  readonly api: Api
  /** Resolves to the id of a new session that does nothing by itself. */
  readonly create: (title: string) => Promise<string>
}

/** Reads a stream in the background and keeps what it told. */
export class Watched {
  readonly frames: ListFrame[] = []
  readonly #end = new AbortController()
  readonly #done: Promise<void>
  #wake = (): void => {}

  constructor(api: Pick<Api, 'sessions'>) {
    this.#done = this.#read(api)
  }

  async #read(api: Pick<Api, 'sessions'>): Promise<void> {
    for await (const frame of api.sessions(this.#end.signal)) {
      this.frames.push(frame)
      this.#wake()
    }
  }

  /** Resolves as soon as the frames are like that. */
  async until(like: (frames: readonly ListFrame[]) => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(20_000)
    while (!like(this.frames)) {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve
        deadline.addEventListener('abort', () => reject(new Error(`only ${JSON.stringify(this.frames.slice(-3))}`)), { once: true })
      })
    }
  }

  caughtUp(): Promise<void> {
    return this.until((frames) => frames.some((frame) => frame.kind === 'caught-up'))
  }

  /** The list as a client keeps it: of each session what was told last. */
  get sessions(): ReadonlyMap<string, SessionView> {
    return new Map(this.frames.flatMap((frame) => (frame.kind === 'session' ? [[frame.session.id, frame.session] as const] : [])))
  }

  toldOf(session: string): readonly SessionView[] {
    return this.frames.flatMap((frame) => (frame.kind === 'session' && frame.session.id === session ? [frame.session] : []))
  }

  /** Resolves when the stream has ended. */
  async end(): Promise<void> {
    this.#end.abort()
    await this.#done
  }
}

export async function label(api: Api, session: string, text: string): Promise<void> {
  const refused = await api.submit({ session, commandId: newId(), command: { type: 'label', label: text } }, never)
  if (isRefusal(refused)) throw new Error(refused.message)
}

export function liveListContract(name: string, open: () => Promise<Opened>): void {
  describe(name, () => {
    test('tells every session, removed ones too, the newest first, and then that it has', async () => {
      await using opened = await open()
      const { api, create } = opened
      const ids = [await create('one'), await create('two'), await create('three')]
      await api.submit({ session: ids[1] ?? '', commandId: newId(), command: { type: 'remove' } }, never)
      const watched = new Watched(api)
      await watched.caughtUp()
      await watched.end()
      const first = watched.frames.slice(0, 4).map((frame) => (frame.kind === 'session' ? frame.session.title : frame.kind))
      expect(first).toEqual(['three', 'two', 'one', 'caught-up'])
    })

    test('an empty list is caught up at once', async () => {
      await using opened = await open()
      const watched = new Watched(opened.api)
      await watched.caughtUp()
      await watched.end()
      expect(watched.frames).toEqual([{ kind: 'caught-up' }])
    })

    test('tells a session again when a fact changes it, and one that is new', async () => {
      await using opened = await open()
      const { api, create } = opened
      const before = await create('one')
      const watched = new Watched(api)
      await watched.caughtUp()
      await label(api, before, 'named')
      await watched.until(() => watched.sessions.get(before)?.label === 'named')
      const after = await create('two')
      await watched.until(() => watched.sessions.get(after)?.title === 'two')
      await watched.end()
    })

    test('what it told last is what a look at the session gives', async () => {
      await using opened = await open()
      const { api, create } = opened
      const session = await create('one')
      const watched = new Watched(api)
      await Promise.all(Array.from({ length: 30 }, (_, index) => label(api, session, `label ${index}`)))
      await watched.until(() => watched.sessions.get(session)?.label === 'label 29')
      await watched.end()
      const told = watched.sessions.get(session)
      const now = (await api.get(session, never))?.session
      expect({ ...told, elapsedMs: 0 }).toEqual({ ...now, elapsedMs: 0 })
    })

    test('tells changes that come together once', async () => {
      await using opened = await open()
      const { api, create } = opened
      const session = await create('one')
      const watched = new Watched(api)
      await watched.caughtUp()
      const before = watched.frames.length
      const startedAtMs = performance.now()
      await Promise.all(Array.from({ length: 100 }, (_, index) => label(api, session, `label ${index}`)))
      await watched.until(() => watched.sessions.get(session)?.label === 'label 99')
      // As often as its time has passed, and a little more.
      expect(watched.frames.length - before).toBeLessThanOrEqual(2 + (performance.now() - startedAtMs) / 25)
      await watched.end()
    })

    test('two watchers are told the same', async () => {
      await using opened = await open()
      const { api, create } = opened
      const session = await create('one')
      const both = [new Watched(api), new Watched(api)]
      await Promise.all(both.map((one) => one.caughtUp()))
      await label(api, session, 'named')
      await Promise.all(both.map((one) => one.until(() => one.sessions.get(session)?.label === 'named')))
      await Promise.all(both.map((one) => one.end()))
    })
  })
}
