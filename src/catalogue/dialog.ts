// What an entry of the catalogue says of the screens on which its program waits for somebody, and of the file in which it keeps its state. Data only; recognised in
// src/drivers/terminal-dialogs.ts, and tested against what the programs printed (test/fixtures/screens).

/** A screen that waits for somebody. Its texts are looked for from below to above, so that what was printed before it is not taken for it. */
export interface Dialog {
  readonly kind: 'permission' | 'question' | 'auth'
  /** What the program does there, as a person says it: `asks whether you trust this folder`. */
  readonly asks: string
  /** Texts that are all on the screen, in this order. A blank is any blanks, line ends and borders between two words. The first one is the question. */
  readonly shows: readonly [string, ...string[]]
  /** So many more rows with text may stand below the last of them: none, if it does not say. */
  readonly below?: number
  /** From where on it tells what it is about: the question, the line that it draws above itself, or a row that begins so. Absent: what it asks is all. */
  readonly tells?: 'question' | 'rule' | { readonly row: string }
  /** How it is answered by keys. Absent: only by somebody who sees it. */
  readonly answers?: Answers
}

export type Answers =
  /** Its answers are numbered below the question, and their digits choose them at once. Escape says no, if one of them does. */
  | { readonly by: 'digits' }
  /** These keys, whatever is marked on the screen. */
  | { readonly by: 'keys'; readonly keys: readonly KeyAnswer[] }

export interface KeyAnswer {
  readonly label: string
  readonly kind: 'allow' | 'reject'
  readonly keys: string
}

/** A folder with a file of JSON, named after its pid, for each process that runs. */
export interface StateFiles {
  /** Below the home; or, with `$NAME|`, below the directory that this variable names. The first whose variable is set counts. */
  readonly folders: readonly string[]
  /** The properties that hold its state, what it waits for, and the start of its process (field 22 of /proc/PID/stat). */
  readonly state: string
  readonly waitsFor: string
  readonly processStart: string
  readonly states: Readonly<Record<string, 'idle' | 'working' | 'blocked'>>
  /** By the words in what it waits for. */
  readonly kinds: readonly { readonly words: string; readonly kind: 'permission' | 'question' | 'auth' }[]
}
