// `offstage models`: which models the own agent can reach, and the keys that it reaches them with. The models are found by a program of its own, so that no other command loads what knows them.

import type { ModelsReport } from '../../config/models-report.ts'
import { isRefusal } from '../../core/errors.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { CommandFailed, exitCodes, failureOf, refusedError, usageError } from '../../client/failures.ts'
import { type Paint, jsonText, padded, painter, tabbed } from '../../text/format.ts'
import { nearest } from '../../text/nearest.ts'
import { type Args, type Context, type Verb, flag, jsonOption, word } from '../verb.ts'

/** Of each provider, when all are listed. */
const shownModels = 6

async function run(context: Context, args: Args): Promise<number> {
  if (word(args) === 'key') return await changeKey(context, args)
  if (args.words.length > 1) throw usageError(`models does not take "${word(args, 1)}"`, 'usage: offstage models [PROVIDER]')
  if (flag(args, 'remove')) throw usageError('--remove is for a key', 'usage: offstage models key PROVIDER --remove')
  const report = only(await reported(context), word(args))
  if (context.json)
    context.out(`${jsonText({ default: report.default, models: report.models, providers: report.providers.map(({ usual: _, ...one }) => one), problem: report.problem }, 2)}\n`)
  else if (context.stdout.isTTY) context.out(`${reportLines(report, word(args) !== '', painter(context.color)).join('\n')}\n`)
  else
    context.out(
      report.models
        .map((one) => `${tabbed([one.id, one.name, one.local ? 'local' : 'remote', keyOf(report, one.provider), one.id === report.default ? 'default' : ''])}\n`)
        .join(''),
    )
  if (report.models.length === 0 && !context.json && !context.stdout.isTTY && report.problem) throw refusedError('no-model', report.problem.message, report.problem.hint)
  if (report.problem && !context.json && !context.stdout.isTTY) context.err(`offstage: no default: ${printableLine(report.problem.message)}\n`)
  return exitCodes.done
}

async function reported(context: Context): Promise<ModelsReport> {
  const [{ askWith }, { entry }, { reportFrom }] = await Promise.all([import('../ask-program.ts'), import('../../config/package-root.ts'), import('../../config/models-report.ts')])
  const said = await askWith(context.env, context.signal)(process.execPath, [entry('models')])
  const report = said && reportFrom(said.out)
  if (!report)
    throw new CommandFailed('failed', 'the models could not be listed', { exitCode: exitCodes.failed, hint: 'offstage doctor checks the installation', cause: said?.err })
  if (isRefusal(report)) throw failureOf(report)
  return report
}

function only(report: ModelsReport, provider: string): ModelsReport {
  if (provider === '') return report
  const names = report.providers.map((one) => one.id)
  if (!names.includes(provider)) throw unknownProvider(provider, names)
  return { ...report, providers: report.providers.filter((one) => one.id === provider), models: report.models.filter((one) => one.provider === provider) }
}

function unknownProvider(provider: string, names: readonly string[]): CommandFailed {
  const near = nearest(provider, names)
  return usageError(
    `there is no provider ${JSON.stringify(provider)}`,
    near === undefined ? `there are: ${names.join(', ')}; others are set in config.toml: [models.NAME]` : `did you mean ${near}?`,
  )
}

const keyOf = (report: ModelsReport, provider: string): string => report.providers.find((one) => one.id === provider)?.key ?? ''

function reportLines(report: ModelsReport, whole: boolean, paint: Pick<Paint, 'dim' | 'status'>): readonly string[] {
  const lines = report.providers.flatMap((provider) => {
    const models = report.models.filter((one) => one.provider === provider.id)
    const shown = whole ? models : models.filter((one, index) => index < shownModels || one.id === report.default)
    if (provider.state !== 'reachable') return whole || !provider.usual ? [` ${paint.dim('·')} ${printableLine(provider.name)}   ${paint.dim(missing(provider))}`, ''] : []
    const from = [provider.local ? 'on this machine' : '', provider.key === null ? '' : `key from ${provider.key}`].filter((part) => part !== '').join(', ')
    return [
      ` ${paint.status('completed', '✓')} ${printableLine(provider.name)}   ${paint.dim(from)}`,
      ...shown.map((one) => `     ${padded(printableLine(one.id), 40)}${one.id === report.default ? paint.dim('   the default') : ''}`.trimEnd()),
      ...(shown.length < models.length ? [paint.dim(`     and ${models.length - shown.length} more: offstage models ${provider.id}`)] : []),
      '',
    ]
  })
  const keyless = whole ? [] : report.providers.filter((one) => one.state === 'no-key' && one.usual)
  return [
    ...lines,
    ...(report.problem
      ? [` no default: ${printableLine(report.problem.message)}`, ...(report.problem.hint === undefined ? [] : [paint.dim(`   ${printableLine(report.problem.hint)}`)])]
      : []),
    ...(keyless.length > 0 && report.models.length > 0 ? [paint.dim(` no key for ${keyless.map((one) => one.id).join(', ')}: offstage models key PROVIDER`)] : []),
    paint.dim(' another default: [models] default = "PROVIDER/MODEL" in config.toml'),
  ]
}

