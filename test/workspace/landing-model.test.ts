// Against a model: whatever the user has edited and the session has committed, either the branch has the merge and every file that the user had not committed is as it was, or nothing at all was touched.

import fc from 'fast-check'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mayFollow, moveBranch } from '../../src/workspace/landing.ts'
import { WorkspaceFailed } from '../../src/workspace/workspaces.ts'
import { type Files, LandingPlace, bytesOf, never } from './landing-place.ts'

const committed: Files = { a: 'a\n', 'd/b': 'b\n', 'd/c': 'c\n', 'e/f/g': 'g\n', run: { run: 'r\n' }, link: { link: 'a' }, 'ü "1"\n': 'u\n' }
const paths = [...Object.keys(committed), 'new', 'd/new', 'e', 'a/in', 'n/e/w']
const content = fc.oneof(
  fc.constant(null),
  fc.constantFrom('x\n', 'y\r\n', '', 'a\n'),
  fc.constantFrom({ link: 'a' }, { link: 'nowhere' }),
  fc.constantFrom({ run: 'x\n' }, { run: 'r\n' }),
  fc.constant(Buffer.from([0, 255, 10])),
)
const edits = fc.array(fc.tuple(fc.constantFrom(...paths), content), { maxLength: 5 })

/** One after the other; what does not fit any more (a folder where a file is) is not done. */
function edit(at: LandingPlace, top: string, wanted: readonly (readonly [string, Files[string]])[]): void {
  for (const [path, to] of wanted) {
    try {
      if (to !== undefined) at.write(top, { [path]: to })
    } catch {
      // a file, or a link in a circle, is in its way
    }
  }
}

const commitAll = (at: LandingPlace, top: string): void => {
  at.gitIn(top, 'add', '-A')
  at.gitIn(top, 'commit', '-q', '--allow-empty', '-m', 'more')
}

test('a landing is a merge and nothing else, or nothing at all', async () => {
  const came = { landed: 0, refused: 0, conflict: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        session: fc.array(edits, { minLength: 1, maxLength: 2 }),
        theirs: edits,
        uncommitted: edits,
        staged: fc.subarray(paths),
        how: fc.constantFrom('merge', 'squash', 'rebase'),
      }),
      async ({ session, theirs, uncommitted, staged, how }) => {
        using at = new LandingPlace(committed)
        for (const one of session) {
          edit(at, at.session, one)
          commitAll(at, at.session)
        }
        edit(at, at.user, theirs)
        commitAll(at, at.user)
        edit(at, at.user, uncommitted)
        for (const path of staged) if (path in bytesOf(at.user)) at.git('add', '-A', '--', `:(literal)${path}`)
        const before = bytesOf(at.user)
        const index = at.git('ls-files', '-s')
        const head = at.git('rev-parse', 'main')
        const notCommitted = new Set(
          at
            .git('status', '--porcelain', '-z', '--untracked-files=all', '--no-renames')
            .split('\0')
            .map((line) => Buffer.from(line.slice(3)).toString('latin1')),
        )
        const merged = await at.merge({ how })
        if (merged.kind === 'conflict') {
          came.conflict += 1
          expect([bytesOf(at.user), at.git('ls-files', '-s'), at.git('rev-parse', 'main')]).toEqual([before, index, head])
          return
        }
        const move = { repository: at.user, ref: merged.ref, old: merged.old, new: merged.commit, tree: at.user, reflog: 'offstage: land s1' }
        const said = await moveBranch(at.deps, move, never).catch((cause: unknown) => cause)
        if (said instanceof WorkspaceFailed) {
          came.refused += 1
          expect([said.kind, said.paths.length > 0]).toEqual(['refused', true])
          expect([bytesOf(at.user), at.git('ls-files', '-s'), at.git('rev-parse', 'main')]).toEqual([before, index, head])
          return
        }
        came.landed += 1
        expect(said).toEqual({ moved: true, left: [] })
        expect(at.git('rev-parse', 'main')).toBe(merged.commit)
        const after = bytesOf(at.user)
        const theirsAfter = Object.fromEntries(Object.entries(after).filter(([path]) => notCommitted.has(path)))
        expect(theirsAfter).toEqual(Object.fromEntries(Object.entries(before).filter(([path]) => notCommitted.has(path))))
        // What is not the user's is as in the commit.
        at.git('worktree', 'add', '-q', '--detach', join(at.folder, 'as it should be'), merged.commit)
        const wanted = Object.entries(bytesOf(join(at.folder, 'as it should be'))).filter(([path]) => !notCommitted.has(path))
        expect(Object.entries(after).filter(([path]) => !notCommitted.has(path))).toEqual(wanted)
        await mayFollow(at.deps, at.user, { old: merged.commit, new: merged.commit }, never)
      },
    ),
    { numRuns: Number(process.env['SOAK'] === undefined ? 8 : 1000) },
  )
  if (process.env['SOAK'] !== undefined) expect(Math.min(came.landed, came.refused, came.conflict)).toBeGreaterThan(100)
})
