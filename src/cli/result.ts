// What a command that changed a session prints: a line for people, the session object for programs.

import { printableLine } from '../core/terminal-text.ts'
import type { SessionView } from '../core/view.ts'
import { jsonText } from '../text/format.ts'
import type { Context } from './verb.ts'

export function printResult(context: Context, session: SessionView, line: string): void {
  context.out(context.json ? `${jsonText(session)}\n` : `${printableLine(line)}\n`)
}
