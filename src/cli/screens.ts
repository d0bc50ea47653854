// The full-screen views from the command line: what they need of this process, and what is said when they are left.

import { join } from 'node:path'
import { usageError } from '../client/failures.ts'
import { environmentFor } from '../client/launch.ts'
import { ownConfig } from '../client/own-config.ts'
import type { Config } from '../config/config.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { nearest } from '../text/nearest.ts'
import type { AppParts, Left } from '../tui/app.ts'
import { labelSurely } from './label-surely.ts'
import type { Context } from './verb.ts'

/** How sessions are shown here. */
export type Way =
  /** On the whole screen, by these settings. */
  | { readonly kind: 'screens'; readonly config: Config }
  /** To a screen reader, which is told what changes, line by line. */
  | { readonly kind: 'aloud' }
  /** There is no terminal to draw on. */
  | { readonly kind: 'plain' }

/** Throws ConfigInvalid. */
export async function wayToShow(context: Context): Promise<Way> {
  if (!context.stdin.isTTY || !context.stdout.isTTY || context.json) return { kind: 'plain' }
  if (context.env['OFFSTAGE_SCREEN_READER'] === '1') return { kind: 'aloud' }
  const { config } = await ownConfig(context.env)
  if (config.view.screenReader) return { kind: 'aloud' }
  return context.env['TERM'] === 'dumb' ? { kind: 'plain' } : { kind: 'screens', config }
}

export async function openAgentView(context: Context, config: Config): Promise<number> {
  const [client, { showSessions }] = await Promise.all([context.client(), import('../tui/app.ts')])
  return await shown(context, client, config, (parts) => showSessions(parts))
}

export async function openOnScreen(
  context: Context,
  client: Client,
  config: Config,
  opening: { readonly session: SessionView; readonly from: 'start' | 'unseen' },
): Promise<number> {
  const { showConversation } = await import('../tui/app.ts')
  return await shown(context, client, config, (parts) => showConversation(parts, opening.session, opening.from))
}

async function shown(context: Context, client: Client, config: Config, show: (parts: AppParts) => Promise<Left>): Promise<number> {
  const [{ KeptState }, { guardTerminal }, { pathsFrom }, { backgroundedText }, { columnsOf, nameOf, painter, shortId }] = await Promise.all([
    import('../tui/kept-state.ts'),
    import('./guard.ts'),
    import('../config/paths.ts'),
    import('../text/backgrounded.ts'),
    import('../text/format.ts'),
  ])
  await checkKeys(config)
  const labelled: Promise<void>[] = []
  const { text, exitCode } = await show({
    client,
    input: process.stdin,
    output: process.stdout,
    env: context.env,
    cwd: context.cwd,
    color: context.color,
    now: context.now,
    signal: context.signal,
    keys: config.keys,
    mouse: config.view.mouse,
    driftAfterMs: config.view.driftAfterMs,
    notify: config.notify,
    kept: new KeptState(join(pathsFrom(context.env, process.getuid?.() ?? 0).home, 'screens.json')),
    environment: (session) => environmentFor(context.env, session.agent, session.cwd),
    attach: async (session) => {
      const { attachExitText, showTerminal } = await import('./terminal-session.ts')
      const left = await showTerminal(context, client, session, { fresh: false, ids: () => [], readOnly: false, quiet: true })
      switch (left.kind) {
        case 'detached':
          return undefined
        case 'exited':
          return `${nameOf(session)}: ${attachExitText(left.exit)}`
        case 'lost':
          return `${nameOf(session)}: its keeper is gone; offstage why ${session.id} says more`
        case 'over':
          return [`${nameOf(session)} is over`, ...left.lastLines.slice(-1)].filter((part) => part !== '').join(': ')
      }
    },
    edit: async (given, suffix) => (await import('./user-program.ts')).editText(context.env, given, suffix),
    page: async (given) => (await import('./user-program.ts')).pageText(context.env, given),
    guard: () => guardTerminal(1),
    label: (session, label) => void labelled.push(labelSurely(context, client, session, label)),
    backgrounded: ({ session, known, label }, ids) => {
      const told = { id: session.id, shortId: shortId(session.id, ids), ...known, label: label ?? known.label, kind: 'agent' as const }
      return backgroundedText(told, painter(context.color), columnsOf(context.stdout))
    },
  })
  if (text !== '' && exitCode === 0) context.out(text)
  else context.err(text)
  await Promise.all(labelled)
  return exitCode
}

/** Throws a usage failure for a name that no action has, and for a key that would do two things. */
async function checkKeys(config: Config): Promise<void> {
  if (Object.keys(config.keys).length === 0) return
  const [{ actions }, { givenTwice }] = await Promise.all([import('../tui/actions.ts'), import('../tui/keymap.ts')])
  const unknown = Object.keys(config.keys).find((name) => !Object.hasOwn(actions, name))
  if (unknown !== undefined) {
    const near = nearest(unknown, Object.keys(actions))
    throw usageError(`[keys]: there is nothing called "${unknown}"`, near === undefined ? 'F1 in the screens shows all names' : `did you mean "${near}"?`)
  }
  const twice = givenTwice(config.keys)
  if (twice) throw usageError(`[keys]: "${twice.key}" cannot be both ${twice.names.join(' and ')}`, 'give one of them another key')
}
