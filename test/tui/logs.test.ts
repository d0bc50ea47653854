// The whole log of a session on a terminal: from its first byte to its end and on, searched, copied, handed to other programs.

import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OutputFrame, OutputQuery } from '../../src/core/api.ts'
import { plainText } from '../../src/core/terminal-text.ts'
import { OutputPages, type Page, pageBytes } from '../../src/tui/logs/output-pages.ts'
import { openLogs } from '../../src/tui/logs-view.ts'
import type { Size } from '../../src/tui/view.ts'
import { FakeClient, shell } from '../cli/fake-client.ts'
import { type Headless, expectGolden, keys, stageOn } from './headless.ts'
import { work } from './transcript-lines.ts'

const id = 'k3f9x2ab'

/** An agent that has done what `work` says. */
function worked(): FakeClient {
  const client = new FakeClient().create(id, { label: 'backend-api', prompt: 'Add a /users/preferences endpoint with validation and tests.' })
  for (const line of work) if (line.kind === 'entry') client.report(id, { type: 'entry', entryId: line.id, entry: line.entry })
  return client.ask(id, 'r2', 'delete src/legacy/prefs.ts', '142 lines, last changed 3 months ago')
}

const printed = (text: string): FakeClient => new FakeClient().create(id, { spec: shell, title: 'make all' }).print(id, text)
const numbered = (many: number): string => Array.from({ length: many }, (_, index) => `line ${index}\r\n`).join('')

async function logsOf(client: FakeClient, size: Size, parts: Parameters<typeof stageOn>[0]['parts'] = {}): Promise<Headless & { readonly left: Promise<unknown> }> {
  const headless = stageOn({ ...size, client, parts })
  const left = headless.run(openLogs(headless.stage, client.view(id)))
  await headless.until((screen) => screen.at(-1)?.startsWith(' end') ?? false)
  return { ...headless, left }
}

const body = (headless: Headless): readonly string[] => headless.screen().slice(2, -1)

describe('of an agent', () => {
  test.each([
    [80, 24],
    [120, 40],
    [40, 15],
  ])('it looks as it did, at %i columns and %i rows', async (columns, rows) => {
    const headless = await logsOf(worked(), { columns, rows })
    expectGolden(`logs-agent-${columns}x${rows}`, headless.screen())
  })

  test('everything is there up to the first line, thoughts and outputs unfold', async () => {
    const headless = await logsOf(worked(), { columns: 80, rows: 24 })
    headless.type('g')
    expect(body(headless)[0]).toBe(' you   Add a /users/preferences endpoint with validation and tests.')
    expect(body(headless).find((row) => row.includes('thought:'))).toMatch(/^ {3}thought: Where to begin The schema comes first, .*…$/)
    headless.type('t')
    expect(body(headless)).toContain('   The schema comes first, then the route, then whatever the tests say about')
    headless.type('G')
    expect(headless.screen().at(-1)).toMatch(/^ end · /)
  })

  test('what is said while it is open comes at the end', async () => {
    const client = worked()
    const headless = await logsOf(client, { columns: 80, rows: 24 })
    client.draft({ session: id, entryId: '1.9', kind: 'message', from: 0, text: 'It goes ' }).draft({ session: id, entryId: '1.9', kind: 'message', from: 8, text: 'on.' })
    await headless.until((screen) => screen.includes('   It goes on.'))
    headless.type('k', 'k', 'k')
    client.say(id, '1.9', 'It goes on.\n\nAnd on.').say(id, '1.10', 'And more.')
    await headless.until((screen) => /↓ 2 more, 1 new/.test(screen.at(-1) ?? ''))
    headless.type('f')
    await headless.until((screen) => screen.includes('   And on.') && screen.includes('   And more.'))
  })

  test('what was read to its end counts as seen', async () => {
    const client = worked()
    await logsOf(client, { columns: 80, rows: 24 })
    await nextTurn()
    expect(client.submitted.map(({ command }) => command)).toEqual([{ type: 'show', entries: client.session(id).entries }])
  })

  test('words are found upwards from the end, one place after the other', async () => {
    const headless = await logsOf(worked(), { columns: 80, rows: 24 })
    headless.type('/', 'schema', keys.enter)
    await headless.until((screen) => screen.some((row) => row.includes('schema and route')))
    const row = headless.screen().findIndex((text) => text.includes('schema and route'))
    const column = (headless.screen()[row] ?? '').indexOf('schema')
    expect(headless.cells(row).flatMap((cell, at) => (cell.inverse ? [at] : []))).toEqual(Array.from({ length: 6 }, (_, at) => column + at))
    headless.type('N')
    await headless.until((screen) => screen.some((text) => text.includes('src/db/schema.ts')))
    headless.type('n', 'n')
    await headless.until((screen) => (screen.at(-1) ?? '').includes('nothing more with “schema”'))
  })

  test('all of it goes to the pager, the editor and the clipboard as text', async () => {
    const paged: string[] = []
    const edited: string[] = []
    const headless = await logsOf(
      worked(),
      { columns: 80, rows: 24 },
      {
        page: async (text) => void paged.push(text),
        edit: async (text, suffix) => void edited.push(suffix, text),
      },
    )
    headless.type('v')
    await headless.until(() => paged.length === 1)
    headless.type('E')
    await headless.until(() => edited.length === 2)
    expect(edited).toEqual(['.md', paged[0]])
    expect(paged[0]).toContain('## you\n\nAdd a /users/preferences endpoint with validation and tests.\n\n## talker\n\n> **Where to begin**')
    expect(paged[0]).toContain('◆ delete src/legacy/prefs.ts\n    142 lines')
    headless.type('C')
    await headless.until(() => headless.written().includes(`\x1b]52;c;${Buffer.from(paged[0] ?? '').toString('base64')}\x07`))
    headless.type('c')
    expect(headless.written()).toContain(`\x1b]52;c;${Buffer.from(body(headless).join('\n').trimEnd()).toString('base64').slice(0, 400)}`)
  })

  test('it goes back, and says all its keys', async () => {
    const headless = await logsOf(worked(), { columns: 80, rows: 24 })
    headless.type('?')
    expect(headless.screen().join('\n')).toContain('In a log')
    headless.type(keys.escape, 'q')
    expect(await headless.left).toEqual({ text: '', exitCode: 0 })
  })
})

