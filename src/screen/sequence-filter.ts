// What a terminal's bytes go through before xterm parses them: it hands on whole sequences and whole characters only, and holds back what is half received, so the parser behind it is always at rest and the
// bytes that a snapshot must end with are known. Strings that nothing here reads (DCS, SOS, PM, APC: pictures, commands passed through to an outer terminal) and sequences of absurd length end here, in constant
// memory. Everything else is passed on unchanged and uncopied. Where the input was cut into chunks makes no difference.

/** Bytes. xterm keeps no more than 32 parameters. */
const longestSequence = 1024
/** Bytes. A title, a link and a list of colours fit; a picture or a clipboard does not, and nobody here looks at those. */
const longestString = 8192

const BEL = 0x07
const CAN = 0x18
const SUB = 0x1a
const ESC = 0x1b
const DEL = 0x7f
/** First byte of U+0080 to U+00BF in UTF-8, and so of the C1 controls. */
const C1_LEAD = 0xc2

const nothing: Uint8Array = new Uint8Array(0)

type Swallowed = 'sequence' | 'command' | 'string'

/** A terminal that is told this passes over the rest of something too long, as it is done here. */
const beginnings: Readonly<Record<Swallowed, Uint8Array>> = {
  // Parameters behind intermediates: every parser skips that to its final byte.
  sequence: Buffer.from('\x1b[!!'),
  // A number that no terminal knows.
  command: Buffer.from('\x1b]99999;'),
  string: Buffer.from('\x1bX'),
}

/** What begins with an ESC or a C1 control, and where the next thing begins. `instead` is passed on in the place of its bytes. */
type Whole = { readonly kind: 'whole'; readonly end: number; readonly instead?: Uint8Array }
/** `controls` came in its midst, and are carried out at once. */
type Half = { readonly kind: 'half'; readonly held: Uint8Array; readonly controls: Uint8Array }
type TooLong = { readonly kind: 'too-long'; readonly what: Swallowed; readonly controls: Uint8Array }

export class SequenceFilter {
  #held = nothing
  /** In the midst of something that is passed over. */
  #swallowing: Swallowed | undefined

  /** What a terminal must be told last, so that it takes the next bytes as this one will. */
  get held(): Uint8Array {
    return this.#swallowing === undefined ? this.#held : beginnings[this.#swallowing]
  }

  /** Forgets what is half received: what comes now is not its continuation. */
  reset(): void {
    this.#held = nothing
    this.#swallowing = undefined
  }

  /** Calls `pass` for each stretch of bytes, in order, before it returns. The stretches may be parts of `chunk`. */
  push(chunk: Uint8Array, pass: (bytes: Uint8Array) => void): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = nothing
    let at = 0
    if (this.#swallowing !== undefined) {
      at = endOfSwallowed(bytes, this.#swallowing)
      if (at < 0) return this.#swallow(this.#swallowing, bytes)
      this.#swallowing = undefined
    }
    let start = at
    const passTo = (end: number): void => {
      if (end > start) pass(bytes.subarray(start, end))
    }
    // Each is looked for again only behind the one found last, so the bytes are gone through once.
    let escape = -1
    let lead = -1
    for (;;) {
      if (escape < at) escape = indexOf(bytes, ESC, at)
      if (lead < at) lead = indexOf(bytes, C1_LEAD, at)
      at = Math.min(escape, lead)
      if (at === bytes.length) break
      if (at === lead && !isC1(bytes[at + 1])) {
        at += 1
        continue
      }
      const sequence = sequenceAt(bytes, at)
      if (sequence.kind === 'whole') {
        if (sequence.instead) {
          passTo(at)
          if (sequence.instead.length > 0) pass(sequence.instead)
          start = sequence.end
        }
        at = sequence.end
        continue
      }
      passTo(at)
      if (sequence.controls.length > 0) pass(sequence.controls)
      if (sequence.kind === 'half') this.#held = sequence.held
      else this.#swallow(sequence.what, bytes)
      return
    }
    const end = bytes.length - incompleteCharacter(bytes, start)
    passTo(end)
    if (end < bytes.length) this.#held = bytes.slice(end)
  }

  #swallow(what: Swallowed, bytes: Uint8Array): void {
    this.#swallowing = what
    // Perhaps the first half of a C1 control that ends it.
    if (bytes.at(-1) === C1_LEAD) this.#held = bytes.slice(-1)
  }
}

/** The sequence, character or string that the ESC or C1 control at `at` begins. */
export function sequenceAt(bytes: Uint8Array, at: number): Whole | Half | TooLong {
  if (bytes[at] !== ESC) return introducedAt(bytes, at, at + 2, (bytes[at + 1] as number) - 0x40)
  let begin = at + 1
  // Controls may stand anywhere in a sequence, also here.
  while (isInnerControl(bytes[begin])) begin += 1
  const introducer = bytes[begin]
  if (introducer === undefined) return { kind: 'half', held: bytes.slice(at, at + 1), controls: controlsOf(bytes, at + 1, begin) }
  return introducedAt(bytes, at, begin + 1, introducer)
}

/** What `introducer`, in its seven-bit form, begins; `begin` is behind it. */
function introducedAt(bytes: Uint8Array, at: number, begin: number, introducer: number): Whole | Half | TooLong {
  switch (introducer) {
    case 0x5b:
      return controlSequenceAt(bytes, at, begin, 0x40)
    case 0x5d:
      return stringAt(bytes, at, begin, 'command')
    case 0x50:
    case 0x58:
    case 0x5e:
    case 0x5f:
      return stringAt(bytes, at, begin, 'string')
    default:
      return bytes[at] === ESC ? controlSequenceAt(bytes, at, begin - 1, 0x30) : { kind: 'whole', end: begin }
  }
}

