// What `offstage agents hooks` adds to the settings of an agent when its user wants it. Data only.

export interface AgentHooks {
  /** The settings, below the home; or, with `$NAME|`, below the directory that this variable names. JSON with the table `hooks`. */
  readonly files: readonly string[]
  /** By the agent's name of a moment, what is reported then: the pairs of an OSC 7501. */
  readonly reports: Readonly<Record<string, string>>
  /** Since this version it tells all of it by itself. */
  readonly needlessSince?: string
}

/** The shell finds it in a command that is ours. */
export const hookMark = '# offstage'

/** Agents give their hooks no terminal (seen with Claude Code 2.1.197), but the agent that runs them has one. Elsewhere than in a session of Offstage nothing is written. */
export const hookCommand = (report: string): string =>
  `[ -z "$OFFSTAGE_SESSION" ] || { t=$(ps -o tty= -p $PPID | tr -d ' '); case $t in pts/*|tty*) printf '\\033]7501;id=offstage:${report}\\033\\\\' > "/dev/$t";; esac; } 2>/dev/null || true ${hookMark}`

/** Seen with 2.1.197. Nothing fires when it is interrupted, or when a permission is refused by Escape. */
export const claudeHooks: AgentHooks = {
  files: ['$CLAUDE_CONFIG_DIR|settings.json', '.claude/settings.json'],
  reports: {
    SessionStart: 'state=idle',
    UserPromptSubmit: 'state=working',
    PermissionRequest: 'state=blocked:kind=permission',
    PostToolUse: 'state=working',
    Stop: 'state=done',
    SessionEnd: 'state=clear',
  },
  needlessSince: '2.1.295',
}
