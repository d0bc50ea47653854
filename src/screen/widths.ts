// How many cells a character takes. xterm's own table is Unicode 6; the pictures and scripts that became wide since then are here, because a program that draws boxes around them counts two cells, as terminals do.

/** Emoji_Presentation of Unicode 17 without the regional indicators (a pair of those takes two cells), and East_Asian_Width W from U+10000 on; without what xterm's table has. */
const wideRanges =
  '231a-231b 23e9-23ec 23f0 23f3 25fd-25fe 2614-2615 2648-2653 267f 2693 26a1 26aa-26ab 26bd-26be 26c4-26c5 26ce 26d4 26ea 26f2-26f3 26f5 26fa 26fd 2705 270a-270b 2728 274c 274e 2753-2755 2757 2795-2797 ' +
  '27b0 27bf 2b1b-2b1c 2b50 2b55 16fe0-16fe4 17000-18cff 1aff0-1b2fb 1f004 1f0cf 1f18e 1f191-1f19a 1f200-1f202 1f210-1f23b 1f240-1f248 1f250-1f251 1f260-1f265 1f300-1f320 1f32d-1f335 1f337-1f37c 1f37e-1f393 ' +
  '1f3a0-1f3ca 1f3cf-1f3d3 1f3e0-1f3f0 1f3f4 1f3f8-1f43e 1f440 1f442-1f4fc 1f4ff-1f53d 1f54b-1f54e 1f550-1f567 1f57a 1f595-1f596 1f5a4 1f5fb-1f64f 1f680-1f6c5 1f6cc 1f6d0-1f6d2 1f6d5-1f6d8 1f6dc-1f6df ' +
  '1f6eb-1f6ec 1f6f4-1f6fc 1f7e0-1f7eb 1f7f0 1f90c-1f93a 1f93c-1f945 1f947-1f9ff 1fa70-1fa7c 1fa80-1fa8a 1fa8e-1fac6 1fac8 1facd-1fadc 1fadf-1faea 1faef-1faf8'

// First and last of each, in ascending order.
const bounds = Uint32Array.from(
  wideRanges.split(' ').flatMap((range) => {
    const [first = '', last = first] = range.split('-')
    return [Number.parseInt(first, 16), Number.parseInt(last, 16)]
  }),
)
const lowest = bounds[0] as number
const highest = bounds.at(-1) as number

/** Whether it takes two cells although xterm's table says one. */
export function isWideSinceUnicode6(codePoint: number): boolean {
  if (codePoint < lowest || codePoint > highest) return false
  let low = 0
  let high = bounds.length / 2 - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    if (codePoint < (bounds[2 * middle] as number)) high = middle - 1
    else if (codePoint > (bounds[2 * middle + 1] as number)) low = middle + 1
    else return true
  }
  return false
}