/** Up to a final byte, which is `firstFinal` at least. ESC followed by intermediates is made the same way. */
function controlSequenceAt(bytes: Uint8Array, at: number, begin: number, firstFinal: number): Whole | Half | TooLong {
  // Those before the introducer, if it has one.
  let controls = bytes[at] === ESC ? Math.max(begin - at - 1 - (firstFinal === 0x40 ? 1 : 0), 0) : 0
  for (let index = begin; index < bytes.length; index += 1) {
    const byte = bytes[index] as number
    if (byte >= firstFinal && byte < DEL) {
      const end = index + 1
      return controls === 0 ? { kind: 'whole', end } : { kind: 'whole', end, instead: Buffer.concat([controlsOf(bytes, at + 1, end), withoutControls(bytes, at, end)]) }
    }
    if (byte < 0x20 || byte === DEL) {
      // Interrupted: as if it had not begun.
      if (byte === ESC || byte === CAN || byte === SUB) return { kind: 'whole', end: index, instead: controlsOf(bytes, at + 1, index) }
      controls += 1
    } else if (byte >= 0x80) {
      if (byte === C1_LEAD && index + 1 === bytes.length) break
      return { kind: 'whole', end: index, instead: controlsOf(bytes, at + 1, index) }
    }
    // As many controls as one likes may be in it; they are no part of it.
    if (index - at - controls >= longestSequence) return { kind: 'too-long', what: 'sequence', controls: controlsOf(bytes, at + 1, bytes.length) }
  }
  return { kind: 'half', held: withoutControls(bytes, at, bytes.length), controls: controlsOf(bytes, at + 1, bytes.length) }
}

function stringAt(bytes: Uint8Array, at: number, begin: number, what: 'command' | 'string'): Whole | Half | TooLong {
  const controls = bytes[at] === ESC ? controlsOf(bytes, at + 1, begin) : nothing
  const dropped = (end: number): Whole => ({ kind: 'whole', end, instead: controls })
  // As it came, if it can be left where it is.
  const passed = (end: number, terminator = nothing): Whole => {
    if (begin - at === 2 && terminator === nothing) return { kind: 'whole', end }
    return { kind: 'whole', end, instead: Buffer.concat([controls, introductionOf(bytes, at, begin), bytes.subarray(begin, end), terminator]) }
  }
  for (let index = begin; index < bytes.length; index += 1) {
    const byte = bytes[index] as number
    if (index - begin >= longestString) {
      const end = endOfSwallowed(bytes.subarray(index), what)
      return end < 0 ? { kind: 'too-long', what, controls } : dropped(index + end)
    }
    if (byte >= 0x20 && byte !== C1_LEAD) continue
    if (byte === BEL && what === 'command') return passed(index + 1)
    if (byte === CAN || byte === SUB) return dropped(index)
    if (byte === ESC) {
      if (what === 'string') return dropped(index)
      if (index + 1 === bytes.length) break
      // xterm takes any ESC for the end of a command, and so do most.
      return bytes[index + 1] === 0x5c ? passed(index + 2) : passed(index, stringTerminator)
    }
    if (byte === C1_LEAD && isC1(bytes[index + 1])) return bytes[index + 1] === 0x9c && what === 'command' ? passed(index + 2) : dropped(index)
  }
  return { kind: 'half', held: Buffer.concat([introductionOf(bytes, at, begin), bytes.subarray(begin)]), controls }
}

/** Without the controls that stand in it. */
function introductionOf(bytes: Uint8Array, at: number, begin: number): Uint8Array {
  return bytes[at] === ESC ? Uint8Array.of(ESC, bytes[begin - 1] as number) : bytes.subarray(at, begin)
}

const stringTerminator = Uint8Array.of(ESC, 0x5c)

/** Where the next thing begins behind something that is passed over; -1 if that is not here. */
function endOfSwallowed(bytes: Uint8Array, what: Swallowed): number {
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number
    if (byte === ESC || byte === CAN || byte === SUB) return index
    if (byte === BEL && what === 'command') return index + 1
    if (byte === C1_LEAD && isC1(bytes[index + 1])) return index
    if (what === 'sequence' && byte >= 0x40 && byte < DEL) return index + 1
  }
  return -1
}

/** What is carried out although it stands inside a sequence. */
function controlsOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return bytes.subarray(from, to).filter((byte) => byte < 0x20)
}

function withoutControls(bytes: Uint8Array, at: number, to: number): Uint8Array {
  return bytes.subarray(at, to).filter((byte, index) => index === 0 || (byte >= 0x20 && byte !== DEL))
}

/** How many bytes at the end belong to a character that is not complete, 0 to 3. */
function incompleteCharacter(bytes: Uint8Array, from: number): number {
  for (let back = 1; back <= 3 && bytes.length - back >= from; back += 1) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
  }
  return 0
}

const isInnerControl = (byte: number | undefined): boolean => byte !== undefined && (byte === DEL || (byte < 0x20 && byte !== ESC && byte !== CAN && byte !== SUB))

const isC1 = (second: number | undefined): boolean => second !== undefined && second >= 0x80 && second <= 0x9f

/** The length if it is not there. */
function indexOf(bytes: Uint8Array, byte: number, from: number): number {
  const index = bytes.indexOf(byte, from)
  return index < 0 ? bytes.length : index
}
