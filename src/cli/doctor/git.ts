// Whether git is there. Only its version is asked for: what is done to repositories is src/workspace/git.ts.

import type { Check } from './check.ts'

const oldest = [2, 28] as const

export const lookAtGit: Check = async ({ ask, platform }) => {
  const said = await ask('git', ['--version'])
  const install = platform === 'darwin' ? 'xcode-select --install' : 'apt install git, or what your system has instead'
  if (!said || said.code !== 0) return { state: 'warning', says: 'is not installed: sessions run, but changes cannot be shown', hint: install }
  const version = /\d+\.\d+(\.\d+)*/.exec(said.out)?.[0] ?? said.out.trim()
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return { state: 'good', says: version }
  return { state: 'warning', says: `${version} is old, ${oldest.join('.')} is needed`, hint: install }
}
