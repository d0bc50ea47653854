// What the line below an attached program says: whose screen it is, how it goes, and how to leave. Pure.

import { cut, displayWidth, padded } from '../../text/format.ts'

/** Without control characters. */
export interface LineParts {
  readonly name: string
  readonly agent: string
  readonly project: string
  /** Empty: not known. */
  readonly status: string
  readonly readOnly: boolean
}

const joined = (parts: readonly string[]): string => ` ${parts.filter((part) => part !== '').join(' · ')} `

/** Where there is little room, the name, the status and how to learn more remain. */
export function statusText({ name, agent, project, status, readOnly }: LineParts, prefix: string, columns: number): string {
  const mode = readOnly ? 'read-only' : ''
  const leaves = `${prefix} d leaves it running`
  const keys = `${prefix} ? keys`
  const fitting = [
    [name, agent, project, mode, status, leaves, keys],
    [name, agent, project, mode, status, keys],
    [name, mode, status, keys],
    [name, mode, status],
  ].find((parts) => displayWidth(joined(parts)) <= columns)
  return fitting ? joined(fitting) : cut(joined([name, mode, status]), columns)
}

export const keysText = (prefix: string, keys: readonly (readonly [key: string, does: string])[]): string =>
  ` ${prefix} then: ${keys.map(([key, does]) => `${key} ${does}`).join(' · ')} `

/** All columns of the row. */
export function paintedLine(text: string, columns: number, color: boolean): string {
  const row = padded(cut(text, columns), columns)
  return color ? `\x1b[2;7m${row}` : row
}
