import { createHash } from 'node:crypto';
import type { Caller } from './caller.js';

/** How long credentials that were found right are believed, milliseconds: revoked ones are refused at most this much later (AUTHN-4). */
const BELIEVED_MS = 4_000;
/** Callers remembered at most; beyond it all are forgotten, which only costs queries. */
const MAX_REMEMBERED = 10_000;

/** Callers whose credentials were found right a moment ago; the credentials themselves are not kept. */
export class Believed {
  private readonly callers = new Map<string, { readonly caller: Caller; readonly until: number }>();

  /** @param nowMs of a clock that never goes back */
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** The name under which the bearer of these credentials is remembered; whoever has not the whole of them cannot tell it. */
  static nameOf(credentials: string): string {
    return createHash('sha256').update(credentials).digest('base64url');
  }

  find(name: string): Caller | null {
    const known = this.callers.get(name);
    return known !== undefined && known.until > this.nowMs() ? known.caller : null;
  }

  /** @param forMs no longer than this in any case */
  remember(caller: Caller, forMs = BELIEVED_MS): void {
    if (caller.believedAs === null || forMs <= 0) return;
    if (this.callers.size >= MAX_REMEMBERED) this.callers.clear();
    this.callers.set(caller.believedAs, { caller, until: this.nowMs() + Math.min(forMs, BELIEVED_MS) });
  }

  /** He is asked for again at once. */
  forget({ believedAs }: Caller): void {
    if (believedAs !== null) this.callers.delete(believedAs);
  }
}
