// The SDK: Api over the wire, for programs on this machine. `connect` is the only entry.

export type { Accepted, Api, Draft, Frame, Hit, ListFrame, OutputFrame, OutputQuery, Screen, ScreenQuery, SearchQuery, Submission, WatchQuery } from '../core/api.ts'
export type { RequestView, SessionView } from '../core/view.ts'
export { type Refusal, type RefusalCode, isRefusal } from '../core/errors.ts'
export { type Client, type ConnectOptions, type DaemonStatus, DaemonUnreachable } from './client.ts'
export { connect } from './connect.ts'
