// Against repositories that git itself made: what the files say must be what git means.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Project, Projects, projectOf } from '../../src/workspace/project.ts'

let top: string
beforeEach(() => (top = realpathSync(mkdtempSync(join(tmpdir(), 'offstage-project-')))))
afterEach(() => rmSync(top, { recursive: true, force: true }))

function git(cwd: string, ...args: readonly string[]): string {
  const own = { HOME: top, GIT_CONFIG_NOSYSTEM: '1', PATH: process.env['PATH'] ?? '', GIT_CEILING_DIRECTORIES: top }
  const settings = ['user.name=Test', 'user.email=test@example.org', 'init.defaultBranch=main', 'protocol.file.allow=always'].flatMap((one) => ['-c', one])
  return execFileSync('git', [...settings, ...args], { cwd, env: own, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

function repository(name: string): string {
  const folder = join(top, name)
  mkdirSync(folder)
  git(folder, 'init')
  git(folder, 'commit', '--allow-empty', '-m', 'first')
  return folder
}

function folder(...path: readonly string[]): string {
  const made = join(top, ...path)
  mkdirSync(made, { recursive: true })
  return made
}

describe('projectOf', () => {
  test('a repository and a folder deep in it', async () => {
    const shop = repository('shop')
    const deep = folder('shop', 'src', 'api')
    expect([await projectOf(shop), await projectOf(deep)]).toEqual(Array.from({ length: 2 }, () => ({ name: 'shop', branch: 'main' })))
    git(shop, 'checkout', '-b', 'feature/größer')
    expect(await projectOf(deep)).toEqual({ name: 'shop', branch: 'feature/größer' })
  })

  test('a repository without a commit has its branch already', async () => {
    git(folder('new'), 'init', '-b', 'trunk')
    expect(await projectOf(join(top, 'new'))).toEqual({ name: 'new', branch: 'trunk' })
  })

  test('where no branch is checked out, the commit', async () => {
    const shop = repository('shop')
    git(shop, 'checkout', '--detach')
    expect(await projectOf(shop)).toEqual({ name: 'shop', branch: git(shop, 'rev-parse', 'HEAD').slice(0, 7) })
  })

  test('a worktree is named after its repository, wherever it lies', async () => {
    const shop = repository('shop')
    git(shop, 'worktree', 'add', '-b', 'limits', '../elsewhere')
    expect([await projectOf(join(top, 'elsewhere')), await projectOf(shop)]).toEqual([
      { name: 'shop', branch: 'limits' },
      { name: 'shop', branch: 'main' },
    ])
  })

  test.each([
    ['shop.git', 'shop'],
    ['shop', 'shop'],
    [join('shop', '.bare'), 'shop'],
  ])('a bare repository %s and its worktree', async (path, name) => {
    git(repository('origin'), 'clone', '--bare', '.', join(top, path))
    git(join(top, path), 'worktree', 'add', '-b', 'fix', join(top, 'tree'))
    expect([await projectOf(join(top, path)), await projectOf(join(top, path, 'refs')), await projectOf(join(top, 'tree'))]).toEqual([
      { name, branch: 'main' },
      { name, branch: 'main' },
      { name, branch: 'fix' },
    ])
  })

  test('a submodule is a project of its own, and its worktree too', async () => {
    const shop = repository('shop')
    git(shop, 'submodule', 'add', repository('library'), 'vendor/.lib')
    expect(await projectOf(join(shop, 'vendor', '.lib'))).toEqual({ name: '.lib', branch: 'main' })
    expect(await projectOf(join(shop, 'vendor'))).toEqual({ name: 'shop', branch: 'main' })
    git(join(shop, 'vendor', '.lib'), 'worktree', 'add', '-b', 'other', join(top, 'libtree'))
    expect(await projectOf(join(top, 'libtree'))).toMatchObject({ branch: 'other' })
  })

  test('a folder whose name begins with a dot keeps it', async () => {
    repository('.config')
    expect(await projectOf(join(top, '.config'))).toEqual({ name: '.config', branch: 'main' })
  })

  test('no repository: the folder itself', async () => {
    expect([await projectOf(folder('plain', 'inner')), await projectOf('/')]).toEqual([
      { name: 'inner', branch: null },
      { name: '/', branch: null },
    ])
  })

  test('a folder that is gone still belongs to the repository above it; a link belongs to where it leads', async () => {
    const shop = repository('shop')
    symlinkSync(folder('shop', 'src'), join(top, 'link'))
    expect([await projectOf(join(shop, 'gone', 'deeper')), await projectOf(join(top, 'link'))]).toEqual(Array.from({ length: 2 }, () => ({ name: 'shop', branch: 'main' })))
  })

  test('branches in a reftable: only git can read them', async () => {
    const shop = repository('shop')
    writeFileSync(join(shop, '.git', 'HEAD'), 'ref: refs/heads/.invalid\n')
    expect(await projectOf(shop)).toEqual({ name: 'shop', branch: null })
  })

  const escape = 'ref: refs/heads/\u001b]0;owned\u0007\u001b[2Jma\u202ein\n'
  test.each([
    ['nothing', '', null],
    ['control sequences', escape, 'ma\ufffdin'],
    ['bytes', Buffer.from([0xff, 0xfe, 0, 1, 2]), null],
    ['a name without end', `ref: refs/heads/${'x'.repeat(100_000)}`, 'x'.repeat(200)],
    ['a short id', 'abcdef0', null],
  ])('a HEAD that holds %s', async (_name, content, branch) => {
    const shop = repository('shop')
    writeFileSync(join(shop, '.git', 'HEAD'), content)
    expect(await projectOf(shop)).toEqual({ name: 'shop', branch })
  })

  test('a name of a folder cannot hold a control either', async () => {
    const name = 'sh\u001b[31mop\nx'
    repository(name)
    expect(await projectOf(join(top, name))).toEqual({ name: 'shop x', branch: 'main' })
  })

  test.each(['gitdir: ../nowhere\n', 'gitdir: \0\n', 'gitdir: .git\n', 'something else', 'gitdir: /proc/self/mem\n'])(
    'a .git file that says %j is passed over',
    async (content) => {
      repository('shop')
      writeFileSync(join(folder('shop', 'broken'), '.git'), content)
      expect(await projectOf(join(top, 'shop', 'broken'))).toEqual({ name: 'shop', branch: 'main' })
    },
  )

  test('pipes where files should be hold nobody up', async () => {
    const shop = repository('shop')
    const inner = folder('shop', 'inner')
    execFileSync('mkfifo', [join(inner, '.git'), join(inner, 'HEAD')])
    expect(await projectOf(inner)).toEqual({ name: 'shop', branch: 'main' })
    rmSync(join(shop, '.git', 'HEAD'))
    execFileSync('mkfifo', [join(shop, '.git', 'HEAD')])
    expect(await projectOf(shop)).toEqual({ name: 'shop', branch: null })
  })
})

describe('Projects', () => {
  const on = (branch: string): Project => ({ name: 'shop', branch })

  test('reads a directory once in two seconds, for everybody who asks', async () => {
    let nowMs = 0
    let branch = 'main'
    const asked: string[] = []
    const read = async (directory: string): Promise<Project> => {
      asked.push(directory)
      return on(branch)
    }
    const projects = new Projects(read, () => nowMs)
    expect(projects.of('/work/shop')).toEqual({ name: 'shop', branch: null })
    await Promise.all([projects.refresh(Array.from({ length: 100 }, (_, index) => `/work/${index % 10}`)), projects.refresh(['/work/3'])])
    expect([asked.length, projects.of('/work/3')]).toEqual([10, on('main')])
    branch = 'other'
    nowMs = 1999
    await projects.refresh(['/work/3'])
    expect([asked.length, projects.of('/work/3')]).toEqual([10, on('main')])
    nowMs = 2000
    await projects.refresh(['/work/3'])
    expect([asked.length, projects.of('/work/3')]).toEqual([11, on('other')])
  })

  test('a disk that does not answer is waited for once, and shortly; what was known stays', async () => {
    let nowMs = 0
    const answers: ((project: Project) => void)[] = []
    const projects = new Projects(
      () => new Promise((resolve) => answers.push(resolve)),
      () => nowMs,
    )
    const known = projects.refresh(['/nfs'])
    answers[0]?.(on('main'))
    await known
    nowMs = 3000
    await projects.refresh(['/nfs'])
    expect(projects.of('/nfs')).toEqual(on('main'))
    nowMs = 9000
    const [startedAtMs] = [performance.now()]
    for (let times = 0; times < 50; times += 1) await projects.refresh(['/nfs'])
    expect(performance.now() - startedAtMs).toBeLessThan(90)
    expect(answers).toHaveLength(2)
    answers[1]?.(on('late'))
    await projects.refresh([])
    expect(projects.of('/nfs')).toEqual(on('late'))
  })
})
