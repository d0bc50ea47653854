// Trees of programs that do not want to end.
import { expect, test } from 'vitest'
import { findTree, sweep, tagVariable, type Tree } from '../../src/keeper/process-tree.ts'
import { processRuns, processStat } from '../../src/keeper/process-stat.ts'
import { path, readUntil, soon, startRun, type TestRun, until } from './keepers.ts'

const tag = (): string => `tag-${process.pid}-${Math.random().toString(36).slice(2)}`

function treeOf(run: TestRun, ours: string): Tree {
  const { child } = run.identity
  return { pgid: child.pid, sid: child.pid, leaderStart: child.start, tag: ours }
}

async function startStubborn(script: string, ours: string, mode: 'pty' | 'pipes' = 'pipes'): Promise<TestRun> {
  const run = await startRun(['bash', '-c', script], { mode, env: { PATH: path, [tagVariable]: ours } })
  await readUntil(await run.connect(), 'all there')
  return run
}

const stubborn = [
  'trap "" TERM HUP INT',
  'sleep 1001 &', // in the group
  'setsid sleep 1002 &', // a session of its own
  '(setsid bash -c "sleep 1003 & sleep 1004" &) ', // double-forked, its children too
  'bash -c "set -m; sleep 1005 & disown; sleep 1006" &', // a group of its own in the session
  'nohup setsid bash -c "trap \'\' TERM; while :; do sleep 1007; done" > /dev/null 2>&1 &',
  'sleep 0.1; echo all there',
  'while :; do sleep 1008; done',
].join('\n')

test('a tree that ignores TERM, forks twice and leaves its session is ended, all of it', async () => {
  for (const mode of ['pipes', 'pty'] as const) {
    const ours = tag()
    await using run = await startStubborn(stubborn, ours, mode)
    const before = await findTree(treeOf(run, ours))
    expect(new Set(before.map((one) => one.by))).toEqual(new Set(['group', 'session', 'tag']))
    expect(before.length).toBeGreaterThanOrEqual(9)
    const { ended, left } = await sweep(treeOf(run, ours), { graceMs: 100 }, soon())
    expect(left).toEqual([])
    expect(ended).toEqual(expect.arrayContaining(before.map((one) => one.stat.pid)))
    for (const one of before) expect(await processRuns(one.stat)).toBe(false)
    expect(await findTree(treeOf(run, ours))).toEqual([])
    expect(await processRuns(run.identity.keeper)).toBe(true)
  }
})

test('those who obey TERM may clean up, and nobody waits for the grace to pass', async () => {
  const ours = tag()
  await using run = await startStubborn('trap "echo cleaned; exit 5" TERM; echo all there; while :; do sleep 0.02; done', ours)
  const began = performance.now()
  const { ended, left } = await sweep(treeOf(run, ours), {}, soon())
  expect([ended.includes(run.identity.child.pid), left]).toEqual([true, []])
  expect(performance.now() - began).toBeLessThan(1500)
  const connection = await run.connect()
  await readUntil(connection, 'cleaned')
  expect((await connection.exited)?.exit).toEqual({ kind: 'code', code: 5 })
})

test('a stopped process hears TERM too', async () => {
  const ours = tag()
  await using run = await startStubborn('trap "exit 6" TERM; echo all there; kill -STOP $$; while :; do sleep 0.02; done', ours)
  await sweep(treeOf(run, ours), {}, soon())
  expect((await (await run.connect()).exited)?.exit).toEqual({ kind: 'code', code: 6 })
})

test('who lost tag, group and session is found under its keeper', async () => {
  await using run = await startStubborn('setsid env -i /bin/sleep 1009 & sleep 0.1; echo all there; exit 0', tag())
  await (
    await run.connect()
  ).exited
  const tree: Tree = { keeper: run.identity.keeper }
  await until(async () => (await findTree(tree))[0]?.stat.name === 'sleep', 'sleep to run')
  expect((await findTree(tree)).map((one) => [one.by, one.stat.name])).toEqual([['keeper', 'sleep']])
  expect(await sweep(tree, {}, soon())).toMatchObject({ left: [] })
  expect(await processRuns(run.identity.keeper)).toBe(true)
})

test('who was seen to belong is ended when nothing tells it any more, with what it starts, and no other bearer of its pid', async () => {
  await using run = await startStubborn('setsid env -i sh -c "trap \'\' TERM; while :; do sleep 0.05; done" & sleep 0.1; echo all there; exit 0', tag())
  await (
    await run.connect()
  ).exited
  const { keeper } = run.identity
  await until(async () => (await findTree({ keeper })).length >= 2, 'sh and its sleep to run')
  const [seen] = (await findTree({ keeper })).filter((one) => one.stat.parent === keeper.pid).map((one) => one.stat)
  if (!seen) throw new Error('nobody fell to the keeper')
  process.kill(keeper.pid, 'SIGKILL')
  await until(async () => !(await processRuns(keeper)), 'the keeper to be gone')
  expect(await findTree({ ...treeOf(run, 'none'), keeper })).toEqual([])
  const others = [
    { pid: seen.pid, start: seen.start + 1 },
    { pid: seen.pid, start: 0 },
    { pid: 1, start: (await processStat(1))?.start ?? 1 },
  ]
  expect(await findTree({ known: others })).toEqual([])
  await until(async () => (await findTree({ known: [seen] })).length === 2, 'its next sleep')
  const { ended, left } = await sweep({ known: [seen] }, { graceMs: 100 }, soon())
  expect([ended.includes(seen.pid), ended.length >= 2, left, await processRuns(seen)]).toEqual([true, true, [], false])
})

test('another bearer of the number, another tag, ourselves and pid 1 are left alone', async () => {
  const ours = tag()
  await using run = await startStubborn('echo all there; sleep 1010; :', ours)
  const { child } = run.identity
  await until(async () => (await findTree({ tag: ours, spare: [child.pid] }))[0]?.stat.name === 'sleep', 'sleep to run')
  expect(await findTree({ pgid: child.pid, sid: child.pid, leaderStart: child.start + 1 })).toEqual([])
  expect(await findTree({ tag: ours.slice(0, -1) })).toEqual([])
  expect(await findTree({ pgid: 1, sid: 0, tag: '' })).toEqual([])
  expect(await findTree({ tag: ours, spare: [child.pid] })).toMatchObject([{ stat: { name: 'sleep' } }])
  const own = await processStat(process.pid)
  expect((await findTree({ pgid: own?.group ?? -1, sid: own?.session ?? -1 })).map((one) => one.stat.pid)).not.toContain(process.pid)
  expect(await sweep({ tag: `${ours}x` }, {}, soon())).toEqual({ ended: [], left: [] })
  expect(await processRuns(child)).toBe(true)
})
