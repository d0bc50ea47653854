import { expect, test } from 'vitest'
import type { Forecast } from '../../src/core/workspace.ts'
import { FakeClient, talker } from './fake-client.ts'
import { offstage } from './run-cli.ts'

const one = (id: string) => ({ id, files: 1, added: 1, removed: 0 })

const forecast: Forecast = {
  repository: '/home/me/shop',
  sessions: ['k3f9x2ab', 'm4c8d1ef', 'p0here99'].map(one),
  conflicts: [
    { sessions: ['k3f9x2ab', 'm4c8d1ef'], repository: '/home/me/shop', paths: ['src/a.ts', 'src/b c.ts'], shared: ['src/a.ts', 'src/b c.ts'] },
    { sessions: ['k3f9x2ab', 'p0here99'], repository: '/home/me/shop', paths: [], shared: ['w', 'x', 'y', 'z'] },
    { sessions: ['m4c8d1ef', 'p0here99'], repository: '/home/me/shop', paths: ['both.ts'], shared: ['both.ts'], sameTree: true },
  ],
  order: [
    { id: 'p0here99', why: 'conflicts with m4c8d1ef' },
    { id: 'k3f9x2ab', why: 'conflicts with m4c8d1ef; 1 file, +1 -0' },
    { id: 'm4c8d1ef', why: 'started from the branch of k3f9x2ab' },
  ],
}

function several(forecasts: readonly Forecast[]): FakeClient {
  const client = new FakeClient()
  const worktree = (id: string) => ({ ...talker, worktree: { repository: '/home/me/shop', path: `/w/${id}`, below: '', branch: `offstage/${id}`, base: 'f'.repeat(40) } })
  client
    .create('k3f9x2ab', { label: 'backend-api', spec: worktree('k3f9x2ab') })
    .create('m4c8d1ef', { title: 'Fix the tests', spec: worktree('m4c8d1ef') })
    .create('p0here99', { title: 'In place' })
  client.forecasts = forecasts
  return client
}

test('on a terminal: true conflicts, shared trees, shared files, the order, and what to do', async () => {
  const { out, code, err } = await offstage(several([forecast]), ['conflicts'], { tty: true })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toBe(
    [
      '~/shop: 1 conflict among 3 sessions with work that is not landed',
      '   k3f9x2ab backend-api ≠ m4c8d1ef Fix the tests',
      '     src/a.ts',
      '     src/b c.ts',
      '   m4c8d1ef Fix the tests + p0here99 In place  work in the same directory, and write over each other',
      '     both.ts',
      '   k3f9x2ab backend-api ~ p0here99 In place  can be merged; both changed w, x, y and 1 more',
      '   best landed in this order:',
      '    1 p0here99 In place  conflicts with m4c8d1ef',
      '    2 k3f9x2ab backend-api  conflicts with m4c8d1ef; 1 file, +1 -0',
      '    3 m4c8d1ef Fix the tests  started from the branch of k3f9x2ab',
      '   offstage land k3f9x2ab m4c8d1ef  tests each on top of those before it, and sets aside what fails',
      '',
    ].join('\n'),
  )
})

test('piped: a line for each file and each place in the order', async () => {
  const { out } = await offstage(several([forecast]), ['conflicts'])
  expect(out.split('\n')).toEqual([
    'conflict\t/home/me/shop\tk3f9x2ab\tm4c8d1ef\tsrc/a.ts',
    'conflict\t/home/me/shop\tk3f9x2ab\tm4c8d1ef\tsrc/b c.ts',
    ...['w', 'x', 'y', 'z'].map((path) => `shared\t/home/me/shop\tk3f9x2ab\tp0here99\t${path}`),
    'same-tree\t/home/me/shop\tm4c8d1ef\tp0here99\tboth.ts',
    'order\t/home/me/shop\tp0here99\t1\tconflicts with m4c8d1ef',
    'order\t/home/me/shop\tk3f9x2ab\t2\tconflicts with m4c8d1ef; 1 file, +1 -0',
    'order\t/home/me/shop\tm4c8d1ef\t3\tstarted from the branch of k3f9x2ab',
    '',
  ])
})

