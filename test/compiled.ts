// Where Node keeps what it has made of the sources, for all programs of all tests: a third of the work that they would take otherwise.

import { join } from 'node:path'
import { packageRoot } from '../src/config/package-root.ts'

export const compiled = join(packageRoot, 'node_modules', '.cache', 'compiled')
