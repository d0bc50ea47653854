// A prompt as ACP has it, as parts for a model: text, pictures where it sees them, files as text.

import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ContentBlock } from '@agentclientprotocol/sdk/unstable'
import type { Workspace } from './permission/workspace.ts'
import type { Part } from './thinker.ts'

const largestFile = 256 * 1024

export async function partsOf(blocks: readonly ContentBlock[], workspace: Workspace, takesPictures: boolean): Promise<readonly Part[]> {
  return await Promise.all(blocks.map((block) => partOf(block, workspace, takesPictures)))
}

async function partOf(block: ContentBlock, workspace: Workspace, takesPictures: boolean): Promise<Part> {
  switch (block.type) {
    case 'text':
      return text(block.text)
    case 'image':
      return takesPictures
        ? { kind: 'picture', mimeType: block.mimeType, bytes: block.data }
        : text(`(a picture, ${block.mimeType}, was attached, and this model does not see pictures: tell the user so)`)
    case 'audio':
      return text('(a sound was attached, which cannot be heard here: tell the user so)')
    case 'resource': {
      const { resource } = block
      if ('text' in resource) return text(`<file uri="${resource.uri}">\n${resource.text}\n</file>`)
      return text(`(${resource.uri} was attached and is not text)`)
    }
    case 'resource_link':
      return text(await linked(block.uri, workspace))
    default:
      return text('(something was attached that cannot be read here)')
  }
}

const text = (value: string): Part => ({ kind: 'text', text: value })

/** A file of the workspace is read at once; for everything else the model knows where it is. */
async function linked(uri: string, workspace: Workspace): Promise<string> {
  try {
    const place = workspace.place(uri.startsWith('file:') ? fileURLToPath(uri) : uri)
    const found = await stat(place.path)
    if (place.inside && found.isFile() && found.size <= largestFile) {
      const bytes = await readFile(place.path)
      if (!bytes.includes(0)) return `<file path="${place.path}">\n${bytes.toString('utf8')}\n</file>`
    }
  } catch {
    // It is named below.
  }
  return `(the user points to ${uri})`
}
