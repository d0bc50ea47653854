// The user's configuration as it is now, for a process that lives long: read again only when its file has changed, and never in between.

import { stat } from 'node:fs/promises'
import { type Config, ConfigInvalid, loadConfig } from './config.ts'

export interface Fresh {
  readonly config: Config
  /** Why the file cannot be used as it is now: `config` is what it said before. */
  readonly problem?: ConfigInvalid
}

/** `first` is what holds until the file can be read. */
export function freshConfig(configFile: string, first: Config): () => Promise<Fresh> {
  let kept: Promise<Fresh> = Promise.resolve({ config: first })
  let keptMark: string | undefined
  return async () => {
    const mark = await markOf(configFile)
    if (mark !== keptMark) {
      keptMark = mark
      kept = read(configFile, kept)
    }
    return kept
  }
}

async function read(configFile: string, before: Promise<Fresh>): Promise<Fresh> {
  try {
    return { config: await loadConfig({ configFile }) }
  } catch (problem) {
    if (!(problem instanceof ConfigInvalid)) throw problem
    return { config: (await before).config, problem }
  }
}

/** Another one for each state of the file; editors replace it as often as they write into it. */
async function markOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : 'none'
}
