import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import type { Input } from '../../src/cli/verb.ts'
import type { ChangesFound } from '../../src/core/api.ts'
import { refusal } from '../../src/core/errors.ts'
import type { LaunchSpec } from '../../src/core/events.ts'
import type { CheckResult, LandingPlan, Place, Snapshot, Worktree } from '../../src/core/workspace.ts'
import { FakeClient, talker } from './fake-client.ts'
import { offstage } from './run-cli.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'offstage-workspace-verbs-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const tree = (digit: string): string => digit.repeat(40)
const id = 'k3f9x2ab'

const worktree: Worktree = { repository: '/work/shop', path: '/home/w/k3f9x2ab/shop', below: '', branch: 'offstage/k3f9x2ab', base: tree('b'), from: 'main' }
const apart: LaunchSpec = { ...talker, worktree, checks: ['npm test'] }

const snapshot = (n: number, more: Partial<Snapshot> = {}): Snapshot => ({
  n,
  commit: tree('c'),
  tree: tree(String(n)),
  why: 'turn-end',
  turn: n,
  atMs: Date.UTC(2026, 10, 23, 13, n),
  ...more,
})

/** A session in a worktree whose first turn is over. */
function inWorktree(spec: LaunchSpec = apart): FakeClient {
  const client = new FakeClient().create(id, { spec, title: 'Add an endpoint', label: 'api', prompt: 'x' })
  client.report(id, { type: 'workspace-ready', base: tree('b'), ports: {} }).report(id, { type: 'snapshot-taken', snapshot: snapshot(1) })
  client.endTurn(id)
  if (spec.checks) client.report(id, { type: 'checked', turn: 1, results: [passed] })
  return client
}

const passed: CheckResult = { command: 'npm test', exitCode: 0, ms: 1200, output: '' }
const failed: CheckResult = { command: 'npm test', exitCode: 1, ms: 1200, output: '2 \x1b[31mfailing\x1b[0m\n' }

const changes = (more: Partial<ChangesFound> = {}): ChangesFound => ({
  from: 'base bbbbbbbb',
  to: 'now',
  files: [{ path: 'src/a.ts', kind: 'modified', added: 2, removed: 1 }],
  added: 2,
  removed: 1,
  trees: { from: tree('1'), to: tree('2') },
  uncommitted: 1,
  notes: [],
  ...more,
})

const patch = new Uint8Array([...new TextEncoder().encode('diff --git a/a b/a\n@@ -1 +1 @@\n-a\n+'), 0xff, 0x1b, 0x0a])

/** A person who types these lines, each when something is asked. */
function person(...lines: readonly string[]): Input {
  const stream = new PassThrough()
  const waiting = [...lines]
  const listened = stream.on.bind(stream)
  // A reader that has come is waited for: lines that are typed before it are lost with the reader before.
  stream.on = ((name: string, listener: (...given: unknown[]) => void) => {
    listened(name, listener)
    if (name === 'keypress')
      setImmediate(() => {
        const next = waiting.shift()
        if (next === undefined) stream.end()
        else stream.write(`${next}\n`)
      })
    return stream
  }) as typeof stream.on
  return Object.assign(stream, { isTTY: true }) as unknown as Input
}

describe('diff', () => {
  test('gives a pipe the bytes of the patch as they are', async () => {
    const client = inWorktree()
    client.changed = () => changes({ patch })
    const ran = await offstage(client, ['diff', 'api'])
    expect([ran.code, ran.err]).toEqual([0, ''])
    expect(ran.out).toBe(new TextDecoder().decode(patch))
    expect(client.askedChanges).toEqual([{ session: id, patchBytes: 16 * 1024 * 1024 }])
  })

  test('neutralises it on a terminal, and says what it rests on', async () => {
    const client = inWorktree()
    client.changed = () => changes({ patch, notes: ['turn 2 has no snapshot\x1b[31m'] })
    const ran = await offstage(client, ['diff', 'api'], { tty: true })
    expect(ran.out).toBe('diff --git a/a b/a\n@@ -1 +1 @@\n-a\n+\ufffd\ufffd\n')
    expect(ran.err).toBe('offstage: turn 2 has no snapshot\n')
  })

  test('prints no half of a patch into a pipe', async () => {
    const client = inWorktree()
    client.changed = () => changes({ patch, cutAt: patch.length })
    expect(await offstage(client, ['diff', 'api'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/is larger than \d+ bytes, nothing of it is printed\n {2}name paths, or use --stat\n$/),
    })
    expect((await offstage(client, ['diff', 'api'], { tty: true })).out).toContain('+\ufffd')
  })

  test('--stat, --turn, --against and paths are asked for', async () => {
    const client = inWorktree()
    client.changed = () => changes()
    const ran = await offstage(client, ['diff', 'api', '--stat', '--turn', '2', 'a.ts', '../docs/'], { cwd: '/work/shop/src' })
    expect(ran.out).toBe(' src/a.ts | 3 ++-\n 1 file changed, 2 insertions(+), 1 deletion(-)\n')
    await offstage(client, ['diff', 'api', '--against', 'main', '--json'])
    expect(client.askedChanges).toEqual([
      { session: id, turn: 2, paths: ['src/a.ts', 'docs'] },
      { session: id, against: 'main' },
    ])
  })

  test('--json has the files and counts', async () => {
    const client = inWorktree()
    client.changed = () => changes({ patch })
    expect(JSON.parse((await offstage(client, ['diff', 'api', '--json'])).out)).toEqual({ session: id, ...changes() })
  })

  test('what cannot be compared is refused in the words of the daemon', async () => {
    const client = inWorktree()
    client.changed = () => refusal('no-snapshot', 'there is no snapshot of it', 'it was never kept')
    expect(await offstage(client, ['diff', 'api'])).toEqual({ code: 4, out: '', err: 'offstage: there is no snapshot of it\n  it was never kept\n' })
  })

  test.each([
    ['a turn that is none', ['--turn', '0'], '"0" is no turn'],
    ['a turn and a branch', ['--turn', '1', '--against', 'x'], '--turn and --against exclude each other'],
    ['no branch', ['--against', ' '], '--against takes a branch or a commit'],
    ['a path outside', ['../x'], '../x lies outside the tree of the session'],
  ])('%s is a usage error', async (_name, argv, message) => {
    const ran = await offstage(inWorktree(), ['diff', 'api', ...argv], { cwd: '/work/shop' })
    expect([ran.code, ran.out, ran.err.split('\n')[0]]).toEqual([2, '', `offstage: ${message}`])
  })
})

