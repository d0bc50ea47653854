// A prompt that was made for the user, shown to them before it is sent as their own.

import { wrapTextWithAnsi } from '@earendil-works/pi-tui'
import { submit } from '../../client/submit.ts'
import { printable } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import { nameOf } from '../../text/format.ts'
import type { Stage } from '../view.ts'
import { openDecision } from './decision.ts'

export interface Prompting {
  readonly session: SessionView
  readonly text: string
  /** Of a run that it may start. */
  readonly environment: () => Promise<Record<string, string>>
  readonly sent: () => void
}

export function offerPrompt(stage: Stage, { session, text, environment, sent }: Prompting): void {
  const send = async (): Promise<void> => {
    try {
      await submit(stage.client, { session: session.id, command: { type: 'prompt', text }, environment: await environment() }, stage.signal)
      sent()
      stage.repaint()
    } catch (thrown) {
      stage.complain(thrown)
    }
  }
  const rows = (columns: number): readonly string[] =>
    printable(text)
      .replaceAll('\t', '  ')
      .split('\n')
      .flatMap((line) => wrapTextWithAnsi(line, Math.max(8, columns - 6)).map((row) => `   ${row}`))
  stage.open(openDecision(stage, { heading: `a prompt for ${nameOf(session)}`, rows, decide: { key: 'dialog.choose', does: 'sends it', perform: () => void send() } }))
}
