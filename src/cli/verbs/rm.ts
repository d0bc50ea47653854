// `offstage rm`: remove a session from the list.

import type { Verb } from '../verb.ts'
import { endVerb } from '../end-verb.ts'

const verb: Verb = endVerb({
  name: 'rm',
  type: 'remove',
  done: 'removed',
  summary: 'remove a session from the list',
  about: ['A live one is stopped first. Nothing of it is deleted; offstage restore brings it back.'],
  examples: ['offstage rm k3f9', 'offstage rm k3f9 backend-api'],
})

export default verb
