// The sandbox with the real bubblewrap: what a command can do in it, and what it cannot. Skipped, with its reason, where this system makes none.

import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync, chmodSync, readdirSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../../../src/config/package-root.ts'
import { isRefusal } from '../../../src/core/errors.ts'
import { seatbeltProfile } from '../../../src/agent/sandbox/seatbelt.ts'
import { settle } from '../../home.ts'
import { type Sandbox, type SandboxFrom, sandboxFor } from '../../../src/agent/sandbox/index.ts'

// Not below a folder that every command has for its own. The file ends the search for a repository that the tests could lie in.
const caches = [join(packageRoot, 'node_modules', '.cache'), join(homedir(), '.cache')].find((folder) => !/^\/(var\/)?tmp\//.test(`${folder}/`)) ?? tmpdir()
mkdirSync(caches, { recursive: true })
const top = realpathSync(mkdtempSync(join(caches, 'os-sandbox-')))
writeFileSync(join(top, '.git'), '')
afterAll(() => rmSync(top, { recursive: true, force: true }))

/** A user of their own, with a project and with keys. */
function user(name: string): { readonly env: Readonly<Record<string, string>>; readonly home: string; readonly project: string } {
  const home = join(top, name, 'user')
  const project = join(top, name, 'project')
  for (const folder of [project, join(home, '.ssh'), join(home, '.config/offstage'), join(top, name, 'state/sockets')]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(home, '.ssh/id_ed25519'), 'a private key')
  writeFileSync(join(home, '.config/offstage/config.toml'), 'a key of a model')
  writeFileSync(join(home, '.netrc'), 'a password')
  writeFileSync(join(home, 'notes.txt'), 'notes')
  writeFileSync(join(top, name, 'state/offstage.db'), 'sessions')
  return { home, project, env: { HOME: home, OFFSTAGE_HOME: join(top, name, 'state'), PATH: process.env.PATH ?? '', LANG: 'C.UTF-8' } }
}

function made(from: SandboxFrom): Sandbox {
  const sandbox = sandboxFor(from)
  if (isRefusal(sandbox)) throw new Error(`${sandbox.refused}: ${sandbox.message}`)
  return sandbox
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly said: string
}

function run(sandbox: Sandbox, argv: readonly string[], at: { readonly cwd: string; readonly env: Readonly<Record<string, string>> }): Promise<Ran> {
  const [program = '', ...args] = sandbox.wrap(argv)
  return new Promise((resolve) => {
    execFile(program, args, { ...at, timeout: 20_000 }, (cause, out, said) => resolve({ code: cause === null ? 0 : Number(cause.code ?? -1), out, said }))
  })
}

const someone = user('someone')
const here = { cwd: someone.project, env: someone.env }
const trial = sandboxFor({ workspace: someone.project, network: true, env: someone.env })
const no = isRefusal(trial) ? trial.message : caches === tmpdir() ? 'this checkout and the home lie below /tmp' : undefined
if (no !== undefined) console.warn(`the sandbox is not tested here: ${no}`)
const sandboxed = test.skipIf(no !== undefined)

const shell = (script: string, sandbox = made({ workspace: someone.project, network: false, env: someone.env }), at = here): Promise<Ran> =>
  run(sandbox, ['/bin/sh', '-c', script], at)

sandboxed('a command writes in the workspace, and what it wrote stays', async () => {
  expect(await shell('mkdir -p a/b && echo hello > a/b/c && cat a/b/c')).toMatchObject({ code: 0, out: 'hello\n' })
  expect(readFileSync(join(someone.project, 'a/b/c'), 'utf8')).toBe('hello\n')
})

sandboxed('the exit code and the arguments pass as they are', async () => {
  const sandbox = made({ workspace: someone.project, network: false, env: someone.env })
  expect((await run(sandbox, ['/bin/sh', '-c', 'exit 7'], here)).code).toBe(7)
  expect((await run(sandbox, ['printf', '%s|', '--bind', ' x  y', "'", 'a\nb', ''], here)).out).toBe("--bind| x  y|'|a\nb||")
})

sandboxed.each([
  ['beside the workspace', (): string => join(someone.project, '../beside')],
  ['in the home', (): string => join(someone.home, 'planted')],
  ['in the shell profile', (): string => join(someone.home, '.bashrc')],
  ['in /etc', (): string => '/etc/planted-by-a-test'],
  ['in /usr/local', (): string => '/usr/local/planted-by-a-test'],
  ['by way of /proc', (): string => `/proc/self/root${someone.home}/planted`],
  ['by way of the folder above', (): string => '../../user/planted'],
])('writing %s fails', async (_, path) => {
  const { code } = await shell(`echo x > ${path()}`)
  expect(code).not.toBe(0)
  expect(existsSync(path())).toBe(false)
})

sandboxed('a link that leads out of the workspace does not help', async () => {
  symlinkSync(someone.home, join(someone.project, 'out'))
  const { code } = await shell('echo x > out/planted; echo x >> out/notes.txt')
  expect(code).not.toBe(0)
  expect(readdirSync(someone.home)).not.toContain('planted')
  expect(readFileSync(join(someone.home, 'notes.txt'), 'utf8')).toBe('notes')
})

sandboxed('nothing can be mounted anew, whoever the user is', async () => {
  const { code } = await shell(
    `mount -o remount,rw / || mount -t tmpfs none ${someone.home}/.ssh || umount ${someone.home}/.ssh || unshare --user --map-root-user --mount sh -c 'umount ${someone.home}/.ssh; mount -o remount,rw,bind / && echo x > ${someone.home}/planted'`,
  )
  expect(code).not.toBe(0)
  expect(existsSync(join(someone.home, 'planted'))).toBe(false)
})

sandboxed('/tmp is its own, empty each time, and the variable for it leads there', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'os-outside-'))
  try {
    const sandbox = made({ workspace: someone.project, network: false, env: someone.env })
    const first = await shell(`test -e ${outside} && echo seen; echo x > /tmp/left; ls /tmp; echo $TMPDIR`, sandbox)
    expect(first.out).not.toContain('seen')
    expect(first.out).toMatch(/left\n[^]*\/tmp\n/)
    expect((await shell('ls /tmp', sandbox)).out).not.toContain('left')
    expect(existsSync('/tmp/left')).toBe(false)
  } finally {
    rmSync(outside, { recursive: true })
  }
})

