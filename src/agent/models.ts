// The program behind `offstage models`: prints what can be reached, as JSON, and ends. Of pi it loads the lists of models only, so that it is quick.

import { reportText } from '../config/models-report.ts'
import { pathsFrom } from '../config/paths.ts'
import { modelsReport } from './models/report.ts'

const { configFile } = pathsFrom(process.env, process.getuid?.() ?? 0)
process.stdout.write(reportText(await modelsReport({ env: process.env, configFile, signal: AbortSignal.timeout(30_000) })))
