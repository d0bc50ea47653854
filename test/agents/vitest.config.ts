// The tests with real agents: slow, and not part of `npm test`.

import { defineConfig } from 'vitest/config'
import { packageRoot } from '../../src/config/package-root.ts'

export default defineConfig({
  root: packageRoot,
  test: { include: ['test/agents/*.test.ts'], pool: 'forks', maxWorkers: 2, globalSetup: ['test/setup/keeper.ts'], testTimeout: 180_000, hookTimeout: 60_000 },
})
