// The user's own editor and pager.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { editText, pageText } from '../../src/cli/user-program.ts'

let folder = ''
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'os-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** A program that keeps the path and the text that it got, and then does this with the file "$f". */
function program(does: string): string {
  const path = join(folder, 'program')
  writeFileSync(path, `#!/bin/sh\nfor f; do :; done\nprintf '%s' "$f" > ${folder}/path\ncat "$f" > ${folder}/text\n${does}\n`)
  chmodSync(path, 0o700)
  return path
}

const kept = (name: string): string => readFileSync(join(folder, name), 'utf8')
const env = (variables: Record<string, string>) => ({ PATH: process.env['PATH'], ...variables })

test('the editor is given the text, and what it saves comes back', async () => {
  const editor = program(`printf 'changed\\n' > "$f"`)
  expect(await editText(env({ EDITOR: `${editor} --wait` }), 'as it was\n  é', '.md')).toBe('changed')
  expect(kept('text')).toBe('as it was\n  é\n')
  expect(kept('path')).toMatch(/\.md$/)
  expect(existsSync(kept('path'))).toBe(false)
})

test('$VISUAL comes first, and what was not changed is nothing', async () => {
  expect(await editText(env({ VISUAL: program(''), EDITOR: 'no-such-editor' }), 'as it was', '.md')).toBeUndefined()
})

test('the pager is given the text', async () => {
  await pageText(env({ PAGER: program('') }), 'all of it')
  expect(kept('text')).toBe('all of it\n')
})

test('a program that is not there, fails, or is no command is told with what to do', async () => {
  await expect(editText(env({ EDITOR: 'no-such-editor -x' }), 'a', '.md')).rejects.toMatchObject({
    message: 'there is no program no-such-editor',
    hint: 'set $EDITOR to the editor that you want',
  })
  await expect(pageText(env({ PAGER: join(folder, 'none') }), 'a')).rejects.toMatchObject({ hint: 'set $PAGER to the pager that you want' })
  await expect(editText(env({ EDITOR: program('exit 3') }), 'a', '.md')).rejects.toMatchObject({
    message: expect.stringMatching(/ended with exit code 3$/),
    hint: 'nothing was changed',
  })
  await expect(editText(env({ EDITOR: "'unfinished" }), 'a', '.md')).rejects.toMatchObject({ message: `"'unfinished" is no command` })
})
