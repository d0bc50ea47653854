// A signal for a program of ours and all that it started in its group.

/** Nothing, when nobody of it is left. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Gone meanwhile.
  }
}
