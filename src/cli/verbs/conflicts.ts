// `offstage conflicts`: whose work cannot be merged as it is, and in which order it is best landed.

import { resolve } from 'node:path'
import { pathLine, printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import type { Conflict, Forecast } from '../../core/workspace.ts'
import { exitCodes } from '../../client/failures.ts'
import { count, jsonText, nameOf, painter, shortPath, tabbed } from '../../text/format.ts'
import { type Args, type Context, type Verb, jsonOption, text } from '../verb.ts'

type Known = ReadonlyMap<string, SessionView>

const shownPaths = 8

async function run(context: Context, args: Args): Promise<number> {
  const { signal, out } = context
  const below = text(args, 'cwd')
  const client = await context.client()
  const forecasts = await client.conflicts(below === undefined ? {} : { cwd: resolve(context.cwd, below) }, signal)
  if (context.json) {
    out(`${jsonText(forecasts, 2)}\n`)
    return exitCodes.done
  }
  const worked = forecasts.filter(({ sessions }) => sessions.length > 0)
  if (!context.stdout.isTTY) {
    out(worked.flatMap(lines).join(''))
    return exitCodes.done
  }
  const known = new Map((await client.list({ all: true }, signal)).map((session) => [session.id, session]))
  const nothing = forecasts.length === 0 && below !== undefined ? 'no session has worked in a repository there' : 'no session has work that is not landed'
  out(worked.length === 0 ? `${nothing}\n` : worked.map((forecast) => block(context, forecast, known)).join('\n'))
  return exitCodes.done
}

const branchesOf = ({ sessions }: Forecast) => sessions.flatMap(({ id, branch }) => (branch ? [{ id, ...branch }] : []))
const kindOf = ({ paths, sameTree }: Conflict): string => (sameTree ? 'same-tree' : paths.length > 0 ? 'conflict' : 'shared')

function lines(forecast: Forecast): readonly string[] {
  const { repository, conflicts, order } = forecast
  const moved = branchesOf(forecast).flatMap(({ id, name, paths }) => paths.map((path) => tabbed(['branch', repository, id, name, path])))
  const pairs = conflicts.flatMap((one) => {
    const paths = one.paths.length > 0 ? one.paths : one.shared
    return (paths.length > 0 ? paths : ['']).map((path) => tabbed([kindOf(one), repository, ...one.sessions, path]))
  })
  return [...moved, ...pairs, ...order.map(({ id, why }, index) => tabbed(['order', repository, id, String(index + 1), why]))].map((line) => `${line}\n`)
}

function block({ color, env }: Context, forecast: Forecast, known: Known): string {
  const { repository, sessions, conflicts, order } = forecast
  const moved = branchesOf(forecast)
  const paint = painter(color)
  const name = (id: string): string => {
    const session = known.get(id)
    return session ? `${id} ${paint.bold(nameOf(session))}` : id
  }
  const pair = ({ sessions: [one, other] }: Conflict, between: string): string => `${name(one)} ${between} ${name(other)}`
  const listed = (paths: readonly string[]): readonly string[] => {
    const shown = paths.slice(0, paths.length > shownPaths + 1 ? shownPaths : paths.length).map((path) => `     ${pathLine(path)}`)
    return shown.length === paths.length ? shown : [...shown, paint.dim(`     and ${paths.length - shown.length} more`)]
  }
  const real = conflicts.filter(({ paths, sameTree }) => paths.length > 0 && !sameTree)
  const together = conflicts.filter(({ sameTree }) => sameTree)
  const shared = conflicts.filter(({ paths, sameTree }) => paths.length === 0 && !sameTree)
  const words = real.length + moved.length === 0 ? 'no conflicts' : count(real.length + moved.length, 'conflict')
  const landable = order.filter(({ id }) => known.get(id)?.workspace.kind === 'worktree').map(({ id }) => id)
  return [
    `${paint.bold(shortPath(repository, env['HOME']))}: ${words} among ${count(sessions.length, 'session')} with work that is not landed`,
    ...moved.flatMap((one) => [`   ${name(one.id)} ${paint.status('failed', '≠')} what came to ${printableLine(one.name)}`, ...listed(one.paths)]),
    ...real.flatMap((one) => [`   ${pair(one, paint.status('failed', '≠'))}`, ...listed(one.paths)]),
    ...together.flatMap((one) => [
      `   ${pair(one, '+')}  ${paint.dim('work in the same directory, and write over each other')}`,
      ...listed(one.paths.length > 0 ? one.paths : one.shared),
    ]),
    ...shared.map((one) => `   ${pair(one, '~')}  ${paint.dim(`can be merged; both changed ${one.shared.slice(0, 3).map(pathLine).join(', ')}${one.shared.length > 3 ? ` and ${one.shared.length - 3} more` : ''}`)}`), // prettier-ignore
    ...(order.length < 2
      ? []
      : ['   best landed in this order:', ...order.map(({ id, why }, index) => `   ${String(index + 1).padStart(2)} ${name(id)}  ${paint.dim(printableLine(why))}`)]),
    ...(landable.length === 0
      ? []
      : [paint.dim(`   offstage land ${landable.join(' ')}${landable.length > 1 ? '  tests each on top of those before it, and sets aside what fails' : ''}`)]),
    '',
  ].join('\n')
}

const verb: Verb = {
  name: 'conflicts',
  aliases: [],
  summary: 'say whose work cannot be merged as it is',
  usage: ['conflicts [OPTIONS]'],
  about: [
    'Work that is not landed counts, committed or not, of every session that is not removed; git merges each two of them, and nothing is changed.',
    'Into a pipe it prints one line for each file, tab-separated: conflict, shared (git can merge it) or same-tree, repository, both sessions, file; branch, repository, session, branch, file where its branch has changed since in a way that conflicts; then one for each place in the best order of landing: order, repository, session, place, why.',
  ],
  options: {
    cwd: { type: 'string', short: 'C', value: 'DIR', help: 'only of the repository there' },
    json: { ...jsonOption, help: 'print one JSON array, an object for each repository' },
  },
  words: { min: 0, max: 0, name: '' },
  examples: ['offstage conflicts', 'offstage conflicts --cwd . --json'],
  run,
}

export default verb
