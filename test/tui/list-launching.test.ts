// What the dispatch line looks up beside what is typed.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Place } from '../../src/core/workspace.ts'
import { type DirectoryState, LastKnown, agentsFor, directoryState } from '../../src/tui/list/launching.ts'
import { chosenAmong, treeChoices } from '../../src/tui/list/tree-choices.ts'
import { stateOf } from './list-on-stage.ts'

const never = new AbortController().signal
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function folder(): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), 'os-')))
  folders.push(made)
  return made
}

describe('a directory', () => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' }

  test('is told with its project and what a session would work in there', async () => {
    const shop = join(folder(), 'shop')
    mkdirSync(join(shop, '.git'), { recursive: true })
    writeFileSync(join(shop, '.git', 'HEAD'), 'ref: refs/heads/api\n')
    const place: Place = { sessions: ['k3f9x2ab'], auto: { kind: 'worktree', why: 'k3f9x2ab works there' } }
    expect(await directoryState({ place: async () => place }, env, shop, never)).toEqual({ project: 'shop', branch: 'api', place, wish: 'auto' })
  })

  test('of which the daemon says nothing is told without it', async () => {
    const silent = { place: async () => await Promise.reject(new Error('connection lost')) }
    expect(await directoryState(silent, env, folder(), never)).toMatchObject({ branch: undefined, place: undefined })
  })
})

describe('where a task can work', () => {
  const texts = (state: DirectoryState, kind: 'agent' | 'program' = 'agent'): readonly string[] => treeChoices(state, kind, 'S-Tab').map(({ text }) => text)
  const elsewhere = { auto: { kind: 'worktree', why: 'another session works there' } } as const

  test('is said with the state of the tree, the configured way first', () => {
    expect(texts(stateOf())).toEqual(['in place (main, clean)', 'worktree from main (clean)'])
    expect(texts(stateOf(0, 0, elsewhere))).toEqual(['worktree from main (clean)', 'in place (main, clean)'])
    expect(texts({ ...stateOf(), wish: 'worktree' })[0]).toBe('worktree from main (clean)')
    expect(texts({ ...stateOf(0, 0, elsewhere), wish: 'in-place' })[0]).toBe('in place (main, clean)')
    expect(texts(stateOf(0, 0, elsewhere), 'program')[0]).toBe('in place (main, clean)')
  })

  test('offers what is not committed to be taken along, and takes nothing unasked', () => {
    const choices = treeChoices(stateOf(3, 2, elsewhere), 'agent', 'S-Tab')
    expect(choices.map(({ text, wishes }) => [text, wishes])).toEqual([
      ['worktree from main (3 changed, 2 new: S-Tab takes them along)', {}],
      ['worktree from main, with 3 changes', { workspace: 'worktree', carries: { untracked: [] } }],
      ['worktree from main, with 3 changes and 2 new files', { workspace: 'worktree', carries: { untracked: 'all' } }],
      ['in place (main, 3 changed, 2 new)', { workspace: 'in-place' }],
    ])
    expect(texts(stateOf(0, 1, elsewhere))).toEqual(['worktree from main (1 new: S-Tab takes it along)', 'worktree from main, with 1 new file', 'in place (main, 1 new)'])
  })

  test('stays what was chosen when the tree is another one by then', () => {
    const after = (was: DirectoryState, index: number, now: DirectoryState) => {
      const chosen = treeChoices(was, 'agent', '')[index]
      if (!chosen) throw new Error('there is no such choice')
      return chosenAmong(treeChoices(now, 'agent', ''), chosen)?.wishes
    }
    const clean = stateOf()
    const dirty = stateOf(1, 1, elsewhere)
    expect(after(clean, 0, dirty)).toEqual({ workspace: 'in-place' })
    expect(after(clean, 1, dirty)).toEqual({ workspace: 'worktree' })
    expect(after(dirty, 3, clean)).toEqual({ workspace: 'in-place' })
    expect(after(dirty, 2, stateOf(3, 4, elsewhere))).toEqual({ workspace: 'worktree', carries: { untracked: 'all' } })
    expect(after(dirty, 2, stateOf(1, 0, elsewhere))).toEqual({ workspace: 'worktree', carries: { untracked: [] } })
    // What it never was to take along stays.
    expect(after(dirty, 1, stateOf(0, 1, elsewhere))).toEqual({ workspace: 'worktree' })
  })

  test('is in place only where there is no commit or no repository', () => {
    const { repository } = stateOf().place ?? {}
    expect(texts({ ...stateOf(), place: { ...(stateOf().place as Place), repository: { ...(repository as NonNullable<Place['repository']>), head: null } } })).toEqual([
      'in place (main, clean)',
    ])
    expect(texts({ project: 'x', branch: undefined, wish: 'worktree', place: { sessions: [], auto: { kind: 'in-place', why: 'no repository' } } })).toEqual(['in place'])
    expect(texts({ project: 'x', branch: 'main', wish: 'auto', place: undefined })).toEqual(['in place (main)'])
  })
})

test('agents are those of the configuration and those that are known, installed or not', async () => {
  const home = folder()
  mkdirSync(join(home, 'bin'))
  writeFileSync(join(home, 'bin', 'codex-acp'), '#!/bin/sh\n', { mode: 0o700 })
  const agents = await agentsFor({ HOME: home, OFFSTAGE_HOME: join(home, 'state'), PATH: join(home, 'bin') }, home)
  expect(agents.filter((agent) => agent.installed).map(({ name, default: standard }) => [name, standard])).toEqual([
    ['codex', true],
    ['offstage', false],
  ])
})

describe('what was asked last', () => {
  function asked() {
    const asks: { key: string; answer: (value: number) => void; fail: () => void }[] = []
    let nowMs = 0
    let changes = 0
    const known = new LastKnown<number>({
      ask: (key) => new Promise((resolve, reject) => asks.push({ key, answer: resolve, fail: () => reject(new Error('no')) })),
      now: () => nowMs,
      changed: () => (changes += 1),
    })
    return { known, asks, pass: (ms: number) => (nowMs += ms), changes: () => changes }
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  test('is there at once, and asked again only when it is not fresh', async () => {
    const { known, asks, pass, changes } = asked()
    expect([known.get('a'), known.get('a'), known.peek('b')]).toEqual([undefined, undefined, undefined])
    expect(asks.map(({ key }) => key)).toEqual(['a'])
    asks[0]?.answer(1)
    await settled()
    expect([known.get('a'), asks.length, changes()]).toEqual([1, 1, 1])
    pass(5000)
    expect([known.get('a'), asks.length]).toEqual([1, 2])
    asks[1]?.answer(2)
    await settled()
    expect(known.peek('a')).toBe(2)
  })

  test('stays when the next answer fails or comes too late', async () => {
    const { known, asks, pass, changes } = asked()
    known.get('a')
    pass(5000)
    known.get('a')
    asks[1]?.answer(2)
    await settled()
    asks[0]?.answer(1)
    await settled()
    pass(5000)
    known.get('a')
    asks[2]?.fail()
    await settled()
    expect([known.peek('a'), changes()]).toEqual([2, 1])
  })
})
