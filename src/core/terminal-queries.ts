// What makes a terminal answer: recognised in a program's output, so that it can be left out where somebody else answers, or nobody is to. Pure.

/* oxlint-disable no-control-regex */
const stringEnd = String.raw`(?:\x07|\x1b\\)`
// xterm's ctlseqs (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html); kitty's keyboard, graphics and notification protocols; OSC 7501.
const queries = new RegExp(
  [
    // ENQ, DECID.
    String.raw`\x05`,
    String.raw`\x1bZ`,
    // DA1 to DA3, DSR and CPR, XTVERSION, DECRQM, kitty's keyboard flags, DECREQTPARM, graphics attributes, reports of the window.
    String.raw`\x1b\[[>=]?[\d;]*c`,
    String.raw`\x1b\[\??[\d;]*n`,
    String.raw`\x1b\[>[\d;]*q`,
    String.raw`\x1b\[\??[\d;]*\$p`,
    String.raw`\x1b\[\?u`,
    String.raw`\x1b\[[01]?x`,
    String.raw`\x1b\[\?[\d;]*S`,
    String.raw`\x1b\[(?:1[1-9]|2[01])(?:;[\d;]*)?t`,
    // DECRQSS and XTGETTCAP, kitty's graphics, and operating system commands, which are looked into.
    String.raw`\x1bP[+$]q[^\x07\x1b]*${stringEnd}`,
    String.raw`\x1b_G[^;\x07\x1b]*a=q[^\x07\x1b]*${stringEnd}`,
    String.raw`\x1b\](\d{1,5};[^\x07\x1b]*)${stringEnd}`,
  ].join('|'),
  'g',
)
/** A sequence that has begun and not ended. */
const unfinished = /\x1b(?:\[[0-?]*[ -/]*|[\]P_^X][^\x07\x1b]*\x1b?)?$/
/* oxlint-enable no-control-regex */

/** Of palette, colours, clipboard, kitty's colours and notifications, and the program's state. */
const isQuestion = (command: string): boolean => /^(?:[45]|1[0-9]|21|52|7501);(?:.*[;=])?\?(?:;|$)/.test(command) || /^99;[^;]*\bp=\?/.test(command)

/** Bytes; an unfinished string that is longer was not meant as a question. */
const longestHeld = 4096

const ESC = 0x1b
const ENQ = 0x05

/** Everything but the queries, byte for byte. What may become one is held back until it has ended. Cutting changes nothing in total. */
export class QueryFilter {
  #held: Uint8Array = new Uint8Array(0)

  push(bytes: Uint8Array): Uint8Array {
    if (this.#held.length === 0 && !bytes.includes(ESC) && !bytes.includes(ENQ)) return bytes
    const text = (latin(this.#held) + latin(bytes)).replace(queries, (match: string, command?: string) => (command === undefined || isQuestion(command) ? '' : match))
    const open = unfinished.exec(text.slice(-longestHeld))?.[0] ?? ''
    this.#held = bytesOf(open)
    return bytesOf(text.slice(0, text.length - open.length))
  }

  /** What is held back, for whoever goes on with it. */
  end(): Uint8Array {
    const held = this.#held
    this.#held = new Uint8Array(0)
    return held
  }
}

/** One character a byte. */
function latin(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
