// `offstage agents hooks NAME`: shows the change of an agent's own settings by which it reports its state, and makes it, or takes it back, only when its user says so.

import { createInterface } from 'node:readline/promises'
import { type HookChange, applyChange, hookChange } from '../config/agent-hooks.ts'
import { isRefusal } from '../core/errors.ts'
import { printable, printableLine } from '../core/terminal-text.ts'
import { exitCodes, failureOf, refusedError, usageError } from '../client/failures.ts'
import { jsonText, painter } from '../text/format.ts'
import { type Args, type Context, flag, word } from './verb.ts'

export async function agentHooks(context: Context, args: Args): Promise<number> {
  const [what, name] = [word(args), word(args, 1)]
  if (what !== 'hooks' || name === '') throw usageError(`agents does not take "${printableLine([what, name].join(' ').trim())}"`, 'usage: offstage agents hooks NAME')
  const undo = flag(args, 'undo')
  const change = hookChange(name, undo, context.env)
  if (isRefusal(change)) throw failureOf(change)
  const isNeeded = change.before !== change.after
  const isWanted = isNeeded && (flag(args, 'yes') || (!context.json && (await isAgreed(context, change, undo))))
  if (isWanted) {
    const refused = applyChange(change, undo)
    if (refused) throw failureOf(refused)
  }
  if (context.json) context.out(`${jsonText({ agent: name, file: change.file, needed: isNeeded, changed: isWanted, after: change.after })}\n`)
  else if (!isNeeded) context.out(`${printableLine(change.file)} ${undo ? 'has no hooks of Offstage' : 'has them already'}\n`)
  else if (isWanted)
    context.out(`${undo ? 'taken out of' : 'written to'} ${printableLine(change.file)}${undo ? '' : `\n   offstage agents hooks ${name} --undo   takes them out again`}\n`)
  return exitCodes.done
}

/** Shows it, and asks where somebody can answer. */
async function isAgreed(context: Context, change: HookChange, undo: boolean): Promise<boolean> {
  context.out(`${changeText(context, change)}\n`)
  if (!context.stdin.isTTY || !context.stdout.isTTY) {
    context.err(`nothing was changed: offstage agents hooks ${change.agent}${undo ? ' --undo' : ''} --yes does it\n`)
    return false
  }
  const question = createInterface({ input: context.stdin, output: context.stdout })
  try {
    const said = await question.question(undo ? 'Take them out? [y/N] ' : 'Write this? [y/N] ', { signal: context.signal })
    if (/^y(?:es)?$/i.test(said.trim())) return true
    throw refusedError('not-asked', 'nothing was changed')
  } finally {
    question.close()
  }
}

const shownAround = 2

/** The lines between what is the same at both ends. */
function changeText(context: Context, { file, before, after, agent, needlessSince }: HookChange): string {
  const { dim } = painter(context.color)
  const [old, made] = [linesOf(before), linesOf(after)]
  const most = Math.min(old.length, made.length)
  const differs = old.findIndex((line, index) => line !== made[index])
  const top = differs === -1 ? most : Math.min(differs, most)
  let bottom = 0
  while (bottom < most - top && old.at(-1 - bottom) === made.at(-1 - bottom)) bottom += 1
  const same = (lines: readonly string[]): readonly string[] => lines.map((line) => dim(`  ${printable(line)}`))
  return [
    ...(needlessSince === undefined ? [] : [dim(`${agent} tells its state by itself since ${needlessSince}: this is for older ones.`)]),
    `--- ${before === null ? '(no file)' : printableLine(file)}`,
    `+++ ${after === null ? '(no file)' : printableLine(file)}`,
    ...same(old.slice(Math.max(0, top - shownAround), top)),
    ...old.slice(top, old.length - bottom).map((line) => `- ${printable(line)}`),
    ...made.slice(top, made.length - bottom).map((line) => `+ ${printable(line)}`),
    ...same(old.slice(old.length - bottom, old.length - bottom + shownAround)),
  ].join('\n')
}

const linesOf = (text: string | null): readonly string[] => (text === null ? [] : text.replace(/\n$/, '').split('\n'))
