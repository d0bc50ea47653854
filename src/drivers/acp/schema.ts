// What an agent may send, as far as we read it. Stricter than nothing and milder than the SDK's own schemas (which are not exported): a field that does not fit is
// left out where the rest makes sense without it, so that an agent that is a little off, or a little newer, can still be used.

import type * as acp from '@agentclientprotocol/sdk'
import { z } from 'zod'

const text = z.string()
const maybeText = z.string().nullish().catch(undefined)
const maybeFlag = z.boolean().nullish().catch(undefined)
const maybeNumber = z.number().nullish().catch(undefined)
/** A list without the elements that do not fit. */
const listOf = <T extends z.ZodType>(element: T) =>
  z.array(z.unknown()).transform((all) =>
    all.flatMap((one): z.output<T>[] => {
      const parsed = element.safeParse(one)
      return parsed.success ? [parsed.data] : []
    }),
  )
const maybeListOf = <T extends z.ZodType>(element: T) => listOf(element).nullish().catch(undefined)
const capability = z.unknown().transform((value) => typeof value === 'object' && value !== null)

export const rpcError = z.object({ code: z.number().catch(0), message: z.string().catch('no message'), data: z.unknown().optional() })

export const initializeResponse = z.object({
  protocolVersion: z.number(),
  agentCapabilities: z
    .object({ loadSession: maybeFlag, sessionCapabilities: z.object({ resume: capability.optional(), close: capability.optional() }).nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
  authMethods: maybeListOf(z.object({ id: text, name: text, description: maybeText, type: maybeText, args: maybeListOf(text) })),
  agentInfo: z
    .object({ name: text, title: maybeText, version: text.catch('') })
    .nullish()
    .catch(undefined),
})

const selectOption = z.object({ value: text, name: text })
const configOption = z.object({
  id: text,
  name: maybeText,
  description: maybeText,
  category: maybeText,
  currentValue: z.union([z.string(), z.boolean()]),
  options: listOf(z.union([selectOption, z.object({ options: listOf(selectOption) })])).optional(),
})

export const sessionResponse = z
  .object({
    sessionId: maybeText,
    modes: z
      .object({ currentModeId: text, availableModes: listOf(z.object({ id: text, name: text })) })
      .nullish()
      .catch(undefined),
    configOptions: maybeListOf(configOption),
    // Dropped from the protocol in favour of config options, but spoken by agents that are in use.
    models: z
      .object({ currentModelId: text, availableModels: listOf(z.object({ modelId: text, name: text })) })
      .nullish()
      .catch(undefined),
  })
  // An agent may answer session/load and session/resume with null.
  .nullish()
  .transform((response) => response ?? {})

export const configResponse = z.object({ configOptions: listOf(configOption) })

export const promptResponse = z.object({
  stopReason: text,
  usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }).nullish().catch(undefined),
})

const contentBlock = z.union([
  z.object({ type: z.literal('text'), text }),
  z.object({ type: z.enum(['image', 'audio']), mimeType: text.catch('') }),
  z.object({ type: z.literal('resource_link'), name: text, uri: text }),
  z.object({ type: z.literal('resource'), resource: z.object({ uri: text, text: maybeText }) }),
  z.object({ type: text.transform((type) => `unknown ${type}`) }),
])

const toolContent = z.union([
  z.object({ type: z.literal('content'), content: contentBlock }),
  z.object({ type: z.literal('diff'), path: text, oldText: maybeText, newText: text }),
  z.object({ type: z.literal('terminal') }),
])

const toolCall = z.object({
  toolCallId: text,
  title: maybeText,
  kind: maybeText,
  status: z.enum(['pending', 'in_progress', 'completed', 'failed']).nullish().catch(undefined),
  content: maybeListOf(toolContent),
  locations: maybeListOf(z.object({ path: text })),
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
})

const chunk = { content: contentBlock, messageId: maybeText }

