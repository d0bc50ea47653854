// The line at the bottom where a new task is written, and what it will become: which agent, where, and how that directory stands. Starts it; the text is gone only when the daemon has it.

import { basename, resolve } from 'node:path'
import { directoryAt, launchAgent, launchProgram } from '../../client/launch.ts'
import { programSize } from '../../client/program-size.ts'
import { type CommandFailed, failureOf, usageError } from '../../client/failures.ts'
import { notStarted, whyNotStarted } from '../../client/started.ts'
import type { AgentListing } from '../../config/agents.ts'
import type { Submission } from '../../core/api.ts'
import { isRefusal } from '../../core/errors.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import { agentLabel, nameOf } from '../../text/format.ts'
import { type AgentChoice, agentCompletions, combined, fileCompletions, projectCompletions } from '../completions.ts'
import { Composer, type CompletionSource } from '../composer.ts'
import type { Size, Stage } from '../view.ts'
import { type TaskFacts, advise } from './advisor.ts'
import { fit } from '../cells.ts'
import { standing } from './groups.ts'
import { agentChoice, agentText, agentTrouble } from './agent-words.ts'
import { type DirectoryState, LastKnown, agentsFor, directoryState } from './launching.ts'
import type { Sessions } from './listing.ts'
import { type TreeChoice, chosenAmong, isSameChoice, treeChoices } from './tree-choices.ts'
import { type Task, argvOf, directoryNamed, needsShell, taskFrom } from './task.ts'

export interface DispatchParts {
  readonly sessions: Sessions
  readonly kept: { draft: string }
  readonly started: (session: SessionView, open: boolean) => void
  readonly agents?: (cwd: string) => Promise<readonly AgentListing[]>
  readonly directory?: (cwd: string) => Promise<DirectoryState>
}

export interface Advice {
  readonly kind: 'trouble' | 'tip'
  readonly text: string
}

export class DispatchLine {
  readonly #stage: Stage
  readonly #parts: DispatchParts
  readonly #composer: Composer
  readonly #agents: LastKnown<readonly AgentListing[]>
  readonly #directories: LastKnown<DirectoryState>
  #isStarting = false
  /** What was chosen, in this directory; else it is as the configuration says. */
  #chosen: { readonly directory: string; readonly choice: TreeChoice } | undefined

  constructor(stage: Stage, parts: DispatchParts) {
    this.#stage = stage
    this.#parts = parts
    const { env, signal, now } = stage
    const changed = (): void => stage.repaint()
    this.#agents = new LastKnown({ ask: parts.agents ?? ((cwd) => agentsFor(env, cwd)), now, changed })
    this.#directories = new LastKnown({ ask: parts.directory ?? ((cwd) => directoryState(stage.client, env, cwd, signal)), now, changed })
    this.#composer = new Composer(stage, { placeholder: 'what is to be done?  @agent  #project  !program', completions: this.#completions() })
    this.#composer.text = parts.kept.draft
    // After the first frame: a program is started for it.
    setImmediate(() => {
      if (signal.aborted) return
      this.#agents.get(stage.cwd)
      this.#directories.get(stage.cwd)
    })
  }

  get focused(): boolean {
    return this.#composer.focused
  }

  set focused(focused: boolean) {
    this.#composer.focused = focused
  }

  /** `back`: the list is to have the keys again. */
  input(data: string): 'back' | undefined {
    const composer = this.#composer
    const asked = this.#stage.keymap.action('dispatch', data)
    // While a list of completions is open these keys are for it.
    const isOfList = composer.completing && (asked === 'dispatch.start' || asked === 'dispatch.back' || asked === 'dispatch.complete')
    switch (isOfList ? undefined : asked) {
      case 'dispatch.start':
        void this.#start(false)
        return undefined
      case 'dispatch.start-and-open':
        void this.#start(true)
        return undefined
      case 'dispatch.new-line':
        composer.newLine()
        break
      case 'dispatch.workspace':
        this.#chooseTree()
        return undefined
      case 'dispatch.editor':
        void this.#edit()
        return undefined
      case 'dispatch.back':
        return 'back'
      default:
        composer.input(data)
    }
    this.#parts.kept.draft = composer.text
    return undefined
  }

