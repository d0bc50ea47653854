import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { excerptOf, indexedText, matchOf, piecesOf, shownText, termsOf } from '../../src/store/search-text.ts'

describe('what is asked', () => {
  test.each([
    ['rate limit', '("rate") AND ("limit"*)'],
    ['"rate limit"', '("rate limit")'],
    ['say "rate limit" twice', '("say") AND ("rate limit") AND ("twice"*)'],
    ['"rate lim', '("rate lim"*)'],
    ['src/pages/Preferences.tsx', '("src pages Preferences tsx"*)'],
    ['userId', '("userId"* OR "user Id"*)'],
    ['parseHTTPResponse go', '("parseHTTPResponse" OR "parse HTTP Response") AND ("go"*)'],
    ['設定', '("設定"* OR "設 定"*)'],
    ['a', '("a")'],
    ['rate l', '("rate")'],
    ['src/p', '("src")'],
    ['phase 2', '("phase") AND ("2")'],
    ['"vitamin c"', '("vitamin c")'],
    ['変', '("変"*)'],
    ['src/page_2', '("src page")'],
    ['set 変', '("set") AND ("変"*)'],
    ['NOT OR AND NEAR(a b) c*', '("NOT") AND ("OR") AND ("AND") AND ("NEAR a") AND ("b")'],
    ['text:secret {x} ^y -z', '("text secret") AND ("x") AND ("y")'],
    ["it's; drop table said", '("it s") AND ("drop") AND ("table") AND ("said"*)'],
    ['\u001b[31mred\u001b[0m \u0000 zero', '("red") AND ("zero"*)'],
  ])('%j is %s', (query, match) => {
    expect(matchOf(termsOf(query))).toBe(match)
  })

  test.each(['', '  ', '"', '""', '++ -- "**"', '\u0000\u0001', '\ud800', '🎉'])('%j has no word', (query) => {
    expect(termsOf(query)).toEqual([])
  })
})

describe('what is indexed', () => {
  test.each([
    ['plain words stay as they are.', 'plain words stay as they are.'],
    ['call parseHTTPResponse(userId2Name, XMLHttp)', 'call parseHTTPResponse(userId2Name, XMLHttp) parse HTTP Response user Id2 Name XML Http'],
    ['twice userId userId', 'twice userId userId user Id'],
    ['API設定を変更 ok', 'API設定を変更 ok API 設 定 を 変 更'],
    ['ÄußereGröße', 'ÄußereGröße Äußere Größe'],
  ])('%s', (text, indexed) => {
    expect(indexedText(text)).toBe(indexed)
  })

  test('a word without end is no trouble', () => {
    const startedAtMs = performance.now()
    for (const unit of ['a', 'A', 'aB', '9', '設', 'ABc']) indexedText(unit.repeat(16_384))
    expect(performance.now() - startedAtMs).toBeLessThan(500)
  })

  test('the pieces of a text are the text, each bounded, and no word that fits is cut', () => {
    const text = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\ud83d\ude00'), minLength: 1, maxLength: 9000 }), { maxLength: 9 }).map((all) => all.join(' '))
    fc.assert(
      fc.property(text, (all) => {
        const pieces = [...piecesOf(all)]
        expect(pieces.join('')).toBe(all)
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(16_384)
        const whole = new Set(pieces.flatMap((piece) => piece.split(' ')))
        for (const one of all.split(' ')) if (one !== '' && one.length < 8000) expect(whole).toContain(one)
      }),
    )
  })
})

describe('the excerpt', () => {
  const excerpt = (text: string, query: string): string => excerptOf(shownText(text), termsOf(query)).replaceAll('\u0001', '[').replaceAll('\u0002', ']')

  test.each([
    ['Add a rate limit', 'rate lim', 'Add a [rate] [limit]'],
    ['the rate\n\tlimit', '"rate limit"', 'the [rate limit]'],
    ['GROSSE Café-Tür', 'cafe tur', 'GROSSE [Café]-[Tür]'],
    ['concatenate a cat', '"cat"', 'concatenate a [cat]'],
    ['call parseHTTPResponse()', 'response', 'call parseHTTP[Response]()'],
    ['API設定を変更', '設定', 'API[設定を変更]'],
    ['open src/pages/Preferences.tsx now', 'pages/pref', 'open src/[pages/Preferences].tsx now'],
    ['\u001b[31merror\u001b[0m: \u202eno\u0007', 'error', '[error]: \ufffdno\ufffd'],
    ['nothing of it', 'absent', 'nothing of it'],
  ])('of %j for %j', (text, query, expected) => {
    expect(excerpt(text, query)).toBe(expected)
  })

  test('of a long text is the place where most of the words are, cut at words', () => {
    const text = `limit ${'here is nothing '.repeat(50)}and then the rate has a limit of its own ${'and more of this '.repeat(50)}rate`
    expect(excerpt(text, '"rate" "limit"')).toMatch(/^…nothing here is nothing and then the \[rate\] has a \[limit\] of its own (and more of this )+.*…$/)
  })

  test('whatever the text and the query are: one line, printable, bounded, and without the marks a part of the text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 400 }),
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: fc.constantFrom('a', 'A', ' ', '設', '.'), maxLength: 600 }),
    )
    fc.assert(
      fc.property(text, fc.oneof(text, fc.constantFrom('a', 'aA', 'a a', '設', '"a')), (all, query) => {
        const shown = shownText(all)
        const found = excerptOf(shown, termsOf(query))
        const plain = found.replaceAll(/[\u0001\u0002]/g, '')
        expect(shown.toWellFormed()).toContain(plain.replace(/^…/, '').replace(/…$/, ''))
        expect(plain.length).toBeLessThanOrEqual(330)
        // oxlint-disable-next-line no-control-regex
        expect(found).toMatch(/^(?:[^\0-\x1f\x7f-\x9f]|\u0001[^\0-\x1f\x7f-\x9f]+\u0002)*$/)
      }),
    )
  })
})
