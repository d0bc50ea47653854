import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { takesColor } from '../../src/cli/context.ts'
import { entry } from '../../src/config/package-root.ts'

const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', OFFSTAGE_HOME: '/nonexistent/offstage' }

test('a reader that has seen enough ends it quietly', async () => {
  const program = spawn(process.execPath, [entry('cli'), 'agents', '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  program.stdout.destroy()
  let said = ''
  program.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(program, 'close')) as [number | null]
  expect({ code, said }).toEqual({ code: 0, said: '' })
})

test('what is printed into a pipe is there to its last byte', async () => {
  const program = spawn(process.execPath, [entry('cli'), 'agents', '--json'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  program.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(program, 'close')) as [number | null]
  expect(code).toBe(0)
  expect(JSON.parse(said)).toBeInstanceOf(Array)
})

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
  [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  [{ TERM: 'dumb' }, true, false],
])('%j on a terminal: %s gives colours: %s', (environment, isTTY, colors) => {
  expect(takesColor(environment, { isTTY })).toBe(colors)
})
