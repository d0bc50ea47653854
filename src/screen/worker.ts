// The thread that computes screens, so that nothing a program prints can hold up the daemon. Keeps the screens that were asked for last, answers one question after the other, and in between advances
// the screens whose logs have grown, a little at a time. It may be terminated at any moment: all that it owns are caches.

import { parentPort } from 'node:worker_threads'
import { logEnd } from '../keeper/run-folder.ts'
import { LogScreen } from './log-screen.ts'
import type { FromWorker, Question, ScreenOf, ScreenText, Snapshot, ToWorker } from './messages.ts'
import type { CursorPosition } from './screen.ts'

/** Each takes some 5 MB. */
const mostWarm = 4
/** After this much of the time for an answer, the rest of the way is made short. */
const hurryAfterMs = 500
/** Work takes one part of the time, rest four. */
const restPerWork = 4

const port = parentPort
if (!port) throw new Error('this is a worker, started by screens.ts')

/** By run folder, the one used last at the end. */
const warm = new Map<string, LogScreen>()
const advancing = new Map<string, ScreenOf>()
const waiting: ToWorker[] = []
let wake: () => void = () => {}

port.on('message', (message: ToWorker) => {
  waiting.push(message)
  wake()
})
await work()
port.close()

async function work(): Promise<void> {
  for (;;) {
    const message = waiting.shift()
    if (message) {
      switch (message.kind) {
        case 'question':
          await answer(message.question)
          break
        case 'advance':
          advancing.set(message.of.folder, message.of)
          break
        case 'end':
          for (const screen of warm.values()) await screen.checkpoint('by-change')
          return
      }
      continue
    }
    const [next] = advancing.values()
    if (!next) {
      await new Promise<void>((resolve) => (wake = resolve))
      continue
    }
    const startedMs = performance.now()
    await advance(next)
    if (advancing.size === 0) say({ kind: 'idle' })
    await rest((performance.now() - startedMs) * restPerWork)
  }
}

/** Until then, or until something is asked. */
function rest(ms: number): Promise<void> {
  if (waiting.length > 0) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    wake = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}

async function answer(question: Question): Promise<void> {
  let found: Snapshot | CursorPosition | ScreenText | undefined
  try {
    found = await answerTo(question)
  } catch {
    // The folder is gone, or xterm threw: a screen that is half drawn is worth nothing.
    warm.get(question.of.folder)?.dispose()
    warm.delete(question.of.folder)
  }
  say({ kind: 'answer', answer: found })
}

function answerTo(question: Question): Promise<Snapshot | CursorPosition | ScreenText | undefined> {
  switch (question.kind) {
    case 'snapshot':
      return snapshot(question)
    case 'cursor':
      return cursor(question)
    case 'text':
      return text(question)
  }
}

async function snapshot({ of, resizeTo }: Question & { kind: 'snapshot' }): Promise<Snapshot> {
  const hurry = performance.now() + hurryAfterMs
  const end = await logEnd(of.folder, 'out')
  const screen = await screenOf(of, end)
  await screen.readTo(end, hurry)
  if (resizeTo) screen.resize(resizeTo)
  return screen.snapshot()
}

async function cursor({ of, offset }: Question & { kind: 'cursor' }): Promise<CursorPosition | undefined> {
  const screen = await screenOf(of, offset)
  if (screen.offset > offset) return undefined
  await screen.readTo(offset, performance.now() + hurryAfterMs)
  return screen.offset === offset ? screen.cursor() : undefined
}

async function text({ of }: Question & { kind: 'text' }): Promise<ScreenText> {
  const hurry = performance.now() + hurryAfterMs
  const end = await logEnd(of.folder, 'out')
  const screen = await screenOf(of, end)
  await screen.readTo(end, hurry)
  return { offset: screen.offset, rows: screen.rows() }
}

async function advance(of: ScreenOf): Promise<void> {
  try {
    const end = await logEnd(of.folder, 'out')
    const screen = await screenOf(of, end)
    if (!(await screen.readStep(end))) advancing.delete(of.folder)
    await screen.checkpoint('by-length')
  } catch {
    advancing.delete(of.folder)
    warm.get(of.folder)?.dispose()
    warm.delete(of.folder)
  }
}

/** One that has read no more than `most` bytes, where that can be had. */
async function screenOf(of: ScreenOf, most: number): Promise<LogScreen> {
  let screen = warm.get(of.folder)
  if (screen) warm.delete(of.folder)
  if (!screen || screen.offset > most) {
    screen?.dispose()
    screen = await LogScreen.open(of, most)
  }
  warm.set(of.folder, screen)
  for (const [folder, oldest] of warm) {
    if (warm.size <= mostWarm) break
    warm.delete(folder)
    await oldest.checkpoint('by-change')
    oldest.dispose()
  }
  return screen
}

function say(message: FromWorker): void {
  const transferred = message.kind === 'answer' && message.answer && 'bytes' in message.answer ? [message.answer.bytes.buffer as ArrayBuffer] : []
  port?.postMessage(message, transferred)
}
