// `offstage end`: stop a session and archive it.

import type { Verb } from '../verb.ts'
import { endVerb } from '../end-verb.ts'

const verb: Verb = endVerb({
  name: 'end',
  type: 'end',
  done: 'ended',
  summary: 'stop a session and archive it',
  about: [
    'Returns when the whole process tree is proven gone. The session leaves the list, with its outcome; offstage sessions --all still shows it, and offstage restore brings it back.',
  ],
  examples: ['offstage end k3f9', 'offstage end k3f9 backend-api'],
})

export default verb
