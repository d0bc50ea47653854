// One figure: what was measured, of us and of others in the same run, and how it is printed.

import { type Samples, median } from './samples.ts'

export type Unit = 'ms' | 'MB' | 'MB/s' | '% CPU'

export interface Figure {
  readonly name: string
  readonly unit: Unit
  readonly offstage: number
  /** What we want to reach: at most, or for MB/s at least. */
  readonly goal?: number
  /** What nobody can be better than: the empty program, the bare terminal. */
  readonly floor?: { readonly what: string; readonly value: number }
  readonly tmux?: number
  readonly dtach?: number
  /** Everything that the numbers above were taken from, in the same unit. */
  readonly samples: Readonly<Record<string, Samples>>
}

/** A figure of the medians. Others that were not measured are left out. */
export function figure(
  name: string,
  unit: Unit,
  samples: { readonly offstage: Samples | undefined; readonly floor?: Samples | undefined; readonly tmux?: Samples | undefined; readonly dtach?: Samples | undefined },
  more: { readonly goal?: number; readonly floor?: string } = {},
  of: (samples: Samples) => number = median,
): Figure {
  const { offstage, floor, tmux, dtach } = samples
  if (!offstage) throw new Error(`${name} was not measured`)
  return {
    name,
    unit,
    offstage: of(offstage),
    ...(more.goal === undefined ? {} : { goal: more.goal }),
    ...(floor ? { floor: { what: more.floor ?? 'node -e 0', value: of(floor) } } : {}),
    ...(tmux ? { tmux: of(tmux) } : {}),
    ...(dtach ? { dtach: of(dtach) } : {}),
    samples: Object.fromEntries(Object.entries(samples).filter((entry): entry is [string, Samples] => entry[1] !== undefined)),
  }
}

const number = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2))
const ratio = (ours: number, theirs: number | undefined): string => (theirs === undefined || theirs <= 0 ? '' : `${number(ours / theirs)} x`)

const isReached = ({ unit, offstage, goal }: Figure): boolean => goal === undefined || (unit === 'MB/s' ? offstage >= goal : offstage <= goal)

function row(figure: Figure): readonly string[] {
  const { name, unit, offstage, goal, floor, tmux, dtach } = figure
  const wanted = goal === undefined ? '' : `${unit === 'MB/s' ? '>=' : '<='} ${number(goal)}${isReached(figure) ? '' : ' MISSED'}`
  return [
    name,
    `${number(offstage)} ${unit}`,
    wanted,
    floor === undefined ? '' : `${number(floor.value)} (${floor.what})`,
    tmux === undefined ? '' : number(tmux),
    dtach === undefined ? '' : number(dtach),
    ratio(offstage, floor?.value),
    ratio(offstage, tmux),
  ]
}

/** A Markdown table that can also be read as it is. */
export function table(figures: readonly Figure[]): string {
  const rows = [['figure', 'offstage', 'goal', 'floor', 'tmux', 'dtach', 'to floor', 'to tmux'], ...figures.map(row)]
  const used = (rows[0] ?? []).map((_, column) => rows.slice(1).some((cells) => cells[column] !== ''))
  const kept = rows.map((cells) => cells.filter((_, column) => used[column]))
  const widths = (kept[0] ?? []).map((_, column) => Math.max(...kept.map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  const [head = [], ...body] = kept
  return [line(head), rule, ...body.map(line)].join('\n')
}
