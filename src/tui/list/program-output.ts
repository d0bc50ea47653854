// What a terminal or program shows last, as lines of text: enough for a look from outside. Of a terminal what stands on its screen, as the daemon makes it of its log, else the end of the output.
// Follows it until aborted; shows nothing by itself.

import { setTimeout as delay } from 'node:timers/promises'
import { plainText } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'

const keptBytes = 16_384
/** Programs that put the cursor here and there draw a screen; their bytes are no lines. */
const placements = 8
/** Whoever prints all the time is looked at so often. */
const lookEveryMs = 400

export class ProgramOutput {
  readonly #client: Client
  readonly #session: Pick<SessionView, 'id' | 'driver'>
  readonly #signal: AbortSignal
  readonly #changed: () => void
  #bytes: Uint8Array = new Uint8Array()
  #isWhole = true
  #lines: readonly string[] | undefined
  #screen: readonly string[] | undefined
  #looking = false
  #isOld = false

  constructor(client: Client, session: Pick<SessionView, 'id' | 'driver'>, signal: AbortSignal, changed: () => void) {
    this.#client = client
    this.#session = session
    this.#signal = signal
    this.#changed = changed
    void this.#look()
    void this.#follow()
  }

  /** Undefined: it draws a screen of its own, which nobody can tell. */
  get lines(): readonly string[] | undefined {
    if (this.#screen) return this.#screen
    if (drawsScreen(this.#bytes)) return undefined
    this.#lines ??= linesOf(this.#bytes, this.#isWhole)
    return this.#lines
  }

  async #follow(): Promise<void> {
    try {
      for await (const { bytes, offset } of this.#client.output({ session: this.#session.id, stream: 'out', from: -keptBytes, follow: true }, this.#signal)) {
        const all = Buffer.concat([this.#bytes, bytes])
        this.#isWhole &&= (this.#bytes.length > 0 || offset === 0) && all.length <= keptBytes
        this.#bytes = all.subarray(-keptBytes)
        this.#lines = undefined
        void this.#look()
        this.#changed()
      }
    } catch {
      // What cannot be read is not shown; that the daemon is away is told by the list itself.
    }
  }

  /** At once, and again a little later if something was printed meanwhile. */
  async #look(): Promise<void> {
    if (this.#session.driver !== 'terminal') return
    this.#isOld = true
    if (this.#looking) return
    this.#looking = true
    try {
      while (this.#isOld) {
        this.#isOld = false
        const screen = await this.#client.screen({ session: this.#session.id, text: true }, this.#signal)
        if (this.#signal.aborted) return
        if (screen?.text) {
          this.#screen = screen.text.slice(0, screen.text.findLastIndex((row) => row.trim() !== '') + 1)
          this.#changed()
        }
        await delay(lookEveryMs, undefined, { signal: this.#signal })
      }
    } catch {
      // The same.
    } finally {
      this.#looking = false
    }
  }
}

function drawsScreen(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('latin1')
  // oxlint-disable-next-line no-control-regex
  return text.lastIndexOf('\x1b[?1049h') > text.lastIndexOf('\x1b[?1049l') || (text.match(/\x1b\[\d+;\d+H/g)?.length ?? 0) > placements
}

/** The first one is the rest of a line when there was more before it. */
function linesOf(bytes: Uint8Array, isWhole: boolean): readonly string[] {
  const lines = plainText(bytes).replaceAll('\t', '    ').trimEnd().split('\n')
  return isWhole ? lines : lines.slice(1)
}
