import { mayBeShown, SEEN_BY_OTHERS } from './picture-policy.js';
import { type Fragment, raw, sql } from './sql.js';

/**
 * Something of the newest kept frame `f` of a view that is old enough for others. Rides kept_frame_pkey. Needs `c` and `a`.
 * @param view SQL text of the view's name
 */
export const newestForOthers = (view: string, what: Fragment): Fragment => sql`(
    select ${what}
    from kept_frame f
    where f.camera_id = c.id and f.view = ${raw(view)} and f.captured_at <= ${SEEN_BY_OTHERS}
      and ${mayBeShown('f.captured_at')}
    order by f.captured_at desc
    limit 1)`;

/**
 * When the picture of a view was taken that others see now; null where they see none. Needs `c`.
 * @param view SQL text of the view's name
 * @param latest SQL text of when its latest picture was taken
 */
export const seenByOthersAt = (view: string, latest: string): Fragment => sql`(
    select case when ${raw(latest)} <= ${SEEN_BY_OTHERS} then ${raw(latest)}
                else ${newestForOthers(view, raw('f.captured_at'))} end
    from authority a
    where a.slug = c.authority and ${raw(latest)} is not null and ${mayBeShown(latest)})`;
