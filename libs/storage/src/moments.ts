/** SQL text that prints a timestamptz column as RFC 3339 in UTC, to the millisecond, whatever the session's zone. */
export const utc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
