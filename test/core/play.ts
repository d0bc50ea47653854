// A tiny pure engine for tests of the core: what the real one does with an input, in memory and without performing anything. `given(...).when(...).gives(...)` is built on it.

import { expect } from 'vitest'
import { authorOf, decide, settle } from '../../src/core/decide.ts'
import { type Refusal, isRefusal } from '../../src/core/errors.ts'
import type { Envelope, Event, LaunchSpec } from '../../src/core/events.ts'
import type { Command, Input, Report } from '../../src/core/inputs.ts'
import { type Effect, react } from '../../src/core/react.ts'
import type { Ask } from '../../src/core/requests.ts'
import { type Session, evolve, fold } from '../../src/core/session.ts'

export const sessionId = 'sess0001'

export class Play {
  readonly log: Envelope[] = []
  readonly effects: Effect[] = []
  session: Session | undefined
  #commands = 0

  /** One fact more, through JSON as the log does it. */
  append(event: Event, by: Envelope['by'] = 'offstage', command?: string): void {
    const seq = this.log.length + 1
    const envelope: Envelope = {
      session: sessionId,
      seq,
      cursor: seq,
      atMs: seq * 1000,
      by,
      ...(command === undefined ? {} : { command }),
      event: JSON.parse(JSON.stringify(event)) as Event,
    }
    const before = this.session
    const after = evolve(before, envelope)
    this.log.push(envelope)
    this.effects.push(...react(before, envelope, after))
    this.session = after
  }

  /** The facts that came of it: those that were decided, then those that followed by themselves. */
  submit(input: Input): { readonly decided: readonly Event[] | Refusal; readonly followed: readonly Event[] } {
    const decided = decide(this.session, input)
    const followed: Event[] = []
    if (isRefusal(decided)) return { decided, followed }
    const command = input.kind === 'command' ? input.id : undefined
    for (const event of decided) this.append(event, authorOf(input), command)
    for (let next = this.session ? settle(this.session) : []; next.length > 0; next = this.session ? settle(this.session) : []) {
      for (const event of next) this.append(event)
      followed.push(...next)
    }
    return { decided, followed }
  }

  command(command: Command, environmentNames: readonly string[] = ['PATH']): Extract<Input, { readonly kind: 'command' }> {
    this.#commands++
    return { kind: 'command', id: `cmd${String(this.#commands).padStart(5, '0')}`, command, environmentNames }
  }

  report(report: Report, run = this.session?.runs ?? 0): Input {
    return { kind: 'report', run, report }
  }
}

export const agentSpec: LaunchSpec = { kind: 'agent', driver: 'acp', agent: 'scripted', argv: ['scripted', '--acp'], cwd: '/w/shop' }
export const terminalSpec: LaunchSpec = { kind: 'terminal', driver: 'terminal', agent: 'bash', argv: ['bash'], cwd: '/w/shop', size: { columns: 80, rows: 24 } }

export const permission: Ask = {
  id: 'reqperm1',
  kind: 'permission',
  title: 'delete old.txt',
  options: [
    { id: 'always', label: 'Allow always', kind: 'allow', scope: 'always' },
    { id: 'yes', label: 'Allow once', kind: 'allow', scope: 'once' },
    { id: 'no', label: 'Reject', kind: 'reject', scope: 'once' },
  ],
}

export const question: Ask = {
  id: 'reqform1',
  kind: 'question',
  title: 'Which tone?',
  detail: 'It is for the greeting.\nBoth work.',
  options: [],
  fields: [{ name: 'tone', label: 'Tone', type: 'text', required: true }],
}

export const secretQuestion: Ask = {
  id: 'reqsecr1',
  kind: 'auth',
  title: 'Log in',
  options: [],
  fields: [
    { name: 'user', label: 'User', type: 'text', required: true },
    { name: 'token', label: 'Token', type: 'text', required: true, secret: true },
  ],
}

/** About a prompt that was refused for want of a log-in. */
export const logIn: Ask = {
  id: 'reqlogin',
  kind: 'auth',
  title: 'log in',
  options: [
    { id: 'key', label: 'Use a key', kind: 'other' },
    { id: 'again', label: 'send the prompt again', kind: 'other', again: true },
    { id: 'leave', label: 'leave it', kind: 'reject' },
  ],
}

export const ready: Extract<Report, { type: 'ready' }> = { type: 'ready', agentRef: 'ref-1', how: 'new', canResume: true, offer: {} }

// Facts in the order in which a session usually has them.
export const created: Event = { type: 'created', spec: agentSpec, title: 'Tidy up' }
export const createdTerminal: Event = { type: 'created', spec: terminalSpec, title: 'bash' }
export const queued = (promptId = 'p1', text = 'tidy up'): Event => ({ type: 'prompt-queued', promptId, text })
export const starting = (run = 1, because: 'created' | 'resume' | 'prompt' = run === 1 ? 'created' : 'resume'): Event => ({
  type: 'run-starting',
  run,
  because,
  environmentNames: ['PATH'],
})
export const started = (run = 1): Event => ({ type: 'run-started', run, keeper: { pid: 100 + run, start: 5 }, child: { pid: 200 + run, start: 6 } })
export const agentReady = (run = 1, canResume = true): Event => {
  const { type: _, ...facts } = ready
  return { type: 'agent-ready', run, ...facts, canResume }
}
export const turnStarted = (turn = 1, promptId = 'p1', run = 1): Event => ({ type: 'turn-started', run, turn, promptId })
export const asked = (ask: Ask = permission, run = 1): Event => ({ type: 'asked', run, ask })
export const turnEnded = (turn = 1, run = 1): Event => ({ type: 'turn-ended', run, turn, stopReason: 'end_turn' })
export const exited = (code = 0, run = 1): Event => ({ type: 'run-exited', run, exit: { code }, outEnd: 10, errEnd: 0 })
export const lost = (run = 1): Event => ({ type: 'run-lost', run, cause: 'its keeper ended unexpectedly' })
export const stopAsked = (then: 'stopped' | 'archived' | 'removed' = 'stopped'): Event => ({ type: 'stop-asked', then })
export const stopped: Event = { type: 'stopped', ended: 1 }

export const idle = [created, starting(), started(), agentReady()]
export const working = [created, queued(), starting(), started(), agentReady(), turnStarted()]
export const waiting = [...working, asked()]
export const completed = [...working, turnEnded()]
export const halted = [...completed, stopAsked(), exited(), stopped]

export const folded = (events: readonly Event[]): Session => {
  const play = new Play()
  for (const event of events) play.append(event)
  const session = fold(play.log)
  if (!session) throw new Error('no events')
  return session
}

type Given = { readonly when: (input: Command | { readonly report: Report; readonly run?: number }, environmentNames?: readonly string[]) => Expectation }
type Expectation = {
  /** All facts that come of it, by itself following ones included, or (part of) a refusal. */
  readonly gives: (expected: readonly Event[] | Partial<Refusal>) => void
}

export const given = (...events: readonly Event[]): Given => ({
  when: (input, environmentNames = ['PATH']) => ({
    gives: (expected) => {
      const play = new Play()
      for (const event of events) play.append(event)
      const { decided, followed } = play.submit('report' in input ? play.report(input.report, input.run) : { kind: 'command', id: 'cmd', command: input, environmentNames })
      if (Array.isArray(expected)) expect(isRefusal(decided) ? decided : [...decided, ...followed]).toEqual(expected)
      else expect(decided).toMatchObject(expected)
    },
  }),
})
