// Copies of an index that several look through at the same time.

import { copyFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { type RefreshedIndexes, copyIndexToLook } from '../../src/workspace/index-copy.ts'
import { ground } from './tree-kit.ts'

test('however looks overlap, what lies there is just what is known', async () => {
  const { all, folder, repository, age } = ground()
  repository('a')
  age()
  const gitDir = join(folder, '.git')
  const scratch = join(all, 'scratch')
  mkdirSync(scratch)
  const refreshed: RefreshedIndexes = new Map()
  const lookAt = async (name: string): Promise<void> => {
    mkdirSync(join(scratch, name))
    const to = join(scratch, name, 'index')
    const copy = await copyIndexToLook(refreshed, gitDir, to)
    // As git writes it.
    copyFileSync(to, `${to}.lock`)
    renameSync(`${to}.lock`, to)
    await copy.keep()
  }
  const many = async (who: number): Promise<void> => {
    for (let round = 0; round < 60; round += 1) await lookAt(`${who}-${round}`)
  }
  await Promise.all(Array.from({ length: 5 }, (_, who) => many(who)))
  const kept = [...refreshed.values()].map(({ path }) => basename(path))
  expect(readdirSync(scratch).filter((name) => name.endsWith('.index'))).toEqual(kept)
})
