// Taking back what a session changed, from its review: a hunk, a file, a turn. Asked for and waited for; what came of it says how it is brought back.

import { askedFor } from '../../client/asked-for.ts'
import { changesOf } from '../../client/changes.ts'
import { CommandFailed, exitCodes } from '../../client/failures.ts'
import type { ChangesFound } from '../../core/api.ts'
import type { Undo } from '../../core/events.ts'
import { pathLine, printableLine } from '../../core/terminal-text.ts'
import type { PatchHunk } from '../../core/patch.ts'
import type { SessionView } from '../../core/view.ts'
import type { ChangedFile } from '../../core/workspace.ts'
import { statText } from '../../text/changes-text.ts'
import { count, nameOf } from '../../text/format.ts'
import { cellPath } from '../cells.ts'
import type { Theme } from '../theme.ts'
import type { Stage } from '../view.ts'
import { type FilePatch, type Scope, pathsOf } from './changes-shown.ts'
import { openDecision } from './decision.ts'
import { fitMiddle } from './file-pane.ts'

interface Wanted {
  readonly undo: Undo
  /** What was taken back, when it is done; else so many files. */
  readonly took?: string
}

/** In cells, in a question. */
const longestName = 60

const back = 'All is kept first, and can be brought back.'

export class TakingBack {
  readonly #stage: Stage
  readonly #session: SessionView
  readonly #done: () => void
  #asking: { readonly question: string; readonly wanted: Wanted } | undefined
  #told: string | undefined

  /** `done`: the tree is another one. */
  constructor(stage: Stage, session: SessionView, done: () => void) {
    this.#stage = stage
    this.#session = session
    this.#done = done
  }

  /** What came of it last, or that it is under way. */
  get told(): string | undefined {
    return this.#told
  }

  hush(): void {
    this.#told = undefined
  }

  /** To be answered with the next key. */
  get question(): string | undefined {
    return this.#asking?.question
  }

  input(data: string): void {
    const asking = this.#asking
    this.#asking = undefined
    if (asking && this.#stage.keymap.action('dialog', data) === 'dialog.allow') void this.#take(asking.wanted)
  }

  askHunks({ path }: ChangedFile, { trees, parts }: FilePatch, hunks: readonly number[]): void {
    const lines = hunks.flatMap((index) => parts[0]?.hunks[index]?.lines ?? [])
    const [added, removed] = ['added', 'removed'].map((kind) => lines.filter((line) => line.kind === kind).length)
    const at = hunks.flatMap((index) => firstLine(parts[0]?.hunks[index]) ?? [])
    const name = cellPath(path)
    const what = hunks.length === 1 ? `the hunk at line ${at[0] ?? 1}` : `the ${hunks.length} hunks at lines ${at.slice(0, 3).join(', ')}${at.length > 3 ? ' …' : ''}`
    const took = `${hunks.length === 1 ? 'a hunk' : `${hunks.length} hunks`} of ${name}`
    this.#ask(`take ${what} of ${fitMiddle(name, longestName)} back (+${added} −${removed})? ${back}`, { undo: { kind: 'hunks', ...trees, path, hunks }, took })
  }

  askFile(file: ChangedFile, scope: Scope): void {
    const did = scope === 'all' ? 'all that it did' : `what turn ${scope} did`
    this.#ask(`take back ${did} to ${fitMiddle(cellPath(file.path), longestName)}? ${back}`, { undo: { kind: 'turns', turn: scope, paths: pathsOf([file]) } })
  }

  #ask(question: string, wanted: Wanted): void {
    // Nothing that was said may stand over it.
    this.#stage.hush()
    this.#asking = { question, wanted }
  }

  /** With all that would be other than it is, first. */
  async undoTurn(turn: number): Promise<void> {
    const undo: Undo = { kind: 'turns', turn }
    try {
      const found = await changesOf(this.#stage.client, { session: this.#session.id, undo }, this.#stage.signal)
      const { conflicts = [] } = found
      const perform = (): void => void this.#take({ undo })
      const decide = conflicts.length > 0 || found.files.length === 0 ? undefined : ({ key: 'dialog.allow', does: 'undoes it', perform } as const)
      this.#stage.open(
        openDecision(this.#stage, { heading: `undo turn ${turn} of ${nameOf(this.#session)}`, rows: (columns) => previewRows(found, columns, this.#stage.theme), decide }),
      )
    } catch (thrown) {
      this.#stage.complain(thrown)
    }
  }

  async #take({ undo, took }: Wanted): Promise<void> {
    const { client, signal } = this.#stage
    const { id } = this.#session
    this.#told = 'taking it back …'
    this.#stage.repaint()
    try {
      const end = await askedFor(client, { session: id, command: { type: 'undo', what: undo }, asked: 'undo-asked', ends: ['undone', 'undo-failed'] }, signal)
      if (end.type === 'undo-failed' && undo.kind === 'hunks' && end.paths && end.paths.length > 0) {
        this.#done()
        throw new CommandFailed('undo-failed', `not taken back: these lines were changed since they were read${inPaths(end.paths)}`, { exitCode: exitCodes.failed })
      }
      if (end.type === 'undo-failed') throw new CommandFailed('undo-failed', `not taken back: ${end.reason}${inPaths(end.paths)}`, { exitCode: exitCodes.failed, hint: end.hint })
      const what = took ?? count(end.files.length, 'file')
      this.#told =
        end.files.length === 0
          ? 'nothing of it is there any more: nothing was changed'
          : `took back ${what}; offstage restore ${id}@${end.before} brings ${end.files.length === 1 ? 'it' : 'them'} back`
      this.#done()
    } catch (thrown) {
      this.#told = undefined
      this.#stage.complain(thrown)
    }
    this.#stage.repaint()
  }
}

/** As its lines are numbered on the screen. */
const firstLine = (hunk: PatchHunk | undefined): number | undefined => {
  const changed = hunk?.lines.find(({ kind }) => kind !== 'same')
  return changed?.new ?? changed?.old ?? undefined
}

const inPaths = (paths: readonly string[] | undefined): string =>
  paths && paths.length > 0 ? `: ${paths.slice(0, 3).map(pathLine).join(', ')}${paths.length > 3 ? ' …' : ''}` : ''

function previewRows(found: ChangesFound, columns: number, theme: Theme): readonly string[] {
  const { conflicts = [], notes, files } = found
  const inTheWay = conflicts.map((path) => `   ${theme.warning(`≠ ${cellPath(path)}`)}`)
  return [
    ...notes.map((note) => theme.warning(`   ! ${printableLine(note)}`)),
    ...(conflicts.length > 0 ? ['   Later changes are in the way; take back the other files one by one, or later turns first.', '', ...inTheWay] : []),
    ...(conflicts.length === 0 && files.length === 0 ? ['   nothing would be changed'] : []),
    ...(conflicts.length === 0 && files.length > 0 ? ['   These files would be changed so:', ''] : []),
    ...statText(found, theme, columns - 2)
      .split('\n')
      .map((row) => `  ${row}`),
    '',
    theme.dim(`   ${back}`),
  ]
}
