import type { ProblemCode } from '#catalog';

/** What every problem document of one code has in common; `docs/problems.md` and `/problems/{code}` are made of it. */
export interface ProblemKind {
  readonly status: number;
  /** Constant per code. */
  readonly title: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly cause: string;
  readonly cure: string;
}

const kind = (status: number, title: string, cause: string, cure: string, retryable = false): ProblemKind => ({
  status,
  title,
  retryable,
  cause,
  cure,
});

/** The one table from code to status (RFC 9457). */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = {
  malformed_body: kind(
    400,
    'The body cannot be read',
    'The body is no JSON, is no object, or names a member twice.',
    'Send one JSON object in UTF-8; `detail` says where reading stopped.',
  ),
  validation_failed: kind(
    400,
    'The document is not valid',
    'Members are unknown, missing, of the wrong type or out of range, or contradict each other.',
    'Mend every entry of `errors[]`: `pointer` says which member, `detail` what was expected.',
  ),
  unusable_raster: kind(
    400,
    'No terrain can be made of this file',
    'The body is no GeoTIFF, is damaged, states no place on earth, or is of a kind that is not read.',
    '`errors[0].code` says which, `detail` what helps; `gdal_translate` and `gdalwarp` mend most files.',
  ),
  invalid_parameter: kind(
    400,
    'A parameter is not valid',
    'A query parameter or header has a value that cannot be read, or is out of range.',
    'Mend every entry of `errors[]`. Positions are `lon,lat`, longitude first.',
  ),
  unknown_parameter: kind(
    400,
    'A parameter is not known',
    'The query has a parameter that this address does not know. It is refused rather than ignored, so that a misspelt selector never widens an answer.',
    'Take it out or correct its name; `detail` lists those known.',
  ),
  cursor_mismatch: kind(
    400,
    'The cursor does not belong to this query',
    'A `cursor` was changed, or used with other selectors than those it was made for.',
    'Follow `next` as it is, or begin again without `cursor`.',
  ),
  cursor_expired: kind(
    410,
    'The cursor is too old',
    'A `cursor` serves for 24 hours.',
    'Begin again without `cursor`, or with `updatedSince`.',
  ),
  unauthenticated: kind(
    401,
    'Valid credentials are needed',
    'No key, token or session came where one is needed, or it is unknown, mistyped, revoked or over.',
    'Send `Authorization: Bearer` with an API key or an access token, or sign in anew. Wrong credentials are refused on public addresses too; the cookie of a session that is over was taken back by this answer.',
  ),
  token_expired: kind(
    401,
    'The credentials have expired',
    'The key was valid until its `expiresAt`, the token until its `exp`.',
    'Mint a new key; have the issuer give a new token.',
  ),
  forbidden: kind(
    403,
    'This caller may not do that',
    'The caller lacks the scope that this needs, or has it in other authorities only.',
    'Use another key, or have an administrator of the authority give the role; `detail` names what is lacking.',
  ),
  csrf_rejected: kind(
    403,
    'The request may have come from another site',
    'A request that changes something came with the cookie of a session, but the browser did not vouch for where it came from (`Sec-Fetch-Site: same-origin`, or our own `Origin`), or its body is of a type that any form may send. Or a sign-in did not end in the browser in which it began.',
    'Send it from our own pages, as JSON; programs send `Authorization` in place of a cookie. Begin the sign-in again.',
  ),
  not_found: kind(
    404,
    'There is nothing here',
    'The address is unknown, or names something that does not exist or that this caller may not know.',
    'Check the address and the key.',
  ),
  no_frame: kind(
    404,
    'There is no picture',
    'No picture of this camera was ever taken, or none may be shown.',
    'Look at the camera’s health; probe it.',
    true,
  ),
  no_view: kind(
    404,
    'Too little is known of where the camera looks',
    'The camera’s record lacks what this form of its view needs, such as azimuth, tilt or field of view.',
    'Register what `missing` of the camera names.',
  ),
  method_not_allowed: kind(
    405,
    'This address has other methods',
    'The address exists, but not with this method.',
    'Use a method of the header `Allow`.',
  ),
  not_acceptable: kind(
    406,
    'No acceptable form',
    'The header `Accept` names no form in which this can be answered.',
    'Ask for `application/json` or `application/geo+json`, or say `f=`.',
  ),
  request_timeout: kind(408, 'The request took too long', 'The body did not arrive in time.', 'Send it again.', true),
  already_registered: kind(
    409,
    'This is registered already',
    'The authority has a camera of this `localId`, the slug is taken, or the same is asked for already.',
    '`existing` is its address: change it there, or import.',
  ),
  retired_exists: kind(
    409,
    'A retired camera has this localId',
    'A `localId` stays taken when its camera is retired, so that history keeps its meaning.',
    'Revive it by `PATCH {"lifecycle": "active"}` as an administrator of its authority, or use another `localId`.',
  ),
  in_use: kind(409, 'This is in use', 'Something else still depends on it.', 'Retire or move that first.'),
  already_decided: kind(
    409,
    'This request for access is pending no more',
    'It was granted, refused or withdrawn, perhaps a moment ago by somebody else.',
    'Read it; ask anew where access is still wanted. What was granted ends by ending the grant.',
  ),
  not_probed: kind(
    409,
    'This camera is not probed',
    'Its lifecycle is planned, suspended or retired, or it has no service.',
    'Set `lifecycle` to `active`.',
  ),
  no_fresh_picture: kind(
    409,
    'There is no picture of now',
    'The camera has no picture, or it is too old, or it was taken before its view, service or masks were changed.',
    'Probe the camera (`POST /v1/cameras/{id}/probe`), and ask again when it shows a picture.',
    true,
  ),
  not_comparable: kind(
    409,
    'No reference can be made of this picture',
    'The camera turns (its `mobility` is not `fixed`), or its picture shows too little: it is black, of one colour, or masked almost everywhere.',
    'Correct `mobility`, or wait for a picture that shows the view.',
  ),
  request_in_flight: kind(
    409,
    'The same request is still running',
    'Another request with this `Idempotency-Key` has not finished, or somebody else holds the same camera.',
    'Wait a moment and send it again.',
    true,
  ),
  webhook_disabled: kind(
    409,
    'This webhook is disabled',
    'Nothing is sent to a webhook that is paused, answered 410, has failed for five days, or whose owner’s key is gone; `disabledReason` says which.',
    'Mend the cause, then `PATCH {"enabled": true}`.',
  ),
  version_mismatch: kind(
    412,
    'Somebody else was faster',
    'The document changed since it was read: its `ETag` is no longer the one in `If-Match`. A weak tag (`W/`), as some proxies make of ours, never matches.',
    'Read it again, apply the change, send it with the new `ETag`.',
  ),
  precondition_required: kind(
    428,
    'If-Match is needed',
    'Changing a document wants to know which version the change was made for.',
    'Send the `ETag` of the GET as `If-Match`; `*` overwrites whatever there is.',
  ),
  body_too_large: kind(
    413,
    'The body is too large',
    'A document may have 1 MiB, an import of cameras 32 MiB, a file of terrain or buildings 4 GiB.',
    'Send less at once.',
  ),
  uri_too_long: kind(414, 'The address is too long', 'The address has more than 16 KiB.', 'Send less in the query.'),
  unsupported_media_type: kind(
    415,
    'The body has another form than expected',
    'The header `Content-Type` names a form that this address does not take.',
    'Use a type of `Accept-Post` or `Accept-Patch`.',
  ),
  headers_too_large: kind(431, 'The headers are too large', 'All headers together may have 16 KiB.', 'Send less.'),
  area_too_large: kind(
    400,
    'The area is too large',
    'Coverage is answered for at most 400 km² at once.',
    'Ask for parts of the area, or for a line.',
  ),
  target_not_allowed: kind(
    422,
    'This address may not be dialled',
    'The URL names an address that is never dialled, or that lies outside the authority’s `network`.',
    'Correct the URL, or have a platform administrator extend `network`.',
  ),
  credentials_ambiguous: kind(
    422,
    'It is unclear which credentials are meant',
    'Several kept services fit one that re-sends no credentials.',
    'Send the credentials again.',
  ),
  idempotency_key_reused: kind(
    422,
    'This Idempotency-Key was used for something else',
    'The same key came with another method, address or body within 24 hours.',
    'Use a new key for a new request.',
  ),
  query_too_expensive: kind(
    422,
    'The query takes too long',
    'The database ended the query at its time limit.',
    'Ask for a smaller area or fewer selectors at once.',
  ),
  rate_limited: kind(
    429,
    'That is as much as one caller gets',
    'The caller, or the address of a caller without a key, has used up its requests of this kind (the header `RateLimit-Policy` says how many and which), has as many event streams open as it may, or sent too many wrong keys.',
    'Try again after `Retry-After` seconds. A key has more than an address; an `If-None-Match` that is answered 304 costs a quarter.',
    true,
  ),
  internal: kind(
    500,
    'Something is broken here',
    'An error that we did not foresee. It is logged with the id in `instance`.',
    'Report it with that id.',
    true,
  ),
  database_unavailable: kind(
    503,
    'The database does not answer',
    'The database is stopped, restarting or out of reach.',
    'Try again after `Retry-After` seconds; with the same `Idempotency-Key` nothing happens twice.',
    true,
  ),
  overloaded: kind(
    503,
    'Too much at once',
    'More requests wait than can be served in time.',
    'Try again after `Retry-After` seconds.',
    true,
  ),
  storage_full: kind(
    503,
    'The disk is full',
    'The database has no space for a write. Reads work.',
    'Free space; then try again.',
    true,
  ),
  frames_unavailable: kind(
    503,
    'The pictures cannot be reached',
    'The frame store does not answer.',
    'Try again after `Retry-After` seconds.',
    true,
  ),
  prober_unavailable: kind(
    503,
    'No prober answered',
    'No prober took the camera within 25 seconds: none runs, or all are busy.',
    'Start `sightline prober`, or try again.',
    true,
  ),
  issuer_unavailable: kind(
    503,
    'The issuer of this token does not answer',
    'Its signing keys, or its answer to a sign-in, could not be fetched, so nobody can tell whether the credentials are right.',
    'Try again; the operator looks whether `jwksUri` of SIGHTLINE_OIDC is reached from here.',
    true,
  ),
  shutting_down: kind(
    503,
    'This process is shutting down',
    'The process was asked to end.',
    'Try again; another one answers.',
    true,
  ),
};
