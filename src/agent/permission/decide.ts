// Whether something may be done: by the mode of the session, by what was allowed for the rest of it, and by what is asked about in every mode. Pure.

import type { Place } from './workspace.ts'
import type { CommandVerdict } from './command.ts'

export const modes = [
  { id: 'ask', name: 'Ask', description: 'asks before every edit and every command' },
  { id: 'accept-edits', name: 'Accept edits', description: 'edits files of the workspace by itself, asks before commands' },
  { id: 'plan', name: 'Plan', description: 'reads and plans, changes nothing' },
  { id: 'auto', name: 'Auto', description: 'edits and runs commands by itself; asks before deletions and anything outside the workspace' },
] as const

export type Mode = (typeof modes)[number]['id']

export const modeOf = (id: string): Mode | undefined => modes.find((mode) => mode.id === id)?.id

/** What is about to be done. */
export type Action =
  | { readonly kind: 'read'; readonly place: Place }
  | { readonly kind: 'edit'; readonly place: Place }
  | { readonly kind: 'command'; readonly verdict: CommandVerdict }
  /** A tool of an MCP server; that it only reads is what the server says. */
  | { readonly kind: 'mcp'; readonly tool: string; readonly readOnly: boolean }

export type Decision =
  | { readonly kind: 'go' }
  /** `covers`: what "always" would allow for the rest of the session; without any there is no "always". */
  | { readonly kind: 'ask'; readonly why: readonly string[]; readonly covers: readonly string[] }
  | { readonly kind: 'refuse'; readonly why: string }

export const editsGrant = 'edits in the workspace'

const go: Decision = { kind: 'go' }
const ask = (why: readonly string[], covers: readonly string[]): Decision => ({ kind: 'ask', why, covers })
const planning: Decision = { kind: 'refuse', why: 'the session is in plan mode: nothing may be changed. Finish the plan and call leave_plan_mode.' }

export function decide(mode: Mode, action: Action, granted: ReadonlySet<string>): Decision {
  switch (action.kind) {
    case 'read':
      return action.place.inside ? go : ask([`${action.place.path} is outside the workspace`], [])
    case 'edit': {
      if (mode === 'plan') return planning
      const why = whyEditAsks(action.place)
      if (why !== undefined) return ask([why], [])
      return mode !== 'ask' || granted.has(editsGrant) ? go : ask([], [editsGrant])
    }
    case 'command': {
      const { effect, asks, covers } = action.verdict
      if (mode === 'plan') return asks.length > 0 || effect === 'changes' ? planning : go
      if (asks.length > 0) return ask(asks, [])
      return mode === 'auto' || isGranted(covers, granted) ? go : ask([], covers)
    }
    case 'mcp': {
      // A server acts outside of the workspace, and that it only reads is its own word: it counts where the user said that little is asked.
      if (action.readOnly && mode === 'auto') return go
      if (!action.readOnly && mode === 'plan') return planning
      return isGranted([action.tool], granted) ? go : ask([], [action.tool])
    }
  }
}

const isGranted = (covers: readonly string[], granted: ReadonlySet<string>): boolean => covers.length > 0 && covers.every((one) => granted.has(one))

/** What lies in .git is executed or believed by git later. */
function whyEditAsks({ path, inside }: Place): string | undefined {
  if (!inside) return `${path} is outside the workspace`
  return path.toLowerCase().split('/').includes('.git') ? `${path} belongs to git itself` : undefined
}
