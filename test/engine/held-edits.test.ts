// What a permission says of files that other sessions have changed.

import { expect, test } from 'vitest'
import type { Entry, Envelope } from '../../src/core/events.ts'
import type { Report } from '../../src/core/inputs.ts'
import type { ConflictPolicy } from '../../src/core/overlap.ts'
import { withWarnings } from '../../src/engine/held-edits.ts'
import { permission } from '../core/play.ts'

const tool = (paths: readonly string[], toolKind = 'edit'): Entry => ({ kind: 'tool', title: 't', toolKind, status: 'pending', paths })
const asks: Report = { type: 'asks', ask: { ...permission, entryId: '1.4', detail: 'the diff' } }
const fact = (entry: Entry): Envelope => ({ session: 's', seq: 1, cursor: 1, atMs: 1, by: 'agent', event: { type: 'entry-written', run: 1, entryId: '1.4', entry } })

async function detail(policy: ConflictPolicy | undefined, reports: readonly Report[], facts: readonly Envelope[] = []): Promise<string | undefined> {
  const deps = {
    conflictPolicy: policy && (async () => policy),
    alsoChanged: (_id: string, paths: readonly string[]) => (paths.includes('/w/a.ts') ? [{ session: 'other001', label: null, paths: ['a.ts'] }] : []),
  }
  const told = await withWarnings(deps, 's', reports, () => facts)
  return told.flatMap((report) => (report.type === 'asks' ? [report.ask.detail] : []))[0]
}

const warned = 'Offstage: session other001 changes this file too: a.ts\n\nthe diff'

test('by the policy "hold" it is warned of, whether its tool call was recorded before or comes with it', async () => {
  expect(await detail('hold', [{ type: 'entry', entryId: '1.4', entry: tool(['/w/a.ts']) }, asks])).toBe(warned)
  expect(await detail('hold', [asks], [fact(tool(['/w/b.ts', '/w/a.ts']))])).toBe(warned)
})

test.each(['tell', 'ask', 'show', undefined] as const)('by "%s" it is left as it is', async (policy) => {
  expect(await detail(policy, [asks], [fact(tool(['/w/a.ts']))])).toBe('the diff')
})

test('other files, and tool calls that only read, are left as they are', async () => {
  expect(await detail('hold', [asks], [fact(tool(['/w/b.ts']))])).toBe('the diff')
  expect(await detail('hold', [asks], [fact(tool(['/w/a.ts'], 'read'))])).toBe('the diff')
  expect(await detail('hold', [asks])).toBe('the diff')
})

test('without a permission among the reports nothing is read', async () => {
  const reports: readonly Report[] = [{ type: 'note', text: 'x' }]
  const never = (): never => {
    throw new Error('read')
  }
  expect(await withWarnings({ conflictPolicy: never, alsoChanged: never }, 's', reports, never)).toBe(reports)
})
