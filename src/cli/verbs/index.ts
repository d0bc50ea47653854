// The verbs: one file and one line each.

import type { Verb } from '../verb.ts'

export interface VerbEntry {
  readonly name: string
  readonly aliases: readonly string[]
  readonly summary: string
  readonly load: () => Promise<{ readonly default: Verb }>
}

const entry = (name: string, summary: string, load: VerbEntry['load'], aliases: readonly string[] = []): VerbEntry => ({ name, aliases, summary, load })

export const verbs: readonly VerbEntry[] = [
  entry('run', 'start a session in the foreground', () => import('./run.ts')),
  entry('bg', 'start a session in the background', () => import('./bg.ts')),
  entry('sessions', 'list the sessions', () => import('./sessions.ts'), ['ls']),
  entry('switch', 'bring a session to the foreground', () => import('./switch.ts'), ['attach']),
  entry('logs', 'print what was said and done', () => import('./logs.ts')),
  entry('search', 'find where something was said', () => import('./search.ts')),
  entry('send', 'send a prompt, or keystrokes to a terminal', () => import('./send.ts')),
  entry('requests', 'list what waits for an answer', () => import('./requests.ts')),
  entry('answer', 'answer a question or a permission', () => import('./answer.ts')),
  entry('wait', 'wait until sessions are done or need you', () => import('./wait.ts')),
  entry('events', 'print the facts, one a line', () => import('./events.ts')),
  entry('why', 'explain the status of a session', () => import('./why.ts')),
  entry('interrupt', 'cancel what the agent does now', () => import('./interrupt.ts')),
  entry('stop', 'end the process, keep the session', () => import('./stop.ts')),
  entry('end', 'stop a session and archive it', () => import('./end.ts')),
  entry('resume', 'start the agent of a session again', () => import('./resume.ts')),
  entry('diff', 'show what a session changed', () => import('./diff.ts')),
  entry('undo', 'take back what a session changed', () => import('./undo.ts')),
  entry('check', 'run the checks of a session now', () => import('./check.ts')),
  entry('land', 'bring the work of sessions into your branch', () => import('./land.ts')),
  entry('conflicts', 'say whose work cannot be merged as it is', () => import('./conflicts.ts')),
  entry('snapshots', 'list what of a session can be brought back', () => import('./snapshots.ts')),
  entry('rm', 'remove a session from the list', () => import('./rm.ts')),
  entry('restore', 'bring back a removed session, or the files of a snapshot', () => import('./restore.ts')),
  entry('label', 'name a session', () => import('./label.ts')),
  entry('notify', 'say how you are told when nobody looks', () => import('./notify.ts')),
  entry('agent', "be Offstage's own agent, for a client of ACP", () => import('./agent.ts')),
  entry('agents', 'list the agents that can be used', () => import('./agents.ts')),
  entry('models', 'list the models that can be reached, keep their keys', () => import('./models.ts')),
  entry('daemon', 'look at, start or stop the daemon', () => import('./daemon.ts')),
  entry('doctor', 'check the installation, say what to do', () => import('./doctor.ts')),
  entry('completion', 'let Tab complete commands, ids and labels', async () => ({ default: (await import('./completion.ts')).completionVerb(verbs) })),
  entry('demo', 'see three scripted sessions at work', () => import('./demo.ts')),
]
