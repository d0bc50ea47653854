// Where the figures were taken: without it they mean nothing.

import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { output } from './samples.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryMb: number
  readonly kernel: string
  readonly node: string
  /** Of the folder for temporary files, where everything is written. */
  readonly fileSystem: string
  readonly tmux: string | null
  readonly dtach: boolean
  /** One minute's, when the run began. */
  readonly load: number
  /** Of all cores, in the second before the run began. */
  readonly busyPercent: number
}

export async function describeMachine(temporary: string): Promise<Machine> {
  const env = { PATH: process.env['PATH'] ?? '' }
  return {
    cpu: cpus()[0]?.model.replaceAll(/\s+/g, ' ') ?? 'unknown',
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    fileSystem: fileSystemOf(temporary),
    tmux: firstLine(() => output({ command: 'tmux', args: ['-V'], env })),
    dtach: firstLine(() => output({ command: 'sh', args: ['-c', 'command -v dtach'], env })) !== null,
    load: loadavg()[0] ?? 0,
    busyPercent: await busyPercent(),
  }
}

/** Undefined when it is quiet enough to be believed. */
export function busyWarning({ load, busyPercent, cores }: Machine): string | undefined {
  if (load < cores / 2 && busyPercent < 10) return undefined
  return `this machine is busy (load ${load.toFixed(2)} on ${cores} cores, ${busyPercent.toFixed(0)} % in the last second): these figures are too high and not to be kept`
}

export function machineLines(machine: Machine): string {
  const { cpu, cores, memoryMb, kernel, node, fileSystem, tmux, load, busyPercent } = machine
  return `${cpu}, ${cores} cores, ${memoryMb} MiB, Linux ${kernel}, ${fileSystem}; node ${node}; ${tmux ?? 'no tmux'}${machine.dtach ? ', dtach' : ''}; load ${load.toFixed(2)}, ${busyPercent.toFixed(0)} % busy at the start`
}

function firstLine(run: () => string): string | null {
  try {
    return run().split('\n', 1)[0] ?? null
  } catch {
    return null
  }
}

function fileSystemOf(folder: string): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const holding = mounts.filter(([, at = '-']) => folder === at || folder.startsWith(at.endsWith('/') ? at : `${at}/`))
  return holding.toSorted(([, a = ''], [, b = '']) => a.length - b.length).at(-1)?.[2] ?? 'unknown'
}

async function busyPercent(): Promise<number> {
  const times = (): { idle: number; all: number } => {
    const each = cpus().map((cpu) => cpu.times)
    return { idle: each.reduce((sum, one) => sum + one.idle, 0), all: each.reduce((sum, one) => sum + one.idle + one.user + one.sys + one.nice + one.irq, 0) }
  }
  const before = times()
  await delay(1000)
  const after = times()
  return 100 * (1 - (after.idle - before.idle) / (after.all - before.all))
}
