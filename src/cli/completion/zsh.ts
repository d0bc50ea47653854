// Zsh quotes what it inserts itself, and shows descriptions. Its words come unquoted.

import type { Shell } from './shell.ts'

const script = String.raw`#compdef offstage
# offstage: completion for zsh. Add to ~/.zshrc:  source <(offstage completion zsh)
_offstage() {
  local kind
  local -i at
  local -a answer
  answer=("\${(@f)$(offstage completion zsh -- "\${(@Q)words[1,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  kind=$answer[1]
  shift answer
  case $kind in
    words) (( $#answer )) && _describe -V offstage answer ;;
    directories) [[ $PREFIX == --*=* ]] && compset -P '*='; _directories ;;
    command) at=$words[(i)--]; words=("\${(@)words[at+1,-1]}"); (( CURRENT -= at )); _normal ;;
  esac
}
if [[ $funcstack[1] == _offstage ]]; then
  _offstage "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
  compdef _offstage offstage
fi
`.replaceAll('\\$', '$')

/** `given`: the words to the cursor. A line is what _describe takes: colons and backslashes of the value are escaped. */
const answer: Shell['answer'] = async (given, complete) => {
  const completion = await complete(given)
  if (completion.kind !== 'words') return [completion.kind]
  return ['words', ...completion.candidates.map(({ value, description }) => value.replaceAll(/[\\:]/g, String.raw`\$&`) + (description === '' ? '' : `:${description}`))]
}

export const zsh: Shell = { setUp: { file: '~/.zshrc', line: 'source <(offstage completion zsh)' }, script, answer }
