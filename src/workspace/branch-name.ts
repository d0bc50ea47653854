// The name of a session's branch: from its label where that makes one, and never one that is there, or that git could not keep beside one that is. Pure.

const longest = 100

/** Of a label, what can be part of a branch name; undefined where nothing is left of it. */
export function branchPart(label: string): string | undefined {
  const parts = label
    .normalize('NFC')
    // Not in a branch's name for git, for a shell to stumble over, or for an eye to be misled by.
    .replaceAll(/[\s\p{C}~^:?*[\]\\'"`$&|;<>(){}!#%@,=+]+/gu, '-')
    .split('/')
    .map((part) => cleaned(part))
    .filter((part) => part !== '')
  const name = cleaned(Array.from(parts.join('/')).slice(0, longest).join('').replace(/\/+$/, ''))
  return name === '' ? undefined : name
}

const cleaned = (part: string): string =>
  part
    .replaceAll(/\.{2,}/g, '.')
    .replaceAll(/-{2,}/g, '-')
    .replace(/^[-.]+/, '')
    .replace(/(?:[-.]|\.lock)+$/i, '')

/** `taken`: short names of branches that are there, or are about to be. */
export function freeBranch(session: string, label: string | null, taken: readonly string[]): string {
  const own = label === null ? undefined : branchPart(label)
  const wanted = [...(own === undefined ? [] : [`offstage/${own}`]), `offstage/${session}`, `offstage-${session}`]
  const free = wanted.find((name) => isFree(name, taken))
  if (free !== undefined) return free
  for (let number = 2; ; number += 1) {
    const name = `offstage-${session}-${number}`
    if (isFree(name, taken)) return name
  }
}

/** A branch is a file for git, or was one: none can be where another has a folder, and case tells nothing apart on some disks. */
function isFree(name: string, taken: readonly string[]): boolean {
  const own = folded(name)
  return taken.map(folded).every((other) => other !== own && !other.startsWith(`${own}/`) && !own.startsWith(`${other}/`))
}

const folded = (name: string): string => name.normalize('NFC').toLowerCase()
