// What checks came to, as text: a line for each, and the end of what a failed one printed.

import { printableLine } from '../core/terminal-text.ts'
import type { CheckResult } from '../core/workspace.ts'
import { outputLines } from './agent-text.ts'
import { type Paint, duration } from './format.ts'

const shownLines = 20

/** `exit code 1`, `killed by SIGKILL`; '' where it passed. */
export const failureOfCheck = ({ exitCode, signal }: CheckResult): string =>
  exitCode === 0 ? '' : exitCode === null ? `killed by ${printableLine(signal ?? 'a signal')}` : `exit code ${exitCode}`

/** Rows for a person. */
export const checkRows = (results: readonly CheckResult[], paint: Paint): readonly string[] =>
  results.flatMap((result) => {
    const failure = failureOfCheck(result)
    const head = `${paint.status(failure === '' ? 'completed' : 'failed', failure === '' ? '✓' : '✗')} ${printableLine(result.command)}`
    const printed = result.output.trimEnd()
    const output = failure === '' || printed === '' ? [] : outputLines(printed).slice(-shownLines)
    return [`   ${head}   ${[failure, duration(result.ms)].filter((part) => part !== '').join(', ')}`, ...output.map((line) => `     ${paint.dim(line)}`)]
  })

/** In one line, without what they printed: `npm test (exit code 1), npm run lint`. */
export const checksLine = (results: readonly CheckResult[]): string =>
  results.map((result) => printableLine(result.command) + (failureOfCheck(result) === '' ? '' : ` (${failureOfCheck(result)})`)).join(', ')
