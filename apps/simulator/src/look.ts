import { widthOf, writable, write } from './lettering.js';
import { DRAWN } from './scene.js';

/** What can be wrong with a picture although it arrives whole; `live` is nothing. */
export const LOOKS = [
  'live',
  'frozen',
  'frozen_clock',
  'card',
  'card_clock',
  'stale',
  'black',
  'flat',
  'covered',
  'overexposed',
  'dark',
  'blurred',
  'fog',
  'moved',
  'nudged',
  'smeared',
] as const;
export type Look = (typeof LOOKS)[number];

// Looked up once: within Jest's contexts a global costs ten times as much.
const { floor, imul, min, round, sin } = Math;

type Rgb = Uint8ClampedArray;

/**
 * What a lens with something wrong makes of a view (probing.md, section 7): `see` draws it where it is needed. The
 * returned bytes are the caller's.
 */
export function lookedAt(look: Look, card: { readonly name: string; readonly label: string }, see: () => Rgb): Rgb {
  switch (look) {
    case 'live':
    case 'frozen':
    case 'frozen_clock':
    case 'stale':
    case 'moved':
    case 'nudged':
    case 'blurred':
      return see();
    case 'smeared':
      return smeared(see());
    case 'card':
    case 'card_clock':
      return drawCard(card);
    case 'black':
      return filled((i) => 5 + (imul(i, 0x9e3779b1) >>> 30));
    case 'flat':
      return filled(() => 128);
    case 'covered':
      return filled((i) => 58 + 6 * sin((i / DRAWN.widthPx) * 0.011) + 4 * sin((i % DRAWN.widthPx) * 0.006));
    case 'overexposed':
      return each(see(), (value) => 247 + value * 0.03);
    case 'dark':
      return each(see(), (value) => 6 + value * 0.16);
    case 'fog':
      return each(see(), (value) => 128 + value * 0.3);
    default:
      throw new Error(`bug: ${String(look satisfies never)}`);
  }
}

function each(rgb: Rgb, change: (value: number) => number): Rgb {
  for (let i = 0; i < rgb.length; i++) rgb[i] = change(rgb[i] ?? 0);
  return rgb;
}

function filled(grey: (pixel: number) => number): Rgb {
  const rgb = new Uint8ClampedArray(DRAWN.widthPx * DRAWN.heightPx * 3);
  return rgb.map((_, i) => grey(floor(i / 3)));
}

/** The lower half repeats its first row, as after bytes lost in a stream. */
function smeared(rgb: Rgb): Rgb {
  const rowBytes = DRAWN.widthPx * 3;
  const first = floor(DRAWN.heightPx / 2) * rowBytes;
  for (let at = first + rowBytes; at < rgb.length; at += rowBytes) rgb.copyWithin(at, first, first + rowBytes);
  return rgb;
}

/** The still that many recorders send when a camera is away: plain colour, a frame, two lines. */
function drawCard({ name, label }: { readonly name: string; readonly label: string }): Rgb {
  const { widthPx, heightPx } = DRAWN;
  const rgb = filled(() => 44);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const inset = min(x - 40, widthPx - 41 - x, y - 40, heightPx - 41 - y);
      const at = (y * widthPx + x) * 3;
      if (inset >= 0 && inset < 3) rgb.fill(120, at, at + 3);
      if (inset >= 3) rgb[at + 2] = 78;
    }
  }
  const line = (text: string, yPx: number, dotPx: number): void =>
    write({ rgb, widthPx, heightPx }, text, { xPx: round((widthPx - widthOf(text) * dotPx) / 2), yPx, dotPx });
  line('CAMERA OFFLINE', 126, 5);
  line(writable(name), 192, 2);
  line(label, 218, 2);
  line('SIMULATED', 260, 2);
  return rgb;
}
