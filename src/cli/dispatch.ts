// From arguments to a verb: finds it, reads its options, runs it, and turns what was thrown into one line and an exit code.

import { parseArgs } from 'node:util'
import { type CommandFailed, reportFailure, usageError } from '../client/failures.ts'
import { nearest } from '../text/nearest.ts'
import type { Args, Context, Verb } from './verb.ts'
import { type VerbEntry, verbs } from './verbs/index.ts'

export async function dispatch(argv: readonly string[], base: Context): Promise<number> {
  let context = base
  try {
    const [first, ...rest] = argv
    if (first === '--version' || first === '-V') return await printVersion(context)
    if (first === undefined) return await openList(context)
    if (first === '--help' || first === '-h') return await printHelp(context, undefined)
    if (first === 'help') return await printHelp(context, rest[0])
    const entry = findVerb(first)
    const own = rest.slice(0, rest.indexOf('--') === -1 ? rest.length : rest.indexOf('--'))
    context = { ...base, json: own.includes('--json') }
    if (own.includes('--help') || own.includes('-h')) return await printHelp(context, first)
    return await runVerb(entry, rest, context)
  } catch (thrown) {
    return reportFailure(context, thrown)
  }
}

/** Agent View where there is a terminal, else the list. */
async function openList(context: Context): Promise<number> {
  const { openAgentView, wayToShow } = await import('./screens.ts')
  const way = await wayToShow(context)
  switch (way.kind) {
    case 'screens':
      return await openAgentView(context, way.config)
    case 'aloud':
      return await (await import('./spoken-list.ts')).openSpokenList(context)
    case 'plain':
      return await runVerb(findVerb('sessions'), [], context)
  }
}

async function runVerb(entry: VerbEntry, argv: readonly string[], context: Context): Promise<number> {
  const { default: verb } = await entry.load()
  return await verb.run(context, readArgs(verb, argv))
}

function findVerb(name: string): VerbEntry {
  const found = verbs.find((entry) => entry.name === name || entry.aliases.includes(name))
  if (found) return found
  if (name.startsWith('-')) throw usageError(`unknown option ${name}`, 'offstage --help lists what there is')
  const near = nearest(name, [...verbs.map((entry) => entry.name), ...verbs.flatMap((entry) => entry.aliases)])
  throw usageError(`unknown command "${name}"`, near === undefined ? 'offstage --help lists what there is' : `did you mean offstage ${near}?`)
}

/** The arguments as the verb declared them. Throws a usage failure of one line. */
export function readArgs(verb: Verb, argv: readonly string[]): Args {
  const options = Object.fromEntries(
    Object.entries(verb.options).map(([name, { type, short, multiple }]) => [name, { type, ...(short === undefined ? {} : { short }), ...(multiple ? { multiple } : {}) }]),
  )
  const parsed = parse(verb, argv, options)
  const end = parsed.tokens.find((token) => token.kind === 'option-terminator')
  const before = parsed.tokens.flatMap((token) => (token.kind === 'positional' && (end === undefined || token.index < end.index) ? [token.value] : []))
  const after = end === undefined ? undefined : argv.slice(end.index + 1)
  const words = verb.program || after === undefined ? before : [...before, ...after]
  const { min, max, name } = verb.words
  if (words.length < min) throw usageError(`${verb.name} needs ${name}`, `usage: offstage ${verb.usage[0] ?? verb.name}`)
  if (words.length > max) throw usageError(`${verb.name} does not take "${words[max] ?? ''}"`, `usage: offstage ${verb.usage[0] ?? verb.name}`)
  return { values: parsed.values as Args['values'], words, program: verb.program ? after : undefined }
}

type ParseOptions = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>

function parse(verb: Verb, argv: readonly string[], options: ParseOptions) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true, tokens: true })
  } catch (cause) {
    throw optionFailure(verb, cause)
  }
}

/** Node's messages are several sentences with advice that does not fit here. */
function optionFailure(verb: Verb, cause: unknown): CommandFailed {
  const message = cause instanceof Error ? cause.message : String(cause)
  const help = `offstage ${verb.name} --help lists its options`
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const option = /'(?:-\w, )?(--?[^'\s=]+)/.exec(message)?.[1] ?? ''
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const near = nearest(
      option.replace(/^-+/, ''),
      Object.keys(verb.options).filter((name) => !verb.options[name]?.hidden),
    )
    return usageError(`${verb.name} has no option ${option}`, near === undefined || !option.startsWith('--') ? help : `did you mean --${near}?`)
  }
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') {
    return usageError(
      /does not take an argument/.test(message) ? `option ${option} takes no value` : `option ${option} needs a value`,
      /ambiguous/.test(message) ? `for a value that begins with "-" write ${option}=VALUE` : help,
    )
  }
  return usageError(message.split('\n', 1)[0] ?? 'bad arguments', help)
}

async function printVersion(context: Context): Promise<number> {
  const { packageVersion } = await import('../config/package-root.ts')
  context.out(`${packageVersion}\n`)
  return 0
}

async function printHelp(context: Context, name: string | undefined): Promise<number> {
  const { overview, verbHelp } = await import('./help.ts')
  if (name === undefined) context.out(overview(verbs))
  else context.out(verbHelp((await findVerb(name).load()).default))
  return 0
}
