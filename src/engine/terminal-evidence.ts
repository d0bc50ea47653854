// What is known of the agent in a terminal beside its output: the file that it keeps of its state, and the dialog that its screen shows. Looks only at programs that the catalogue knows, and at their
// screens only while they do not say themselves that they work. A dialog with known keys is a request; its keys are pressed only if it is still there right before.

import type { TerminalWay } from '../catalogue/agent.ts'
import type { StateFiles } from '../catalogue/dialog.ts'
import { type Refusal, refusal } from '../core/errors.ts'
import type { ProcessIdentity } from '../core/events.ts'
import { derivedId } from '../core/ids.ts'
import type { Report } from '../core/inputs.ts'
import type { Answer, Ask, Request } from '../core/requests.ts'
import type { Session } from '../core/session.ts'
import { type Claim, type Signal, surelyWorks, withEvidence } from '../core/signal.ts'
import { type Sighting, isSame, recognise } from '../drivers/terminal-dialogs.ts'
import { Looks } from './looks.ts'
import { type EngineDeps, startSize } from './parts.ts'
import { type Variables, folderOf, readState, variablesOf } from './state-files.ts'

/** A program that ignored the keys shows the same still, and prints nothing. */
const lookAfterKeysMs = 700
/** A screen that could not be seen (its worker was busy) is looked at again, later each time. */
const missedMs = 500
const mostMisses = 8
/** While its folder is not there yet, it is looked for when the program prints, so often at most, and a few times when it prints nothing, later each time. */
const folderEveryMs = 500
const mostFolderTries = 40
const mostTimedTries = 6
/** What a file says of a process that is not the run's first is looked at again when something is printed, at most this often: it may have been killed. */
const fileEveryMs = 2000
/** Whose a process is, is looked up so often at most; a pid may be given away again. */
const processesEveryMs = 1000
const mostForeign = 200

export interface TerminalEvidenceParts {
  readonly run: number
  readonly known: TerminalWay
  readonly deps: {
    readonly keepers: Pick<EngineDeps['keepers'], 'processes'>
    readonly screens: Pick<EngineDeps['screens'], 'text'>
    readonly stateFolders: Pick<EngineDeps['stateFolders'], 'watch'>
  }
  readonly session: () => Session | undefined
  /** What it says itself. */
  readonly told: () => Signal | undefined
  /** Bytes of its output. */
  readonly received: () => number
  /** In order with everything else of the session, as long as the run goes on. */
  readonly inTurn: (step: () => Promise<void>) => Promise<void>
  /** The evidence is otherwise: what is news of it is recorded, with these reports. For somebody whose turn it is. */
  readonly changed: (reports: readonly Report[]) => Promise<void>
}

export class TerminalEvidence {
  readonly #parts: TerminalEvidenceParts
  readonly #looks: Looks
  #fileClaim: Claim | undefined
  #screenClaim: Claim | undefined
  #worked: boolean
  #sighting: Sighting | undefined
  #merged: { readonly told: Signal; readonly signal: Signal } | undefined
  /** Of the answer that was allowed last. */
  #keys: { readonly requestId: string; readonly bytes: Uint8Array } | undefined
  #misses = 0
  #isStopped = false
  #folder: string | undefined
  #unwatch: (() => void) | undefined
  #folderTries = 0
  #folderTriedAtMs = -Infinity
  #folderTimer: NodeJS.Timeout | undefined
  #child: ProcessIdentity | undefined
  /** Whose file is read: the first process of the run unless another one has one. */
  #author: ProcessIdentity | undefined
  /** Processes that are not the run's, and when that was looked up. */
  readonly #foreign = new Map<number, number>()
  #isSearched = false
  #readAtMs = -Infinity
  #isReading = false
  #readAgain = false

  constructor(parts: TerminalEvidenceParts) {
    this.#parts = parts
    this.#looks = new Looks(() => void this.#look())
    // What a former daemon recorded holds until it is seen otherwise.
    const before = parts.session()?.signal?.signal
    this.#fileClaim = before?.claims.find(({ source }) => source === 'session file')
    this.#screenClaim = before?.claims.find(({ source }) => source === 'screen')
    this.#worked = before?.worked === true
  }

  /** `env`: of the run, if this daemon knows it. */
  begin(child: ProcessIdentity, env: Variables | undefined): void {
    this.#child = this.#author = child
    this.#looks.soon(0)
    void this.#findFolder(env)
  }

