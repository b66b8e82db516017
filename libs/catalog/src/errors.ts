import type { Fault, FaultCode } from './problems.js';
import { shown } from './problems.js';

/** Codes of problem documents. A code is never renamed; each has its paragraph in docs/problems.md. */
export const PROBLEM_CODES = [
  'malformed_body',
  'validation_failed',
  'unusable_raster',
  'invalid_parameter',
  'unknown_parameter',
  'cursor_mismatch',
  'cursor_expired',
  'unauthenticated',
  'token_expired',
  'forbidden',
  'csrf_rejected',
  'not_found',
  'no_frame',
  'no_view',
  'method_not_allowed',
  'not_acceptable',
  'request_timeout',
  'already_registered',
  'retired_exists',
  'in_use',
  'already_decided',
  'not_probed',
  'no_fresh_picture',
  'not_comparable',
  'request_in_flight',
  'webhook_disabled',
  'version_mismatch',
  'precondition_required',
  'body_too_large',
  'uri_too_long',
  'unsupported_media_type',
  'headers_too_large',
  'area_too_large',
  'target_not_allowed',
  'credentials_ambiguous',
  'idempotency_key_reused',
  'query_too_expensive',
  'rate_limited',
  'internal',
  'database_unavailable',
  'overloaded',
  'storage_full',
  'frames_unavailable',
  'prober_unavailable',
  'issuer_unavailable',
  'shutting_down',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** An error that the caller can understand and mostly mend. Knows no HTTP; the API's filter knows the statuses. */
export abstract class Refusal extends Error {
  abstract readonly code: ProblemCode;
  /** Single faults, where there are any. */
  readonly faults: readonly Fault[] = [];
  /** The address path of what stands in the way, such as the camera already registered. */
  readonly existing: string | undefined = undefined;
  override get name(): string {
    return this.constructor.name;
  }
}

export class MalformedBody extends Refusal {
  readonly code = 'malformed_body';
}

export class ValidationFailed extends Refusal {
  readonly code = 'validation_failed';
  constructor(override readonly faults: readonly Fault[]) {
    const [first] = faults;
    const where = first?.pointer === undefined || first.pointer === '' ? 'the body' : first.pointer;
    super(`${where}: ${first?.detail ?? 'is wrong'}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''}`);
  }
}

/** A GeoTIFF that no terrain can be made of. */
export class UnusableRaster extends Refusal {
  readonly code = 'unusable_raster';
  override readonly faults: readonly Fault[];
  /** @param reason what exactly is wrong with it */
  constructor(
    readonly reason: FaultCode,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
    this.faults = [{ pointer: '', code: reason, detail }];
  }
}

export class InvalidParameter extends Refusal {
  readonly code = 'invalid_parameter';
  constructor(override readonly faults: readonly Fault[]) {
    super(faults.map(({ parameter, header, detail }) => `${parameter ?? header ?? ''}: ${detail}`).join('; '));
  }
}

export class UnknownParameter extends Refusal {
  readonly code = 'unknown_parameter';
  override readonly faults: readonly Fault[];
  constructor(names: readonly string[], known: readonly string[]) {
    const detail = known.length > 0 ? `known here: ${known.join(', ')}` : 'no query parameter is known here';
    super(`unknown query parameter ${names.map(shown).join(', ')}; ${detail}`);
    this.faults = names.map((parameter) => ({ parameter, code: 'unknown_member' as const, detail }));
  }
}

export class CursorMismatch extends Refusal {
  readonly code = 'cursor_mismatch';
}

export class CursorExpired extends Refusal {
  readonly code = 'cursor_expired';
}

export class Unauthenticated extends Refusal {
  readonly code = 'unauthenticated';
}

export class TokenExpired extends Refusal {
  readonly code = 'token_expired';
}

export class Forbidden extends Refusal {
  readonly code = 'forbidden';
  /** @param authority slug of the authority in which it was to be done, where it was in one; whether there is one may not be known yet */
  constructor(
    message: string,
    readonly authority: string | null = null,
  ) {
    super(message);
  }
}

/** A request with a session's cookie that another site may have made the browser send. */
export class CsrfRejected extends Refusal {
  readonly code = 'csrf_rejected';
}

export class NotFound extends Refusal {
  readonly code = 'not_found';
}

export class NoFrame extends Refusal {
  readonly code = 'no_frame';
}

/** Too little is known of where a camera looks. */
export class NoView extends Refusal {
  readonly code = 'no_view';
}

export class MethodNotAllowed extends Refusal {
  readonly code = 'method_not_allowed';
  constructor(readonly allow: readonly string[]) {
    super(`this address knows ${allow.join(', ')}`);
  }
}

export class NotAcceptable extends Refusal {
  readonly code = 'not_acceptable';
}

export class AlreadyRegistered extends Refusal {
  readonly code = 'already_registered';
  constructor(
    message: string,
    override readonly existing: string | undefined,
  ) {
    super(message);
  }
}

export class RetiredExists extends Refusal {
  readonly code = 'retired_exists';
  constructor(
    message: string,
    override readonly existing: string | undefined,
  ) {
    super(message);
  }
}

export class InUse extends Refusal {
  readonly code = 'in_use';
}

/** A request for access that is pending no more. */
export class AlreadyDecided extends Refusal {
  readonly code = 'already_decided';
}

export class NotProbed extends Refusal {
  readonly code = 'not_probed';
}

/** The picture that a camera has is not that of now. */
export class NoFreshPicture extends Refusal {
  readonly code = 'no_fresh_picture';
}

/** No later picture could be compared with this one. */
export class NotComparable extends Refusal {
  readonly code = 'not_comparable';
}

export class RequestInFlight extends Refusal {
  readonly code = 'request_in_flight';
}

/** Nothing is sent to a webhook that is disabled. */
export class WebhookDisabled extends Refusal {
  readonly code = 'webhook_disabled';
}

/** The caller has as much of something as one caller gets. */
export class RateLimited extends Refusal {
  readonly code = 'rate_limited';
  /** @param retryAfterS seconds after which there may be some again */
  constructor(
    message: string,
    readonly retryAfterS: number,
  ) {
    super(message);
  }
}

export class VersionMismatch extends Refusal {
  readonly code = 'version_mismatch';
  /** @param current version of the document now */
  constructor(
    message: string,
    readonly current: number,
  ) {
    super(message);
  }
}

export class PreconditionRequired extends Refusal {
  readonly code = 'precondition_required';
}

export class RequestTimeout extends Refusal {
  readonly code = 'request_timeout';
}

export class BodyTooLarge extends Refusal {
  readonly code = 'body_too_large';
}

export class UnsupportedMediaType extends Refusal {
  readonly code = 'unsupported_media_type';
  constructor(
    message: string,
    readonly accepted: readonly string[],
  ) {
    super(message);
  }
}

export class AreaTooLarge extends Refusal {
  readonly code = 'area_too_large';
}

export class TargetNotAllowed extends Refusal {
  readonly code = 'target_not_allowed';
  constructor(override readonly faults: readonly Fault[]) {
    super(faults[0]?.detail ?? 'this address may not be dialled');
  }
}

export class CredentialsAmbiguous extends Refusal {
  readonly code = 'credentials_ambiguous';
}

export class IdempotencyKeyReused extends Refusal {
  readonly code = 'idempotency_key_reused';
}

export class QueryTooExpensive extends Refusal {
  readonly code = 'query_too_expensive';
}

export class DatabaseUnavailable extends Refusal {
  readonly code = 'database_unavailable';
}

export class Overloaded extends Refusal {
  readonly code = 'overloaded';
}

export class StorageFull extends Refusal {
  readonly code = 'storage_full';
}

export class FramesUnavailable extends Refusal {
  readonly code = 'frames_unavailable';
}

export class ProberUnavailable extends Refusal {
  readonly code = 'prober_unavailable';
}

/** Whoever issues tokens does not answer, and without him nobody can tell whether this one is right. */
export class IssuerUnavailable extends Refusal {
  readonly code = 'issuer_unavailable';
}

export class ShuttingDown extends Refusal {
  readonly code = 'shutting_down';
}
