// Work in a worktree of its own, from the command line: started, looked at, taken back, kept, landed, removed and brought back. The user's tree and what is not committed there stay as they were.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SessionView } from '../../src/core/view.ts'
import { TestHome } from '../home.ts'
import { type Ran, isOneClearLine, offstage, talkerAgent } from './offstage.ts'

class Repository {
  readonly #home: TestHome
  constructor(home: TestHome) {
    this.#home = home
    this.git('init', '-q', '-b', 'main')
    this.git('config', 'user.name', 'A')
    this.git('config', 'user.email', 'a@localhost')
    this.write('.gitignore', '.talker\nprompts.log\n')
    this.write('a.txt', 'one\ntwo\n')
    this.git('add', '-A')
    this.git('commit', '-qm', 'first')
  }

  git(...args: readonly string[]): string {
    return execFileSync('git', args, { cwd: this.#home.project, env: this.#home.env, encoding: 'utf8' })
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.#home.project, path), text)
  }

  /** All that a session must leave alone. */
  own(): readonly string[] {
    return [this.git('status', '--porcelain'), this.git('rev-parse', 'HEAD'), this.git('stash', 'list'), readFileSync(join(this.#home.project, 'a.txt'), 'utf8')]
  }
}

test('a session in a worktree: diff, undo, snapshots, restore, land, rm', async () => {
  await using home = new TestHome()
  const repository = new Repository(home)
  repository.write('a.txt', 'one\ntwo\nmine\n')
  repository.write('new\n"file', 'not known yet\n')
  const before = repository.own()
  const run = (...args: readonly string[]): Promise<Ran> => offstage(home, args)

  const started = await run('bg', '--json', '--label', 'apart', '--agent', talkerAgent, '--worktree', '--check', 'grep -q three b.txt', 'write b.txt three')
  expect([started.code, started.err]).toEqual([0, expect.stringMatching(/^offstage: 1 changed, 1 new files are not committed: it starts from HEAD without them [^\n]*\n$/)])
  const { id } = JSON.parse(started.out) as SessionView
  expect((await run('wait', 'apart', '--timeout', '30')).code).toBe(0)
  const view = (JSON.parse((await run('sessions', '--json')).out) as readonly SessionView[])[0]
  expect(view).toMatchObject({ id, status: 'completed', outcome: { kind: 'verified' }, workspace: { kind: 'worktree', branch: 'offstage/apart', from: 'main', state: 'ready' } })
  const worktree = view?.workspace.path ?? ''
  const inWorktree = (path: string): string => join(worktree, path)
  expect(readFileSync(inWorktree('a.txt'), 'utf8')).toBe('one\ntwo\n')

  const patch = await run('diff', 'apart')
  expect([patch.code, patch.err, patch.out]).toEqual([0, '', expect.stringMatching(/^diff --git a\/b\.txt b\/b\.txt\nnew file mode 100644\n/)])
  expect(execFileSync('git', ['apply', '--check', '-'], { cwd: home.project, env: home.env, input: patch.out, encoding: 'utf8' })).toBe('')
  expect((await run('diff', 'apart', '--stat')).out).toBe(' b.txt | 1 +\n 1 file changed, 1 insertion(+)\n')

  const refused = await run('undo', 'apart')
  expect([refused.code, refused.out, refused.err]).toEqual([4, '', expect.stringContaining(`offstage undo ${id} --yes does it`)])
  expect(existsSync(inWorktree('b.txt'))).toBe(true)
  const undone = await run('undo', 'apart', '--yes', '--json')
  const { before: kept } = JSON.parse(undone.out) as { readonly before: number }
  expect(existsSync(inWorktree('b.txt'))).toBe(false)
  expect((await run('check', 'apart')).code).toBe(1)
  const restored = await run('restore', `apart@${kept}`, '--yes')
  expect([restored.code, readFileSync(inWorktree('b.txt'), 'utf8').trim()]).toEqual([0, 'three'])
  expect((await run('snapshots', 'apart', '--take')).out).toMatch(/^snapshot \d+ of /)
  const snapshots = (await run('snapshots', 'apart')).out.trimEnd().split('\n')
  expect(snapshots.length).toBeGreaterThan(3)
  expect(snapshots.at(-1)).toMatch(/^\d+\tasked\t1\t/)

  const why = await run('why', 'apart')
  expect(why.out).toMatch(/worktree +\S+[^]*branch +offstage\/apart[^]*✗ grep -q three b\.txt/)
  expect((await run('logs', 'apart')).out).toMatch(/check passed: grep -q three b\.txt/)
  expect(repository.own()).toEqual(before)

  const removed = await run('rm', 'apart')
  expect([removed.code, removed.out]).toEqual([0, expect.stringMatching(/its worktree is gone, snapshot \d+ has all of it/)])
  expect(existsSync(worktree)).toBe(false)
  expect((await run('restore', 'apart')).out).toMatch(/^restored \S+ {2}apart {2}in /)
  expect(readFileSync(inWorktree('b.txt'), 'utf8').trim()).toBe('three')

  rmSync(worktree, { recursive: true })
  const gone = await run('undo', 'apart', '--yes')
  expect([gone.code, gone.out, gone.err]).toEqual([
    4,
    '',
    expect.stringMatching(/^offstage: the worktree of session \S+ is not there any more: [^\n]*\n {2}offstage restore \S+ brings it back as it was in snapshot \d+\n$/),
  ])
  expect((await run('restore', 'apart')).out).toMatch(/^restored \S+ {2}apart {2}in \S+, which was not there any more: it is as it was in its newest snapshot\n$/)
  expect(readFileSync(inWorktree('b.txt'), 'utf8').trim()).toBe('three')

  expect((await run('land', 'apart', '--dry-run')).out).toContain('into main: 1 file changed')
  const landed = await run('land', 'apart', '--json')
  expect([landed.code, JSON.parse(landed.out)]).toEqual([0, [expect.objectContaining({ id, landed: true, into: 'main', files: 1 })]])
  expect(readFileSync(join(home.project, 'b.txt'), 'utf8').trim()).toBe('three')
  expect([repository.own()[0], repository.own()[3]]).toEqual([before[0], before[3]])
  const again = await run('undo', 'apart', '--turn', '7', '--yes')
  expect([again.code, isOneClearLine(again.err)]).toEqual([4, true])
}, 60_000)
