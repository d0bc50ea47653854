// What the facts of a session say about its tree over time: its snapshots, between which of them each turn lies, and the commands that were run. Pure; read from the facts when somebody asks.

import type { Envelope, Event } from '../core/events.ts'
import type { Snapshot } from '../core/workspace.ts'

export interface TurnMarks {
  readonly turn: number
  /** As the tree was before it, and after it. Absent: nothing of that moment is kept. */
  readonly from?: Snapshot
  readonly to?: Snapshot
}

export interface StartedStep {
  readonly step: number
  readonly what: 'set-up' | 'check' | 'landing'
  readonly command: string
  readonly atMs: number
}

export interface TreeMarks {
  readonly snapshots: readonly Snapshot[]
  /** Oldest first. */
  readonly turns: readonly TurnMarks[]
  /** Since the tree was last begun to be made, and since the checks were last begun. */
  readonly setUp: readonly StartedStep[]
  readonly checks: readonly StartedStep[]
}

/** The facts that say something of it; the others need not be read. */
export const markTypes = [
  'turn-started',
  'turn-ended',
  'snapshot-taken',
  'snapshot-failed',
  'snapshots-dropped',
  'workspace-preparing',
  'workspace-ready',
  'workspace-failed',
  'checks-started',
  'checked',
  'checks-cut-short',
  'step-started',
] as const satisfies readonly Event['type'][]

const isMark = (event: Event): event is Extract<Event, { readonly type: (typeof markTypes)[number] }> => markTypes.some((type) => type === event.type)

/** Snapshots of somebody else's tree, taken in a session's name, say nothing of its own. */
const isOwn = ({ why }: Snapshot): boolean => why !== 'land'

const withoutEnd = (turn: { readonly from?: Snapshot } | undefined): { readonly from?: Snapshot } => (turn?.from ? { from: turn.from } : {})

export function marksOf(facts: Iterable<Envelope>): TreeMarks {
  const snapshots: Snapshot[] = []
  const turns = new Map<number, { from?: Snapshot; to?: Snapshot }>()
  let last: Snapshot | undefined
  let setUp: StartedStep[] = []
  let checks: StartedStep[] = []
  const begins = (snapshot = last) => (snapshot ? { from: snapshot } : {})
  for (const { event, atMs } of facts) {
    if (!isMark(event)) continue
    switch (event.type) {
      case 'turn-started':
        turns.set(event.turn, begins())
        break
      case 'turn-ended':
        turns.set(event.turn, { ...turns.get(event.turn), ...(last ? { to: last } : {}) })
        break
      case 'snapshot-taken': {
        const { snapshot } = event
        snapshots.push(snapshot)
        if (!isOwn(snapshot)) break
        const before = turns.get(snapshot.turn)
        if (snapshot.why === 'turn-start') turns.set(snapshot.turn, { ...before, from: snapshot })
        if (snapshot.why === 'turn-end') {
          // Turns of a program in a terminal begin where the one before has ended.
          turns.set(snapshot.turn, { ...(before ?? begins()), to: snapshot })
          const next = turns.get(snapshot.turn + 1)
          if (next && next.from === last) turns.set(snapshot.turn + 1, { ...next, from: snapshot })
        }
        last = snapshot
        break
      }
      case 'snapshot-failed': {
        // What was kept last is not what was there.
        const { from: _, ...rest } = turns.get(event.turn) ?? {}
        if (event.why === 'turn-start') turns.set(event.turn, rest)
        if (event.why === 'turn-end') turns.set(event.turn, withoutEnd(turns.get(event.turn)))
        last = undefined
        break
      }
      case 'snapshots-dropped': {
        const isThere = (one: Snapshot | undefined): boolean => one !== undefined && !event.numbers.includes(one.n)
        snapshots.splice(0, snapshots.length, ...snapshots.filter(isThere))
        for (const [turn, { from, to }] of turns) turns.set(turn, { ...(from && isThere(from) ? { from } : {}), ...(to && isThere(to) ? { to } : {}) })
        if (!isThere(last)) last = undefined
        break
      }
      case 'workspace-preparing':
      case 'workspace-ready':
      case 'workspace-failed':
        setUp = []
        break
      case 'checks-started':
      case 'checked':
      case 'checks-cut-short':
        checks = []
        break
      case 'step-started': {
        const { step, what, command } = event
        if (what === 'set-up') setUp.push({ step, what, command, atMs })
        if (what === 'check') checks.push({ step, what, command, atMs })
        break
      }
    }
  }
  return { snapshots, turns: [...turns].map(([turn, marks]) => ({ turn, ...marks })), setUp, checks }
}

/** It changed something, as far as that is kept. */
export const changedBy = ({ from, to }: TurnMarks): boolean => from !== undefined && to !== undefined && from.tree !== to.tree

/** The newest turn that changed anything. */
export const newestChange = (turns: readonly TurnMarks[]): TurnMarks | undefined => turns.findLast(changedBy)
