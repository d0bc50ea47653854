// What the scripted agent of the demo does: real work on the scratch project, step by step as it was written down here beforehand.

import { spawn } from 'node:child_process'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

export interface FileEdit {
  readonly path: string
  readonly before: string | null
  readonly after: string
}

export interface ToolResult {
  readonly ok: boolean
  readonly text?: string
  readonly edit?: FileEdit
}

export interface ToolUse {
  readonly title: string
  readonly kind: 'read' | 'edit' | 'delete' | 'search' | 'execute'
  readonly paths?: readonly string[]
  readonly command?: string
}

/** `print` tells all that the work has printed so far. */
export type Work = (print: (text: string) => void) => Promise<ToolResult>

/** What a scenario can do; each step is told to the client. Everything rejects once the turn was cancelled. */
export interface Stage {
  readonly cwd: string
  readonly prompt: string
  readonly signal: AbortSignal
  say(text: string): Promise<void>
  think(text: string): Promise<void>
  plan(steps: readonly string[], done: number): Promise<void>
  tool(use: ToolUse, work: Work): Promise<ToolResult>
  /** Does the work if a person allows it; undefined if not. */
  guardedTool(use: ToolUse, work: Work): Promise<ToolResult | undefined>
  /** The chosen one, or undefined if the question was declined. */
  choose(question: string, choices: readonly { readonly id: string; readonly name: string }[]): Promise<string | undefined>
}

export type Scenario = (stage: Stage) => Promise<void>

export const scenarios: Readonly<Record<string, Scenario>> = { 'fix-test': fixTest, 'remove-legacy': removeLegacy, 'write-docs': writeDocs }

const greeting = 'I am a script, not a model: what I do was written down beforehand. But I really do it.\n\n'

interface TestRun extends ToolResult {
  readonly passed: number
  readonly failed: number
}

async function runTests(stage: Stage): Promise<TestRun> {
  let counts = { passed: 0, failed: 0 }
  const result = await stage.tool({ title: 'node --test', kind: 'execute', command: 'node --test' }, async (print) => {
    // A test run inside a test run would report to the outer one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const child = spawn(process.execPath, ['--test', '--test-reporter=tap'], { cwd: stage.cwd, env, stdio: ['ignore', 'pipe', 'pipe'], signal: stage.signal })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        print(output.trim())
      })
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    const count = (name: string): number => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
    counts = { passed: count('pass'), failed: count('fail') }
    return { ok: code === 0, text: output.trim() }
  })
  return { ...result, ...counts }
}

const inWords = ({ passed, failed }: TestRun): string =>
  `${passed} ${passed === 1 ? 'test passes' : 'tests pass'}, ${failed === 0 ? 'none fails' : `${failed} ${failed === 1 ? 'fails' : 'fail'}`}`

async function read(stage: Stage, path: string): Promise<string | undefined> {
  let text: string | undefined
  await stage.tool({ title: `Read ${path}`, kind: 'read', paths: [path] }, async () => {
    text = await readFile(join(stage.cwd, path), 'utf8').catch(() => undefined)
    return text === undefined ? { ok: false, text: `${path} is not there` } : { ok: true, text }
  })
  return text
}

const edit = (stage: Stage, path: string, before: string | null, after: string): Promise<ToolResult> =>
  stage.tool({ title: `${before === null ? 'Write' : 'Edit'} ${path}`, kind: 'edit', paths: [path] }, async () => {
    await writeFile(join(stage.cwd, path), after)
    return { ok: true, edit: { path, before, after } }
  })

async function fixTest(stage: Stage): Promise<void> {
  const steps = ['Find out what fails', 'Fix src/cart.js', 'Run the tests again']
  await stage.say(`${greeting}I run the tests first.`)
  await stage.plan(steps, 0)
  const before = await runTests(stage)
  if (before.ok) return stage.say(`There is nothing to fix: ${inWords(before)}.`)
  await stage.plan(steps, 1)
  const path = 'src/cart.js'
  const text = await read(stage, path)
  const fixed = text?.replace(/(\w+)\.price\b(?!\s*\*)/g, '$1.price * $1.quantity')
  if (text === undefined || fixed === undefined || fixed === text)
    return stage.say(`I know only one mistake, a sum that ignores quantities, and it is not in ${path}. I leave this to somebody who can think.`)
  await stage.think('The sum adds up prices and forgets how many of each there are.')
  await stage.say('The sum ignores the quantity: an item that is bought twice is counted once. I multiply.')
  await edit(stage, path, text, fixed)
  await stage.plan(steps, 2)
  const after = await runTests(stage)
  await stage.plan(steps, 3)
  await stage.say(after.ok ? `Fixed: ${inWords(after)}.` : `Not there yet: ${inWords(after)}.`)
}

