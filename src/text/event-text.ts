// A fact in words, one line. For `events` and `why`.

import type { Delivery } from '../core/announcement.ts'
import { unreachable } from '../core/errors.ts'
import type { Entry, Event, Exit } from '../core/events.ts'
import { signalText } from '../core/signal.ts'
import { pathLine, printableLine } from '../core/terminal-text.ts'
import { checksLine } from './checks-text.ts'
import { count, duration } from './format.ts'

export const exitText = (exit: Exit): string => ('code' in exit ? `exit code ${exit.code}` : `killed by ${exit.signal}`)

/** What happened, without its type. Printable. */
export const eventText = (event: Event): string => printableLine(wordsOf(event))

function wordsOf(event: Event): string {
  switch (event.type) {
    case 'created':
      return [event.spec.agent, event.spec.cwd, ...(event.label === undefined ? [] : [event.label]), event.title].join('  ')
    case 'labelled':
      return event.label ?? '(no label)'
    case 'pinned':
      return event.pinned ? 'to the top of the list' : 'not any more'
    case 'muted':
      return event.muted ? 'no notifications' : 'notifications again'
    case 'notified':
      return deliveryText(event)
    case 'prompt-queued':
      return `${event.promptId}${event.again ? ' (again)' : ''}  ${event.text}`
    case 'prompt-withdrawn':
      return event.promptId
    case 'run-starting':
      return `run ${event.run}, because of ${event.because === 'created' ? 'its creation' : `a ${event.because}`}${event.resumes === undefined ? '' : `, goes on with ${event.resumes}`}`
    case 'run-started':
      return `run ${event.run}, pid ${event.child.pid}, keeper ${event.keeper.pid}`
    case 'run-not-started':
      return `run ${event.run}: ${event.why}`
    case 'environment-missing':
      return `run ${event.run} waits for an environment`
    case 'run-deferred':
    case 'held':
      return `run ${event.run}: ${event.why}`
    case 'fell-silent':
      return `run ${event.run}, for ${Math.round(event.forMs / 1000)} s`
    case 'paused':
      return `run ${event.run}: ${event.why}${event.untilMs === null ? '' : `, until ${new Date(event.untilMs).toISOString()}`}`
    case 'released':
    case 'continued':
    case 'output-dropped':
    case 'spoke-again':
      return `run ${event.run}`
    case 'agent-ready':
      return `run ${event.run}, ${event.how}, ${[event.agentName, event.agentVersion].filter((one) => one !== undefined).join(' ')} ${event.agentRef}`
    case 'agent-offers':
      return Object.keys(event.offer).join(', ')
    case 'chosen':
      return `${event.what} ${event.value}`
    case 'turn-started':
      return `turn ${event.turn}, prompt ${event.promptId}`
    case 'entry-written':
      return `${event.entryId}  ${entryText(event.entry)}`
    case 'asked':
      return `${event.ask.id}  ${event.ask.kind}: ${event.ask.title}`
    case 'answered':
      return `${event.requestId}  ${answerWords(event)}`
    case 'request-reopened':
      return event.requestId
    case 'request-closed':
      return `${event.requestId}  ${event.because}`
    case 'interrupted':
      return event.turn === 0 ? `run ${event.run}` : `turn ${event.turn}`
    case 'turn-ended':
      return `turn ${event.turn}: ${event.stopReason}${event.message === undefined ? '' : `, ${event.message}`}`
    case 'usage-reported':
      return `${event.usage.inputTokens} tokens in, ${event.usage.outputTokens} out${event.usage.costUsd === null ? '' : `, ${event.usage.costUsd} USD`}`
    case 'stop-asked':
      return `then ${event.then}`
    case 'run-exited':
      return `run ${event.run}: ${exitText(event.exit)}`
    case 'run-failed':
      return `run ${event.run}: ${event.why}`
    case 'run-lost':
      return `run ${event.run}: ${event.cause}`
    case 'stopped':
      return `${event.ended} processes ended`
    case 'given-back':
    case 'archived':
    case 'removed':
    case 'restored':
      return ''
    case 'shown':
      return `${event.entries} entries`
    case 'rebuilt':
      return 'from the byte logs, because the database was damaged or gone'
    case 'signaled':
      return `run ${event.run}: ${signalText(event.signal) || 'nothing any more'}`
    case 'noted':
      return `run ${event.run}: ${event.text}`
    default:
      return treeWords(event)
  }
}