sandboxed('keys and sessions are not seen, other files of the user are read', async () => {
  const { out } = await shell('cd; cat .ssh/* .config/offstage/* .netrc; ls -A .ssh .config/offstage; cat "$STATE"/*; cat notes.txt', undefined, {
    ...here,
    env: { ...someone.env, STATE: someone.env['OFFSTAGE_HOME'] ?? '' },
  })
  expect(out).toContain('notes')
  expect(out).not.toMatch(/key|password|sessions|id_ed25519|config\.toml/)
})

sandboxed('keys are hidden where they really lie', async () => {
  const linked = user('linked')
  rmSync(join(linked.home, '.ssh'), { recursive: true })
  mkdirSync(join(linked.home, 'dotfiles/ssh'), { recursive: true })
  writeFileSync(join(linked.home, 'dotfiles/ssh/id'), 'a private key')
  symlinkSync('dotfiles/ssh', join(linked.home, '.ssh'))
  const { out } = await shell('cat ~/.ssh/id ~/dotfiles/ssh/id', made({ workspace: linked.project, network: false, env: linked.env }), { cwd: linked.project, env: linked.env })
  expect(out).toBe('')
})

sandboxed('keys in variables do not arrive, nor the ways to those who have some', async () => {
  const env = { ...someone.env, ANTHROPIC_API_KEY: 'k1', GITHUB_TOKEN: 'k2', SSH_AUTH_SOCK: '/run/agent', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/0/bus', EDITOR: 'vi' }
  const { out } = await shell('env', made({ workspace: someone.project, network: true, env }), { ...here, env })
  expect(out).toContain('EDITOR=vi')
  expect(out).not.toMatch(/k1|k2|SSH_AUTH|DBUS|OFFSTAGE/)
})

const connects = (port: number): string =>
  `node -e 'require("net").connect(${port}, "127.0.0.1").on("connect", () => { console.log("connected"); process.exit(0) }).on("error", (e) => { console.log(e.code); process.exit(1) })'`

sandboxed('without the network nothing is reached, not even this machine; with it, it is', async () => {
  let reached = 0
  const server = createServer((socket) => {
    reached += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    expect(await shell(connects(port))).toMatchObject({ code: 1 })
    expect(reached).toBe(0)
    expect(await shell(connects(port), made({ workspace: someone.project, network: true, env: someone.env }))).toMatchObject({ code: 0, out: 'connected\n' })
  } finally {
    server.close()
  }
})

sandboxed('sockets of the daemon and of others under /tmp and /run are not reached, with the network too', async () => {
  const path = join(someone.env['OFFSTAGE_HOME'] ?? '', 'sockets/daemon.sock')
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(path, resolve))
  try {
    const { code, out } = await shell(
      `ls -A /run /var/run/ | grep -v -e resolv -e systemd -e ':$'; node -e 'require("net").connect("${path}").on("connect", () => process.exit(0)).on("error", () => process.exit(9))'`,
      made({ workspace: someone.project, network: true, env: someone.env }),
    )
    expect(code).toBe(9)
    expect(out.trim()).toBe('')
  } finally {
    server.close()
  }
})

sandboxed('processes outside are neither seen nor ended', async () => {
  const { out } = await shell(`kill -0 ${process.pid} 2>/dev/null && echo seen; ls /proc | grep -c '^[0-9]'`)
  expect(out).not.toContain('seen')
  expect(Number(out.trim())).toBeLessThan(8)
})

sandboxed('what a command left running dies with it, and with its wrapper when that is killed', async () => {
  const sandbox = made({ workspace: someone.project, network: false, env: someone.env })
  const [program = '', ...args] = sandbox.wrap(['/bin/sh', '-c', 'setsid sh -c "echo started; exec sleep 98765" & wait'])
  const child = spawn(program, args, { ...here, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  expect(sleeping()).toBeGreaterThan(0)
  // The pipe ends when the last process that holds it is gone.
  const ended = new Promise((resolve) => child.stdout.once('end', resolve).resume())
  child.kill('SIGKILL')
  await ended
  // What was killed is on the list of processes for a moment.
  expect(await settle(sleeping, (count) => count === 0)).toBe(0)

  expect((await shell('setsid sleep 98765 >/dev/null 2>&1 & echo left')).out).toBe('left\n')
  expect(await settle(sleeping, (count) => count === 0)).toBe(0)
})

const sleeping = (): number =>
  readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('98765') && !/^State:\s+Z/m.test(readFileSync(`/proc/${name}/status`, 'utf8'))
    } catch {
      return false
    }
  }).length

