// The user's own editor and pager, with the terminal to themselves.

import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { usageError } from '../client/failures.ts'
import { splitWords } from '../config/shell-words.ts'
import { isRefusal } from '../core/errors.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** The text as it was saved; undefined when it is as before. Throws CommandFailed when there is no editor, or it fails. */
export async function editText(env: Variables, text: string, suffix: string): Promise<string | undefined> {
  return await withFile(text, suffix, async (file) => {
    await runProgram(env, env['VISUAL'] || env['EDITOR'] || 'vi', file, 'set $EDITOR to the editor that you want')
    const saved = (await readFile(file, 'utf8')).replace(/\n$/, '')
    return saved === text ? undefined : saved
  })
}

export async function pageText(env: Variables, text: string): Promise<void> {
  await withFile(text, '.txt', (file) => runProgram(env, env['PAGER'] || 'less', file, 'set $PAGER to the pager that you want'))
}

async function withFile<T>(text: string, suffix: string, use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'offstage-'))
  try {
    const file = join(folder, `text${suffix}`)
    await writeFile(file, `${text}\n`, { mode: 0o600 })
    return await use(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runProgram(env: Variables, command: string, file: string, hint: string): Promise<void> {
  const words = splitWords(command)
  const [program, ...args] = isRefusal(words) ? [] : words
  if (program === undefined) throw usageError(`"${command}" is no command`, hint)
  const { code, cause } = await new Promise<{ readonly code: number | null; readonly cause?: Error }>((resolve) => {
    const child = spawn(program, [...args, file], { stdio: 'inherit', env: { ...env } })
    child.on('error', (error) => resolve({ code: null, cause: error }))
    child.on('exit', (exit) => resolve({ code: exit }))
  })
  if (cause) throw usageError('code' in cause && cause.code === 'ENOENT' ? `there is no program ${program}` : `${program} cannot be started: ${cause.message}`, hint)
  if (code !== 0) throw usageError(`${program} ended with ${code === null ? 'a signal' : `exit code ${code}`}`, 'nothing was changed')
}
