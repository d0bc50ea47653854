// What may stand where the cursor is, for any shell: from the same data that makes `--help`, and the sessions that there are. Never runs or starts anything.

import type { AgentListing } from '../../config/agents.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import { resumePolicies } from '../launch.ts'
import type { OptionSpec, Verb } from '../verb.ts'
import { statusWords } from '../../text/status-words.ts'
import type { VerbEntry } from '../verbs/index.ts'
import { branchesOf, choicesFor, fieldsFor, lostRequestsOf, openRequests, sessionsFor } from './sessions.ts'

export interface Candidate {
  /** The whole word as the program is to get it, not quoted. */
  readonly value: string
  /** One line, or ''. */
  readonly description: string
}

export type Completion =
  | { readonly kind: 'words'; readonly candidates: readonly Candidate[] }
  /** The shell knows these better. `directories` of the word, or of what follows its first "=". */
  | { readonly kind: 'directories' }
  /** What follows "--" is a command line of its own. */
  | { readonly kind: 'command' }

/** What it is answered from. Nothing is asked for that is not needed. */
export interface Facts {
  readonly verbs: readonly VerbEntry[]
  /** All, removed ones too, newest first; none when nobody tells in time. */
  readonly sessions: () => Promise<readonly SessionView[]>
  readonly agents: () => Promise<readonly AgentListing[]>
}

const nothing: Completion = { kind: 'words', candidates: [] }

/** `words`: the command line from the program's name to the word that is being completed, unquoted. Candidates begin with that word. */
export async function complete(words: readonly string[], facts: Facts): Promise<Completion> {
  const typed = words.at(-1) ?? ''
  const [, name] = words
  if (words.length < 2 || name === undefined) return nothing
  if (words.length === 2) return beginningWith(typed, commands(typed, facts.verbs))
  if (name === 'help') return words.length === 3 ? beginningWith(typed, verbNames(typed, facts.verbs)) : nothing
  const entry = facts.verbs.find((one) => one.name === name || one.aliases.includes(name))
  if (!entry) return nothing
  const { default: verb } = await entry.load()
  const before = read(verb, words.slice(2, -1))
  if (before.program) return { kind: 'command' }
  if (before.open !== undefined) return await valuesOf(verb, before.open, '', typed, before.words, facts)
  if (before.optionsEnded) return await wordAt(verb, typed, before, facts)
  const given = /^--([^=]+)=/.exec(typed)
  if (given) return await valuesOf(verb, given[1] ?? '', given[0], typed, before.words, facts)
  if (typed.startsWith('-')) return beginningWith(typed, options(verb, before, typed))
  return await wordAt(verb, typed, before, facts)
}

function commands(typed: string, verbs: readonly VerbEntry[]): readonly Candidate[] {
  if (!typed.startsWith('-')) return [...verbNames(typed, verbs), { value: 'help', description: 'say more about a command' }]
  return [
    { value: '--help', description: 'list the commands' },
    { value: '--version', description: 'print the version' },
  ]
}

/** Other names of a verb only to those who began to type them. */
const verbNames = (typed: string, verbs: readonly VerbEntry[]): readonly Candidate[] =>
  verbs.flatMap(({ name, aliases, summary }) => [name, ...(typed === '' ? [] : aliases)].map((value) => ({ value, description: summary })))

interface Before {
  readonly words: readonly string[]
  readonly options: ReadonlySet<string>
  /** The option that takes the next word as its value. */
  readonly open: string | undefined
  /** "--" was given. */
  readonly optionsEnded: boolean
  /** And a command follows it. */
  readonly program: boolean
}

/** The words before the cursor as the verb will read them. What it will refuse is passed over. */
function read(verb: Verb, given: readonly string[]): Before {
  const words: string[] = []
  const options = new Set<string>()
  let open: string | undefined
  for (const [index, word] of given.entries()) {
    if (open !== undefined) open = undefined
    else if (word === '--') return { words: [...words, ...given.slice(index + 1)], options, open, optionsEnded: true, program: verb.program === true }
    else if (word.startsWith('--')) {
      const [name = '', value] = word.slice(2).split('=', 2)
      options.add(name)
      if (value === undefined && verb.options[name]?.type === 'string') open = name
    } else if (word.startsWith('-') && word !== '-') {
      for (const [at, letter] of [...word].slice(1).entries()) {
        const [name, spec] = Object.entries(verb.options).find(([, one]) => one.short === letter) ?? ['']
        options.add(name)
        if (spec?.type !== 'string') continue
        // The rest of the word is its value.
        if (at === [...word].length - 2) open = name
        break
      }
    } else words.push(word)
  }
  return { words, options, open, optionsEnded: false, program: false }
}

