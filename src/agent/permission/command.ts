// What a shell command may do, judged from its text alone: whether it only reads, and why somebody has to be asked whatever the mode is. Pure. Errs on the side of
// asking: what is not understood for certain is asked about. It is a seat belt for a model that means well, not a wall against one that does not; the sandbox is the wall.

import { type SimpleCommand, type Word, readCommands } from './shell-words.ts'

export interface CommandVerdict {
  /** `reads`: it certainly changes nothing. */
  readonly effect: 'reads' | 'changes'
  /** Why it is always asked about; empty if the mode decides. */
  readonly asks: readonly string[]
  /** What a permission for the rest of the session would cover, e.g. `npm test`; empty if none can be given. */
  readonly covers: readonly string[]
}

/** `inside`: whether a path, as it is written in the command, lies in the workspace. */
export function judgeCommand(command: string, inside: (path: string) => boolean): CommandVerdict {
  const commands = readCommands(command)
  if (!commands) return { effect: 'changes', asks: ['it cannot be read for certain'], covers: [] }
  const { effect, asks, covers } = together(commands, inside, 0)
  return { effect: effect === 'reads' && asks.length === 0 && commands.length > 0 ? 'reads' : 'changes', asks, covers: asks.length > 0 ? [] : covers }
}

function together(commands: readonly SimpleCommand[], inside: (path: string) => boolean, depth: number): CommandVerdict {
  const verdicts = commands.map((one) => judge(one, inside, depth))
  const runs = (names: readonly string[]): boolean => commands.some(({ words }) => words.some(({ text }) => names.includes(text)))
  // A folder of a repository can be a repository itself, whose configuration names programs.
  const gitElsewhere = runs(['cd', 'pushd', 'popd']) && runs([gitName])
  const reads = verdicts.every((one) => one.effect === 'reads') && !gitElsewhere
  return verdict(reads ? 'reads' : 'changes', [...new Set(verdicts.flatMap((one) => one.asks))], [...new Set(verdicts.flatMap((one) => one.covers))])
}

const gitName = 'git'

const shells = new Set(['sh', 'bash', 'zsh', 'dash', 'ksh', 'fish', 'ash', 'csh', 'tcsh', 'busybox'])
const interpreters = new Set(['node', 'deno', 'bun', 'python', 'python2', 'python3', 'perl', 'ruby', 'php', 'lua', 'awk', 'gawk', 'mawk', 'tclsh', 'osascript', 'pwsh', 'Rscript'])
/** Options of interpreters that are followed by code. */
const codeOptions = new Set(['-c', '-e', '-E', '-r', '-p', '-pe', '-ne', '--eval', '--print', '--execute', '-pi', '-n', '-i'])
const asOthers = new Set(['sudo', 'doas', 'su', 'pkexec', 'run0', 'runuser', 'setpriv', 'chroot', 'nsenter', 'unshare'])
const deleting = new Set([
  'rm',
  'rmdir',
  'unlink',
  'shred',
  'wipe',
  'srm',
  'trash',
  'dd',
  'truncate',
  'wipefs',
  'dropdb',
  'dropuser',
  'userdel',
  'killall',
  'pkill',
  'shutdown',
  'reboot',
  'halt',
  'poweroff',
])
const elsewhere = new Set(['ssh', 'scp', 'sftp', 'mosh', 'telnet', 'ftp', 'rsync', 'nc', 'ncat', 'netcat', 'socat'])
/** As the first word behind a program: `docker rm`, `npm run clean`, `kubectl delete`. */
const deletingWords =
  /^(rm|rmi|del|delete|remove|prune|purge|destroy|drop|uninstall|unpublish|publish|clean|cleanall|distclean|erase|wipe|reset|flush)$|:(clean|reset|drop|delete|destroy|wipe|purge)\b/