export const sessionUpdate = z.discriminatedUnion('sessionUpdate', [
  z.object({ sessionUpdate: z.literal('agent_message_chunk'), ...chunk }),
  z.object({ sessionUpdate: z.literal('agent_thought_chunk'), ...chunk }),
  toolCall.extend({ sessionUpdate: z.literal('tool_call') }),
  toolCall.extend({ sessionUpdate: z.literal('tool_call_update') }),
  z.object({ sessionUpdate: z.literal('plan'), entries: listOf(z.object({ content: text, status: z.enum(['pending', 'in_progress', 'completed']).catch('pending') })) }),
  z.object({ sessionUpdate: z.literal('available_commands_update'), availableCommands: listOf(z.object({ name: text, description: text.catch('') })) }),
  z.object({ sessionUpdate: z.literal('current_mode_update'), currentModeId: text }),
  z.object({ sessionUpdate: z.literal('config_option_update'), configOptions: listOf(configOption) }),
  z.object({ sessionUpdate: z.literal('usage_update'), used: z.number(), cost: z.object({ amount: z.number(), currency: text }).nullish().catch(undefined) }),
  z.object({ sessionUpdate: z.literal('notice'), title: text, description: maybeText }),
])

export const sessionNotification = z.object({ sessionId: maybeText, update: z.unknown() })

export const permissionRequest = z.object({ toolCall, options: listOf(z.object({ optionId: text, name: text, kind: text.catch('') })) })

const choice = z.object({ const: text, title: maybeText })
export const formProperty = z.object({
  type: text.catch('string'),
  title: maybeText,
  description: maybeText,
  default: z.unknown().optional(),
  format: maybeText,
  writeOnly: maybeFlag,
  enum: maybeListOf(text),
  oneOf: maybeListOf(choice),
  items: z
    .object({ enum: maybeListOf(text), anyOf: maybeListOf(choice), oneOf: maybeListOf(choice) })
    .nullish()
    .catch(undefined),
})

export const elicitationRequest = z.object({
  message: text.catch(''),
  // Agents of before 2026 leave the mode out; it was always a form then.
  mode: text.catch('form'),
  requestedSchema: z
    .object({ properties: z.record(z.string(), formProperty).catch({}), required: maybeListOf(text) })
    .nullish()
    .catch(undefined),
  url: maybeText,
  elicitationId: maybeText,
})

export const elicitationCompleted = z.object({ elicitationId: text })

/** Of the extensions `_offstage/paused` and `_offstage/continued`, which says nothing but the session. */
export const pausedNotification = z.object({ sessionId: maybeText, until: maybeText, why: text.catch('') })

export const readFileRequest = z.object({ path: text, line: maybeNumber, limit: maybeNumber })
export const writeFileRequest = z.object({ path: text, content: text })
export const cancelRequest = z.object({ requestId: z.union([z.string(), z.number()]) })

// What was sent by ourselves, as a keeper logged it.
/** In the `_meta` of a block of a prompt: Offstage says it, not the user. */
export const noteMark = 'offstage.note'
export const sentPrompt = z.object({ prompt: z.array(z.object({ text, _meta: z.object({ [noteMark]: z.literal(true) }).optional() })) })
export const sentResume = z.object({ sessionId: text })
export const sentChoice = z.object({
  modeId: text.optional(),
  modelId: text.optional(),
  configId: text.optional(),
  value: z.union([text, z.boolean().transform(String)]).optional(),
})
export const sentAuthenticate = z.object({ methodId: text })
export const permissionResponse = z.object({ outcome: z.object({ optionId: text.optional() }) })
export const elicitationResponse = z.object({ action: text, content: z.record(text, z.union([text, z.number(), z.boolean(), z.array(text)])).catch({}) })

export type ConfigOption = z.output<typeof configOption>
export type ContentBlock = z.output<typeof contentBlock>
export type FormProperty = z.output<typeof formProperty>
export type Initialized = z.output<typeof initializeResponse>
export type Opened = z.output<typeof sessionResponse>
export type SessionUpdate = z.output<typeof sessionUpdate>
export type ToolCall = z.output<typeof toolCall>
export type ToolContent = z.output<typeof toolContent>

// Whatever the SDK's types allow is read here: the compiler says so when the protocol's types move.
type Reads<Schema extends z.ZodType, Sent extends z.input<Schema>> = Sent
export type ReadsTheProtocol = [
  Reads<typeof initializeResponse, acp.InitializeResponse>,
  Reads<typeof sessionResponse, acp.NewSessionResponse | acp.LoadSessionResponse | acp.ResumeSessionResponse>,
  Reads<typeof configResponse, acp.SetSessionConfigOptionResponse>,
  Reads<typeof promptResponse, acp.PromptResponse>,
  Reads<typeof sessionNotification, acp.SessionNotification>,
  Reads<typeof permissionRequest, acp.RequestPermissionRequest>,
  Reads<typeof readFileRequest, acp.ReadTextFileRequest>,
  Reads<typeof writeFileRequest, acp.WriteTextFileRequest>,
]