describe('of a terminal', () => {
  test.each([
    [80, 24],
    [40, 15],
  ])('it looks as it did, at %i columns and %i rows', async (columns, rows) => {
    const text = `$ make all\r\n\x1b[32mcc\x1b[0m -o a.out main.c\r\n10%\r50%\r100%\r\n${'a long line that is wrapped where it is full, 漢字 and all; '.repeat(3)}\r\n\tafter a tab\r\n$ `
    const headless = await logsOf(printed(text), { columns, rows })
    expectGolden(`logs-terminal-${columns}x${rows}`, headless.screen())
  })

  test('it is scrolled from the first byte to the last, and follows what comes', async () => {
    const client = printed(numbered(50_000))
    const headless = await logsOf(client, { columns: 40, rows: 15 })
    expect(body(headless).at(-1)).toBe(' line 49999')
    headless.type('k')
    expect(body(headless).at(-1)).toBe(' line 49998')
    client.print(id, 'more\r\nunfinished')
    await headless.until((screen) => /99 % of 589 kB/.test(screen.at(-1) ?? ''))
    headless.type('g')
    await headless.until((screen) => screen[2] === ' line 0')
    headless.type(keys.pageDown, 'j')
    await headless.until((screen) => screen[2] === ' line 12')
    headless.type('f')
    await headless.until((screen) => screen.at(-2) === ' unfinished')
    client.print(id, ' and done\r\n')
    await headless.until((screen) => screen.at(-2) === ' unfinished and done')
  })

  test('page after page upwards nothing is missing and nothing comes twice', async () => {
    const headless = await logsOf(printed(numbered(30_000)), { columns: 40, rows: 15 })
    let at = 30_000 - 12
    for (let page = 0; page < 1000; page += 1) {
      headless.type(keys.pageUp)
      at -= 11
      await headless.until((screen) => screen[2] === ` line ${at}`)
    }
  })

  test('words are found in all of it, near and far, in both directions', async () => {
    const headless = await logsOf(printed(`needle one\r\n${numbered(60_000)}Needle two\r\n${numbered(20_000)}`), { columns: 60, rows: 15 })
    headless.type('/', 'needle', keys.enter)
    await headless.until((screen) => screen.includes(' Needle two'))
    headless.type('N')
    await headless.until((screen) => screen.includes(' needle one'))
    expect(headless.cells(headless.screen().indexOf(' needle one')).filter(({ inverse }) => inverse).length).toBe(6)
    headless.type('N')
    await headless.until((screen) => (screen.at(-1) ?? '').includes('nothing more'))
    headless.type('n')
    await headless.until((screen) => screen.includes(' Needle two'))
  })

  test('words near the end are seen when they are found from far away', async () => {
    const headless = await logsOf(printed(`${numbered(40_000)}needle\r\n${numbered(8)}`), { columns: 60, rows: 15 })
    headless.type('g')
    await headless.until((screen) => screen[2] === ' line 0')
    headless.type('/', 'needle', keys.enter)
    await headless.until((screen) => screen.includes(' needle'))
  })

  test('more than a clipboard takes is not copied', async () => {
    const headless = await logsOf(printed(numbered(150_000)), { columns: 100, rows: 15 })
    headless.type('C')
    await headless.until((screen) => (screen.at(-1) ?? '').includes('more than a clipboard takes'))
    expect(headless.written()).not.toContain('\x1b]52')
  })

  test('a program that printed nothing has an empty log', async () => {
    const headless = await logsOf(printed(''), { columns: 40, rows: 10 })
    headless.type('k', 'g', 'G', keys.pageDown)
    expect(body(headless)).toEqual(['', '', '', '', '', '', ''])
  })

  test('another run has another log, which is followed then', async () => {
    const client = printed('the first one\r\n')
    const runs = new Set<number | undefined>()
    const output = client.output.bind(client)
    client.output = (query, signal) => {
      runs.add(query.run)
      return output(query, signal)
    }
    const headless = await logsOf(client, { columns: 40, rows: 10 })
    expect(body(headless)[0]).toBe(' the first one')
    client.exit(id, 0).command(id, { type: 'resume' })
    client.print(id, 'the second one\r\n')
    await headless.until((screen) => screen.includes(' the second one'))
    expect([...runs]).toEqual([1, 2])
  })
})

