// What the dispatch line says: `@agent` and `#project` before the task, or `!` and a command line in its place. Pure.

import { basename } from 'node:path'
import { splitWords } from '../../config/shell-words.ts'
import { type Refusal, isRefusal, refusal } from '../../core/errors.ts'

export interface Task {
  /** Undefined: the default one. */
  readonly agent: string | undefined
  /** As it was typed, without the sign; undefined: where the user is. */
  readonly project: string | undefined
  /** Of a program instead of an agent. */
  readonly command: string | undefined
  readonly prompt: string
}

/** `agents`: names that are known. A first word that could be a file (`@src/main.ts`) is an agent only if it is one of them. */
export function taskFrom(text: string, agents: readonly string[]): Task {
  let rest = text.trimStart()
  let agent: string | undefined
  let project: string | undefined
  for (;;) {
    const [word = ''] = /^[@#](?:"[^"\n]*"?|\S+)/.exec(rest) ?? []
    const name = word.slice(1).replaceAll('"', '')
    if (word.startsWith('@') && agent === undefined && isAgent(name, agents)) agent = name
    else if (word.startsWith('#') && project === undefined && isProject(name)) project = name
    else break
    rest = rest.slice(word.length).trimStart()
  }
  const isCommand = rest.startsWith('!')
  return { agent, project, command: isCommand ? rest.slice(1).trim() : undefined, prompt: isCommand ? '' : rest.trimEnd() }
}

const isAgent = (name: string, agents: readonly string[]): boolean => agents.includes(name) || (name !== '' && !/[./]/.test(name))

/** Not the number of an issue. */
const isProject = (name: string): boolean => name !== '' && !/^\d+$/.test(name)

/** The program and its arguments. No shell reads them. */
export function argvOf(command: string): readonly string[] | Refusal {
  const words = splitWords(command)
  if (isRefusal(words)) return words
  return words.length > 0 ? words : refusal('invalid', 'which program? Nothing follows the "!"', 'for example: !npm test')
}

/** What only a shell would understand. */
export const needsShell = (command: string): boolean => /(?:^|\s)(?:\||\|\||&&|;|>|>>|<|&)(?:\s|$)|[^\s];(?:\s|$)|\$\(|\$\w/.test(command.replaceAll(/'[^']*'/g, ''))

/** The directory that a project's name means, among those that are known, the likeliest first; a path means itself. */
export function directoryNamed(name: string, known: readonly string[], home: string | undefined): string | Refusal {
  const tilde = /^~(?=\/|$)/
  if (tilde.test(name) && home) return name.replace(tilde, home)
  if (name.includes('/') || name === '.' || name === '..') return name
  const named = known.find((directory) => basename(directory) === name) ?? known.find((directory) => basename(directory).toLowerCase() === name.toLowerCase())
  if (named !== undefined) return named
  const begins = known.filter((directory) => basename(directory).startsWith(name))
  const [only, ...others] = begins
  if (only !== undefined && others.length === 0) return only
  return refusal('invalid', `no session works in a directory called ${name}`, 'Tab lists the known ones; any other by its path: #/path/to/it')
}