const missing = ({ state, hint, url }: ModelsReport['providers'][number]): string =>
  state === 'no-key' ? `no key: ${printableLine(hint ?? '')}` : `no server with models answers at ${printableLine(url)}`

async function changeKey(context: Context, args: Args): Promise<number> {
  const provider = word(args, 1)
  // It is not repeated: it may be a key.
  if (args.words.length > 2)
    throw usageError('models key takes no key as an argument: it would stay in the history of your shell', `offstage models key ${provider} reads it from standard input`)
  if (provider === '') throw usageError('models key needs a PROVIDER', 'usage: offstage models key PROVIDER')
  const [{ KeysUnusable, isKey, readStoredKeys, storeKey, removeKey }, { knownProviders }, { systemKeychain }, { pathsFrom, prepareHome }, { ownConfig }, { readSecret }] =
    await Promise.all([
      import('../../config/model-keys.ts'),
      import('../../config/model-settings.ts'),
      import('../../config/keychain.ts'),
      import('../../config/paths.ts'),
      import('../../client/own-config.ts'),
      import('../read-secret.ts'),
    ])
  const names = [...new Set([...Object.keys(knownProviders), ...Object.keys((await ownConfig(context.env)).config.models.providers)])]
  const paths = pathsFrom(context.env, process.getuid?.() ?? 0)
  try {
    const stored = await readStoredKeys(paths.home, paths.uid)
    if (!names.includes(provider) && !(flag(args, 'remove') && stored.has(provider))) throw unknownProvider(provider, names)
    const keep = { home: paths.home, uid: paths.uid, keychain: systemKeychain(context.env, process.platform) }
    if (flag(args, 'remove')) {
      const removed = await removeKey(provider, keep, context.signal)
      return said(context, { provider, removed }, removed ? `the key of ${provider} is removed` : `there is no stored key of ${provider}`)
    }
    const key = await readSecret(context, `key of ${provider} (not shown): `)
    if (!isKey(key))
      throw usageError(
        key === '' ? 'no key was given' : 'that cannot be a key: it is too long, or has spaces or characters that are not ASCII',
        `offstage models key ${provider} reads it from standard input`,
      )
    prepareHome(paths)
    const where = await storeKey(provider, key, keep, context.signal)
    return said(context, { provider, stored: where }, `the key of ${provider} is in ${where === 'keychain' ? 'the keychain' : where}`)
  } catch (cause) {
    if (cause instanceof KeysUnusable) throw new CommandFailed('keys-unusable', cause.message, { exitCode: exitCodes.refused, hint: cause.hint })
    throw cause
  }
}

function said(context: Context, json: object, text: string): number {
  context.out(context.json ? `${jsonText(json)}\n` : `${text}\n`)
  return exitCodes.done
}

const verb: Verb = {
  name: 'models',
  aliases: [],
  summary: 'list the models that can be reached, keep their keys',
  usage: ['models [PROVIDER]', 'models key PROVIDER'],
  about: [
    'Found by themselves: Anthropic, OpenAI, Google and OpenRouter with the usual variable for their key, and Ollama, llama.cpp, LM Studio and vLLM on their usual ports of this machine. More are set in config.toml.',
    'models key reads a key from standard input and keeps it in the keychain of the system, or in a file that only you can read. Into a pipe models prints one line each, tab-separated: model, name, local or remote, where the key comes from, default.',
  ],
  options: { remove: { type: 'boolean', help: 'remove a stored key' }, json: { ...jsonOption, help: 'print one JSON object' } },
  words: { min: 0, max: 3, name: '' },
  examples: ['offstage models', 'offstage models key anthropic'],
  run,
}

export default verb
