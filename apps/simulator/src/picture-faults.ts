import type { FaultRow } from './fault-row.js';
import { firstPart } from './bytes.js';
import type { Manner } from './behaviour.js';

const look = (kind: Extract<Manner, { at: 'picture' }>['look']): Manner => ({ at: 'picture', look: kind });

/** What can be wrong with a picture that arrives whole (probing.md, section 7), and with its bytes. */
export const PICTURE_FAULTS = {
  frozen: { does: 'sends the same bytes for ever', flag: 'frozen', behaviour: look('frozen') },
  frozen_clock: {
    does: 'sends the same view for ever, its burned-in clock running',
    flag: 'frozen',
    behaviour: look('frozen_clock'),
  },
  card: { does: 'sends a drawn card, CAMERA OFFLINE', flag: 'placeholder', behaviour: look('card') },
  card_clock: { does: 'sends the card with a running clock', flag: 'placeholder', behaviour: look('card_clock') },
  stale: { does: 'sends a picture of three hours ago, as Last-Modified says', flag: 'stale', behaviour: look('stale') },
  black: { does: 'sends black pictures', flag: 'black', behaviour: look('black') },
  flat: { does: 'sends even grey', flag: 'flat', behaviour: look('flat') },
  covered: { does: 'sees a cover before its lens', flag: 'covered', behaviour: look('covered') },
  overexposed: { does: 'sends nearly white pictures', flag: 'overexposed', behaviour: look('overexposed') },
  dark: { does: 'sends dark pictures at any hour', flag: 'dark', behaviour: look('dark') },
  blurred: { does: 'is out of focus', flag: 'blurred', behaviour: look('blurred') },
  fog: { does: 'sees fog, which is no fault', behaviour: look('fog') },
  moved: { does: 'was turned by 30 % of the picture', flag: 'moved', behaviour: look('moved') },
  nudged: { does: 'was turned by 5 % of the picture, which is no fault', behaviour: look('nudged') },
  source_gone: {
    does: 'says in its head that it has lost its camera, X-UStreamer-Online: false',
    flag: 'placeholder',
    behaviour: { at: 'headers', lines: () => ['X-UStreamer-Online: false'] },
  },
  unchanged: {
    does: 'sends a file that is never written again: 304 for ever to any condition',
    flag: 'frozen',
    behaviour: { at: 'unchanged' },
  },
  low_fps: {
    does: 'sends a picture every five seconds',
    flag: 'low_fps',
    behaviour: { at: 'pace', periodMs: 5_000 },
  },
  clock_skew: {
    does: 'is an hour ahead, as its Date says',
    flag: 'clock_skew',
    behaviour: { at: 'headers', lines: (nowMs) => [`Date: ${new Date(nowMs + 3_600_000).toUTCString()}`] },
  },
  damaged: {
    does: 'sends whole frames whose lower part is missing',
    outcome: 'bad_picture',
    behaviour: { at: 'bytes', change: (jpeg) => Buffer.concat([firstPart(jpeg), Buffer.of(0xff, 0xd9)]) },
  },
  smeared: {
    does: 'repeats one row over the lower half of the picture',
    outcome: 'bad_picture',
    behaviour: look('smeared'),
  },
  too_many_pixels: {
    does: 'declares a picture of 20,000 x 20,000 pixels',
    outcome: 'too_large',
    behaviour: { at: 'bytes', change: declareHuge },
  },
} as const satisfies Readonly<Record<string, FaultRow>>;

/** The same JPEG with another size in its baseline frame header, SOF0. */
function declareHuge(jpeg: Buffer): Buffer {
  const at = jpeg.indexOf('ffc0', 0, 'hex');
  if (at < 0) throw new Error('bug: the simulator draws baseline pictures');
  const huge = Buffer.from(jpeg);
  huge.writeUInt16BE(20_000, at + 5);
  huge.writeUInt16BE(20_000, at + 7);
  return huge;
}
