import { setImmediate as giveWay } from 'node:timers/promises';
import { stringify } from 'csv-stringify/sync';
import { type Camera, CAMERA_COLUMNS, type CameraColumn, type CameraSearch, csvCell, type Include } from '#catalog';

/** RFC 4180: every cell in quotes, empty ones too, and CRLF after every line. */
const AS_CSV = { quoted: true, quoted_empty: true, record_delimiter: '\r\n' } as const;

/** Rows written without letting others work between: some milliseconds. */
const ROWS_AT_ONCE = 50;

/**
 * What is looked up for a table. Its columns are always the same, so an empty status would not say whether it is unknown or was not asked for: health always
 * comes, unless `fields` leaves it out.
 */
export function searchForTable(search: CameraSearch): CameraSearch {
  if (search.fields !== undefined && !search.fields.includes('health')) return search;
  return { ...search, include: [...new Set<Include>([...(search.include ?? []), 'health'])] };
}

/** Cameras, each the JSON text of one, as CSV with a header line. @param fields top-level members to keep; all where absent */
export async function writeCameraTable(cameras: readonly string[], fields?: readonly string[]): Promise<string> {
  const columns = columnsOf(fields);
  const parts = [stringify([columns.map(({ path }) => path)], AS_CSV)];
  for (let at = 0; at < cameras.length; at += ROWS_AT_ONCE) {
    const rows = cameras.slice(at, at + ROWS_AT_ONCE).map((json) => cellsOf(json, columns));
    parts.push(stringify(rows, AS_CSV));
    await giveWay();
  }
  return parts.join('');
}

const columnsOf = (fields: readonly string[] | undefined): readonly CameraColumn[] =>
  CAMERA_COLUMNS.filter(({ path }) => {
    const [member = ''] = path.split('.', 1);
    return fields === undefined || member === 'id' || fields.includes(member);
  });

function cellsOf(json: string, columns: readonly CameraColumn[]): readonly string[] {
  const camera = JSON.parse(json) as Partial<Camera>;
  return columns.map((column) => csvCell(column.read(camera)));
}
