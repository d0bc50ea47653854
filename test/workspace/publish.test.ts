// What has landed goes to others only when told: to a bare repository beside it, and through programs of that name on the PATH.

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Publication, mayPublish, publish } from '../../src/workspace/publish.ts'
import { LandingPlace, never } from './landing-place.ts'

const places: LandingPlace[] = []

afterEach(() => {
  for (const made of places.splice(0)) made[Symbol.dispose]()
})

/** With a remote, and programs of these names that write down what they are asked. */
function published(programs: Readonly<Record<string, string>> = {}) {
  const at = new LandingPlace({ 'a.txt': 'a\n' }, [], { programs: true })
  places.push(at)
  const remote = join(at.folder, 'remote.git')
  at.git('init', '-q', '--bare', '--template=', remote)
  at.git('remote', 'add', 'origin', remote)
  at.commit(at.session, { 'a.txt': 'b\n' })
  const bin = join(at.folder, 'bin')
  mkdirSync(bin)
  for (const [name, script] of Object.entries(programs))
    at.write(bin, { [name]: { run: `#!/bin/sh\n[ "$1" = --version ] && exit 0\nprintf '%s\\n' "$@" > ${at.folder}/asked\n${script}\n` } })
  // Only what is needed: nothing of that name that happens to be installed here.
  for (const name of ['git', 'sh']) at.write(bin, { [name]: { run: `#!/bin/sh\nPATH='${at.env['PATH']}' exec ${name} "$@"\n` } })
  const deps = { env: { ...at.env, PATH: bin } }
  const of: Publication = { repository: at.user, branch: 'main', how: 'push', into: 'main', title: 'A "title"\n$(id)' }
  return {
    at,
    remote,
    publish: (more: Partial<Publication> = {}) => publish(deps, { ...of, ...more }, never),
    may: (more: Partial<Publication> = {}) => mayPublish(deps, { ...of, ...more }, never),
    asked: () => readFileSync(join(at.folder, 'asked'), 'utf8').split('\n'),
  }
}

test('a branch is pushed to the remote that there is, with the hooks of the user', async () => {
  const { at, remote, publish: go } = published()
  at.write(join(at.user, '.git'), { 'hooks/pre-push': { run: `#!/bin/sh\necho ran > ${at.folder}/hook\n` } })
  expect(await go()).toBe('pushed main to origin')
  expect(at.gitIn(remote, 'rev-parse', 'main')).toBe(at.git('rev-parse', 'main'))
  expect(readFileSync(join(at.folder, 'hook'), 'utf8')).toBe('ran\n')
})

test('never by force: what is there and not here is told', async () => {
  const { at, remote, publish: go } = published()
  at.git('push', '-q', 'origin', 'offstage/s1:main')
  const there = at.gitIn(remote, 'rev-parse', 'main')
  at.commit(at.user, { 'b.txt': 'b\n' })
  await expect(go()).rejects.toMatchObject({
    kind: 'refused',
    message: 'origin did not take main: it has commits there that are not here',
    hint: 'git fetch origin, and bring them in',
  })
  expect(at.gitIn(remote, 'rev-parse', 'main')).toBe(there)
})

test('what a hook there says is told, with how to hear more', async () => {
  const { at, remote, publish: go } = published()
  at.write(remote, { 'hooks/pre-receive': { run: '#!/bin/sh\necho no way >&2\nexit 1\n' } })
  await expect(go()).rejects.toMatchObject({
    kind: 'refused',
    message: 'origin did not take main: no way (pre-receive hook declined)',
    hint: 'git push origin main tells more',
  })
})

test('where no remote is meant, none is guessed', async () => {
  const { at, publish: go } = published()
  at.git('remote', 'rename', 'origin', 'one')
  at.git('remote', 'add', 'two', '/nowhere')
  await expect(go()).rejects.toMatchObject({ kind: 'refused', hint: 'git config remote.pushDefault NAME' })
  at.git('config', 'branch.main.remote', 'one')
  expect(await go()).toBe('pushed main to one')
})

test('a pull request is opened by gh, of the branch that was pushed before; no shell reads its title', async () => {
  const { at, remote, publish: go, asked } = published({ gh: 'echo https://forge.example/pull/7' })
  expect(await go({ how: 'pull-request', branch: 'offstage/s1' })).toBe('opened https://forge.example/pull/7')
  expect(asked()).toEqual(['pr', 'create', '--head=offstage/s1', '--base=main', '--title=A "title" $(id)', '--body=', ''])
  expect(at.gitIn(remote, 'branch', '--format=%(refname:short)')).toBe('offstage/s1')
})

test('glab is asked where the remote is a GitLab', async () => {
  const { at, publish: go, asked } = published({ gh: 'exit 1', glab: 'echo; echo "!7 opened: https://gitlab.example/-/merge_requests/7"' })
  at.git('remote', 'set-url', 'origin', 'https://gitlab.example/x.git')
  at.git('remote', 'set-url', '--push', 'origin', join(at.folder, 'remote.git'))
  expect(await go({ how: 'pull-request', branch: 'offstage/s1' })).toBe('opened https://gitlab.example/-/merge_requests/7')
  expect(asked().slice(0, 4)).toEqual(['mr', 'create', '--source-branch=offstage/s1', '--target-branch=main'])
})

test('that there is no remote is known before, and nothing is pushed to find out', async () => {
  const { at, remote, may } = published({ gh: 'exit 0' })
  await expect(may()).resolves.toBeUndefined()
  await expect(may({ how: 'pull-request', branch: 'offstage/s1' })).resolves.toBeUndefined()
  expect([at.gitIn(remote, 'branch'), existsSync(join(at.folder, 'asked'))]).toEqual(['', false])
  at.git('remote', 'remove', 'origin')
  await expect(may()).rejects.toMatchObject({ message: 'there is no remote to push to', hint: 'git remote add origin URL' })
})

test('where neither is installed nothing is pushed', async () => {
  const { at, remote, publish: go, may } = published()
  await expect(may({ how: 'pull-request', branch: 'offstage/s1' })).rejects.toMatchObject({
    kind: 'impossible',
    message: 'neither gh nor glab is installed, by which a pull request is opened',
  })
  await expect(go({ how: 'pull-request', branch: 'offstage/s1' })).rejects.toMatchObject({ kind: 'impossible', hint: 'install one of them and log in; or --push' })
  expect(at.gitIn(remote, 'branch')).toBe('')
})

test('what the program refuses is told in one line without its colours', async () => {
  const { publish: go } = published({ gh: 'printf "\\033[31mno such\\tbase\\033[0m\\nmore\\n" >&2; exit 1' })
  await expect(go({ how: 'pull-request', branch: 'offstage/s1' })).rejects.toMatchObject({ kind: 'failed', message: 'gh did not open a pull request: no such base' })
})
