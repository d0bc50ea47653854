// The power goes in the middle of everything. The disk of a running daemon is copied in one moment (the file system below it is frozen meanwhile, so that the copy is what a disk would
// hold), mounted again from the copy, and looked into: what was acknowledged before is there. Needs root, loop devices and fsfreeze.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { openSqliteLog } from '../../src/store/sqlite-log.ts'
import { TestHome, facts, never } from '../home.ts'
import { canFreeze, loopDisk, mountImage, pause, seeded, soak, unmount } from '../machine.ts'
import { output, prints, programSpec, start, talkerSpec } from '../sessions.ts'

const rounds = soak ? 30 : 5
const megabyte = 1024 * 1024

/** A disk whose state in one moment can be had while it is in use: its image lies on another one, which can be frozen. */
interface CutDisk extends Disposable {
  readonly path: string
  /** Mounts what the disk held at this moment, runs `look` on it, unmounts it. */
  cut<T>(look: (path: string) => Promise<T> | T): Promise<T>
}

function cutDisk(bytes: number, options = ''): CutDisk {
  const outer = loopDisk(bytes * 3)
  const inner = loopDisk(bytes, options, outer.path)
  const copy = join(outer.path, 'copy')
  const at = join(outer.path, 'looked-at')
  mkdirSync(at)
  return {
    path: inner.path,
    async cut(look) {
      // The copy is made outside, since nothing can be written inside; nothing is between freezing and thawing that could fail and leave it frozen.
      const outside = `${outer.image}.copy`
      execFileSync('sh', ['-c', 'fsfreeze -f "$1" && { cp --sparse=always "$2" "$3"; code=$?; fsfreeze -u "$1"; exit $code; }', 'sh', outer.path, inner.image, outside])
      copyFileSync(outside, copy)
      mountImage(copy, at)
      try {
        return await look(at)
      } finally {
        unmount(at)
      }
    },
    [Symbol.dispose]: () => {
      inner[Symbol.dispose]()
      outer[Symbol.dispose]()
    },
  }
}

/** What the writer has acknowledged so far. */
class Writer {
  readonly #child: ChildProcess
  acknowledged = 0

  constructor(path: string) {
    this.#child = spawn(process.execPath, [join(packageRoot, 'test', 'store', 'writer.ts'), path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let rest = ''
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      this.acknowledged = Number(lines.at(-1) ?? this.acknowledged)
    })
  }

  async begun(): Promise<void> {
    while (this.acknowledged < 50) await pause(5)
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.kill('SIGKILL')
    await ended
  }
}

const integrity = (path: string): unknown => {
  const database = new DatabaseSync(path)
  try {
    return database.prepare('pragma integrity_check').all()
  } finally {
    database.close()
  }
}

test.skipIf(!canFreeze())(`${rounds} power cuts under a writer: every fact that was acknowledged is there, without a gap, and the database is whole`, async () => {
  using disk = cutDisk(32 * megabyte)
  const writer = new Writer(join(disk.path, 'log.db'))
  try {
    await writer.begun()
    const random = seeded(3)
    for (let round = 0; round < rounds; round++) {
      await pause(random(120))
      const before = writer.acknowledged
      await disk.cut((path) => {
        const file = join(path, 'log.db')
        const log = openSqliteLog(file)
        const seqs: number[] = []
        for (let page = log.read({ after: 0, limit: 10_000 }); page.length > 0; page = log.read({ after: page.at(-1)?.cursor ?? 0, limit: 10_000 }))
          seqs.push(...page.map(({ seq }) => seq))
        expect(seqs).toEqual(seqs.map((_, index) => index + 1))
        expect([round, seqs.length >= before, before]).toEqual([round, true, before])
        // The checkpoint is of the same commit as the newest fact.
        expect(log.checkpoint('writer')?.seq).toBe(seqs.length)
        log.close()
        expect(integrity(file)).toEqual([{ integrity_check: 'ok' }])
      })
    }
  } finally {
    await writer.end()
  }
})

/** Names a process of another start time, and another mark in the environment: nobody. */
function forget(path: string): void {
  const [pid = '', , ...rest] = readFileSync(path, 'utf8').trim().split(' ')
  writeFileSync(path, `${[pid, '1', ...rest.map(() => 'before-the-cut')].join(' ')}\n`)
}

// Where data is not ordered before its metadata, what was not synced comes back as zeros or as nothing.
test.skipIf(!canFreeze()).each(soak ? ['', ',data=writeback'] : [',data=writeback'])(
  'power cuts under busy sessions (ext4%s): the next daemon opens, and no fact rests on bytes that are gone',
  async (options) => {
    using disk = cutDisk(48 * megabyte, options)
    await using home = new TestHome({ OFFSTAGE_HOME: join(disk.path, 'home') })
    const first = await home.client()
    const numbered = 'i=0; while :; do i=$((i+1)); echo line $i; [ $((i % 50)) = 0 ] && sleep 0.01; done'
    const talking = await start(first, home, talkerSpec(home.project), `chunks ${soak ? 100_000 : 4000} 1`)
    const terminal = await start(first, home, programSpec('/', ['sh', '-c', numbered]))
    await prints(first, terminal, 'line 200')
    for (let round = 0; round < (soak ? 15 : 2); round++) {
      await pause(300)
      const known = { [talking]: await facts(first, talking), [terminal]: await facts(first, terminal) }
      const found = await disk.cut(async (path) => {
        // Here the processes live on; after a power cut they do not.
        for (const id of [talking, terminal]) for (const name of ['keeper', 'child']) forget(join(path, 'home', 'runs', id, '1', name))
        await using later = new TestHome({ OFFSTAGE_HOME: join(path, 'home') })
        const client = await later.client()
        for (const [id, before] of Object.entries(known)) {
          const after = await facts(client, id)
          expect(after.slice(0, before.length)).toEqual(before)
          expect((await client.get(id, never))?.session).toMatchObject({ status: 'failed', reason: expect.stringMatching(/^run lost/) })
        }
        return output(client, terminal)
      })
      // What is shown afterwards is what the program said, up to some place; a tail of zeros is no output.
      const now = await output(first, terminal)
      const shown = found.toString('latin1')
      expect([round, shown.includes('\0'), now.toString('latin1').startsWith(shown)]).toEqual([round, false, true])
    }
  },
)
