// A notification as a terminal understands it: which sequence by which terminal, through tmux and GNU screen, else the bell. Pure: whoever has the terminal writes what is returned.
// Texts come from agents. Not one byte of theirs is a control here.

import { short } from '../core/announcement.ts'

type Environment = Readonly<Record<string, string | undefined>>

const ESC = '\x1b'
const BEL = '\x07'

const longestTitle = 80
const longestBody = 240
/** GNU screen drops a string of more than 768 bytes; a character may take four. */
const screenCharacters = 180

/** https://iterm2.com/documentation-escape-codes.html, urxvt's notify extension, https://sw.kovidgoyal.net/kitty/desktop-notifications/ */
type Dialect = 'OSC 9' | 'OSC 777' | 'OSC 99'

const byProgram: Readonly<Record<string, Dialect>> = { 'iTerm.app': 'OSC 9', WarpTerminal: 'OSC 9', WezTerm: 'OSC 777', ghostty: 'OSC 777' }
const multiplexers: ReadonlySet<string | undefined> = new Set(['tmux', 'screen'])

/** Undefined: it knows none, or is not known. */
function dialectOf(env: Environment): Dialect | undefined {
  const { TERM = '', TERM_PROGRAM: program } = env
  if (TERM === 'xterm-kitty') return 'OSC 99'
  if (/^(xterm-ghostty|foot|rxvt)/.test(TERM)) return 'OSC 777'
  if (TERM === 'linux' || TERM === 'dumb') return undefined
  // It says so itself; the variables below may be those of a terminal that this one was started from. A multiplexer says only what it is itself.
  if (program && !multiplexers.has(program)) return Object.hasOwn(byProgram, program) ? byProgram[program] : undefined
  if (env['KITTY_WINDOW_ID']) return 'OSC 99'
  if (env['WEZTERM_PANE'] || env['GHOSTTY_RESOURCES_DIR'] || env['VTE_VERSION']) return 'OSC 777'
  return env['ITERM_SESSION_ID'] || env['LC_TERMINAL'] === 'iTerm2' ? 'OSC 9' : undefined
}

/** A semicolon would begin another field, or, behind a digit, another command (`9;4;` is a progress bar). */
const field = (text: string): string => text.replaceAll(';', ',')

const base64 = (text: string): string => Buffer.from(text).toString('base64')

function sequence(dialect: Dialect, title: string, body: string): string {
  switch (dialect) {
    case 'OSC 9':
      return `${ESC}]9;${field(body === '' ? title : `${title}: ${body}`)}${BEL}`
    case 'OSC 777':
      return `${ESC}]777;notify;${field(title)};${field(body)}${BEL}`
    case 'OSC 99':
      return `${ESC}]99;i=offstage:d=0:e=1;${base64(title)}${BEL}${ESC}]99;i=offstage:p=body:e=1;${base64(body)}${BEL}`
  }
}

/** A sequence past tmux (where `allow-passthrough` is on) or GNU screen to the terminal that they run in. */
export function passed(env: Environment, text: string): string {
  if (env['TMUX']) return `${ESC}Ptmux;${text.replaceAll(ESC, ESC + ESC)}${ESC}\\`
  const parts = text.split(/(?=\x1b)/).flatMap((part) => {
    const characters = [...part]
    return Array.from({ length: Math.ceil(characters.length / screenCharacters) }, (_, index) =>
      characters.slice(index * screenCharacters, (index + 1) * screenCharacters).join(''),
    )
  })
  return parts.map((part) => `${ESC}P${part}${ESC}\\`).join('')
}

/** What to write to the terminal whose environment this is. */
export function terminalNotice(env: Environment, notice: { readonly title: string; readonly body: string }): string {
  const dialect = dialectOf(env)
  if (!dialect) return BEL
  const text = sequence(dialect, short(notice.title, longestTitle), short(notice.body, longestBody))
  // A multiplexer marks the window of a bell, and may not let the other through.
  return env['TMUX'] || env['STY'] ? passed(env, text) + BEL : text
}
