// `offstage rm`: remove a session from the list.

import type { Verb } from '../verb.ts'
import { endVerb } from '../end-verb.ts'

const verb: Verb = endVerb({
  name: 'rm',
  type: 'remove',
  done: 'removed',
  summary: 'remove a session from the list',
  about: [
    'A live one is stopped first. Nothing of it is lost: a worktree of its own is kept as a snapshot before git removes it, and its branch goes too where nothing is only there; a branch that has commits of its own, or is checked out elsewhere, stays. The worktree stays where git refuses or a program works in it; offstage restore brings all of it back.',
  ],
  examples: ['offstage rm k3f9', 'offstage rm k3f9 backend-api'],
})

export default verb
