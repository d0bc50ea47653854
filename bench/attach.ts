// How long it takes to see a session again: the whole command, from the start of its process in a terminal to the last line of 50,000 on the screen.

import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome } from './home.ts'
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
  return [figure('attach: whole command to the last of 50,000 lines (tmux attach)', 'ms', measured)]
}
