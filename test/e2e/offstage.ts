// The command as a person runs it: real processes, real exit codes.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../src/config/package-root.ts'
import type { TestHome } from '../home.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export const launcher = join(packageRoot, 'bin', 'offstage.cjs')
export const talker = join(packageRoot, 'test', 'fixtures', 'agents', 'talker.ts')
/** `--agent` value of the steerable test agent. */
export const talkerAgent = `acp:'${process.execPath}' '${talker}'`

export function offstage(
  home: TestHome,
  args: readonly string[],
  more: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [launcher, ...args], { cwd: more.cwd ?? home.project, env: { ...home.env, ...more.env }, stdio: ['pipe', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  child.stdin.on('error', () => {})
  child.stdin.end(more.input ?? '')
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

/** One line without control characters but its newline, an optional indented hint line, and no stack trace. */
export const isOneClearLine = (err: string): boolean => {
  const [first, ...rest] = err.trimEnd().split('\n')
  // oxlint-disable-next-line no-control-regex
  return /^offstage: \S/.test(first ?? '') && rest.every((line) => line.startsWith('  ')) && !/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(err) && !/\n\s+at /.test(err)
}
