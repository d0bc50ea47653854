// A real tree under the system's own watch: what is told of, what is not, and what the limits do.

import { mkdirSync, renameSync, rmSync, watch as watchFolder, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { watchTree } from '../../src/workspace/watch-tree.ts'
import { ground, never } from './tree-kit.ts'

function watched() {
  const at = ground()
  let told = 0
  let wake = (): void => {}
  const watch = watchTree(at.deps, at.folder, () => {
    told += 1
    wake()
  })
  onTestFinished(() => watch[Symbol.dispose]())
  /** Resolves when it was told of. */
  const tells = async (change: () => void): Promise<void> => {
    const next = new Promise<void>((resolve) => (wake = resolve))
    change()
    await next
  }
  /** How often it was told because of this. What happens first is told first, also of other folders. */
  const timesToldOf = async (change: () => void): Promise<number> => {
    told = 0
    change()
    const last = join(at.all, 'last')
    mkdirSync(last, { recursive: true })
    const seen = new Promise((resolve) => {
      const mark = watchFolder(last, resolve)
      onTestFinished(() => mark.close())
    })
    writeFileSync(join(last, 'mark'), '')
    await seen
    return told
  }
  return { ...at, watch, tells, timesToldOf }
}

test('what is written, made, renamed or deleted in a tree is told, at any depth', async () => {
  const { repository, folder, write, watch, tells } = watched()
  repository('a', 'dir/deep/b', 'no\xffname/c')
  await watch.refresh(never)
  await tells(() => write('a', 'other'))
  await tells(() => write('dir/deep/b', 'other'))
  await tells(() => write('dir/new'))
  await tells(() => renameSync(join(folder, 'dir/new'), join(folder, 'dir/newer')))
  await tells(() => rmSync(join(folder, 'dir/deep/b')))
})

test('a folder that is new is told of, and watched from the next refresh on; one by the name of another that went, too', async () => {
  const { repository, folder, write, watch, tells } = watched()
  repository('a', 'dir/b')
  await watch.refresh(never)
  await tells(() => write('fresh/inside/c'))
  await watch.refresh(never)
  await tells(() => write('fresh/inside/c', 'other'))
  await tells(() => rmSync(join(folder, 'dir'), { recursive: true }))
  await tells(() => write('dir/b', 'again'))
  await watch.refresh(never)
  await tells(() => write('dir/b', 'and again'))
})

test('git at work, and what git ignores, is not told', async () => {
  const { repository, write, git, watch, timesToldOf } = watched()
  write('.gitignore', 'built\n')
  write('built/first')
  repository('a')
  await watch.refresh(never)
  expect(await timesToldOf(() => void git('status'))).toBe(0)
  expect(await timesToldOf(() => void git('commit', '-q', '--allow-empty', '-m', 'more'))).toBe(0)
  expect(await timesToldOf(() => write('built/second'))).toBe(0)
  expect(await timesToldOf(() => write('built/deep/third'))).toBe(0)
  expect(await timesToldOf(() => write('a', 'other'))).toBeGreaterThan(0)
})

test('nothing is told after the end, and a refresh that was under way brings nothing back', async () => {
  const { repository, folder, write, watch, deps, tells } = watched()
  repository('a')
  let told = 0
  const other = watchTree(deps, folder, () => void (told += 1))
  const refreshing = other.refresh(never)
  other[Symbol.dispose]()
  await refreshing
  await watch.refresh(never)
  await tells(() => write('a', 'other'))
  expect(told).toBe(0)
})

test('a tree that is gone is a clear failure', async () => {
  const { repository, folder, watch, tells } = watched()
  repository('a')
  await watch.refresh(never)
  await tells(() => rmSync(folder, { recursive: true }))
  await expect(watch.refresh(never)).rejects.toThrow(/there is no such directory|not a git repository/)
})

test('what could not be listed is listed by the next refresh', async () => {
  const { repository, write, watch, tells } = watched()
  repository('a')
  await expect(watch.refresh(AbortSignal.abort())).rejects.toThrow()
  await watch.refresh(never)
  await tells(() => write('a', 'other'))
})
