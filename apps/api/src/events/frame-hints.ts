import type { Logger } from 'pino';
import { DEFAULT_RADIUS_M, type EventDocument } from '#catalog';
import type { CapturedAt, EventAudience, FreshFrames, Sighting, Viewers, WatchedCamera } from '#storage';
import { Recurring } from '../recurring.js';
import { byScope } from './by-scope.js';
import { type EventStream, eventText } from './event-stream.js';

/** New pictures are looked for so often, and whom a wish means is asked again so often, milliseconds. */
const LOOK_EVERY_MS = 1_000;
const ASK_EVERY_MS = 30_000;
/** A camera's pictures are told of at most so often, milliseconds. */
const QUIET_MS = 5_000;
/** Cameras of one client, and of all clients of this process. */
const MAX_OF_ONE = 500;
const MAX_OF_ALL = 5_000;

interface Watched {
  /** By id. */
  readonly cameras: ReadonlyMap<string, WatchedCamera>;
  readonly askedAt: number;
}

interface Hinted {
  /** Of the picture told of last, and when that was, milliseconds. */
  readonly capturedAt: number;
  readonly at: number;
}

/**
 * Hints that a camera has a new picture, for clients that chose cameras or a place. Nothing of it is kept: each second this looks at the
 * pictures of the chosen cameras, however many clients chose them. Whoever sees pictures later is told of one when he sees it (security.md PRIV-4).
 */
export class FrameHints {
  private readonly watched = new WeakMap<EventStream, Watched>();
  private hinted = new Map<string, Hinted>();
  private readonly looking: Recurring;

  constructor(
    private readonly frames: FreshFrames,
    private readonly audience: EventAudience,
    private readonly streams: () => Iterable<EventStream>,
    log: Logger,
  ) {
    this.looking = new Recurring(
      () => this.look(),
      LOOK_EVERY_MS,
      (error) => log.warn({ err: error }, 'new pictures could not be looked for now'),
    );
  }

  start(): void {
    this.looking.start();
  }

  async close(): Promise<void> {
    await this.looking.close();
  }

  private async look(): Promise<void> {
    const wishing = [...this.streams()].filter(({ listening }) => listening.filter.wantsFrames);
    if (wishing.length === 0) {
      this.hinted.clear();
      return;
    }
    const cameras = await this.camerasOf(wishing);
    const found = await this.frames.capturedAt([...cameras.values()]);
    await this.hint(this.newOnes(found), wishing);
  }

  private async camerasOf(streams: readonly EventStream[]): Promise<Watched['cameras']> {
    const all = new Map<string, WatchedCamera>();
    for (const stream of streams) {
      for (const [id, camera] of (await this.watchedBy(stream)).cameras) {
        if (all.size < MAX_OF_ALL) all.set(id, camera);
      }
    }
    return all;
  }

  private async watchedBy(stream: EventStream): Promise<Watched> {
    const known = this.watched.get(stream);
    const now = performance.now();
    if (known !== undefined && now - known.askedAt < ASK_EVERY_MS) return known;
    const { scope, filter } = stream.listening;
    const { radiusM = DEFAULT_RADIUS_M, ...wish } = filter.wish;
    const found = await this.frames.watched(scope, { ...wish, radiusM }, MAX_OF_ONE);
    const watched = { cameras: new Map(found.map((camera) => [camera.id, camera])), askedAt: now };
    this.watched.set(stream, watched);
    return watched;
  }

  /** What is there when somebody begins to listen is no news. */
  private newOnes(found: readonly CapturedAt[]): readonly CapturedAt[] {
    const now = performance.now();
    const fresh = found.filter((one) => {
      const { capturedAt } = one;
      const last = this.hinted.get(nameOf(one));
      return last !== undefined && capturedAt > last.capturedAt && now - last.at >= QUIET_MS;
    });
    const news = new Set(fresh);
    this.hinted = new Map(
      found.map((one) => {
        const name = nameOf(one);
        const last = this.hinted.get(name);
        if (last === undefined) return [name, { capturedAt: one.capturedAt, at: now - QUIET_MS }];
        return [name, news.has(one) ? { capturedAt: one.capturedAt, at: now } : last];
      }),
    );
    return fresh;
  }

  private async hint(fresh: readonly CapturedAt[], streams: readonly EventStream[]): Promise<void> {
    if (fresh.length === 0) return;
    const toJudge = fresh.map(({ cameraId }) => ({ cameraId, seenBefore: null }));
    for (const { scope, members } of byScope(streams, ({ listening }) => listening.scope)) {
      const judgements = await this.audience.judge(scope, toJudge);
      fresh.forEach(({ cameraId, viewers, capturedAt }, i) => {
        const now = judgements[i]?.now ?? null;
        if (now === null || !isFor(viewers, now)) return;
        const { authority, localId, version } = now;
        const hint: EventDocument = {
          type: 'frame.updated',
          at: new Date(capturedAt).toISOString(),
          camera: { id: cameraId, authority, localId, version },
        };
        for (const stream of members) {
          const { filter } = stream.listening;
          const isWatched = this.watched.get(stream)?.cameras.has(cameraId) === true;
          if (isWatched && filter.wantsStanding([now])) stream.send(eventText(hint));
        }
      });
    }
  }
}

/** Who sees which picture of a camera. */
const nameOf = ({ cameraId, viewers }: CapturedAt): string => `${cameraId} ${viewers}`;

/** Judged when it is sent: a delay may be younger than the look. */
const isFor = (viewers: Viewers, { heldBack }: Sighting): boolean => (viewers === 'later') === heldBack;
