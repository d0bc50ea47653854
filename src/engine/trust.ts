// Which project files the user lets Offstage run commands of: by file and by what of it would be run. One small file under the home; nothing is trusted by itself.

import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'

export interface Trusted {
  readonly file: string
  readonly digest: string
}

export interface Trust {
  has(one: Trusted): Promise<boolean>
  /** For good; durable when it resolves. */
  add(one: Trusted): Promise<void>
}

const kept = z.object({ trusted: z.array(z.object({ file: z.string(), digest: z.string() })) })

/** `path`: `trusted.json` of the home. One that cannot be read trusts nothing. */
export function trustIn(path: string): Trust {
  const all = async (): Promise<readonly Trusted[]> => {
    try {
      return kept.parse(JSON.parse(await readFile(path, 'utf8'))).trusted
    } catch {
      return []
    }
  }
  let writing: Promise<void> = Promise.resolve()
  const write = async ({ file, digest }: Trusted): Promise<void> => {
    const others = (await all()).filter((one) => one.file !== file || one.digest !== digest)
    const trusted = [...others, { file, digest }]
    {
      await using made = await open(`${path}.new`, 'w', 0o600)
      await made.writeFile(`${JSON.stringify({ trusted }, null, 2)}\n`)
      await made.sync()
    }
    await rename(`${path}.new`, path)
    await using folder = await open(dirname(path))
    await folder.sync()
  }
  return {
    has: async ({ file, digest }) => (await all()).some((one) => one.file === file && one.digest === digest),
    add: (one) => (writing = writing.catch(() => {}).then(() => write(one))),
  }
}
