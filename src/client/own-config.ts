// The configuration of whoever runs this client, from where their environment says that it lies. Loaded when it is needed: most commands need none.

import type { Config } from '../config/config.ts'

export interface OwnConfig {
  readonly config: Config
  readonly configFile: string
}

/** With the settings of the project that `cwd` lies in above it, if one is given. Throws ConfigInvalid. */
export async function ownConfig(env: Readonly<Record<string, string | undefined>>, cwd?: string): Promise<OwnConfig> {
  const [{ pathsFrom }, { loadConfig }] = await Promise.all([import('../config/paths.ts'), import('../config/config.ts')])
  const { configFile } = pathsFrom(env, process.getuid?.() ?? 0)
  return { config: await loadConfig({ configFile, ...(cwd === undefined ? {} : { cwd }) }), configFile }
}