sandboxed('a workspace of any name is one', async () => {
  const odd = join(someone.project, ' a "b\'\n--bind $(id) ü')
  mkdirSync(odd)
  const { code } = await shell('echo x > here && ! echo x > ../above', made({ workspace: odd, network: false, env: someone.env }), { ...here, cwd: odd })
  expect(code).toBe(0)
  expect(readdirSync(odd)).toEqual(['here'])
})

sandboxed('further folders can be written, if they were named', async () => {
  const cache = join(someone.home, 'cache')
  mkdirSync(cache)
  expect((await shell('echo x > ~/cache/one')).code).not.toBe(0)
  expect((await shell('echo x > ~/cache/one', made({ workspace: someone.project, network: false, env: someone.env, also: [cache] }))).code).toBe(0)
})

// Each is what a repository, or a command before, could have prepared.
const gitUser = ['-c', 'user.name=a', '-c', 'user.email=a@b'].join(' ')

function repository(name: string): ReturnType<typeof user> & { readonly git: (...args: readonly string[]) => Promise<Ran> } {
  const one = user(name)
  const outside: Sandbox = { wrap: (argv) => argv, description: '', tidy: () => undefined }
  return { ...one, git: (...args) => run(outside, ['/usr/bin/env', 'git', ...args], { cwd: one.project, env: { ...one.env, GIT_CONFIG_GLOBAL: '/dev/null' } }) }
}

sandboxed(
  'a commit is possible; hooks and configuration are not',
  async () => {
    const one = repository('repository')
    await one.git('init', '-q')
    const at = { cwd: one.project, env: one.env }
    const sandbox = made({ workspace: one.project, network: false, env: one.env })
    const committed = await shell(`echo x > file && git add . && git ${gitUser} commit -qm first && git log --oneline`, sandbox, at)
    expect(committed).toMatchObject({ code: 0, out: expect.stringContaining('first') })
    const attempts = [
      'echo x > .git/hooks/post-checkout',
      'git config core.fsmonitor ./evil',
      'echo x >> .git/config',
      'mv .git/config .git/c2',
      'rm -f .git/config',
      'mv .git/hooks .git/h2',
      'mv .git other && mkdir .git',
      'rm -rf .git && mkdir .git',
      'ln -sfn /tmp .git/hooks && false',
    ]
    for (const attempt of attempts) expect(await shell(attempt, sandbox, at), attempt).not.toMatchObject({ code: 0 })
    expect(readFileSync(join(one.project, '.git/config'), 'utf8')).not.toContain('evil')
    expect(existsSync(join(one.project, '.git/hooks/post-checkout'))).toBe(false)
  },
  20_000,
)

