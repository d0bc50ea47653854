// fetch for servers that are not trusted with our memory: an answer, or one event of a stream, that is too long fails.

const longestMessage = 10 * 1024 * 1024
const LF = 0x0a

export async function boundedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  if (!response.body) return response
  const events = response.headers.get('content-type')?.includes('text/event-stream') ?? false
  const bounded = new Response(response.body.pipeThrough(bounding(events)), { status: response.status, statusText: response.statusText, headers: response.headers })
  // A redirect is judged by where the answer came from, and a new Response forgets it.
  Object.defineProperties(bounded, { url: { value: response.url }, redirected: { value: response.redirected }, type: { value: response.type } })
  return bounded
}

/** `events`: counted anew after each empty line. */
function bounding(events: boolean): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let length = 0
  return new TransformStream({
    transform: (bytes, controller) => {
      const ended = events ? lastEmptyLine(bytes) : 0
      length = (ended > 0 ? 0 : length) + bytes.length - ended
      if (length > longestMessage) controller.error(new Error(`the server's answer is longer than ${longestMessage / 1024 / 1024} MB`))
      else controller.enqueue(bytes)
    },
  })
}

/** Where the last event in these bytes ends; 0 if none does. An end that two chunks share is missed, and found with the next event. */
function lastEmptyLine(bytes: Uint8Array): number {
  for (let at = bytes.lastIndexOf(LF); at > 0; at = bytes.lastIndexOf(LF, at - 1)) {
    if (bytes[at - 1] === LF || (at > 2 && bytes[at - 1] === 0x0d && bytes[at - 2] === LF)) return at + 1
  }
  return 0
}
