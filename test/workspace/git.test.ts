// What git says of a directory, with real repositories.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { GitFailed, filesIn, git } from '../../src/workspace/git.ts'

const folders: string[] = []
const never = new AbortController().signal

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function emptyFolder() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-git-')))
  folders.push(folder)
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_CEILING_DIRECTORIES: dirname(folder) }
  const write = (path: string, text = path): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return { folder, env, write, run: (...args: readonly string[]) => git(args, folder, env, never) }
}

async function repository(...committed: readonly string[]) {
  const made = emptyFolder()
  await made.run('init', '-q')
  for (const path of committed) made.write(path)
  await made.run('add', '-A')
  await made.run('-c', 'user.name=me', '-c', 'user.email=me@example.org', 'commit', '-qm', 'first')
  return made
}

test('files are listed once, changed and new ones first, without those that are gone or ignored', async () => {
  const { folder, env, write } = await repository('.gitignore', 'a.ts', 'b.ts', 'gone.ts', 'src/deep/c.ts')
  write('.gitignore', 'built/\n')
  write('built/out.js')
  write('b.ts', 'changed')
  write('new file.ts')
  rmSync(join(folder, 'gone.ts'))
  const files = await filesIn(folder, env, never)
  expect(files.slice(0, 3).toSorted()).toEqual(['.gitignore', 'b.ts', 'new file.ts'])
  expect(files.slice(3)).toEqual(['a.ts', 'src/deep/c.ts'])
})

test('names are as they are, whatever is in them', async () => {
  const strange = ['line\nbreak', 'quote"s', 'umlaut-ä', ' space ']
  const { folder, env } = await repository(...strange)
  expect((await filesIn(folder, env, never)).toSorted()).toEqual(strange.toSorted())
})

test('of a folder in a repository they are those below it, relative to it', async () => {
  const { folder, env } = await repository('top.ts', 'src/deep/c.ts')
  expect(await filesIn(join(folder, 'src'), env, never)).toEqual(['deep/c.ts'])
})

test('a repository without a commit has its new files', async () => {
  const { folder, env, write, run } = emptyFolder()
  await run('init', '-q')
  write('a.ts')
  expect(await filesIn(folder, env, never)).toEqual(['a.ts'])
})

test('where there is no repository, git says so', async () => {
  const { folder, env } = emptyFolder()
  await expect(filesIn(folder, env, never)).rejects.toBeInstanceOf(GitFailed)
})

test('many questions at once are asked a few at a time, and who is not interested any more leaves the queue', async () => {
  const { folder, env } = emptyFolder()
  const waits = new AbortController()
  const gitsNow = (): number => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length
  const before = gitsNow()
  const asked = Array.from({ length: 30 }, (_, index) => git(['--version'], folder, env, index < 20 ? never : waits.signal))
  const gits = gitsNow() - before
  waits.abort(new Error('gone'))
  const ends = await Promise.allSettled(asked)
  expect([gits, ends.filter(({ status }) => status === 'fulfilled').length]).toEqual([8, 20])
  expect(await git(['--version'], folder, env, never)).toMatch(/^git version/)
})
