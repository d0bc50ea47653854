// The long run: busy sessions of every kind, and at random moments the daemon is killed, or a client, an agent, a keeper. At the end everything is counted.
// SOAK=1: 1,000 kills under 50 sessions. The seed is printed; SEED=n takes that one (what is killed is then the same, when exactly is not).

import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Envelope, Event } from '../../src/core/events.ts'
import type { Session } from '../../src/core/session.ts'
import { launcher } from '../e2e/offstage.ts'
import { line } from '../fixtures/numbered-line.ts'
import { TestHome, never, settle } from '../home.ts'
import { isRunning, pause, seeded, soak, startOf } from '../machine.ts'
import { heard, output } from '../sessions.ts'
import { type Player, Players } from './players.ts'

const kills = Number(process.env['KILLS'] ?? (soak ? 1000 : 18))
const counts = soak ? { talker: 20, terminal: 15, command: 15 } : { talker: 4, terminal: 3, command: 3 }
/** Long enough for a new daemon to get to work, mostly. */
const gapMs = (random: (below: number) => number): number => (random(4) === 0 ? random(150) : 200 + random(soak ? 1300 : 350))

type Victim = 'daemon' | 'client' | 'agent' | 'keeper'

class Reaper {
  readonly killed = { daemon: 0, client: 0, agent: 0, keeper: 0 }
  /** `SESSION/RUN` of those whose program or keeper was killed: they may end, nothing else may. */
  readonly ended = new Set<string>()
  readonly #home: TestHome
  readonly #players: Players
  readonly #random: (below: number) => number
  #clients = 0

  constructor(home: TestHome, players: Players, random: (below: number) => number) {
    this.#home = home
    this.#players = players
    this.#random = random
  }

  async kill(): Promise<void> {
    const dice = this.#random(100)
    const victim: Victim = dice < 70 ? 'daemon' : dice < 80 ? 'client' : dice < 93 ? 'agent' : 'keeper'
    if (victim === 'daemon') await this.#killDaemons()
    else if (victim === 'client') this.#killClient()
    else if (!this.#killOf(victim)) return this.kill()
    this.killed[victim] += 1
  }

  /** Also those that are only just starting. */
  async #killDaemons(): Promise<void> {
    for (const deadline = Date.now() + 60_000; ;) {
      if (Date.now() > deadline) throw new Error('no client started a daemon for a minute')
      const daemons = this.#home.processes().filter(({ command }) => command.includes('daemon/main'))
      for (const { pid } of daemons) killQuietly(pid)
      if (daemons.length > 0) return
      await pause(10)
    }
  }

