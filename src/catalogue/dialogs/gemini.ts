// Seen with Gemini CLI 0.61. Its title says "Ready" while it asks whether the folder is trusted.

import type { Dialog } from '../dialog.ts'

// A warning in two rows stands below what it asks, where the terminal does not say that it has all colours.
const below = 2

export const geminiDialogs: readonly Dialog[] = [
  {
    kind: 'permission',
    asks: 'asks whether you trust this folder',
    shows: ['Do you trust the files in this folder?', '1. Trust folder', "3. Don't trust"],
    below,
    answers: { by: 'digits' },
  },
  { kind: 'auth', asks: 'asks how to log in', shows: ['How would you like to authenticate for this project?', 'https://geminicli.com/docs/resources/tos-privacy/'], below },
  {
    kind: 'permission',
    asks: 'asks for a permission',
    shows: ['Allow execution of', '1. Allow once', 'No, suggest changes'],
    tells: { row: '?' },
    below,
    answers: { by: 'digits' },
  },
  {
    kind: 'permission',
    asks: 'asks for a permission',
    shows: ['Apply this change?', '1. Allow once', 'No, suggest changes'],
    tells: { row: '?' },
    below,
    answers: { by: 'digits' },
  },
]
