// Reads a shell command as far as it can be read without running it: simple commands, their words, where their input comes from and where their output goes.
// What it does not understand for certain it refuses to read, so that whoever judges the command asks. Pure; it never expands anything.

export interface Word {
  readonly text: string
  /** Part of it is only known when it runs: a variable, a substitution, a pattern that may leave the folder. */
  readonly unknown: boolean
}

export interface Redirect {
  readonly writes: boolean
  readonly target: Word
}

export interface SimpleCommand {
  /** Without assignments before the program; may be empty. */
  readonly words: readonly Word[]
  readonly assignments: readonly Word[]
  readonly redirects: readonly Redirect[]
  /** It reads what the command before it prints. */
  readonly piped: boolean
  /** A text is given on its standard input. */
  readonly fed: boolean
}

/** Every simple command in it, those in substitutions and subshells too; undefined if it cannot be read for certain. */
export function readCommands(text: string): readonly SimpleCommand[] | undefined {
  try {
    const reader = new Reader(text)
    reader.list('')
    return reader.commands
  } catch (thrown) {
    if (thrown instanceof Unreadable) return undefined
    throw thrown
  }
}

class Unreadable extends Error {}

/** In front of a command, these change nothing about what it is. */
const leadingWords = new Set(['if', 'then', 'else', 'elif', 'while', 'until', 'do', '!', '{', 'time'])
const closingWords = new Set(['fi', 'done', '}'])
const unreadWords = new Set(['case', 'esac', 'select', 'function', 'coproc', '[[', 'in'])

const operators = ['&&', '||', '|&', ';;', ';', '&', '|', '\n', '(', ')']
const redirections = ['&>>', '&>', '<<<', '<<-', '<<', '<>', '<&', '>&', '>>', '>|', '>', '<']

/** A cursor over one text; lives for one reading. */
class Reader {
  readonly commands: SimpleCommand[] = []
  readonly #text: string
  #at = 0
  /** Here-documents whose text begins at the next line. */
  #due: { readonly end: string; readonly literal: boolean; readonly tabs: boolean }[] = []

  constructor(text: string) {
    // Node's strings may hold what no shell takes, and a carriage return is blank only for people: behind it a shell sees no comment.
    if (/[\0\r]/.test(text)) throw new Unreadable()
    this.#text = text
  }

