import { chmod, chown, link, lstat, mkdir, mkdtemp, readFile, readdir, readlink, realpath, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readInside, writeInside } from '../../src/workspace/files.ts'

const never = new AbortController().signal

let top: string
let root: string
let outside: string

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'offstage-files-')))
  root = join(top, 'work')
  outside = join(top, 'outside')
  await mkdir(root)
  await mkdir(outside)
})

afterEach(() => rm(top, { recursive: true, force: true }))

const read = (path: string, lines: { line?: number; limit?: number } = {}, approved?: string) => readInside(root, path, lines, approved, never)
const write = (path: string, content: string, approved?: string) => writeInside(root, path, content, approved, never)
const failed = (message: string) => ({ kind: 'failed', message })

/** As somebody whom permissions bind: root is not. */
async function asNobody<T>(perform: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return perform()
  await chown(top, 65534, 65534)
  await chown(root, 65534, 65534)
  process.seteuid?.(65534)
  try {
    return await perform()
  } finally {
    process.seteuid?.(0)
  }
}

describe('reading', () => {
  test('a text as it is, by absolute or relative path', async () => {
    const text = '\ufeffgrößer ✓\r\n界\0\nno end'
    await writeFile(join(root, 'a.txt'), text)
    expect([await read(join(root, 'a.txt')), await read('a.txt'), await read(`${root}/./x/../a.txt`)]).toEqual(Array.from({ length: 3 }, () => ({ kind: 'done', content: text })))
  })

  test('lines from 1, with their ends, as many as there are', async () => {
    await writeFile(join(root, 'a'), 'one\ntwo\nthree')
    const cases = [{ line: 1, limit: 1 }, { line: 2, limit: 1 }, { line: 2 }, { line: 3, limit: 9 }, { line: 4 }, { limit: 2 }, { limit: 0 }, { line: 0, limit: 1 }]
    expect(await Promise.all(cases.map(async (lines) => ((await read('a', lines)) as { content: string }).content))).toEqual([
      'one\n',
      'two\n',
      'two\nthree',
      'three',
      '',
      'one\ntwo\n',
      '',
      'one\n',
    ])
  })

  test('lines of a file far longer than what is read at a time', async () => {
    const lines = Array.from({ length: 200_000 }, (_, index) => `line ${index + 1} ${'✓'.repeat(index % 60)}\n`)
    await writeFile(join(root, 'long'), lines.join(''))
    expect(await read('long')).toEqual(failed('cannot read long: it is longer than 10 MB: read it in parts, by line and limit'))
    for (const line of [1, 777, 123_456, 199_999]) expect(await read('long', { line, limit: 1500 })).toEqual({ kind: 'done', content: lines.slice(line - 1, line + 1499).join('') })
    await writeFile(join(root, 'longest'), 'x'.repeat(10_000_001))
    expect((await read('longest')).kind).toBe('failed')
    await truncate(join(root, 'longest'), 10_000_000)
    expect((await read('longest')).kind).toBe('done')
  })

  test('what is no text, no file, or not there fails, and says why', async () => {
    await writeFile(join(root, 'binary'), Uint8Array.of(0x61, 0xff))
    await mkdir(join(root, 'folder'))
    await writeFile(join(root, 'file'), '')
    await symlink('loop', join(root, 'loop'))
    spawnSync('mkfifo', [join(root, 'pipe')])
    expect(await Promise.all(['binary', 'folder', 'pipe', 'none', 'file/x', 'loop', 'a\0b', 'x'.repeat(300), '\x1b[2Jnone'].map((path) => read(path)))).toEqual([
      failed('cannot read binary: it is not text (UTF-8)'),
      failed('cannot read folder: it is not a file'),
      failed('cannot read pipe: it is not a file'),
      failed('cannot read none: no such file'),
      failed('cannot read file/x: a part of the path is not a folder'),
      failed('cannot read loop: its symbolic links lead in a circle'),
      failed('cannot read a\ufffdb: no file has such a name'),
      failed(`cannot read ${'x'.repeat(300)}: the name is too long`),
      failed('cannot read none: no such file'),
    ])
  })

  test('outside is outside, whether it exists or not, and by whatever way', async () => {
    await writeFile(join(outside, 'secret'), 'secret')
    await writeFile(join(top, 'work-too'), 'a name that begins alike')
    await symlink(outside, join(root, 'out'))
    await symlink('../outside/secret', join(root, 'secret'))
    await symlink('../outside/none', join(root, 'dangling'))
    await symlink('secret', join(root, 'twice'))
    await mkdir(join(outside, 'closed'))
    for (const [path, place] of [
      ['../outside/secret', join(outside, 'secret')],
      ['../outside/none', join(outside, 'none')],
      [join(outside, 'secret'), join(outside, 'secret')],
      ['out/secret', join(outside, 'secret')],
      ['out/none', join(outside, 'none')],
      ['secret', join(outside, 'secret')],
      ['dangling', join(outside, 'none')],
      ['twice', join(outside, 'secret')],
      ['..', top],
      ['/', '/'],
      ['/etc/passwd', '/etc/passwd'],
      ['../work-too', join(top, 'work-too')],
      ['../outside/secret/x', join(outside, 'secret/x')],
      [join(outside, 'x'.repeat(300)), join(outside, 'x'.repeat(300))],
    ] as const) {
      expect([path, await read(path)]).toEqual([path, { kind: 'outside', place }])
    }
  })

  test('a person may approve what is outside', async () => {
    await writeFile(join(outside, 'plan'), 'plan')
    await symlink(join(outside, 'plan'), join(root, 'plan'))
    const place = join(outside, 'plan')
    expect([await read('plan', {}, place), await read(place, {}, place), await read('../outside/none', {}, join(outside, 'none'))]).toEqual([
      { kind: 'done', content: 'plan' },
      { kind: 'done', content: 'plan' },
      failed('cannot read ../outside/none: no such file'),
    ])
  })

  test('links that stay inside, and a workspace that is itself behind a link, are inside', async () => {
    await mkdir(join(root, 'deep'))
    await writeFile(join(root, 'deep', 'a'), 'a')
    await symlink('deep', join(root, 'short'))
    await symlink(root, join(top, 'alias'))
    const done = { kind: 'done', content: 'a' }
    expect([
      await read('short/a'),
      await readInside(join(top, 'alias'), join(root, 'deep/a'), {}, undefined, never),
      await readInside(join(top, 'alias'), join(top, 'alias/short/a'), {}, undefined, never),
    ]).toEqual([done, done, done])
    expect(await readInside('/', join(root, 'deep/a'), {}, undefined, never)).toEqual(done)
  })

  test('a file that may not be read fails', async () => {
    await writeFile(join(root, 'closed'), 'x', { mode: 0o000 })
    expect(await asNobody(() => read('closed'))).toEqual(failed('cannot read closed: permission denied'))
  })
})

