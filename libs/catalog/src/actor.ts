declare const ACTING: unique symbol;

/**
 * On whose behalf a transaction writes. Row-level security judges by it, and the audit names it. Made in `access` alone: the brand keeps a
 * write without a name from compiling (security.md AUTHZ-2, AUD-1).
 */
export interface Actor {
  readonly [ACTING]: true;
  /** Id of the principal: `key:` and the key's id, or what else `access` makes; `command` and `server` for this program itself. */
  readonly principal: string;
  /** Slugs of the authorities in which he may write; `all` for a platform administrator and this program itself. */
  readonly authorities: 'all' | readonly string[];
  /** Id of the HTTP request; null outside of one. */
  readonly requestId: string | null;
  /** Network address that the request came from; null outside of one. */
  readonly address: string | null;
}
