import { type Fragment, raw, sql } from './sql.js';

const FORM = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;

/** SQL text that prints a timestamptz column as RFC 3339 in UTC, to the millisecond, whatever the session's zone. */
export const utc = (column: string): string => `to_char(${column} at time zone 'UTC', ${FORM})`;

/** The same of a fragment. */
export const utcOf = (moment: Fragment): Fragment => sql`to_char((${moment}) at time zone 'UTC', ${raw(FORM)})`;

/** SQL text of a moment as milliseconds since 1970. */
export const ms = (moment: string): string => `(extract(epoch from ${moment}) * 1000)::float8`;

/** The same of a fragment. */
export const msOf = (moment: Fragment): Fragment => sql`(extract(epoch from ${moment}) * 1000)::float8`;
