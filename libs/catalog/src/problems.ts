/** Codes of single faults within a request, a row or a document. A code is never renamed. */
export const FAULT_CODES = [
  'required',
  'type',
  'range',
  'length',
  'format',
  'enum',
  'unknown_member',
  'read_only',
  'duplicate',
  'reference',
  'geometry',
  'conflict',
  'unsupported',
  'credentials_conflict',
  'control_character',
  'elevation_in_coordinates',
  'position_out_of_range',
  'fov_out_of_range',
  'range_empty',
  'range_reversed',
  'tilt_looks_converted',
  'fov_aspect_mismatch',
  'target_not_allowed',
  'already_registered',
  'retired_exists',
  'forbidden',
  'missing_id',
  'missing_name',
  'missing_url',
  'no_position',
  'zero_position',
  'lon_equals_lat',
  'lon_lat_swapped',
  'duplicate_id',
  'duplicate_row',
  'duplicate_url',
  'ambiguous_key',
  'bad_number',
  'bad_encoding',
  'not_data',
  'outside_area',
  'position_disagrees',
  'position_stack',
  'sentinel_time',
  'unsupported_scheme',
  'bad_url',
  'url_normalised',
  'credentials_in_url',
  'secret_in_query',
  'page_not_picture',
  'kind_guessed',
  'text_cleaned',
  'kept_better',
  'height_missing',
  'feature_too_large',
  'not_geotiff',
  'corrupt_raster',
  'unsupported_raster',
  'several_bands',
  'no_crs',
  'unknown_crs',
  'outside_crs',
  'crosses_antimeridian',
  'no_heights',
  'interrupted',
] as const;
export type FaultCode = (typeof FAULT_CODES)[number];

/** One fault: where (RFC 6901 pointer into the body, or the name of a parameter or header), what, and in words. */
export interface Fault {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly header?: string;
  readonly code: FaultCode;
  readonly detail: string;
}

/** Pointer of a member below another pointer, escaped as RFC 6901 says. */
export function below(pointer: string, member: string | number): string {
  return `${pointer}/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** A value as shown in a message: JSON, cut at 60 characters. */
export function shown(value: unknown): string {
  const text =
    value === undefined ? 'nothing' : typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
