// Seen with Codex 0.169. Its permissions it tells by OSC 7501, what it asks before that not; while it asks for the directory it says that it is idle. Digits choose
// in its permissions, and only mark in what comes before.

import type { Dialog } from '../dialog.ts'

export const codexDialogs: readonly Dialog[] = [
  { kind: 'auth', asks: 'asks how to log in', shows: ['Choose how you want to use Codex.', 'Press enter to continue'] },
  { kind: 'permission', asks: 'asks whether you trust this folder', shows: ['Trust this folder?', '1. Trust and continue', 'enter continue'] },
  { kind: 'question', asks: 'asks in which directory to go on', shows: ['Session = latest cwd', '1. Use session directory', 'enter continue'] },
  {
    kind: 'permission',
    asks: 'asks for a permission',
    shows: ['Would you like to', '1. Yes', 'Press enter to confirm or esc to cancel'],
    tells: 'question',
    answers: { by: 'digits' },
  },
]
