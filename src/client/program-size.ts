// How large a program's terminal is within a user's: a row less, where a line stands below it once it is attached. A program that starts with that size is not told of another one while it starts.

import type { TerminalSize } from '../core/events.ts'
import { ownConfig } from './own-config.ts'

/** A terminal with fewer rows has none to spare. */
const fewestRows = 6

export const rowsAboveLine = (rows: number): number => (rows >= fewestRows ? rows - 1 : rows)

/** Throws ConfigInvalid. */
export async function programSize(env: Readonly<Record<string, string | undefined>>, { columns, rows }: TerminalSize): Promise<TerminalSize> {
  const { config } = await ownConfig(env)
  return { columns, rows: config.view.terminalStatusLine ? rowsAboveLine(rows) : rows }
}
