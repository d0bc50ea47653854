// What the program of a terminal says of itself: its state by each way of saying it, its title, its last notification, its bell. Claims of a program, never more: all texts are
// untrusted, of one printable line and short. What counts of them, what is news, and what somebody has looked at already.
//
// What counts where they contradict each other: the claim of the most trusted source, whatever is below it. But a claim that it waits for somebody counts before those above it, if it is newer
// than they are and each of them says that nothing is under way (idle, done) or only guesses that something is (a hook, a spinner in a title, a progress bar). So a dialog is not hidden by a program that
// says "ready" before it shows it, and no text on a screen makes one wait that says by a protocol of its own that it works.

export type ClaimedState = 'idle' | 'working' | 'blocked' | 'done' | 'error'

/** The most trusted first: a protocol made for it, the file that a known agent keeps of itself, a hook that the user turned on (nothing fires when it is interrupted), titles that known agents use, a
 *  progress bar, a dialog of a known agent on the screen. */
export const stateSources = ['OSC 7501', 'session file', 'hook', 'title', 'OSC 9;4', 'screen'] as const
export type StateSource = (typeof stateSources)[number]

interface Said {
  readonly state: ClaimedState
  /** What it is blocked by. */
  readonly kind?: 'permission' | 'question' | 'auth'
  /** 0 to 100. */
  readonly progress?: number
  readonly app?: string
  readonly title?: string
  readonly message?: string
}

export interface Claim extends Said {
  readonly source: StateSource
  /** Of the output: the first byte after the sequence that said so first, or what had been received when it was seen. Saying the same once more does not change it. */
  readonly atOffset: number
}

/** What is known of the program beside its output. */
export interface Evidence {
  readonly claims: readonly Claim[]
  readonly worked?: true
}

/** A part of the program that has a state of its own (OSC 7501: a record with an id). */
export interface PartClaim extends Said {
  readonly id: string
  readonly atOffset: number
}

export interface Notice {
  readonly source: 'OSC 9' | 'OSC 777' | 'OSC 99'
  readonly text: string
  readonly atOffset: number
}

/** As of one place in the output. */
export interface Signal {
  /** At most one of each source, in the order of `stateSources`. */
  readonly claims: readonly Claim[]
  /** By id. */
  readonly parts?: readonly PartClaim[]
  /** Without the mark of its state. */
  readonly title?: string
  readonly notice?: Notice
  readonly bell?: { readonly atOffset: number }
  /** It has said in this run that it works. */
  readonly worked?: true
}

export interface RecordedSignal {
  readonly signal: Signal
  /** When each thing that it says was recorded; parts under their source and id. */
  readonly sinceMs: Readonly<Record<string, number>>
  /** Notices and bells up to this offset were looked at: they are not in `signal` and count no more. */
  readonly seenTo: number
}

export type SignalSource = StateSource | Notice['source'] | 'window title' | 'bell'

/** One thing that a program says, as text. */
export interface SignalRow {
  readonly source: SignalSource
  readonly value: string
  readonly sinceMs: number
}

/** At most so many characters of a text are kept. */
export const longestSignalText = 200

/** Without what was looked at. */
function unseen(signal: Signal, seenTo: number): Signal {
  const { notice, bell, ...rest } = signal
  return { ...rest, ...(notice && notice.atOffset > seenTo ? { notice } : {}), ...(bell && bell.atOffset > seenTo ? { bell } : {}) }
}

export function recordSignal(before: RecordedSignal | null, told: Signal, atMs: number): RecordedSignal {
  const seenTo = before?.seenTo ?? 0
  const signal = unseen(told, seenTo)
  const known = before ? placesOf(before.signal) : new Map<string, number | string>()
  const sinceMs: Record<string, number> = {}
  for (const [name, place] of placesOf(signal)) sinceMs[name] = known.get(name) === place ? (before?.sinceMs[name] ?? atMs) : atMs
  return { signal, sinceMs, seenTo }
}

const partName = ({ id }: PartClaim): string => `OSC 7501 ${id}`

/** What identifies each thing that is said. */
function placesOf(signal: Signal): Map<string, number | string> {
  const places = new Map<string, number | string>()
  for (const claim of signal.claims) places.set(claim.source, claim.atOffset)
  for (const part of signal.parts ?? []) places.set(partName(part), part.atOffset)
  if (signal.title !== undefined) places.set('window title', signal.title)
  if (signal.notice) places.set(signal.notice.source, signal.notice.atOffset)
  if (signal.bell) places.set('bell', signal.bell.atOffset)
  return places
}

