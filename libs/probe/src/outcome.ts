import type { Failure } from './dial-failure.js';

/** What follows from the status of an answer: its body is read, or something else is done, or the probe is over. */
export type Next =
  | { readonly kind: 'read' | 'unchanged' | 'redirect' | 'sign_in' }
  | { readonly kind: 'over'; readonly failure: Failure };

const over = (outcome: Failure['outcome'], reason: string): Next => ({ kind: 'over', failure: { outcome, reason } });

/**
 * Judges a status (probing.md 6). Outside 2xx it decides even where a picture stands in the body: many cameras draw one for "no
 * signal" or "sign in".
 * @param isConditional the request asked for a picture only if it changed
 */
export function judgeStatus(status: number, isConditional: boolean): Next {
  switch (status) {
    case 204:
      return over('empty_reply', 'the answer is declared to be empty (204)');
    case 304:
      return isConditional
        ? { kind: 'unchanged' }
        : over('protocol_error', 'the answer is 304, which was not asked for');
    case 401:
      return { kind: 'sign_in' };
    case 403:
    case 407:
      return over('forbidden', `the device forbids it (${status})`);
    case 404:
    case 410:
      return over('not_found', `nothing is there (${status})`);
    case 429:
    case 503:
      return over('busy', `the device is busy (${status})`);
    case 502:
    case 504:
      return over('unreachable', `a gateway does not reach the device (${status})`);
    default:
      if (status >= 200 && status < 300) return { kind: 'read' };
      return status >= 300 && status < 400
        ? { kind: 'redirect' }
        : over('protocol_error', `the device answers ${status}`);
  }
}

/** What the bytes of an answer's body were, when no frame came out of them. */
export interface BodyFacts {
  readonly bytes: number;
  readonly contentType: string;
  readonly sawPicture: boolean;
  readonly sawOversize: boolean;
}

/** Judges a body that is over without a frame. */
export function judgeBody({ bytes, contentType, sawPicture, sawOversize }: BodyFacts): Failure {
  if (sawOversize) return { outcome: 'too_large', reason: 'the picture has too many pixels' };
  if (bytes === 0) return { outcome: 'empty_reply', reason: 'the answer has no content' };
  if (sawPicture) return { outcome: 'bad_picture', reason: 'a picture began and was cut or broken' };
  const [type = ''] = contentType.split(';');
  return {
    outcome: 'not_a_picture',
    reason: `the answer is ${type.trim() || 'of no declared type'} and holds no JPEG`,
  };
}

/** A redirect that ends without a picture leads to a login page or nowhere: the service moved. */
export function judgeRedirected(failure: Failure, redirects: number): Failure {
  if (redirects === 0) return failure;
  switch (failure.outcome) {
    case 'not_a_picture':
    case 'empty_reply':
      return { outcome: 'moved', reason: `after a redirect, ${failure.reason}` };
    case 'target_not_allowed':
      return { outcome: 'moved', reason: `a redirect is not followed: ${failure.reason}` };
    default:
      return failure;
  }
}
