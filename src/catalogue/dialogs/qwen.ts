// Seen with Qwen Code 0.24.4.

import type { Dialog } from '../dialog.ts'

export const qwenDialogs: readonly Dialog[] = [
  { kind: 'permission', asks: 'asks whether you trust this folder', shows: ['Do you trust this folder?', '1. Trust folder', "Don't trust"], answers: { by: 'digits' } },
  { kind: 'auth', asks: 'asks how to log in', shows: ['Connect a Provider', 'Terms of Services and Privacy Notice', 'tos-privacy/'] },
  { kind: 'auth', asks: 'asks how to log in', shows: ['Select Authentication Method', 'Terms of Services and Privacy Notice', 'tos-privacy/'] },
  {
    kind: 'permission',
    asks: 'asks for a permission',
    shows: ['Allow execution of', '1. Yes, allow once', 'No, suggest changes'],
    tells: { row: '?' },
    below: 1,
    answers: { by: 'digits' },
  },
  {
    kind: 'permission',
    asks: 'asks for a permission',
    shows: ['Apply this change?', '1. Yes, allow once', 'No, suggest changes'],
    tells: { row: '?' },
    below: 1,
    answers: { by: 'digits' },
  },
]
