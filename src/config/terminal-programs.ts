// What is known of the programs of terminal sessions, for those who type into them.

import { agentNamed } from '../catalogue/index.ts'

/** By the name that its session shows. They all take a text in brackets as pasted, and as keys that were typed too fast without. */
export const takesPastes = (agent: string): boolean => agentNamed(agent)?.terminal?.dialogs !== undefined
