import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Hit } from '../../src/core/api.ts'
import type { Entry, Event } from '../../src/core/events.ts'
import { type EventLog, StoreFailed } from '../../src/store/event-log.ts'
import { memoryLog } from '../../src/store/memory-log.ts'
import { SearchFailed, SearchIndex } from '../../src/store/search-index.ts'
import { canLoop, loopDisk } from '../machine.ts'
import { largeLog, messages } from './indexer.ts'

const never = new AbortController().signal

let folder: string
let path: string
const open: SearchIndex[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'offstage-search-'))
  path = join(folder, 'cache', 'search.db')
})
afterEach(() => {
  for (const index of open.splice(0)) index.close()
  rmSync(folder, { recursive: true, force: true })
})

function indexOf(log: EventLog, at = path): SearchIndex {
  const index = new SearchIndex({ path: at, log, projectOf: async (directory) => `project of ${directory.split('/').at(-1)}` })
  open.push(index)
  return index
}

/** A log whose facts are one second apart. */
function facts(log = memoryLog()) {
  const seqs = new Map<string, number>()
  let atMs = 0
  const add = async (session: string, ...events: readonly Event[]): Promise<void> => {
    const expectedSeq = seqs.get(session) ?? 0
    await log.append({ session, expectedSeq, events: events.map((event) => ({ atMs: (atMs += 1000), by: 'agent', event })) })
    seqs.set(session, expectedSeq + events.length)
  }
  return { log, add }
}

const created = (title: string, more: { readonly label?: string; readonly cwd?: string } = {}): Event => {
  const { cwd = '/work/shop', ...rest } = more
  return { type: 'created', title, spec: { kind: 'agent', driver: 'acp', agent: 'claude', argv: ['claude'], cwd }, ...rest }
}
const wrote = (entryId: string, entry: Entry): Event => ({ type: 'entry-written', run: 1, entryId, entry })
const said = (entryId: string, text: string): Event => wrote(entryId, { kind: 'message', text })

const shown = ({ session, seq, kind, excerpt }: Hit): string => `${session} ${seq} ${kind}: ${excerpt.replaceAll('\u0001', '[').replaceAll('\u0002', ']')}`
const found = async (index: SearchIndex, text: string, limit = 50): Promise<readonly string[]> => (await index.search({ text, limit }, never)).map(shown)