sandboxed('hooks cannot be made where there are none', async () => {
  const one = repository('hookless')
  await one.git('init', '-q', '--template=')
  const sandbox = made({ workspace: one.project, network: false, env: one.env })
  await shell('mkdir -p .git/hooks; echo x > .git/hooks/pre-commit', sandbox, { cwd: one.project, env: one.env })
  expect(existsSync(join(one.project, '.git/hooks/pre-commit'))).toBe(false)
})

sandboxed('a repository that a command redirects is put right, and before that no sandbox is made for it', async () => {
  const one = repository('redirected')
  await one.git('init', '-q')
  const from = { workspace: one.project, network: false, env: one.env }
  const sandbox = made(from)
  await shell('mkdir evil && echo ../evil > .git/commondir', sandbox, { cwd: one.project, env: one.env })
  expect(sandboxFor(from)).toMatchObject({ refused: 'invalid', message: expect.stringContaining('commondir') })
  expect(sandbox.tidy()).toContain('commondir')
  expect(sandbox.tidy()).toBeUndefined()
  expect((await one.git('status')).code).toBe(0)
})

sandboxed(
  "in a worktree a commit is possible, and nothing of the repository's other trees is changed",
  async () => {
    const one = repository('worktree')
    await one.git('init', '-q')
    await one.git(...gitUser.split(' '), 'commit', '-q', '--allow-empty', '-m', 'first')
    const tree = join(top, 'worktree/tree')
    await one.git('worktree', 'add', '-q', tree)
    await one.git('worktree', 'add', '-q', join(top, 'worktree/other'))
    const at = { cwd: tree, env: one.env }
    const sandbox = made({ workspace: tree, network: false, env: one.env })
    expect(await shell(`echo x > file && git add . && git ${gitUser} commit -qm second`, sandbox, at)).toMatchObject({ code: 0 })
    expect((await one.git('log', '--oneline', 'tree')).out).toContain('second')
    for (const attempt of [
      `echo x > ${one.project}/file`,
      `echo x > ${one.project}/.git/hooks/pre-commit`,
      `echo x >> ${one.project}/.git/config`,
      `echo x > ${one.project}/.git/worktrees/other/commondir`,
      `mv ${one.project}/.git/worktrees ${one.project}/.git/w2`,
      `echo x > ${one.project}/.git/worktrees/tree/commondir`,
      'echo gitdir: evil > .git',
      'rm -f .git',
    ])
      expect(await shell(attempt, sandbox, at), attempt).not.toMatchObject({ code: 0 })
  },
  20_000,
)

sandboxed('a workspace that only claims to be a worktree opens nothing', async () => {
  const one = user('claims')
  // Somebody else's repository, and a folder that was made to look like one of its worktrees, but that the repository does not know.
  const victim = join(top, 'claims/victim')
  for (const folder of ['objects', 'refs', 'worktrees/w', 'hooks']) mkdirSync(join(victim, folder), { recursive: true })
  for (const file of ['HEAD', 'config']) writeFileSync(join(victim, file), '')
  writeFileSync(join(victim, 'worktrees/w/gitdir'), join(top, 'claims/elsewhere/.git'))
  writeFileSync(join(one.project, '.git'), `gitdir: ${victim}/worktrees/w\n`)
  const { code } = await shell(`echo x > ${victim}/planted`, made({ workspace: one.project, network: false, env: one.env }), { cwd: one.project, env: one.env })
  expect(code).not.toBe(0)
  for (const to of ['..', someone.home, '/', `${victim}`, '\0']) {
    writeFileSync(join(one.project, '.git'), `gitdir: ${to}\n`)
    expect(
      (
        await shell(`echo x > ${victim}/planted || echo x > ${someone.home}/planted`, made({ workspace: one.project, network: false, env: one.env }), {
          cwd: one.project,
          env: one.env,
        })
      ).code,
    ).not.toBe(0)
  }
  rmSync(join(one.project, '.git'))
  symlinkSync(victim, join(one.project, '.git'))
  expect((await shell(`echo x > .git/planted`, made({ workspace: one.project, network: false, env: one.env }), { cwd: one.project, env: one.env })).code).not.toBe(0)
})

