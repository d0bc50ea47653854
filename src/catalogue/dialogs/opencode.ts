// Seen with opencode 1.18.33, which tells no state at all. Which of its answers Enter would choose only colours say, so it is not pressed.

import type { Dialog } from '../dialog.ts'

export const opencodeDialogs: readonly Dialog[] = [
  {
    kind: 'permission',
    asks: 'asks for a permission',
    shows: ['Permission required', 'Allow once Allow always Reject'],
    tells: 'question',
    answers: { by: 'keys', keys: [{ label: 'Reject', kind: 'reject', keys: '\u001b' }] },
  },
]
