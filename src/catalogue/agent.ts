// What an entry of the catalogue can say of an agent. All of it is data: who starts, asks and tells acts by it, and no agent's name stands in the code beside its entry.

import type { Dialog, StateFiles } from './dialog.ts'
import type { AgentHooks } from './hooks.ts'

/** A program as people type it, and its first arguments. */
export type Command = readonly [string, ...string[]]

export interface CatalogueAgent {
  /** What `--agent` takes. */
  readonly name: string
  readonly title: string
  /** As an agent of the Agent Client Protocol: the way that is taken wherever its program is installed. */
  readonly acp?: AcpWay
  /** As a program in a terminal: taken by `--terminal`, and where there is no other way. */
  readonly terminal?: TerminalWay
  readonly login: Login
  /** Variables that it needs, or that make it ask before it acts. What the user has set stays. */
  readonly environment?: Readonly<Record<string, string>>
  /** It has no permissions: whatever it is told, it does. */
  readonly asksNothing?: true
  /** It is part of this package. */
  readonly own?: true
}

/** How the program of one way is started, got, and told apart by its age. */
interface Way {
  readonly command: Command
  /** What to run to install it. */
  readonly install: string
  /** The first number with dots in what `PROGRAM --version` prints must not be below this. */
  readonly leastVersion?: string
  /** The mode for whoever names none: the one in which it asks the user. */
  readonly mode?: string
}

export interface AcpWay extends Way {
  readonly quirks?: Quirks
}

/** Where it does not do what the protocol says, so that its driver must. */
export interface Quirks {
  /** `session/load` wipes a session that was written in the same minute of the clock: to be asked for in the next one. */
  readonly loadAfterMinute?: true
}

export interface TerminalWay extends Way {
  /** Arguments for what is wanted of it, in this order. What has none here, its command line cannot take. */
  readonly arguments: {
    /** With `{model}`. */
    readonly model?: readonly string[]
    /** With `{mode}`. */
    readonly mode?: readonly string[]
    /** Gives its conversation an id of ours, a UUID at `{session}`, so that `resume` finds it. */
    readonly session?: readonly string[]
    /** With the first prompt at `{prompt}`. */
    readonly prompt?: readonly string[]
    readonly noPrompt?: readonly string[]
  }
  /** In the place of session and prompt: goes on with the conversation of `{session}` after its program has ended. Without it the program begins anew. */
  readonly resume?: readonly string[]
  /** Screens on which it waits for somebody. The first that is recognised counts. */
  readonly dialogs?: readonly Dialog[]
  readonly stateFiles?: StateFiles
  /** Only where its user turns them on. */
  readonly hooks?: AgentHooks
}

/** How one can tell, without asking a model, whether it can be used. */
export interface Login {
  /** What the user does to log in, after "run" or "set". */
  readonly how: string
  /** One of these variables is enough. */
  readonly variables?: readonly string[]
  /** One of these files is enough. */
  readonly files?: readonly LoginFile[]
  /** Without any of these it is certainly not logged in. */
  readonly complete?: true
}

export interface LoginFile {
  /** Below the home; or, with `$NAME|`, below the directory that this variable names, if it is set. */
  readonly path: string
  /** What it must hold, one of these, to count. */
  readonly holds?: readonly string[]
}
