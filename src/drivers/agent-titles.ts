// Window titles in which known agents tell their state. A mark at the beginning says it; what follows is the title proper, so that an animated title is one title.

import type { ClaimedState } from '../core/signal.ts'

interface TitleMark {
  /** Who writes it, and where that can be read. */
  readonly of: string
  readonly mark: RegExp
  readonly state: ClaimedState
}

/** The first that fits counts. To know one agent more, add a line. */
const marks: readonly TitleMark[] = [
  // It blinks: an exclamation mark and a dot.
  { of: 'codex (openai/codex, codex-rs/tui: terminal title while a view needs an action)', mark: /^\[ [!.] \] Action Required(?: \| )?/u, state: 'blocked' },
  { of: 'gemini (google-gemini/gemini-cli, packages/cli/src/utils/windowTitle.ts)', mark: /^✋\ufe0f?\s+/u, state: 'blocked' },
  // The clock: it works and has shown nothing for a while.
  { of: 'gemini (the same)', mark: /^[✦⏲]\ufe0f?\s+/u, state: 'working' },
  { of: 'gemini (the same)', mark: /^◇\ufe0f?\s+/u, state: 'idle' },
  { of: 'codex, claude until 2.1.227, opencode: a spinner of braille dots', mark: /^[\u2800-\u28ff]+\s+(?:\| )?/u, state: 'working' },
  { of: 'claude since 2.1.228 (anthropics/claude-code, changelog), qwen: a half circle that turns', mark: /^[◐◑◒◓][\ufe0e\ufe0f]?\s+/u, state: 'working' },
  // With the sign for text behind it, which claude does not write.
  { of: 'qwen 0.24: it waits for a confirmation, and at its prompt there is no mark', mark: /^✳\ufe0e\s+/u, state: 'blocked' },
  { of: 'claude: the other frames of its star', mark: /^[✢✶✻✽]\ufe0f?\s+/u, state: 'working' },
  { of: 'claude (anthropics/claude-code issue 68643): at its prompt', mark: /^[✳✱]\ufe0f?\s+/u, state: 'idle' },
]

/** The state that this title tells, if it does, and the title without its marks. One printable line in, one out. */
export function readTitle(title: string): { readonly state?: ClaimedState; readonly text: string } {
  const first = marks.find(({ mark }) => mark.test(title))
  if (!first) return { text: title }
  let text = title.replace(first.mark, '')
  for (let next = marks.find(({ mark }) => mark.test(text)); next; next = marks.find(({ mark }) => mark.test(text))) text = text.replace(next.mark, '')
  return { state: first.state, text: text.trim() }
}