/** They run another command, in ways of their own. */
const runningOthers = new Set(
  'flock taskset chrt script parallel unbuffer chronic entr watch at batch crontab systemd-run expect vim vi nvim view ex ed emacs gdb lldb ltrace valgrind numactl prlimit setarch faketime dbus-run-session rlwrap bwrap firejail sqlite3 psql mysql'.split(
    ' ',
  ),
)
/** Builtins that run a text later, or take another program for a name. */
const runningLater = new Set(['eval', 'trap', 'alias', 'hash', 'enable', 'bind', 'complete', 'compgen', 'fc', 'mapfile', 'readarray', 'let', 'shopt'])
/** Builtins that evaluate the names that they are given: `a[$(…)]`. */
const evaluating = new Set(['test', '[', 'printf', 'declare', 'typeset', 'local', 'readonly', 'export', 'unset', 'read', 'getopts', 'wait'])
/** They run the command that follows their own options. `values`: options that are followed by a value; `flags`: those that stand by themselves. Others are not known. */
const wrappers: Readonly<Record<string, { readonly values?: readonly string[]; readonly flags?: RegExp }>> = {
  env: { values: ['-u', '--unset', '-C', '--chdir'], flags: /^(-|-i|-0|-v|-[uC].+|--(unset|chdir)=.*|--ignore-environment|--null|--debug)$/ },
  nohup: {},
  nice: { values: ['-n', '--adjustment'], flags: /^(-n?-?\d+|--adjustment=.*)$/ },
  ionice: { values: ['-c', '-n', '--class', '--classdata'], flags: /^(-[cn]\d|-t|--(class|classdata)=.*)$/ },
  timeout: { values: ['-s', '-k', '--signal', '--kill-after'], flags: /^(-[sk].+|--(signal|kill-after)=.*|--preserve-status|--foreground|-v|--verbose)$/ },
  time: { values: ['-f', '--format'], flags: /^(-p|-v|--format=.*|--portability|--verbose)$/ },
  stdbuf: { values: ['-i', '-o', '-e', '--input', '--output', '--error'], flags: /^(-[ioe].+|--(input|output|error)=.*)$/ },
  setsid: { flags: /^(-[cfw]+|--(ctty|fork|wait))$/ },
  command: { flags: /^-p$/ },
  builtin: {},
  exec: { values: ['-a'], flags: /^-[cl]+$/ },
  caffeinate: { values: ['-t', '-w'], flags: /^-[dimsu]+$/ },
  strace: { values: ['-e', '-s'], flags: /^-[fqvtTrx]+$/ },
  xargs: { values: ['-n', '-P', '-I', '-L', '-d', '-s', '-a', '-E'], flags: /^(-[0rtx]+|-[nPILdsa].+|--(null|no-run-if-empty|verbose|exit)|--[a-z-]+=.*)$/ },
}

/** Options that take what follows them, before git's subcommand. */
const gitValueOptions = new Set(['-C', '-c', '--git-dir', '--work-tree', '--namespace', '--exec-path', '--config-env'])

type Verdict = CommandVerdict

const verdict = (effect: Verdict['effect'], asks: readonly string[] = [], covers: readonly string[] = []): Verdict => ({ effect, asks, covers })

function judge(command: SimpleCommand, inside: (path: string) => boolean, depth: number): Verdict {
  const targets = command.redirects.map(({ target }) => target)
  const around = placesOf([...command.words.slice(1), ...targets, ...command.assignments], inside)
  const written = command.redirects.filter(({ writes, target }) => writes && !isSink(target.text)).map(({ target }) => ` > ${target.text}`)
  const assigned = command.assignments.map(({ text }) => `${text} `)
  const changes = written.length > 0 || assigned.length > 0
  const [first] = command.words
  if (!first) return verdict(changes ? 'changes' : 'reads', around, changes ? [[...assigned, ...written].join('').trim()] : [])
  if (first.unknown || (isPattern(first.text) && first.text !== '[')) return verdict('changes', ['which program it runs is only known when it runs', ...around])
  const own = programAt(first.text, program(first, command, inside, depth))
  const asks = [
    ...placesOf([first], inside),
    ...own.asks,
    ...around,
    ...(changes || own.effect === 'changes' || first.text === 'cd' || first.text === 'pushd' ? gitsOwn(first.text, command) : []),
  ]
  const covers = changes ? own.covers.map((cover) => [...assigned, cover, ...written].join('')) : own.covers
  return verdict(changes ? 'changes' : own.effect, asks, covers)
}