describe('writing', () => {
  test("a new file, its folders made, the user's own mask kept", async () => {
    expect(await write('new/deep/ä ✓\n.txt', 'größer\r\n')).toEqual({ kind: 'done' })
    expect(await readFile(join(root, 'new/deep/ä ✓\n.txt'), 'utf8')).toBe('größer\r\n')
    expect((await stat(join(root, 'new/deep/ä ✓\n.txt'))).mode & 0o777).toBe(0o666 & ~process.umask())
    expect(await readdir(join(root, 'new/deep'))).toHaveLength(1)
  })

  test('an old file keeps its mode, and a reader that has it open keeps the old text', async () => {
    await writeFile(join(root, 'run.sh'), 'old')
    await chmod(join(root, 'run.sh'), 0o750)
    await link(join(root, 'run.sh'), join(top, 'witness'))
    expect(await write('run.sh', 'new')).toEqual({ kind: 'done' })
    expect([(await stat(join(root, 'run.sh'))).mode & 0o7777, await readFile(join(root, 'run.sh'), 'utf8'), await readFile(join(top, 'witness'), 'utf8')]).toEqual([
      0o750,
      'new',
      'old',
    ])
    expect(await readdir(root)).toEqual(['run.sh'])
  })

  test('given twice it is the same, also after a crash left a temporary file, or at the same time', async () => {
    const leftover = `.offstage-${createHash('sha256').update(join(root, 'a')).digest('hex').slice(0, 16)}.tmp`
    await symlink(join(outside, 'trap'), join(root, leftover))
    expect([await write('a', 'one'), await write('a', 'one')]).toEqual([{ kind: 'done' }, { kind: 'done' }])
    const letters = [...'abcdefghijklmnopqrst']
    expect(await Promise.all(letters.map((letter) => write('a', letter.repeat(100_000))))).toEqual(letters.map(() => ({ kind: 'done' })))
    const text = await readFile(join(root, 'a'), 'utf8')
    expect([text.length, new Set(text).size]).toEqual([100_000, 1])
    expect([await readdir(root), await readdir(outside)]).toEqual([['a'], []])
  })

  test('through a link inside the link stays, and its target has the text, also one that is not there yet', async () => {
    await writeFile(join(root, 'target'), 'old')
    await symlink('target', join(root, 'link'))
    await symlink('later', join(root, 'dangling'))
    expect([await write('link', 'new'), await write('dangling', 'made')]).toEqual([{ kind: 'done' }, { kind: 'done' }])
    expect([
      await readlink(join(root, 'link')),
      await readFile(join(root, 'target'), 'utf8'),
      await readlink(join(root, 'dangling')),
      await readFile(join(root, 'later'), 'utf8'),
    ]).toEqual(['target', 'new', 'later', 'made'])
  })

  test('outside nothing is written or made without approval, by whatever way', async () => {
    await writeFile(join(outside, 'kept'), 'kept')
    await symlink(outside, join(root, 'out'))
    await symlink('../outside/kept', join(root, 'link'))
    await symlink('../outside/made', join(root, 'dangling'))
    await symlink('../outside/deep', join(root, 'folder'))
    for (const path of ['../outside/kept', '../outside/made', join(outside, 'made/deep'), 'out/kept', 'out/new/made', 'link', 'dangling', 'folder/x', '..']) {
      expect([path, await write(path, 'x')]).toEqual([path, { kind: 'outside', place: expect.stringMatching(path === '..' ? top : outside) as string }])
    }
    expect([await readdir(outside), await readFile(join(outside, 'kept'), 'utf8')]).toEqual([['kept'], 'kept'])
    expect((await lstat(join(root, 'dangling'))).isSymbolicLink()).toBe(true)
    expect([await write('dangling', 'approved', join(outside, 'made')), await readFile(join(outside, 'made'), 'utf8')]).toEqual([{ kind: 'done' }, 'approved'])
  })

  test('what was approved for one place is refused when the path leads to another one, also into the workspace', async () => {
    await mkdir(join(outside, 'shown'))
    await mkdir(join(outside, 'swapped'))
    await mkdir(join(root, 'inside'))
    await symlink(join(outside, 'shown'), join(root, 'link'))
    const asked = await write('link/file', 'x')
    expect(asked).toEqual({ kind: 'outside', place: join(outside, 'shown', 'file') })
    for (const target of [join(outside, 'swapped'), join(root, 'inside')]) {
      await rm(join(root, 'link'))
      await symlink(target, join(root, 'link'))
      expect(await write('link/file', 'x', join(outside, 'shown', 'file'))).toEqual(failed('cannot write link/file: it leads to another place now than the one that was allowed'))
      expect([await readdir(target), await readdir(join(outside, 'shown'))]).toEqual([[], []])
    }
    await writeFile(join(root, 'inside', 'file'), 'text')
    expect(await read('link/file', {}, join(outside, 'shown', 'file'))).toEqual(failed('cannot read link/file: it leads to another place now than the one that was allowed'))
  })

  test('what is no file is left alone', async () => {
    await mkdir(join(root, 'folder'))
    await writeFile(join(root, 'file'), 'file')
    spawnSync('mkfifo', [join(root, 'pipe')])
    expect([
      await write('folder', 'x'),
      await write('.', 'x'),
      await write('file/x', 'x'),
      await write('pipe', 'x'),
      await write('a\0', 'x'),
      await write('y'.repeat(256), 'x'),
    ]).toEqual([
      failed('cannot write folder: it is a folder'),
      failed('cannot write .: it is a folder'),
      failed('cannot write file/x: a part of the path is not a folder'),
      failed('cannot write pipe: it is not a file'),
      failed('cannot write a\ufffd: no file has such a name'),
      failed(`cannot write ${'y'.repeat(256)}: the name is too long`),
    ])
    expect((await readdir(root)).toSorted()).toEqual(['file', 'folder', 'pipe'])
    expect((await write('y'.repeat(255), 'x')).kind).toBe('done')
    expect(await writeInside(join(top, 'gone'), 'a', 'x', undefined, never)).toEqual(failed('cannot write a: no such file'))
  })

  test('without permission the old text stays and no temporary file', async () => {
    await writeFile(join(root, 'closed'), 'old', { mode: 0o444 })
    await mkdir(join(root, 'shut'))
    await writeFile(join(root, 'shut', 'a'), 'old', { mode: 0o666 })
    await chmod(join(root, 'shut', 'a'), 0o666)
    await chmod(join(root, 'shut'), 0o555)
    const results = await asNobody(async () => [await write('closed', 'new'), await write('shut/a', 'new'), await write('shut/b', 'new')])
    expect(results).toEqual([failed('cannot write closed: permission denied'), failed('cannot write shut/a: permission denied'), failed('cannot write shut/b: permission denied')])
    expect([
      await readFile(join(root, 'closed'), 'utf8'),
      await readFile(join(root, 'shut/a'), 'utf8'),
      (await readdir(root)).toSorted(),
      await readdir(join(root, 'shut')),
    ]).toEqual(['old', 'old', ['closed', 'shut'], ['a']])
    await chmod(join(root, 'shut'), 0o755)
  })

  test('cancelled at any point it leaves the old text and no temporary file', async () => {
    await writeFile(join(root, 'a'), 'old')
    for (let point = 1; ; point += 1) {
      const controller = new AbortController()
      let checks = 0
      const signal = new Proxy(controller.signal, {
        get(target, key) {
          if (key === 'throwIfAborted' && (checks += 1) === point) controller.abort(new Error('cancelled'))
          const value: unknown = Reflect.get(target, key, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      const result = await writeInside(root, 'a', 'new', undefined, signal).catch((cause: Error) => cause.message)
      if (result !== 'cancelled') {
        expect([result, point]).toEqual([{ kind: 'done' }, 4])
        break
      }
      expect([await readFile(join(root, 'a'), 'utf8'), await readdir(root)]).toEqual(['old', ['a']])
    }
  })
})
