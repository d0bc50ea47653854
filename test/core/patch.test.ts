// What real git prints, taken apart: put together again it makes the new file of the old one, byte for byte.

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PatchFile, countsOf, parsePatch } from '../../src/core/patch.ts'
import { pathText } from '../../src/workspace/paths.ts'

let folder = ''
const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' }
const git = (...args: readonly string[]): Buffer =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', '-c', 'core.autocrlf=false', ...args], { cwd: folder, env, maxBuffer: 2 ** 28 })
const diffed = (...args: readonly string[]): Buffer => git('-c', 'core.quotePath=false', 'diff', '-M', '--no-rename-empty', '--no-color', ...args, 'HEAD~', 'HEAD')
const text = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('latin1')

function commit(): void {
  git('add', '-A')
  git('commit', '--quiet', '--allow-empty', '-m', 'x')
}

function write(path: string | Buffer, content: Uint8Array | string): void {
  const full = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path)])
  mkdirSync(dirname(full.toString('latin1') === full.toString() ? full.toString() : folder), { recursive: true })
  writeFileSync(full, content)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-patch-'))
  git('init', '--quiet')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Both sides of a file, as far as its hunks show it. */
function sides(patch: Uint8Array, { hunks }: PatchFile): { readonly before: string; readonly after: string } {
  let [before, after] = ['', '']
  for (const { lines } of hunks) {
    for (const { kind, start, end, endsFile } of lines) {
      const line = text(patch.subarray(start, end)) + (endsFile ? '' : '\n')
      if (kind !== 'added') before += line
      if (kind !== 'removed') after += line
    }
  }
  return { before, after }
}

const lineBytes = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('', 'a', 'b', 'same', '-- a', '++ b', '@@ -1 +1 @@', 'diff --git a/x b/x', '\\ No newline at end of file', 'with\r', '\tx ', text('漢字')),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map((bytes) => text(bytes.filter((byte) => byte !== 0 && byte !== 10))) },
)
const content = fc.tuple(fc.array(lineBytes, { maxLength: 12 }), fc.boolean()).map(([lines, ends]) => lines.join('\n') + (ends ? '\n' : ''))

const odd: readonly (string | Buffer)[] = [
  'plain.txt',
  'with space.txt',
  ' b',
  'a b/c b',
  'tab\there',
  'line\nfeed',
  'quote"s',
  "it's",
  'back\\slash',
  'ünïcödé 漢字',
  'esc\x1b[31m',
  'ends with tab\t',
  Buffer.from([0x6c, 0xff, 0xfe, 0x20, 0x22]),
]
/** As the path of a tree says it. */
const shown = (name: string | Buffer): string => (typeof name === 'string' ? name : '"l\\377\\376 \\""')

test('whatever two versions a file has: the lines make both of them, and count as git counts', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(content, content), { minLength: odd.length, maxLength: odd.length }), (contents) => {
      const latin = (made: string): Buffer => Buffer.from(made, 'latin1')
      for (const [index, name] of odd.entries()) write(name, latin(contents[index]?.[0] ?? ''))
      commit()
      for (const [index, name] of odd.entries()) write(name, latin(contents[index]?.[1] ?? ''))
      commit()
      const patch = diffed('--text', '-U1000')
      const files = parsePatch(patch)
      const changed = odd.flatMap((name, index) => (contents[index]?.[0] === contents[index]?.[1] ? [] : [{ path: shown(name), contents: contents[index] }]))
      expect(files.map(({ path }) => path).toSorted()).toEqual(changed.map(({ path }) => path).toSorted())
      const counted = git('-c', 'core.quotePath=false', 'diff', '--text', '--numstat', '-z', 'HEAD~', 'HEAD').toString('latin1').split('\0')
      for (const [index, file] of files.entries()) {
        const [before = '', after = ''] = changed.find(({ path }) => path === file.path)?.contents ?? []
        expect(sides(patch, file)).toEqual({ before, after })
        const [added, removed] = (counted[index] ?? '').split('\t')
        expect(countsOf(file)).toEqual({ added: Number(added), removed: Number(removed) })
        expect(file.hunks.every((hunk) => !hunk.isCut)).toBe(true)
      }
      // Together they are the whole patch: no byte stands between two files.
      expect([files[0]?.start ?? 0, ...files.map(({ end }) => end)]).toEqual([...files.map(({ start }) => start), patch.length])
    }),
    { numRuns: 8 },
  )
})

