// The tools that change files: one replaces parts of a file, the other writes it whole. What they would do is worked out before anybody is asked, and done only if the file is still the same.

import { constants } from 'node:fs'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Place, Workspace } from '../permission/workspace.ts'
import type { ToolResult } from '../thinker.ts'
import { CallInvalid, type Input, type OwnTool, type Step, codeOf, done, failed, fileProblem, flag, schema, shown, string, text } from './step.ts'

const largest = 16 * 1024 * 1024

export function editTool(workspace: Workspace): OwnTool {
  return {
    name: 'edit',
    description:
      'Replaces text in a file. Every old_text has to be in the file exactly once, with its spaces and line ends, unless replace_all is set. Several replacements are made one after the other, all or none.',
    input: schema(
      {
        path: string('file, relative to the workspace or absolute'),
        edits: {
          type: 'array',
          minItems: 1,
          items: schema({ old_text: string('text that is there'), new_text: string('text to put there'), replace_all: flag('replace it wherever it is') }, [
            'old_text',
            'new_text',
          ]),
        },
      },
      ['path', 'edits'],
    ),
    planMode: 'never',
    async look(input) {
      const place = workspace.place(text(input, 'path'))
      const before = await textAt(place.path)
      if (before === undefined) throw new CallInvalid(`there is no ${place.path}: use write to make it`)
      const after = editsOf(input).reduce((now, edit, index) => replaced(now, edit, index + 1), before)
      if (after === before) throw new CallInvalid('the edits change nothing')
      return change(workspace, place, before, after, 'edit')
    },
  }
}

export function writeTool(workspace: Workspace): OwnTool {
  return {
    name: 'write',
    description: 'Writes a file whole: a new one, or over what is there. Folders are made. To change a part of a file use edit.',
    input: schema({ path: string('file, relative to the workspace or absolute'), content: string('all of its text') }, ['path', 'content']),
    planMode: 'never',
    async look(input) {
      const place = workspace.place(text(input, 'path'))
      const before = await textAt(place.path)
      return change(workspace, place, before, text(input, 'content'), before === undefined ? 'create' : 'write')
    },
  }
}

function change(workspace: Workspace, place: Place, before: string | undefined, after: string, verb: string): Step {
  return {
    title: `${verb} ${shown(workspace.root, place.path)}`,
    kind: 'edit',
    paths: [place.path],
    action: { kind: 'edit', place },
    content: [{ type: 'diff', path: place.path, oldText: before ?? null, newText: after }],
    run: () => write(workspace, place.path, before, after),
  }
}

async function write(workspace: Workspace, path: string, before: string | undefined, after: string): Promise<ToolResult> {
  try {
    if (workspace.place(path).path !== path || (await textAt(path)) !== before) return failed(`${path} was changed by somebody else meanwhile: read it again`)
    await mkdir(dirname(path), { recursive: true })
    // Not through a link that was put there since.
    await writeFile(path, after, { flag: before === undefined ? 'wx' : constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW })
    return done(before === undefined ? `made ${path}` : `changed ${path}`)
  } catch (thrown) {
    return failed(thrown instanceof CallInvalid ? thrown.message : fileProblem(path, thrown))
  }
}

/** Undefined if there is none. Throws CallInvalid if it is nothing that could be changed as text. */
async function textAt(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new CallInvalid(found.isDirectory() ? `${path} is a folder` : `${path} is no regular file`)
    if (found.size > largest) throw new CallInvalid(`${path} is too large (${found.size} bytes)`)
    const bytes = await readFile(path)
    const content = bytes.toString('utf8')
    // What does not survive the way to text and back would be damaged.
    if (!Buffer.from(content, 'utf8').equals(bytes)) throw new CallInvalid(`${path} is not text in UTF-8`)
    return content
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined
    throw thrown instanceof CallInvalid ? thrown : new CallInvalid(fileProblem(path, thrown))
  }
}

interface Edit {
  readonly old: string
  readonly now: string
  readonly everywhere: boolean
}

function editsOf(input: Input): readonly Edit[] {
  const list = input['edits']
  if (!Array.isArray(list) || list.length === 0) throw new CallInvalid('"edits" has to be a list of replacements')
  return list.map((one: unknown) => {
    if (typeof one !== 'object' || one === null) throw new CallInvalid('every edit has to have old_text and new_text')
    const edit = one as Input
    return { old: text(edit, 'old_text'), now: text(edit, 'new_text'), everywhere: edit['replace_all'] === true }
  })
}

function replaced(before: string, { old, now, everywhere }: Edit, index: number): string {
  if (old === '') throw new CallInvalid(`edit ${index}: old_text is empty`)
  // Models write line ends as LF; a file that has CRLF keeps it.
  const crlf = !before.includes(old) && before.includes('\r\n')
  const [from, to] = crlf ? [withCrlf(old), withCrlf(now)] : [old, now]
  const times = before.split(from).length - 1
  if (times === 0) throw new CallInvalid(`edit ${index}: old_text is not in the file; read it again and take it over exactly`)
  if (times > 1 && !everywhere) throw new CallInvalid(`edit ${index}: old_text is in the file ${times} times; make it longer, or set replace_all`)
  return before.split(from).join(to)
}

const withCrlf = (content: string): string => content.replaceAll(/\r?\n/g, '\r\n')