describe('what is found', () => {
  test('every kind of place, each with the fact that says it', async () => {
    const { log, add } = facts()
    await add(
      'aaaaaaaa',
      created('Fix the walrus', { label: 'walrus-fix', cwd: '/work/walrus' }),
      { type: 'prompt-queued', promptId: 'p1', text: 'feed the walrus' },
      said('1.1', 'The walrus is fed.'),
      wrote('1.2', { kind: 'thought', text: 'a walrus eats fish' }),
      wrote('1.3', {
        kind: 'tool',
        title: 'grep walrus',
        toolKind: 'search',
        status: 'completed',
        paths: ['src/Walrus.ts'],
        output: 'walrus.ts: 3 walruses',
        changes: [{ path: 'zoo/walrus.md', added: 1, removed: 0 }],
      }),
      { type: 'asked', run: 1, ask: { id: 'q1', kind: 'permission', title: 'delete walrus ?', detail: 'the old walrus', options: [] } },
      wrote('1.4', { kind: 'plan', steps: [{ text: 'walrus', status: 'pending' }] }),
    )
    const index = indexOf(log)
    const all = await Promise.all(
      ['"fix the walrus"', 'walrus-fix', 'feed', 'fed', 'fish', 'grep', 'walruses', 'zoo', 'delete', 'claude', '"project of walrus"', '/work/walrus'].map((text) =>
        found(index, text),
      ),
    )
    expect(all).toEqual([
      ['aaaaaaaa 1 name: [Fix the walrus]'],
      ['aaaaaaaa 1 name: [walrus-fix]'],
      ['aaaaaaaa 2 prompt: [feed] the walrus'],
      ['aaaaaaaa 3 message: The walrus is [fed].'],
      ['aaaaaaaa 4 thought: a walrus eats [fish]'],
      ['aaaaaaaa 5 tool: [grep] walrus walrus.ts: 3 walruses'],
      ['aaaaaaaa 5 tool: grep walrus walrus.ts: 3 [walruses]'],
      ['aaaaaaaa 5 file: src/Walrus.ts [zoo]/walrus.md'],
      ['aaaaaaaa 6 question: [delete] walrus ? the old walrus'],
      ['aaaaaaaa 1 place: [claude] /work/walrus project of walrus'],
      ['aaaaaaaa 1 place: claude /work/walrus [project of walrus]'],
      ['aaaaaaaa 1 place: claude /[work/walrus] project of walrus'],
    ])
  })

  test('all words, in one place, the last as a beginning; parts of paths and identifiers; whatever the case and the marks', async () => {
    const { log, add } = facts()
    await add('aaaaaaaa', created('x'), said('1.1', 'open src/pages/Preferences.tsx'), said('1.2', 'parseHTTPResponse(userId) für Käse'), said('1.3', '設定を変更しました'))
    const index = indexOf(log)
    const hits = async (text: string): Promise<number> => (await found(index, text)).length
    const queries = [
      'preferences',
      'PREF',
      'pages/preferences.tsx',
      'preferences pages',
      'open für',
      'refer',
      'response',
      'http resp',
      'userid',
      'id',
      '"user id"',
      'fur kase',
      '変更',
      '設定 変更',
      '更変',
    ]
    expect(await Promise.all(queries.map(hits))).toEqual([1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0])
  })

  test('of a session three places at most: the best kinds first, then the newest', async () => {
    const { log, add } = facts()
    await add('aaaaaaaa', created('old walrus'), ...[1, 2, 3, 4, 5].map((number) => said(`1.${number}`, `walrus ${number}`)))
    await add('bbbbbbbb', created('x'), wrote('1.1', { kind: 'thought', text: 'walrus?' }), said('1.2', 'walrus!'))
    await add('cccccccc', created('new walrus'))
    const index = indexOf(log)
    expect(await found(index, 'walrus')).toEqual([
      'cccccccc 1 name: new [walrus]',
      'aaaaaaaa 1 name: old [walrus]',
      'bbbbbbbb 3 message: [walrus]!',
      'aaaaaaaa 6 message: [walrus] 5',
      'aaaaaaaa 5 message: [walrus] 4',
      'bbbbbbbb 2 thought: [walrus]?',
    ])
    expect(await found(index, 'walrus', 2)).toHaveLength(2)
  })

  test('an entry that is written again, a prompt, a label: only the newest text', async () => {
    const { log, add } = facts()
    await add('aaaaaaaa', created('x', { label: 'first-label' }), said('1.1', `begins with a walrus ${'and goes on '.repeat(3000)}`))
    const index = indexOf(log)
    expect([await found(index, 'walrus'), await found(index, 'first')]).toMatchObject([{ length: 1 }, { length: 1 }])
    await add('aaaaaaaa', said('1.1', 'ends with a seal'), { type: 'labelled', label: 'second-label' })
    expect([await found(index, 'walrus'), await found(index, 'first'), await found(index, 'seal'), await found(index, 'second')]).toEqual([
      [],
      [],
      ['aaaaaaaa 3 message: ends with a [seal]'],
      ['aaaaaaaa 4 name: [second]-label'],
    ])
    await add('aaaaaaaa', { type: 'labelled', label: null })
    expect(await found(index, 'second')).toEqual([])
  })

  test('a title that is the beginning of a prompt is found as the prompt; another one beside it', async () => {
    const { log, add } = facts()
    const prompted = (title: string, text: string): readonly Event[] => [created(title), { type: 'prompt-queued', promptId: 'p1', text }]
    await add('aaaaaaaa', ...prompted('Feed the walrus, then…', 'Feed the walrus, then\nthe seal'))
    await add('bbbbbbbb', ...prompted('Walrus care', 'Feed the walrus'))
    expect(await found(indexOf(log), 'walrus')).toEqual([
      'bbbbbbbb 1 name: [Walrus] care',
      'bbbbbbbb 2 prompt: Feed the [walrus]',
      'aaaaaaaa 2 prompt: Feed the [walrus], then the seal',
    ])
  })

  test('a removed session is not found until it is restored; an archived one is', async () => {
    const { log, add } = facts()
    await add('aaaaaaaa', created('walrus'), { type: 'archived' })
    await add('bbbbbbbb', created('seal'), { type: 'removed' })
    const index = indexOf(log)
    expect([await found(index, 'walrus'), await found(index, 'seal')]).toMatchObject([{ length: 1 }, { length: 0 }])
    await add('bbbbbbbb', { type: 'restored' })
    expect(await found(index, 'seal')).toHaveLength(1)
  })

  test('what was said is shown without anything that a terminal would obey', async () => {
    const { log, add } = facts()
    await add('aaaaaaaa', created('x'), said('1.1', '\u001b[31mwalrus\u001b[0m\r\n\u001b]52;c;AAAA\u0007\tnext\u0001line\u202e'))
    expect(await found(indexOf(log), 'walrus')).toEqual(['aaaaaaaa 2 message: [walrus] next\ufffdline\ufffd'])
  })

  test('words far apart in a text of megabytes', async () => {
    const { log, add } = facts()
    await add('aaaaaaaa', created('x'), { type: 'prompt-queued', promptId: 'p', text: `walrus ${'filling words '.repeat(150_000)} seal` })
    const index = indexOf(log)
    expect([await found(index, 'walrus'), await found(index, 'seal')]).toMatchObject([{ length: 1 }, { length: 1 }])
  })
})

