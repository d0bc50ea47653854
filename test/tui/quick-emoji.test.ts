import { expect, test } from 'vitest'
import { singleEmoji } from '../../scripts/quick-emoji.ts'

test('one code point is an emoji for the quick question exactly when it is one for the whole', () => {
  const whole = /^\p{RGI_Emoji}$/v
  const otherwise: string[] = []
  for (let point = 0; point <= 0x10ffff; point++) {
    const text = String.fromCodePoint(point)
    if (singleEmoji.test(text) !== whole.test(text)) otherwise.push(point.toString(16))
  }
  expect(otherwise).toEqual([])
})
