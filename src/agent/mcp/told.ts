// What an MCP server told, made fit to be shown and to be given to a model: printable, bounded, under names that every model takes. Pure but for a hash.

import { createHash } from 'node:crypto'
import type { CallToolResult, Tool } from '@modelcontextprotocol/client'
import { printable, printableLine } from '../../core/terminal-text.ts'

export interface ToolResult {
  readonly text: string
  readonly images: readonly { readonly data: string; readonly mimeType: string }[]
  readonly isError: boolean
}

export interface ToldTool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly readOnly: boolean
}

const longestName = 64
const longestServerName = 30
const longestDescription = 2000
const longestTitle = 80
const longestSchema = 64_000
const mostTools = 128
const longestText = 100_000
const mostImages = 8
const longestImages = 8_000_000

// Not seen by people, read by models: tags, and characters without width. A joiner is part of many scripts and stays.
const unseen = /[\u{e0000}-\u{e007f}\u200b\u2060-\u2064\ufeff\u00ad]/gu

const cut = (text: string, longest: number): string => (text.length <= longest ? text : `${text.slice(0, longest - 1).toWellFormed()}…`)

export const toldLine = (text: string, longest: number): string => cut(printableLine(text.slice(0, longest * 4)).replaceAll(unseen, ''), longest)

const toldText = (text: string, longest: number): string => cut(printable(text.slice(0, longest * 2)).replaceAll(unseen, ''), longest)

/** `server__tool`. The server's part never holds `__`, so that no server can take a name that belongs to another; whatever had to be changed ends in a hash of what it was. */
export function toolName(server: string, tool: string): string {
  const serverPart = server
    .replaceAll(/[^A-Za-z0-9-]+/g, '_')
    .replaceAll(/^[_-]+|[_-]+$/g, '')
    .slice(0, longestServerName)
  const safe = /^[A-Za-z]/.test(serverPart) ? serverPart : `m${serverPart}`
  const name = `${safe}__${tool.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`
  if (safe === server && name === `${server}__${tool}` && name.length <= longestName) return name
  const hash = createHash('sha256')
    .update(JSON.stringify([server, tool]))
    .digest('hex')
    .slice(0, 8)
  return `${name.slice(0, longestName - 9)}_${hash}`
}

/** The tools of a server, and what of them was left out. */
export function toldTools(server: string, tools: readonly Tool[]): { readonly tools: readonly (ToldTool & { readonly original: string })[]; readonly leftOut: readonly string[] } {
  const leftOut: string[] = []
  const told = new Map<string, ToldTool & { readonly original: string }>()
  for (const tool of tools.slice(0, mostTools)) {
    const inputSchema = toldSchema(tool.inputSchema)
    const name = toolName(server, tool.name)
    if (inputSchema === undefined) leftOut.push(`its tool ${toldLine(tool.name, longestTitle)} describes its input in no way that can be used`)
    else if (told.has(name)) leftOut.push(`it has two tools called ${toldLine(tool.name, longestTitle)}: the second was left out`)
    else
      told.set(name, {
        name,
        original: tool.name,
        title: toldLine(tool.title ?? tool.annotations?.title ?? tool.name, longestTitle) || name,
        description: toldText(tool.description ?? '', longestDescription),
        inputSchema,
        readOnly: tool.annotations?.readOnlyHint === true,
      })
  }
  if (tools.length > mostTools) leftOut.push(`it has ${tools.length} tools: the first ${mostTools} are used`)
  return { tools: [...told.values()], leftOut }
}

function toldSchema(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = JSON.stringify(schema)
    if (text.length > longestSchema) return undefined
    const told: unknown = JSON.parse(text, (key, value: unknown) =>
      typeof value === 'string' && (key === 'description' || key === 'title') ? toldText(value, longestDescription) : value,
    )
    return isRecord(told) && told['type'] === 'object' ? told : undefined
  } catch {
    // Too deep to be walked.
    return undefined
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

export function toldResult(result: CallToolResult): ToolResult {
  const texts: string[] = []
  const images: { readonly data: string; readonly mimeType: string }[] = []
  let left = longestImages
  for (const block of result.content) {
    if (block.type === 'text') texts.push(block.text)
    else if (block.type === 'image') {
      const fits = images.length < mostImages && block.data.length <= left && /^image\/(?:png|jpeg|gif|webp)$/.test(block.mimeType) && /^[A-Za-z0-9+/]+={0,2}$/.test(block.data)
      if (fits) {
        images.push({ data: block.data, mimeType: block.mimeType })
        left -= block.data.length
      } else texts.push('[an image that is too large, too many, or of an unknown kind was left out]')
    } else if (block.type === 'resource_link') texts.push(`[${block.name}: ${block.uri}]`)
    else if (block.type === 'resource') texts.push('text' in block.resource ? block.resource.text : `[${block.resource.uri}: not text]`)
    else texts.push(`[${block.type}: not text]`)
  }
  if (texts.length === 0 && result.structuredContent !== undefined) texts.push(JSON.stringify(result.structuredContent))
  const whole = texts.join('\n')
  const text = whole.length > longestText ? `${toldText(whole, longestText)}\n[cut: the answer had ${whole.length} characters]` : toldText(whole, longestText)
  return { text, images, isError: result.isError === true }
}