/** Somebody has looked at it. */
export function lookedAt(before: RecordedSignal): RecordedSignal {
  const { notice, bell } = before.signal
  if (!notice && !bell) return before
  const seenTo = Math.max(before.seenTo, notice?.atOffset ?? 0, bell?.atOffset ?? 0)
  return { signal: unseen(before.signal, seenTo), sinceMs: before.sinceMs, seenTo }
}

/** Notices and bells that nobody has looked at. */
export const wantsALook = (recorded: RecordedSignal | null): boolean => recorded?.signal.notice !== undefined || recorded?.signal.bell !== undefined

/** What is new in what is said now: its state or a notice, only words (texts, progress, parts, the bell), or nothing. */
export function newsOf(recorded: RecordedSignal | null, now: Signal): 'state' | 'words' | 'none' {
  const before = recorded?.signal ?? { claims: [] }
  const after = unseen(now, recorded?.seenTo ?? 0)
  if (stateKey(before) !== stateKey(after)) return 'state'
  return comparable(before) === comparable(after) ? 'none' : 'words'
}

/** Equal as long as the same state follows from it. */
export function stateKey(signal: Signal): string {
  const claim = foremost(signal)
  return JSON.stringify([claim?.source, claim?.state, claim?.kind, signal.notice?.text, signal.worked])
}

/** The same notice, or another bell, before anybody has looked is no news. */
const comparable = ({ notice, bell, ...rest }: Signal): string => JSON.stringify([rest, notice?.text, bell !== undefined])

/** The claim that counts. A part that waits for somebody counts more than the whole that works on; without a word of the whole its parts speak for it. */
export function foremost(signal: Signal): Claim | undefined {
  const [first] = signal.claims
  const whole = first?.source === 'OSC 7501' ? first : undefined
  const states: readonly ClaimedState[] = whole ? (whole.state === 'blocked' ? [] : ['blocked']) : ['blocked', 'working', 'error', 'done', 'idle']
  for (const state of states) {
    const part = signal.parts?.find((one) => one.state === state)
    if (part) return { source: 'OSC 7501', ...part }
  }
  return signal.claims.find((claim, index) => claim.state === 'blocked' && signal.claims.slice(0, index).every((above) => yields(above, claim))) ?? first
}

const yields = (above: Claim, asking: Claim): boolean => above.atOffset < asking.atOffset && (isAtRest(above.state) || (above.state === 'working' && isGuess(above.source)))
const isAtRest = (state: ClaimedState): boolean => state === 'idle' || state === 'done'
const isGuess = (source: StateSource): boolean => source === 'hook' || source === 'title' || source === 'OSC 9;4'

/** It says by a protocol or a file of its own that it works: nothing else that is seen of it makes it wait. */
export const surelyWorks = ({ claims: [first] }: Signal): boolean => first?.state === 'working' && !isGuess(first.source)

/** With what is known beside the output, in the order of trust. */
export function withEvidence(told: Signal, { claims, worked }: Evidence): Signal {
  if (claims.length === 0 && (!worked || told.worked)) return told
  const all = [...told.claims, ...claims].toSorted((one, other) => stateSources.indexOf(one.source) - stateSources.indexOf(other.source))
  return { ...told, claims: all, ...(worked ? { worked } : {}) }
}

/** The words that go with the state that counts: of the claim itself, else the title. Empty if there are none. */
export function wordsOf(signal: Signal): string {
  const claim = foremost(signal)
  return claim?.message ?? claim?.title ?? signal.title ?? ''
}

function claimText({ state, kind, progress, app, title, message }: Said): string {
  const what = [state, ...(kind ? [`(${kind})`] : []), ...(progress === undefined ? [] : [`${progress} %`]), ...(app ? [`by ${app}`] : [])].join(' ')
  return [what, ...(title ? [title] : []), ...(message ? [message] : [])].join(': ')
}

/** Everything that is said, the most trusted first. */
export function signalRows({ signal, sinceMs }: RecordedSignal): readonly SignalRow[] {
  const row = (source: SignalSource, value: string, name: string = source): SignalRow => ({ source, value, sinceMs: sinceMs[name] ?? 0 })
  return [
    ...signal.claims.map((claim) => row(claim.source, claimText(claim))),
    ...(signal.parts ?? []).map((part) => row('OSC 7501', `${part.id} ${claimText(part)}`, partName(part))),
    ...(signal.title === undefined ? [] : [row('window title', signal.title)]),
    ...(signal.notice ? [row(signal.notice.source, signal.notice.text)] : []),
    ...(signal.bell ? [row('bell', 'rang')] : []),
  ]
}

/** All of it in one line. */
export const signalText = (signal: Signal): string =>
  signalRows({ signal, sinceMs: {}, seenTo: 0 })
    .map(({ source, value }) => `${source} ${value}`)
    .join('; ')
