// Before an agent is started: what is not committed, and who else works there. Asked once where somebody sits at the terminal, else said in one line.

import type { LaunchSpec } from '../core/events.ts'
import { pathLine, printableLine } from '../core/terminal-text.ts'
import type { Place, TreePath } from '../core/workspace.ts'
import { CommandFailed, exitCodes, usageError } from '../client/failures.ts'
import { ownConfig } from '../client/own-config.ts'
import { treePaths } from '../client/tree-paths.ts'
import { type TreeWishes, kindOf, wishOf } from '../client/tree-wishes.ts'
import { notCommittedText, othersText } from '../text/place-text.ts'
import { askLine, canAsk, choiceOf } from './ask-person.ts'
import type { Context } from './verb.ts'

export interface CarryWish {
  /** `--carry`, `--no-carry`. */
  readonly carry: boolean | undefined
  /** `--untracked`, as typed. */
  readonly untracked: readonly string[]
}

type Repository = NonNullable<Place['repository']>
type Carries = LaunchSpec['carries']

/** The wishes with what was said to the questions. Throws CommandFailed when the person wants none of it. */
export async function placed(
  context: Context,
  cwd: string,
  wishes: TreeWishes,
  wanted: CarryWish,
  kind: 'agent' | 'program',
): Promise<{ readonly wishes: TreeWishes; readonly place: Place | undefined }> {
  const { config } = await ownConfig(context.env, cwd)
  const wish = wishOf(config, wishes, kind)
  if (kind === 'program' && wish === 'in-place') return { wishes, place: undefined }
  const client = await context.client()
  const place = await client.place({ cwd }, context.signal)
  const { repository, sessions } = place
  if (wish === 'worktree' && !repository)
    throw new CommandFailed('no-worktree', `no worktree can be made of ${cwd}: ${place.auto.why}`, {
      exitCode: exitCodes.refused,
      hint: 'leave out --worktree, or start it in a git repository with a commit',
    })
  let workspace = wish
  if (kindOf(wish, place) === 'in-place' && sessions.length > 0) {
    const all = await client.list({ all: true }, context.signal)
    const nameOf = (id: string): string => printableLine(all.find((one) => one.id === id)?.label ?? id)
    const others = `${othersText(sessions, nameOf)} in this directory already`
    if (canAsk(context)) workspace = (await sharedAnyway(context, others, repository !== undefined)) ? 'in-place' : 'worktree'
    else context.err(`offstage: ${others}${repository ? '; --worktree gives this one a tree of its own' : ''}\n`)
  }
  if (!repository || kindOf(workspace, place) === 'in-place') return { wishes: { ...wishes, workspace }, place }
  const carries = await carried(context, cwd, repository, wanted)
  return { wishes: { ...wishes, workspace, carries }, place }
}

/** False: in a worktree of its own. */
async function sharedAnyway(context: Context, others: string, mayBeApart: boolean): Promise<boolean> {
  context.err(`${others}\n`)
  const question = mayBeApart ? '[W] a worktree of its own  [i] in place anyway  [n] do not start it ' : '[n] do not start it  [i] in place anyway '
  const chosen = await choiceOf(context, question, mayBeApart ? ['w', 'i', 'n'] : ['n', 'i'])
  if (chosen === undefined || chosen === 'n') throw new CommandFailed('not-confirmed', 'nothing was started', { exitCode: exitCodes.refused })
  return chosen === 'i'
}

async function carried(context: Context, cwd: string, repository: Repository, { carry, untracked }: CarryWish): Promise<Carries> {
  if (untracked.includes('all')) return { untracked: 'all' }
  const chosen = treePaths(untracked, { cwd, tops: [repository.top] })
  const known = chosen.find((path) => !isNew(repository, path))
  if (known !== undefined)
    throw usageError(`${known} is no new file: it is ignored, committed, or not there`, '--untracked takes files that git does not know yet; --carry takes changes of the others')
  const said = notCommittedText(repository)
  const left = repository.untracked.length > 0 && chosen.length === 0
  if (carry === true || untracked.length > 0) {
    if (left) context.err(`offstage: new files are not taken along: --untracked all takes them\n`)
    return said === undefined ? undefined : { untracked: chosen }
  }
  if (carry === false || said === undefined) return undefined
  if (!canAsk(context)) {
    context.err(`offstage: ${said}: it starts from HEAD without ${isOne(repository) ? 'it' : 'them'} (--carry takes changes along, --untracked all new files too)\n`)
    return undefined
  }
  const choices = ['[Y] all', ...(repository.changed.length > 0 ? ['[t] tracked only'] : []), ...(repository.untracked.length > 0 ? ['[c] choose'] : []), '[n] start from HEAD']
  context.err(`${said}, and it gets a worktree: take ${isOne(repository) ? 'it' : 'them'} along?\n`)
  switch (await choiceOf(context, `${choices.join('  ')} `, ['y', ...(repository.changed.length > 0 ? ['t'] : []), ...(repository.untracked.length > 0 ? ['c'] : []), 'n'])) {
    case 'y':
      return { untracked: 'all' }
    case 't':
      return { untracked: [] }
    case 'c': {
      const taken = await chosenFrom(context, repository.untracked)
      return taken.length === 0 && repository.changed.length === 0 ? undefined : { untracked: taken }
    }
    case 'n':
      return undefined
    default:
      throw new CommandFailed('not-confirmed', 'nothing was started', { exitCode: exitCodes.refused })
  }
}

const isOne = ({ changed, untracked }: Repository): boolean => changed.length + untracked.length === 1

/** One of them, or below one that is new as a whole folder. A list that is cut tells nothing of what is not in it. */
const isNew = ({ untracked }: Repository, path: TreePath): boolean =>
  untracked.length >= 200 || untracked.some((one) => one === path || one === `${path}/` || (one.endsWith('/') && path.startsWith(one)) || one.startsWith(`${path}/`))

/** Asked until what is typed names some; Enter is none. */
async function chosenFrom(context: Context, untracked: readonly TreePath[]): Promise<readonly TreePath[]> {
  const width = String(untracked.length).length
  context.err(untracked.map((path, index) => `  ${String(index + 1).padStart(width)} ${pathLine(path)}\n`).join(''))
  for (;;) {
    const line = await askLine(context, 'which? numbers, like 1 3-5; Enter for none ')
    const chosen = numbersFrom(line ?? '', untracked.length)
    if (chosen) return chosen.flatMap((number) => untracked[number - 1] ?? [])
  }
}

/** Undefined: not numbers from 1 to `most`, or ranges of them. */
export function numbersFrom(line: string, most: number): readonly number[] | undefined {
  const numbers = new Set<number>()
  for (const word of line.split(/[\s,]+/).filter((one) => one !== '')) {
    const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(word) ?? []
    if (first === undefined || Number(first) < 1 || Number(last) > most || Number(first) > Number(last)) return undefined
    for (let number = Number(first); number <= Number(last); number += 1) numbers.add(number)
  }
  return [...numbers].toSorted((a, b) => a - b)
}
