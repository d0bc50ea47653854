// Which key does what.

import { describe, expect, test } from 'vitest'
import { type ActionName, type Place, actions } from '../../src/tui/actions.ts'
import { Keymap, givenTwice, namesIn, pastedText, shownKey, typedCharacter } from '../../src/tui/keymap.ts'
import { control, keys, paste } from './headless.ts'

const places = [...new Set(Object.values(actions).map(({ place }) => place))]

test('in each place a key does one thing', () => {
  const twice = places.flatMap((place) => {
    const all = namesIn(place).flatMap((name) => actions[name].keys)
    return all.filter((key, index) => all.indexOf(key) !== index).map((key) => `${place}: ${key}`)
  })
  expect(twice).toEqual([])
})

describe('a key', () => {
  const keymap = new Keymap()
  test.each<[Place, string, ActionName | undefined]>([
    ['list', 'G', 'list.last'],
    ['list', 'g', 'list.first'],
    ['list', '\x1b[71u', 'list.last'],
    ['list', '\x1b[103:71;2u', 'list.last'],
    ['list', keys.end, 'list.last'],
    ['list', ' ', 'list.peek'],
    ['list', keys.enter, 'list.open'],
    ['list', keys.escape, 'list.back'],
    ['list', '\x1b', 'list.back'],
    ['list', control('c'), 'list.leave'],
    ['list', '\x1bOP', 'anywhere.help'],
    ['dispatch', 'G', undefined],
    ['dispatch', keys.shiftEnter, 'dispatch.new-line'],
    ['dispatch', '\n', 'dispatch.new-line'],
    ['dispatch', keys.controlEnter, 'dispatch.start-and-open'],
    ['dialog', 'y', 'dialog.allow'],
    ['dialog', keys.shiftTab, 'dialog.previous'],
    ['dialog', 'Y', undefined],
    ['conversation', 'y', undefined],
  ])('in the place "%s", %j does %s', (place, data, name) => {
    expect(keymap.action(place, data)).toBe(name)
  })

  test('is another one where the configuration says so, and none where it says none', () => {
    const changed = new Keymap({ 'list.open': ['z', 'ctrl+y'], 'list.leave': [] })
    expect(changed.action('list', 'z')).toBe('list.open')
    expect(changed.action('list', control('y'))).toBe('list.open')
    expect(changed.action('list', keys.enter)).toBeUndefined()
    expect(changed.action('list', 'q')).toBeUndefined()
    expect([changed.hint('list.open'), changed.hint('list.leave')]).toEqual(['z', ''])
  })

  test('is no more that of the action that had it, once the user gave it to another one there', () => {
    const changed = new Keymap({ 'list.pin': ['k', 'enter'] })
    expect([changed.action('list', 'k'), changed.action('list', keys.enter), changed.action('logs', 'k')]).toEqual(['list.pin', 'list.pin', 'logs.up'])
    expect([changed.keysOf('list.up'), changed.keysOf('list.open')]).toEqual([['up'], ['right', 'o']])
  })

  test('that the user gives to two actions is told, unless they are in different places', () => {
    expect(givenTwice({ 'list.pin': ['v', 'z', 'z'], 'logs.pager': ['v'], 'list.peek': [] })).toBeUndefined()
    expect(givenTwice({ 'list.pin': ['v'], 'list.peek': ['w', 'v'] })).toEqual({ key: 'v', names: ['list.peek', 'list.pin'] })
  })

  test('of its own place comes before one that counts everywhere', () => {
    const changed = new Keymap({ 'list.open': ['f1'] })
    expect(changed.action('list', '\x1bOP')).toBe('list.open')
    expect(changed.action('logs', '\x1bOP')).toBe('anywhere.help')
  })
})

test.each([
  ['ctrl+x', 'Ctrl-X'],
  ['escape', 'Esc'],
  ['shift+tab', 'Shift-Tab'],
  ['pageUp', 'PgUp'],
  ['G', 'G'],
  ['ctrl+up', 'Ctrl-↑'],
])('%s is written %s', (key, written) => {
  expect(shownKey(key)).toBe(written)
})

test.each([
  ['a', 'a'],
  ['漢', '漢'],
  ['😀', '😀'],
  ['\x1b[97u', 'a'],
  ['\r', undefined],
  ['\x9b', undefined],
  ['\x7f', undefined],
  ['\x1b[A', undefined],
  [control('a'), undefined],
  [paste('a'), undefined],
  ['', undefined],
])('%j types %j', (data, character) => {
  expect(typedCharacter(data)).toBe(character)
})

test('a paste is what stands between its marks', () => {
  expect(pastedText(paste('a\x1b[31mb'))).toBe('a\x1b[31mb')
  expect(pastedText(paste(''))).toBe('')
  expect(pastedText('a')).toBeUndefined()
})
