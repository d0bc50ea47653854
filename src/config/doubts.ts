// What speaks against a good end of a start, as far as it costs next to nothing to know: no program is run.

import type { ResolvedAgent } from './agents.ts'
import type { Config } from './config.ts'
import { loggedIn } from './logins.ts'
import type { Environment } from './paths.ts'
import { isOlder, packagedVersion } from './programs.ts'

/** One line each, for a person. */
export function doubtsAbout({ name, known, driver, argv: [program = ''], env: own }: ResolvedAgent, config: Config, env: Environment): readonly string[] {
  const way = known?.[driver]
  // The user's own command for it may be anything.
  if (!known || way?.command[0] !== program || known.own) return []
  const version = way.leastVersion === undefined ? undefined : packagedVersion(program, own['PATH'] ?? env['PATH'], (packaged) => way.install.split(' ').includes(packaged))
  const isOld = version !== undefined && way.leastVersion !== undefined && isOlder(version, way.leastVersion)
  return [
    ...(isOld ? [`${program} is ${version}, and Offstage needs ${way.leastVersion} or newer: ${way.install}`] : []),
    ...(loggedIn(known, config, { ...env, ...own }) === false ? [`agent ${name} does not seem to be logged in: ${known.login.how}`] : []),
  ]
}
