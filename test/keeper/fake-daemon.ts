// Stands in for a daemon: connects to all sockets that FOLDER/sockets names, says that it is one, writes who it is to
// FOLDER/came, and stays until it is killed. `node fake-daemon.ts FOLDER [crash]`: with `crash` it falls when it has come.
import { appendFileSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { encodeClientFrame } from '../../src/keeper/frames.ts'

const [folder = '', manner] = process.argv.slice(2)
appendFileSync(join(folder, 'started'), `${process.pid}\n`)
const sockets = readFileSync(join(folder, 'sockets'), 'utf8').split('\n').filter(Boolean)
await Promise.all(
  sockets.map((path) => {
    const socket = connect(path)
    socket.resume()
    return new Promise((resolve) => {
      socket.write(encodeClientFrame({ type: 'hello', version: 1, role: 'daemon' }), resolve)
    })
  }),
)
appendFileSync(join(folder, 'came'), `${process.pid}\n`)
if (manner === 'crash') process.kill(process.pid, 'SIGKILL')