  /** A command that is cut off wherever it is: not yet connected, between question and reply, in the middle of a stream. */
  #killClient(): void {
    const { id } = this.#pick()
    const verbs = [
      // A terminal would echo it into its output.
      ['send', this.#players.all[0]?.id ?? '', `say from client ${++this.#clients}`],
      ['events', '--follow', '--json'],
      ['logs', '-f', id],
      ['wait', id, '--for', 'stopped'],
    ]
    const client = spawn(process.execPath, [launcher, ...(verbs[this.#random(verbs.length)] ?? [])], { env: this.#home.env, cwd: this.#home.project, stdio: 'ignore' })
    setTimeout(() => client.kill('SIGKILL'), this.#random(700))
  }

  #killOf(victim: 'agent' | 'keeper'): boolean {
    const { id } = this.#pick()
    const process = this.#players.record.session(id)?.process
    if (process?.kind !== 'live') return false
    const { pid, start } = victim === 'agent' ? process.child : process.keeper
    if (startOf(pid) !== start || !isRunning(pid)) return false
    this.ended.add(`${id}/${process.run}`)
    killQuietly(pid)
    return true
  }

  #pick(): Player {
    return this.#players.all[this.#random(this.#players.all.length)] as Player
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone by itself.
  }
}

test(
  `${kills} kills under ${counts.talker + counts.terminal + counts.command} busy sessions: nothing is lost, nothing comes twice, and what could live lives`,
  {
    timeout: 60_000 + kills * 3000,
  },
  async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
    const startedMs = performance.now()
    console.log(`seed ${seed}`)
    await using home = new TestHome()
    const random = seeded(seed)
    const players = new Players(home, seeded(seed + 1))
    const { record } = players
    const recording = record.keep(home)
    for (const kind of ['talker', 'terminal', 'command'] as const) for (let n = 1; n <= counts[kind]; n++) await players.begin(kind, `${kind}${n}`)
    const playing = players.all.map((player) => players.play(player))

    const reaper = new Reaper(home, players, random)
    for (let n = 0; n < kills; n++) {
      await pause(gapMs(random))
      await reaper.kill()
      if (soak && n % 100 === 99) console.log(`${n + 1} kills, ${record.count} facts, ${record.problems.length} problems, ${minutes(startedMs)}`)
    }
    players.finish()
    await Promise.all(playing)
    for (const { cwd, kind } of players.all) if (kind !== 'talker') writeFileSync(join(cwd, 'finish'), '')
    for (const player of players.all) await record.until(player.id, (session) => isAtRest(session, player))

    const client = await home.client()
    const tally = new Tally(reaper.ended)
    const stored: Envelope[] = []
    for await (const frame of client.watch({ after: 0, follow: false }, never)) if (frame.kind === 'fact') stored.push(frame.envelope)
    const perSession = Map.groupBy(stored, (envelope) => envelope.session)
    for (const player of players.all) {
      const facts = perSession.get(player.id) ?? []
      tally.facts(player, facts, record.facts.get(player.id) ?? [])
      if (player.kind === 'talker') tally.conversation(player, facts)
      else
        for (const stream of player.kind === 'command' ? (['out', 'err'] as const) : (['out'] as const))
          for (const run of runsOf(facts)) tally.bytes(player, run, stream, await output(client, player.id, run, stream))
      const view = (await client.get(player.id, never))?.session
      const fold = record.session(player.id)
      if (view?.run?.alive !== (fold?.process.kind === 'live')) tally.problems.push(`${player.name}: the list says alive=${view?.run?.alive}, the facts say ${fold?.process.kind}`)
      for (const { run, child } of startsOf(facts)) {
        const alive = view?.run?.alive === true && view.run.number === run
        const really = await settle(
          () => isRunning(child.pid) && startOf(child.pid) === child.start,
          (runs) => runs === alive,
        )
        if (really !== alive) tally.problems.push(`${player.name}: run ${run} is ${alive ? 'said to be alive and is not' : 'over, and its program still runs'} (pid ${child.pid})`)
      }
    }
    if (tally.answered !== players.answers) tally.problems.push(`${players.answers} answers were accepted, ${tally.answered} are recorded`)
    record.close()
    await recording
    const problems = [...record.problems, ...tally.problems]
    const { daemon, client: clients, agent, keeper } = reaper.killed
    const sum = { facts: stored.length, prompts: tally.prompts, answers: tally.answered, bytes: tally.bytesChecked }
    console.log(
      `kills ${kills} (daemon ${daemon}, client ${clients}, agent ${agent}, keeper ${keeper}) | sessions ${players.all.length} | runs ${tally.runs} | facts ${sum.facts} | prompts ${sum.prompts} | ` +
        `answers ${sum.answers} | bytes checked ${sum.bytes} | lost ${tally.lost} | doubled ${tally.doubled} | dead that could live ${tally.dead} | other problems ${problems.length - tally.lost - tally.doubled - tally.dead} | ` +
        `seed ${seed} | ${minutes(startedMs)}`,
    )
    expect(problems).toEqual([])
  },
)

const minutes = (sinceMs: number): string => `${((performance.now() - sinceMs) / 60_000).toFixed(1)} min`

const isAtRest = (session: Session, { kind }: Player): boolean =>
  kind === 'talker' ? session.turn.kind === 'idle' && session.queue.length === 0 : session.process.kind === 'exited' || session.process.kind === 'lost'

const startsOf = (facts: readonly Envelope[]) => facts.flatMap(({ event }) => (event.type === 'run-started' ? [event] : []))
const runsOf = (facts: readonly Envelope[]): readonly number[] => startsOf(facts).map(({ run }) => run)

/** Compares what is recorded with what the agents and programs themselves know. */
class Tally {
  readonly problems: string[] = []
  lost = 0
  doubled = 0
  dead = 0
  runs = 0
  prompts = 0
  answered = 0
  bytesChecked = 0
  /** `SESSION/RUN`: lines that the program says it wrote. */
  readonly #lines = new Map<string, number>()
  readonly #ended: ReadonlySet<string>

  constructor(ended: ReadonlySet<string>) {
    this.#ended = ended
  }

  #wrong(what: 'lost' | 'doubled' | 'dead', text: string): void {
    this[what] += 1
    this.problems.push(text)
  }

  /** Each exactly once; where the run was killed it may also have been lost with it, but not come twice. */
  #once(count: number, run: string, what: string): void {
    if (count > 1) this.#wrong('doubled', `${what} came ${count} times`)
    if (count === 0 && !this.#ended.has(run)) this.#wrong('lost', `${what} never came`)
  }

  facts(player: Player, stored: readonly Envelope[], told: readonly Envelope[]): void {
    for (const [index, { seq }] of stored.entries())
      if (seq !== index + 1) this.#wrong(seq > index + 1 ? 'lost' : 'doubled', `${player.name}: fact ${seq} is at place ${index + 1}`)
    for (const [index, envelope] of told.entries())
      if (JSON.stringify(stored[index]) !== JSON.stringify(envelope))
        this.#wrong('lost', `${player.name}: fact ${envelope.seq} was told as ${JSON.stringify(envelope)} and is now ${JSON.stringify(stored[index])}`)
    this.runs += startsOf(stored).length
    for (const { event } of stored) {
      if (event.type === 'run-not-started' || event.type === 'run-failed') this.#wrong('dead', `${player.name}: ${JSON.stringify(event)}`)
      if (event.type !== 'run-exited' && event.type !== 'run-lost') continue
      const finished = event.type === 'run-exited' && 'code' in event.exit && event.exit.code === 0 && player.kind !== 'talker'
      if (!finished && !this.#ended.has(`${player.id}/${event.run}`)) this.#wrong('dead', `${player.name}: ${JSON.stringify(event)} although nobody killed it`)
    }
  }

  bytes(player: Player, run: number, stream: 'out' | 'err', bytes: Buffer): void {
    const name = stream === 'out' ? player.name : `${player.name}-err`
    const text = player.kind === 'terminal' ? bytes.toString('latin1').replaceAll('\r\n', '\n') : bytes.toString('latin1')
    this.bytesChecked += bytes.length
    const where = `${player.name}: ${stream} of run ${run}`
    const end = new RegExp(`^${player.name} wrote (\\d+)\n$`, 'm').exec(text)
    let expected = ''
    for (let n = 1; expected.length < text.length - (end ? end[0].length : 0); n++) expected += line(name, n)
    // How many there were is said once, on stdout.
    if (end) this.#lines.set(`${player.id}/${run}`, Number(end[1]))
    const wrote = stream === 'out' && end === null ? undefined : this.#lines.get(`${player.id}/${run}`)
    const complete = expected.split('\n').length - 1 === wrote
    if (!this.#ended.has(`${player.id}/${run}`) && !complete) this.#wrong('lost', `${where} is not complete: it ends with ${JSON.stringify(text.slice(-80))}`)
    if (!`${expected}${end?.[0] ?? ''}`.startsWith(text)) this.#wrong('lost', `${where} is not what the program wrote, from byte ${firstDifference(expected, text)} on`)
  }

  conversation(player: Player, facts: readonly Envelope[]): void {
    const said = heard(player.cwd)
    const count = (at: string, text: string): number => said.filter((entry) => entry.at === at && (entry.text ?? entry.title) === text).length
    let run = 0
    let turn: { readonly text: string; readonly messages: string[] } | undefined
    const prompts = new Map<string, string>()
    const asked = new Map<string, string>()
    for (const { event } of facts) {
      const key = `${player.id}/${run}`
      switch (event.type) {
        case 'run-starting':
          run = event.run
          break
        case 'prompt-queued':
          prompts.set(event.promptId, event.text)
          break
        case 'turn-started': {
          const text = prompts.get(event.promptId) ?? ''
          turn = { text, messages: [] }
          this.prompts += 1
          this.#once(count('prompt', text), key, `${player.name}: the prompt ${JSON.stringify(text)}`)
          break
        }
        case 'asked':
          asked.set(event.ask.id, event.ask.title)
          break
        case 'answered':
          this.answered += 1
          this.#once(count('answer', asked.get(event.requestId) ?? ''), key, `${player.name}: the answer to ${asked.get(event.requestId)}`)
          break
        case 'turn-ended':
          if (turn && event.stopReason === 'end_turn') this.#turn(player, turn.text, turn.messages.join(''))
          turn = undefined
          break
        default:
          collect(turn, event)
      }
    }
    const sent = new Set(facts.flatMap(({ event }) => (event.type === 'turn-started' ? [prompts.get(event.promptId)] : [])))
    for (const entry of said) if (entry.at === 'prompt' && !sent.has(entry.text)) this.#wrong('doubled', `${player.name} heard ${JSON.stringify(entry.text)}, which nobody sent`)
  }

  #turn(player: Player, prompt: string, text: string): void {
    const lines = Number(/^chunks (\d+)/.exec(prompt)?.[1] ?? 0)
    const expected = Array.from({ length: lines }, (_, index) => `line ${index + 1}`).join(' ')
    const found = (text.match(/line \d+/g) ?? []).join(' ')
    const ends = [...prompt.matchAll(/^say (.*)$/gm)].map(([, end]) => end ?? '')
    if (found !== expected) this.#wrong(found.length > expected.length ? 'doubled' : 'lost', `${player.name}: of ${expected} there is ${found}`)
    for (const end of ends) if (text.split(`${end}\n`).length !== 2) this.#wrong('lost', `${player.name}: "${end}" is there ${text.split(`${end}\n`).length - 1} times`)
  }
}

function collect(turn: { readonly messages: string[] } | undefined, event: Event): void {
  if (turn && event.type === 'entry-written' && event.entry.kind === 'message') turn.messages.push(event.entry.text)
}

function firstDifference(expected: string, found: string): number {
  let at = 0
  while (at < found.length && expected[at] === found[at]) at += 1
  return at
}
