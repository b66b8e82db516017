import sharp from 'sharp';
import { LETTER, widthOf, writable, write } from './lettering.js';
import type { Look } from './look.js';
import type { Pose } from './projection.js';
import { DRAWN, Scene, type Tables } from './scene.js';
import { lookedAt } from './look.js';
import type { World } from './world.js';

/** A picture as it leaves a device. */
export interface Frame {
  /** A whole JPEG. */
  readonly bytes: Buffer;
  /** When it was taken, milliseconds since 1970. */
  readonly takenAtMs: number;
}

/** What a device is asked for. */
export interface Asked {
  readonly widthPx: number;
  readonly heightPx: number;
  /** VAPIX compression, 0 best to 100 smallest. */
  readonly compression: number;
}

/** What is burned into the pictures of a camera, and what it sees. */
export interface Subject {
  readonly name: string;
  /** `authority/localId`. */
  readonly label: string;
  readonly pose: Pose;
  /** Water swells and falls within half an hour. */
  readonly isRising: boolean;
}

/** Time zone of the burned-in clock: Taiwan, without summer time. */
const CLOCK_MS = 8 * 3_600_000;

/** Looks without burned-in letters: a still card, and views of which letters would be all that is seen. */
const UNLETTERED: readonly Look[] = ['card', 'black', 'flat', 'covered'];

/** Sizes of which a device keeps its last picture. */
const MAX_KEPT = 8;

/** A camera without its network: draws what it sees when it is asked, and not oftener than needed. */
export class Picture {
  private scene: Scene | null = null;
  private turned: { readonly scene: Scene; readonly look: Look } | null = null;
  private frozen: { readonly rgb: Uint8ClampedArray; readonly sinceMs: number } | null = null;
  private readonly kept = new Map<
    string,
    { readonly atMs: number; readonly of: string; readonly frame: Promise<Frame> }
  >();
  private drawn = 0;

  constructor(
    private readonly subject: Subject,
    private readonly world: World,
    private readonly tables: Tables,
  ) {}

  /**
   * The picture now.
   * @param maxAgeMs a picture of this age will do
   * @param look what is wrong with it, since when
   */
  frame(
    asked: Asked,
    nowMs: number,
    maxAgeMs: number,
    look: { readonly kind: Look; readonly sinceMs: number },
  ): Promise<Frame> {
    const key = `${asked.widthPx}x${asked.heightPx}/${asked.compression}`;
    const of = `${look.kind}/${look.sinceMs}`;
    const kept = this.kept.get(key);
    // A clock that was set back makes an age negative: such a picture is no longer kept.
    const ageMs = nowMs - (kept?.atMs ?? nowMs);
    if (kept?.of === of && ageMs >= 0 && ageMs < maxAgeMs) return kept.frame;
    const frame = this.take(asked, nowMs, look);
    this.kept.delete(key);
    this.kept.set(key, { atMs: nowMs, of, frame });
    const oldest = this.kept.keys().next().value;
    if (this.kept.size > MAX_KEPT && oldest !== undefined) this.kept.delete(oldest);
    return frame;
  }

  private async take(
    asked: Asked,
    nowMs: number,
    { kind, sinceMs }: { readonly kind: Look; readonly sinceMs: number },
  ): Promise<Frame> {
    const isStill = kind === 'frozen' || kind === 'stale';
    const isHeld = isStill || kind === 'frozen_clock';
    const clockMs = isStill ? sinceMs : nowMs;
    if (!isHeld) this.frozen = null;
    const rgb = lookedAt(kind, this.subject, () => (isHeld ? this.held(kind, sinceMs) : this.see(kind, nowMs)));
    if (!UNLETTERED.includes(kind)) this.letter(rgb, clockMs);
    const takenAtMs = kind === 'stale' ? sinceMs - 3 * 3_600_000 : clockMs;
    return { bytes: await encode(rgb, asked, kind === 'blurred' ? 7 : 0), takenAtMs };
  }

  private see(kind: Look, atMs: number): Uint8ClampedArray {
    return this.sceneFor(kind).draw(atMs, this.levelAt(atMs), this.drawn++);
  }

  /** The view as it was when it froze, noise and all. */
  private held(kind: Look, sinceMs: number): Uint8ClampedArray {
    if (this.frozen?.sinceMs !== sinceMs) this.frozen = { rgb: this.see(kind, sinceMs), sinceMs };
    return new Uint8ClampedArray(this.frozen.rgb);
  }

  /** A lens that was pushed aside looks from the same place: by a third of the picture, or by a twentieth. */
  private sceneFor(look: Look): Scene {
    if (look !== 'moved' && look !== 'nudged') {
      this.turned = null;
      return (this.scene ??= new Scene(this.subject.pose, this.world, this.tables));
    }
    if (this.turned?.look !== look) {
      const { pose } = this.subject;
      const azimuthDeg = (pose.azimuthDeg + pose.hfovDeg * (look === 'moved' ? 0.3 : 0.05)) % 360;
      this.turned = { scene: new Scene({ ...pose, azimuthDeg }, this.world, this.tables), look };
    }
    return this.turned.scene;
  }

  private levelAt(atMs: number): number {
    return this.subject.isRising ? 0.5 - 0.42 * Math.cos((2 * Math.PI * atMs) / 1_800_000) : 0.16;
  }

  private letter(rgb: Uint8ClampedArray, clockMs: number): void {
    const { widthPx, heightPx } = DRAWN;
    const ink = { rgb, widthPx, heightPx };
    const dotPx = 2;
    const bar = (LETTER.height + 2) * dotPx;
    for (const from of [0, heightPx - bar]) {
      for (let i = from * widthPx * 3; i < (from + bar) * widthPx * 3; i++) rgb[i] = (rgb[i] ?? 0) * 0.36;
    }
    const margin = 3 * dotPx;
    const right = (text: string): number => widthPx - margin - widthOf(text) * dotPx;
    const [top, bottom] = [4, heightPx - bar + 4];
    const clock = new Date(clockMs + CLOCK_MS).toISOString().slice(0, 19).replace('T', ' ');
    write(ink, writable(this.subject.name), { xPx: margin, yPx: top, dotPx });
    write(ink, 'SIMULATED', { xPx: right('SIMULATED'), yPx: top, dotPx }, [255, 206, 84]);
    write(ink, this.subject.label, { xPx: margin, yPx: bottom, dotPx });
    write(ink, clock, { xPx: right(clock), yPx: bottom, dotPx });
  }
}

/** Raw pixels of the drawn size as a JPEG of the size asked for; another shape is cut from the middle. */
export function encode(rgb: Uint8ClampedArray, { widthPx, heightPx, compression }: Asked, blur = 0): Promise<Buffer> {
  const raw = sharp(rgb, { raw: { width: DRAWN.widthPx, height: DRAWN.heightPx, channels: 3 } });
  const clear = blur > 0 ? raw.blur(blur) : raw;
  const sized =
    widthPx === DRAWN.widthPx && heightPx === DRAWN.heightPx
      ? clear
      : clear.resize(widthPx, heightPx, { fit: 'cover', kernel: 'linear' });
  return sized.jpeg({ quality: Math.round(92 - 0.72 * compression), optimiseCoding: false }).toBuffer();
}
