// What the agent's own tools have in common: a call is first looked at (what would it do, to what), then asked about where it has to be, then done.

import type { ToolCallContent, ToolKind } from '@agentclientprotocol/sdk/unstable'
import type { Action } from '../permission/decide.ts'
import type { ToolResult } from '../thinker.ts'

export interface Step {
  /** For people, one line. */
  readonly title: string
  readonly kind: ToolKind
  /** Absolute. */
  readonly paths: readonly string[]
  /** Undefined: nobody has to be asked. */
  readonly action?: Action
  /** The client sees what it does in another way. */
  readonly untold?: boolean
  /** What it would change. */
  readonly content?: readonly ToolCallContent[]
  /** `print`: what it has printed so far. */
  readonly run: (signal: AbortSignal, print: (text: string) => void) => Promise<ToolResult>
}

export type Input = Readonly<Record<string, unknown>>

export interface OwnTool {
  readonly name: string
  readonly description: string
  readonly input: Readonly<Record<string, unknown>>
  /** Not there in plan mode, or only there. */
  readonly planMode?: 'never' | 'only'
  /** Throws CallInvalid. */
  readonly look: (input: Input, callId: string) => Promise<Step> | Step
}

/** The call makes no sense as it is; the message is for the model. */
export class CallInvalid extends Error {}

export const failed = (text: string): ToolResult => ({ text, failed: true })
export const done = (text: string): ToolResult => ({ text, failed: false })

type Property = Readonly<Record<string, unknown>>

export const schema = (properties: Readonly<Record<string, Property>>, required: readonly string[]): Property => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
export const string = (description: string): Property => ({ type: 'string', description })
export const integer = (description: string): Property => ({ type: 'integer', minimum: 1, description })
export const flag = (description: string): Property => ({ type: 'boolean', description })

export function text(input: Input, name: string): string {
  const value = input[name]
  if (typeof value === 'string') return value
  throw new CallInvalid(`"${name}" has to be a text`)
}

export function maybeText(input: Input, name: string): string | undefined {
  const value = input[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function maybeNumber(input: Input, name: string): number | undefined {
  const value = input[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** For people, below the folder that they work in. */
export const shown = (root: string, path: string): string => (path === root ? '.' : path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path)

export const codeOf = (thrown: unknown): string => (thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '')

/** Why the system did not let a file be touched, for the model. */
export function fileProblem(path: string, thrown: unknown): string {
  switch (codeOf(thrown)) {
    case 'ENOENT':
      return `there is no ${path}`
    case 'EISDIR':
      return `${path} is a folder`
    case 'ENOTDIR':
      return `a part of ${path} is a file, not a folder`
    case 'EACCES':
    case 'EPERM':
      return `${path}: permission denied`
    default:
      return `${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  }
}
