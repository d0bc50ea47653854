// Starts the command line under a Node that is new enough: from the sources in a checkout, else from dist/.
'use strict'

const { existsSync, lstatSync } = require('node:fs')
const { enableCompileCache } = require('node:module')
const { homedir } = require('node:os')
const { isAbsolute, join } = require('node:path')

keepCompiledCode()
// A rejection ends the process with its stack, which is right for what can only be a bug here.
if (existsSync(join(__dirname, '../src/cli/main.ts'))) void import('../src/cli/main.ts')
else require('../dist/cli/main.cjs')

// Saves about a tenth of a start's work. Kept in the home, not in Node's default below /tmp, where another user could lie in wait with code of theirs;
// so it begins with the second start, when the home is there and is ours alone (src/config/paths.ts makes and checks it).
function keepCompiledCode() {
  try {
    const state = process.env.XDG_STATE_HOME
    const home = process.env.OFFSTAGE_HOME || join(state && isAbsolute(state) ? state : join(homedir(), '.local', 'state'), 'offstage')
    const cache = join(home, 'cache')
    if (isAbsolute(home) && isOurs(home) && isOurs(cache)) enableCompileCache(join(cache, 'compiled'))
  } catch {
    // No home yet, or none at all: the command says so itself.
  }
}

// A real folder that nobody else can write: what lies in it is run.
function isOurs(folder) {
  const found = lstatSync(folder)
  return found.isDirectory() && found.uid === process.getuid() && (found.mode & 0o77) === 0
}
