// The commands that are typed in a conversation: `/bg`, `/switch ID` and the like.

import type { AgentOffer } from '../core/events.ts'
import { printableLine } from '../core/terminal-text.ts'
import { nearest } from '../text/nearest.ts'

export type Slash =
  | { readonly kind: 'bg'; readonly label: string | undefined }
  | { readonly kind: 'sessions' }
  | { readonly kind: 'switch'; readonly to: string }
  /** This session without an id. */
  | { readonly kind: 'end'; readonly which: string | undefined }
  | { readonly kind: 'stop' }
  | { readonly kind: 'label'; readonly text: string }
  | { readonly kind: 'decline' }
  /** Another session. */
  | { readonly kind: 'new' }
  | { readonly kind: 'agents' }
  /** `what`: mode, model or an option of the agent's own. Without it, or without a value: what there is to choose from. */
  | { readonly kind: 'choose'; readonly what: string | undefined; readonly value: string | undefined }
  | { readonly kind: 'diff' }
  /** `turn`: only that one. Without `yes`: what would happen. */
  | { readonly kind: 'undo'; readonly turn: number | 'last' | undefined; readonly yes: boolean }
  | { readonly kind: 'land'; readonly yes: boolean }
  | { readonly kind: 'check' }
  | { readonly kind: 'logs' }
  /** `choice`: the answer to the question that its process died with. */
  | { readonly kind: 'resume'; readonly choice: string | undefined }
  | { readonly kind: 'help' }
  /** One of ours, wrongly used. */
  | { readonly kind: 'wrong'; readonly message: string }
  /** Not one of ours. */
  | { readonly kind: 'unknown'; readonly name: string }

export const slashHelp: readonly (readonly [string, string])[] = [
  ['/bg [--label L]', 'leave it running; also Ctrl-D'],
  ['/sessions', 'list the sessions'],
  ['/switch ID', 'go to another session'],
  ['/new', 'start another session'],
  ['/label TEXT', 'name this session'],
  ['/model [M]', "choose the agent's model"],
  ['/mode [M]', "choose the agent's mode"],
  ['/set [OPTION [V]]', "choose another option of the agent's"],
  ['/diff', 'what it changed'],
  ['/undo [TURN] [yes]', 'take that back; shows it first'],
  ['/check', 'run its checks now'],
  ['/land [yes]', 'bring it into your branch; shows it first'],
  ['/logs', 'its whole log'],
  ['/agents', 'which agents there are'],
  ['/decline', 'do not answer what it asks'],
  ['/stop', 'end its process, keep the session'],
  ['/resume [CHOICE]', 'start it again; answers a lost question'],
  ['/exit', 'end this session and leave'],
  ['/end ID', 'end another session'],
  ['/help', 'this list'],
]

export const slashNames: readonly string[] = slashHelp.map(([usage]) => /^\/(\w+)/.exec(usage)?.[1] ?? '')

/** A command that is none of ours: one of the agent's own, or why it is nothing. */
export function notOurs(name: string, offer: AgentOffer | undefined): { readonly kind: 'agents-own' } | { readonly kind: 'nothing'; readonly message: string } {
  const offered = (offer?.commands ?? []).map((command) => command.name.replace(/^\//, ''))
  if (offered.includes(name)) return { kind: 'agents-own' }
  const near = nearest(name, [...slashNames, ...offered])
  return { kind: 'nothing', message: printableLine(`there is no /${name}; ${near === undefined ? '/help says what there is' : `did you mean /${near}?`}`) }
}

/** Undefined when it is no command but a text, as a path is that begins with a slash. */
export function slashFrom(line: string): Slash | undefined {
  const found = /^\/([A-Za-z][\w:.-]*)(?:\s+([^]*))?$/.exec(line.trim())
  if (!found) return undefined
  const [, name = '', given = ''] = found
  const rest = given.trim()
  switch (name) {
    case 'bg':
      return background(rest)
    case 'sessions':
    case 'ls':
      return { kind: 'sessions' }
    case 'switch':
    case 'attach':
      return rest === '' ? { kind: 'wrong', message: '/switch needs an ID; /sessions lists them' } : { kind: 'switch', to: unquoted(rest) }
    case 'end':
      return { kind: 'end', which: rest === '' ? undefined : unquoted(rest) }
    case 'exit':
    case 'quit':
      return { kind: 'end', which: undefined }
    case 'stop':
      return { kind: 'stop' }
    case 'decline':
      return { kind: 'decline' }
    case 'label':
      return { kind: 'label', text: unquoted(rest) }
    case 'undo':
      return undo(rest)
    case 'land':
      return rest === '' || rest === 'yes'
        ? { kind: 'land', yes: rest === 'yes' }
        : { kind: 'wrong', message: '/land takes nothing but "yes"; offstage land --help says what else there is' }
    case 'new':
    case 'agents':
    case 'check':
    case 'diff':
    case 'logs':
    case 'help':
      return { kind: name }
    case 'model':
    case 'mode':
      return { kind: 'choose', what: name, value: rest === '' ? undefined : unquoted(rest) }
    case 'set': {
      const [, option = '', value = ''] = /^("[^"]*"|'[^']*'|\S*)\s*([^]*)$/.exec(rest) ?? []
      return { kind: 'choose', what: unquoted(option) || undefined, value: unquoted(value) || undefined }
    }
    case 'resume':
      return { kind: 'resume', choice: rest === '' ? undefined : unquoted(rest) }
    default:
      return { kind: 'unknown', name }
  }
}

function undo(rest: string): Slash {
  const [, turn, yes] = /^(?:([1-9]\d{0,8}|last)(?:\s+|$))?(yes)?$/.exec(rest) ?? []
  if (rest !== '' && turn === undefined && yes === undefined)
    return { kind: 'wrong', message: '/undo takes the number of a turn or "last", and "yes"; offstage undo --help says what else there is' }
  return { kind: 'undo', turn: turn === undefined || turn === 'last' ? turn : Number(turn), yes: yes !== undefined }
}

function background(rest: string): Slash {
  if (rest === '') return { kind: 'bg', label: undefined }
  const given = /^(?:--label|-l)(?:=|\s+|$)([^]*)$/.exec(rest)
  if (!given) return { kind: 'wrong', message: '/bg takes nothing but --label TEXT' }
  const label = unquoted((given[1] ?? '').trim())
  return label === '' ? { kind: 'wrong', message: '/bg --label needs a text' } : { kind: 'bg', label }
}

const unquoted = (text: string): string => /^(["'])([^]*)\1$/.exec(text)?.[2] ?? text
