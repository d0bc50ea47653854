// The long run over trees: sessions write, keep, undo, bring back, land, are removed and restored, their user edits beside them, and at random moments the daemon and its gits are killed.
// What lies on the disk is compared with what a model knows, step by step; at the end every version that was ever kept is looked for in git. Only with SOAK=1: 600 kills; KILLS=n that many. SEED=n takes that seed.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import type { Event, LaunchSpec } from '../../src/core/events.ts'
import type { Command } from '../../src/core/inputs.ts'
import type { Session } from '../../src/core/session.ts'
import { TestHome, newId } from '../home.ts'
import { pause, seeded, soak } from '../machine.ts'
import { talkerSpec } from '../sessions.ts'
import { Players } from './players.ts'

const kills = Number(process.env['KILLS'] ?? 600)
type Random = (below: number) => number
/** By name, a letter for each byte: kind, mode and bytes. */
type Files = Readonly<Record<string, string>>

/** What the agent keeps for itself. */
const ownOfAgent = ['.git', '.talker', 'prompts.log']

function filesOf(top: string): Files {
  const found: Record<string, string> = {}
  const visit = (folder: Buffer, prefix: string): void => {
    for (const entry of readdirSync(folder, { encoding: 'buffer' })) {
      const name = prefix + entry.toString('latin1')
      const path = Buffer.concat([folder, Buffer.from('/'), entry])
      const stat = lstatSync(path)
      if (ownOfAgent.includes(name)) continue
      if (stat.isDirectory()) visit(path, `${name}/`)
      else found[name] = stat.isSymbolicLink() ? `link ${readlinkSync(path, 'latin1')}` : `${(stat.mode & 0o100) === 0 ? 'file' : 'exec'} ${readFileSync(path, 'latin1')}`
    }
  }
  visit(Buffer.from(top), '')
  return found
}

const isIgnored = (name: string): boolean => name.endsWith('.ignored')
const kept = (files: Files): Files => Object.fromEntries(Object.entries(files).filter(([name]) => !isIgnored(name)))
const contentOf = (file: string): Buffer => Buffer.from(file.slice(5), 'latin1')
const blobOf = (bytes: Buffer): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

class Fields {
  readonly problems: string[] = []
  readonly done: Record<string, number> = {}
  readonly home: TestHome
  readonly players: Players
  /** Blobs that have to be found, and where they were. */
  readonly wanted = new Map<string, string>()
  over = false

  constructor(home: TestHome, players: Players) {
    this.home = home
    this.players = players
  }

  wrong(text: string): void {
    console.log(text)
    this.problems.push(text)
  }

