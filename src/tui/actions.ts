// Everything that a key can do, by name: where it can be done, with which keys unless the configuration says otherwise, and what it does in a few words. The help screen and the hints are made of this.

/** Where a key is typed. `anywhere` counts in each of them, after its own; what edits text keeps every key that it does not name here. */
export type Place = 'anywhere' | 'list' | 'dispatch' | 'filter' | 'conversation' | 'dialog' | 'logs'

interface Action {
  readonly place: Place
  /** As pi-tui names keys ("ctrl+x", "shift+tab", "pageUp"), or one character as it is typed ("G", "?"). */
  readonly keys: readonly string[]
  readonly does: string
}

const action = (place: Place, keys: string, does: string): Action => ({ place, keys: keys === '' ? [] : keys.split(' '), does })

export const actions = {
  'anywhere.help': action('anywhere', 'f1', 'all keys'),
  'anywhere.redraw': action('anywhere', 'ctrl+l', 'draw the screen again'),

  'list.up': action('list', 'up k', 'one row up'),
  'list.down': action('list', 'down j', 'one row down'),
  'list.page-up': action('list', 'pageUp ctrl+b', 'a page up'),
  'list.page-down': action('list', 'pageDown ctrl+f', 'a page down'),
  'list.first': action('list', 'home g', 'the first row'),
  'list.last': action('list', 'end G', 'the last row'),
  'list.next-waiting': action('list', 'w', 'the next one that needs you'),
  'list.open': action('list', 'enter right o', 'open it'),
  'list.peek': action('list', 'space', 'look into it from here'),
  'list.logs': action('list', 'l', 'its whole log'),
  'list.reply': action('list', 'r', 'write to it from here'),
  'list.answer-yes': action('list', 'y', 'allow what it asks, once'),
  'list.answer-no': action('list', 'x', 'reject what it asks'),
  'list.dispatch': action('list', 'n tab i', 'write a new task'),
  'list.filter': action('list', '/', 'filter and search'),
  'list.sort': action('list', 's', 'sort by something else'),
  'list.group': action('list', 'p', 'group by project, or by what they do'),
  'list.all': action('list', 'A', 'show archived ones too'),
  'list.mark': action('list', 'm', 'mark it: what follows is done to all that are marked'),
  'list.mark-all': action('list', 'M', 'mark all, or none'),
  'list.pin': action('list', 'P', 'keep it at the top'),
  'list.label': action('list', 'L', 'name it'),
  'list.interrupt': action('list', 'ctrl+x', 'interrupt what it does now'),
  'list.stop': action('list', 'S', 'stop: end its process, keep the session'),
  'list.archive': action('list', 'e', 'end it and archive it; an archived one comes back'),
  'list.remove': action('list', 'D', 'remove it from the list'),
  'list.undo': action('list', 'u', 'bring back what was archived or removed last'),
  'list.resume': action('list', 'R', 'start its agent again'),
  'list.help': action('list', '?', 'all keys'),
  'list.copy-id': action('list', 'c', 'copy its id'),
  'list.leave': action('list', 'q ctrl+c ctrl+d', 'leave; every session goes on'),
  'list.back': action('list', 'escape', 'close what is open, or clear the filter'),

  'dispatch.start': action('dispatch', 'enter', 'start it in the background'),
  'dispatch.start-and-open': action('dispatch', 'alt+enter ctrl+enter', 'start it and open it'),
  'dispatch.new-line': action('dispatch', 'shift+enter ctrl+j', 'a new line'),
  'dispatch.complete': action('dispatch', 'tab', 'complete @agent, #project or a file'),
  'dispatch.editor': action('dispatch', 'ctrl+g', 'write it in your editor'),
  'dispatch.back': action('dispatch', 'escape', 'back to the list; the draft stays'),

  'filter.apply': action('filter', 'enter', 'keep the filter'),
  'filter.save': action('filter', 'ctrl+s', 'save the filter under a name'),
  'filter.back': action('filter', 'escape', 'close, without a filter'),

  'conversation.send': action('conversation', 'enter', 'send'),
  'conversation.new-line': action('conversation', 'shift+enter alt+enter ctrl+j', 'a new line'),
  'conversation.interrupt': action('conversation', 'escape', 'interrupt (twice), or close what is open'),
  'conversation.leave': action('conversation', 'ctrl+d', 'leave it running, as /bg does'),
  'conversation.cancel': action('conversation', 'ctrl+c', 'clear what is written, else interrupt; twice leaves it running'),
  'conversation.list': action('conversation', 'ctrl+o', 'all sessions'),
  'conversation.page-up': action('conversation', 'pageUp', 'a page up'),
  'conversation.page-down': action('conversation', 'pageDown', 'a page down'),
  'conversation.line-up': action('conversation', 'ctrl+up', 'a row up'),
  'conversation.line-down': action('conversation', 'ctrl+down', 'a row down'),
  'conversation.first': action('conversation', 'ctrl+home', 'the beginning'),
  'conversation.last': action('conversation', 'ctrl+end', 'the end'),
  'conversation.fold': action('conversation', 'ctrl+t', 'fold or unfold thoughts and tool output'),
  'conversation.edit-queued': action('conversation', 'alt+up', 'take the last queued prompt back to edit it'),
  'conversation.editor': action('conversation', 'ctrl+g', 'write it in your editor'),
  'conversation.mode': action('conversation', 'shift+tab', "the agent's next mode"),
  'conversation.model': action('conversation', 'alt+m', 'choose a model'),
  'conversation.logs': action('conversation', 'alt+l', 'its whole log'),

  'dialog.up': action('dialog', 'up', 'one up'),
  'dialog.down': action('dialog', 'down', 'one down'),
  'dialog.choose': action('dialog', 'enter', 'choose'),
  'dialog.next': action('dialog', 'tab', 'the next field'),
  'dialog.previous': action('dialog', 'shift+tab', 'the field before'),
  'dialog.toggle': action('dialog', 'space', 'switch it on or off'),
  'dialog.allow': action('dialog', 'y', 'allow it, once'),
  'dialog.reject': action('dialog', 'n', 'reject it'),
  'dialog.submit': action('dialog', 'ctrl+enter', 'answer with what is filled in'),
  'dialog.reason': action('dialog', 'r', 'reject and say why'),
  'dialog.scroll-up': action('dialog', 'pageUp', 'scroll what it is about'),
  'dialog.scroll-down': action('dialog', 'pageDown', 'scroll what it is about'),
  'dialog.later': action('dialog', 'escape', 'answer later'),

  'logs.up': action('logs', 'up k', 'a row up'),
  'logs.down': action('logs', 'down j', 'a row down'),
  'logs.page-up': action('logs', 'pageUp b', 'a page up'),
  'logs.page-down': action('logs', 'pageDown space', 'a page down'),
  'logs.first': action('logs', 'home g', 'the first byte'),
  'logs.last': action('logs', 'end G', 'the end'),
  'logs.follow': action('logs', 'f', 'follow what comes'),
  'logs.search': action('logs', '/', 'search'),
  'logs.next': action('logs', 'n', 'the next match'),
  'logs.previous': action('logs', 'N', 'the match before'),
  'logs.fold': action('logs', 't', 'fold or unfold tool output'),
  'logs.copy': action('logs', 'c', 'copy what is on the screen'),
  'logs.copy-all': action('logs', 'C', 'copy all of it'),
  'logs.pager': action('logs', 'v', 'open it in $PAGER'),
  'logs.editor': action('logs', 'E', 'open it in $EDITOR'),
  'logs.help': action('logs', '?', 'all keys'),
  'logs.back': action('logs', 'q escape ctrl+c', 'back'),
} as const satisfies Readonly<Record<string, Action>>

export type ActionName = keyof typeof actions
