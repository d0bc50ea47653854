// What the dispatch line has to know of the machine: which agents there are, and how the directory stands that a task is for. Looked up beside what is typed, never in its way; an answer that does not come is none.

import { agentsHere } from '../../client/agents.ts'
import { ownConfig } from '../../client/own-config.ts'
import type { AgentListing } from '../../config/agents.ts'
import type { Place, WorkspaceWish } from '../../core/workspace.ts'
import type { Client } from '../../sdk/client.ts'
import { projectOf } from '../../workspace/project.ts'

type Variables = Readonly<Record<string, string | undefined>>

export interface DirectoryState {
  readonly project: string
  readonly branch: string | undefined
  /** What a session would work in there; undefined: it was not told in time. */
  readonly place: Place | undefined
  /** Of agents, as configured. */
  readonly wish: WorkspaceWish
}

const mayTakeMs = 3000
const freshMs = 5000

export const agentsFor = async (env: Variables, cwd: string): Promise<readonly AgentListing[]> => (await agentsHere(env, cwd)).agents

export async function directoryState(client: Pick<Client, 'place'>, env: Variables, directory: string, signal: AbortSignal): Promise<DirectoryState> {
  const [project, place, wish] = await Promise.all([
    projectOf(directory),
    client.place({ cwd: directory }, AbortSignal.any([signal, AbortSignal.timeout(mayTakeMs)])).catch(() => undefined),
    ownConfig(env, directory).then(
      ({ config }) => config.workspace.mode,
      () => 'auto' as const,
    ),
  ])
  return { project: project.name, branch: place?.repository?.branch ?? project.branch ?? undefined, place, wish }
}

/** The last answer for each key, asked for again when it is needed and not fresh any more. */
export class LastKnown<Value> {
  readonly #ask: (key: string) => Promise<Value>
  readonly #now: () => number
  readonly #changed: () => void
  readonly #known = new Map<string, { readonly askedAtMs: number; readonly value: Value | undefined }>()

  constructor(parts: { readonly ask: (key: string) => Promise<Value>; readonly now: () => number; readonly changed: () => void }) {
    this.#ask = parts.ask
    this.#now = parts.now
    this.#changed = parts.changed
  }

  /** As it is known at once. */
  peek(key: string): Value | undefined {
    return this.#known.get(key)?.value
  }

  /** The same, and it is asked for unless that was a moment ago. */
  get(key: string): Value | undefined {
    const known = this.#known.get(key)
    const nowMs = this.#now()
    if (known && nowMs - known.askedAtMs < freshMs) return known.value
    const asking = { askedAtMs: nowMs, value: known?.value }
    this.#known.set(key, asking)
    this.#ask(key).then(
      (value) => {
        if (this.#known.get(key) !== asking) return
        this.#known.set(key, { ...asking, value })
        this.#changed()
      },
      () => {}, // what cannot be known is not shown
    )
    return known?.value
  }
}
