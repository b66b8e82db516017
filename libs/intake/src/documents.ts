import { isPlainObject } from '#catalog';
import { assemble } from './assemble.js';
import { featureMapper } from './geojson.js';
import { mapOwnForm } from './own-form.js';
import { jsonRecords, ndjsonRecords, type Records } from './records.js';
import type { IntakeContext, IntakeResult } from './row.js';

/** Profile `json`: a list of camera documents, the API's `{items}` answer, or one document. */
export const json = (bytes: Uint8Array, context: IntakeContext): IntakeResult =>
  rowsOf(jsonRecords(bytes, documentsIn), context);

/** Profile `ndjson`: in each line a camera document or a GeoJSON feature. */
export const ndjson = (bytes: Uint8Array, context: IntakeContext): IntakeResult =>
  rowsOf(ndjsonRecords(bytes), context);

function documentsIn(root: unknown): readonly unknown[] | string {
  if (Array.isArray(root)) return root as unknown[];
  if (!isPlainObject(root)) return 'expected a list of camera documents';
  return Array.isArray(root['items']) ? (root['items'] as unknown[]) : [root];
}

function rowsOf(read: Records, context: IntakeContext): IntakeResult {
  if ('refused' in read) return read;
  const mapFeature = featureMapper(context);
  const rows = assemble(read.records, context, (record, draft) => {
    if (record['type'] === 'Feature') mapFeature(record, draft);
    else mapOwnForm(record, draft, context);
  });
  return { rows };
}
