// What is said when a session goes on by itself: its id and label, one line of what it does, and how to come back.

import { printableLine } from '../core/terminal-text.ts'
import { type Paint, count, cut, padded } from './format.ts'

export interface Backgrounded {
  readonly id: string
  /** The beginning of the id that is enough. */
  readonly shortId: string
  readonly label: string | null
  readonly title: string
  /** What it does right now; may be empty. */
  readonly doing: string
  readonly filesChanged?: number
  /** Where it works, if that is not where it was started. */
  readonly where?: string
  /** Waits for an answer now. */
  readonly asks: boolean
  readonly kind: 'agent' | 'terminal'
  readonly over: boolean
}

export function backgroundedText(session: Backgrounded, paint: Paint, columns: number): string {
  const { id, shortId, kind } = session
  const title = printableLine(session.title)
  const { filesChanged = 0 } = session
  const doing = [printableLine(session.doing), filesChanged > 0 ? `${count(filesChanged, 'file')} changed` : ''].filter((part) => part !== '').join(', ')
  const head = [session.over ? 'left' : 'backgrounded', paint.bold(id), ...(session.label === null ? [] : [printableLine(session.label)])].join('  ')
  const commands: readonly (readonly [string, string])[] = [
    ['offstage', 'all sessions'],
    [`offstage switch ${shortId}`, 'come back'],
    kind === 'agent' ? [`offstage answer ${shortId}`, session.asks ? 'it asks: answer it' : 'answer it when it asks'] : [`offstage stop ${shortId}`, 'end it'],
  ]
  const width = Math.max(...commands.map(([command]) => command.length)) + 4
  const summary = doing === '' || doing === title ? title : `${title}: ${doing}`
  const where = session.where === undefined ? [] : [`   ${printableLine(session.where)}`]
  return [` ${head}`, `   ${cut(summary, Math.max(20, columns - 4))}`, ...where, ...commands.map(([command, does]) => `   ${padded(command, width)}${paint.dim(does)}`), ''].join(
    '\n',
  )
}
