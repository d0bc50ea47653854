import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineSearch } from '../../src/cli/verbs/logs.ts'
import { FakeClient, shell } from './fake-client.ts'
import { type Setting, offstage } from './run-cli.ts'

const printed = '\x1b[32mbuild\x1b[0m ok\r\nerror: no such file\r\n 10%\r100% done\r\nError again\r\nan error'

const built = (): FakeClient => new FakeClient().create('tttttttt', { spec: shell, title: 'make' }).print('tttttttt', printed).exit('tttttttt', 1)
const talked = (): FakeClient =>
  new FakeClient()
    .create('aaaaaaaa', { prompt: 'Fix the parser' })
    .say('aaaaaaaa', '1.1', `A long line ${'about many things '.repeat(8)}and the parser.\nNothing here.`)
    .endTurn('aaaaaaaa')

const search = (client: FakeClient, ...args: readonly string[]) => offstage(client, ['logs', 'tttt', '--search', ...args])

test.each([
  ['in lower case whatever the case is', ['error'], '2:error: no such file\n4:Error again\n5:an error\n'],
  ['with a capital as it is', ['Error'], '4:Error again\n'],
  ['a progress bar by its last state', ['%'], '3:100% done\n'],
  ['what would mean something in a pattern as it stands', [': no such f'], '2:error: no such file\n'],
  ['text, not patterns', ['.'], ''],
  ['the last matches', ['error', '--tail', '2'], '4:Error again\n5:an error\n'],
  ['as JSON, an object a line', ['again', '--json'], '{"line":4,"text":"Error again"}\n'],
] as const)('finds lines of a terminal: %s', async (_name, args, out) => {
  expect((await search(built(), ...args)).out).toBe(out)
})

test('the numbers are those of the lines that logs prints, in a pipe and on a narrow terminal', async () => {
  const lines = (await offstage(talked(), ['logs', 'aaaa'])).out.split('\n')
  const found = (setting: Setting) => offstage(talked(), ['logs', 'aaaa', '--search', 'parser'], setting)
  const expected = lines.flatMap((line, index) => (line.includes('parser') ? [`${index + 1}:${line}\n`] : []))
  expect(expected).toHaveLength(2)
  expect(await found({})).toEqual({ code: 0, err: '', out: expected.join('') })
  expect(await found({ tty: true, columns: 40 })).toEqual({ code: 0, err: '', out: expected.join('') })
})

test('on a terminal with colours the number is dim and each match stands out', async () => {
  const { out } = await offstage(built(), ['logs', 'tttt', '--search', 'r'], { color: true })
  const red = (text: string): string => `\x1b[1m\x1b[31m${text}\x1b[0m\x1b[0m`
  expect(out.split('\n')[0]).toBe(`\x1b[2m2:\x1b[0me${red('r')}${red('r')}o${red('r')}: no such file`)
})

test('nothing found is exit 1, and said on stderr', async () => {
  expect(await search(built(), 'nothing')).toEqual({ code: 1, out: '', err: 'offstage: nothing in the log of tttttttt matches "nothing"\n' })
  const json = await search(built(), 'nothing', '--json')
  expect([json.code, json.out, JSON.parse(json.err)]).toEqual([1, '', { error: { code: 'no-match', message: 'nothing in the log of tttttttt matches "nothing"' } }])
})

test.each([
  ['an empty text', ['']],
  ['two lines', ['a\nb']],
  ['bytes', ['a', '--raw']],
  ['the bytes of stderr', ['a', '--stderr']],
])('%s cannot be searched: a usage error', async (_name, args) => {
  const { code, out, err } = await search(built(), ...args)
  expect([code, out, err.split('\n').length]).toEqual([2, '', 3])
})

test('what was found was not read: it stays unseen', async () => {
  const client = talked()
  await offstage(client, ['logs', 'aaaa', '--search', 'parser'], { tty: true })
  expect(client.view('aaaaaaaa').unseen).toBe(2)
})

test('-f goes on with the lines that come, also behind --tail', async () => {
  const client = new FakeClient().create('tttttttt', { spec: shell, title: 'make' }).print('tttttttt', 'error 1\nerror 2\nfine\nerr')
  const searching = search(client, 'error', '-f', '--tail', '1')
  await new Promise((resolve) => setImmediate(resolve))
  client.print('tttttttt', 'or 3\nfine\n').print('tttttttt', 'error 4').exit('tttttttt', 0)
  expect(await searching).toEqual({ code: 0, err: '', out: '2:error 2\n4:error 3\n6:error 4\n' })
})

test('-f in a conversation: a line is found when it is complete, and once', async () => {
  const client = talked()
  const stopping = new AbortController()
  const searching = offstage(client, ['logs', 'aaaa', '-f', '--search', 'tokens'], { signal: stopping.signal })
  await new Promise((resolve) => setImmediate(resolve))
  client
    .command('aaaaaaaa', { type: 'prompt', text: 'and now?' })
    .draft({ session: 'aaaaaaaa', entryId: '1.2', kind: 'message', from: 0, text: 'It has tok' })
    .draft({ session: 'aaaaaaaa', entryId: '1.2', kind: 'message', from: 10, text: 'ens.\nMore' })
    .say('aaaaaaaa', '1.2', 'It has tokens.\nMore tokens.')
    .endTurn('aaaaaaaa')
  await new Promise((resolve) => setImmediate(resolve))
  stopping.abort('SIGINT')
  const { code, out } = await searching
  expect([code, out.replaceAll(/^\d+:\s+/gm, '')]).toEqual([130, 'It has tokens.\nMore tokens.\n'])
})

const plain = (number: number, line: string): string => `${number}:${line}`

test('however the text is cut, the same lines are found as in the whole', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', 'ß', 'İ', '😀', '.', '\n'), maxLength: 60 })
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), fc.constantFrom('a', 'b', 'B', '.', 'ab', '😀', 'ß', 'a.'), (all, cuts, wanted) => {
      const search = new LineSearch(wanted, plain)
      const places = [0, ...cuts.filter((cut) => cut < all.length).toSorted((a, b) => a - b), all.length]
      const found = places.map((place, index) => search.push(all.slice(places[index - 1] ?? 0, place))).join('') + search.end()
      const fits = (line: string): boolean => (wanted === 'B' ? line.includes(wanted) : line.toLowerCase().includes(wanted))
      const lines = all.split('\n').flatMap((line, index) => (fits(line) ? [`${index + 1}:${line}\n`] : []))
      expect([found, search.matches]).toEqual([lines.join(''), lines.length])
    }),
  )
})

test('of a line that is too long to be kept a piece is printed, and what lies across two pieces is found', () => {
  const search = new LineSearch('needle', plain)
  let found = search.push(`first\n${'x'.repeat(1_048_576)}nee`)
  found += search.push('dle and more')
  found += search.push('y'.repeat(1_048_576))
  found += search.push('\nneedle\n')
  expect(found).toMatch(/^2:x{9}needle and morey{1048576}\n3:needle\n$/)
})
