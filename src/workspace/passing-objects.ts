// A place for objects that nobody is to keep: git reads the repository's as well, and what it writes goes when this is disposed. What a crash leaves lies in the folder for temporary files.

import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import type { ObjectId } from '../core/workspace.ts'

export interface PassingObjects extends AsyncDisposable {
  /** For a git that works with them. */
  readonly vars: Readonly<Record<string, string>>
  /** A commit of this tree upon these. */
  commit(tree: ObjectId, parents: readonly ObjectId[]): Promise<ObjectId>
}

/** `objects`: the repository's own, absolute, and others. */
export async function passingObjects(objects: readonly string[]): Promise<PassingObjects> {
  const folder = await mkdtemp(join(tmpdir(), 'offstage-objects-'))
  return {
    vars: { GIT_OBJECT_DIRECTORY: folder, ...alternates(objects) },
    async commit(tree, parents) {
      const who = 'Offstage <offstage@localhost> 0 +0000'
      const text = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`), `author ${who}`, `committer ${who}`, '', ''].join('\n')
      const object = Buffer.from(`commit ${text.length}\0${text}`)
      const id = createHash(tree.length === 64 ? 'sha256' : 'sha1')
        .update(object)
        .digest('hex')
      await mkdir(join(folder, id.slice(0, 2)), { recursive: true })
      await writeFile(join(folder, id.slice(0, 2), id.slice(2)), deflateSync(object))
      return id
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** For a git that is to find objects there too. It takes a list with colons between. */
export const alternates = (objects: readonly string[]): Readonly<Record<string, string>> =>
  objects.length === 0 ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: objects.map(quoted).join(':') }

const quoted = (path: string): string => `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
