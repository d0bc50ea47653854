// Tool calls: one entry each, reported when it begins, when its status or title changes and when it is over; what it prints meanwhile is only kept.

import type { Entry, FileChange, ToolStatus } from '../../core/events.ts'
import type { Exchange } from './exchange.ts'
import type { ToolCall } from './schema.ts'
import { endSpeech } from './speech.ts'
import type { State, Tool } from './state.ts'
import { changeOf, contentText, cut, cutMiddle, diffsOf, endOf, rawOutputText, subjectOf } from './text.ts'

const longestTitle = 500
const mostPaths = 20
const mostChanges = 50
/** Of one call, in UTF-16 units; beyond it only the counts are told. */
const longestDiffs = 32_768
/** Calls that are over and kept whole, because some agents complete a call first and tell its output after. */
const overButKept = 4
const mostPast = 64

const statuses = { pending: 'pending', in_progress: 'running', completed: 'completed', failed: 'failed' } as const
export const isOver = (status: ToolStatus): boolean => status === 'completed' || status === 'failed'

export const findTool = (state: State, callId: string): Tool | undefined => state.tools.find((tool) => tool.callId === callId)

export function toolEntry(tool: Tool): Entry {
  return {
    kind: 'tool',
    title: tool.title,
    toolKind: tool.kind,
    status: tool.status,
    ...(tool.paths.length > 0 ? { paths: tool.paths } : {}),
    ...(tool.changes.length > 0 ? { changes: tool.changes } : {}),
    ...(tool.output === '' ? {} : { output: tool.output }),
  }
}

function begin(exchange: Exchange, callId: string): Tool {
  endSpeech(exchange)
  return { callId, entryId: exchange.nextEntryId(), title: '', kind: 'other', status: 'pending', paths: [], changes: [], output: '', subject: '' }
}

function withinBounds(changes: readonly FileChange[]): readonly FileChange[] {
  let room = longestDiffs
  return changes.map((change) => {
    room -= change.diff?.length ?? 0
    const { diff: _, ...counts } = change
    return room < 0 ? counts : change
  })
}

function print(tool: Tool, printed: string, isRaw: boolean): void {
  tool.output = cutMiddle(printed)
  tool.isRaw = isRaw
  tool.tail = endOf(printed)
}

function update(tool: Tool, call: ToolCall): void {
  const title = call.title?.trim()
  if (title) tool.title = cut(title, longestTitle)
  if (call.kind) tool.kind = cut(call.kind, 40)
  if (call.status) tool.status = statuses[call.status]
  if (call.locations) tool.paths = [...new Set(call.locations.map((location) => location.path))].slice(0, mostPaths)
  if (call.content) {
    // ACP: the content of an update replaces what was there.
    const changes = diffsOf(call.content).slice(0, mostChanges).map(changeOf)
    if (changes.length > 0) tool.changes = withinBounds(changes)
    const output = contentText(call.content)
    if (output !== '' || changes.length === 0) print(tool, output, false)
  }
  const raw = rawOutputText(call.rawOutput).trimEnd()
  if (raw !== '' && (tool.output === '' || tool.isRaw)) print(tool, raw, true)
  const subject = subjectOf(call.content ?? [], call.rawInput)
  if (subject !== '') tool.subject = subject
  if (tool.title === '') tool.title = tool.kind
  if (!isOver(tool.status)) return
  tool.subject = ''
  delete tool.tail
}

/** Takes in what is told of a call, and reports it if that is worth a fact. Nothing comes of late news about a call that was forgotten. */
export function updateTool(exchange: Exchange, call: ToolCall): Tool | undefined {
  const { state } = exchange
  if (state.pastTools.includes(call.toolCallId)) return undefined
  const known = findTool(state, call.toolCallId)
  const tool = known ?? begin(exchange, call.toolCallId)
  const before = known && { ...known }
  update(tool, call)
  if (!known) state.tools.push(tool)
  const turned = !before || before.status !== tool.status || before.title !== tool.title || before.kind !== tool.kind
  const late = before && isOver(before.status) && (before.output !== tool.output || JSON.stringify(before.changes) !== JSON.stringify(tool.changes))
  if (turned || late) exchange.entry(tool.entryId, toolEntry(tool))
  if (isOver(tool.status)) forgetOld(state)
  return tool
}

function forgetOld(state: State): void {
  const over = state.tools.filter((tool) => isOver(tool.status))
  for (const tool of over.slice(0, -overButKept)) {
    state.tools = state.tools.filter((one) => one !== tool)
    state.pastTools = [...state.pastTools, tool.callId].slice(-mostPast)
  }
}

/** A new turn: what is over is forgotten; what still runs in the background is not. */
export function forgetTools(state: State): void {
  state.tools = state.tools.filter((tool) => !isOver(tool.status))
  state.pastTools = []
}
