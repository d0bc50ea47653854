// Names of files as text: git's bytes are turned into strings and back without loss. UTF-8 stays as it is; what is none is written as git quotes it.

import type { TreePath } from '../core/workspace.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const letters: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 }
const quotedForm = /^"(?:[^"\\]|\\[abtnvfr"\\]|\\[0-3][0-7]{2})*"$/

/** Of the bytes of a path: itself where it is UTF-8, else in double quotes with every byte that is no printable ASCII as `\377`. */
export function pathText(bytes: Uint8Array): TreePath {
  let text: string | undefined
  try {
    text = decoder.decode(bytes)
  } catch {
    // no UTF-8
  }
  // A name that looks quoted itself is quoted, so that it comes back as it was.
  return text !== undefined && !quotedForm.test(text) ? text : quoted(bytes)
}

function quoted(bytes: Uint8Array): string {
  const inside = Array.from(bytes, (byte) => {
    if (byte === 34 || byte === 92) return `\\${String.fromCharCode(byte)}`
    return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
  })
  return `"${inside.join('')}"`
}

export function pathBytes(path: TreePath): Buffer {
  if (!quotedForm.test(path)) return Buffer.from(path, 'utf8')
  const inside = path.slice(1, -1)
  const pieces = Array.from(inside.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs), ([, octal, letter, plain]) => {
    if (octal !== undefined) return Buffer.of(Number.parseInt(octal, 8))
    return letter === undefined ? Buffer.from(plain ?? '', 'utf8') : Buffer.of(letters[letter] ?? 0)
  })
  return Buffer.concat(pieces)
}

/** Whether it can stand among the arguments of a program. */
export const isPlain = (path: TreePath): boolean => !quotedForm.test(path)

/** Each followed by NUL, as git takes lists with -z. */
export const nulList = (paths: readonly TreePath[]): Buffer => Buffer.concat(paths.flatMap((path) => [pathBytes(path), Buffer.of(0)]))

/** The pieces between NULs; nothing after the last one counts. */
export function nulPieces(bytes: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = []
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0, from)
    if (end === -1) break
    pieces.push(bytes.subarray(from, end))
    from = end + 1
  }
  return pieces
}

/** Whether a name, as git has it (latin1 of its bytes), is at or below one of these paths. None given: all are. '' and `.` are all. */
export function withinNames(paths: readonly TreePath[] | undefined): (name: string) => boolean {
  if (paths === undefined) return () => true
  const wanted = paths.map((path) =>
    pathBytes(path)
      .toString('latin1')
      .replace(/^(\.\/)+/, '')
      .replace(/\/+$/, ''),
  )
  return (name) => wanted.some((one) => one === '' || one === '.' || name === one || name.startsWith(`${one}/`))
}
