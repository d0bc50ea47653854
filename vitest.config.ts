import { globSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

// Areas whose tests start no program: they share threads. Everything else gets a process per file.
const pure = ['boundaries', 'catalogue', 'config', 'core', 'drivers', 'protocol'].map((area) => `test/${area}/**/*.test.ts`)

// npm run soak: only the files that have a longer version of something, each with as much time as it takes.
const soak = process.env['SOAK'] !== undefined
const every = soak ? globSync('test/**/*.test.ts').filter((file) => /\bsoak\b/i.test(readFileSync(file, 'utf8'))) : ['test/**/*.test.ts']
const timeouts = soak ? { testTimeout: 3_600_000, hookTimeout: 600_000 } : { testTimeout: 30_000, hookTimeout: 30_000 }

export default defineConfig({
  test: {
    // Tests of programs wait more than they work: three at a time also where there are two cores.
    maxWorkers: soak ? 1 : 3,
    projects: [
      { test: { name: 'pure', include: soak ? [] : pure, pool: 'threads', isolate: false, ...timeouts } },
      { test: { name: 'programs', include: every, exclude: soak ? [] : [...pure, 'test/agents/**'], pool: 'forks', globalSetup: ['test/setup/keeper.ts'], ...timeouts } },
    ],
  },
})