describe('whatever is asked', () => {
  const word = fc.string({ unit: fc.constantFrom(...'abcXYZ019_äßéñЖшλ設定はデ한국어'), minLength: 1, maxLength: 12 }).filter((text) => /[\p{L}\p{N}]/u.test(text))
  const text = fc.array(fc.oneof(word, fc.constantFrom('src/pages/A.tsx', 'a-b', '"', '(', 'AND', '\u001b[1m', '🎉')), { minLength: 1, maxLength: 12 }).map((all) => all.join(' '))

  test('a word of an entry finds the entry, and so does every beginning of it that ends in two letters or figures', async () => {
    const { log, add } = facts()
    const index = indexOf(log, join(folder, 'words.db'))
    let number = 0
    await fc.assert(
      fc.asyncProperty(text, fc.nat(), fc.nat(12), async (all, which, length) => {
        const session = `s${String((number += 1)).padStart(7, '0')}`
        await add(session, created('x'), said('1.1', `${all} unique${number}`))
        const words = all.split(' ').filter((one) => /^[^\u001b]*[\p{L}\p{N}][^\u001b]*$/u.test(one))
        const wanted = words[which % Math.max(1, words.length)] ?? ''
        const beginning = wanted.slice(0, Math.max(2, length))
        const asked = `unique${number} ${/[\p{L}\p{N}]{2}$/u.test(beginning) ? beginning : wanted}`
        expect((await index.search({ text: asked, limit: 1000 }, never)).map((hit) => hit.session)).toContain(session)
      }),
      { numRuns: 200 },
    )
  })

  test('nothing throws, and there are never more hits than asked for', async () => {
    const { log, add } = facts()
    await add('aaaaaaaa', created('a b c'), said('1.1', 'AND OR NOT NEAR "x" * ^ : ( ) { } - + 設定 ä'))
    const index = indexOf(log)
    const syntax = fc.string({
      unit: fc.constantFrom('"', "'", '*', '(', ')', '{', '}', ':', '^', '-', '+', ' ', 'AND', 'OR', 'NOT', 'NEAR', 'a', '設', ',', '\0', '\ud800', '%', '_', '\\', ';', '\u0001'),
      maxLength: 1000,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(syntax, fc.string({ unit: 'binary', maxLength: 1000 }), fc.string({ unit: 'grapheme', maxLength: 300 })),
        fc.integer({ min: 1, max: 3 }),
        async (query, limit) => {
          expect((await index.search({ text: query, limit }, never)).length).toBeLessThanOrEqual(limit)
        },
      ),
      { numRuns: 400 },
    )
    await index.search({ text: 'a '.repeat(500), limit: 1 }, never)
    await index.search({ text: 'aB設'.repeat(333), limit: 1 }, never)
  })

  test('without a word nothing is found, and no file is made', async () => {
    const { log } = facts()
    expect(await found(indexOf(log), ' "++" ')).toEqual([])
    expect(existsSync(path)).toBe(false)
  })
})