  stop(): void {
    this.#isStopped = true
    this.#looks.stop()
    clearTimeout(this.#folderTimer)
    this.#unwatch?.()
    this.#unwatch = undefined
  }

  /** Something was printed. What it makes of the evidence. */
  heard(bytes: number): readonly Report[] {
    const nowMs = performance.now()
    if (this.#folder !== undefined && !this.#unwatch && this.#folderTries < mostFolderTries && nowMs - this.#folderTriedAtMs >= folderEveryMs) this.#watchFolder()
    if (this.#fileClaim && this.#author !== this.#child && nowMs - this.#readAtMs >= fileEveryMs) this.#read()
    const signal = this.signal()
    if (!signal || !surelyWorks(signal)) {
      this.#looks.heard(bytes)
      return []
    }
    if (!this.#sighting && !this.#screenClaim && !this.#openRequest()) return []
    return this.#see(undefined)
  }

  /** All that is known. The same object as long as nothing changes. */
  signal(): Signal | undefined {
    const told = this.#parts.told()
    if (!told) return undefined
    if (this.#merged?.told !== told) {
      const claims = [this.#fileClaim, this.#screenClaim].filter((claim) => claim !== undefined)
      this.#merged = { told, signal: withEvidence(told, { claims, ...(this.#worked ? { worked: true } : {}) }) }
    }
    return this.#merged.signal
  }

  /** Why its keys cannot be pressed: the question must be on the screen now. Otherwise `keysOf` has them. For somebody whose turn it is. */
  async mayAnswer(requestId: string, answer: Answer): Promise<Refusal | undefined> {
    const request = this.#openRequest()
    if (request?.id !== requestId) return undefined
    const found = await this.#seen()
    const { id } = this.#parts.session() ?? { id: '' }
    if (found?.sighting && isAbout(request, found.sighting)) {
      const keys = keysFor(found.sighting, answer)
      if (keys === undefined && answer.kind !== 'option') return refusal('no-such-option', `no key of "${request.title}" is known for that`, `offstage switch ${id} opens it`)
      // Whatever else is no answer is refused with everything that is.
      this.#keys = keys === undefined ? undefined : { requestId, bytes: Buffer.from(keys) }
      return undefined
    }
    if (!found) return refusal('not-asked', `the screen of session ${id} cannot be seen now, so nothing is typed`, `open it to answer: offstage switch ${id}`)
    await this.#parts.changed(this.#see(found))
    return refusal('not-asked', `the screen of session ${id} does not show that question any more`, `open it to answer: offstage switch ${id}`)
  }

  /** To be sent once, now. Undefined for an answer before which nobody looked. */
  keysOf(requestId: string): Uint8Array | undefined {
    const allowed = this.#keys
    this.#keys = undefined
    this.#looks.soon(lookAfterKeysMs)
    return allowed?.requestId === requestId ? allowed.bytes : undefined
  }

  #openRequest(): Request | undefined {
    return this.#parts.session()?.requests.find((request) => !request.lost && request.run === this.#parts.run && request.kind !== 'error')
  }

  async #look(): Promise<void> {
    const signal = this.signal()
    if (this.#isStopped || !this.#parts.known.dialogs || !signal || surelyWorks(signal)) return
    const found = await this.#seen()
    if (this.#isStopped) return
    if (!found) {
      this.#misses += 1
      if (this.#misses <= mostMisses) this.#looks.soon(missedMs * 2 ** this.#misses)
      return
    }
    this.#misses = 0
    await this.#parts.inTurn(async () => {
      const now = this.signal()
      if (now && surelyWorks(now)) return
      const isNew = !(found.sighting ? this.#sighting && isSame(found.sighting, this.#sighting) : !this.#sighting)
      this.#looks.seen(isNew)
      const reports = this.#see(found)
      if (isNew || reports.length > 0 || this.#merged === undefined) await this.#parts.changed(reports)
    })
  }

  /** Undefined when it could not be seen. */
  async #seen(): Promise<{ readonly offset: number; readonly sighting: Sighting | undefined } | undefined> {
    const { run, known, deps, session } = this.#parts
    const of = session()
    const text = of && (await deps.screens.text({ session: of.id, run, size: startSize(of.spec) }))
    return text && { offset: text.offset, sighting: recognise(known.dialogs ?? [], text.rows) }
  }

  /** From now on this is what is seen, if anything. */
  #see(found: { readonly offset: number; readonly sighting: Sighting | undefined } | undefined): readonly Report[] {
    const sighting = found?.sighting
    this.#sighting = sighting
    const before = this.#screenClaim
    this.#screenClaim = sighting && this.#claimOf(sighting, Math.max(found?.offset ?? 0, this.#parts.received()))
    if (before !== this.#screenClaim) this.#merged = undefined
    const open = this.#openRequest()
    if (open && sighting && isAbout(open, sighting)) return []
    const withdrawn: readonly Report[] = open ? [{ type: 'withdraws', requestId: open.id }] : []
    return sighting && sighting.options.length > 0 ? [...withdrawn, { type: 'asks', ask: this.#askOf(sighting) }] : withdrawn
  }

  /** The one that was, unless something above it has said otherwise since. */
  #claimOf({ kind, asks }: Sighting, atOffset: number): Claim {
    const before = this.#screenClaim
    const newest = Math.max(0, ...(this.#parts.told()?.claims ?? []).map((claim) => claim.atOffset), this.#fileClaim?.atOffset ?? 0)
    if (before?.kind === kind && before.message === asks && before.atOffset > newest) return before
    return { source: 'screen', state: 'blocked', kind, message: asks, atOffset: Math.max(atOffset, newest + 1) }
  }

  #askOf(sighting: Sighting): Ask {
    const { run, session, received } = this.#parts
    const { id = '', seq = 0 } = session() ?? {}
    const [said] = this.#parts.told()?.claims ?? []
    // Where it says itself what it asks for, that is shorter than its screen.
    const title = said?.state === 'blocked' && said.kind === sighting.kind && said.message !== undefined ? { title: said.message } : {}
    return { id: derivedId(id, run, 'dialog', received(), seq), ...wordsOf(sighting), ...title }
  }

  async #findFolder(env: Variables | undefined): Promise<void> {
    const files = this.#parts.known.stateFiles
    if (!files || !this.#child) return
    this.#folder = folderOf(files, env ?? (await variablesOf(files, this.#child.pid)))
    if (this.#folder === undefined) return this.#read()
    this.#watchFolder()
  }

  #watchFolder(): void {
    if (this.#isStopped || this.#folder === undefined) return
    this.#folderTries += 1
    this.#folderTriedAtMs = performance.now()
    this.#unwatch = this.#parts.deps.stateFolders.watch(this.#folder, (name) => void this.#fileChanged(name))
    clearTimeout(this.#folderTimer)
    // What was written before it was watched.
    if (this.#unwatch) this.#isSearched = false
    else if (this.#folderTries <= mostTimedTries) this.#folderTimer = setTimeout(() => this.#watchFolder(), folderEveryMs * 2 ** (this.#folderTries - 1)).unref()
    this.#read()
  }

  async #fileChanged(name: string): Promise<void> {
    const pid = Number(/^(\d{1,10})\.json$/.exec(name)?.[1])
    if (!(pid > 0) || this.#isStopped) return
    if (pid !== this.#author?.pid) {
      const nowMs = performance.now()
      if (nowMs - (this.#foreign.get(pid) ?? -Infinity) < processesEveryMs) return
      const found = (await this.#processes()).find((one) => one.pid === pid)
      if (!found) {
        if (this.#foreign.size >= mostForeign) this.#foreign.clear()
        this.#foreign.set(pid, nowMs)
        return
      }
      this.#author = found
    }
    this.#read()
  }

  async #processes(): Promise<readonly ProcessIdentity[]> {
    const { deps, run, session } = this.#parts
    return deps.keepers.processes(session()?.id ?? '', run).catch(() => [])
  }

  /** One at a time; what changes meanwhile is read after it. */
  #read(): void {
    if (!this.#parts.known.stateFiles) return
    this.#readAgain = true
    if (this.#isReading) return
    this.#isReading = true
    void this.#readWhole().finally(() => {
      this.#isReading = false
      if (this.#readAgain && !this.#isStopped) this.#read()
    })
  }

  async #said(files: StateFiles): Promise<Awaited<ReturnType<typeof readState>>> {
    const [folder, author] = [this.#folder, this.#author]
    if (folder === undefined || !author) return undefined
    if (author === this.#child) {
      const said = await readState(files, folder, author)
      if (said || this.#isSearched) return said
    }
    // A file outlives a process that was killed.
    this.#isSearched = true
    for (const one of await this.#processes()) {
      if (author !== this.#child && (one.pid !== author.pid || one.start !== author.start)) continue
      const said = await readState(files, folder, one)
      if (!said) continue
      this.#author = one
      return said
    }
    return undefined
  }

  async #readWhole(): Promise<void> {
    const files = this.#parts.known.stateFiles
    while (this.#readAgain && files && !this.#isStopped) {
      this.#readAgain = false
      this.#readAtMs = performance.now()
      const said = await this.#said(files)
      // Its folder was made a moment ago.
      if (said && !this.#unwatch && this.#folderTries < mostFolderTries) this.#watchFolder()
      await this.#parts.inTurn(async () => {
        const before = this.#fileClaim
        if (before?.state === said?.state && before?.kind === said?.kind && before?.message === said?.message) return
        this.#fileClaim = said && { source: 'session file', ...said, atOffset: this.#parts.received() }
        if (said?.state === 'working') this.#worked = true
        this.#merged = undefined
        const signal = this.signal()
        await this.#parts.changed(signal && surelyWorks(signal) ? this.#see(undefined) : [])
        if (said && said.state !== 'working') this.#looks.soon(0)
      })
    }
  }
}

function keysFor({ options }: Sighting, answer: Answer): string | undefined {
  switch (answer.kind) {
    case 'option':
      return options.find(({ id }) => id === answer.optionId)?.keys
    case 'decline':
      return options.find(({ kind }) => kind === 'reject')?.keys
    case 'form':
      return undefined
  }
}

const wordsOf = ({ kind, title, about, options }: Sighting): Omit<Ask, 'id'> => ({
  kind,
  title,
  detail: about.join('\n'),
  options: options.map(({ keys: _, ...option }) => option),
})

/** Whether the request is about what is on the screen. */
function isAbout({ kind, detail, options }: Request, sighting: Sighting): boolean {
  const words = wordsOf(sighting)
  return kind === words.kind && detail === words.detail && JSON.stringify(options) === JSON.stringify(words.options)
}
