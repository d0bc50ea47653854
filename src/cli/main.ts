// The program `offstage`: hands the arguments to dispatch.ts, flushes and leaves. Everything is loaded when it is needed; `--version` needs next to nothing.

const argv = process.argv.slice(2)

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  const { packageVersion } = await import('../config/package-root.ts')
  process.stdout.write(`${packageVersion}\n`)
} else {
  const [{ dispatch }, { processContext, leave }] = await Promise.all([import('./dispatch.ts'), import('./context.ts')])
  await leave(await dispatch(argv, processContext(process.env)))
}

export {}