  /** What is written, and under it what it will become. */
  render({ columns, rows }: Size): readonly string[] {
    const written = this.#composer.render({ columns, rows: Math.max(1, rows - 1) })
    return rows < 2 ? written.slice(0, rows) : [...written, this.#standingLine(columns)]
  }

  /** What is in the way of starting it, else what the task leaves out. */
  get advice(): Advice | undefined {
    const task = this.#task()
    const trouble = this.#trouble(task)
    if (trouble !== undefined) return { kind: 'trouble', text: trouble }
    if (this.#composer.text.trim() === '') return undefined
    const directory = this.#directoryOf(task)
    const tip = advise(task.command ?? task.prompt, this.#factsAbout(task, typeof directory === 'string' ? directory : undefined))
    return tip === undefined ? undefined : { kind: 'tip', text: tip }
  }

  /** Why the agent that is meant will not work, and what to do about it, as far as that is known without starting it. */
  #trouble({ agent, command }: Task): string | undefined {
    const listed = this.#agents.peek(this.#stage.cwd)
    // A name that is being completed is none yet.
    if (!listed || command !== undefined || agent?.includes(':') || this.#composer.completing) return undefined
    return agentTrouble(listed, agent)
  }

  #factsAbout(task: Task, directory: string | undefined): TaskFacts {
    const state = directory === undefined ? undefined : this.#directories.peek(directory)
    const own = directory !== undefined && this.#tree(task, directory)?.kind === 'worktree'
    const others =
      directory === undefined || own
        ? []
        : this.#parts.sessions.all().filter((one) => one.cwd === directory && standing(one) === 'working' && one.kind === 'agent' && !one.archived && !one.removed)
    return {
      changedFiles: own || !state?.place?.repository ? undefined : state.place.repository.changed.length + state.place.repository.untracked.length,
      others: others.map(nameOf),
      isCommand: task.command !== undefined,
      wantsShell: task.command !== undefined && needsShell(task.command),
    }
  }

  #task(): Task {
    const names = this.#agentChoices().map(({ name }) => name)
    return taskFrom(this.#composer.text, names)
  }

  /** Before they were looked up, those of the sessions. */
  #agentChoices(): readonly AgentChoice[] {
    const listed = this.#agents.peek(this.#stage.cwd)
    if (listed) return listed.map(agentChoice)
    const used = new Set(this.#parts.sessions.all().flatMap((one) => (one.kind === 'agent' && !one.agent.includes(':') ? [one.agent] : [])))
    return [...used].map((name) => ({ name, about: 'agent', installed: true }))
  }

  /** Where sessions work, those of the newest first; the user's own directory is one of them. */
  #knownDirectories(): readonly string[] {
    const sessions = this.#parts.sessions.all().filter((one) => !one.removed)
    const recent = sessions.toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0))
    return [...new Set([...recent.map((one) => one.cwd), this.#stage.cwd])]
  }

  /** Whether it is there is looked up only when the task is started: the screen waits for no disk. */
  #directoryOf({ project }: Task): string | CommandFailed {
    const { cwd, env } = this.#stage
    if (project === undefined) return cwd
    const named = directoryNamed(project, this.#knownDirectories(), env['HOME'])
    return isRefusal(named) ? failureOf(named) : resolve(cwd, named)
  }

  #standingLine(columns: number): string {
    const { theme } = this.#stage
    if (this.#isStarting) return theme.dim('   starting …')
    const task = this.#task()
    const directory = this.#directoryOf(task)
    if (typeof directory !== 'string') return theme.warning(fit(`   ${printableLine(directory.message)}`, columns))
    // Only who writes wants to know it anew.
    const state = this.focused ? this.#directories.get(directory) : this.#directories.peek(directory)
    const tree = this.#tree(task, directory)
    const place = `${printableLine(state?.project ?? basename(directory))} · ${tree?.text ?? 'in place'}`
    return theme.dim(fit(`   ${this.#agentText(task)} · ${place}`, columns))
  }

  /** Undefined: nothing is known of the directory. */
  #tree({ command }: Task, directory: string): TreeChoice | undefined {
    const state = this.#directories.peek(directory)
    if (!state) return undefined
    const choices = treeChoices(state, command === undefined ? 'agent' : 'program', this.#stage.keymap.hint('dispatch.workspace'))
    return this.#chosen?.directory === directory ? chosenAmong(choices, this.#chosen.choice) : choices[0]
  }

  #chooseTree(): void {
    const task = this.#task()
    const directory = this.#directoryOf(task)
    const state = typeof directory === 'string' ? this.#directories.peek(directory) : undefined
    if (typeof directory !== 'string' || !state) return
    const choices = treeChoices(state, task.command === undefined ? 'agent' : 'program', this.#stage.keymap.hint('dispatch.workspace'))
    if (choices.length === 1) return this.#stage.say('there is nothing to choose: no worktree can be made here')
    const tree = this.#tree(task, directory)
    const at = choices.findIndex((one) => tree !== undefined && isSameChoice(one, tree))
    const choice = choices[(at + 1) % choices.length]
    this.#chosen = choice === undefined || choice === choices[0] ? undefined : { directory, choice }
  }

  #agentText({ agent, command }: Task): string {
    if (command !== undefined) return 'program'
    const listed = this.focused ? this.#agents.get(this.#stage.cwd) : this.#agents.peek(this.#stage.cwd)
    if (agent !== undefined) {
      const known = listed?.find((one) => one.name === agent)
      if (listed && !known && !agent.includes(':')) return `no agent is called ${printableLine(agent)}`
      return known ? agentText(known) : agentLabel(agent)
    }
    const standard = listed?.find((one) => one.default)
    return standard ? agentText(standard) : listed ? 'no agent to start' : '…'
  }

  #completions(): CompletionSource {
    const agents = agentCompletions(() => this.#agentChoices())
    const projects = projectCompletions(() => this.#knownDirectories())
    let files: { readonly directory: string; readonly source: CompletionSource } | undefined
    return {
      suggestions: (text, cursor, signal) => {
        const directory = this.#directoryOf(this.#task())
        const from = typeof directory === 'string' ? directory : this.#stage.cwd
        if (files?.directory !== from) files = { directory: from, source: fileCompletions(from, this.#stage.env) }
        return combined(agents, projects, files.source).suggestions(text, cursor, signal)
      },
    }
  }

  async #edit(): Promise<void> {
    try {
      const text = await this.#stage.edit(this.#composer.text, '.md')
      if (text === undefined) return
      this.#composer.text = text.trimEnd()
      this.#parts.kept.draft = this.#composer.text
      this.#stage.repaint()
    } catch (thrown) {
      this.#stage.complain(thrown)
    }
  }

  async #start(open: boolean): Promise<void> {
    if (this.#isStarting || this.#composer.text.trim() === '') return
    const { client, signal } = this.#stage
    this.#isStarting = true
    const task = this.#task()
    const text = this.#composer.take()
    let isTaken = false
    try {
      const submission = await this.#submission(task)
      const reply = await client.submit(submission, signal)
      if (isRefusal(reply)) throw failureOf(reply)
      isTaken = true
      this.#parts.kept.draft = this.#composer.text
      this.#chosen = undefined
      this.#isStarting = false
      this.#parts.started(reply.session, open)
      const why = await whyNotStarted(client, submission.session, 0, signal)
      if (why !== undefined) throw notStarted(submission.session, why)
    } catch (thrown) {
      if (!isTaken) this.#composer.text = this.#composer.text === '' ? text : `${text}\n${this.#composer.text}`
      this.#stage.complain(thrown)
    } finally {
      this.#isStarting = false
      this.#stage.repaint()
    }
  }

  async #submission(task: Task): Promise<Submission> {
    const { env } = this.#stage
    const directory = this.#directoryOf(task)
    if (typeof directory !== 'string') throw directory
    const cwd = directoryAt(directory, undefined)
    const size = await programSize(env, this.#stage.size())
    const tree = this.#tree(task, directory)?.wishes ?? {}
    if (task.command === undefined) {
      // An agent that is named without a task waits for its first prompt.
      if (task.prompt === '' && task.agent === undefined) throw usageError('what is to be done?', 'write the task behind the #project')
      return await launchAgent(env, { cwd, agent: task.agent, prompt: task.prompt, size, tree, warn: (line) => this.#stage.say(line, 'error') })
    }
    const argv = argvOf(task.command)
    if (isRefusal(argv)) throw failureOf(argv)
    return await launchProgram(env, { cwd, argv, size, tree })
  }
}