describe('what is no change of lines', () => {
  const files = new Map<string, PatchFile>()
  beforeAll(() => {
    const long = Array.from({ length: 40 }, (_, index) => `line ${index}\n`).join('')
    write('mode.sh', 'x\n')
    write('mode and text.sh', 'x\n')
    write('moved "from" here', long)
    write('moved only', `${long}moved\n`)
    write('gone', 'gone\n')
    write('empty gone', '')
    write('binary.png', Buffer.from([0, 1, 2]))
    write('becomes link', 'text\n')
    commit()
    chmodSync(join(folder, 'mode.sh'), 0o755)
    chmodSync(join(folder, 'mode and text.sh'), 0o755)
    write('mode and text.sh', 'y\n')
    renameSync(join(folder, 'moved "from" here'), join(folder, 'moved\tto'))
    write('moved\tto', long.replace('line 7\n', 'line seven\n'))
    renameSync(join(folder, 'moved only'), join(folder, 'moved away'))
    unlinkSync(join(folder, 'gone'))
    unlinkSync(join(folder, 'empty gone'))
    write('empty new', '')
    write('new', 'new')
    write('binary.png', Buffer.from([0, 1, 3]))
    unlinkSync(join(folder, 'becomes link'))
    symlinkSync('mode.sh', join(folder, 'becomes link'))
    commit()
    for (const file of parsePatch(diffed())) files.set(`${file.kind} ${file.path}`, file)
    for (const file of parsePatch(diffed('--binary'))) files.set(`--binary ${file.path}`, file)
  })

  test('every file is there once, under its name', () => {
    const plain = [...files.keys()].filter((key) => !key.startsWith('--binary'))
    expect(plain.toSorted()).toEqual([
      'added becomes link',
      'added empty new',
      'added new',
      'deleted becomes link',
      'deleted empty gone',
      'deleted gone',
      'modified binary.png',
      'modified mode and text.sh',
      'modified mode.sh',
      'renamed moved\tto',
      'renamed moved away',
    ])
  })

  test('modes, renames, binary files and missing line feeds are told', () => {
    expect(files.get('modified mode.sh')).toMatchObject({ mode: { from: '100644', to: '100755' }, hunks: [], binary: false })
    expect(files.get('modified mode and text.sh')).toMatchObject({ mode: { from: '100644', to: '100755' }, hunks: [{ old: { first: 1, count: 1 }, new: { first: 1, count: 1 } }] })
    expect(files.get('renamed moved\tto')).toMatchObject({ from: 'moved "from" here' })
    expect(files.get('renamed moved\tto')?.hunks[0]?.lines.filter(({ kind }) => kind !== 'same')).toMatchObject([
      { kind: 'removed', old: 8, new: null },
      { kind: 'added', old: null, new: 8 },
    ])
    expect(files.get('renamed moved away')).toMatchObject({ from: 'moved only', hunks: [] })
    for (const name of ['modified binary.png', '--binary binary.png']) expect(files.get(name)).toMatchObject({ binary: true, hunks: [] })
    expect(files.get('added new')?.hunks[0]?.lines).toMatchObject([{ kind: 'added', new: 1, endsFile: true }])
  })
})

test('names are paths as everywhere else, whatever bytes they have', () => {
  const name = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }),
    fc.constantFrom('"quoted"', '"a\\377"', '"half', 'ü"', '\ufeffx').map((one) => new TextEncoder().encode(one)),
  )
  fc.assert(
    fc.property(name, (bytes) => {
      const quoted = Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
      const [file] = parsePatch(Buffer.from(`diff --git "a/${quoted}" "b/${quoted}"\nold mode 100644\nnew mode 100755\n`))
      expect(file?.path).toBe(pathText(bytes))
    }),
  )
})

test('a patch that is cut says where', () => {
  write('cut', 'a\nb\nc\n')
  commit()
  write('cut', 'A\nb\nC\n')
  commit()
  const patch = diffed()
  expect(parsePatch(patch)[0]?.hunks[0]?.isCut).toBe(false)
  const cut = parsePatch(patch.subarray(0, patch.length - 4))
  expect(cut[0]?.hunks[0]?.isCut).toBe(true)
  for (let length = 0; length < patch.length; length += 1) expect(() => parsePatch(patch.subarray(0, length))).not.toThrow()
})

test('bytes of any kind do no harm, and every place is inside of them', () => {
  const line = fc.constantFrom(
    'diff --git a/x b/x',
    'diff --git "a/\\',
    '@@ -1,2 +1 @@',
    '@@ -1',
    '--- a/x',
    '+++ "b/\\777',
    '+a',
    '-b',
    ' c',
    '\\ No',
    '',
    'rename to "',
    'Binary files',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string()), { maxLength: 30 }), (lines) => {
      const patch = Buffer.from(lines.join('\n'))
      let last = 0
      for (const file of parsePatch(patch)) {
        expect(file.start).toBeGreaterThanOrEqual(last)
        for (const hunk of file.hunks) {
          for (const { start, end } of hunk.lines) expect(hunk.start <= start && start <= end && end <= hunk.end).toBe(true)
          expect(hunk.section.start).toBeLessThanOrEqual(hunk.section.end)
        }
        last = file.end
        expect(last).toBeLessThanOrEqual(patch.length)
      }
    }),
    { numRuns: 500 },
  )
})

test('twenty thousand lines and one of a megabyte are taken apart in no time', () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `+const value${index} = ${index}\n`).join('')
  const patch = Buffer.from(`diff --git a/big.ts b/big.ts\nnew file mode 100644\n--- /dev/null\n+++ b/big.ts\n@@ -0,0 +1,20001 @@\n${lines}+${'x'.repeat(1_000_000)}\n`)
  const beganMs = performance.now()
  const [file] = parsePatch(patch)
  expect(performance.now() - beganMs).toBeLessThan(1000)
  expect(file && countsOf(file)).toEqual({ added: 20_001, removed: 0 })
})
