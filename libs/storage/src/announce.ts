import { type Fragment, sql } from './sql.js';

/**
 * Puts events into the outbox, as a member of the statement or transaction of the change itself: both happen or neither (reliability.md REL-5).
 * @param events a query of kind, camera_id, version, facts, seen_before
 */
export const announce = (events: Fragment): Fragment => sql`
  insert into outbox (generation, kind, camera_id, version, facts, seen_before)
  select (select generation from outbox_state), e.kind, e.camera_id, e.version, e.facts, e.seen_before
  from (${events}) as e (kind, camera_id, version, facts, seen_before)`;

/** Who could see a camera and where it stood, of the row by this name. */
export const seenAs = (camera: Fragment): Fragment => sql`jsonb_build_object(
    'authority', ${camera}.authority, 'access_level', ${camera}.access_level,
    'lon', st_x(${camera}.position), 'lat', st_y(${camera}.position))`;
