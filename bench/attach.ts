// How long it takes to see a session again with 50,000 lines behind it: the whole command, from the start of its process in a terminal to the last line on the screen; and of it what follows the connection.

import { type Figure, figure } from './figure.ts'
import { connectTerminal } from '../src/sdk/terminal.ts'
import type { Client } from '../src/sdk/index.ts'
import type { Bench } from './group.ts'
import { BenchHome, never } from './home.ts'
import { type Program, emptyNode, programMs, sideBySide } from './samples.ts'
import { Screen } from './screen.ts'
import { Tmux } from './tmux.ts'

const lastLine = 'the-last-of-them'
const history = `seq -f "line %.0f of a long history" 50000; echo ${lastLine}; exec cat`

export async function attach(bench: Bench): Promise<readonly Figure[]> {
  const { lifetime, packageFolder } = bench
  const home = lifetime.use(new BenchHome(packageFolder))
  const tmux = bench.machine.tmux === null ? undefined : lifetime.use(new Tmux())
  const client = await home.client()
  const session = await home.startTerminal(client, ['sh', '-c', history])
  tmux?.run('new-session', '-d', '-s', 'history', history)

  const shown = async (program: Program): Promise<number> => {
    const startedMs = performance.now()
    await using screen = await Screen.open(program, packageFolder)
    return (await screen.watched.until(lastLine)) - startedMs
  }
  const measured = await sideBySide(
    { rounds: 9, warmUps: 2 },
    {
      floor: () => programMs(emptyNode(home.env)),
      offstage: () => shown(home.program('switch', session.id)),
      tmux: tmux && (() => shown(tmux.program('attach', '-t', 'history'))),
    },
  )
  const size = { columns: 80, rows: 24 }
  /** As `switch` does it, without its process and its terminal. */
  const screenMs = async (asking: Client): Promise<number> => {
    const startedMs = performance.now()
    const view = (await asking.get(session.id, never))?.session
    const connection = view && (await connectTerminal(view, never))
    const screen = await asking.screen({ session: session.id, size }, never)
    const tookMs = performance.now() - startedMs
    connection?.close()
    if (!Buffer.from(screen?.bytes ?? []).includes(lastLine)) throw new Error('the screen does not show the last line')
    return tookMs
  }
  const parts = await sideBySide(
    { rounds: 9, warmUps: 1 },
    {
      cold: async () => {
        await home.killDaemon()
        const fresh = await home.client()
        await fresh.list({ all: true }, never)
        return screenMs(fresh).finally(() => fresh.close())
      },
      warm: async () => {
        const asking = await home.client()
        await screenMs(asking)
        return screenMs(asking).finally(() => asking.close())
      },
    },
  )
  return [
    figure('attach: from a connection to the screen, warm', 'ms', { offstage: parts.warm }, { goal: 30 }),
    figure('attach: from a connection to the screen, cold: a daemon that has just started', 'ms', { offstage: parts.cold }, { goal: 100 }),
    figure('attach: whole command to the last of 50,000 lines (tmux attach)', 'ms', measured),
  ]
}
