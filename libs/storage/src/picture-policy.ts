import { type Fragment, raw, sql } from './sql.js';

const LIMIT = `nullif((c.document #>> '{access,retentionS}')::float8, 0)`;
const DELAY = `coalesce((c.document #>> '{access,publicDelayS}')::float8, 0)`;
const KEEPS = `coalesce(a.document #>> '{terms,keepImages}', 'history')`;

/** Up to which moment pictures are too old to be kept at all, the latest included (`access.retentionS`); null: none is. Needs `c`. */
export const TOO_OLD = raw(`(now() - make_interval(secs => ${LIMIT}))`);

/** Whether others than the camera's own authority see its pictures later. Needs `c`. */
export const IS_DELAYED = raw(`(${DELAY} > 0)`);

/** The newest moment that others see (`access.publicDelayS`). Needs `c`. */
export const SEEN_BY_OTHERS = raw(`(now() - make_interval(secs => ${DELAY}))`);

/** Whether the authority lets no picture be kept (`terms.keepImages`). Needs `a`. */
export const KEEPS_NOTHING = raw(`(${KEEPS} = 'none')`);

/** Whether earlier pictures are kept beside the latest: only where the camera says for how long, and its authority lets it. Needs `c` and `a`. */
export const KEEPS_HISTORY = raw(`(${LIMIT} is not null and ${KEEPS} = 'history')`);

/** Whether a picture of a moment may be shown still: what the policy forbids is gone at once, whenever its row goes. Needs `c` and `a`. */
export const mayBeShown = (capturedAt: string): Fragment =>
  sql`(not ${KEEPS_NOTHING} and coalesce(${raw(capturedAt)} > ${TOO_OLD}, true))`;
