// What the terminal tells the program of itself while a line stands below the program: its size is said without that row, and what the mouse does there is not said. Pure.

export interface ReportedRows {
  /** The program's. */
  readonly rows: number
  /** The terminal's. */
  readonly all: number
  /** The mouse is told in pixels (mode 1016). */
  readonly pixels: boolean
}

const motion = 32

// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html: mouse tracking (SGR, urxvt, X10), and the size in pixels and characters; https://gist.github.com/rockorager/e695fb2924d36b2bcf1fff4a3704bd83: size reports in the input.
// oxlint-disable-next-line no-control-regex
const reports = /\x1b\[(?:<(\d+);(\d+);(\d+)([Mm])|(\d+);(\d+);(\d+)M|M([ -\x7f])([!-\x7f])([!-\x7f])|([48]);(\d+);(\d+)t|48;(\d+);(\d+);(\d+);(\d+)t)/g

/** What is typed, for the program. */
export function reportsWithin(typed: Uint8Array, { rows, all, pixels }: ReportedRows): Uint8Array {
  if (!typed.includes(0x1b)) return typed
  const text = Buffer.from(typed.buffer, typed.byteOffset, typed.length).toString('latin1')
  const fitted = (height: string): number => Math.round((Number(height) * rows) / all)
  const changed = text.replace(reports, (report: string, ...groups: (string | undefined)[]) => {
    const [button, column, row, final, oldButton, oldColumn, oldRow, code, columnCode, rowCode, kind, height, width, lines, columns, allHeight, allWidth] = groups
    if (row !== undefined) {
      if (pixels || Number(row) <= rows) return report
      return isPress(Number(button)) && final === 'M' ? '' : `\x1b[<${button};${column};${rows}${final}`
    }
    if (oldRow !== undefined) return Number(oldRow) <= rows ? report : isPress(Number(oldButton) - 32) ? '' : `\x1b[${oldButton};${oldColumn};${rows}M`
    if (rowCode !== undefined) {
      if (rowCode.charCodeAt(0) - 32 <= rows) return report
      return isPress((code?.charCodeAt(0) ?? 0) - 32) ? '' : `\x1b[M${code}${columnCode}${String.fromCharCode(rows + 32)}`
    }
    if (kind !== undefined) return `\x1b[${kind};${kind === '8' ? Math.min(Number(height), rows) : fitted(height ?? '0')};${width}t`
    return `\x1b[48;${Math.min(Number(lines), rows)};${columns};${fitted(allHeight ?? '0')};${allWidth}t`
  })
  return changed === text ? typed : Buffer.from(changed, 'latin1')
}

/** Not a release, nor a motion: those belong to what began above. */
const isPress = (button: number): boolean => (button & motion) === 0 && ((button & 3) !== 3 || button >= 64)
