// The one global that core's interfaces name and the bare language library lacks.
interface AbortSignal {
  readonly aborted: boolean
}
