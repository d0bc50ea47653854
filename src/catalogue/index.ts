// The agents that are known, in the order of choice: where the user names none, the first that can be used is taken.

import { aider } from './aider.ts'
import { amp } from './amp.ts'
import type { CatalogueAgent, Quirks, TerminalWay } from './agent.ts'
import { claude } from './claude.ts'
import { cline } from './cline.ts'
import { codex } from './codex.ts'
import { copilot } from './copilot.ts'
import { crush } from './crush.ts'
import { cursor } from './cursor.ts'
import { gemini } from './gemini.ts'
import { goose } from './goose.ts'
import { kilo } from './kilo.ts'
import { offstage } from './offstage.ts'
import { opencode } from './opencode.ts'
import { pi } from './pi.ts'
import { qwen } from './qwen.ts'

export const catalogue: readonly CatalogueAgent[] = [claude, codex, gemini, opencode, qwen, copilot, cursor, kilo, cline, goose, pi, amp, aider, crush, offstage]

export const ownAgent = offstage

export const agentNamed = (name: string): CatalogueAgent | undefined => catalogue.find((agent) => agent.name === name)

/** What is known of the program of this command line, if one of these agents is started by it in a terminal, whatever it is called in the session. */
export function terminalProgram(argv: readonly string[]): TerminalWay | undefined {
  const program = /[^/]*$/.exec(argv[0] ?? '')?.[0]
  return catalogue.find((agent) => agent.terminal?.command[0] === program)?.terminal
}

/** Of an agent by its recorded name, also where the user's configuration says how it is started. */
export const quirksOf = (name: string): Quirks => agentNamed(name)?.acp?.quirks ?? {}
