import type { CameraRegistration } from '#catalog';
import type { PictureSource } from './channel.js';
import { encode, type Asked, type Frame } from './picture.js';
import type { Look } from './look.js';
import { Scene, type Tables } from './scene.js';
import { placeAt, P1 } from './layout.js';
import type { World } from './world.js';

/** Pictures that all cameras of a load test share. */
const POOL = 24;

/** Different numbers of fill bytes. */
const FILLS = 1_021;

/** Pictures drawn beforehand, so that a load test measures the reader and not the artist. */
export class Pool {
  private constructor(private readonly frames: readonly Buffer[]) {}

  static async draw(world: World, tables: Tables): Promise<Pool> {
    const scene = new Scene({ position: P1, heightM: 8, azimuthDeg: 10, tiltDeg: -8, hfovDeg: 60 }, world, tables);
    const frames: Buffer[] = [];
    const noon = Date.UTC(2026, 5, 1, 4);
    for (let i = 0; i < POOL; i++) {
      const rgb = scene.draw(noon + i * 700, 0.4, i);
      frames.push(await encode(rgb, { widthPx: 320, heightPx: 180, compression: 30 }));
    }
    return new Pool(frames);
  }

  /**
   * A frame that no other device sends at the same count: before its end marker stand fill bytes, which any marker may
   * have (ITU-T T.81, B.1.1.2), as many as the number of the device says. So equal pictures do not look like a card that
   * several cameras show.
   */
  frame(device: number, count: number): Buffer {
    const bytes = this.frames[(count + Math.floor(device / FILLS)) % this.frames.length];
    if (bytes === undefined) throw new Error('bug: the pool is empty');
    return Buffer.concat([bytes.subarray(0, -2), Buffer.alloc(device % FILLS, 0xff), Buffer.of(0xff, 0xd9)]);
  }
}

/** A camera of a load test: another picture of the pool each time, always 320 × 180, or for ever the same while frozen. */
export class PooledPicture implements PictureSource {
  private count = 0;

  constructor(
    private readonly pool: Pool,
    private readonly device: number,
  ) {}

  frame(_asked: Asked, nowMs: number, _maxAgeMs: number, { kind }: { readonly kind: Look }): Promise<Frame> {
    if (kind !== 'frozen') this.count += 1;
    return Promise.resolve({ bytes: this.pool.frame(this.device, this.count), takenAtMs: nowMs });
  }
}

/** Registration of camera `i` of a load test, without its services: in rows south of the town, far from both flood places. */
export function loadCamera(i: number): Omit<CameraRegistration, 'services'> {
  const [lon, lat] = placeAt([-4_000 + (i % 80) * 100, -3_000 - Math.floor(i / 80) * 100]);
  return {
    authority: 'demo-load',
    localId: `L${String(i + 1).padStart(5, '0')}`,
    name: `Load test camera ${i + 1} (simulated)`,
    location: { type: 'Point', coordinates: [Number(lon.toFixed(6)), Number(lat.toFixed(6))] },
    positionSource: 'survey',
    heightM: 8,
    mobility: 'fixed',
    usage: ['other'],
    view: {
      azimuthDeg: (i * 37) % 360,
      tiltDeg: -8,
      rollDeg: 0,
      hfovDeg: 60,
      nearM: 0,
      farM: 200,
      imageWidthPx: 320,
      imageHeightPx: 180,
      lens: 'pinhole',
      source: 'survey',
    },
    access: { level: 'public', purposes: ['science'] },
    lifecycle: 'active',
    address: { country: 'TW', city: 'Tainan', district: 'Sinshih' },
    tags: ['simulated', 'load'],
  };
}
