// Builds the static keeper for the tarball into dist/native: 1. musl-gcc where it is, else cc; 2. the sha256 of the
// source beside it, so that a binary of another source is never used; 3. the source, for machines without a binary.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceHash } from '../src/keeper/keeper-binary.ts'

const root = join(import.meta.dirname, '..')
const source = join(root, 'src/keeper/native/keeper.c')
const target = join(root, 'dist/native')
mkdirSync(target, { recursive: true })
copyFileSync(source, join(target, 'keeper.c'))

if (process.platform === 'linux') {
  const binary = join(target, `keeper-linux-${process.arch}`)
  const compiler = compile('musl-gcc', `${binary}.new`) ?? compile('cc', `${binary}.new`)
  if (compiler === undefined) throw new Error('no C compiler: install musl-tools (smallest result) or gcc')
  renameSync(`${binary}.new`, binary)
  writeFileSync(`${binary}.sha256`, `${await sourceHash(source)}\n`)
  console.log(`${binary}: ${statSync(binary).size} bytes, ${compiler}, static`)
} else {
  console.log(`no prebuilt keeper for ${process.platform}: it is compiled on first use`)
}

function compile(compiler: string, output: string): string | undefined {
  try {
    execFileSync(compiler, ['-static', '-Os', '-s', '-Wall', '-Wextra', '-Werror', '-o', output, source], { stdio: ['ignore', 'inherit', 'inherit'] })
    return compiler
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw cause
  }
}
