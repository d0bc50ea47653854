// What the dispatch line says: agent, project, program or task.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { titleOf } from '../../src/client/launch.ts'
import { isRefusal } from '../../src/core/errors.ts'
import { argvOf, directoryNamed, needsShell, taskFrom } from '../../src/tui/list/task.ts'
import { anyText } from './arbitrary-sessions.ts'

const agents = ['claude', 'codex', 'my.agent']
const nothing = { agent: undefined, project: undefined, command: undefined, prompt: '' }

describe('a task', () => {
  test.each([
    ['', nothing],
    ['  fix it \n', { ...nothing, prompt: 'fix it' }],
    ['@codex fix it', { ...nothing, agent: 'codex', prompt: 'fix it' }],
    ['@codex #shop fix @src/a.ts', { ...nothing, agent: 'codex', project: 'shop', prompt: 'fix @src/a.ts' }],
    ['#shop @codex\nfix it\nand that', { ...nothing, agent: 'codex', project: 'shop', prompt: 'fix it\nand that' }],
    ['@my.agent go', { ...nothing, agent: 'my.agent', prompt: 'go' }],
    ['@nobody go', { ...nothing, agent: 'nobody', prompt: 'go' }],
    ['@src/main.ts is slow', { ...nothing, prompt: '@src/main.ts is slow' }],
    ['@README.md is old', { ...nothing, prompt: '@README.md is old' }],
    ['fix #12 with @codex', { ...nothing, prompt: 'fix #12 with @codex' }],
    ['#12 is open', { ...nothing, prompt: '#12 is open' }],
    ['#~/work/a go', { ...nothing, project: '~/work/a', prompt: 'go' }],
    ['#"/work/my shop" go', { ...nothing, project: '/work/my shop', prompt: 'go' }],
    ['@codex @claude go', { ...nothing, agent: 'codex', prompt: '@claude go' }],
    ['!npm test', { ...nothing, command: 'npm test' }],
    ['#shop !npm test', { ...nothing, project: 'shop', command: 'npm test' }],
    ['wow! really', { ...nothing, prompt: 'wow! really' }],
    ['!', { ...nothing, command: '' }],
    ['@', { ...nothing, prompt: '@' }],
    ['# heading', { ...nothing, prompt: '# heading' }],
  ])('%j', (text, task) => {
    expect(taskFrom(text, agents)).toEqual(task)
  })

  test('no word of it is lost', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { agent, project, command, prompt } = taskFrom(text, agents)
        const without = (one: string): string => one.replaceAll(/[\s"@#!]/g, '')
        const parts = [agent, project, command, prompt].map((part) => without(part ?? ''))
        expect(parts.toSorted().join('').length).toBe(without(text).length)
      }),
    )
  })
})

test.each(['x'.repeat(5000), `e${'\u0301'.repeat(5000)}`, `${'\u0301'.repeat(319)}😀`, '👩‍👩‍👧‍👦'.repeat(500)])('the first line of a task is a title, however long it is', (line) => {
  const title = titleOf(`${line}\nmore`)
  expect(title.length).toBeGreaterThan(0)
  expect(title.length).toBeLessThanOrEqual(320)
  expect(title.isWellFormed()).toBe(true)
  expect(title).not.toContain('more')
})

test('a command is split into words as a shell would, and no further', () => {
  expect(argvOf("npm test -- 'a b' $HOME")).toEqual(['npm', 'test', '--', 'a b', '$HOME'])
  expect(isRefusal(argvOf(''))).toBe(true)
  expect(isRefusal(argvOf("npm 'test"))).toBe(true)
})

test.each([
  ['npm test | tee log', true],
  ['make && make install', true],
  ['make > log', true],
  ['echo $HOME', true],
  ['cd x; make', true],
  ['npm test', false],
  ["grep 'a | b' file", false],
  ["awk '{print $1}' file", false],
  ['curl http://localhost/?a=1&b=2', false],
])('%s needs a shell: %s', (command, expected) => {
  expect(needsShell(command)).toBe(expected)
})

describe('a project', () => {
  const known = ['/work/new/shop', '/work/old/shop', '/work/Site', '/work/apple', '/work/apricot']
  test.each([
    ['shop', '/work/new/shop'],
    ['site', '/work/Site'],
    ['app', '/work/apple'],
    ['/anywhere/at/all', '/anywhere/at/all'],
    ['./here', './here'],
    ['..', '..'],
    ['~', '/home/me'],
    ['~/x', '/home/me/x'],
    ['~other/x', '~other/x'],
  ])('%s is %s', (name, directory) => {
    expect(directoryNamed(name, known, '/home/me')).toBe(directory)
  })

  test('a name that nobody knows, or that could be two, is told', () => {
    for (const name of ['nowhere', 'ap', '']) expect(isRefusal(directoryNamed(name, known, '/home/me'))).toBe(true)
  })
})
