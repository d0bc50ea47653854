// What becomes of a session whose tree stays, fails or comes back.

import { describe, expect, test } from 'vitest'
import type { LaunchSpec } from '../../src/core/events.ts'
import type { Command, Report } from '../../src/core/inputs.ts'
import { recover } from '../../src/core/react.ts'
import { Play, agentSpec, permission, ready } from './play.ts'

const inWorktree: LaunchSpec = {
  ...agentSpec,
  workspace: 'worktree',
  worktree: { repository: '/w/shop', path: '/h/worktrees/sess0001/shop', below: '', branch: 'offstage/sess0001', base: 'a'.repeat(40), from: 'main' },
}
const made: Report = { type: 'workspace-ready', base: 'a'.repeat(40), ports: {} }
const failed: Report = { type: 'workspace-failed', at: 'tree', reason: 'no worktree' }

const names = ['prompt', 'remove', 'restore', 'resume', 'snapshot', 'stop', 'undo'] as const
type Said = Extract<Command, { type: (typeof names)[number] }>
const isSaid = (input: Said | Report): input is Said => names.some((name) => name === input.type)

function played(spec: LaunchSpec, ...inputs: readonly (Said | Report)[]): Play {
  const play = new Play()
  play.submit(play.command({ type: 'create', spec, title: 'a session' }))
  for (const input of inputs) play.submit(isSaid(input) ? play.command(input) : play.report(input))
  return play
}
/** Its agent has become ready, and has left. */
const left: readonly Report[] = [{ type: 'started', keeper: { pid: 1, start: 1 }, child: { pid: 2, start: 2 } }, ready, { type: 'exited', exit: { code: 0 }, outEnd: 1, errEnd: 0 }]
const last = ({ log }: Play): readonly string[] => log.slice(-2).map(({ event }) => event.type)

describe('a worktree', () => {
  test('that was never made ready is not by staying when it was to go', () => {
    const play = played(
      inWorktree,
      failed,
      { type: 'stop' },
      { type: 'remove' },
      { type: 'swept', ended: 0 },
      { type: 'remove' },
      { type: 'workspace-kept', reason: 'somebody is in it' },
    )
    expect(play.session?.tree.state).toBe('failed')
    play.submit(play.command({ type: 'restore' }))
    play.submit(play.command({ type: 'resume' }))
    expect(last(play)).toContain('workspace-preparing')
  })

  test('that was ready is, when it stays', () => {
    const play = played(inWorktree, made, ...left, { type: 'remove' }, { type: 'workspace-kept', reason: 'somebody is in it' })
    expect(play.session?.tree.state).toBe('ready')
  })

  test('that could not be made again is made before a prompt starts a program in it', () => {
    const gone: readonly (Said | Report)[] = [{ type: 'remove' }, { type: 'workspace-removed', snapshot: 0, branchKept: true }, { type: 'restore' }, failed]
    const play = played(inWorktree, made, ...left, ...gone, { type: 'prompt', text: 'more' })
    expect(play.session?.tree.state).toBe('preparing')
    expect(last(play)).toEqual(['prompt-queued', 'workspace-preparing'])
  })
})

