#!/usr/bin/env node
// What is run as `offstage`. Any Node since 0.12 must be able to parse it, so that an old one can say what it lacks; the rest is in start.cjs.
'use strict'

var needed = [24, 11]
var found = process.versions.node.split('.').map(Number)

if (process.platform === 'win32') refuse('offstage does not run on Windows itself: install and run it inside WSL')
else if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) refuse(tooOld())
else require('./start.cjs')

function tooOld() {
  var problem = 'offstage needs Node ' + needed.join('.') + ' or newer, but ' + process.execPath + ' is ' + process.versions.node
  var cure = 'install it from https://nodejs.org or with your version manager (nvm install 24)'
  var inCheckout = require('fs').existsSync(require('path').join(__dirname, '..', 'src', 'cli'))
  return problem + ': ' + cure + (inCheckout ? '; in this checkout `npm run demo` and `npm exec offstage` bring their own' : '')
}

function refuse(line) {
  process.stderr.write(line + '\n')
  process.exitCode = 1
}
