// How many cells a character takes at least and at most, over all terminals: they differ in emoji, in marks, and in what Unicode has called wide since they were written. Pure.

export interface Cells {
  readonly least: 0 | 1 | 2
  readonly most: 0 | 1 | 2
}

const none: Cells = { least: 0, most: 0 }
const mark: Cells = { least: 0, most: 1 }
const narrow: Cells = { least: 1, most: 1 }
const wide: Cells = { least: 2, most: 2 }
const narrowOrWide: Cells = { least: 1, most: 2 }
const any: Cells = { least: 0, most: 2 }

const marks = /^[\p{M}\p{Cf}\u1160-\u11ff\ud7b0-\ud7ff]$/u
const surelyWide = /^[\u3041-\u3096\u30a1-\u30fa\u3105-\u312d\u3400-\u4db5\u4e00-\u9fcc\ua000-\ua48c\uac00-\ud7a3\uf900-\ufa6d\uff01-\uff60\uffe0-\uffe6]$/
const perhapsWide = /^[\u1100-\u115f\u2329\u232a\u2e80-\u303f\u3040-\ua4cf\ua960-\ua97f\ufa6e-\ufaff\ufe10-\ufe19\ufe30-\ufe6f]$/u
const pictures = /^\p{Extended_Pictographic}$/u

export function cellsOf(codePoint: number): Cells {
  if (codePoint < 0x300) return codePoint === 0xad ? mark : narrow
  // Lines and blocks, of which programs draw whole screens.
  if (codePoint >= 0x2500 && codePoint <= 0x25fc) return narrow
  if (codePoint <= 0x36f) return none
  const character = String.fromCodePoint(codePoint)
  if (marks.test(character)) return mark
  if (codePoint > 0xffff) return codePoint >= 0x1f000 && codePoint <= 0x1faff ? any : narrowOrWide
  if (pictures.test(character)) return any
  if (surelyWide.test(character)) return wide
  return perhapsWide.test(character) ? narrowOrWide : narrow
}
