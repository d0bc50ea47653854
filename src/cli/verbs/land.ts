// `offstage land`: brings the work of sessions into a branch of the user's, one after the other, each shown first.

import type { LandingQuery } from '../../core/api.ts'
import type { Land } from '../../core/events.ts'
import { printable, printableLine } from '../../core/terminal-text.ts'
import type { LandHow, LandingPlan } from '../../core/workspace.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'
import { exitCodes, refusedError, reportFailure, usageError } from '../../client/failures.ts'
import { findSessions } from '../../client/find.ts'
import { type Landed, type Queued, conflictError, handOverPrompt, landedText, landingEnd, planOf, planRows, queueLanding } from '../../client/landing.ts'
import { environmentFor } from '../../client/launch.ts'
import { submit } from '../../client/submit.ts'
import { checkRows } from '../../text/checks-text.ts'
import { agentLabel, jsonText, nameOf, painter } from '../../text/format.ts'
import { canAsk, confirmed } from '../ask-person.ts'
import { printResult } from '../result.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text } from '../verb.ts'

interface Wish {
  readonly into: string | undefined
  readonly how: LandHow | undefined
  readonly checks: boolean
  readonly publish: Land['publish']
  readonly message: string | undefined
}

interface Planned {
  readonly session: SessionView
  readonly plan: LandingPlan
}

const hows: readonly LandHow[] = ['squash', 'merge', 'rebase']

async function run(context: Context, args: Args): Promise<number> {
  const wish = wishFrom(args)
  const [dryRun, handOver, yes] = [flag(args, 'dry-run'), flag(args, 'hand-over'), flag(args, 'yes')]
  if (handOver && dryRun) throw usageError('--hand-over and --dry-run exclude each other', '--dry-run alone shows what conflicts; --hand-over shows the prompt before it is sent')
  if (handOver && args.words.length > 1) throw usageError('--hand-over is for one session at a time', 'offstage land ID --hand-over')
  const client = await context.client()
  const sessions = await findSessions(client, args.words, context.signal)
  const planned: Planned[] = []
  let exitCode: number = exitCodes.done
  for (const session of sessions) {
    try {
      planned.push({ session, plan: await planOf(client, queryOf(session.id, wish), context.signal) })
    } catch (thrown) {
      exitCode = worse(exitCode, reportFailure(context, thrown))
    }
  }
  const [first] = planned
  if (handOver) return first ? await handItOver(context, client, first) : exitCode
  const tell = dryRun ? context.out : context.err
  if (dryRun && context.json)
    context.out(
      `${jsonText(
        planned.map(
          ({
            plan: {
              changes: { patch: _, ...changes },
              ...plan
            },
          }) => ({ ...plan, changes }),
        ),
      )}\n`,
    )
  else if (!context.json) for (const one of planned) tell(planText(context, one, wish.checks))
  const { able, unable, exitCode: unableCode } = whichCan(context, planned, dryRun)
  exitCode = worse(exitCode, unableCode)
  if (dryRun) return exitCode
  if (able.length > 0 && !yes && canAsk(context) && !(await confirmed(context, able.length === 1 ? 'land it?' : `land these ${able.length}, in this order?`)))
    throw refusedError('not-confirmed', 'nothing was landed')
  return worse(exitCode, await landAll(context, client, able, wish, unable))
}

/** Those that nothing speaks against; what became of the others. */
function whichCan(
  context: Context,
  planned: readonly Planned[],
  quiet: boolean,
): { readonly able: readonly Planned[]; readonly unable: readonly unknown[]; readonly exitCode: number } {
  let exitCode: number = exitCodes.done
  const unable: unknown[] = []
  const able = planned.filter(({ session: { id, label }, plan }) => {
    const [why] = plan.against
    const problem = why !== undefined ? refusedError('not-now', `${id} is not landed: ${why}`) : plan.conflicts.length > 0 ? conflictError(id, plan) : undefined
    if (!problem) return true
    // The plan that was just printed says it.
    exitCode = worse(exitCode, quiet ? problem.exitCode : reportFailure(context, problem))
    unable.push({ id, label, landed: false, at: why === undefined ? 'conflict' : 'precondition', reason: problem.message, ...(why === undefined ? { paths: plan.conflicts } : {}) })
    return false
  })
  return { able, unable, exitCode }
}

async function landAll(context: Context, client: Client, planned: readonly Planned[], wish: Wish, refused: readonly unknown[]): Promise<number> {
  let exitCode: number = exitCodes.done
  const queued: { readonly session: SessionView; readonly queued: Queued }[] = []
  for (const { session, plan } of planned) {
    try {
      const environment = await environmentFor(context.env, session.agent, session.cwd)
      queued.push({ session, queued: await queueLanding(client, session.id, landOf(wish, plan), environment, context.signal) })
    } catch (thrown) {
      exitCode = worse(exitCode, reportFailure(context, thrown))
    }
  }
  const paint = painter(context.color)
  const results: unknown[] = [...refused]
  for (const { session, queued: one } of queued) {
    const end = await landingEnd(client, one, (event) => context.err(progressText(session.id, event)), context.signal)
    if (end.type === 'land-failed' || end.unpublished) exitCode = worse(exitCode, exitCodes.failed)
    results.push(jsonOf(session, end))
    if (context.json) continue
    const { text: said, hint } = landedText(session, end)
    context.out(`${session.id}  ${nameOf(session)}: ${said}\n`)
    if (end.type === 'land-failed' && end.results)
      context.err(
        checkRows(end.results, paint)
          .map((row) => `${row}\n`)
          .join(''),
      )
    if (hint !== undefined) context.err(`  ${hint}\n`)
  }
  if (context.json) context.out(`${jsonText(results)}\n`)
  return exitCode
}

