// What a session changed, made by hand: a fake daemon that answers for it as git would.

import type { ChangesFound, ChangesQuery } from '../../src/core/api.ts'
import type { ChangedFile, Snapshot } from '../../src/core/workspace.ts'
import { FakeClient } from '../cli/fake-client.ts'

export const id = 'k3f9x2ab'

export interface MadeFile {
  readonly file: ChangedFile
  /** From its `diff --git` on. */
  readonly patch: string
}

/** `hunks`: each from its `@@` on. */
export function madeFile(path: string, hunks: readonly string[], more: Partial<ChangedFile> = {}): MadeFile {
  const lines = hunks.flatMap((hunk) => hunk.split('\n').slice(1))
  const counted = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length
  const file: ChangedFile = { path, kind: 'modified', added: counted('+'), removed: counted('-'), ...more }
  return { file, patch: `diff --git a/${path} b/${path}\nindex 1111111..2222222 100644\n--- a/${path}\n+++ b/${path}\n${hunks.map((hunk) => `${hunk}\n`).join('')}` }
}

export const someFiles: readonly MadeFile[] = [
  madeFile('src/db/schema.ts', [
    '@@ -1,3 +1,4 @@\n import { table } from "./table.ts"\n \n+export const preferences = table("preferences", { theme: "text" })\n export const users = table("users", { name: "text" })',
  ]),
  madeFile('src/routes/preferences.ts', [
    '@@ -10,6 +10,8 @@ export function routes(app: App) {\n   app.get("/users", list)\n-  // the old way\n-  app.post("/prefs", oldStore)\n+  /* the new way:\n+     validated */\n+  app.post("/users/preferences", validate(schema), save)\n+  app.get("/users/preferences", read)\n   app.use(errors)\n }\n \n',
    '@@ -40,3 +42,3 @@ function save() {\n const a = 1\n-const b = 2\n+const b = 3\n const c = "x"',
  ]),
  {
    file: { path: 'assets/logo.png', kind: 'added', added: null, removed: null },
    patch: 'diff --git a/assets/logo.png b/assets/logo.png\nnew file mode 100644\nindex 0000000..2222222\nBinary files /dev/null and b/assets/logo.png differ\n',
  },
  {
    file: { path: 'src/settings/store of preferences.ts', kind: 'renamed', from: 'src/legacy/prefs.ts', added: 0, removed: 0 },
    patch:
      'diff --git a/src/legacy/prefs.ts b/src/settings/store of preferences.ts\nsimilarity index 100%\nrename from src/legacy/prefs.ts\nrename to src/settings/store of preferences.ts\n',
  },
  madeFile('docs/a very long folder name indeed/another folder/how preferences are kept.md', ['@@ -0,0 +1,2 @@\n+# Preferences\n+\x1b[31mnot red\x1b[0m, \u202eturned\r'], {
    kind: 'added',
  }),
]

const trees = { from: 'a'.repeat(40), to: 'b'.repeat(40) }

/** Answers every question about changes with these files. */
export function answers(files: readonly MadeFile[], more: Partial<ChangesFound> = {}) {
  return ({ turn, paths, patchBytes }: ChangesQuery): ChangesFound => {
    const shown = files.filter(({ file }) => paths === undefined || paths.includes(file.path))
    const patch = Buffer.from(shown.map((one) => one.patch).join(''))
    return {
      from: turn === undefined ? 'base 4f2c1a0' : `turn ${turn}`,
      to: turn === undefined ? 'now' : `the end of turn ${turn}`,
      files: shown.map(({ file }) => file),
      added: shown.reduce((sum, { file }) => sum + (file.added ?? 0), 0),
      removed: shown.reduce((sum, { file }) => sum + (file.removed ?? 0), 0),
      ...(patchBytes === undefined ? {} : { patch: patch.subarray(0, patchBytes), ...(patch.length > patchBytes ? { cutAt: patchBytes } : {}) }),
      trees,
      uncommitted: 0,
      notes: [],
      ...more,
    }
  }
}

export const snapshot = (n: number, turn: number, why: Snapshot['why'] = 'turn-end'): Snapshot => ({ n, commit: 'c'.repeat(40), tree: 'd'.repeat(40), why, turn, atMs: 0 })

/** A session at rest that changed these files in three turns. */
export function changedBy(files: readonly MadeFile[] = someFiles): FakeClient {
  const client = new FakeClient().create(id, { label: 'backend-api', prompt: 'Add a /users/preferences endpoint.' }).endTurn(id)
  client.changed = answers(files)
  client.kept = [snapshot(1, 0, 'start'), snapshot(2, 1), snapshot(3, 2), snapshot(4, 3)]
  for (const one of client.kept) client.report(id, { type: 'snapshot-taken', snapshot: one })
  return client
}