describe('the file', () => {
  const filled = async () => {
    const all = facts()
    await all.add('aaaaaaaa', created('walrus'), ...Array.from({ length: 300 }, (_, number) => said(`1.${number}`, `message ${number} of many words`)))
    return all
  }
  const hit = ['aaaaaaaa 1 name: [walrus]']

  test('is its owner\u2019s alone, and goes on where it was', async () => {
    const { log, add } = await filled()
    expect(await found(indexOf(log), 'walrus')).toEqual(hit)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    open.splice(0).forEach((index) => index.close())
    await add('bbbbbbbb', created('seal'))
    const reads: number[] = []
    const watched: EventLog = Object.assign(Object.create(log) as EventLog, { read: (query: Parameters<EventLog['read']>[0]) => (reads.push(query.after), log.read(query)) })
    const again = indexOf(watched)
    expect([await found(again, 'walrus'), await found(again, 'seal')]).toMatchObject([hit, { length: 1 }])
    expect(Math.min(...reads)).toBeGreaterThanOrEqual(300)
  })

  test.each([
    ['gone while it is open', () => rmSync(path)],
    ['gone with its folder', () => rmSync(join(folder, 'cache'), { recursive: true })],
  ])('%s is made anew', async (_name, damage) => {
    const { log } = await filled()
    const index = indexOf(log)
    expect(await found(index, 'walrus')).toEqual(hit)
    damage()
    expect([await found(index, 'walrus'), existsSync(path)]).toEqual([hit, true])
  })

  const overwrite = (from: number, length: number): void => {
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(length, 0xa5), 0, length, from)
    closeSync(file)
  }
  test.each([
    ['text instead of a database', () => writeFileSync(path, 'this is no database at all '.repeat(200))],
    ['an empty file', () => truncateSync(path, 0)],
    ['a file that was cut', () => truncateSync(path, 8192)],
    ['a beginning that was written over', () => overwrite(0, 100)],
    ['pages that were written over', () => overwrite(4096, statSync(path).size - 4096)],
    ['another format', () => changed('pragma user_version = 99')],
    ['tables of another shape', () => changed('drop table said; create table said (other text)')],
    ['a table that is missing', () => changed('drop table words')],
    ['a database of something else', () => (rmSync(path), changed('create table session (mine text)'))],
  ])('%s is made anew', async (_name, damage) => {
    const { log } = await filled()
    expect(await found(indexOf(log), 'walrus')).toEqual(hit)
    open.splice(0).forEach((index) => index.close())
    damage()
    const index = indexOf(log)
    expect([await found(index, 'walrus'), (await found(index, 'message 299')).length]).toEqual([hit, 1])
  })

  function changed(sql: string): void {
    const database = new DatabaseSync(path)
    database.exec(sql)
    database.close()
  }

  test('damage that shows when it is read, while it is open, is repaired by the search that meets it', async () => {
    const { log } = await filled()
    const index = indexOf(log)
    await found(index, 'walrus')
    overwrite(8192, statSync(path).size - 8192)
    const [one, other] = await Promise.all([found(index, 'message 299'), found(index, 'walrus')])
    expect([one.length, other]).toEqual([1, hit])
  })

  test('of another log is made anew: one that is shorter, and one of the same length', async () => {
    const before = await filled()
    await found(indexOf(before.log), 'walrus')
    open.splice(0).forEach((index) => index.close())
    const shorter = facts()
    await shorter.add('bbbbbbbb', created('seal'))
    const index = indexOf(shorter.log)
    expect([await found(index, 'walrus'), await found(index, 'seal')]).toMatchObject([{ length: 0 }, { length: 1 }])
    open.splice(0).forEach((one) => one.close())
    const other = facts()
    await other.add('cccccccc', created('otter'))
    const last = indexOf(other.log)
    expect([await found(last, 'seal'), await found(last, 'otter')]).toMatchObject([{ length: 0 }, { length: 1 }])
  })

  test('where none can be, the search says so and nothing else happens', async () => {
    const { log } = await filled()
    mkdirSync(path, { recursive: true })
    await expect(indexOf(log).search({ text: 'walrus', limit: 1 }, never)).rejects.toThrow(SearchFailed)
    await expect(indexOf(log).search({ text: 'walrus', limit: 1 }, never)).rejects.toThrow(/^cannot search: /)
    writeFileSync(join(folder, 'file'), '')
    await expect(indexOf(log, join(folder, 'file', 'search.db')).search({ text: 'walrus', limit: 1 }, never)).rejects.toThrow(SearchFailed)
  })

  test.runIf(canLoop())('on a disk that is full, the search says so, and is answered when there is room again', async () => {
    const { log } = await filled()
    using disk = loopDisk(4 * 1024 * 1024)
    const ballast = join(disk.path, 'ballast')
    const index = indexOf(log, join(disk.path, 'search.db'))
    const file = openSync(ballast, 'w')
    for (let full = false; !full;) {
      try {
        writeSync(file, Buffer.alloc(4096))
      } catch {
        full = true
      }
    }
    closeSync(file)
    await expect(index.search({ text: 'walrus', limit: 1 }, never)).rejects.toThrow(/free some space$/)
    rmSync(ballast)
    expect(await found(index, 'walrus')).toEqual(hit)
    index.close()
  })

  test('a process that is killed in the midst of making it leaves nothing wrong behind', async () => {
    mkdirSync(join(folder, 'cache'))
    for (const waitMs of [0, 30, 60, 90]) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'indexer.ts'), path], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      setTimeout(() => child.kill('SIGKILL'), waitMs)
      await once(child, 'close')
    }
    const index = indexOf(await largeLog())
    const places = await Promise.all([0, 1, 1000, messages - 1].map((number) => found(index, `"message${number}"`)))
    expect(places.map((hits) => hits.map((one) => one.split(' ')[1]))).toEqual([['1'], ['2'], ['1001'], [String(messages)]])
  })

  test('what the log cannot give is the log\u2019s failure', async () => {
    const { log } = await filled()
    const failing: EventLog = Object.assign(Object.create(log) as EventLog, {
      read: () => {
        throw new StoreFailed('offstage.db', 'cannot be read')
      },
    })
    await expect(indexOf(failing).search({ text: 'walrus', limit: 1 }, never)).rejects.toThrow(StoreFailed)
  })
})

