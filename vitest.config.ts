import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const filesOf = (areas: readonly string[]): string[] => areas.map((area) => `test/${area}/**/*.test.ts`)

// Areas whose tests start no program: they share threads.
const pure = filesOf(['boundaries', 'catalogue', 'config', 'core', 'drivers', 'protocol'])

// Areas that import much and wait little: their files share processes, so that each module is read once for all of them. Hooks in a module that several files import
// are those of the first file only: onTestFinished is for those. Everything else gets a process per file.
const shared = filesOf(['agent', 'cli', 'tui'])

// npm run soak: only the files that have a longer version of something, each with as much time as it takes.
const soak = process.env['SOAK'] !== undefined
const every = soak ? globSync('test/**/*.test.ts').filter((file) => /\bsoak\b/i.test(readFileSync(file, 'utf8'))) : ['test/**/*.test.ts']
const timeouts = soak ? { testTimeout: 3_600_000, hookTimeout: 600_000 } : { testTimeout: 30_000, hookTimeout: 30_000 }

// test/compiled.ts has the same for the programs that get an environment of their own.
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'compiled') }

export default defineConfig({
  test: {
    // Tests of programs wait more than they work: three at a time also where there are two cores.
    maxWorkers: soak ? 1 : 3,
    projects: [
      { test: { name: 'pure', include: soak ? [] : pure, pool: 'threads', isolate: false, ...timeouts } },
      {
        test: {
          name: 'programs',
          include: every,
          exclude: soak ? [] : [...pure, ...shared, 'test/agents/**'],
          pool: 'forks',
          globalSetup: ['test/setup/keeper.ts'],
          env,
          ...timeouts,
        },
      },
      { test: { name: 'shared', include: soak ? [] : shared, pool: 'forks', isolate: false, globalSetup: ['test/setup/keeper.ts'], env, ...timeouts } },
    ],
  },
})
