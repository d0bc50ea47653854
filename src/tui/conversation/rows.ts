// The rows around a transcript: who it is and how it does above, how it is set below, what waits to be sent. Pure; each row fits.

import { visibleWidth } from '@earendil-works/pi-tui'
import type { Status } from '../../core/status.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { statusMark } from '../../text/format.ts'
import { fitStyled } from '../cells.ts'
import type { Theme } from '../theme.ts'

/** The word for a program that says nothing: whether it works is not known. */
export const noSignal = 'no signal'

export const rule = (columns: number, theme: Theme): string => theme.dim('─'.repeat(columns))

export interface Header {
  readonly name: string
  /** Agent, project: the last ones leave first when it is narrow. */
  readonly about: readonly string[]
  readonly status: Status
  /** What stands beside its mark. */
  readonly word: string
}

/** ` name · claude · shop api            ● working 12s`. */
export function headerRow({ name, about, status, word }: Header, columns: number, theme: Theme): string {
  const mark = statusMark[word.startsWith(noSignal) ? 'starting' : status]
  const right = `${mark} ${word} `
  const room = columns - visibleWidth(right) - 2
  const named = fitStyled(` ${name}`, Math.max(1, room), '…')
  let rest = about.filter((part) => part !== '').map((part) => ` · ${part}`)
  while (rest.length > 0 && visibleWidth(named) + visibleWidth(rest.join('')) > room) rest = rest.slice(0, -1)
  const gap = ' '.repeat(Math.max(1, columns - visibleWidth(named) - visibleWidth(rest.join('')) - visibleWidth(right)))
  return fitStyled(`${theme.bold(named)}${theme.dim(rest.join(''))}${gap}${theme.status(status, right)}`, columns, '…')
}

export interface Piece {
  readonly text: string
  /** The highest leaves first when it is narrow; what has 0 stays and is cut. */
  readonly rank: number
}

/** ` claude sonnet · ask mode · 48k tokens · /bg leaves it running · F1 help`. */
export function statusRow(all: readonly Piece[], columns: number, theme: Theme): string {
  let pieces = all.filter((piece) => piece.text !== '')
  const row = (): string => ` ${pieces.map((piece) => piece.text).join(' · ')}`
  for (;;) {
    const highest = Math.max(0, ...pieces.map((piece) => piece.rank))
    if (highest === 0 || visibleWidth(row()) <= columns) return theme.dim(fitStyled(row(), columns, '…'))
    pieces = pieces.filter((piece) => piece.rank !== highest)
  }
}

export interface WaitingAbout {
  readonly word: string
  /** Behind the last one, where there is room. */
  readonly after: string
  readonly most: number
}

/** Prompts that wait, one row each, the newest ones. */
export function waitingRows(texts: readonly string[], { word, after, most }: WaitingAbout, columns: number, theme: Theme): readonly string[] {
  const shown = texts.slice(Math.max(0, texts.length - most))
  const hidden = texts.length - shown.length
  return shown.map((text, index) => {
    const more = index === 0 && hidden > 0 ? `(${hidden} more before) ` : ''
    const end = index === shown.length - 1 && after !== '' ? `  ${after}` : ''
    const begin = ` ${word} ${more}`
    const whole = columns - visibleWidth(begin) - visibleWidth(end) >= 12
    const room = columns - visibleWidth(begin) - (whole ? visibleWidth(end) : 0)
    return fitStyled(`${theme.dim(begin)}${fitStyled(printableLine(text), Math.max(1, room), '…')}${whole ? theme.dim(end) : ''}`, columns, '…')
  })
}
