import type { FrameStore, SweepOptions } from '#frames';
import { type Database, namedKeys, PictureUpkeep } from '#storage';
import { HISTORY_SHARE } from './frame-to-keep.js';

/** Rows that one statement forgets at most: each looks at every camera. Fewer where room is wanted, so that no more history goes than must. */
const BATCH = 5_000;
const BATCH_FOR_ROOM = 50;
/** Bytes that were put so lately may get a name still, seconds. */
const GRACE_S = 300;
/** Once the store is nearly full the oldest history goes until so much of it is taken. */
const ROOMY_SHARE = 0.85;
/** Batches in a row that bring no room: their bytes have other names too, or are too young. Then it is left for the next time. */
const MOST_IDLE = 10;

/**
 * Forgets every picture whose time is over, and where the store is nearly full the oldest of the history too: first the rows, then the bytes that nobody
 * names any more (reliability.md REL-10). @param stop ends it early
 * @returns how many rows went
 */
export async function forgetPictures(
  db: Database,
  store: FrameStore,
  stop: { readonly aborted: boolean } = { aborted: false },
): Promise<{ readonly due: number; readonly forRoom: number }> {
  const upkeep = new PictureUpkeep(db);
  const options: SweepOptions = { graceS: GRACE_S, isNamed: (keys) => namedKeys(db, keys) };
  let due = 0;
  for (const forget of [() => upkeep.forgetFrames(BATCH), () => upkeep.forgetLatest(BATCH)]) {
    let keys: readonly string[];
    do {
      keys = await forget();
      due += keys.length;
      await store.discard(keys, options);
      if (stop.aborted) return { due, forRoom: 0 };
    } while (keys.length >= BATCH);
  }
  return { due, forRoom: await makeRoom(upkeep, store, options, stop) };
}

async function makeRoom(
  upkeep: PictureUpkeep,
  store: FrameStore,
  options: SweepOptions,
  stop: { readonly aborted: boolean },
): Promise<number> {
  if (store.fullness < HISTORY_SHARE) return 0;
  let forgotten = 0;
  let idle = 0;
  while (store.fullness >= ROOMY_SHARE && idle < MOST_IDLE && !stop.aborted) {
    const before = store.fullness;
    const keys = await upkeep.forgetOldest(BATCH_FOR_ROOM);
    if (keys.length === 0) break;
    forgotten += keys.length;
    await store.discard(keys, options);
    idle = store.fullness < before ? 0 : idle + 1;
  }
  return forgotten;
}