const queryOf = (session: string, { into, how, publish }: Wish): LandingQuery => ({
  session,
  ...(into === undefined ? {} : { into }),
  ...(how === undefined ? {} : { how }),
  ...(publish === undefined ? {} : { publish }),
})

const landOf = ({ checks, publish, message }: Wish, { into, how }: LandingPlan): Land => ({
  into,
  how,
  checks,
  ...(publish === undefined ? {} : { publish }),
  ...(message === undefined ? {} : { message }),
})

function progressText(id: string, event: { readonly type: string; readonly command?: string; readonly ref?: string }): string {
  if (event.type === 'step-started') return `   ${id}  ${printableLine(event.command ?? '')} …\n`
  return event.type === 'landing' ? `   ${id}  moving ${printableLine(event.ref ?? '')} …\n` : ''
}

function jsonOf({ id, label }: SessionView, end: Landed): unknown {
  const { type, ...rest } = end
  return { id, label, landed: type === 'landed', ...rest }
}

const planText = ({ color }: Context, { session, plan }: Planned, checks: boolean): string =>
  [` ${painter(color).bold(session.id)}  ${nameOf(session)}`, ...planRows(plan, checks).map((row) => `   ${row}`), ''].join('\n')

/** Shown first: it is sent as the user's own words. */
async function handItOver(context: Context, client: Client, { session, plan }: Planned): Promise<number> {
  const { id, agent } = session
  if (plan.conflicts.length === 0) throw refusedError('no-conflict', `${id} conflicts with nothing in ${plan.into}`, `offstage land ${id} lands it`)
  if (session.kind !== 'agent') throw refusedError('not-supported', `session ${id} is a terminal: it takes no prompt`, `offstage switch ${id} opens it`)
  const prompt = handOverPrompt(session.workspace, plan)
  context.err(`this is sent to ${agentLabel(agent)}:\n\n${printable(prompt).replace(/^/gm, '   ')}\n\n`)
  const environment = await environmentFor(context.env, agent, session.cwd)
  const reply = await submit(client, { session: id, command: { type: 'prompt', text: prompt }, environment }, context.signal)
  printResult(context, reply.session, `handed to ${id}  ${nameOf(session)}: offstage land ${id} when it is done`)
  return exitCodes.done
}

/** Failed goes before refused. */
const worse = (one: number, other: number): number => (one === exitCodes.failed || other === exitCodes.failed ? exitCodes.failed : Math.max(one, other))

function wishFrom(args: Args): Wish {
  const [how, ...others] = hows.filter((one) => flag(args, one))
  if (others.length > 0) throw usageError(`--${how} and --${others[0]} exclude each other`, 'choose one of --squash, --merge and --rebase')
  if (flag(args, 'push') && flag(args, 'pr'))
    throw usageError('--push and --pr exclude each other', '--push pushes the branch that it landed in, --pr opens a pull request of its own branch')
  const [into, message] = [text(args, 'into'), text(args, 'message')]
  if (into !== undefined && !/^(?!-)(?!.*\.\.)[^\s~^:?*[\\]+$/.test(into)) throw usageError('--into takes the name of a branch', 'for example: --into main')
  if (message?.trim() === '') throw usageError('--message takes a text', 'leave it out for one that is made of the title')
  return { into, how, checks: !flag(args, 'no-check'), publish: flag(args, 'push') ? 'push' : flag(args, 'pr') ? 'pull-request' : undefined, message }
}

const verb: Verb = {
  name: 'land',
  aliases: [],
  summary: 'bring the work of sessions into your branch',
  usage: ['land ID... [OPTIONS]'],
  about: [
    'Shows first what would land and what speaks against it. What is not committed yet is committed on the branch of the session; it is merged apart, its checks are run on the merged tree, and only if they pass and your branch has not moved meanwhile does your branch move. Your files follow only where they are clean.',
    'Several land in the order given, each on top of those before it; one that fails is set aside, the others go on. Nothing is pushed unless told. It goes on when this command is interrupted.',
    'With --hand-over its agent is asked, in your name, to resolve the conflicts; the prompt is shown first. Exits with 0 if all landed, 1 if one failed or was not pushed, 4 if it was refused.',
  ],
  options: {
    into: { type: 'string', value: 'BRANCH', help: 'where it lands (default: the branch that it was started from)' },
    squash: { type: 'boolean', help: 'as one commit' },
    merge: { type: 'boolean', help: 'with a merge commit' },
    rebase: { type: 'boolean', help: 'commit by commit, on top of the branch' },
    message: { type: 'string', short: 'm', value: 'TEXT', help: 'of the commit that is made' },
    'no-check': { type: 'boolean', help: 'do not run its checks on the merged tree' },
    push: { type: 'boolean', help: 'push the branch afterwards' },
    pr: { type: 'boolean', help: 'open a pull request afterwards, by gh or glab' },
    'hand-over': { type: 'boolean', help: 'ask its agent to resolve the conflicts' },
    yes: { type: 'boolean', short: 'y', help: 'do it without asking' },
    'dry-run': { type: 'boolean', short: 'n', help: 'only show what would happen' },
    json: { ...jsonOption, help: 'print what became of each, one JSON array' },
  },
  words: { min: 1, max: Infinity, name: 'an ID' },
  examples: ['offstage land k3f9', 'offstage land k3f9 --squash -m "Add preferences"', 'offstage land backend docs --yes', 'offstage land k3f9 --hand-over'],
  run,
}

export default verb
