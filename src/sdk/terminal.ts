// The way to a terminal session's bytes: a client on the same machine speaks to the session's keeper itself, so that nothing stands between the keys and the program.

import type { SessionView } from '../core/view.ts'
import { type KeeperConnection, KeeperUnreachable, connectKeeper } from '../keeper/connection.ts'

/** Undefined when nobody is there any more. The caller closes it. */
export async function connectTerminal({ attach }: Pick<SessionView, 'attach'>, signal: AbortSignal): Promise<KeeperConnection | undefined> {
  if (attach === null) return undefined
  try {
    return await connectKeeper(attach.socket, { nonce: attach.nonce }, signal)
  } catch (cause) {
    if (cause instanceof KeeperUnreachable) return undefined
    throw cause
  }
}
