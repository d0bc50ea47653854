// Keepers of this source that were compiled for a test: with sanitizers, with small socket buffers, with shorter times.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './keepers.ts'

const cache = join(root, 'node_modules/.cache/offstage')

export type TestBuild = {
  /** With the address and undefined-behaviour sanitizers. */
  sanitized: boolean
  /** Linux takes 64 KiB whole or not at all unless the buffer is small. */
  sendBuffer?: number
  /** All times of bringing a daemon back are divided by this. */
  hurry?: number
}

/** Undefined where it cannot be compiled: no compiler, or no sanitizer libraries. */
export function testBuild({ sanitized, sendBuffer, hurry }: TestBuild): string | undefined {
  const source = join(root, 'src/keeper/native/keeper.c')
  const flags = [
    ...(sanitized ? ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'] : ['-O1']),
    ...(sendBuffer === undefined ? [] : [`-DKEEPER_TEST_SEND_BUFFER=${sendBuffer}`]),
    ...(hurry === undefined ? [] : [`-DKEEPER_TEST_HURRY=${hurry}`]),
  ]
  const hash = createHash('sha256').update(readFileSync(source)).update(flags.join(' ')).digest('hex').slice(0, 16)
  const target = join(cache, `keeper-test-${hash}`)
  mkdirSync(cache, { recursive: true })
  if (existsSync(target)) return target
  // The keeper gets no environment and says nothing, so what it found has to go to a file that is named at build time.
  const options = join(cache, `options-${process.pid}.c`)
  const where = JSON.stringify(`log_path=${join(cache, 'sanitizer-report')}:detect_leaks=0:abort_on_error=1`)
  writeFileSync(options, `const char *__asan_default_options(void) { return ${where}; }\nconst char *__ubsan_default_options(void) { return ${where}; }\n`)
  try {
    execFileSync('cc', [...flags, '-o', `${target}.${process.pid}`, source, options], { stdio: 'ignore' })
    renameSync(`${target}.${process.pid}`, target)
    return target
  } catch {
    return undefined
  } finally {
    rmSync(options, { force: true })
  }
}

/** What the sanitizers found so far, in any keeper. */
export function sanitizerReports(): string[] {
  return readdirSync(cache)
    .filter((name) => name.startsWith('sanitizer-report'))
    .map((name) => readFileSync(join(cache, name), 'utf8'))
}