test('without bubblewrap, or where it fails, there is a refusal that says what to do', () => {
  const none = join(top, 'none')
  mkdirSync(none)
  expect(sandboxFor({ workspace: someone.project, network: false, env: { ...someone.env, PATH: none } }, 'linux')).toMatchObject({
    refused: 'not-supported',
    message: expect.stringContaining('bwrap'),
    hint: expect.stringContaining('apt install bubblewrap'),
  })
  writeFileSync(join(none, 'bwrap'), '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2; exit 1\n')
  chmodSync(join(none, 'bwrap'), 0o755)
  expect(sandboxFor({ workspace: someone.project, network: false, env: { ...someone.env, PATH: none } }, 'linux')).toMatchObject({
    refused: 'not-supported',
    message: expect.stringContaining('No permissions to create new namespace'),
  })
  expect(sandboxFor({ workspace: someone.project, network: false, env: someone.env }, 'win32')).toMatchObject({ refused: 'not-supported' })
})

test('a bubblewrap that the workspace brought along is not taken', () => {
  const brings = user('brings')
  writeFileSync(join(brings.project, 'bwrap'), '#!/bin/sh\nexit 0\n')
  chmodSync(join(brings.project, 'bwrap'), 0o755)
  for (const PATH of [brings.project, '.', ''])
    expect(sandboxFor({ workspace: brings.project, network: false, env: { ...brings.env, PATH } }, 'linux')).toMatchObject({ refused: 'not-supported' })
})

test.each([
  ['the home', (): string => someone.home],
  ['what holds the home', (): string => join(top, 'someone')],
  ['everything', (): string => '/'],
  ['a folder of the system', (): string => '/etc'],
  ['a folder with keys', (): string => join(someone.home, '.ssh')],
  ['what is not there', (): string => join(top, 'nothing')],
  ['a relative path', (): string => '.'],
  ['a path with a zero byte', (): string => `${top}\0`],
])('no sandbox is made that opens %s', (_, path) => {
  expect(sandboxFor({ workspace: path(), network: false, env: someone.env })).toMatchObject({ refused: 'invalid', message: expect.stringContaining('a sandbox cannot be made') })
  expect(sandboxFor({ workspace: someone.project, also: [path()], network: false, env: someone.env })).toMatchObject({ refused: 'invalid' })
})

test('the profile for macOS has the same bounds, the deeper rule last', () => {
  const profile = seatbeltProfile(
    {
      workspace: '/u/hidden/work "x"',
      writable: ['/u/hidden/work "x"', '/u/repo/.git', '/u/repo/.git/worktrees/w'],
      fixed: ['/u/repo/.git/worktrees', '/u/repo/.git/config', '/u/repo/.git/worktrees/w/commondir'],
      absent: ['/u/repo/.git/hooks'],
      hiddenFolders: ['/u/hidden', '/u/hidden/work "x"/keys'],
      hiddenFiles: ['/u/.netrc'],
      redirect: null,
    },
    '/t/mine',
    false,
  ).split('\n')
  const at = (rule: string): number => {
    expect(profile).toContain(rule)
    return profile.indexOf(rule)
  }
  expect(profile.slice(0, 2)).toEqual(['(version 1)', '(deny default)'])
  expect(profile.join('\n')).not.toContain('network')
  const order = [
    '(allow file-read*)',
    '(deny file-read* file-write* (subpath "/u/hidden"))',
    '(allow file-read* file-write* (subpath "/u/hidden/work \\"x\\""))',
    '(deny file-read* file-write* (subpath "/u/hidden/work \\"x\\"/keys"))',
  ]
  expect(order.map(at)).toEqual(order.map(at).toSorted((a, b) => a - b))
  const git = [
    '(allow file-read* file-write* (subpath "/u/repo/.git"))',
    '(deny file-write* (subpath "/u/repo/.git/worktrees"))',
    '(allow file-read* file-write* (subpath "/u/repo/.git/worktrees/w"))',
    '(deny file-write* (subpath "/u/repo/.git/worktrees/w/commondir"))',
  ]
  expect(git.map(at)).toEqual(git.map(at).toSorted((a, b) => a - b))
  at('(deny file-write* (subpath "/u/repo/.git/hooks"))')
})