describe('a worktree that somebody deleted', () => {
  const commit = 'b'.repeat(40)
  const snapshot: Report = { type: 'snapshot-taken', snapshot: { n: 2, commit, tree: 'c'.repeat(40), why: 'turn-end', turn: 1, atMs: 7 } }
  const started = left.slice(0, 2)
  const prompted: readonly (Said | Report)[] = [...started, { type: 'prompt', text: 'go' }, { type: 'turn-ended', promptId: 'cmd00002', stopReason: 'end_turn' }, snapshot]
  const without = (play: Play, command: Command) => play.submit({ ...play.command(command), treeGone: true }).decided
  const told = {
    refused: 'no-worktree',
    message: 'the worktree of session sess0001 is not there any more: /h/worktrees/sess0001/shop',
    hint: 'offstage restore sess0001 brings it back as it was in snapshot 2',
  }

  test.each<Command>([
    { type: 'prompt', text: 'more' },
    { type: 'resume' },
    { type: 'snapshot' },
    { type: 'check' },
    { type: 'undo', what: { kind: 'snapshot', n: 2 } },
    { type: 'land', land: { into: 'main', how: 'squash', checks: true } },
  ])('is worked in by nobody: $type', (command) => {
    const play = played(inWorktree, made, ...prompted)
    expect(without(play, command)).toEqual(told)
    expect(without(play, { type: 'label', label: 'mine' })).toEqual([{ type: 'labelled', label: 'mine' }])
  })

  test('is made again as it was kept last, and what was at rest there goes back first', () => {
    const play = played(inWorktree, made, ...prompted)
    expect(without(play, { type: 'restore' })).toEqual([
      { type: 'stop-asked', then: 'given-back' },
      { type: 'workspace-preparing', from: commit, gone: true, environmentNames: ['PATH'] },
    ])
    // A daemon that comes over it goes on with both, and stops nothing of what is being made.
    expect(play.session && recover(play.session).map(({ type }) => type)).toEqual(['adopt-run', 'stop-run', 'prepare-workspace'])
    play.submit(play.command({ type: 'prompt', text: 'more' }))
    play.submit(play.report({ type: 'swept', ended: 1 }))
    expect(last(play)).toEqual(['prompt-queued', 'given-back'])
    play.submit(play.report(made))
    expect(last(play)).toEqual(['workspace-ready', 'run-starting'])
  })

  test('is told of as one that could not be made, while what was there goes back', () => {
    const play = played(inWorktree, made, ...prompted)
    without(play, { type: 'restore' })
    play.submit(play.report(failed))
    expect(last(play)).toEqual(['workspace-failed', 'asked'])
  })

  test('is made again with a session that is in the list no more', () => {
    const play = played(inWorktree, made, ...prompted, ...left.slice(2), { type: 'remove' }, { type: 'workspace-kept', reason: 'somebody is in it' })
    expect(without(play, { type: 'prompt', text: 'more' })).toMatchObject({ refused: 'removed' })
    without(play, { type: 'restore' })
    expect(last(play)).toEqual(['restored', 'workspace-preparing'])
  })

  test('is not made again under an agent that is at work, nor out of nothing', () => {
    const working = played(inWorktree, made, ...prompted, { type: 'prompt', text: 'more' })
    expect(without(working, { type: 'restore' })).toMatchObject({ refused: 'at-work' })
    const unkept = played(inWorktree, made, ...left)
    expect(without(unkept, { type: 'restore' })).toMatchObject({ refused: 'no-worktree', hint: 'no snapshot of it is kept; what was committed is on offstage/sess0001' })
  })
})

test('what was being taken back in a worktree that is to go is ended before it goes', () => {
  const taken: Report = { type: 'snapshot-taken', snapshot: { n: 1, commit: 'b'.repeat(40), tree: 'c'.repeat(40), why: 'turn-end', turn: 1, atMs: 1 } }
  const play = played(inWorktree, made, ...left, taken, { type: 'undo', what: { kind: 'snapshot', n: 1 } }, { type: 'remove' })
  const kinds = play.session ? recover(play.session).map(({ type }) => type) : []
  expect(kinds.filter((kind) => kind === 'undo' || kind === 'dispose-workspace')).toEqual(['undo', 'dispose-workspace'])
})

test('an agent is not told that a question of Offstage’s own is over', () => {
  const ask: Report = { type: 'asks-about', ask: { ...permission, about: 'conflict' } }
  const play = played(inWorktree, made, ...left.slice(0, 2), ask, { type: 'stop' })
  expect(play.log.some(({ event }) => event.type === 'request-closed')).toBe(true)
  expect(play.effects.flatMap((effect) => (effect.type === 'order' ? [effect.order.type] : []))).toEqual(['close'])
})

describe('in place', () => {
  const withPorts: LaunchSpec = { ...agentSpec, preparation: { ports: ['PORT'] } }

  test('ports are given back when a session is removed, and taken again when it comes back', () => {
    const play = played(withPorts, { ...made, ports: { PORT: 20_001 } }, ...left, { type: 'remove' })
    expect(play.effects.at(-1)).toEqual({ type: 'dispose-workspace' })
    play.submit(play.command({ type: 'restore' }))
    expect(last(play)).toEqual(['restored', 'workspace-preparing'])
  })
})

test('a snapshot that somebody waits for is taken by the next daemon', () => {
  const play = played(inWorktree, made, ...left, { type: 'snapshot' })
  const wants = (): boolean => play.session !== undefined && recover(play.session).some((effect) => effect.type === 'snapshot')
  expect(wants()).toBe(true)
  play.submit(play.report({ type: 'snapshot-failed', why: 'asked', turn: 0, reason: 'the disk is full' }))
  expect(wants()).toBe(false)
})
