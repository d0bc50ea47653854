// Makes the terminal sane again should this process be killed while the screens own it: a shell that waits for the end of a pipe, and does nothing while it lasts.

import { spawn } from 'node:child_process'

/** Everything that the screens switch on: other screen, mouse, focus, paste, keyboard, wrapping, cursor, colours, title; and the margins of a terminal session that was attached. */
const reset = String.raw`\033[?1006l\033[?1004l\033[?1003l\033[?1002l\033[?1000l\033[?2004l\033[<u\033[?7h\033[?2026l\033[?1049l\0337\033[r\0338\033[?25h\033[0m\033[23;2t\r\n`

/** The screens were left in good order: a word. Otherwise the pipe just ends. */
const script = `read -r word; [ "$word" = left ] && exit 0; printf '${reset}'; stty sane <&1`

/** The returned function ends the watch. */
export function guardTerminal(terminal: number): () => void {
  // In a session of its own: what ends the foreground of the terminal does not end it.
  const shell = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', terminal, 'ignore'] })
  shell.on('error', () => {})
  shell.stdin?.on('error', () => {})
  shell.unref()
  return () => void shell.stdin?.end('left\n')
}
