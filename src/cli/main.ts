// The program `offstage`: hands the arguments to dispatch.ts, flushes and leaves. Everything is loaded when it is needed; `--version` needs next to nothing.

import { packageVersion } from '../config/package-root.ts'

async function main(argv: readonly string[]): Promise<void> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`${packageVersion}\n`)
    return
  }
  const [{ dispatch }, { processContext, leave }] = await Promise.all([import('./dispatch.ts'), import('./context.ts')])
  await leave(await dispatch(argv, processContext(process.env)))
}

void main(process.argv.slice(2))