test('searches that come at once share one reading of the log; facts that come meanwhile are found', async () => {
  const { log, add } = facts()
  await add('aaaaaaaa', created('walrus'), ...Array.from({ length: 2000 }, (_, number) => said(`1.${number}`, `message ${number} ${'of many words '.repeat(20)}`)))
  let reads = 0
  const counted: EventLog = Object.assign(Object.create(log) as EventLog, { read: (query: Parameters<EventLog['read']>[0]) => ((reads += 1), log.read(query)) })
  const index = indexOf(counted)
  const searches = Array.from({ length: 10 }, () => found(index, 'walrus'))
  await add('bbbbbbbb', created('seal'))
  expect(await Promise.all([...searches, found(index, 'seal')])).toEqual([...Array.from({ length: 10 }, () => ['aaaaaaaa 1 name: [walrus]']), ['bbbbbbbb 1 name: [seal]']])
  expect(reads).toBeLessThan(150)
})

test('the loop goes round while an index is made', async () => {
  const { log, add } = facts()
  for (let number = 0; number < 40; number += 1)
    await add('aaaaaaaa', ...Array.from({ length: 50 }, (_, index) => said(`${number}.${index}`, `message ${'of some words '.repeat(100)}`)))
  let rounds = 0
  let searching = true
  const round = (): void => {
    rounds += 1
    if (searching) setImmediate(round)
  }
  setImmediate(round)
  const startedAtMs = performance.now()
  await found(indexOf(log), 'message')
  searching = false
  expect(rounds).toBeGreaterThan((performance.now() - startedAtMs) / 40)
})

test('whoever goes away gets no answer, and the next one does', async () => {
  const { log, add } = facts()
  await add('aaaaaaaa', created('walrus'))
  const index = indexOf(log)
  await expect(index.search({ text: 'walrus', limit: 1 }, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  expect(await found(index, 'walrus')).toHaveLength(1)
})
