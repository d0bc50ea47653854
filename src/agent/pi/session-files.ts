// The conversations on disk: one JSONL file each, in pi's format, below the home of Offstage. Written from the first line on (pi itself waits for the first answer), and made whole
// again when the program was killed in the middle of a line or of a step.

import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CURRENT_SESSION_VERSION, SessionManager } from '@earendil-works/pi-coding-agent'
import type { KeptSession } from '../thinker.ts'

export interface SessionFiles {
  readonly create: (id: string, cwd: string) => SessionManager
  readonly open: (id: string, cwd: string) => SessionManager | undefined
  /** A new session `id` that begins as `source` is now. */
  readonly fork: (source: string, id: string, cwd: string) => SessionManager | undefined
  readonly list: (cwd: string | undefined, signal: AbortSignal) => Promise<readonly KeptSession[]>
  readonly remove: (id: string) => boolean
}

export function sessionFilesIn(folder: string): SessionFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fileOf = (id: string): string | undefined => (/^[\w-]{1,100}$/.test(id) ? join(folder, `${id}.jsonl`) : undefined)
  const begin = (id: string, cwd: string, rest: string): SessionManager => {
    const file = join(folder, `${id}.jsonl`)
    const header = { type: 'session', version: CURRENT_SESSION_VERSION, id, timestamp: new Date().toISOString(), cwd }
    writeFileSync(file, `${JSON.stringify(header)}\n${rest}`, { flag: 'wx', mode: 0o600 })
    return load(file, cwd)
  }
  const load = (file: string, cwd: string): SessionManager => {
    cutBrokenEnd(file)
    const session = SessionManager.open(file, folder, cwd)
    endOpenSteps(session)
    return session
  }
  const existing = (id: string): string | undefined => {
    const file = fileOf(id)
    return file !== undefined && existsSync(file) ? file : undefined
  }
  return {
    create: (id, cwd) => begin(id, cwd, ''),
    open: (id, cwd) => {
      const file = existing(id)
      return file === undefined ? undefined : load(file, cwd)
    },
    fork: (source, id, cwd) => {
      const file = existing(source)
      if (file === undefined) return undefined
      cutBrokenEnd(file)
      const text = readFileSync(file, 'utf8')
      return begin(id, cwd, text.slice(text.indexOf('\n') + 1))
    },
    list: async (cwd, signal) => {
      const found = cwd === undefined ? await SessionManager.listAll(folder, undefined, signal) : await SessionManager.list(cwd, folder, undefined, signal)
      return found.map(({ id, cwd: where, name, firstMessage, messageCount, modified }) => ({
        id,
        cwd: where,
        title: name ?? (messageCount > 0 ? firstMessage.slice(0, 80) : undefined),
        updatedAt: modified,
      }))
    },
    remove: (id) => {
      const file = existing(id)
      if (file === undefined) return false
      unlinkSync(file)
      return true
    },
  }
}

/** A line that was not written to its end was never acted on. */
function cutBrokenEnd(file: string): void {
  const bytes = readFileSync(file)
  if (bytes.length === 0 || bytes.at(-1) === 0x0a) return
  const last = bytes.subarray(bytes.lastIndexOf(0x0a) + 1).toString()
  if (isJson(last)) appendFileSync(file, '\n')
  else truncateSync(file, bytes.lastIndexOf(0x0a) + 1)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

export const interrupted = 'Offstage ended while this was at work. It may have taken effect, wholly or in part, or not at all: look before doing it again.'

/** Providers refuse a call of a tool without its result, and the model has to know that it may have happened. */
function endOpenSteps(session: SessionManager): void {
  const open = new Map<string, string>()
  for (const entry of session.getBranch()) {
    if (entry.type !== 'message') continue
    const { message } = entry
    if (message.role === 'assistant') for (const block of message.content) if (block.type === 'toolCall') open.set(block.id, block.name)
    if (message.role === 'toolResult') open.delete(message.toolCallId)
  }
  for (const [toolCallId, toolName] of open)
    session.appendMessage({ role: 'toolResult', toolCallId, toolName, content: [{ type: 'text', text: interrupted }], isError: true, timestamp: Date.now() })
}
