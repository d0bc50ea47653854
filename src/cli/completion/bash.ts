// Bash (3.2 and newer). It cuts words at "=" and ":", knows no descriptions, and inserts what it gets as it is: so it hands over its raw line, and gets text that is quoted for that place.

import { cut, displayWidth, padded } from '../../text/format.ts'
import { quoted, readLine } from './bash-line.ts'
import type { Candidate } from './complete.ts'
import type { Shell } from './shell.ts'

const script = String.raw`# offstage: completion for bash. Add to ~/.bashrc:  eval "$(offstage completion bash)"
_offstage() {
  local kind line at
  COMPREPLY=()
  {
    IFS= read -r kind
    while IFS= read -r line; do COMPREPLY+=("$line"); done
  } <<<"$(offstage completion bash -- "\${COMP_LINE:0:COMP_POINT}" "$2" "\${COMP_TYPE-9}" "\${COLUMNS-80}" 2>/dev/null)"
  case $kind in
    directories) compopt -o dirnames 2>/dev/null ;;
    files) compopt -o default 2>/dev/null ;;
    command)
      for ((at = 1; at < COMP_CWORD; at++)); do [[ \${COMP_WORDS[at]} == -- ]] && break; done
      if declare -F _comp_command_offset >/dev/null; then _comp_command_offset $((at + 1))
      elif declare -F _command_offset >/dev/null; then _command_offset $((at + 1))
      elif ((COMP_CWORD == at + 1)); then
        while IFS= read -r line; do COMPREPLY+=(\${line:+"$line"}); done <<<"$(compgen -c -- "$2" | sort -u)"
      else compopt -o default 2>/dev/null
      fi
      ;;
  esac
}
complete -o nosort -F _offstage offstage 2>/dev/null || complete -F _offstage offstage
`.replaceAll('\\$', '$')

/** Values of COMP_TYPE: a first Tab; a list of what there is, which inserts nothing. */
const normal = '9'
const listing = '63'

/** `given`: the line up to the cursor, the end of it that will be replaced, COMP_TYPE, and the columns of the terminal. */
const answer: Shell['answer'] = async ([line = '', replaced = '', type = normal, columns = ''], complete) => {
  const words = readLine(line)
  const last = words.at(-1)
  if (!last?.raw.endsWith(replaced)) return ['words']
  if (last.redirects) return ['files']
  const completion = await complete(words.filter((word) => !word.redirects).map((word) => word.value))
  if (completion.kind !== 'words') return [completion.kind]
  const { candidates } = completion
  if (type === listing) return ['words', ...listed(candidates, Number(columns) || 80)]
  // What stays before it, for example an opening quote or `--for=`.
  const kept = readLine(last.raw.slice(0, last.raw.length - replaced.length)).at(-1)
  const { value, quote } = kept ?? { value: '', quote: '' }
  const inserted = candidates.filter((one) => one.value.startsWith(value)).map((one) => quoted(one.value.slice(value.length), quote))
  return ['words', ...(type === normal ? endingWell(inserted, quote) : inserted)]
}

/** Bash inserts what they have in common. Where that would end within an escape, two are made up that have a little less in common; nobody sees them. */
function endingWell(inserted: readonly string[], quote: '' | '"' | "'"): readonly string[] {
  if (inserted.length < 2) return inserted
  const common = commonBeginning(inserted)
  const fine = (text: string): boolean => text.isWellFormed() && readLine(`${quote}${text}`).at(-1)?.quote === quote && !/(?:^|[^\\])(?:\\\\)*\\$/.test(quote === "'" ? '' : text)
  if (fine(common)) return inserted
  let shorter = common
  while (!fine(shorter)) shorter = shorter.slice(0, -1)
  return [`${shorter}a`, `${shorter}b`]
}

function commonBeginning(texts: readonly string[]): string {
  const [first = '', ...others] = texts
  let length = first.length
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1
  return first.slice(0, length)
}

/** With descriptions one a line: bash puts as many into a line as fit. */
function listed(candidates: readonly Candidate[], columns: number): readonly string[] {
  if (candidates.every(({ description }) => description === '')) return candidates.map(({ value }) => value)
  const width = Math.max(...candidates.map(({ value }) => displayWidth(value)))
  const half = Math.ceil(columns / 2)
  return candidates.map(({ value, description }) => padded(description === '' ? value : cut(`${padded(value, width)}  (${description})`, columns - 1), half))
}

export const bash: Shell = { setUp: { file: '~/.bashrc', line: 'eval "$(offstage completion bash)"' }, script, answer }