/** A log of which the keeper kept the beginning and the end. */
function kept(bytes: Uint8Array, hole: readonly [number, number] = [0, 0]) {
  const asked: OutputQuery[] = []
  let reads = 0
  return {
    asked,
    bytesRead: () => reads,
    async *output(query: OutputQuery): AsyncIterable<OutputFrame> {
      asked.push(query)
      for (let offset = query.from < 0 ? Math.max(0, bytes.length + query.from) : query.from; offset < bytes.length;) {
        if (offset >= hole[0] && offset < hole[1]) offset = hole[1]
        const end = Math.min(bytes.length, offset + 65_536, offset < hole[0] ? hole[0] : Number.POSITIVE_INFINITY)
        reads += end - offset
        yield { stream: 'out', offset, bytes: bytes.subarray(offset, end) }
        offset = end
      }
    },
  }
}

const open = async (client: ReturnType<typeof kept>): Promise<OutputPages> => {
  const pages = new OutputPages(client, { session: id, run: 1 }, new AbortController().signal)
  await pages.follow({ ready: () => {}, grown: () => {} })
  return pages
}

async function linesThrough(pages: OutputPages, from: number, direction: 1 | -1): Promise<readonly string[]> {
  const all: Page[] = []
  for await (const page of pages.through(from, direction, new AbortController().signal)) all.push(page)
  return (direction === 1 ? all : all.toReversed()).flatMap(({ lines }) => lines)
}

describe('pages of a log', () => {
  const anyLog = fc
    .array(
      fc.record({
        text: fc.string({ unit: 'grapheme', maxLength: 200 }).map((text) => text.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, '')),
        times: fc.integer({ min: 1, max: 900 }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((parts) => Buffer.from(parts.flatMap(({ text, times }) => Array.from({ length: times }, (_, index) => `${text}${index}\n`)).join('')))

  test('together have every line once, read forwards, backwards and each by itself', async () => {
    await fc.assert(
      fc.asyncProperty(anyLog, async (bytes) => {
        const whole = plainText(bytes).slice(0, -1).split('\n')
        const pages = await open(kept(bytes))
        expect(await linesThrough(pages, 0, 1)).toEqual(whole)
        expect(await linesThrough(pages, pages.last, -1)).toEqual(whole)
        const single: string[] = []
        for (let number = 0; number <= pages.last; number += 1) {
          await pages.load(number)
          single.push(...(pages.page(number)?.lines ?? []))
        }
        expect(single).toEqual(whole)
      }),
      { numRuns: 25 },
    )
  })

  test('of a log that has no line feeds are there too', async () => {
    const pages = await open(kept(Buffer.from('x'.repeat(5 * pageBytes))))
    expect((await linesThrough(pages, 0, 1)).join('').length).toBe(5 * pageBytes)
  })

  test('what was not kept is said, and passed over without a walk through it', async () => {
    const line = 'a line of twenty byt\n'
    const bytes = Buffer.from(line.repeat(1_000_000))
    const client = kept(bytes, [1_000_000, 20_000_000])
    const pages = await open(client)
    const forwards = await linesThrough(pages, 0, 1)
    expect(forwards.filter((text) => text.startsWith('…'))).toEqual(['… 19.0 MB were not kept …'])
    expect(forwards.length).toBeGreaterThan(95_000)
    const behind = forwards.slice(forwards.findIndex((text) => text.startsWith('…')) + 1).join('\n')
    expect((await linesThrough(await open(client), 300, 1)).join('\n') === behind).toBe(true)
    client.asked.length = 0
    expect((await linesThrough(await open(client), pages.last, -1)).join('\n') === forwards.join('\n')).toBe(true)
    expect(client.asked.length).toBeLessThan(50)
  })

  test('of 256 MB only some are read, and fewer kept', async () => {
    const client = kept(Buffer.alloc(256 * 1024 * 1024, 'twenty bytes a line\n'))
    const pages = await open(client)
    await pages.load(0)
    await pages.load(2000)
    expect(pages.page(2000)?.lines[5]).toBe('twenty bytes a line')
    expect(client.bytesRead()).toBeLessThan(1024 * 1024)
  })
})
