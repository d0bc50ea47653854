// The last output of a terminal or program, as lines of text: enough for a look from outside. Follows it until aborted; shows nothing by itself.

import { plainText } from '../../core/terminal-text.ts'
import type { Client } from '../../sdk/client.ts'

const keptBytes = 16_384
/** Programs that put the cursor here and there draw a screen; their bytes are no lines. */
const placements = 8

export class ProgramOutput {
  #bytes: Uint8Array = new Uint8Array()
  #isWhole = true
  #lines: readonly string[] | undefined

  constructor(client: Client, session: string, signal: AbortSignal, changed: () => void) {
    void this.#follow(client, session, signal, changed)
  }

  /** Undefined: it draws a screen of its own. */
  get lines(): readonly string[] | undefined {
    if (drawsScreen(this.#bytes)) return undefined
    this.#lines ??= linesOf(this.#bytes, this.#isWhole)
    return this.#lines
  }

  async #follow(client: Client, session: string, signal: AbortSignal, changed: () => void): Promise<void> {
    try {
      for await (const { bytes, offset } of client.output({ session, stream: 'out', from: -keptBytes, follow: true }, signal)) {
        const all = Buffer.concat([this.#bytes, bytes])
        this.#isWhole &&= (this.#bytes.length > 0 || offset === 0) && all.length <= keptBytes
        this.#bytes = all.subarray(-keptBytes)
        this.#lines = undefined
        changed()
      }
    } catch {
      // What cannot be read is not shown; that the daemon is away is told by the list itself.
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
