// A build step for pi-tui: its question whether a character is an emoji, /^\p{RGI_Emoji}$/v, takes 13 ms to be read and 15 ms to be asked first (Node 24), most of the time that its loading takes.
// A single code point is answered here by a small expression with the same answers (test/tui/quick-emoji.test.ts); only sequences need the large one, which is made then.

import type { Plugin } from 'rolldown'

/** Of texts of one code point: as `\p{RGI_Emoji}`. */
export const singleEmoji = /^(?!\p{Regional_Indicator})\p{Emoji_Presentation}$/u

const asked = String.raw`const rgiEmojiRegex = /^\p{RGI_Emoji}$/v;`
const answered = String.raw`let wholeEmoji;
const rgiEmojiRegex = { test: (text) => (/^.$/su.test(text) ? ${singleEmoji} : (wholeEmoji ??= new RegExp("^\\p{RGI_Emoji}$", "v"))).test(text) };`

/** Throws when the library asks otherwise than it did. */
export const quickEmoji: Plugin = {
  name: 'quick-emoji',
  transform: {
    filter: { id: /@earendil-works\/pi-tui\/dist\/utils\.js$/ },
    handler: (code) => {
      if (!code.includes(asked)) throw new Error('pi-tui asks for emoji in another way than scripts/quick-emoji.ts knows: measure the first frame, then drop the step or mend it')
      return code.replace(asked, () => answered)
    },
  },
}
