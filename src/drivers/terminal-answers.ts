// What a terminal answers to the questions that programs ask it, for a program that nobody looks at. The least that is true, and about what tmux says; where tmux is silent (kitty's
// keyboard protocol, the palette) so is this: silence is how a program learns that something is not there.

/** `cursor`: only a screen knows. */
export type Answer = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'cursor'; readonly extended: boolean }

const text = (answer: string): Answer => ({ kind: 'text', text: answer })

/** By OSC number. */
const colours: Readonly<Record<number, string>> = { 10: 'rgb:e5e5/e5e5/e5e5', 11: 'rgb:0000/0000/0000', 12: 'rgb:e5e5/e5e5/e5e5' }

/** `sequence`: what follows CSI. https://invisible-island.net/xterm/ctlseqs/ctlseqs.html */
export function answerToSequence(sequence: string, version: string): Answer | undefined {
  switch (sequence) {
    case 'c':
    case '0c':
      // A VT220 with colours.
      return text('\x1b[?62;22c')
    case '>c':
    case '>0c':
      // Of no known make and version, so that nobody expects what that one could do.
      return text('\x1b[>0;0;0c')
    case '5n':
      return text('\x1b[0n')
    case '6n':
      return { kind: 'cursor', extended: false }
    case '?6n':
      return { kind: 'cursor', extended: true }
    case '>q':
    case '>0q':
      return text(`\x1bP>|offstage ${version}\x1b\\`)
  }
  // DECRQM: 0 is "not recognised".
  const mode = /^(\??)(\d{1,5})\$p$/.exec(sequence)
  return mode ? text(`\x1b[${mode[1]}${mode[2]};0$y`) : undefined
}

/** `payload`: what stands between OSC and its terminator. */
export function answerToCommand(payload: string, terminator: 'BEL' | 'ST'): Answer | undefined {
  const asked = /^(1[0-2]);(\?(?:;\?){0,2})$/.exec(payload)
  if (!asked) return undefined
  const first = Number(asked[1])
  const end = endOf(terminator)
  // More question marks ask for the colours of the next numbers.
  const answers = (asked[2] ?? '').split(';').map((_, index) => {
    const colour = colours[first + index]
    return colour === undefined ? '' : `\x1b]${first + index};${colour}${end}`
  })
  return text(answers.join(''))
}

const endOf = (terminator: 'BEL' | 'ST'): string => (terminator === 'BEL' ? '\x07' : '\x1b\\')

/** OSC 7501: the same bytes back say that somebody listens. Undefined if it is not this question. */
export const answerToStatusQuery = (payload: string, terminator: 'BEL' | 'ST'): Answer | undefined =>
  /^7501; ?\? ?$/.test(payload) ? text(`\x1b]7501;?${endOf(terminator)}`) : undefined
