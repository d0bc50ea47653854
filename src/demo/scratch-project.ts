// The small project that the demo works on: a real git repository with real tests, one of which fails.

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { git } from '../workspace/git.ts'

const files: Readonly<Record<string, string>> = {
  'package.json': `${JSON.stringify({ name: 'shop', version: '1.0.0', type: 'module', private: true, scripts: { test: 'node --test' } }, null, 2)}\n`,
  'README.md': '# shop\n',
  'src/cart.js': `/** The price of everything in the cart, in cents. */
export function total(items) {
  return items.reduce((sum, item) => sum + item.price, 0)
}
`,
  'src/legacy/old-cart.js': `// Nothing imports this any more.
exports.total = function (items) {
  var sum = 0
  for (var i = 0; i < items.length; i++) sum += items[i].price
  return sum
}
`,
  'test/cart.test.js': `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { total } from '../src/cart.js'

test('an empty cart costs nothing', () => assert.equal(total([]), 0))

test('quantities count', () => assert.equal(total([{ price: 250, quantity: 2 }, { price: 100, quantity: 1 }]), 600))
`,
}

/** Writes the project into this empty folder and commits it. Throws GitFailed. */
export async function makeScratchProject(folder: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  const author = ['-c', 'user.name=Offstage demo', '-c', 'user.email=demo@localhost', '-c', 'commit.gpgsign=false']
  await git(['init', '--quiet', '--initial-branch=main'], folder, env, signal)
  await git(['add', '--all'], folder, env, signal)
  await git([...author, 'commit', '--quiet', '--no-verify', '--message', 'A small shop'], folder, env, signal)
}

/** What changed since, one line a file. */
export const scratchChanges = (folder: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<string> =>
  git(['status', '--short'], folder, env, signal)
