// The layers, kept by reading what every file imports. Imports point down; what may be started, read or asked for is named here and nowhere else.

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'

// Folder: the folders, and the packages, that it may import.
const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  catalogue: [],
  config: ['core', 'catalogue', 'smol-toml'],
  store: ['core'],
  keeper: ['core'],
  drivers: ['core', 'catalogue', 'zod', '@agentclientprotocol/sdk'],
  workspace: ['core'],
  protocol: ['core', 'zod'],
  screen: ['core', 'keeper', '@xterm/headless'],
  reactors: ['core'],
  engine: ['core', 'catalogue', 'store', 'keeper', 'drivers', 'workspace', 'screen', 'config', 'zod'],
  sdk: ['core', 'protocol', 'keeper', 'config'],
  text: ['core'],
  client: ['core', 'sdk', 'config', 'text'],
  tui: ['core', 'sdk', 'config', 'text', 'client', 'workspace', '@earendil-works/pi-tui', 'highlight.js'],
  cli: ['core', 'sdk', 'config', 'text', 'client', 'tui', 'demo'],
  daemon: ['core', 'protocol', 'screen', 'config'],
  agent: [
    'core',
    'config',
    'zod',
    '@agentclientprotocol/sdk',
    '@modelcontextprotocol/client',
    '@earendil-works/pi-ai',
    '@earendil-works/pi-agent-core',
    '@earendil-works/pi-coding-agent',
  ],
  demo: ['workspace', '@agentclientprotocol/sdk', 'zod'],
}
const meetsEveryone = 'daemon/main.ts'

const forbidden: readonly { readonly title: string; readonly where: RegExp; readonly what: RegExp; readonly but?: RegExp }[] = [
  {
    title: 'core, drivers and the catalogue are pure: no Node, no clock, no chance',
    where: /^(core|drivers|catalogue)\//,
    what: /['"]node:|\bprocess\.(env|argv|cwd|exit\(|hrtime|std)|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bset(Timeout|Interval|Immediate)\b|\bcrypto\b|\bperformance\b/,
  },
  {
    title: 'only workspace/git.ts runs git (doctor asks for its version, the own agent judges commands that do)',
    where: /./,
    what: /['"`]git['"`]/,
    but: /^((workspace|cli\/doctor)\/git|agent\/permission\/command)\.ts/,
  },
  {
    title:
      'programs are started by the keeper, git.ts, publish.ts (gh and glab), processes-inside.ts (lsof, where there is no /proc), the demo, ourselves by the client, notices by run-program.ts; the system is asked by ask-program.ts, agents about themselves by ask-agent.ts, the keychain by keychain.ts, the sandbox whether it works; the own agent starts its MCP servers, commands and ripgrep; beside them stand the editor and the guard of the terminal',
    where: /./,
    what: /['"](node:)?child_process['"]/,
    but: /^(keeper\/|workspace\/(git|publish|processes-inside)\.ts|agent\/(mcp\/stdio-transport|sandbox\/index|tools\/shell|tools\/look-around)\.ts|config\/keychain\.ts|demo\/|sdk\/start-daemon\.ts|reactors\/notify\/run-program\.ts|cli\/(context|ask-program|ask-agent|guard|user-program)\.ts)/,
  },
  {
    title: 'the environment is read where programs begin',
    where: /./,
    what: /\bprocess\.env\b/,
    but: /^(config\/|demo\/|(cli|daemon|agent)\/main\.ts|agent\/models\.ts|engine\/crash-point\.ts)/,
  },
]

const root = join(packageRoot, 'src')
const files = globSync('**/*.ts', { cwd: root }).toSorted()
const sources = new Map(files.map((file) => [file, withoutComments(readFileSync(join(root, file), 'utf8'))]))
const imports = new Map(files.map((file) => [file, importsOf(file, /^(?:import\b|export\b|\}).*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/gm)]))
// Types are gone when anything runs, and across folders the first test speaks for them too.
const loaded = new Map(files.map((file) => [file, importsOf(file, /^(?:import|export)\s+(?!type\b)[^'"=(]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/gm)]))

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*/g, '$1')
}

/** Files as paths below src/, packages by their names. Ours are imported by their .ts name; what the demo writes into its scratch project is not. */
function importsOf(file: string, pattern: RegExp): readonly string[] {
  const names = Array.from((sources.get(file) ?? '').matchAll(pattern), (found) => found[1] ?? found[2] ?? '')
  const counted = names.filter((name) => !name.startsWith('node:') && (!name.startsWith('.') || name.endsWith('.ts')))
  return counted.map((name) => (name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name))
}

const folderOf = (file: string): string => file.split('/', 1)[0] ?? ''
const targetOf = (imported: string): string => (sources.has(imported) ? folderOf(imported) : (/^(@[^/]+\/)?[^/]+/.exec(imported)?.[0] ?? imported))

test('imports point down', () => {
  const wrong = files.flatMap((file) => {
    const folder = folderOf(file)
    const allowed = [folder, ...(layers[folder] ?? [])]
    return (imports.get(file) ?? [])
      .filter((imported) => !allowed.includes(targetOf(imported)) && !(file === meetsEveryone && targetOf(imported) in layers))
      .map((imported) => `${file} -> ${imported}`)
  })
  expect(wrong).toEqual([])
})

test('nothing imports itself, on any way round', () => {
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) cycles.push([...way.slice(way.indexOf(file)), file].join(' -> '))
    else if (!done.has(file)) {
      for (const imported of loaded.get(file) ?? []) if (sources.has(imported)) visit(imported, [...way, file])
      done.add(file)
    }
  }
  for (const file of files) visit(file, [])
  expect(cycles).toEqual([])
})

test.each(forbidden)('$title', ({ where, what, but }) => {
  const wrong = files
    .filter((file) => where.test(file) && !but?.test(file))
    .flatMap((file) => (what.exec(sources.get(file) ?? '') ?? []).slice(0, 1).map((text) => `${file}: ${text}`))
  expect(wrong).toEqual([])
})

test('the sources were found', () => {
  expect(files).toContain('core/events.ts')
  expect(imports.get('core/ids.ts')).toEqual([])
  expect(imports.get('config/agents.ts')).toEqual([
    'catalogue/agent.ts',
    'catalogue/index.ts',
    'catalogue/terminal-line.ts',
    'core/errors.ts',
    'config/agent-settings.ts',
    'config/config.ts',
    'config/logins.ts',
    'config/paths.ts',
    'config/programs.ts',
    'config/shell-words.ts',
  ])
  expect(files.map(folderOf).filter((folder) => !(folder in layers))).toEqual([])
})