  git(cwd: string, ...args: readonly string[]): string {
    return execFileSync('git', args, { cwd, env: { ...this.home.env, GIT_CONFIG_NOSYSTEM: '1' }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** As its user would, at any moment. */
  tidy(top: string): void {
    try {
      this.git(top, 'gc', '-q', '--prune=now')
    } catch {
      // A git that was killed has left its lock; the one that goes on with it takes it away.
    }
  }

  repository(name: string): string {
    const top = join(this.home.project, name)
    mkdirSync(top)
    this.git(top, 'init', '-q', '-b', 'main')
    this.git(top, 'config', 'user.name', 'Test')
    this.git(top, 'config', 'user.email', 'test@localhost')
    writeFileSync(join(top, '.gitignore'), '.talker\nprompts.log\n*.ignored\n')
    writeFileSync(join(top, '.gitattributes'), '*.crlf text eol=crlf\n')
    for (const file of ['a', 'b', 'folder/c', 'user', 'staged']) {
      mkdirSync(dirname(join(top, file)), { recursive: true })
      writeFileSync(join(top, file), `${file}\n`)
    }
    this.git(top, 'add', '-A')
    this.git(top, 'commit', '-q', '-m', 'first')
    // The user's own, not committed.
    writeFileSync(join(top, 'user'), 'changed by the user\n')
    writeFileSync(join(top, 'new of the user'), 'new\n')
    writeFileSync(join(top, 'staged'), 'staged by the user\n')
    this.git(top, 'add', 'staged')
    writeFileSync(join(top, 'staged'), 'and changed once more\n')
    return top
  }
}

const isAtRest = ({ spec, removed, tree, turn, queue, requests, stopping }: Session): boolean =>
  (spec.worktree ? tree.state === 'ready' || (removed && tree.state === 'removed') : spec.workspace !== 'worktree') &&
  tree.undoing === null &&
  tree.landing === null &&
  turn.kind === 'idle' &&
  queue.length === 0 &&
  stopping === null &&
  requests.every(({ lost }) => lost)

class Field {
  readonly id = newId()
  readonly #all: Fields
  readonly #random: Random
  readonly name: string
  readonly tree: string
  readonly #worktree: boolean
  readonly #spec: LaunchSpec
  /** As the tree was at each snapshot that was asked for. */
  readonly #at = new Map<number, Files>()
  #count = 0

  constructor(all: Fields, random: Random, name: string, repository: string, worktree: boolean) {
    this.#all = all
    this.#random = random
    this.name = name
    this.#worktree = worktree
    this.#spec = { ...talkerSpec(repository), ...(worktree ? { workspace: 'worktree' as const } : {}) }
    this.tree = worktree ? join(all.home.env['OFFSTAGE_HOME'] ?? '', 'worktrees', this.id, 'shop') : repository
  }

  async play(): Promise<void> {
    const made = await this.#submit({ type: 'create', spec: this.#spec, title: this.name, prompt: `write ${this.name}.0 begins` })
    if (isRefusal(made)) throw new Error(made.message)
    await this.#all.players.record.until(this.id, () => true)
    const steps = this.#worktree ? ['write', 'edit', 'undo', 'back', 'land', 'remove'] : ['write', 'edit', 'undo', 'back']
    while (!this.#all.over && (await this.#rest())) {
      const step = steps[this.#random(steps.length)] ?? ''
      if (step === 'write') await this.#write()
      else if (step === 'edit') for (let times = this.#random(6); times >= 0; times -= 1) this.#edit()
      else if (step === 'undo') await this.#undo()
      else if (step === 'back') await this.#back()
      else if (step === 'land') await this.#land()
      else await this.#remove()
      this.#all.done[step] = (this.#all.done[step] ?? 0) + 1
    }
    await this.#rest()
    await this.#keep()
  }

  #submit(command: Command, commandId = newId()) {
    return this.#all.players.submit(this.id, command, commandId)
  }

  /** What was recorded of it last. */
  get last(): string {
    const facts = this.#all.players.record.facts.get(this.id) ?? []
    return facts
      .slice(-25)
      .map(({ seq, command, event }) => `  ${seq} ${command ?? ''} ${JSON.stringify(event).slice(0, 300)}`)
      .join('\n')
  }

  #wrong(text: string): void {
    this.#all.wrong(`${this.name}: ${text}\n${this.last}`)
  }

  get #session(): Session {
    const session = this.#all.players.record.session(this.id)
    if (!session) throw new Error('it was never made')
    return session
  }

  /** Helps it over what the kills have done, as its user would. False: it does not come to rest. */
  async #rest(): Promise<boolean> {
    const { record } = this.#all.players
    for (let helped = 0; helped < 200; helped += 1) {
      const session = await record.until(this.id, (one) => isAtRest(one) || this.#isStuck(one) || one.requests.some(({ lost }) => !lost))
      if (!session) return false
      const request = session.requests.find(({ lost }) => !lost)
      if (request) await this.#submit({ type: 'answer', requestId: request.id, answer: { kind: 'option', optionId: 'retry' } })
      else if (this.#isStuck(session)) await this.#submit({ type: 'resume' })
      else if (isAtRest(session)) return true
      await pause(20)
    }
    this.#wrong(`never comes to rest: ${JSON.stringify(this.#session.tree)}`)
    return false
  }

  /** Its tree could not be made, or its environment was gone with a daemon. */
  #isStuck({ tree }: Session): boolean {
    return tree.state === 'failed' || this.#all.players.record.facts.get(this.id)?.at(-1)?.event.type === 'environment-missing'
  }

  /** Asks, and resolves to the first fact of these that follows what the command itself has recorded. Undefined: it was refused. */
  async #ask(command: Command, ...ends: readonly Event['type'][]): Promise<Event | undefined> {
    const { record } = this.#all.players
    const commandId = newId()
    const end = (): Event | undefined => {
      const facts = record.facts.get(this.id) ?? []
      const asked = facts.findIndex(({ command: by }) => by === commandId)
      return asked < 0 ? undefined : facts.slice(asked).map(({ event }) => event).find(({ type }) => ends.includes(type)) // prettier-ignore
    }
    const reply = await this.#submit(command, commandId)
    if (isRefusal(reply)) {
      if (!['at-work', 'stopping'].includes(reply.refused)) this.#wrong(`${command.type} was refused: ${reply.message}`)
      return undefined
    }
    await record.until(this.id, () => end() !== undefined)
    return end()
  }

  #same(found: Files, wanted: Files, after: string): void {
    const differing = [...new Set([...Object.keys(found), ...Object.keys(wanted)])].filter((name) => found[name] !== wanted[name])
    for (const name of differing)
      this.#wrong(`${after}: ${JSON.stringify(name)} is ${JSON.stringify(found[name]?.slice(0, 60))} and not ${JSON.stringify(wanted[name]?.slice(0, 60))}`)
  }

