// The command line of an agent in a terminal, from what its entry says and what is wanted of it. Pure.

import type { Command, TerminalWay } from './agent.ts'

export interface TerminalWishes {
  /** Empty: none. */
  readonly prompt: string
  readonly model?: string | undefined
  readonly mode?: string | undefined
  /** A UUID that no other conversation has. */
  readonly session: string
}

export interface TerminalLine {
  readonly argv: Command
  /** For every later run: the prompt is not said again. */
  readonly resumeArgv: Command
}

export type Cannot = 'prompt' | 'model' | 'mode'

/** What its command line cannot take is named instead. */
export function terminalLine(way: Pick<TerminalWay, 'command' | 'arguments' | 'resume'>, wishes: TerminalWishes): TerminalLine | { readonly cannot: Cannot } {
  const { prompt, model, mode, session } = wishes
  const { arguments: known } = way
  if (prompt !== '' && !known.prompt) return { cannot: 'prompt' }
  if (model !== undefined && !known.model) return { cannot: 'model' }
  if (mode !== undefined && !known.mode) return { cannot: 'mode' }
  const values = { prompt, model: model ?? '', mode: mode ?? '', session }
  const fill = (words: readonly string[] | undefined): readonly string[] =>
    (words ?? []).map((word) => word.replaceAll(/\{(prompt|model|mode|session)\}/g, (_, name: Cannot | 'session') => values[name]))
  const begun: Command = [...way.command, ...(model === undefined ? [] : fill(known.model)), ...(mode === undefined ? [] : fill(known.mode))]
  const anew: Command = [...begun, ...fill(known.session), ...fill(known.noPrompt)]
  return {
    argv: prompt === '' ? anew : [...begun, ...fill(known.session), ...fill(known.prompt)],
    resumeArgv: way.resume ? [...begun, ...fill(way.resume)] : anew,
  }
}
