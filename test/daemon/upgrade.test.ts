// A newer package takes over from an older one: its client replaces the older daemon, runs go on under it, and the older package may be deleted meanwhile.

import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot, packageVersion } from '../../src/config/package-root.ts'
import { isOlder } from '../../src/sdk/connect.ts'
import { TestHome, accepted, never, newId, until } from '../home.ts'
import { talker } from '../e2e/offstage.ts'

/** Today's package as if it were an older one, in a folder of its own. */
function olderPackage(home: TestHome): string {
  const folder = join(home.folder, 'older')
  mkdirSync(folder)
  cpSync(join(packageRoot, 'src'), join(folder, 'src'), { recursive: true })
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'))
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as object
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version: '0.0.9' }))
  return folder
}

test('an older daemon is replaced on demand, its runs go on, and its package may be deleted', async () => {
  await using home = new TestHome()
  const folder = olderPackage(home)
  expect(await home.startDaemon({}, [], join(folder, 'src', 'daemon', 'main.ts'))).toBe('ready')
  const old = await home.client(false)
  expect((await old.daemonStatus(never)).version).toBe('0.0.9')
  const session = newId()
  const spec = { kind: 'agent', driver: 'acp', agent: 'talker', argv: [process.execPath, talker], cwd: home.project } as const
  accepted(await old.submit({ session, commandId: newId(), command: { type: 'create', spec, title: 'old', prompt: 'say one\nask go on?\nsay two' }, environment: home.env }, never))
  const before = await until(old, session, (view) => view.status === 'waiting')
  rmSync(folder, { recursive: true })

  const client = await home.client()
  const { version } = await client.daemonStatus(never)
  expect(version).toBe(packageVersion)
  const after = (await client.get(session, never))?.session
  expect([after?.status, after?.run]).toEqual(['waiting', before.run])
  accepted(
    await client.submit(
      { session, commandId: newId(), command: { type: 'answer', requestId: after?.requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'allow' } } },
      never,
    ),
  )
  expect((await until(client, session, (view) => view.status === 'completed')).activity).toMatch(/two|answer: allow/)
  // Who was there before goes on with the new one.
  expect((await old.daemonStatus(never)).version).toBe(packageVersion)
})

test('an older client does not replace a newer daemon', () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    ['0.1.0', '0.1.0', false],
    ['0.9.0', '0.10.0', true],
    ['1.0.0', '0.10.0', false],
    ['1.0.0-beta.1', '1.0.0', true],
    ['1.0.0', '1.0.0-beta.1', false],
  ]
  for (const [version, than, older] of table) expect([version, than, isOlder(version, than)]).toEqual([version, than, older])
})
