import {
  AlreadyRegistered,
  DatabaseUnavailable,
  Overloaded,
  QueryTooExpensive,
  Refusal,
  RequestInFlight,
  StorageFull,
  ValidationFailed,
} from '#catalog';
import { codeOf } from './data-source.js';

/** SQLSTATE of the embedded database's full queue. */
export const EMBEDDED_OVERLOADED = '53400';

/** What a broken constraint means to the caller. */
const OF_CONSTRAINT: Readonly<Record<string, () => Refusal>> = {
  camera_authority_local_id_key: () =>
    new AlreadyRegistered('this authority has a camera of this localId already', undefined),
  access_request_camera_pending_idx: () => new AlreadyRegistered('this is asked for already', undefined),
  access_request_authority_pending_idx: () => new AlreadyRegistered('this is asked for already', undefined),
  member_principal_authority_idx: () => new AlreadyRegistered('this person has a role there already', undefined),
  member_principal_platform_idx: () => new AlreadyRegistered('this person has a role there already', undefined),
  authority_pkey: () => new AlreadyRegistered('this slug is taken, or was once', undefined),
  camera_authority_fkey: () =>
    new ValidationFailed([{ pointer: '/authority', code: 'reference', detail: 'no authority has this slug' }]),
};

const OF_STATE: Readonly<Record<string, (cause: unknown) => Refusal>> = {
  '57014': (cause) => new QueryTooExpensive('the query took too long; ask for less at once', { cause }),
  '55P03': (cause) => new RequestInFlight('another request holds this; try again', { cause }),
  '53100': (cause) => new StorageFull('the database has no space left', { cause }),
  [EMBEDDED_OVERLOADED]: (cause) => new Overloaded('the database has too many requests waiting', { cause }),
};

/** SQLSTATE classes and socket errors that mean: no database now. */
const GONE = /^(?:08|57P|53300|ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/;
const GONE_MESSAGE =
  /Query read timeout|timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|not queryable|Cannot use a pool after calling end|Driver not Connected/i;

/** The error as the caller may understand it; anything unknown comes back as it is. */
export function translate(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const cause = (error as { readonly driverError?: unknown } | null)?.driverError ?? error;
  const constraint = String((cause as { readonly constraint?: unknown } | null)?.constraint ?? '');
  const refusal = OF_CONSTRAINT[constraint]?.() ?? OF_STATE[codeOf(cause)]?.(error);
  if (refusal !== undefined) return refusal;
  const message = error instanceof Error ? error.message : '';
  return GONE.test(codeOf(cause)) || GONE_MESSAGE.test(message)
    ? new DatabaseUnavailable('the database does not answer', { cause: error })
    : error;
}

/** SQLSTATE of a transaction that only has to be tried again. */
export const isRetryable = (error: unknown): boolean => {
  const cause = (error as { readonly driverError?: unknown } | null)?.driverError ?? error;
  return ['40001', '40P01'].includes(codeOf(cause));
};
