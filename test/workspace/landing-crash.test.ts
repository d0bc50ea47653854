// Everything dies at any step of a landing: afterwards the user's tree is as before or as after, what is not committed is byte for byte as it was, and no lock of ours is left.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { mayFollow, moveBranch } from '../../src/workspace/landing.ts'
import { LandingPlace, bytesOf, never } from './landing-place.ts'

const places: LandingPlace[] = []

afterEach(() => {
  for (const made of places.splice(0)) made[Symbol.dispose]()
})

const before = { 'a.txt': 'a\n', 'b.txt': 'b\n', 'gone/x.txt': 'x\n', turns: 't\n', mine: 'm\n' }

/** A landing of everything that there is, and a user who is at work elsewhere. */
async function aLanding() {
  const at = new LandingPlace(before)
  places.push(at)
  at.commit(at.session, { 'a.txt': 'A\n', 'b.txt': { run: 'b\n' }, 'gone/x.txt': null, 'new/y.txt': 'y\n', turns: null, 'turns/z': 'z\n', link: { link: 'a.txt' } })
  const { move } = await at.merged()
  at.write(at.user, { mine: 'edited\n', 'own.txt': 'o\n' })
  const own = { mine: '0 edited\n', 'own.txt': '0 o\n' }
  return {
    at,
    move,
    before: { 'a.txt': '0 a\n', 'b.txt': '0 b\n', 'gone/x.txt': '0 x\n', turns: '0 t\n', ...own },
    after: { 'a.txt': '0 A\n', 'b.txt': '111 b\n', 'new/y.txt': '0 y\n', 'turns/z': '0 z\n', link: '-> a.txt', ...own },
  }
}

type Aim = Awaited<ReturnType<typeof aLanding>>

/** Moves until a step, and stays there for ever: nothing behind it is done, as if all had died. Gives the steps. */
async function dieAt({ at, move }: Aim, wanted: number): Promise<readonly string[]> {
  const steps: string[] = []
  let reached = (): void => {}
  const there = new Promise<void>((resolve) => {
    reached = resolve
  })
  const step = (name: string): Promise<void> | undefined => {
    steps.push(name)
    if (steps.length !== wanted) return undefined
    reached()
    return new Promise(() => {})
  }
  await Promise.race([there, moveBranch({ ...at.deps, step }, move, never)])
  return steps
}

const allSteps = await (async () => {
  const steps = await dieAt(await aLanding(), 0)
  for (const made of places.splice(0)) made[Symbol.dispose]()
  return steps
})()

const moved = allSteps.indexOf('move the branch') + 1

function expectAfter({ at, move, after }: Aim): void {
  expect(bytesOf(at.user)).toEqual(after)
  expect([at.git('rev-parse', 'main'), at.git('status', '--porcelain')]).toEqual([move.new, ' M mine\n?? own.txt'])
  expectTidy(at)
}

const expectTidy = (at: LandingPlace): void =>
  expect([existsSync(join(at.user, '.git', 'index.lock')), existsSync(join(at.user, '.git', 'offstage-landing')), at.git('fsck', '--no-dangling', '--no-progress')]).toEqual([
    false,
    false,
    '',
  ])

test('the steps are those that there are', () => {
  expect(allSteps.slice(0, moved)).toEqual(['own lock', 'lock', 'write out', 'write the plan', 'plan', 'move the branch'])
  expect(allSteps.slice(-4)).toEqual(['index', 'forget the plan', 'unlock', 'tidy up'])
  expect(allSteps.length).toBeGreaterThan(20)
})

test.each(allSteps.map((name, at) => [name, at + 1] as const))('death at "%s" (%i): who asks again gets what he asked for', async (_, wanted) => {
  const aim = await aLanding()
  await dieAt(aim, wanted)
  // Until the branch has moved nothing at all has changed, and afterwards no other git gets in between.
  if (wanted <= moved) expect([bytesOf(aim.at.user), aim.at.git('rev-parse', 'main')]).toEqual([aim.before, aim.move.old])
  expect(await moveBranch(aim.at.deps, { ...aim.move, going: true }, never)).toEqual({ moved: true, left: [] })
  expectAfter(aim)
})

