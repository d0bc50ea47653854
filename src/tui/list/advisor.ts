// What a task leaves out, and what is in its way, in one short line: from its words and a few facts, without a model. Pure. It never stops anything.

import { printableLine } from '../../core/terminal-text.ts'
import { count } from '../../text/format.ts'

/** Of the directory that the task is for, as far as they are known. */
export interface TaskFacts {
  /** Files that differ from the last commit; undefined: not known, or no repository. */
  readonly changedFiles: number | undefined
  /** Names of sessions that are at work there. */
  readonly others: readonly string[]
  /** A command line, not words for an agent. */
  readonly isCommand: boolean
  /** It has what only a shell understands. */
  readonly wantsShell: boolean
}

/** Fewer words than these say too little, whatever they are. */
const fewestWords = 4
/** A task of so many words is expected to be complete. */
const wholeTaskWords = 7
const mostAdvice = 2

/** Undefined: nothing to say. */
export function advise(text: string, facts: TaskFacts): string | undefined {
  const task = text.trim()
  if (task === '') return undefined
  const advice = [...surroundings(facts), ...(facts.isCommand ? ofCommand(facts) : ofTask(task))]
  return advice.length === 0 ? undefined : advice.slice(0, mostAdvice).join(' · ')
}

function surroundings({ others, changedFiles, isCommand }: TaskFacts): readonly string[] {
  const [other, ...more] = others
  return [
    ...(other === undefined || isCommand ? [] : [more.length === 0 ? `${printableLine(other)} is at work here too` : `${others.length} sessions are at work here too`]),
    ...(changedFiles === undefined || changedFiles === 0 || isCommand ? [] : [`${count(changedFiles, 'file')} not committed`]),
  ]
}

const ofCommand = ({ wantsShell }: TaskFacts): readonly string[] => (wantsShell ? ["no shell reads this: !sh -c '…' does"] : [])

function ofTask(task: string): readonly string[] {
  const words = wordsIn(task)
  // The first word is nothing yet.
  if (words < 2) return []
  if (words < fewestWords) return ['very short: what, where, and how is it seen to be done?']
  // Beginning something is half of it: nobody is corrected in the middle of a sentence.
  if (words < wholeTaskWords && !/[.!?]\s*$/.test(task)) return []
  return [
    ...(namesPlace(task) ? [] : ['names no file or directory']),
    ...(namesResult(task) ? [] : ['says not how to see that it is done']),
    ...(namesLimit(task) ? [] : ['no limits: what is to stay as it is?']),
  ]
}

/** Scripts without spaces: about two characters are a word. */
function wordsIn(task: string): number {
  const dense = task.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu)?.length ?? 0
  const spaced =
    task.replaceAll(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu, ' ').match(/[\p{L}\p{N}_./@#-]*[\p{L}\p{N}][\p{L}\p{N}_./@#-]*/gu)?.length ?? 0
  return spaced + Math.ceil(dense / 2)
}

const path = /(?:^|[\s"'`(@])(?:~?\.{0,2}\/)?[\w@.+-]+\/[\w@.+/*-]*|(?:^|[\s"'`(@])[\w-]+\.[A-Za-z]\w{0,7}\b(?!\.\s)/
const rootFile = /\b(?:README|CHANGELOG|LICENSE|Makefile|Dockerfile|Gemfile|Cargo\.toml|package\.json)\b/
const code = /`[^`]+`|\b[a-z]+[A-Z]\w*\b|\b[A-Z][a-z]+[A-Z]\w*\b|\b\w+_\w+\b|\b\w+(?:::\w+|\(\))/
const placeWords = /\b(?:directory|folder|module|package|file|repository|repo|codebase|everywhere|whole project|all files)\b/i

/** A path, a name as code has them, or the whole of it. */
const namesPlace = (task: string): boolean => path.test(task) || rootFile.test(task) || code.test(task) || placeWords.test(task)

const resultWords =
  /\b(?:tests?|specs?|checks?|verif(?:y|ies)|pass(?:es|ing)?|fails?|returns?|prints?|outputs?|shows?|reports?|summar(?:y|ize|ise)|lists?|explain|describe|until|so that|should|must|expect(?:ed)?|example|result|benchmark|lint|build|compiles?|screenshot|answers?|status|error message)\b|\b[1-5]\d\d\b|\?\s*$/i

/** How it is to be known that it is done, or a question, whose answer is the result. */
const namesResult = (task: string): boolean => resultWords.test(task)

const limitWords =
  /\b(?:without|do(?:es)? not|don['’]t|doesn['’]t|never|only|keep|leave|avoid|unless|except|instead of|no (?:new|other|more)|not (?:change|touch|add|use)|at most|at least|within|must not|unchanged|alone|just|as it is|as they are|compatible|read-only|minimal|small(?:est)?)\b/i

const isQuestion = (task: string): boolean =>
  /\?\s*$/.test(task) || /^\s*(?:why|what|where|how|which|who|when|is|are|does|do|can|explain|describe|list|show|find|summari[sz]e|review|look)\b/i.test(task)

/** What asks only changes nothing. */
const namesLimit = (task: string): boolean => limitWords.test(task) || isQuestion(task)
