// docs/failures.md says which test proves what: each of them is there.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

test('every test that docs/failures.md names is in the file that it names', () => {
  const cells = readFileSync(join(root, 'docs', 'failures.md'), 'utf8')
    .split('\n')
    .flatMap((line) => (/^\| .*`\w+\/[\w.-]+\.ts`/.test(line) ? [line.split(' | ').at(-1) ?? ''] : []))
  // `area/file.ts`: TITLE; TITLE; `area/file.ts`: TITLE, where a title may have a semicolon of its own.
  const named = cells.flatMap((cell) =>
    [...cell.matchAll(/`(?<file>\w+\/[\w.-]+\.ts)`: (?<titles>.+?)(?=; `\w+\/|\s*\|?$)/g)].map(({ groups }) => [groups?.['file'] ?? '', groups?.['titles'] ?? ''] as const),
  )
  expect(named.length).toBeGreaterThan(70)
  const missing = named.flatMap(([file, titles]) => {
    const text = readFileSync(join(root, 'test', file), 'utf8')
    return isMadeOf(titles, text) ? [] : [`${file}: ${titles}`]
  })
  expect(missing).toEqual([])
})

/** Whether it is one piece of the text, or several that are joined by semicolons. */
function isMadeOf(titles: string, text: string): boolean {
  if (text.includes(titles)) return true
  for (let at = titles.indexOf('; '); at !== -1; at = titles.indexOf('; ', at + 1)) if (text.includes(titles.slice(0, at)) && isMadeOf(titles.slice(at + 2), text)) return true
  return false
}