test.each([2, 5, moved, moved + 3, allSteps.length - 2])('death at step %i, and nobody asks again: the next landing there finishes or forgets it', async (wanted) => {
  const aim = await aLanding()
  await dieAt(aim, wanted)
  const head = aim.at.git('rev-parse', 'main')
  await mayFollow(aim.at.deps, aim.at.user, { old: head, new: head }, never)
  if (wanted <= moved) {
    expect(bytesOf(aim.at.user)).toEqual(aim.before)
    expectTidy(aim.at)
  } else expectAfter(aim)
})

test('a landing that is under way is not taken for one that died', async () => {
  const aim = await aLanding()
  const { at, move } = aim
  const held = Promise.withResolvers<void>()
  const there = Promise.withResolvers<void>()
  const deps = {
    ...at.deps,
    step: (name: string) => {
      if (name !== 'move the branch') return undefined
      there.resolve()
      return held.promise
    },
  }
  const moved = moveBranch(deps, move, never)
  await there.promise
  await expect(mayFollow(deps, at.user, { old: move.old, new: move.old }, never)).rejects.toMatchObject({ kind: 'busy' })
  await expect(moveBranch(deps, move, never)).rejects.toMatchObject({ kind: 'busy' })
  held.resolve()
  expect(await moved).toEqual({ moved: true, left: [] })
  expectAfter(aim)
})

test('no commit of the user comes in between', async () => {
  const aim = await aLanding()
  await dieAt(aim, moved + 2)
  expect(() => aim.at.git('commit', '-qam', 'mine')).toThrow(/index\.lock/)
})

test('a user who took our lock away and went on has the last word', async () => {
  const aim = await aLanding()
  await dieAt(aim, moved + 2)
  const { at } = aim
  rmSync(join(at.user, '.git', 'index.lock'))
  // As it is left, the index is that of the commit before.
  at.git('reset', '-q', '--mixed')
  at.write(at.user, { 'b.txt': 'mine\n', 'new/y.txt': 'mine too\n' })
  const { left } = await moveBranch(at.deps, { ...aim.move, going: true }, never)
  expect(left.toSorted()).toEqual(['b.txt', 'new/y.txt'])
  expect(bytesOf(at.user)).toEqual({ ...aim.after, 'b.txt': '0 mine\n', 'new/y.txt': '0 mine too\n' })
  expect(at.git('status', '--porcelain')).toBe(' M b.txt\n M mine\n M new/y.txt\n?? own.txt')
  expectTidy(at)
})

test('a user who took our lock away and switched to another branch is left alone', async () => {
  const aim = await aLanding()
  await dieAt(aim, moved + 1)
  const { at } = aim
  rmSync(join(at.user, '.git', 'index.lock'))
  at.git('symbolic-ref', 'HEAD', 'refs/heads/other')
  at.git('update-ref', 'refs/heads/other', aim.move.old)
  const bytes = bytesOf(at.user)
  expect(await moveBranch(at.deps, { ...aim.move, going: true }, never)).toEqual({ moved: true, left: [] })
  expect(bytesOf(at.user)).toEqual(bytes)
  expectTidy(at)
})

test("another git's lock, in the place of ours, is waited for", async () => {
  const aim = await aLanding()
  await dieAt(aim, moved + 1)
  const lock = join(aim.at.user, '.git', 'index.lock')
  rmSync(lock)
  writeFileSync(lock, 'theirs')
  const said = await moveBranch(aim.at.deps, { ...aim.move, going: true }, never)
  expect(said).toMatchObject({ moved: true, behind: expect.stringContaining('another git is at work') })
  expect(readFileSync(lock, 'utf8')).toBe('theirs')
  rmSync(lock)
  expect(await moveBranch(aim.at.deps, { ...aim.move, going: true }, never)).toEqual({ moved: true, left: [] })
  expectAfter(aim)
})

test('a branch that somebody moved on meanwhile has landed all the same', async () => {
  const aim = await aLanding()
  await dieAt(aim, moved + 1)
  const { at } = aim
  const tree = at.git('rev-parse', `${aim.move.new}^{tree}`)
  at.git('update-ref', 'refs/heads/main', at.git('commit-tree', tree, '-p', aim.move.new, '-m', 'pushed by somebody'))
  expect(await moveBranch(at.deps, { ...aim.move, going: true }, never)).toEqual({ moved: true, left: [] })
  expect([bytesOf(at.user), at.git('status', '--porcelain')]).toEqual([aim.after, ' M mine\n?? own.txt'])
})
