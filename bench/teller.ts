// A program in a terminal that says its state by OSC 7501, again and again after a while, each time with the moment: nanoseconds of the system's monotonic clock.

const [count = '1', everyMs = '600'] = process.argv.slice(2)
let left = Number(count)

const timer = setInterval(() => {
  left -= 1
  const moment = Buffer.from(String(process.hrtime.bigint())).toString('base64')
  process.stdout.write(`\x1b]7501;state=${left % 2 === 0 ? 'working' : 'blocked:kind=permission'}:msg=${moment}\x1b\\`)
  if (left === 0) clearInterval(timer)
}, Number(everyMs))