function options(verb: Verb, before: Before, typed: string): readonly Candidate[] {
  const offered = Object.entries(verb.options).filter(([name, spec]) => !spec.hidden && (spec.multiple || !before.options.has(name)))
  const long = offered.map(([name, spec]) => ({ value: `--${name}`, description: spec.help }))
  const short = /^-[^-]$/.test(typed) ? offered.flatMap(([, spec]) => (spec.short === undefined ? [] : [{ value: `-${spec.short}`, description: spec.help }])) : []
  return [...short, ...long, { value: '--help', description: 'say more about it' }, ...(verb.program ? [{ value: '--', description: 'a program and its arguments follow' }] : [])]
}

/** By the name that help gives to the value. */
async function valuesOf(verb: Verb, option: string, prefix: string, typed: string, words: readonly string[], facts: Facts): Promise<Completion> {
  const spec: OptionSpec | undefined = verb.options[option]
  if (spec?.type !== 'string') return nothing
  const value = typed.slice(prefix.length)
  const offer = (candidates: readonly Candidate[]): Completion =>
    beginningWith(typed, prefix === '' ? candidates : candidates.map((one) => ({ ...one, value: `${prefix}${one.value}` })))
  switch (spec.value) {
    case 'DIR':
      return { kind: 'directories' }
    case 'BRANCH':
      return offer(branchesOf(await facts.sessions(), words[0] ?? ''))
    case 'S,...':
    case 'STATUS,...':
      return offer(listOf(Object.keys(statusWords), value))
    case 'NAME':
      return offer((await facts.agents()).map(({ name, command, installed }) => ({ value: name, description: printableLine(installed ? command : `not installed: ${command}`) })))
    case 'P':
      return offer(Object.entries(resumePolicies).map(([value, description]) => ({ value, description })))
    case 'ID':
      return offer(lostRequestsOf(await facts.sessions(), words[0] ?? ''))
    case 'CHOICE':
      return offer(choicesFor(await facts.sessions(), words[0] ?? '', 'lost'))
    case 'K=V':
      if (option !== 'field') return nothing
      return offer(fieldsFor(await facts.sessions(), words[0] ?? '', verb.name === 'answer' ? 'open' : 'lost'))
    default:
      return nothing
  }
}

/** Of a list with commas the last part is completed, by what is not in it yet. */
function listOf(all: readonly string[], typed: string): readonly Candidate[] {
  const given = typed.split(',').slice(0, -1)
  const done = given.map((one) => `${one},`).join('')
  return all.filter((one) => !given.includes(one)).map((one) => ({ value: `${done}${one}`, description: '' }))
}

/** A word that is no option: what the usage of the verb calls it. For what cannot be known, like a prompt, there are the options. */
async function wordAt(verb: Verb, typed: string, before: Before, facts: Facts): Promise<Completion> {
  const index = before.words.length
  const places = new Set(verb.usage.map((usage) => placeAt(usage, index)))
  if (places.has('ID')) {
    const sessions = await facts.sessions()
    return beginningWith(typed, verb.name === 'answer' ? openRequests(sessions, typed) : sessionsFor(verb.name, sessions, typed, before.words))
  }
  if (places.has('CHOICE')) return beginningWith(typed, choicesFor(await facts.sessions(), before.words[0] ?? '', 'open'))
  const literals = [...places].flatMap((place) => (/^[a-z|]+$/.test(place) ? place.split('|') : []))
  if (literals.length > 0)
    return beginningWith(
      typed,
      literals.map((value) => ({ value, description: '' })),
    )
  return typed === '' && !before.optionsEnded ? beginningWith(typed, options(verb, before, typed)) : nothing
}

/** `ID` in `wait ID... [--for STATUS,...]`, whatever the index; `status|start` in `daemon [status|start]`; '' where usage says nothing. */
function placeAt(usage: string, index: number): string {
  const [, ...all] = usage.replaceAll(/ \[(?:-[^\]]*|OPTIONS)\]/g, '').split(' ')
  const end = all.findIndex((word) => word.startsWith('-'))
  const words = (end === -1 ? all : all.slice(0, end)).map((word) => word.replace(/^\[|\]$/g, ''))
  const last = words.at(-1) ?? ''
  return (index >= words.length && last.endsWith('...') ? last : (words[index] ?? '')).replace(/\.\.\.$/, '')
}

/** Nothing that a shell would have to write with control characters, or read as another line, leaves here. */
const beginningWith = (typed: string, candidates: readonly Candidate[]): Completion => ({
  kind: 'words',
  candidates: candidates.filter(({ value }) => value.startsWith(typed) && printableLine(value) === value),
})
