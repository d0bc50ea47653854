// The page of all keys.

import { visibleWidth } from '@earendil-works/pi-tui'
import { expect, onTestFinished, test } from 'vitest'
import { openHelp } from '../../src/tui/help-view.ts'
import { namesIn } from '../../src/tui/keymap.ts'
import { keys, stageOn } from './headless.ts'

function helpOn(columns: number, rows: number) {
  const headless = stageOn({ columns, rows, parts: { keys: { 'conversation.list': ['alt+o'] } } })
  const over = headless.run(openHelp(headless.stage, ['conversation', 'dialog', 'logs'], [' above']))
  onTestFinished(async () => {
    headless.hangUp()
    await over
  })
  return headless
}

test('every action stands there with its keys, what it does and its name', () => {
  const all = helpOn(130, 120).screen()
  for (const name of [...namesIn('conversation'), ...namesIn('dialog'), ...namesIn('logs'), ...namesIn('anywhere')])
    expect(all.filter((row) => row.endsWith(` ${name}`))).toHaveLength(1)
  expect(all[0]).toBe(' above')
  expect(all.find((row) => row.endsWith('conversation.list'))).toMatch(/^ {3}Alt-O +all sessions +conversation\.list$/)
})

test.each([[100], [80], [60], [40], [20]])('at %i columns nothing is cut', (columns) => {
  const { screen } = helpOn(columns, 260)
  const names = namesIn('conversation')
  for (const row of screen()) {
    expect(visibleWidth(row)).toBeLessThanOrEqual(columns)
    const name = /conversation\.[\w-]*$/.exec(row)?.[0]
    if (name !== undefined) expect(names).toContain(name)
  }
  expect(screen().join(' ').replaceAll(/ +/g, ' ')).toContain('clear what is written, else interrupt; twice leaves it running')
})

test('the end is found, and any other key closes it', async () => {
  const headless = stageOn({ columns: 80, rows: 12 })
  const left = headless.run(openHelp(headless.stage, ['list']))
  headless.type('G')
  expect(headless.screen().join('\n')).toContain('draw the screen again')
  headless.type('g')
  expect(headless.screen().join('\n')).toContain('one row up')
  headless.type(keys.escape)
  expect(await left).toEqual({ text: '', exitCode: 0 })
})