  #want(files: Files, when: string): void {
    for (const [name, file] of Object.entries(files)) this.#all.wanted.set(blobOf(contentOf(file)), `${this.name}: ${JSON.stringify(name)} ${when}`)
  }

  /** A snapshot of all that is there now. Undefined: none could be taken. */
  async #keep(): Promise<number | undefined> {
    for (let attempt = 1; attempt <= 50; attempt += 1) {
      const files = kept(filesOf(this.tree))
      const taken = await this.#ask({ type: 'snapshot' }, 'snapshot-taken', 'snapshot-failed')
      await this.#rest()
      if (taken?.type !== 'snapshot-taken' || taken.snapshot.why !== 'asked') continue
      this.#same(kept(filesOf(this.tree)), files, `after snapshot ${taken.snapshot.n}`)
      this.#at.set(taken.snapshot.n, files)
      this.#want(files, `in snapshot ${taken.snapshot.n}`)
      return taken.snapshot.n
    }
    this.#wrong(`no snapshot can be taken: ${this.#session.tree.unkept}`)
    return undefined
  }

  async #write(): Promise<void> {
    const text = `${this.name} ${++this.#count}`
    const path = `${this.name}.${this.#random(3)}`
    const { turns } = this.#session
    await this.#submit({ type: 'prompt', text: `write ${path} ${text}` })
    await this.#all.players.record.until(this.id, (one) => one.turns > turns || one.process.kind !== 'live')
    await this.#rest()
    // Its agent ends with a removal, and begins again with a prompt.
    if (this.#session.turns > turns) this.#same({ [path]: filesOf(this.tree)[path] ?? 'gone' }, { [path]: `file ${text}` }, 'after a turn')
  }

  /** As its user would, by hand. */
  #edit(): void {
    const text = `${this.name} by hand ${++this.#count}\n`
    const own = (name: string): Buffer => Buffer.concat([Buffer.from(`${this.tree}/${this.name} `), Buffer.from(name, 'latin1')])
    const names = ['x', 'new\nline', 'b\xff\xfe', '"quoted"', 'x.crlf', 'x.ignored', '-f']
    const path = own(names[this.#random(names.length)] ?? '')
    rmSync(path, { force: true, recursive: true })
    const kind = this.#random(6)
    if (kind === 0) symlinkSync(text, path)
    else if (kind === 1) writeFileSync(path, `${text.repeat(3).replaceAll('\n', '\r\n')}and\n`)
    else if (kind === 2) writeFileSync(path, Buffer.from(Array.from({ length: 300 }, () => this.#random(256))))
    else if (kind !== 3) writeFileSync(path, text)
    if (kind === 4) chmodSync(path, 0o755)
  }

  async #undo(): Promise<void> {
    const n = await this.#keep()
    const before = n === undefined ? undefined : this.#at.get(n)
    if (before === undefined || n === undefined) return
    const end = await this.#ask({ type: 'undo', what: { kind: 'turns', turn: 0 } }, 'undone', 'undo-failed')
    await this.#rest()
    if (end?.type === 'undo-failed' && !end.reason.includes('some files are written')) this.#same(kept(filesOf(this.tree)), before, `after an undo that failed: ${end.reason}`)
    if (end) await this.#backTo(n)
  }

  async #back(): Promise<void> {
    if ((await this.#keep()) === undefined) return
    const all = [...this.#at.keys()]
    await this.#backTo(all[this.#random(all.length)] ?? 0)
  }

  async #backTo(n: number): Promise<void> {
    const wanted = this.#at.get(n)
    for (let attempt = 1; wanted && attempt <= 50; attempt += 1) {
      await this.#rest()
      const end = await this.#ask({ type: 'undo', what: { kind: 'snapshot', n } }, 'undone', 'undo-failed')
      if (end?.type !== 'undone') continue
      this.#same(kept(filesOf(this.tree)), wanted, `back to snapshot ${n}`)
      return
    }
    this.#wrong(`snapshot ${n} cannot be brought back`)
  }

  async #land(): Promise<void> {
    const files = filesOf(this.tree)
    const end = await this.#ask({ type: 'land', land: { into: 'main', how: 'squash', checks: false } }, 'landed', 'land-failed')
    await this.#rest()
    this.#same(filesOf(this.tree), files, `after ${end?.type}`)
    if (end?.type === 'land-failed') this.#all.done[`not landed: ${end.reason.replaceAll(this.#all.home.folder, '')}`] = 1
    if (end?.type === 'landed') this.#want(Object.fromEntries(Object.entries(kept(files)).filter(([name]) => !name.endsWith('.crlf'))), 'landed')
  }

  async #remove(): Promise<void> {
    const files = filesOf(this.tree)
    const end = await this.#ask({ type: 'remove' }, 'workspace-removed', 'workspace-kept')
    await this.#rest()
    if (end?.type === 'workspace-removed') {
      if (existsSync(this.tree)) this.#wrong(`its tree was said to be gone`)
      this.#want(files, 'removed')
    } else {
      this.#same(filesOf(this.tree), files, `kept: ${end?.type === 'workspace-kept' ? end.reason : ''}`)
      if (end?.type === 'workspace-kept') this.#all.done[`kept: ${end.reason.replaceAll(this.#all.home.folder, '')}`] = 1
    }
    await this.#submit({ type: 'restore' })
    await this.#all.players.record.until(this.id, (one) => !one.removed)
    await this.#rest()
    this.#same(filesOf(this.tree), files, 'restored')
    await this.#submit({ type: 'resume' })
  }
}

/** The daemon, its gits, or both at once: mostly in the middle of what a git does. */
async function kill(home: TestHome, random: Random): Promise<void> {
  const dice = random(10)
  const isGit = ({ command }: { readonly command: string }): boolean => command.startsWith('git ')
  let running = home.processes()
  for (const deadline = Date.now() + random(400); dice > 1 && !running.some(isGit) && Date.now() < deadline; running = home.processes()) await pause(3)
  for (const one of running)
    if ((one.command.includes('daemon/main') && dice < 8) || (isGit(one) && dice > 3))
      try {
        process.kill(one.pid, 'SIGKILL')
      } catch {
        // Gone by itself.
      }
}

test.runIf(soak)(`${kills} kills of daemons and gits over trees: no byte is lost, and the user's own stay as they are`, { timeout: 120_000 + kills * 5000 }, async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  console.log(`seed ${seed}`)
  await using home = new TestHome()
  const random = seeded(seed)
  const players = new Players(home, seeded(seed + 1))
  const { record } = players
  const recording = record.keep(home)
  const all = new Fields(home, players)
  const [shop, desk] = [all.repository('shop'), all.repository('desk')]
  const index = (top: string): string => all.git(top, 'ls-files', '-s', 'staged', 'user')
  const indexes = [index(shop), index(desk)]
  const fields = [new Field(all, seeded(seed + 2), 'one', shop, true), new Field(all, seeded(seed + 3), 'two', shop, true), new Field(all, seeded(seed + 4), 'desk', desk, false)]
  const playing = fields.map((field) =>
    field.play().catch((cause: unknown) => all.wrong(`${field.name} broke off: ${cause instanceof Error ? cause.stack : String(cause)}\n${field.last}`)),
  )
  for (let n = 1; n <= kills; n += 1) {
    await pause(random(4) === 0 ? random(150) : 200 + random(700))
    await kill(home, random)
    // The user works on, where the branch is checked out that others land into.
    writeFileSync(join(shop, 'user'), `${n}\n`)
    if (n % 7 === 0) all.tidy(random(2) === 0 ? shop : desk)
    if (n % 50 === 0) console.log(`${n} kills, ${JSON.stringify(all.done)}, ${all.problems.length} problems`)
  }
  all.over = true
  await Promise.all(playing)
  record.close()
  await recording

  for (const [at, top] of [shop, desk].entries()) {
    const files = filesOf(top)
    const user = { user: top === shop ? `file ${kills}\n` : 'file changed by the user\n', 'new of the user': 'file new\n', staged: 'file and changed once more\n' }
    for (const [name, wanted] of Object.entries(user)) if (files[name] !== wanted) all.wrong(`${top}: ${name} is ${JSON.stringify(files[name])}`)
    if (index(top) !== indexes[at]) all.wrong(`${top}: what the user staged is ${index(top)}`)
    if (all.git(top, 'stash', 'list') !== '' || all.git(top, 'symbolic-ref', 'HEAD') !== 'refs/heads/main\n') all.wrong(`${top}: HEAD or stash are not as they were`)
    for (const left of ['index.lock', 'offstage-landing']) if (existsSync(join(top, '.git', left))) all.wrong(`${top}: .git/${left} was left`)
    try {
      all.git(top, 'fsck', '--no-dangling', '--no-progress')
    } catch (cause) {
      all.wrong(`${top}: fsck: ${String(cause)}`)
    }
    all.git(top, 'gc', '-q', '--prune=now')
  }
  for (const { tree } of fields) for (const name of Object.keys(filesOf(tree))) if (name.includes('.offstage-')) all.wrong(`${tree}: ${name} was left`)
  const found = new Set([shop, desk].flatMap((top) => all.git(top, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)').split('\n')))
  for (const [blob, what] of all.wanted) if (!found.has(blob)) all.wrong(`lost: ${what}`)
  console.log(`kills ${kills} | ${JSON.stringify(all.done)} | versions looked for ${all.wanted.size} | seed ${seed}`)
  expect([...record.problems, ...all.problems]).toEqual([])
})
