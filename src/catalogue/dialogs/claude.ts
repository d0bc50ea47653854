// Seen with Claude Code 2.1.197 and 2.1.330. The newer one says most of it by OSC 7501 itself, but not its first steps.

import type { Dialog, StateFiles } from '../dialog.ts'

const answersAtOnce = { by: 'digits' } as const

export const claudeDialogs: readonly Dialog[] = [
  { kind: 'question', asks: 'asks for a theme', shows: ['Choose the text style that looks best with your terminal', 'Syntax theme:'] },
  { kind: 'question', asks: 'shows its security notes', shows: ['Security notes:', 'Press Enter to continue'] },
  { kind: 'auth', asks: 'asks how to log in', shows: ['Select login method:'] },
  { kind: 'permission', asks: 'asks whether you trust this folder', shows: ['Quick safety check:', 'Yes, I trust this folder', 'Enter to confirm'] },
  { kind: 'permission', asks: 'asks for a permission', shows: ['Do you want to', '1. Yes', 'Esc to cancel'], tells: 'rule', answers: answersAtOnce },
  { kind: 'question', asks: 'asks a question', shows: ['Enter to select', '↑/↓ to navigate', 'Esc to cancel'] },
]

/** It writes them with no configuration, since some 2.1; `waitingFor` is `permission prompt`, `input needed` and others. */
export const claudeStateFiles: StateFiles = {
  folders: ['$CLAUDE_CONFIG_DIR|sessions', '.claude/sessions'],
  state: 'status',
  waitsFor: 'waitingFor',
  processStart: 'procStart',
  states: { busy: 'working', idle: 'idle', waiting: 'blocked' },
  kinds: [
    { words: 'permission', kind: 'permission' },
    { words: 'input', kind: 'question' },
  ],
}