test('a branch that has changed since in a way that conflicts is a conflict of its own', async () => {
  const [first, ...others] = forecast.sessions
  const moved: Forecast = { ...forecast, conflicts: [], sessions: [{ ...(first ?? one('')), branch: { name: 'main', paths: ['src/a.ts', 'b'] } }, ...others] }
  const { out } = await offstage(several([moved]), ['conflicts'], { tty: true })
  expect(out.split('\n').slice(0, 4)).toEqual([
    '~/shop: 1 conflict among 3 sessions with work that is not landed',
    '   k3f9x2ab backend-api ≠ what came to main',
    '     src/a.ts',
    '     b',
  ])
  expect((await offstage(several([moved]), ['conflicts'])).out.split('\n').slice(0, 2)).toEqual(['src/a.ts', 'b'].map((path) => `branch\t/home/me/shop\tk3f9x2ab\tmain\t${path}`))
})

test('--json is one array, as the daemon says it', async () => {
  expect(JSON.parse((await offstage(several([forecast]), ['conflicts', '--json'])).out)).toEqual([forecast])
  expect((await offstage(several([]), ['conflicts', '--json'])).out).toBe('[]\n')
})

test('nothing says so, and so does a directory where nobody works', async () => {
  expect((await offstage(several([]), ['conflicts'], { tty: true })).out).toBe('no session has work that is not landed\n')
  expect((await offstage(several([{ ...forecast, sessions: [], conflicts: [], order: [] }]), ['conflicts', '--cwd', '.'], { tty: true })).out).toBe(
    'no session has work that is not landed\n',
  )
  expect((await offstage(several([]), ['conflicts', '-C', 'sub'], { tty: true, cwd: '/work' })).out).toBe('no session has worked in a repository there\n')
  expect((await offstage(several([]), ['conflicts'])).out).toBe('')
})

test('the directory is made absolute, and without one every repository is asked for', async () => {
  const client = several([])
  const asked: unknown[] = []
  client.conflicts = async (query?: unknown) => {
    asked.push(query)
    return []
  }
  await offstage(client, ['conflicts', '-C', '../other'], { cwd: '/work/shop' })
  await offstage(client, ['conflicts'], { cwd: '/work/shop' })
  expect(asked).toEqual([{ cwd: '/work/other' }, {}])
})

test('sessions without a conflict still have an order, and one alone has none', async () => {
  const calm: Forecast = { ...forecast, conflicts: [] }
  expect((await offstage(several([calm]), ['conflicts'], { tty: true })).out).toContain(
    '~/shop: no conflicts among 3 sessions with work that is not landed\n   best landed in this order:',
  )
  const alone: Forecast = { ...forecast, sessions: [one('k3f9x2ab')], conflicts: [], order: [{ id: 'k3f9x2ab', why: 'x' }] }
  expect((await offstage(several([alone]), ['conflicts'], { tty: true })).out).toBe(
    '~/shop: no conflicts among 1 session with work that is not landed\n   offstage land k3f9x2ab\n',
  )
})

test('names of files and repositories reach no terminal as control bytes, and thousands of them stay few lines', async () => {
  const hostile = 'a\x1b]0;owned\x07b\x1b[2J\nc\u202e.ts'
  const paths = [hostile, ...Array.from({ length: 3000 }, (_, index) => `f${index}`)]
  const bad: Forecast = {
    ...forecast,
    repository: `/r/${hostile}`,
    conflicts: [{ sessions: ['k3f9x2ab', 'unknown1'], repository: '/r', paths, shared: paths }],
    order: [{ id: 'k3f9x2ab', why: hostile }],
  }
  for (const argv of [['conflicts'], ['conflicts', '--json']]) {
    for (const tty of [true, false]) {
      const { out } = await offstage(several([bad]), argv, { tty })
      // oxlint-disable-next-line no-control-regex
      expect(out).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
    }
  }
  const { out } = await offstage(several([bad]), ['conflicts'], { tty: true })
  expect(out).toContain('     and 2993 more\n')
  expect(out.split('\n').length).toBeLessThan(20)
})
