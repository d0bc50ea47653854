// What may come over the wire about trees: nothing of a message decides where Offstage makes or removes a folder, and nothing of it is cut short or taken for an option further down.

import { expect, test } from 'vitest'
import { parseParams } from '../../src/protocol/schemas.ts'
import { newId } from '../home.ts'

const created = (more: object) => ({
  session: newId(),
  commandId: newId(),
  command: { type: 'create', title: 'test', spec: { kind: 'agent', driver: 'acp', agent: 'a', argv: ['a'], cwd: '/w', ...more } },
})
const undo = (what: object) => ({ session: newId(), commandId: newId(), command: { type: 'undo', what } })
const problem = (method: 'submit' | 'changes' | 'landing', params: unknown): string | undefined => {
  const parsed = parseParams(method, params)
  return 'wrong' in parsed ? parsed.wrong : undefined
}

test('a worktree that a client names is nobody’s', () => {
  const worktree = { repository: '/w', path: '/home/me', below: '', branch: 'main', base: 'a'.repeat(40) }
  expect(JSON.stringify(parseParams('submit', created({ workspace: 'worktree', worktree })))).not.toContain('/home/me')
})

test.each([
  ['a variable with a = in its name', 'submit', created({ preparation: { environment: { 'A=B': '1' } } })],
  ['a variable with NUL in its name', 'submit', created({ preparation: { environment: { 'A\0B': '1' } } })],
  ['a port that is two words', 'submit', created({ preparation: { ports: ['PORT 1'] } })],
  ['a port with a line break', 'submit', created({ preparation: { ports: ['PORT\n20001 aaaaaaaa X'] } })],
  ['a check with NUL', 'submit', created({ checks: ['true\0; false'] })],
  ['a set-up that no system would take', 'submit', created({ preparation: { setup: 'x'.repeat(200_000) } })],
  ['a path with NUL', 'submit', undo({ kind: 'turns', turn: 1, paths: ['a\0b'] })],
  ['an object that is an option', 'submit', undo({ kind: 'hunks', from: '--upload-pack=x', to: 'a'.repeat(40), path: 'a', hunks: [0] })],
  ['a branch that is an option', 'landing', { session: newId(), into: '--force' }],
  ['a range', 'changes', { session: newId(), against: 'a..b' }],
] as const)('%s is refused', (_, method, params) => {
  expect(problem(method, params)).toMatch(/\w/)
})

test('what is usual is taken', () => {
  expect(
    problem('submit', created({ preparation: { setup: 'npm ci', ports: ['PORT'], environment: { URL: 'http://localhost:$PORT' }, bring: ['.env'] }, checks: ['npm test'] })),
  ).toBeUndefined()
  expect(problem('submit', undo({ kind: 'turns', turn: 'all', paths: ['"a\\377"', 'a b\nc'] }))).toBeUndefined()
})
