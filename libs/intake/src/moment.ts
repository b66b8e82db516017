import { isMoment } from '#catalog';

/** A time as read: RFC 3339 in UTC, or why there is none. */
export type ReadMoment = { readonly at: string } | 'sentinel' | 'no_zone' | 'bad';

const DAY_MS = 86_400_000;

/** Below it a number counts seconds: as milliseconds it would be in 1973. */
const LEAST_EPOCH_MS = 1e11;

const WRITTEN =
  /^(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * A reader of the times that agencies write: RFC 3339, `+0000`, `yyyy/MM/dd HH:mm`, seconds or milliseconds since 1970.
 * @param now the clock, ms since 1970; over a day ahead of it a time (2099-12-31) means "none"
 * @param timeZone IANA zone of times without one
 */
export function momentReader(now: number, timeZone: string | undefined): (value: unknown) => ReadMoment {
  const zoneOffsetMs = timeZone === undefined ? null : offsetReader(timeZone);
  return (value) => {
    const ms = epochOf(value) ?? writtenOf(value, zoneOffsetMs);
    if (typeof ms === 'string') return ms;
    return ms > now + DAY_MS ? 'sentinel' : { at: new Date(ms).toISOString() };
  };
}

function epochOf(value: unknown): number | null {
  const text = String(value).trim();
  if ((typeof value !== 'number' && typeof value !== 'string') || !/^\d{9,13}(?:\.\d+)?$/.test(text)) return null;
  const number = Number(text);
  return Math.round(number < LEAST_EPOCH_MS ? number * 1_000 : number);
}

function writtenOf(value: unknown, zoneOffsetMs: ((utcMs: number) => number) | null): number | 'no_zone' | 'bad' {
  const parts = typeof value === 'string' ? WRITTEN.exec(value.trim()) : null;
  if (parts === null) return 'bad';
  const [, year = '', , month = '', day = '', hour = '0', minute = '00', second = '00', zone] = parts;
  const two = (text: string): string => text.padStart(2, '0');
  const local = `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${second}`;
  if (!isMoment(`${local}Z`)) return 'bad';
  if (zone !== undefined) {
    const written = `${local}${zone.toUpperCase().replace(/(\d{2})(\d{2})$/, '$1:$2')}`;
    return isMoment(written) ? Date.parse(written) : 'bad';
  }
  if (zoneOffsetMs === null) return 'no_zone';
  const asUtc = Date.parse(`${local}Z`);
  // The offset is known at a moment and wanted for a wall clock: the second look settles days of change.
  return asUtc - zoneOffsetMs(asUtc - zoneOffsetMs(asUtc));
}

/** How far a zone's clock is ahead of UTC at a moment, ms. */
function offsetReader(timeZone: string): (utcMs: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return (utcMs) => {
    const name = format.formatToParts(utcMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours, minutes] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? [];
    const ms = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
    return sign === '-' ? -ms : ms;
  };
}