describe('undo and restore', () => {
  const undoable = (): FakeClient => {
    const client = inWorktree()
    client.changed = () => changes()
    client.onTree = (_id, event) => (event.type === 'undo-asked' ? [{ type: 'undone', before: 7, files: ['src/a.ts'] }] : [])
    return client
  }

  test('nothing is done where nobody can be asked; what would be is printed', async () => {
    const client = undoable()
    expect(await offstage(client, ['undo', 'api', '--turn', '2'])).toEqual({
      code: 4,
      out: '',
      err: [
        ' src/a.ts | 3 ++-',
        ' 1 file changed, 2 insertions(+), 1 deletion(-)',
        `offstage: nothing of ${id} was changed: nobody could be asked`,
        `  offstage undo ${id} --turn 2 --yes does it`,
        '',
      ].join('\n'),
    })
    expect(client.submitted).toEqual([])
  })

  test('with --yes it is done, and where everything is as it was is said', async () => {
    const client = undoable()
    const ran = await offstage(client, ['undo', 'api', '--yes', 'src/a.ts'], { cwd: '/work/shop' })
    expect(ran).toMatchObject({
      code: 0,
      out: `took back all that it changed (src/a.ts) in ${id}  api: 1 file written\n   offstage restore ${id}@7   brings back how it was before\n`,
    })
    const what = { kind: 'turns', turn: 'all', paths: ['src/a.ts'] }
    expect(client.askedChanges).toEqual([{ session: id, undo: what }])
    expect(client.submitted.map(({ command }) => command)).toEqual([{ type: 'undo', what }])
  })

  test.each([
    ['y', 0, 1],
    ['', 4, 0],
    ['n', 4, 0],
  ])('a person who answers %j', async (line, code, commands) => {
    const client = undoable()
    expect((await offstage(client, ['undo', 'api'], { tty: true, stdin: person(line) })).code).toBe(code)
    expect(client.submitted).toHaveLength(commands)
  })

  test('later changes that are in the way are named, and nothing is asked or done', async () => {
    const client = undoable()
    client.changed = () => changes({ conflicts: ['a\n.ts', 'b'] })
    const ran = await offstage(client, ['undo', 'api', '--yes'])
    expect([ran.code, ran.err]).toEqual([4, expect.stringMatching(/^offstage: later changes are in the way of taking back all that it changed: "a\\n\.ts", b\n {2}offstage undo/)])
    expect(client.submitted).toEqual([])
  })

  test('a failure is told with its paths', async () => {
    const client = undoable()
    client.onTree = (_id, event) => (event.type === 'undo-asked' ? [{ type: 'undo-failed', reason: 'files changed meanwhile', paths: ['x'], hint: 'try again' }] : [])
    expect(await offstage(client, ['undo', 'api', '--yes'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/offstage: files changed meanwhile: x\n {2}try again\n$/),
    })
  })

  test('--dry-run only shows, --json says it for programs, and what is so already is left', async () => {
    const client = undoable()
    expect(await offstage(client, ['undo', 'api', '-n'])).toEqual({ code: 0, out: ' src/a.ts | 3 ++-\n 1 file changed, 2 insertions(+), 1 deletion(-)\n', err: '' })
    expect(JSON.parse((await offstage(client, ['undo', 'api', '--yes', '--json'])).out)).toEqual({ session: id, before: 7, files: ['src/a.ts'] })
    client.changed = () => changes({ files: [], added: 0, removed: 0 })
    expect((await offstage(client, ['undo', 'api'])).out).toBe(`nothing is to be written: the files of ${id} are so already\n`)
    expect(client.submitted).toHaveLength(1)
  })

  test('what stays changed in a repository inside is said, before and after', async () => {
    const client = undoable()
    const note = 'what changed in lib is not taken back, it is a repository of its own: git -C /work/shop/lib diff'
    client.changed = () => changes({ inside: ['lib'], notes: [note] })
    client.onTree = (_id, event) => (event.type === 'undo-asked' ? [{ type: 'undone', before: 7, files: ['src/a.ts'], inside: ['lib'] }] : [])
    const { out, err } = await offstage(client, ['undo', 'api', '--yes'])
    expect([err.split('\n')[0], out.split('\n')[1]]).toEqual([`   ${note}`, '   not in lib: what changed there stays'])
    expect(JSON.parse((await offstage(client, ['undo', 'api', '--yes', '--json'])).out)).toMatchObject({ files: ['src/a.ts'], inside: ['lib'] })
    client.changed = () => changes({ files: [], added: 0, removed: 0, inside: ['lib'], notes: [note] })
    expect(await offstage(client, ['undo', 'api', '--yes'])).toMatchObject({
      out: `nothing is to be written: the files of ${id} are so already, but for those in lib\n`,
      err: `   ${note}\n`,
    })
  })

  test('the agent at work is not disturbed', async () => {
    const client = undoable().command(id, { type: 'prompt', text: 'more' })
    expect(await offstage(client, ['undo', 'api', '--yes'])).toMatchObject({ code: 4, out: '' })
  })

  test('restore ID@N brings back the files of a snapshot', async () => {
    const client = undoable()
    const ran = await offstage(client, ['restore', 'api@1', 'src', '--yes'], { cwd: '/work/shop' })
    expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^snapshot 1 is back in k3f9x2ab {2}api: 1 file written\n/) })
    expect(client.submitted.map(({ command }) => command)).toEqual([{ type: 'undo', what: { kind: 'snapshot', n: 1, paths: ['src'] } }])
  })

  test('a label that looks like a snapshot means its session', async () => {
    const client = new FakeClient().create(id, { label: 'api@2' }).command(id, { type: 'remove' })
    expect(await offstage(client, ['restore', 'api@2'])).toMatchObject({ code: 0, out: `restored ${id}  api@2\n` })
  })

  test.each([
    [['restore', 'api', 'src/a.ts'], 2, 'from which snapshot is src/a.ts to be brought back?'],
    [['restore', 'api', '--yes'], 2, '--yes is for files: of which snapshot?'],
    [['restore', 'nobody@3'], 3, 'no session matches "nobody"'],
    [['restore', 'api@0'], 2, '"0" is no number of a snapshot'],
    [['restore', 'api@first'], 2, '"first" is no number of a snapshot'],
  ])('%j is a mistake', async (argv, code, message) => {
    const ran = await offstage(inWorktree(), argv)
    expect([ran.code, ran.err.split('\n')[0]]).toEqual([code, `offstage: ${message}`])
  })

  test('a removed session says where its worktree is, once it is made again', async () => {
    const client = inWorktree().command(id, { type: 'remove' })
    client.report(id, { type: 'workspace-removed', snapshot: 1, branchKept: true })
    client.onTree = (_id, event) => (event.type === 'workspace-preparing' ? [{ type: 'workspace-ready', base: tree('b'), ports: {} }] : [])
    expect(await offstage(client, ['restore', 'api'])).toMatchObject({ code: 0, out: expect.stringMatching(/^restored k3f9x2ab {2}api/) })
    expect(client.view(id).workspace.state).toBe('ready')
  })

  test('a worktree that somebody deleted is made again, of a session in the list too, and that is said', async () => {
    const client = inWorktree()
    client.treeGone = true
    expect(await offstage(client, ['send', 'api', 'more'])).toMatchObject({
      code: 4,
      err: expect.stringContaining(`offstage restore ${id} brings it back as it was in snapshot 1\n`),
    })
    client.onTree = (_id, event) => (event.type === 'workspace-preparing' ? [{ type: 'workspace-ready', base: tree('b'), ports: {} }] : [])
    const { code, out } = await offstage(client, ['restore', 'api'])
    expect([code, out]).toEqual([0, `restored ${id}  api  in /home/w/k3f9x2ab/shop, which was not there any more: it is as it was in its newest snapshot\n`])
    client.treeGone = false
    expect(await offstage(client, ['restore', 'api'])).toMatchObject({ code: 4, err: `offstage: session ${id} is in the list\n` })
  })

  test('and why, when it cannot be', async () => {
    const client = inWorktree().command(id, { type: 'remove' })
    client.report(id, { type: 'workspace-removed', snapshot: 1, branchKept: true })
    client.onTree = (_id, event) => (event.type === 'workspace-preparing' ? [{ type: 'workspace-failed', at: 'tree', reason: 'the disk is full' }] : [])
    expect(await offstage(client, ['restore', 'api'])).toMatchObject({ code: 1, out: '', err: expect.stringContaining('its worktree could not be made: the disk is full\n') })
  })

  test('one that is stopped while its worktree is made keeps nobody waiting', async () => {
    const client = inWorktree().command(id, { type: 'remove' })
    client.report(id, { type: 'workspace-removed', snapshot: 1, branchKept: true })
    client.onTree = (_id, event) => (event.type === 'workspace-preparing' ? (void setImmediate(() => client.command(id, { type: 'stop' })), []) : [])
    expect(await offstage(client, ['restore', 'api'])).toMatchObject({ code: 1, err: expect.stringContaining('was stopped while its worktree was made\n') })
  })
})

