import { type Database, run, sql } from './sql.js';

/** Of these names in the frame store, those that a camera or a raster of heights points to. */
export async function namedKeys(db: Database, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await run<{ key: string }>(
    db,
    sql`
      select frame_key as key from camera_health where frame_key = any(${keys}::text[])
      union
      select frame_key from preset_picture where frame_key = any(${keys}::text[])
      union
      select frame_key from kept_frame where frame_key = any(${keys}::text[])
      union
      select key from terrain_tile where key = any(${keys}::text[])`,
  );
  return new Set(rows.map(({ key }) => key));
}
