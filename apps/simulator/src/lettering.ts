/** Width of a letter, its height with what hangs below the line, and the distance to the next letter, in dots. */
export const LETTER = { width: 5, height: 9, advance: 6 } as const;

/** Letters that hang two dots below the line. */
const HANGING = new Set('gpqy');

/**
 * Our own letters, space to tilde. A letter is seven digits of base 32, one a row from the top; the five bits of a digit
 * are the dots from the left.
 */
const ROWS =
  '0000000 4444404 aaa0000 aavavaa 4fke5u4 op248j3 cik8lid 4480000 2488842 8422248 04lel40 044v440 0000c48 000v000 ' +
  '00000cc 01248g0 ehjlphe 4c4444e eh1248v v2421he 26aiv22 vgu11he 68guhhe v124888 ehhehhe ehhf12c 0cc0cc0 0cc0c48 ' +
  '248g842 00v0v00 8421248 eh12404 eh1dlle ehhvhhh uhhuhhu ehggghe sihhhis vgguggv vgguggg ehgnhhf hhhvhhh e44444e ' +
  '72222ic hikokih ggggggv hrllhhh hhpljhh ehhhhhe uhhuggg ehhhlid uhhukih fgge11u v444444 hhhhhhe hhhhha4 hhhllla ' +
  'hha4ahh hhha444 v1248gv e88888e 0g84210 e22222e 4ah0000 000000v 8420000 00e1fhf ggmphhu 00egghe 11djhhf 00ehvge ' +
  '698s888 00fhf1e ggmphhh 40c444e 20622ic ggikoki c44444e 00qllhh 00mphhh 00ehhhe 00uhugg 00djf11 00mpggg 00fge1u ' +
  '88s8896 00hhhjd 00hhha4 00hhlla 00ha4ah 00hhf1e 00v248v 2448442 4444444 8442448 008l200';

const FIRST = ' '.codePointAt(0) ?? 0;
const LETTERS: readonly (readonly number[])[] = ROWS.split(' ').map((rows) =>
  [...rows].map((digit) => Number.parseInt(digit, 32)),
);

/** The rows of a letter, five bits each; null for a character that the font lacks. */
export function letterOf(character: string): readonly number[] | null {
  return LETTERS[(character.codePointAt(0) ?? 0) - FIRST] ?? null;
}

/** What of a text the font can write: other characters are left out, and brackets that become empty with them. */
export function writable(text: string): string {
  const known = [...text].filter((character) => letterOf(character) !== null).join('');
  return known
    .replace(/\(\s*\)/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Width of a text, dots. */
export const widthOf = (text: string): number => Math.max(0, [...text].length * LETTER.advance - 1);

/** A picture of 8-bit red, green, blue. */
export interface Ink {
  readonly rgb: Uint8Array | Uint8ClampedArray;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Writes a text with its top left corner at a pixel, each dot a square of `dotPx`; what falls outside is cut. */
export function write(
  { rgb, widthPx, heightPx }: Ink,
  text: string,
  at: { readonly xPx: number; readonly yPx: number; readonly dotPx: number },
  [red, green, blue]: readonly [number, number, number] = [255, 255, 255],
): void {
  let left = at.xPx;
  for (const character of text) {
    const rows = letterOf(character) ?? [];
    const top = at.yPx + (HANGING.has(character) ? 2 * at.dotPx : 0);
    for (let y = 0; y < rows.length * at.dotPx; y++) {
      const bits = rows[Math.floor(y / at.dotPx)] ?? 0;
      const row = top + y;
      if (bits === 0 || row < 0 || row >= heightPx) continue;
      for (let x = 0; x < LETTER.width * at.dotPx; x++) {
        const column = left + x;
        if ((bits & (16 >> Math.floor(x / at.dotPx))) === 0 || column < 0 || column >= widthPx) continue;
        const i = (row * widthPx + column) * 3;
        rgb[i] = red;
        rgb[i + 1] = green;
        rgb[i + 2] = blue;
      }
    }
    left += LETTER.advance * at.dotPx;
  }
}