/** They name what is left out. */
const leavingOut = new Set(['find', 'tar', 'zip', 'tree', 'rg', 'fd'])

/** What lies in .git is executed or believed by git later. */
function gitsOwn(name: string, { words, redirects }: SimpleCommand): readonly string[] {
  const named = [...redirects.filter(({ writes }) => writes).map(({ target }) => target), ...(leavingOut.has(name) ? [] : words.slice(1))]
  return named.some(({ text }) => /(^|[/=])\.git(\/|$)/i.test(text)) ? ['it touches what belongs to git itself'] : []
}

const isPattern = (text: string): boolean => /[*?[]/.test(text)

/** A file of the workspace can be called like an option. */
const mayBeOption = (text: string): boolean => /^(-.*)?[*?[]/.test(text)

const isSink = (path: string): boolean => /^\/dev\/(null|stdout|stderr|tty|fd\/\d+)$/.test(path)

/** Paths outside the workspace among them, and those that are not known. */
function placesOf(words: readonly Word[], inside: (path: string) => boolean): readonly string[] {
  return words.flatMap(({ text, unknown }) => {
    if (unknown) return ['part of it is only known when it runs']
    // --option=PATH, -IPATH, NAME=PATH, host:PATH, @FILE
    const parts = [text, ...text.split(/[=:,@]/).slice(1), ...(/^-\w(.+)/.exec(text)?.slice(1) ?? []), ...(/^-\w+?([~./].*)/.exec(text)?.slice(1) ?? [])]
    if (/^\w[\w+.-]*:\/\//.test(text) && !/^file:/i.test(text)) return []
    const outside = parts.find((part) => part !== '' && !part.startsWith('-') && !isSink(part) && (part === text ? !inside(part) : looksLikePath(part) && !inside(part)))
    return outside === undefined ? [] : [`${outside} is outside the workspace`]
  })
}

const looksLikePath = (text: string): boolean => /^(\/|~|\.\.?(\/|$))|\/\.\.(\/|$)/.test(text)

/** A program of the workspace is not the one that is known by this name. */
function programAt(path: string, own: Verdict): Verdict {
  if (!path.includes('/')) return own
  const name = path.replace(/^.*\//, '')
  return {
    effect: 'changes',
    asks: own.asks,
    covers: own.covers.map((cover) => (cover === name || cover.startsWith(`${name} `) ? path + cover.slice(name.length) : `${path} ${cover}`)),
  }
}

function program(first: Word, command: SimpleCommand, inside: (path: string) => boolean, depth: number): Verdict {
  const args = command.words.slice(1)
  const name = first.text.replace(/^.*\//, '')
  const texts = args.map((word) => word.text)
  if (asOthers.has(name)) return verdict('changes', ['it runs something with other rights'])
  if (elsewhere.has(name)) return verdict('changes', ['it reaches another machine'])
  if (deleting.has(name) || name.startsWith('mkfs')) return verdict('changes', [`${name} deletes or overwrites`])
  if (runningOthers.has(name)) return verdict('changes', [`${name} runs another command`])
  if (runningLater.has(name)) return verdict('changes', ['it runs a text that is only known when it runs'])
  if (evaluating.has(name) && texts.some((text) => /[$`]/.test(text) || /^-\w*i/.test(text))) return verdict('changes', [`${name} may run what it is given`])
  if (name === 'for' && !/^[a-z_][a-z0-9_]*$/.test(texts[0] ?? '')) return verdict('changes', [`it sets ${texts[0] ?? ''}`])
  if (name === 'sed' && runsOrWrites(texts)) return verdict('changes', ['sed may run or write anything'])
  if (name === 'tar' && texts.some((text) => /^--(ch.*-a|to-c|us|rsh|in.*-s|n.*-s)|^-[a-zA-Z]*[IF]/.test(text))) return verdict('changes', ['tar runs another command'])
  if (name === 'fd' && texts.some((text) => /^(-[a-zA-Z]*[xX]|--ex)/.test(text))) return verdict('changes', ['fd runs another command'])
  if (Object.hasOwn(wrappers, name)) return wrapped(name, command, inside, depth)
  if (shells.has(name)) return shell(name, command, inside, depth)
  if (isInterpreter(name)) return interpreter(name, command)
  if (name === 'git') return versionControl(texts)
  if (name === 'find') return search(command, inside, depth)
  if (name === 'cd' || name === 'pushd') return texts.every((text) => text.startsWith('-')) ? verdict('reads', ['it leaves the workspace']) : verdict('reads')
  const word = texts.find((text) => !text.startsWith('-'))
  const script = ['run', 'run-script', 'exec', 'x', 'compose', 'image', 'container', 'volume', 'system', 'cache'].includes(word ?? '')
    ? texts.filter((text) => !text.startsWith('-'))[1]
    : undefined
  if ([word, script].some((one) => one !== undefined && deletingWords.test(one)) && !isReading(name, texts))
    return verdict('changes', [`${name} ${script ?? word} deletes or overwrites`])
  const reads = isReading(name, texts)
  // What only reads as it is usually called may be told to write: then it is allowed as it stands, and so is what sends something away.
  const whole = !reads && (Object.hasOwn(reading, name) || wholeLine.has(name))
  return verdict(reads ? 'reads' : 'changes', [], [whole ? [name, ...texts].join(' ') : coverOf(name, texts)])
}

const wholeLine = new Set([
  'sed',
  'date',
  'curl',
  'wget',
  'http',
  'https',
  'xh',
  'cp',
  'mv',
  'ln',
  'tee',
  'install',
  'touch',
  'chmod',
  'chown',
  'docker',
  'podman',
  'kubectl',
  'gh',
  'aws',
  'gcloud',
  'az',
])

/** The program and what follows it first: `npm test`, `make build`, `curl https://example.com/x`. */
function coverOf(name: string, args: readonly string[]): string {
  const plain = args.filter((text) => !text.startsWith('-'))
  const most = ['run', 'run-script', 'exec', 'compose'].includes(plain[0] ?? '') ? 2 : 1
  return [name, ...plain.slice(0, most)].join(' ')
}

const isInterpreter = (name: string): boolean => interpreters.has(name.replace(/[\d.]+$/, '')) || interpreters.has(name)

function wrapped(name: string, command: SimpleCommand, inside: (path: string) => boolean, depth: number): Verdict {
  const { values = [], flags } = wrappers[name] ?? {}
  const { words } = command
  let at = 1
  let changes = name === 'xargs' || name === 'exec'
  if (name === 'command' && ['-v', '-V'].includes(words[1]?.text ?? '')) return verdict('reads')
  for (; at < words.length; at++) {
    const text = words[at]?.text ?? ''
    const isAssignment = name === 'env' && /^[A-Za-z_]\w*=/.test(text)
    // With another PATH, or in another folder, it is another program.
    changes ||= isAssignment || (name === 'env' && /^(-C|--chdir)/.test(text))
    if (text === '--') {
      at++
      break
    }
    if (values.includes(text)) at++
    else if (text.startsWith('-') && !flags?.test(text)) return verdict('changes', ['it cannot be read for certain'])
    else if (!text.startsWith('-') && !isAssignment) break
  }
  if (name === 'timeout') at++
  const rest = words.slice(at)
  if (rest.length === 0) return verdict(name === 'env' || name === 'xargs' || name === 'time' ? 'reads' : 'changes')
  if (depth > 8) return verdict('changes', ['it cannot be read for certain'])
  // What xargs adds may be options, or a part of a text that is run.
  if (name === 'xargs' && reading[rest[0]?.text ?? ''] !== null) return verdict('changes', [`xargs gives ${rest[0]?.text} what is only known when it runs`])
  const inner = judge({ ...command, words: rest, piped: command.piped && name !== 'xargs', redirects: [], assignments: [] }, inside, depth + 1)
  const covers =
    name === 'env' && at > 1
      ? inner.covers.map(
          (cover) =>
            `${words
              .slice(0, at)
              .map(({ text }) => text)
              .join(' ')} ${cover}`,
        )
      : inner.covers
  return { ...inner, effect: changes ? 'changes' : inner.effect, covers }
}

/** `sh -c TEXT` is judged by its text, a shell that reads commands from elsewhere is not known. */
function shell(name: string, command: SimpleCommand, inside: (path: string) => boolean, depth: number): Verdict {
  const args = command.words.slice(1)
  const options = args.filter(({ text }) => /^[-+]/.test(text))
  // Options that are followed by a value, that read commands from elsewhere, or that are not known.
  if (options.some(({ text }) => !/^-[abefhilmnpruvxc]+$/.test(text) && !['--norc', '--noprofile', '--posix', '--login'].includes(text)))
    return verdict('changes', [`${name} runs what it is given, which is not known`])
  const at = args.findIndex((word) => /^-[a-z]*c[a-z]*$/.test(word.text))
  const code = at === -1 ? undefined : args[at + 1]
  if (code) {
    const inner = code.unknown || code.text.startsWith('-') || depth > 8 ? undefined : readCommands(code.text)
    if (!inner) return verdict('changes', ['it runs a text that is only known when it runs'])
    return together(inner, inside, depth + 1)
  }
  const script = args.find((word) => !word.text.startsWith('-'))
  if (command.piped || command.fed || !script || name === 'busybox' || command.redirects.some((one) => !one.writes))
    return verdict('changes', [`${name} runs what it is given, which is not known`])
  return verdict('changes', [], [`${name} ${script.text}`])
}

function interpreter(name: string, command: SimpleCommand): Verdict {
  const texts = command.words.slice(1).map((word) => word.text)
  const script = texts.find((text) => !text.startsWith('-'))
  const isOnlyVersion = texts.length === 1 && /^(-v|-V|--version|--help)$/.test(texts[0] ?? '')
  if (isOnlyVersion) return verdict('reads', [], [`${name} ${texts[0]}`])
  if (/^[gm]?awk$/.test(name)) return /system|\||>|getline/.test(texts.join(' ')) ? verdict('changes', [`${name} may run or write anything`]) : verdict('changes', [], [name])
  const given = texts.find((text) => codeOptions.has(text) || /^-[a-zA-Z]*[ecEr]/.test(text) || /^--(eval|print)=/.test(text))
  // `node --test`, `python -m pytest` run what lies in the workspace.
  const module = texts.indexOf('-m')
  if (script === 'eval') return verdict('changes', [`${name} runs code that is given to it`])
  if (given !== undefined && (module === -1 || texts.indexOf(given) < module)) return verdict('changes', [`${name} runs code that is given to it`])
  if (module !== -1) return verdict('changes', [], [`${name} -m ${texts[module + 1] ?? ''}`.trimEnd()])
  const mayStand = texts.some((text) => ['--test', '--check', '--run'].includes(text))
  if (!mayStand && (!script || command.fed || script === '-')) return verdict('changes', [`${name} runs what it is given, which is not known`])
  return verdict('changes', [], [script ? `${name} ${script}` : `${name} ${texts[0] ?? ''}`.trimEnd()])
}

const gitReads = new Set([
  'status',
  'log',
  'diff',
  'show',
  'blame',
  'rev-parse',
  'rev-list',
  'ls-files',
  'ls-tree',
  'describe',
  'shortlog',
  'cat-file',
  'merge-base',
  'name-rev',
  'whatchanged',
  'cherry',
  'count-objects',
  'version',
  'help',
])
/** What git takes away, by subcommand: any of these words in what follows. */
const gitDeletes: Readonly<Record<string, RegExp | true>> = {
  clean: true,
  rm: true,
  restore: true,
  'filter-branch': true,
  'filter-repo': true,
  'update-ref': /^(-d|--delete|--stdin)$/,
  reset: /^(--hard|--merge|--keep)$/,
  checkout: /^(?!-b$)/,
  switch: /^(-f|--force|--discard-changes|-C|--force-create)$/,
  branch: /^(-[a-zA-Z]*[dDfMC][a-zA-Z]*|--delete|--force|--move)$/,
  tag: /^(-[a-zA-Z]*[df][a-zA-Z]*|--delete|--force)$/,
  stash: /^(drop|clear|pop)$/,
  push: /^(-[a-zA-Z]*[fd][a-zA-Z]*|--force.*|--delete|--mirror|--prune|\+.*|:.*)$/,
  reflog: /^(expire|delete)$/,
  gc: /^--prune/,
  prune: true,
  worktree: /^(remove|prune)$/,
  remote: /^(remove|rm|prune)$/,
  submodule: /^deinit$/,
  notes: /^(remove|prune)$/,
  replace: /^-d$/,
}

/** Git takes a long option by its beginning. */
const isShortened = (text: string): boolean => {
  const name = /^--([a-z-]+)/.exec(text)?.[1]
  return (
    name !== undefined &&
    ['output', 'ext-diff', 'textconv', 'open-files-in-pager', 'upload-pack', 'receive-pack', 'exec', 'config', 'template'].some((option) => option.startsWith(name))
  )
}

/** What of git runs texts that it is given, or is told which programs to run. */
const gitRuns: Readonly<Record<string, RegExp>> = {
  bisect: /^run\b/,
  submodule: /\bforeach\b/,
  rebase: /(^| )-x/,
  difftool: /^/,
  mergetool: /^/,
  config: /^(?!(--(local|global|system) )*(--get\S*|--list|-l|get|list)( |$))/,
}

function versionControl(texts: readonly string[]): Verdict {
  let at = 0
  let plain = true
  while (texts[at]?.startsWith('-')) {
    // Its configuration can name programs.
    if (texts[at] !== '--no-pager' && texts[at] !== '-P') plain = false
    at += gitValueOptions.has(texts[at] ?? '') ? 2 : 1
  }
  const [subcommand = '', ...args] = texts.slice(at)
  if (!plain && texts.some((text) => text === '-c' || text.startsWith('--exec-path') || text.startsWith('--config-env')))
    return verdict('changes', ['it gives git a setting, which can name a program'])
  if (isPattern(subcommand)) return verdict('changes', ['which command of git it runs is only known when it runs'])
  if (Object.hasOwn(gitRuns, subcommand) && gitRuns[subcommand]?.test(args.join(' '))) return verdict('changes', [`git ${subcommand} runs another command`])
  const deletes = Object.hasOwn(gitDeletes, subcommand) ? gitDeletes[subcommand] : undefined
  const isNewBranch = subcommand === 'checkout' && args[0] === '-b'
  if (deletes === true || (deletes && !isNewBranch && args.some((text) => deletes.test(text)))) return verdict('changes', [`git ${subcommand} may take something away`])
  // Where to is a part of it.
  const covers = [['push', 'pull', 'fetch', 'clone', 'remote', 'submodule'].includes(subcommand) ? [gitName, ...texts].join(' ') : `git ${subcommand}`.trimEnd()]
  if (args.some((text) => /^(--output|--ext-diff|--textconv|-O|--open-files-in-pager|--upload-pack|--receive-pack|--exec)/.test(text) || isShortened(text)))
    return verdict('changes', ['it makes git run or write something else'])
  const lists =
    ['branch', 'remote', 'tag', 'config'].includes(subcommand) && args.every((text) => ['-v', '-vv', '-a', '-r', '--list', '-l', '--show-current', '--all', '--get'].includes(text))
  return verdict(plain && !args.some(mayBeOption) && (gitReads.has(subcommand) || lists || subcommand === '') ? 'reads' : 'changes', [], covers)
}

/** Whether a script of sed has the commands e, w or W, or a substitution with such a flag. */
function runsOrWrites(texts: readonly string[]): boolean {
  const first = texts.findIndex((text) => !text.startsWith('-'))
  const scripts = texts.flatMap((text, index) => {
    const attached = /^(?:-[a-zA-Z]*?e|--[a-z]+=)([^]+)$/.exec(text)?.[1]
    return attached !== undefined ? [attached] : index === first || /^-.*e$|^--exp/.test(texts[index - 1] ?? '') ? [text] : []
  })
  return scripts.some((script) => {
    // What stands between the slashes is text; of a substitution its flags are left.
    const orders = script.replaceAll(/[sy]([^\w\s\\])(?:\\.|(?!\1).)*\1(?:\\.|(?!\1).)*\1/g, ' ').replaceAll(/\/(?:\\.|[^/\\])*\//g, ' ')
    return /(^|[^a-zA-Z\\])[gimpIM\d]*[ewW]/.test(orders)
  })
}

function search(command: SimpleCommand, inside: (path: string) => boolean, depth: number): Verdict {
  const { words } = command
  const texts = words.map((word) => word.text)
  if (texts.includes('-delete')) return verdict('changes', ['find deletes'])
  const starts = texts.slice(1, texts.findIndex((text, index) => index > 0 && text.startsWith('-')) >>> 0)
  if (starts.some(mayBeOption)) return verdict('changes', ['a name that begins with "-" would be an order to find'])
  const at = texts.findIndex((text) => /^-(exec|execdir|ok|okdir)$/.test(text))
  if (at !== -1) {
    const rest = words.slice(at + 1).filter((word) => ![';', '+', '{}'].includes(word.text))
    // A second -exec would be judged as words of the first.
    if (depth > 8 || texts.slice(at + 1).some((text) => /^-(exec|execdir|ok|okdir)$/.test(text))) return verdict('changes', ['it cannot be read for certain'])
    return { ...judge({ ...command, words: rest, redirects: [], assignments: [] }, inside, depth + 1), effect: 'changes' }
  }
  const writes = texts.some((text) => /^-(fprint|fls|fprintf|fprint0)$/.test(text))
  return verdict(writes ? 'changes' : 'reads', [], [writes ? texts.join(' ') : 'find'])
}

/** Options that make a program write or run something, in short and long form. `null`: none. */
const reading: Readonly<Record<string, RegExp | null>> = {
  ls: null,
  cat: null,
  head: null,
  tail: null,
  wc: null,
  grep: null,
  egrep: null,
  fgrep: null,
  rg: /^--(pre|hostname-bin|search-zip)|^-[a-zA-Z]*z/,
  fd: /^(-[a-zA-Z]*[xX]|--ex)/,
  pwd: null,
  echo: null,
  printf: /^-v/,
  which: null,
  type: null,
  file: /^(-[a-zA-Z]*C|--c)/,
  stat: null,
  du: null,
  df: null,
  tree: /^(-[a-zA-Z]*[oR]|--output)/,
  // By their beginnings: --output, --compress-program, --temporary-directory.
  sort: /^(-[^-]*[oT]|--o|--co|--t)/,
  cut: null,
  tr: null,
  diff: null,
  cmp: null,
  comm: null,
  basename: null,
  dirname: null,
  realpath: null,
  readlink: null,
  jq: null,
  column: null,
  nl: null,
  od: null,
  true: null,
  false: null,
  test: null,
  '[': null,
  sleep: null,
  whoami: null,
  id: null,
  uname: null,
  printenv: null,
  md5sum: null,
  sha256sum: null,
  for: null,
  ':': null,
}

function isReading(name: string, args: readonly string[]): boolean {
  if (name === 'sed') return args.length >= 2 && args[0] === '-n' && /^\d*(,(\d+|\$))?p$/.test(args[1] ?? '') && !args.slice(2).some((text) => text.startsWith('-'))
  if (name === 'date') return args.every((text) => text.startsWith('+') || ['-u', '--iso-8601', '-I'].includes(text))
  if (!Object.hasOwn(reading, name)) return false
  const writes = reading[name]
  return !writes || !args.some((text) => writes.test(text) || mayBeOption(text))
}
