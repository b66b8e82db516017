import { randomBytes } from 'node:crypto';
import type { Target } from './address-policy.js';
import type { Attempt } from './attempt.js';
import type { Failure } from './dial-failure.js';
import { answerChallenge, cachedAuthorization, type Challenge, chooseChallenge, readChallenges } from './digest.js';
import { headerOf, type HttpHead } from './http-head.js';

/** Requests with credentials that a device may refuse in one probe: the second only for a nonce that had run out (CRED-5). */
const MAX_REFUSALS = 2;

const failed = (reason: string): Failure => ({ outcome: 'auth_failed', reason });

/**
 * The credentials of one probe: sent to the scheme, host and port they were stored for and to no other (security.md CRED-5, SSRF-7);
 * never Basic before it is asked for, Digest at once where a nonce is known from before.
 */
export class SignIn {
  #authorization: string | null = null;
  #wasCached = false;
  #refusals = 0;
  readonly #cnonce: () => string;

  /** @param origin to which the credentials belong */
  constructor(
    private readonly attempt: Attempt,
    private readonly origin: string,
  ) {
    this.#cnonce = attempt.tools.cnonce ?? ((): string => randomBytes(8).toString('hex'));
  }

  /** The Authorization header of the next request, or null. */
  headerFor(target: Target): string | null {
    const answer = this.#authorization;
    this.#authorization = null;
    this.#wasCached = false;
    if (answer !== null) return answer;
    this.attempt.evidence.auth = 'none';
    const request = this.#requestTo(target);
    const cached = request === null ? null : cachedAuthorization(request);
    if (cached === null) return null;
    this.#wasCached = true;
    this.attempt.evidence.auth = 'digest';
    return cached;
  }

  /** Meets a 401: null where the request is to be sent again, with an answer to the challenge. */
  meet(head: HttpHead, target: Target): Failure | null {
    const { attempt } = this;
    const challenges = readChallenges(head.headers.get('www-authenticate') ?? []);
    const realm = challenges[0]?.realm;
    if (realm !== undefined && realm !== '') attempt.evidence.realm = attempt.scrub(realm);
    const request = this.#requestTo(target);
    if (request === null) {
      return failed(
        attempt.target.credentials
          ? 'a sign-in is asked for elsewhere than the credentials belong'
          : 'a sign-in is asked for, and none is set',
      );
    }
    const basicAllowed = target.scheme === 'https' || attempt.target.allowBasicPlaintext;
    const chosen = chooseChallenge(challenges, { basicAllowed });
    if (attempt.evidence.auth !== 'none') {
      this.#refusals += 1;
      const mayRepeat = this.#wasCached || chosen?.stale === true;
      attempt.tools.nonces.forget(request.origin, request.credentials);
      if (this.#refusals >= MAX_REFUSALS || !mayRepeat) return failed('the device refuses the user name or password');
    }
    if (chosen === null) return failed(whyNone(challenges));
    const { authorization, scheme } = answerChallenge(chosen, request);
    this.#authorization = authorization;
    attempt.evidence.auth = scheme;
    return null;
  }

  /** An answer came that is no 401: the device may have named its next nonce. */
  accepted(head: HttpHead, target: Target): void {
    const info = headerOf(head, 'authentication-info');
    const request = this.#requestTo(target);
    if (info === undefined || request === null || this.attempt.evidence.auth !== 'digest') return;
    this.attempt.tools.nonces.accept(request.origin, request.credentials, info);
  }

  /** null where no credentials may go to this place. */
  #requestTo(target: Target) {
    const { credentials } = this.attempt.target;
    if (credentials === null || credentials === undefined || target.origin !== this.origin) return null;
    const { nonces } = this.attempt.tools;
    return { method: 'GET', uri: target.path, credentials, cnonce: this.#cnonce, nonces, origin: this.origin };
  }
}

function whyNone(challenges: readonly Challenge[]): string {
  const isBasicAlone = challenges.length > 0 && challenges.every(({ scheme }) => scheme === 'basic');
  return isBasicAlone
    ? 'the device offers Basic alone, which the authority does not allow over plain http'
    : 'the device asks for a sign-in that cannot be answered';
}
