// Fish quotes what it inserts itself, and shows descriptions. Its words come unquoted, but the last one as it was typed.

import type { Shell } from './shell.ts'

const script = String.raw`# offstage: completion for fish. Add to ~/.config/fish/config.fish:  offstage completion fish | source
function __offstage_complete
    set -l answer (offstage completion fish -- (commandline -opc) "$(commandline -ct)" 2>/dev/null)
    switch "$answer[1]"
        case words
            string join -- \n $answer[2..]
        case directories
            set -l kept (commandline -ct | string replace -rf '^(--[^=]+=).*' '$1'; or echo)
            set -l directories (__fish_complete_directories (commandline -ct | string replace -r '^--[^=]+=' ''))
            test -n "$directories"; and printf '%s\n' $kept$directories
        case command
            set -l words (commandline -opc)
            set -l words $words[(math 1 + (contains -i -- -- $words))..]
            complete -C (string join ' ' -- (string escape -- $words) "$(commandline -ct)")
    end
end
complete -c offstage -e
complete -c offstage -f -k -a '(__offstage_complete)'
`

/** `given`: the words to the cursor. */
const answer: Shell['answer'] = async (given, complete) => {
  const completion = await complete([...given.slice(0, -1), withoutQuotes(given.at(-1) ?? '')])
  if (completion.kind !== 'words') return [completion.kind]
  return ['words', ...completion.candidates.map(({ value, description }) => `${value}\t${description}`)]
}

/** Near enough: fish compares again. */
const withoutQuotes = (word: string): string => word.replaceAll(/\\(.)|['"]/gu, '$1')

export const fish: Shell = { setUp: { file: '~/.config/fish/config.fish', line: 'offstage completion fish | source' }, script, answer }
