import type { FastifyInstance } from 'fastify';
import { type Principal, scope } from '#access';
import type { StoredPicture, StoredPictures } from '#storage';

/** So long a reading serves again, milliseconds. Beside the five seconds of a shared cache it is nothing; a thousand viewers of one camera are two readings a second. */
const KEPT_MS = 500;

/** Which picture is read, and for whom. */
export interface Wanted {
  readonly by: Principal;
  readonly cameraId: string;
  /** Null: the main view. */
  readonly preset: string | null;
}

/** What was read of a picture. */
export interface Reading {
  readonly picture: StoredPicture;
  /** Since it was read; 0 where that was just now. Seconds, rounded up. */
  readonly ageS: number;
}

/** Reads of the database what a caller may see. */
export const readerOf =
  (pictures: StoredPictures) =>
  ({ by, cameraId, preset }: Wanted): Promise<StoredPicture> =>
    preset === null ? pictures.main(cameraId, scope(by)) : pictures.ofPreset(cameraId, preset, scope(by));

interface Kept {
  readonly by: Principal;
  /** When reading began, milliseconds. */
  readonly at: number;
  readonly picture: Promise<StoredPicture>;
}

/**
 * What was read of pictures a moment ago, for whoever may read the same: when a river rises, a thousand people look at one camera. What this
 * process writes is seen at the next reading; what another one writes, {@link KEPT_MS} later. Of restricted cameras every look is a reading.
 */
export class RecentReadings {
  /** The oldest first. */
  private readonly kept = new Map<string, Kept>();

  /** @param nowMs of a clock that never goes back */
  constructor(
    private readonly read: (wanted: Wanted) => Promise<StoredPicture>,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** What this process wrote is read at once: everything is forgotten before a change is answered. */
  watch(server: FastifyInstance): void {
    server.addHook('onSend', (request, _reply, payload, done) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') this.forget();
      done(null, payload);
    });
  }

  /** @param isAnew whatever was read before. @throws as the reading does */
  async of(wanted: Wanted, isAnew: boolean): Promise<Reading> {
    const name = `${wanted.cameraId} ${wanted.by.id} ${wanted.preset ?? ''}`;
    const now = this.nowMs();
    const known = this.kept.get(name);
    // Whose rights changed is another principal of the same name.
    if (!isAnew && known !== undefined && known.by === wanted.by && now - known.at < KEPT_MS) {
      return { picture: await known.picture, ageS: Math.ceil((now - known.at) / 1_000) };
    }
    return { picture: await this.readAnew(name, wanted, now), ageS: 0 };
  }

  forget(): void {
    this.kept.clear();
  }

  /** How many readings are kept. */
  get size(): number {
    return this.kept.size;
  }

  private async readAnew(name: string, wanted: Wanted, at: number): Promise<StoredPicture> {
    const reading: Kept = { by: wanted.by, at, picture: this.read(wanted) };
    this.dropOld(at);
    this.kept.delete(name);
    this.kept.set(name, reading);
    let serves = false;
    try {
      const picture = await reading.picture;
      serves = picture.accessLevel !== 'restricted';
      return picture;
    } finally {
      if (!serves && this.kept.get(name) === reading) this.kept.delete(name);
    }
  }

  private dropOld(now: number): void {
    for (const [name, { at }] of this.kept) {
      if (now - at < KEPT_MS) return;
      this.kept.delete(name);
    }
  }
}