/** What happened to its tree. */
function treeWords(event: TreeEvent): string {
  switch (event.type) {
    case 'workspace-preparing':
      return event.from === undefined ? 'its tree is made' : `its tree ${event.gone ? 'was not there any more, and ' : ''}is made again from ${event.from.slice(0, 8)}`
    case 'workspace-ready':
      return [
        event.base === null ? 'no commit yet' : `base ${event.base.slice(0, 8)}`,
        ...Object.entries(event.ports).map(([name, port]) => `${name}=${port}`),
        ...(event.detached ? ['its branch has moved on: HEAD is detached'] : []),
        ...(event.setup ? [`set up in ${duration(event.setup.ms)}`] : []),
      ].join(', ')
    case 'workspace-failed':
      return `${event.at}: ${event.reason}`
    case 'workspace-removed':
      return `${event.gone ? 'it was not there any more, ' : ''}snapshot ${event.snapshot} has ${event.gone ? 'what it was' : 'all of it'}${event.branchKept ? ', its branch is kept' : ''}`
    case 'workspace-kept':
      return event.hint === undefined ? event.reason : `${event.reason}; ${event.hint}`
    case 'step-started':
      return `${event.step}, ${event.what}: ${event.command}`
    case 'snapshot-asked':
      return ''
    case 'snapshot-taken': {
      const { n, why, turn, commit, leftOut = [] } = event.snapshot
      return `${n}, ${why}, turn ${turn}, ${commit.slice(0, 8)}${leftOut.length === 0 ? '' : `, without ${leftOut.map(({ path }) => pathLine(path)).join(', ')}`}`
    }
    case 'snapshot-failed':
      return `${event.why}, turn ${event.turn}: ${event.reason}`
    case 'snapshots-dropped':
      return event.numbers.join(', ')
    case 'checks-started':
    case 'checks-cut-short':
      return `turn ${event.turn}`
    case 'checked':
      return `turn ${event.turn}: ${event.problem ?? checksLine(event.results)}`
    case 'undo-asked':
      return event.what.kind === 'turns'
        ? `turn ${event.what.turn}`
        : event.what.kind === 'snapshot'
          ? `to snapshot ${event.what.n}`
          : `${event.what.hunks.length} hunks of ${event.what.path}`
    case 'undoing':
      return `from ${event.from.slice(0, 8)} to ${event.to.slice(0, 8)}; snapshot ${event.before} has all as it was`
    case 'undone':
      return `${count(event.files.length, 'file')}; snapshot ${event.before} has all as it was${event.inside ? `; not in ${event.inside.map(pathLine).join(', ')}` : ''}`
    case 'undo-failed':
      return event.reason
    case 'land-asked':
      return `${event.land.how} into ${event.land.into}${event.land.checks ? '' : ', without checks'}${event.land.publish === undefined ? '' : `, ${event.land.publish}`}`
    case 'landing':
      return `${event.ref} from ${event.old.slice(0, 8)} to ${event.new.slice(0, 8)}`
    case 'landed':
      return `${event.how} into ${event.into} as ${event.commit.slice(0, 8)}, ${count(event.files, 'file')}${event.published === undefined ? '' : `; ${event.published}`}`
    case 'land-failed':
      return `${event.at}: ${event.reason}`
    case 'conflicts-forecast':
      return (
        [
          ...event.with.map(({ session, paths }) => `${session}: ${paths.map(pathLine).join(', ')}`),
          ...(event.branch ? [`${event.branch.name}: ${event.branch.paths.map(pathLine).join(', ')}`] : []),
        ].join('; ') || 'with no one'
      )
    default:
      return unreachable(event)
  }
}

type TreeEvent = Extract<
  Event,
  {
    readonly type:
      | `workspace-${string}`
      | `snapshot-${string}`
      | `checks-${string}`
      | `undo-${string}`
      | `land-${string}`
      | 'step-started'
      | 'snapshots-dropped'
      | 'checked'
      | 'undoing'
      | 'undone'
      | 'landing'
      | 'landed'
      | 'conflicts-forecast'
  }
>

/** `needs-you q7m2k3f9 by desktop: told`. */
const deliveryText = ({ about, of, channel, how, detail }: Delivery): string => `${about} ${of} by ${channel}: ${how}${detail === undefined ? '' : `, ${detail}`}`

function answerWords({ answer, secret }: Extract<Event, { type: 'answered' }>): string {
  switch (answer.kind) {
    case 'option':
      return answer.optionId
    case 'decline':
      return 'declined'
    case 'form':
      return `${Object.entries(answer.fields)
        .map(([name, value]) => `${name}: ${String(value)}`)
        .join(', ')}${secret ? ' (a secret is not kept)' : ''}`
  }
}

function entryText(entry: Entry): string {
  switch (entry.kind) {
    case 'message':
    case 'thought':
      return `${entry.kind}: ${entry.text}`
    case 'tool':
      return `${entry.toolKind} ${entry.status}: ${entry.title}`
    case 'plan':
      return `plan: ${entry.steps.filter((step) => step.status === 'completed').length} of ${entry.steps.length} done`
    default:
      return unreachable(entry)
  }
}