const legacy = 'src/legacy/old-cart.js'

/** Source files, and which of them name the old one. */
async function mentionsOf(stage: Stage, name: string): Promise<readonly string[]> {
  const found = await readdir(stage.cwd, { recursive: true, withFileTypes: true })
  const sources = found.filter((file) => file.isFile() && /\.[cm]?[jt]s$/.test(file.name)).map((file) => relative(stage.cwd, join(file.parentPath, file.name)))
  const texts = await Promise.all(
    sources.filter((path) => !/(^|\/)(node_modules|\.git)\//.test(path) && path !== legacy).map(async (path) => ({ path, text: await readFile(join(stage.cwd, path), 'utf8') })),
  )
  return texts.filter(({ text }) => text.includes(name)).map(({ path }) => path)
}

async function removeLegacy(stage: Stage): Promise<void> {
  await stage.say(`${greeting}Before ${legacy} goes, I look for whoever still uses it.`)
  if ((await read(stage, legacy)) === undefined) return stage.say(`${legacy} is not there (any more): nothing to do.`)
  let mentions: readonly string[] = []
  await stage.tool({ title: 'Search for "old-cart"', kind: 'search' }, async () => {
    mentions = await mentionsOf(stage, 'old-cart')
    return { ok: true, text: mentions.length === 0 ? 'no matches' : mentions.join('\n') }
  })
  await stage.say(mentions.length === 0 ? 'Nobody does. Deleting is not mine to decide, so I ask.' : `It is still named in ${mentions.join(', ')}. I ask before I delete it.`)
  const removed = await stage.guardedTool({ title: `Delete ${legacy}`, kind: 'delete', paths: [legacy], command: `rm ${legacy}` }, async () => {
    await rm(join(stage.cwd, legacy))
    return { ok: true, text: `deleted ${legacy}` }
  })
  if (!removed) return stage.say(`You said no, so ${legacy} stays. Nothing was changed.`)
  const tests = await runTests(stage)
  await stage.say(`${legacy} is gone. ${inWords(tests)}.${tests.ok ? '' : ' What fails has nothing to do with it: nobody used that file.'}`)
}

const readmes: Readonly<Record<string, (names: readonly string[]) => string>> = {
  formal: (names) => `# Shop

A small library that computes the price of a shopping cart.

## Usage

\`\`\`js
import { ${names.join(', ')} } from './src/cart.js'
\`\`\`

## Tests

Run \`node --test\`.
`,
  casual: (names) => `# Shop

Got a cart? We tell you what it costs.

\`\`\`js
import { ${names.join(', ')} } from './src/cart.js' // that's all there is to it
\`\`\`

Curious whether it works? \`node --test\` knows.
`,
}

async function writeDocs(stage: Stage): Promise<void> {
  await stage.say(`${greeting}I read the code, then I write a README.md.`)
  const source = (await read(stage, 'src/cart.js')) ?? ''
  const names = [...source.matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)].map((match) => match[1] ?? '')
  if (names.length === 0) return stage.say('src/cart.js exports nothing that I could describe.')
  const tone = await stage.choose('Which tone should the README have?', [
    { id: 'formal', name: 'Formal' },
    { id: 'casual', name: 'Casual' },
  ])
  const readme = readmes[tone ?? '']
  if (!readme) return stage.say('Without a tone I write nothing. Nothing was changed.')
  const before = await readFile(join(stage.cwd, 'README.md'), 'utf8').catch(() => null)
  await edit(stage, 'README.md', before, readme(names))
  await stage.say(`README.md is written, in a ${tone} tone. It describes ${names.map((name) => `\`${name}\``).join(', ')}.`)
}
