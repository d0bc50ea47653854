// What may come over the wire, checked once where it enters. Only the daemon loads this.

import { z } from 'zod'
import type { Submission } from '../core/api.ts'
import type { Method, Methods } from './wire.ts'

const id = z.string().regex(/^[a-z0-9]{8}$/, 'must be 8 characters of a-z0-9')
const text = z.string().max(16 * 1024 * 1024)
/** What an agent is told: in JSON it has to fit into one frame of 16 MiB for the keeper, and one character may take six bytes. */
const told = z.string().max(2 * 1024 * 1024, 'must be at most 2 Mi characters; put it into a file and name the file')
const line = z
  .string()
  .max(1000)
  .refine((value) => !value.includes('\u0000'), 'must not hold NUL')
const argument = text.refine((value) => !value.includes('\u0000'), 'must not hold NUL')
const cells = z.int().min(1).max(10_000)

const treePath = argument.min(1).max(16_384)
const treePaths = z.array(treePath).max(100_000)
const objectId = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'must be a full object id')
/** Nothing that git would take for an option, or a range for a name. */
const branch = line.min(1).regex(/^(?!-)(?!.*\.\.)[^\s~^:?*[\\]+$/, 'is no name of a branch')
const landHow = z.enum(['merge', 'squash', 'rebase'])
const untracked = z.union([z.literal('all'), treePaths])

const variable = z.string().regex(/^[^=\u0000]+$/, 'no name for an environment variable')
/** One argument of a shell: the system takes none that is longer. */
const shellCommand = argument.min(1).max(120_000)

const preparation = z.object({
  bring: z.array(line).max(1000).optional(),
  setup: shellCommand.optional(),
  setupIn: argument.optional(),
  ports: z
    .array(z.string().regex(/^[A-Za-z_]\w{0,99}$/, 'no name for a port'))
    .max(100)
    .optional(),
  environment: z.record(variable, argument).optional(),
})

const undo = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('turns'), turn: z.union([z.int().min(0), z.literal('all')]), paths: treePaths.optional() }),
  z.object({ kind: z.literal('snapshot'), n: z.int().min(1), paths: treePaths.optional() }),
  z.object({ kind: z.literal('hunks'), from: objectId, to: objectId, path: treePath, hunks: z.array(z.int().min(0)).min(1).max(100_000) }),
])

const publish = z.enum(['push', 'pull-request'])
const land = z.object({ into: branch, how: landHow, checks: z.boolean(), publish: publish.optional(), message: told.optional() })

/** Without `worktree`: which folder is made, and one day removed, nobody says but the engine. */
const spec = z.object({
  kind: z.enum(['agent', 'terminal']),
  driver: z.enum(['acp', 'terminal', 'command']),
  agent: line.min(1),
  argv: z.array(argument).min(1).max(10_000),
  resumeArgv: z.array(argument).min(1).max(10_000).optional(),
  prompted: z.literal(true).optional(),
  continues: line.min(1).optional(),
  cwd: argument.min(1),
  workspace: z.enum(['auto', 'worktree', 'in-place']).optional(),
  carries: z.object({ untracked }).optional(),
  preparation: preparation.optional(),
  checks: z.array(shellCommand).max(100).optional(),
  checksIn: argument.optional(),
  checkRetries: z.int().min(0).max(1000).optional(),
  trust: z.object({ file: argument, digest: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
  mode: line.optional(),
  model: line.optional(),
  size: z.object({ columns: cells, rows: cells }).optional(),
  umask: z.int().min(0).max(0o777).optional(),
  resume: z.enum(['ask', 'auto', 'never']).optional(),
})

const fieldValue = z.union([told, z.number(), z.boolean(), z.array(told)])
const answer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('option'), optionId: line, note: text.optional() }),
  z.object({ kind: z.literal('form'), fields: z.record(z.string(), fieldValue) }),
  z.object({ kind: z.literal('decline') }),
])

const command = z.discriminatedUnion('type', [
  z.object({ type: z.literal('create'), spec, title: line, label: line.optional(), prompt: told.optional() }),
  z.object({ type: z.literal('prompt'), text: told }),
  z.object({ type: z.literal('answer'), requestId: line, answer }),
  z.object({ type: z.literal('withdraw'), promptId: line }),
  z.object({ type: z.literal('choose'), what: line, value: line }),
  z.object({ type: z.literal('pin'), pinned: z.boolean() }),
  z.object({ type: z.literal('mute'), muted: z.boolean() }),
  z.object({ type: z.literal('interrupt') }),
  z.object({ type: z.literal('stop') }),
  z.object({ type: z.literal('end') }),
  z.object({ type: z.literal('resume'), answer: z.object({ requestId: line, answer }).optional() }),
  z.object({ type: z.literal('label'), label: line }),
  z.object({ type: z.literal('remove') }),
  z.object({ type: z.literal('restore') }),
  z.object({ type: z.literal('undo'), what: undo }),
  z.object({ type: z.literal('land'), land }),
  z.object({ type: z.literal('snapshot') }),
  z.object({ type: z.literal('check') }),
  z.object({ type: z.literal('show'), entries: z.int().min(0) }),
])

const submission: z.ZodType<Submission> = z.object({ session: id, commandId: id, command, environment: z.record(variable, argument).optional() })

const schemas: { readonly [M in Method]: z.ZodType<Methods[M]> } = {
  submit: submission,
  list: z.object({ all: z.boolean() }),
  sessions: z.object({}),
  search: z.object({ text: line, limit: z.int().min(1).max(1000) }),
  get: z.object({ session: line }),
  watch: z.object({ session: line.optional(), after: z.int().min(0), follow: z.boolean() }),
  output: z.object({ session: line, run: z.int().min(1).optional(), stream: z.enum(['out', 'err']), from: z.int(), follow: z.boolean() }),
  screen: z.object({ session: line, run: z.int().min(1).optional(), size: z.object({ columns: cells, rows: cells }).optional(), text: z.literal(true).optional() }),
  place: z.object({ cwd: argument.min(1) }),
  changes: z.object({
    session: line,
    turn: z.int().min(0).optional(),
    against: branch.optional(),
    snapshot: z.int().min(1).optional(),
    undo: undo.optional(),
    between: z.object({ from: objectId, to: objectId }).optional(),
    paths: treePaths.optional(),
    patchBytes: z
      .int()
      .min(1)
      .max(16 * 1024 * 1024)
      .optional(),
  }),
  snapshots: z.object({ session: line }),
  conflicts: z.object({ cwd: argument.min(1).optional() }),
  landing: z.object({ session: line, into: branch.optional(), how: landHow.optional(), publish: publish.optional() }),
  write: z.object({ session: line, base64: z.base64() }),
  resize: z.object({ session: line, columns: cells, rows: cells }),
  status: z.object({}),
  notify: z.object({ test: z.boolean() }),
  shutdown: z.object({ replaced: z.boolean().optional() }),
}

export const isMethod = (method: unknown): method is Method => typeof method === 'string' && Object.hasOwn(schemas, method)

/** The parameters, or what is wrong with them in one line. */
export function parseParams<M extends Method>(method: M, params: unknown): { readonly params: Methods[M] } | { readonly wrong: string } {
  const parsed = schemas[method].safeParse(params ?? {})
  if (parsed.success) return { params: parsed.data }
  const [issue] = parsed.error.issues
  return { wrong: `${method}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}` }
}
