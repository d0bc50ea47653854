// Real agents for the tests, at the versions of packages.json: where they lie, and how they get there. Nothing that a package would do at its installation is done.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ownAgent } from '../../src/catalogue/index.ts'
import { packageRoot } from '../../src/config/package-root.ts'

const cache = join(packageRoot, 'node_modules', '.cache', 'agents')
const versions = z.record(z.string(), z.record(z.string(), z.string()))

/** By the agent's name: its npm packages and their versions. */
export const packages = versions.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'packages.json'), 'utf8')))

/** What a package links as its program only in an installation script: where it is. */
const unlinked: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  claude: { claude: `@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude` },
  opencode: { opencode: `opencode-${process.platform}-${process.arch}/bin/opencode` },
}

const folderOf = (agent: string): string => join(cache, `${agent}@${Object.values(packages[agent] ?? {}).join('+')}`)

/** The folders of its programs, for PATH; undefined where it is not installed. The own agent is part of this package. */
export function programsOf(agent: string): readonly string[] | undefined {
  if (agent === ownAgent.name) return []
  const folder = folderOf(agent)
  return existsSync(folder) ? [join(folder, 'programs'), join(folder, 'node_modules', '.bin')] : undefined
}

/** Gives why it could not be installed; undefined when it is there. */
export function install(agent: string): string | undefined {
  const folder = folderOf(agent)
  if (existsSync(folder)) return undefined
  const making = `${folder}.making`
  rmSync(making, { recursive: true, force: true })
  mkdirSync(join(making, 'programs'), { recursive: true })
  writeFileSync(join(making, 'package.json'), '{}\n')
  const wanted = Object.entries(packages[agent] ?? {}).map(([name, version]) => `${name}@${version}`)
  const npm = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', making, ...wanted], { encoding: 'utf8' })
  if (npm.status !== 0) {
    rmSync(making, { recursive: true, force: true })
    return npm.stderr.split('\n').find((line) => line.startsWith('npm error')) ?? `npm ended with ${npm.status}`
  }
  for (const [name, path] of Object.entries(unlinked[agent] ?? {})) {
    if (!existsSync(join(making, 'node_modules', path))) return `its package has no ${path}`
    symlinkSync(join('..', 'node_modules', path), join(making, 'programs', name))
  }
  renameSync(making, folder)
  return undefined
}
