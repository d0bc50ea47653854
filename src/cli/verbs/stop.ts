// `offstage stop`: end the process, keep the session.

import type { Verb } from '../verb.ts'
import { endVerb } from '../end-verb.ts'

const verb: Verb = endVerb({
  name: 'stop',
  type: 'stop',
  done: 'stopped',
  summary: 'end the process, keep the session',
  about: [
    'Returns when the whole process tree is proven gone: it is asked to end, and after two seconds it is made to. The session stays in the list; offstage resume starts it again.',
  ],
  examples: ['offstage stop k3f9', 'offstage stop k3f9 backend-api'],
})

export default verb
