// What `--help` prints, made from the verbs' own data.

import { wrap } from '../text/agent-text.ts'
import { padded } from '../text/format.ts'
import type { Verb } from './verb.ts'
import type { VerbEntry } from './verbs/index.ts'

export function overview(verbs: readonly VerbEntry[]): string {
  const width = Math.max(...verbs.map((verb) => verb.name.length)) + 2
  const lines = verbs.map((verb) => `  ${padded(verb.name, width)}${verb.summary}`)
  return [
    'offstage runs coding agents in the background, and loses nothing.',
    '',
    'usage: offstage                        opens Agent View: all sessions on one screen',
    '       offstage COMMAND [OPTIONS]',
    '',
    ...lines,
    '',
    '  offstage COMMAND --help    says more about one',
    '  offstage --version         prints the version',
    '',
    'ID is an id, a label, or the beginning of an id.',
    '',
  ].join('\n')
}

export function verbHelp(verb: Verb): string {
  const options = Object.entries(verb.options).filter(([, spec]) => !spec.hidden)
  const written = options.map(
    ([name, spec]) =>
      [
        `${spec.short === undefined ? '' : `-${spec.short}, `}--${name}${spec.value === undefined ? '' : ` ${spec.value}`}`,
        `${spec.help}${spec.multiple ? ' (may be repeated)' : ''}`,
      ] as const,
  )
  const width = Math.max(0, ...written.map(([left]) => left.length)) + 2
  const parts = [
    `${verb.summary}`,
    '',
    ...verb.usage.map((line, index) => `${index === 0 ? 'usage: ' : '       '}offstage ${line}`),
    ...(verb.aliases.length > 0 ? [`also:  ${verb.aliases.map((alias) => `offstage ${alias}`).join(', ')}`] : []),
    ...(verb.about ?? []).flatMap((paragraph) => ['', ...wrap(paragraph, 96)]),
    ...(written.length > 0 ? ['', ...written.map(([left, right]) => `  ${padded(left, width)}${right}`)] : []),
    ...(verb.examples.length > 0 ? ['', ...verb.examples.map((example) => `  ${example}`)] : []),
  ]
  return `${parts.join('\n')}\n`
}
