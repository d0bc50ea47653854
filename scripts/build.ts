// npm run build: makes dist/, all that is published beside bin/.
// 1. the programs and the SDK, with the packages they use bundled in, so that the published package depends on nothing;
// 2. the SDK's types;
// 3. the keeper for this machine, and its source for the others;
// 4. the licences of what was bundled.

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type InputOptions, type RolldownOutput, rolldown } from 'rolldown'
import { quickEmoji } from './quick-emoji.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
process.chdir(root)

// Every output must lie as deep below the package's root as its source: src/config/package-root.ts counts on it.
const common: Pick<InputOptions, 'platform' | 'transform'> = {
  platform: 'node',
  // What kills a process on purpose is for tests of the sources only.
  transform: { target: 'node24', define: { 'process.env.OFFSTAGE_CRASH_AT': 'undefined', 'process.env.OFFSTAGE_CRASH_LOG': 'undefined' } },
}
const strictly: NonNullable<InputOptions['onLog']> = (_level, log) => {
  throw new Error(`rolldown: ${log.message}`)
}

const startedMs = performance.now()
if (existsSync(dist)) for (const name of readdirSync(dist)) if (name !== 'native') rmSync(join(dist, name), { recursive: true })
const bundled = new Set([...(await bundleCommandLine()), ...(await bundlePrograms()), ...(await bundleAgent())])
declareTypes()
run(process.execPath, ['scripts/build-keeper.ts'])
writeNotices(bundled)
checkLayout()
console.log(`dist/ made in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)

/** What starts with every command is one file besides its entry, and no ES module: that starts 6 ms sooner than many. Returns the folders of the packages that went in. */
async function bundleCommandLine(): Promise<ReadonlySet<string>> {
  const build = await rolldown({
    ...common,
    input: { 'cli/main': 'src/cli/main.ts' },
    plugins: [quickEmoji],
    preserveEntrySignatures: 'allow-extension',
    // Where the sources load something later, that something is in the same file here.
    onLog: (level, log, handle) => (log.code === 'INEFFECTIVE_DYNAMIC_IMPORT' ? undefined : strictly(level, log, handle)),
  })
  const version = /src\/(?:cli\/main|config\/package-root)\.ts$/
  const { output } = await build.write({
    dir: dist,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: 'cli/[name].cjs',
    codeSplitting: {
      // Or the screens would take along whatever the verbs share with them.
      includeDependenciesRecursively: false,
      groups: [
        { name: 'version', test: version },
        // Loaded when the first code is painted, and when a screen is opened.
        { name: 'grammars', test: /src\/tui\/transcript\/grammars\.ts$|node_modules\/highlight\.js\// },
        { name: 'tui', test: /src\/tui\/|node_modules\/(?:@earendil-works\/pi-tui|marked|get-east-asian-width)\// },
        { name: 'verbs', test: /./ },
      ],
    },
    sourcemap: false,
    minify: false,
  })
  await build.close()
  return packagesIn(output)
}

/** Returns the folders of the packages that went in. */
async function bundlePrograms(): Promise<ReadonlySet<string>> {
  const build = await rolldown({
    ...common,
    input: { 'daemon/main': 'src/daemon/main.ts', 'demo/scripted-agent': 'src/demo/scripted-agent.ts', 'screen/worker': 'src/screen/worker.ts', 'sdk/index': 'src/sdk/index.ts' },
    onLog: strictly,
  })
  const { output } = await build.write({ dir: dist, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js', sourcemap: false, minify: false })
  await build.close()
  return packagesIn(output)
}

/** The own agent. What it takes of pi is a small part: without this all of pi's screens would come along. Returns the folders of the packages that went in. */
async function bundleAgent(): Promise<ReadonlySet<string>> {
  const build = await rolldown({
    ...common,
    input: { 'agent/main': 'src/agent/main.ts', 'agent/models': 'src/agent/models.ts', 'agent/search': 'src/agent/search.ts' },
    treeshake: { moduleSideEffects: (id) => !id.includes('/node_modules/@earendil-works/') },
    onLog: strictly,
  })
  const { output } = await build.write({ dir: dist, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'agent/[name]-[hash].js', sourcemap: false, minify: false })
  await build.close()
  return packagesIn(output)
}

function packagesIn(output: RolldownOutput['output']): ReadonlySet<string> {
  const ids = output.flatMap((one) => (one.type === 'chunk' ? Object.entries(one.modules).flatMap(([id, module]) => (module.renderedLength > 0 ? [id] : [])) : []))
  return new Set(ids.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
}

function declareTypes(): void {
  run('tsc', ['-p', 'scripts/tsconfig.types.json', '--outDir', dist])
  // Inside a published package the neighbour of index.d.ts is api.d.ts, which TypeScript finds as api.js.
  for (const file of globSync('dist/**/*.d.ts')) {
    const text = readFileSync(file, 'utf8').replaceAll(/((?:from|import\() ?["']\.{1,2}\/[^"']*)\.ts(["'])/g, '$1.js$2')
    if (/(?:from|import\() ?["'](?!\.|node:)/.test(text)) throw new Error(`${file} names a package that is bundled: its users do not have it`)
    writeFileSync(file, text)
  }
}

function writeNotices(packages: ReadonlySet<string>): void {
  const notices = [...packages].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string; license: string }
    const file = licenceOf(name, folder)
    if (!file) throw new Error(`${name} is bundled and has no licence file`)
    return `${name} ${version} (${license})\n\n${readFileSync(file, 'utf8').trim()}\n`
  })
  writeFileSync(join(dist, 'THIRD-PARTY-NOTICES'), `Offstage contains these packages.\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`)
}

/** Some are published without their licence file: those are kept here, as their repositories or their READMEs have them. The headless xterm comes from the same repository as xterm, which has it. */
function licenceOf(name: string, folder: string): string | undefined {
  const kept = `scripts/licences/${name.startsWith('@earendil-works/') ? 'pi' : name}.txt`
  if (existsSync(kept)) return kept
  const licensed = name === '@xterm/headless' ? join(folder, '../xterm') : folder
  const file = readdirSync(licensed).find((one) => /^licen[cs]e(-mit)?(\.\w+)?$/i.test(one))
  return file && join(licensed, file)
}

function checkLayout(): void {
  const files = globSync('dist/**/*.{js,cjs}')
  const astray = files.filter((file) => dirname(dirname(file)) !== 'dist')
  if (astray.length > 0) throw new Error(`not exactly one folder below dist/: ${astray.join(', ')}`)
  const crashing = files.filter((file) => readFileSync(file, 'utf8').includes('OFFSTAGE_CRASH'))
  if (crashing.length > 0) throw new Error(`still has crash points: ${crashing.join(', ')}`)
  const kilobytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1000
  console.log(`${files.length} files of JavaScript, ${kilobytes.toFixed(0)} kB`)
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`, { cause: error })
}