  /** Commands up to `close` (which is taken), or to the end of the text. */
  list(close: '' | ')'): void {
    let piped = false
    for (;;) {
      this.#blank()
      if (this.#at >= this.#text.length) {
        if (close !== '' || this.#due.length > 0) throw new Unreadable()
        return
      }
      const operator = this.#operator()
      if (operator === ')') {
        if (close !== ')') throw new Unreadable()
        return
      }
      if (operator === '(') {
        // An arithmetic command is not read.
        if (this.#text[this.#at] === '(') throw new Unreadable()
        this.list(')')
        piped = false
      } else if (operator === ';;') throw new Unreadable()
      else if (operator === '|' || operator === '|&') piped = true
      else if (operator === '\n') this.#documents()
      else if (operator === undefined) {
        this.#simple(piped)
        piped = false
      } else piped = false
    }
  }

  #blank(): void {
    for (;;) {
      const next = this.#text[this.#at]
      if (next === ' ' || next === '\t') this.#at++
      else if (next === '\\' && this.#text[this.#at + 1] === '\n') this.#at += 2
      else if (next === '#') this.#at = this.#lineEnd()
      else return
    }
  }

  #lineEnd(): number {
    const end = this.#text.indexOf('\n', this.#at)
    return end === -1 ? this.#text.length : end
  }

  #operator(): string | undefined {
    if (this.#redirection(false) !== undefined) return undefined
    const found = operators.find((operator) => this.#text.startsWith(operator, this.#at))
    if (found !== undefined) this.#at += found.length
    return found
  }

  #simple(piped: boolean): void {
    const words: Word[] = []
    const redirects: Redirect[] = []
    const assignments: Word[] = []
    let fed = false
    let timed = false
    for (;;) {
      this.#blank()
      const redirection = this.#redirection(true)
      if (redirection !== undefined) {
        fed ||= redirection.startsWith('<<')
        this.#redirect(redirection, redirects)
        continue
      }
      if (this.#at >= this.#text.length || operators.some((operator) => this.#text.startsWith(operator, this.#at))) break
      const { word, plain } = this.#word()
      if (words.length === 0 && plain && /^[A-Za-z_]\w*\+?=/.test(word.text)) {
        assignments.push(word)
        continue
      }
      if (words.length === 0 && plain && leadingWords.has(word.text)) {
        timed = word.text === 'time'
        continue
      }
      if (words.length === 0 && timed && (word.text === '-p' || word.text === '--')) continue
      if (words.length === 0 && plain && closingWords.has(word.text)) continue
      if (words.length === 0 && plain && unreadWords.has(word.text)) throw new Unreadable()
      words.push(word)
    }
    // name() begins a function.
    if (this.#text[this.#at] === '(') throw new Unreadable()
    if (words.length > 0 || redirects.length > 0 || assignments.length > 0) this.commands.push({ words, assignments, redirects, piped, fed })
  }

  /** Behind the number of a descriptor too. */
  #redirection(take: boolean): string | undefined {
    const digits = /^\d*/.exec(this.#text.slice(this.#at, this.#at + 4))?.[0].length ?? 0
    const found = redirections.find((one) => this.#text.startsWith(one, this.#at + (one.startsWith('&') ? 0 : digits)))
    if (found === undefined) return undefined
    const end = this.#at + (found.startsWith('&') ? 0 : digits) + found.length
    // A process substitution.
    if (this.#text[end] === '(') throw new Unreadable()
    if (take) this.#at = end
    return found
  }

  #redirect(redirection: string, redirects: Redirect[]): void {
    this.#blank()
    if (this.#at >= this.#text.length || this.#text[this.#at] === '\n') throw new Unreadable()
    const from = this.#at
    const { word, plain } = this.#word()
    if (this.#at === from) throw new Unreadable()
    if (redirection === '<<' || redirection === '<<-') this.#due.push({ end: word.text, literal: !plain, tabs: redirection === '<<-' })
    else if (redirection === '<<<') return
    else if ((redirection === '>&' || redirection === '<&') && /^(\d+|-)$/.test(word.text)) return
    else redirects.push({ writes: redirection !== '<' && redirection !== '<&', target: word })
  }

  /** The texts of the here-documents of the line that has just ended. */
  #documents(): void {
    for (const { end, literal, tabs } of this.#due.splice(0)) {
      for (;;) {
        if (this.#at >= this.#text.length) throw new Unreadable()
        const stop = this.#lineEnd()
        const line = this.#text.slice(this.#at, stop)
        this.#at = Math.min(stop + 1, this.#text.length)
        if ((tabs ? line.replace(/^\t+/, '') : line) === end) break
        if (!literal && /[$`\\]/.test(line)) throw new Unreadable()
        if (stop >= this.#text.length) throw new Unreadable()
      }
    }
  }

  /** `plain`: nothing of it was quoted, so that it can be a keyword or an assignment. */
  #word(): { readonly word: Word; readonly plain: boolean } {
    let text = ''
    let unknown = false
    let plain = true
    for (;;) {
      const next = this.#text[this.#at]
      if (next === undefined || ' \t\n;&|()<>'.includes(next)) break
      this.#at++
      if (next === '\\') {
        const escaped = this.#text[this.#at++]
        if (escaped === undefined) throw new Unreadable()
        plain = false
        if (escaped !== '\n') text += escaped
      } else if (next === "'") {
        const end = this.#text.indexOf("'", this.#at)
        if (end === -1) throw new Unreadable()
        plain = false
        text += this.#text.slice(this.#at, end)
        this.#at = end + 1
      } else if (next === '"') {
        plain = false
        for (;;) {
          const inner = this.#text[this.#at++]
          if (inner === undefined) throw new Unreadable()
          if (inner === '"') break
          if (inner === '\\') {
            const escaped = this.#text[this.#at++]
            if (escaped === undefined) throw new Unreadable()
            if (escaped === '\n') continue
            text += '$`"\\'.includes(escaped) ? escaped : `\\${escaped}`
          } else if (inner === '$' || inner === '`') {
            const expanded = this.#expansion(inner, true)
            text += expanded.text
            unknown ||= expanded.unknown
          } else text += inner
        }
      } else if (next === '$' || next === '`') {
        const expanded = this.#expansion(next, false)
        text += expanded.text
        unknown ||= expanded.unknown
      } else if (next === '{') {
        // src/{a,b} is harmless: below a folder it can become neither a program, nor an option, nor another path.
        const end = this.#text.indexOf('}', this.#at)
        const inner = end === -1 ? '' : this.#text.slice(this.#at, end)
        if (/[,./{~$`'"\\]/.test(inner) && !(text.includes('/') && /^[\w,-]+$/.test(inner))) unknown = true
        text += next
      } else text += next
    }
    // .* and .? may be "..".
    if (/(^|\/)\.[*?[]/.test(text)) unknown = true
    return { word: { text, unknown }, plain }
  }

  #expansion(sign: string, quoted: boolean): Word {
    if (sign === '`') {
      const end = this.#text.indexOf('`', this.#at)
      const inner = this.#text.slice(this.#at, end)
      if (end === -1 || inner.includes('\\')) throw new Unreadable()
      this.#at = end + 1
      this.#inner(inner)
      return { text: '', unknown: true }
    }
    const rest = this.#text.slice(this.#at)
    if (rest.startsWith('((') || rest.startsWith('[') || (!quoted && (rest.startsWith("'") || rest.startsWith('"')))) throw new Unreadable()
    if (rest.startsWith('(')) {
      this.#at++
      const due = this.#due
      this.#due = []
      this.list(')')
      this.#due = due
      return { text: '', unknown: true }
    }
    const name = /^(?:\{([A-Za-z_]\w*|[0-9?!#$@*-])\}|([A-Za-z_]\w*|[0-9?!#$@*-]))/.exec(rest)
    if (!name) {
      if (rest.startsWith('{')) throw new Unreadable()
      return { text: '$', unknown: false }
    }
    this.#at += name[0].length
    const variable = name[1] ?? name[2] ?? ''
    if (variable === 'PWD') return { text: '.', unknown: false }
    if (variable === 'HOME') return { text: '~', unknown: false }
    return { text: '', unknown: !'?#$!'.includes(variable) }
  }

  #inner(text: string): void {
    const inner = new Reader(text)
    inner.list('')
    this.commands.push(...inner.commands)
  }
}
