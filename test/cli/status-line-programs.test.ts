// What real programs print on a terminal with a row less: above the status line it is what a terminal without one shows.

import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { path, startRun, temporaryFolder } from '../keeper/keepers.ts'
import { Pair, line } from './status-line-pair.ts'

const size = { columns: 80, rows: 24 }

interface Step {
  /** Typed when that has been printed since the last step. */
  readonly after: string
  readonly type: string
}

/** Everything that the program prints, in the pieces that it came in, until it has ended. */
async function printed(argv: readonly string[], files: Readonly<Record<string, string>>, steps: readonly Step[]): Promise<readonly Uint8Array[]> {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text)
  const env = { PATH: path, TERM: 'xterm-256color', HOME: folder.path, LC_ALL: 'C.UTF-8', LESSHISTFILE: '-', PS1: '$ ' }
  const run = await startRun(argv, { mode: 'pty', cwd: folder.path, env, size: { cols: size.columns, rows: size.rows - 1 } })
  onTestFinished(() => run[Symbol.asyncDispose]())
  const connection = await run.connect()
  const pieces: Uint8Array[] = []
  const left = [...steps]
  let seen = ''
  connection.read('out', 0, ({ bytes }) => {
    pieces.push(Uint8Array.from(bytes))
    seen += bytes.toString('latin1')
    while (left[0] !== undefined && seen.includes(left[0].after)) {
      seen = ''
      void connection.input({ lane: 0, id: 0, bytes: Buffer.from(left[0].type) }).catch(() => {})
      left.shift()
    }
  })
  await connection.exited
  expect(left).toEqual([])
  return pieces
}

/** The line is drawn wherever it can be, which must be the case now and then. */
function compare(pieces: readonly Uint8Array[]): Pair {
  const pair = new Pair(size)
  onTestFinished(() => pair.dispose())
  for (const piece of pieces) {
    // Cut where a network might.
    for (let at = 0; at < piece.length; at += 1000) pair.write(piece.subarray(at, at + 1000))
    expect(pair.lined).toEqual(pair.plain)
    pair.quiet()
    expect(pair.lined).toEqual(pair.plain)
  }
  expect(pair.drawn).toBeGreaterThan(0)
  expect(pair.statusRow).toBe(line)
  return pair
}

const numbers = Array.from({ length: 300 }, (_, index) => `${index + 1}\n`).join('')

test.skipIf(!existsSync('/usr/bin/vim'))('vim scrolls, splits, inserts and is left (vim is needed)', async () => {
  const argv = ['vim', '-u', 'NONE', '-N', '-i', 'NONE', '-n', 'numbers']
  const pieces = await printed(argv, { numbers }, [
    { after: '\r\n22', type: '50G' },
    { after: '\r\n61', type: '\x05\x05\x05\x19' },
    { after: '1H42', type: ':split\r' },
    { after: 'numbers ', type: '300Gotyped here\x1b' },
    { after: 'typed here\x1b[11', type: 'dgg' },
    { after: '~  ', type: ':set list number\r' },
    { after: 'm  1 ', type: ':q!\r:q!\r' },
  ])
  compare(pieces)
})

test.skipIf(!existsSync('/usr/bin/less'))('less goes to and fro, and searches (less is needed)', async () => {
  const pieces = await printed(['less', 'numbers'], { numbers }, [
    { after: 'numbers', type: 'jjj' },
    { after: '25\r\n:', type: 'G' },
    { after: '(END)', type: 'kkk' },
    { after: 'M276', type: '/77\r' },
    { after: '2\x1b[7m77', type: 'q' },
  ])
  compare(pieces)
})

test.skipIf(!existsSync('/usr/bin/htop'))('htop draws, opens its help and is left (htop is needed)', async () => {
  const pieces = await printed(['htop', '-d', '1'], {}, [
    { after: 'Quit', type: 'h' },
    { after: 'htop', type: ' ' },
    { after: 'Quit', type: 'q' },
  ])
  compare(pieces)
})

test('a shell whose prompt saves the cursor, that clears, and in which a progress bar has the last row', async () => {
  // As apt draws it: the margins leave the last row to the bar, and the cursor is saved around each step.
  const bar = String.raw`printf '\n\e7\e[0;22r\e8\e[1A'; for n in 1 2 3; do seq 1 30; printf "\e7\e[23;0f\e[42mprogress %s\e[49m\e8" $n; done; printf '\e7\e[0;23r\e8\e[J'`
  const pieces = await printed(['bash', '--norc', '--noprofile', '-i'], { bar, spin: String.raw`printf '\e7'; for n in 1 2 3; do printf '\e8step %s\n' $n; done; echo` }, [
    { after: '$ ', type: String.raw`PS1='\[\e7\e[1;70Hright\e8\]ready> '` + '\r' },
    { after: 'ready> ', type: 'seq 1 50\r' },
    { after: '50\r\n', type: 'clear\r' },
    { after: '\x1b[2J', type: '. ./bar\r' },
    { after: 'progress 3', type: '. ./spin\r' },
    { after: 'step 3', type: `printf 'a%.0s' {1..200}; tput cup 99 99; tput ed; tput reset\r` },
    { after: 'ready> ', type: 'exit\r' },
  ])
  compare(pieces)
})
