// What a keeper runs when its daemon died: program, arguments and environment, as the bytes of the start file
// (docs/keeper-protocol.md). Pure; the caller writes them: to a temporary file of mode 0600, then rename.

export const maxStartFileBytes = 64 << 10

export type StartFile = {
  /** The first is the absolute path of the program; none may be empty. */
  argv: readonly string[]
  /** The whole environment of what is started. It lies on disk, so nothing secret; nor the marks of a run, or its processes are taken for that run's. */
  env: Readonly<Record<string, string>>
}

/** Throws RangeError for what the format cannot say. */
export function encodeStartFile(start: StartFile): Buffer {
  const names = Object.keys(start.env)
  if (start.argv[0]?.startsWith('/') !== true) throw new RangeError(`a start file needs the absolute path of a program, not ${JSON.stringify(start.argv[0])}`)
  if (start.argv.includes('')) throw new RangeError('a start file cannot hold an empty argument')
  const badName = names.find((name) => name === '' || name.includes('='))
  if (badName !== undefined) throw new RangeError(`a start file cannot hold a variable of the name ${JSON.stringify(badName)}`)
  const texts = ['offstage-start 1', ...start.argv, '', ...names.map((name) => `${name}=${start.env[name]}`), '']
  if (texts.some((text) => text.includes('\0'))) throw new RangeError('a start file cannot hold a NUL byte')
  const bytes = Buffer.from(texts.map((text) => `${text}\0`).join(''))
  if (bytes.length > maxStartFileBytes) throw new RangeError(`a start file of ${bytes.length} bytes, more than ${maxStartFileBytes}`)
  return bytes
}
