// The skills that the model is told of: folders with a SKILL.md, found and read by pi.

import { loadSkillsFromDir } from '@earendil-works/pi-coding-agent'
import type { Skill } from '../instructions.ts'

/** Those of the first folders win where names are the same. */
export function skillsIn(folders: readonly string[]): readonly Skill[] {
  const found = new Map<string, Skill>()
  for (const dir of folders) {
    for (const { name, description, filePath, disableModelInvocation } of loadSkillsFromDir({ dir, source: 'offstage' }).skills) {
      if (!disableModelInvocation && !found.has(name)) found.set(name, { name, description, path: filePath })
    }
  }
  return [...found.values()]
}
