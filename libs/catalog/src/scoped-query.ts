import type { AccessLevel } from './codes.js';

declare const SCOPED: unique symbol;

/**
 * What a caller may read, the only thing by which storage decides visibility. Made by `scope(principal)` in `access`
 * alone: the brand keeps an unscoped read from compiling (security.md AUTHZ-2).
 */
export interface ScopedQuery {
  readonly [SCOPED]: true;
  /** Slugs of the authorities whose cameras are the caller's own, at every level; `all` for a platform administrator. */
  readonly own: 'all' | readonly string[];
  /** Levels that the caller may read of other authorities. */
  readonly levels: readonly AccessLevel[];
}
