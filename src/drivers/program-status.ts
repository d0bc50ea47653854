// OSC 7501, the Program Status Protocol (revision 0.3, https://www.superlogical.com/rex/docs/build/program-status): how one report is read. A program says what it is doing, and why it
// waits; each report replaces the record of its id as a whole. A pair that cannot be read is passed over; a limit that is broken discards the report.

import type { ClaimedState, PartClaim } from '../core/signal.ts'
import { textOfBase64 } from './base64.ts'

/** Its id is empty for the program as a whole. Texts are as sent: untrusted, but without controls. */
export type StatusReport = { readonly id: string; readonly clear: true } | ({ readonly id: string; readonly clear?: never } & Omit<PartClaim, 'atOffset'>)

const states: ReadonlySet<string> = new Set<ClaimedState>(['idle', 'working', 'blocked', 'done', 'error'])
const kinds: ReadonlySet<string> = new Set(['permission', 'question', 'auth'])

/** Bytes. */
const longest: Readonly<Record<string, number>> = { msg: 2732, title: 256, app: 32, id: 128 }
const longestDecoded: Readonly<Record<string, number>> = { msg: 2048, title: 192 }
const longestKey = 16
const deepestId = 8

const segment = /^[A-Za-z0-9_.+-]{1,32}$/
/* oxlint-disable-next-line no-control-regex */
const control = /[\0-\x1f\x7f-\x9f]/

/** `body`: what follows `7501;`. Undefined if it is no report. */
export function statusReport(body: string): StatusReport | undefined {
  const pairs = new Map<string, string>()
  const texts = new Map<string, string>()
  for (const pair of body.split(':')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const key = pair.slice(0, equals).trim()
    const value = pair.slice(equals + 1).trim()
    if (key.length > longestKey) return undefined
    if (!/^[a-z]+$/.test(key) || !/^[A-Za-z0-9_.,+/=-]*$/.test(value)) continue
    if (value.length > (longest[key] ?? Infinity)) return undefined
    if (key === 'id' && value.split('/').length > deepestId) return undefined
    const longestText = longestDecoded[key]
    if (longestText !== undefined) {
      const text = textOfBase64(value)
      if (text === undefined || utf8Length(text) > longestText || control.test(text)) return undefined
      texts.set(key, text)
    }
    pairs.set(key, value)
  }
  const state = pairs.get('state')
  const id = pairs.get('id') ?? ''
  if (state === undefined || (pairs.has('id') && !id.split('/').every((one) => segment.test(one)))) return undefined
  if (state === 'clear') return { id, clear: true }
  if (!isState(state)) return undefined
  const kind = pairs.get('kind')
  const progress = pairs.get('progress')
  const app = pairs.get('app')
  const title = texts.get('title')
  const message = texts.get('msg')
  return {
    id,
    state,
    ...(state === 'blocked' && isKind(kind) ? { kind } : {}),
    ...((state === 'working' || state === 'blocked') && progress !== undefined && /^\d{1,3}$/.test(progress) && Number(progress) <= 100 ? { progress: Number(progress) } : {}),
    ...(app !== undefined && segment.test(app) ? { app } : {}),
    ...(title ? { title } : {}),
    ...(message ? { message } : {}),
  }
}

const isState = (state: string): state is ClaimedState => states.has(state)
const isKind = (kind: string | undefined): kind is NonNullable<PartClaim['kind']> => kind !== undefined && kinds.has(kind)

function utf8Length(text: string): number {
  let length = 0
  for (const character of text) {
    const code = character.codePointAt(0) as number
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return length
}
