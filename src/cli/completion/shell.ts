// What each shell needs: a script that it reads once, and answers in its own form.

import type { Completion } from './complete.ts'

export interface Shell {
  /** How a shell that starts is told, and where. */
  readonly setUp: { readonly file: string; readonly line: string }
  readonly script: string
  /** `given`: what its script hands over. The first line says what kind of answer it is, each other one is a candidate. */
  readonly answer: (given: readonly string[], complete: (words: readonly string[]) => Promise<Completion>) => Promise<readonly string[]>
}
