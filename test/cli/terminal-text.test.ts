import { expect, test } from 'vitest'
import { typed } from '../../src/cli/terminal-text.ts'
import { fold } from '../../src/core/session.ts'
import type { Signal } from '../../src/core/signal.ts'
import { type SessionView, viewOf } from '../../src/core/view.ts'
import type { Event } from '../../src/core/events.ts'

function view(agent: string, signal: Signal, ...more: readonly Event[]): SessionView {
  const events: readonly Event[] = [
    { type: 'created', spec: { kind: 'terminal', driver: 'terminal', agent, argv: [agent], cwd: '/p' }, title: agent },
    { type: 'run-starting', run: 1, because: 'created', environmentNames: [] },
    { type: 'run-started', run: 1, keeper: { pid: 7, start: 1 }, child: { pid: 8, start: 1 } },
    { type: 'signaled', run: 1, signal },
    ...more,
  ]
  const session = fold(events.map((event, at) => ({ session: 'tttttttt', seq: at + 1, cursor: at + 1, atMs: 1000, by: 'agent', event })))
  if (!session) throw new Error('no session')
  return viewOf(session, 2000)
}
const says = (state: 'idle' | 'working' | 'blocked' | 'done', source: Signal['claims'][number]['source'] = 'OSC 7501'): Signal => ({ claims: [{ source, state, atOffset: 5 }] })

test('keystrokes are what was given, with Enter where it is wanted', () => {
  expect(typed(view('bash', { claims: [] }), 'ls', false)).toBe('ls')
  expect(typed(view('bash', { claims: [] }), 'ls', true)).toBe('ls\r')
  expect(typed(view('codex', says('working')), 'later', true)).toBe('later\r')
})

test('an agent that says that it is at its prompt gets a text as a paste', () => {
  for (const state of ['idle', 'done'] as const) expect(typed(view('codex', says(state)), 'two\nlines', true)).toBe('\u001b[200~two\nlines\u001b[201~\r')
  expect(typed(view('codex', says('idle')), 'an end\u001b[201~ in it', true)).toBe('\u001b[200~an end[201~ in it\u001b[201~\r')
  expect(typed(view('codex', says('idle')), '', true)).toBe('\r')
  expect(typed(view('codex', says('idle')), 'x', false)).toBe('x')
  // Others may read what they are given.
  expect(typed(view('deploy', says('idle')), 'x', true)).toBe('x\r')
  expect(typed(view('codex', says('idle', 'title')), 'x', true)).toBe('x\r')
})

test('a question is not answered by Enter after a text', () => {
  const ask = { id: 'r', kind: 'permission' as const, title: 'rm?', options: [] }
  const asks = [
    view('codex', says('blocked')),
    view('gemini', { claims: [...says('idle', 'title').claims, ...says('blocked', 'screen').claims] }),
    view('qwen', { claims: [] }, { type: 'asked', run: 1, ask }),
  ]
  for (const one of asks) {
    expect(() => typed(one, 'please go on', true)).toThrow('session tttttttt asks something: Enter would answer it')
    expect(typed(one, '2', false)).toBe('2')
    expect(typed(one, '', true)).toBe('\r')
  }
})
