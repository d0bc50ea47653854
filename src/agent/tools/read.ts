// The tool that reads a file: text by lines, pictures where the model takes them.

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Workspace } from '../permission/workspace.ts'
import type { ToolResult } from '../thinker.ts'
import { type OwnTool, done, failed, fileProblem, integer, maybeNumber, schema, shown, string, text } from './step.ts'

const mostLines = 2000
const mostBytes = 64 * 1024
const longestLine = 2000
/** Beyond these a file is not looked into at all. */
const largestText = 32 * 1024 * 1024
const largestPicture = 5 * 1024 * 1024

export interface ReadFrom {
  readonly workspace: Workspace
  readonly takesPictures: () => boolean
  /** Folders outside the workspace that may be read without asking. */
  readonly openFolders: (path: string) => boolean
}

export function readTool({ workspace, takesPictures, openFolders }: ReadFrom): OwnTool {
  return {
    name: 'read',
    description: `Reads a file. At most ${mostLines} lines at a time; go on with offset. Pictures (png, jpeg, gif, webp) are shown if you can see pictures.`,
    input: schema({ path: string('file, relative to the workspace or absolute'), offset: integer('line to begin at, from 1'), limit: integer('how many lines') }, ['path']),
    look(input) {
      const place = workspace.place(text(input, 'path'))
      const from = maybeNumber(input, 'offset') ?? 1
      const limit = Math.min(maybeNumber(input, 'limit') ?? mostLines, mostLines)
      return {
        title: `read ${shown(workspace.root, place.path)}${from > 1 ? ` from line ${from}` : ''}`,
        kind: 'read',
        paths: [place.path],
        ...(openFolders(place.path) ? {} : { action: { kind: 'read', place } }),
        run: (signal) => readFile(place.path, from, limit, takesPictures(), signal),
      }
    },
  }
}

async function readFile(path: string, from: number, limit: number, takesPictures: boolean, signal: AbortSignal): Promise<ToolResult> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (stat.isDirectory()) return failed(`${path} is a folder: use ls`)
    // A pipe or a device may never end.
    if (!stat.isFile()) return failed(`${path} is no regular file`)
    const head = Buffer.alloc(16)
    await file.read(head, 0, 16, 0)
    const picture = pictureType(head)
    if (stat.size > (picture ? largestPicture : largestText))
      return failed(`${path} has ${stat.size} bytes, which is too much to read at once; use grep, or a command that takes out a part`)
    const bytes = await file.readFile({ signal })
    if (picture)
      return takesPictures
        ? { text: `a picture (${picture})`, pictures: [{ mimeType: picture, bytes: bytes.toString('base64') }], failed: false }
        : failed(`${path} is a picture (${picture}), and this model does not see pictures`)
    if (bytes.subarray(0, 8192).includes(0)) return failed(`${path} is not text (${stat.size} bytes)`)
    return done(lines(bytes.toString('utf8'), from, limit))
  } catch (thrown) {
    return failed(fileProblem(path, thrown))
  }
}

function lines(all: string, from: number, limit: number): string {
  const every = all.split('\n')
  if (every.at(-1) === '') every.pop()
  if (every.length === 0) return '(the file is empty)'
  if (from > every.length) return `(the file has only ${every.length} lines)`
  const taken: string[] = []
  let size = 0
  for (const line of every.slice(from - 1, from - 1 + limit)) {
    const cut = line.length > longestLine ? `${line.slice(0, longestLine)}… (${line.length} characters)` : line
    size += Buffer.byteLength(cut) + 1
    if (size > mostBytes && taken.length > 0) break
    taken.push(cut)
  }
  const next = from + taken.length
  return taken.join('\n') + (next <= every.length ? `\n(${every.length} lines; go on with offset ${next})` : '')
}

function pictureType(head: Buffer): string | undefined {
  const latin = head.toString('latin1')
  if (latin.startsWith('\x89PNG')) return 'image/png'
  if (latin.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (latin.startsWith('GIF8')) return 'image/gif'
  return latin.startsWith('RIFF') && latin.slice(8, 12) === 'WEBP' ? 'image/webp' : undefined
}
