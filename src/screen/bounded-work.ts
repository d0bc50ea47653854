// Bounds what few bytes can ask of xterm: where it repeats something as often as a parameter says, it does no more than changes the screen (ESC[2147483647b took it 53 s), and what is expensive is refused when
// there is too much of it. Also what xterm does in a way that no snapshot could say is done as others do it.

import { spare } from './cheap-lines.ts'
import { type Attributes, type Core, type Parameters, repeated, type ScreenBuffer } from './xterm-insides.ts'

const unitsPerRefill = 2000
const charactersPerUnit = 500
const linesUnit = 0.1

/** How much may be asked with few bytes. No program that draws for people comes near it; what is beyond is not done. */
export class Work {
  #left = unitsPerRefill

  /** After each 64 KiB of input. */
  refill(): void {
    this.#left = unitsPerRefill
  }

  /** Whether so many units (some 20 us each) are too much; else they are taken. */
  refused(units: number): boolean {
    if (units > this.#left) return true
    this.#left -= units
    return false
  }
}

export function boundWork(core: Core, work: Work): void {
  const parser = core._inputHandler._parser
  const service = core._bufferService
  const clamp = (parameters: Parameters, most: number): void => {
    if ((parameters.params[0] ?? 0) > most) parameters.params[0] = most
  }
  parser.registerCsiHandler({ final: 'b' }, (parameters) => {
    // More would only push lines out at the top.
    clamp(parameters, service.cols * service.rows)
    return repeated(core) === undefined || work.refused((parameters.params[0] ?? 0) / charactersPerUnit)
  })
  for (const final of ['I', 'Z']) {
    parser.registerCsiHandler({ final }, (parameters) => {
      clamp(parameters, service.cols)
      return false
    })
  }
  // What xterm does one line at a time: `count` lines go at one end of a region, and as many empty ones come at the other.
  const moveLines = (
    buffer: ScreenBuffer,
    { first, last, count, down, attributes }: { first: number; last: number; count: number; down: boolean; attributes: Attributes },
  ): void => {
    const { lines, ybase } = buffer
    const moved = Math.min(Math.max(count, 1), last - first + 1)
    const kept = last - first + 1 - moved
    for (let step = 0; step < moved; step += 1) spare(lines.get(ybase + (down ? last - step : first + step)))
    for (let step = 0; step < kept; step += 1) {
      const to = down ? last - step : first + step
      const line = lines.get(ybase + (down ? to - moved : to + moved))
      if (line) lines.set(ybase + to, line)
    }
    for (let step = 0; step < moved; step += 1) lines.set(ybase + (down ? first : last - moved + 1) + step, buffer.getBlankLine(attributes))
  }
  for (const final of ['L', 'M']) {
    parser.registerCsiHandler({ final }, ({ params }) => {
      const { buffer } = service
      const { scrollTop, scrollBottom } = buffer
      const row = Math.min(buffer.y, service.rows - 1)
      if (row < scrollTop || row > scrollBottom || work.refused(linesUnit)) return true
      moveLines(buffer, { first: row, last: scrollBottom, count: params[0] ?? 1, down: final === 'L', attributes: core._inputHandler._eraseAttrData() })
      buffer.x = 0
      return true
    })
  }
  const plain = core._inputHandler._curAttrData.clone()
  for (const final of ['S', 'T', '^']) {
    parser.registerCsiHandler({ final }, ({ params }) => {
      const { buffer } = service
      const down = final !== 'S'
      if (!work.refused(linesUnit)) {
        moveLines(buffer, { first: buffer.scrollTop, last: buffer.scrollBottom, count: params[0] ?? 1, down, attributes: down ? plain : core._inputHandler._eraseAttrData() })
      }
      return true
    })
  }
  // Plain letters, as in xterm the original.
  parser.registerEscHandler({ intermediates: '#', final: '8' }, () => {
    const { _curAttrData: current } = core._inputHandler
    const { fg, bg } = current
    current.fg = current.bg = 0
    core._inputHandler.screenAlignmentPattern()
    Object.assign(current, { fg, bg })
    return true
  })
  // Without wrapping, xterm writes over the second half of a wide character in the last columns and leaves its first.
  const print = core._inputHandler.print
  core._inputHandler.print = (text, from, to) => {
    if (core.coreService.decPrivateModes.wraparound) return print.call(core._inputHandler, text, from, to)
    for (let index = from; index < to; index += 1) {
      // Marks belong to what is there.
      if (core.unicodeService.wcwidth(text[index] ?? 0) > 0) service.buffer.x = Math.min(service.buffer.x, service.cols - 1)
      print.call(core._inputHandler, text, index, index + 1)
    }
  }
  // xterm makes everything anew.
  parser.registerEscHandler({ final: 'c' }, () => work.refused(2))
  // xterm takes styles that there are not for blinking.
  parser.registerCsiHandler({ intermediates: ' ', final: 'q' }, ({ params }) => (params[0] ?? 0) > 6)
  // Where the last column was written and something then changes what is in it, the next character does not wrap: a snapshot could not say otherwise. In xterm the original erasing does the same.
  const neverWrapsAfter = (id: { readonly prefix?: string; readonly intermediates?: string; readonly final: string }, concerned: (parameters: Parameters) => boolean): void => {
    parser.registerCsiHandler(id, (parameters) => {
      if (service.buffer.x >= service.cols && concerned(parameters)) service.buffer.x = service.cols - 1
      return false
    })
  }
  for (const final of ['J', 'K']) {
    const erasesLastCell = ({ params }: Parameters): boolean => params[0] === 1 || params[0] === 2
    neverWrapsAfter({ final }, erasesLastCell)
    neverWrapsAfter({ prefix: '?', final }, erasesLastCell)
  }
  // The lines above the screen go, and the saved cursor stays where it was on it.
  parser.registerCsiHandler({ final: 'J' }, ({ params }) => {
    const { buffer } = service
    if (params[0] === 3) buffer.savedY = Math.max(buffer.savedY - buffer.ybase, 0)
    return false
  })
  for (const final of ['S', 'T', '^']) neverWrapsAfter({ final }, () => true)
  // Every cell of the screen is moved.
  for (const id of [
    { intermediates: ' ', final: '@' },
    { intermediates: ' ', final: 'A' },
    { intermediates: "'", final: '}' },
    { intermediates: "'", final: '~' },
  ]) {
    parser.registerCsiHandler(id, () => work.refused(1))
    neverWrapsAfter(id, () => true)
  }
  const screens = new Set([47, 1047, 1049])
  for (const final of ['h', 'l']) {
    parser.registerCsiHandler({ prefix: '?', final }, ({ params, length }) => {
      for (let index = 0; index < length; index += 1) {
        if (!screens.has(params[index] ?? 0)) continue
        service.buffer.x = Math.min(service.buffer.x, service.cols - 1)
        if ((service.buffer === service.buffers.alt) !== (final === 'h')) {
          // Not refused is the way back, so that a program that ends leaves the normal screen.
          if (final === 'h' && work.refused(1)) params[index] = 0
          continue
        }
        // It is shown already. xterm would mix up the keyboard flags of the two.
        if (params[index] === 1049) core._inputHandler[final === 'h' ? 'saveCursor' : 'restoreCursor']()
        params[index] = 0
      }
      return false
    })
  }
}