describe('snapshots', () => {
  test('one line each for a pipe, with what changed since the one before', async () => {
    const client = inWorktree()
    client.kept = [snapshot(1, { why: 'start', turn: 0 }), snapshot(2), snapshot(3, { tree: tree('2') })]
    client.changed = () => changes()
    const ran = await offstage(client, ['snapshots', 'api'])
    expect(ran.out).toBe(
      ['1\tstart\t0\t2026-11-23T13:01:00.000Z\t\t\t', '2\tturn-end\t2\t2026-11-23T13:02:00.000Z\t1\t2\t1', '3\tturn-end\t3\t2026-11-23T13:03:00.000Z\t0\t0\t0', ''].join('\n'),
    )
    expect(client.askedChanges).toEqual([{ session: id, snapshot: 2 }])
    expect(JSON.parse((await offstage(client, ['snapshots', 'api', '--json'])).out)).toMatchObject([{ n: 1, why: 'start', at: '2026-11-23T13:01:00.000Z' }, { n: 2 }, { n: 3 }])
  })

  test('--take takes one now, or says why not', async () => {
    const client = inWorktree()
    client.onTree = (_id, event) =>
      event.type === 'snapshot-asked' ? [{ type: 'snapshot-taken', snapshot: snapshot(2, { why: 'asked', leftOut: [{ path: 'big.bin', why: 'too large' }] }) }] : []
    expect(await offstage(client, ['snapshots', 'api', '--take'])).toEqual({ code: 0, out: `snapshot 2 of ${id}  without big.bin\n`, err: '' })
    client.onTree = (_id, event) => (event.type === 'snapshot-asked' ? [{ type: 'snapshot-failed', why: 'asked', turn: 1, reason: 'no space left on device' }] : [])
    expect(await offstage(client, ['snapshots', 'api', '--take'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no snapshot of k3f9x2ab was taken: no space left on device\n'),
    })
  })
})

describe('check', () => {
  const checking = (...results: readonly CheckResult[]): FakeClient => {
    const client = inWorktree()
    client.onTree = (_id, event) =>
      event.type === 'checks-started'
        ? [
            { type: 'step-started', step: 9, what: 'check', command: 'npm test' },
            { type: 'checked', turn: event.turn, results },
          ]
        : []
    return client
  }

  test('prints what each came to, with the end of what a failed one printed', async () => {
    expect(await offstage(checking(passed), ['check', 'api'])).toEqual({ code: 0, out: '   ✓ npm test   1s\n', err: '   npm test …\n' })
    expect(await offstage(checking(failed), ['check', 'api'])).toEqual({ code: 1, out: '   ✗ npm test   exit code 1, 1s\n     2 failing\n', err: '   npm test …\n' })
    expect(JSON.parse((await offstage(checking(failed), ['check', 'api', '--json'])).out)).toEqual({ session: id, results: [failed] })
  })

  test('what cannot be checked is refused, or failed, with what to do', async () => {
    const { checks: _, ...bare } = apart
    expect(await offstage(inWorktree(bare), ['check', 'api'])).toMatchObject({ code: 4, err: expect.stringContaining('has no checks') })
    const client = inWorktree()
    client.onTree = (_id, event) => (event.type === 'checks-started' ? [{ type: 'checked', turn: event.turn, results: [], problem: 'no shell' }] : [])
    expect(await offstage(client, ['check', 'api'])).toMatchObject({ code: 1, err: expect.stringContaining('could not be run: no shell\n') })
  })

  test('a session that is stopped over them keeps nobody waiting', async () => {
    const client = inWorktree()
    client.onTree = (_id, event) => (event.type === 'checks-started' ? (void setImmediate(() => client.command(id, { type: 'stop' })), []) : [])
    expect(await offstage(client, ['check', 'api'])).toMatchObject({ code: 1, err: expect.stringContaining('were cut short: the session was stopped\n') })
  })

  test('bring an environment along, as that of the run may be gone', async () => {
    const client = checking(passed)
    await offstage(client, ['check', 'api'])
    expect(client.submitted.at(-1)?.environment).toBeDefined()
  })
})

describe('land', () => {
  const plan = (session: string, more: Partial<LandingPlan> = {}): LandingPlan => ({
    session,
    into: 'main',
    how: 'merge',
    behind: 1,
    ahead: 2,
    uncommitted: 1,
    changes: changes(),
    conflicts: [],
    checks: ['npm test'],
    against: [],
    ...more,
  })
  const landing = (more: Partial<LandingPlan> = {}): FakeClient => {
    const client = inWorktree()
    client.plan = ({ session }) => plan(session, more)
    client.onTree = (_id, event) =>
      event.type === 'land-asked'
        ? [
            { type: 'step-started', step: 9, what: 'landing', command: 'npm test' },
            { type: 'landed', into: 'main', how: 'merge', commit: tree('d'), files: 1, results: [passed] },
          ]
        : []
    return client
  }

  test('shows the plan, lands, and says as what', async () => {
    const client = landing()
    const ran = await offstage(client, ['land', 'api', '--message', 'Add it'])
    expect(ran).toEqual({
      code: 0,
      out: `${id}  api: landed in main (merge) as dddddddd: 1 file, verified by npm test\n`,
      err: [
        ` ${id}  api`,
        '   merge into main: 1 file changed, 2 insertions(+), 1 deletion(-)',
        '   2 commits, one of them still to be made: 1 file is not committed, main is 1 ahead of its base',
        '   checks on the merged tree: npm test',
        `   ${id}  npm test …`,
        '',
      ].join('\n'),
    })
    expect(client.submitted.map(({ command }) => command)).toEqual([{ type: 'land', land: { into: 'main', how: 'merge', checks: true, message: 'Add it' } }])
    expect(client.submitted[0]?.environment).toBeDefined()
  })

  test('--squash, --into, --no-check and --pr are passed on', async () => {
    const client = landing()
    const asked: unknown[] = []
    client.plan = (query) => (asked.push(query), plan(query.session, { into: query.into ?? '', how: query.how ?? 'merge' }))
    await offstage(client, ['land', 'api', '--squash', '--into', 'next', '--no-check', '--pr'])
    expect(asked).toEqual([{ session: id, into: 'next', how: 'squash', publish: 'pull-request' }])
    expect(client.submitted.map(({ command }) => command)).toEqual([{ type: 'land', land: { into: 'next', how: 'squash', checks: false, publish: 'pull-request' } }])
  })

  test('a person is asked, and may decline', async () => {
    const client = landing()
    expect(await offstage(client, ['land', 'api'], { tty: true, stdin: person('n') })).toMatchObject({ code: 4, err: expect.stringContaining('nothing was landed') })
    expect(client.submitted).toEqual([])
    expect((await offstage(client, ['land', 'api'], { tty: true, stdin: person('y') })).code).toBe(0)
  })

  test('what speaks against it is said, and nothing is done', async () => {
    const client = landing({ against: ['main is checked out with changes in src/a.ts: commit or stash them'] })
    expect(await offstage(client, ['land', 'api', '--yes'])).toMatchObject({ code: 4, out: '', err: expect.stringContaining(`offstage: ${id} is not landed: main is checked out`) })
    expect(client.submitted).toEqual([])
  })

  test('a conflict names the paths and how to hand it over; the prompt is shown before it is sent', async () => {
    const client = landing({ conflicts: ['src/a\n.ts'] })
    expect((await offstage(client, ['land', 'api'])).err).toContain(
      `cannot be merged into main as it is: "src/a\\n.ts"\n  offstage land ${id} --hand-over asks its agent to resolve them\n`,
    )
    const ran = await offstage(client, ['land', 'api', '--hand-over'])
    expect([ran.code, ran.out]).toEqual([0, `handed to ${id}  api: offstage land ${id} when it is done\n`])
    const [submission] = client.submitted
    const prompt = submission?.command.type === 'prompt' ? submission.command.text : ''
    expect(prompt).toContain('"src/a\\n.ts"')
    expect(prompt).toContain('Please merge main into your branch offstage/k3f9x2ab')
    expect(ran.err).toContain(prompt.split('\n')[0])
  })

  test('what has landed and was not pushed is a failure, and what there was not to bring is said', async () => {
    const client = landing()
    client.onTree = (_id, event) =>
      event.type === 'land-asked' ? [{ type: 'landed', into: 'main', how: 'merge', commit: tree('d'), files: 0, published: 'not pushed: no remote', unpublished: true }] : []
    expect(await offstage(client, ['land', 'api', '--yes', '--push'])).toMatchObject({ code: 1, out: `${id}  api: nothing to bring: main has all of it; not pushed: no remote\n` })
  })

  test('commits of which nothing is missing are no changes, and are not called something to bring', async () => {
    const client = landing({ how: 'rebase', uncommitted: 0, changes: { from: 'main', to: 'session x', files: [], added: 0, removed: 0 } })
    expect((await offstage(client, ['land', 'api', '-n'])).out).toContain(
      '   rebase into main: no changes of files\n   2 commits, nothing of which is missing there, main is 1 ahead of its base\n',
    )
  })

  test('there is nothing to hand over without a conflict', async () => {
    expect(await offstage(landing(), ['land', 'api', '--hand-over'])).toMatchObject({ code: 4, out: '' })
  })

  test('several land in the order given; one that fails is set aside', async () => {
    const client = landing()
    const other = 'zzzzzzzz'
    client.create(other, { spec: { ...apart, worktree: { ...worktree, path: '/home/w/z/shop', branch: 'offstage/z' } }, label: 'docs', prompt: 'x' })
    client
      .report(other, { type: 'workspace-ready', base: tree('b'), ports: {} })
      .endTurn(other)
      .report(other, { type: 'checked', turn: 1, results: [passed] })
    client.onTree = (one, event) =>
      event.type !== 'land-asked'
        ? []
        : one === other
          ? [{ type: 'land-failed', at: 'checks', reason: 'check failed: npm test', results: [failed] }]
          : [{ type: 'landed', into: 'main', how: 'merge', commit: tree('d'), files: 1 }]
    const ran = await offstage(client, ['land', 'docs', 'api', '--json'])
    expect(ran.code).toBe(1)
    expect(JSON.parse(ran.out)).toMatchObject([
      { id: other, landed: false, at: 'checks' },
      { id, landed: true, commit: tree('d') },
    ])
    expect(client.submitted.map(({ session }) => session)).toEqual([other, id])
  })

  test('--dry-run only shows', async () => {
    const client = landing({ conflicts: ['x'] })
    expect(await offstage(client, ['land', 'api', '-n'])).toMatchObject({ code: 4, out: expect.stringContaining('conflicts: x'), err: '' })
    expect(JSON.parse((await offstage(client, ['land', 'api', '-n', '--json'])).out)).toMatchObject([{ session: id, conflicts: ['x'] }])
    expect(client.submitted).toEqual([])
  })

  test.each([
    [['--squash', '--merge'], '--squash and --merge exclude each other'],
    [['--push', '--pr'], '--push and --pr exclude each other'],
    [['--into', '-x'], 'option --into needs a value'],
    [['--into=-x'], '--into takes the name of a branch'],
    [['--into', 'a/../b'], '--into takes the name of a branch'],
    [['--message', ' '], '--message takes a text'],
    [['--hand-over', '--dry-run'], '--hand-over and --dry-run exclude each other'],
    [['docs', '--hand-over'], '--hand-over is for one session at a time'],
  ])('%j is a usage error', async (argv, message) => {
    const ran = await offstage(landing(), ['land', 'api', ...argv])
    expect([ran.code, ran.out, ran.err.split('\n')[0]]).toEqual([2, '', `offstage: ${message}`])
  })
})

describe('rm', () => {
  test('says what became of the worktree', async () => {
    const client = inWorktree()
    client.onTree = (_id, event) => (event.type === 'removed' ? [{ type: 'workspace-removed', snapshot: 2, branchKept: false }] : [])
    expect(await offstage(client, ['rm', 'api'])).toMatchObject({ code: 0, out: `removed ${id}  api: 3 processes ended; its worktree is gone, snapshot 2 has all of it\n` })
  })

  test('and that it was gone already', async () => {
    const client = inWorktree()
    client.onTree = (_id, event) => (event.type === 'removed' ? [{ type: 'workspace-removed', snapshot: 2, branchKept: true, gone: true }] : [])
    expect((await offstage(client, ['rm', 'api'])).out).toBe(`removed ${id}  api: 3 processes ended; its worktree was gone already, snapshot 2 has what it was\n`)
  })

  test('and why it stays', async () => {
    const client = inWorktree()
    client.onTree = (_id, event) => (event.type === 'removed' ? [{ type: 'workspace-kept', reason: 'vim (pid 12) works in it', hint: 'end it first' }] : [])
    expect((await offstage(client, ['rm', 'api'])).out).toBe(
      `removed ${id}  api: 3 processes ended; its worktree stays: vim (pid 12) works in it (end it first); then offstage rm again\n`,
    )
    client.onTree = (_id, event) => (event.type === 'removed' ? [{ type: 'workspace-removed', snapshot: 3, branchKept: false }] : [])
    expect((await offstage(client, ['rm', 'api'])).out).toContain('its worktree is gone, snapshot 3 has all of it')
    expect((await offstage(client, ['rm', 'api'])).out).toBe(`${id} is removed already\n`)
  })
})

describe('starting', () => {
  const acp = ['--agent', 'acp:sh -c true']
  const project = join(folder, 'project')
  mkdirSync(project)
  const here = { cwd: project }
  const place = (more: Partial<NonNullable<Place['repository']>> = {}, kind: 'worktree' | 'in-place' = 'worktree', sessions: readonly string[] = []): Place => ({
    repository: { top: project, branch: 'main', head: tree('b'), ahead: 2, behind: 1, changed: ['a.ts', 'b.ts', 'c.ts'], untracked: ['new.ts', 'docs/'], ...more },
    sessions,
    auto: { kind, why: 'changes are not committed' },
  })
  const dirty = (given: Place = place()): FakeClient => {
    const client = new FakeClient()
    client.there = given
    return client
  }
  const specOf = (client: FakeClient): Partial<LaunchSpec> => {
    const command = client.submitted[0]?.command
    return command?.type === 'create' ? command.spec : {}
  }
  const started = async (client: FakeClient, argv: readonly string[], stdin?: Input) => {
    const ran = await offstage(client, ['bg', ...acp, ...argv, 'do it'], stdin ? { ...here, tty: true, stdin } : here)
    const { workspace, carries } = specOf(client)
    return { code: ran.code, err: ran.err, asked: ran.err.includes('take them along?'), workspace, carries }
  }

  test('without a terminal it starts from HEAD, and one line says so', async () => {
    expect(await started(dirty(), [])).toEqual({
      code: 0,
      asked: false,
      workspace: 'auto',
      carries: undefined,
      err: 'offstage: 3 changed, 2 new files are not committed: it starts from HEAD without them (--carry takes changes along, --untracked all new files too)\n',
    })
    expect(await started(dirty(), ['--worktree', '--no-carry'])).toMatchObject({ code: 0, workspace: 'worktree', carries: undefined, err: '' })
    expect(await started(dirty(place({ changed: [], untracked: [] })), ['--worktree'])).toMatchObject({ carries: undefined, err: '' })
  })

  test.each([
    ['', { untracked: 'all' }],
    ['y', { untracked: 'all' }],
    ['t', { untracked: [] }],
    ['n', undefined],
  ])('a person who answers %j takes along', async (line, carries) => {
    expect(await started(dirty(), [], person(line))).toMatchObject({ code: 0, asked: true, carries })
  })

  test('a person may choose among new files; what is none of the numbers is asked again', async () => {
    expect(await started(dirty(), [], person('c', '3', '2'))).toMatchObject({ code: 0, carries: { untracked: ['docs/'] } })
  })

  test('none of the new files is to start from HEAD; one file is spoken of as one', async () => {
    const one = await started(dirty(place({ changed: [], untracked: ['new.ts'] })), [], person('c', ''))
    expect(one).toMatchObject({ code: 0, carries: undefined, err: expect.stringMatching(/^1 new file is not committed, and it gets a worktree: take it along\?\n.*\[Y\] all/) })
    expect(await started(dirty(), [], person('c', ''))).toMatchObject({ code: 0, carries: { untracked: [] } })
  })

  test('a label of blanks is none', async () => {
    const client = dirty()
    await started(client, ['--label', '  ', '--no-carry'])
    expect(client.submitted[0]?.command).not.toHaveProperty('label')
  })

  test('who goes away at the question has started nothing', async () => {
    const client = dirty()
    expect(await started(client, [], person())).toMatchObject({ code: 4 })
    expect(client.submitted).toEqual([])
  })

  test('--carry and --untracked ask nothing', async () => {
    expect(await started(dirty(), ['--carry'], person())).toMatchObject({ code: 0, asked: false, carries: { untracked: [] } })
    expect(await started(dirty(), ['--untracked', 'all'])).toMatchObject({ carries: { untracked: 'all' }, err: '' })
    expect(await started(dirty(), ['--untracked', 'new.ts', '--untracked', 'docs/a.md'])).toMatchObject({ carries: { untracked: ['new.ts', 'docs/a.md'] }, err: '' })
  })

  test('in place nothing is asked of what is not committed', async () => {
    expect(await started(dirty(), ['--in-place'], person())).toMatchObject({ code: 0, asked: false, workspace: 'in-place', carries: undefined })
    expect(await started(dirty(place({}, 'in-place')), [])).toMatchObject({ code: 0, workspace: 'auto', carries: undefined, err: '' })
  })

  test('a second one in the same directory is warned about before it starts', async () => {
    const both = (): FakeClient => dirty(place({ changed: [], untracked: [] }, 'worktree', [id])).create(id, { label: 'api' })
    const client = both()
    client.submitted.length = 0
    expect(await started(client, ['--in-place'])).toMatchObject({
      code: 0,
      workspace: 'in-place',
      err: 'offstage: session api works in this directory already; --worktree gives this one a tree of its own\n',
    })
    expect(await started(both(), ['--in-place'], person('w'))).toMatchObject({ code: 0, workspace: 'worktree' })
    expect(await started(both(), ['--in-place'], person('i'))).toMatchObject({ code: 0, workspace: 'in-place' })
    const none = both()
    expect(await started(none, ['--in-place'], person('n'))).toMatchObject({ code: 4 })
    expect(none.submitted).toEqual([])
  })

  test('a worktree where there can be none is refused before anything is created', async () => {
    const client = new FakeClient()
    expect(await offstage(client, ['bg', ...acp, '--worktree', 'x'], here)).toMatchObject({
      code: 4,
      err: expect.stringContaining(`no worktree can be made of ${project}: no repository`),
    })
    expect(client.submitted).toEqual([])
  })

  test('what follows names the worktree, its branch and base', async () => {
    const client = dirty(place({ changed: [], untracked: [] }))
    const submit = client.submit.bind(client)
    // What an engine makes of the wish.
    client.submit = (submission, signal) =>
      submit(submission.command.type === 'create' ? { ...submission, command: { ...submission.command, spec: { ...submission.command.spec, worktree } } } : submission, signal)
    client.onTree = (one, event) => (event.type === 'workspace-preparing' && one !== '' ? [{ type: 'workspace-ready', base: tree('b'), ports: {} }] : [])
    const ran = await offstage(client, ['bg', ...acp, '--worktree', 'do it'], { ...here, env: { HOME: '/home' } })
    expect(ran.out).toContain('   worktree ~/w/k3f9x2ab/shop, branch offstage/k3f9x2ab from main bbbbbbbb (2 ahead, 1 behind of its upstream)\n')
  })

  test('checks are those of the project, or those that are given, or none', async () => {
    writeFileSync(join(project, '.offstage.toml'), 'checks = ["npm test"]\ncheck_retries = 1\n[workspace]\nsetup = "npm ci"\n')
    execFileSync('git', ['init', '-q', project])
    const specWith = async (...argv: readonly string[]): Promise<Partial<LaunchSpec>> => {
      const client = dirty(place({ changed: [], untracked: [] }))
      client.onTree = (_id, event) => (event.type === 'workspace-preparing' ? [{ type: 'workspace-ready', base: tree('b'), ports: {} }] : [])
      expect((await offstage(client, ['bg', ...acp, ...argv, 'do it'], here)).err).toBe('')
      return specOf(client)
    }
    const theirs = await specWith()
    expect(theirs).toMatchObject({ checks: ['npm test'], checkRetries: 1, preparation: { setup: 'npm ci' }, trust: { file: join(project, '.offstage.toml') } })
    const own = await specWith('--check', 'make', '--check', 'make lint', '--check-retries', '3')
    expect(own).toMatchObject({ checks: ['make', 'make lint'], checkRetries: 3, preparation: { setup: 'npm ci' } })
    const none = await specWith('--no-checks')
    expect(none.checks).toBeUndefined()
    // What is trusted is what of the file would be run.
    expect(own.trust?.digest).toBe(none.trust?.digest)
    expect(own.trust?.digest).not.toBe(theirs.trust?.digest)
    const program = dirty()
    await offstage(program, ['bg', '--', 'make'], { cwd: project })
    expect(specOf(program)).not.toHaveProperty('preparation')
    rmSync(join(project, '.offstage.toml'))
  })

  test('what Offstage asks before a program starts is said where nobody can answer, with what may be answered', async () => {
    const client = dirty(place({ changed: [], untracked: [] }))
    const submit = client.submit.bind(client)
    client.submit = (submission, signal) =>
      submit(submission.command.type === 'create' ? { ...submission, command: { ...submission.command, spec: { ...submission.command.spec, worktree } } } : submission, signal)
    const ask = { id: 'q7m2p4zz', kind: 'permission', title: 'may it run "npm ci"?', options: [{ id: 'once', label: 'for this session', kind: 'allow' }], about: 'trust' } as const
    client.onTree = (_id, event) => (event.type === 'workspace-preparing' ? [{ type: 'asks-about', ask }] : [])
    const ran = await offstage(client, ['run', '--worktree', '--', 'make'], here)
    const session = client.submitted[0]?.session ?? ''
    expect(ran).toEqual({
      code: 10,
      out: '',
      err: `offstage: session ${session} asks before it starts: may it run "npm ci"?\n  offstage answer ${session} CHOICE, then offstage switch ${session}; one of: 1 for this session\n`,
    })
  })

  test.each([
    [['--worktree', '--in-place'], '--worktree and --in-place exclude each other'],
    [['--carry', '--no-carry'], '--carry and --no-carry exclude each other'],
    [['--check', 'x', '--no-checks'], '--check and --no-checks exclude each other'],
    [['--carry', '--in-place'], '--carry is for a worktree'],
    [['--untracked', 'new.ts', '--no-carry'], '--untracked and --no-carry exclude each other'],
    [['--check', ' '], '--check takes a command'],
    [['--check-retries', 'many'], '"many" is no number of retries'],
    [['--untracked', 'a.ts'], 'a.ts is no new file: it is ignored, committed, or not there'],
    [['--untracked', '../../x'], '../../x lies outside the tree of the session'],
  ])('%j is a usage error, and nothing is created', async (argv, message) => {
    const client = dirty()
    const ran = await offstage(client, ['bg', ...acp, ...argv, 'do it'], here)
    expect([ran.code, ran.out, ran.err.split('\n')[0]]).toEqual([2, '', `offstage: ${message}`])
    expect(client.submitted).toEqual([])
  })

  test('checks are for agents', async () => {
    expect(await offstage(new FakeClient(), ['bg', '--check', 'x', '--', 'make'], here)).toMatchObject({ code: 2 })
  })
})

describe('why', () => {
  test('tells where it works, what could not be kept, conflicts, checks and the landing', async () => {
    const client = inWorktree()
    client.report(id, { type: 'snapshot-failed', why: 'turn-end', turn: 1, reason: 'no space left on device' })
    client.report(id, { type: 'conflicts-forecast', with: [{ session: 'zzzzzzzz', paths: ['src/a\x1b[31m.ts'] }], branch: { name: 'main', paths: ['b.ts'] } })
    client.command(id, { type: 'land', land: { into: 'main', how: 'merge', checks: true } }).report(id, { type: 'land-failed', at: 'moved', reason: 'main has moved' })
    const { out } = await offstage(client, ['why', 'api'])
    for (const part of [
      /worktree +\/home\/w\/k3f9x2ab\/shop/,
      /branch +offstage\/k3f9x2ab/,
      /base +main bbbbbbbbbbbb/,
      /not kept +\S+ \(turn-end, turn 1\): no space left on device/,
      /conflict +with zzzzzzzz: "src\/a\\033\[31m\.ts"/,
      /conflict +with what came to main: b\.ts/,
      /not landed +main has moved/,
      /✓ npm test/,
    ])
      expect(out).toMatch(part)
  })

  test('says nothing of a tree that nobody did anything with', async () => {
    expect((await offstage(new FakeClient().create(id), ['why', id])).out).not.toContain('where it works')
  })
})

describe('sessions', () => {
  test('what landed is not said of one that has gone on since', async () => {
    const client = inWorktree().command(id, { type: 'land', land: { into: 'main', how: 'merge', checks: true } })
    client.report(id, { type: 'landed', into: 'main', how: 'merge', commit: tree('d'), files: 2 })
    expect((await offstage(client, ['sessions'])).out).toContain('landed in main')
    client.report(id, { type: 'snapshot-taken', snapshot: snapshot(9, { turn: 2 }) })
    expect((await offstage(client, ['sessions'])).out).not.toContain('landed in main')
    expect((await offstage(client, ['why', 'api'])).out).toMatch(/landed +in main as dddddddddddd, 2 files; it went on since/)
  })

  test('shows the branch, a conflict, what landed and what its checks came to', async () => {
    const client = inWorktree().create('zzzzzzzz', { label: 'docs' })
    client.report(id, { type: 'conflicts-forecast', with: [{ session: 'zzzzzzzz', paths: ['a'] }], branch: { name: 'main', paths: ['a'] } })
    const [, line = ''] = (await offstage(client, ['sessions'])).out.split('\n')
    expect(line.split('\t')[5]).toMatch(/^≠ conflicts with docs, main; verified: npm test; /)
    client.report(id, { type: 'conflicts-forecast', with: [] })
    client.command(id, { type: 'land', land: { into: 'main', how: 'merge', checks: true } }).report(id, { type: 'landed', into: 'main', how: 'merge', commit: tree('d'), files: 1 })
    const { out } = await offstage(client, ['sessions'], { tty: true, columns: 160 })
    expect(out).toMatch(/shop offstage\/k3f9x2ab +landed in main; verified: npm test; /)
  })
})

describe('completion', () => {
  const offered = async (client: FakeClient, ...words: readonly string[]): Promise<readonly string[]> => {
    const { out } = await offstage(client, ['completion', 'fish', '--', 'offstage', ...words])
    return out
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t')[0] ?? '')
  }

  test('offers what a verb can do something with', async () => {
    const client = inWorktree().create('zzzzzzzz', { label: 'docs' })
    expect(await offered(client, 'land', '')).toEqual(['api'])
    expect(await offered(client, 'check', '')).toEqual(['api'])
    expect(await offered(client, 'diff', '')).toEqual(['docs', 'api'])
    expect(await offered(client, 'land', 'api', '--into', '')).toEqual(['main'])
    expect(await offered(client, 'land', 'api', '--s')).toEqual(['--squash'])
    expect(await offered(client, 'bg', '--check-r')).toEqual(['--check-retries'])
  })
})
