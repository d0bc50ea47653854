// How wide each column is. Pure: made of what seldom changes (names, directories) and of the terminal, never of what sessions are doing, so that columns stay where they are.

import { ageWidth } from './age.ts'

export interface Widest {
  readonly name: number
  readonly agent: number
  readonly project: number
  /** Of projects with their branches behind them. */
  readonly projectAndBranch: number
  readonly directory: number
}

/** In cells; 0: it is not shown. */
export interface Columns {
  readonly gap: number
  readonly name: number
  readonly agent: number
  readonly project: number
  readonly branch: boolean
  readonly doing: number
  readonly directory: number
  readonly id: number
  readonly cost: number
  readonly since: number
  readonly all: number
  readonly unseen: number
}

/** ` ▸ ◆ ` before the name. */
export const beforeName = 5

const idWidth = 8
const costWidth = 7
const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, Math.round(value)))

type Mutable = { -readonly [Name in Exclude<keyof Columns, 'doing'>]: Columns[Name] }

export function columnsFor(widest: Widest, total: number): Columns {
  const narrow = total < 60
  const wide = total >= 120
  const name = Math.min(widest.name, clamp(total * 0.2, 11, 30))
  const columns: Mutable = {
    gap: narrow ? 1 : 2,
    name,
    agent: Math.min(widest.agent, clamp(total * 0.08, 6, 12)),
    project: Math.min(widest.projectAndBranch, clamp(total * 0.18, 8, 28)),
    branch: true,
    directory: wide ? Math.min(widest.directory, clamp(total * 0.17, 12, 36)) : 0,
    id: wide ? idWidth : 0,
    cost: total >= 140 ? costWidth : 0,
    since: ageWidth,
    all: ageWidth,
    unseen: narrow ? 3 : 6,
  }
  const least = clamp(total * 0.25, 8, 26)
  // First the longest names are cut; then columns leave.
  const { agent, project, directory } = columns
  const steps: readonly Partial<Mutable>[] = [
    { cost: 0 },
    { name: Math.min(name, clamp(total * 0.25, 10, 16)), agent: Math.min(agent, 6), project: Math.min(project, 16), directory: Math.min(directory, 12) },
    { all: 0 },
    { agent: 0 },
    { project: Math.min(widest.project, clamp(total * 0.15, 8, 16)), branch: false },
    { project: 0 },
    { directory: 0 },
    { id: 0 },
  ]
  for (const step of steps) if (room(columns, total) < least) Object.assign(columns, step)
  const left = Math.max(0, room(columns, total))
  const back = Math.min(name - columns.name, Math.max(0, left - least))
  return { ...columns, name: columns.name + back, doing: left - back }
}

/** What is left for what it does, with a free cell at the right edge. */
function room({ gap, ...columns }: Omit<Columns, 'doing'>, total: number): number {
  const { name, agent, project, directory, id, cost, since, all, unseen } = columns
  const others = [agent, project, directory, id, cost, since, all, unseen].filter((width) => width > 0)
  return total - 1 - beforeName - name - gap - others.reduce((sum, width) => sum + gap + width, 0)
}
