import type { AccessLevel } from './codes.js';

declare const SCOPED: unique symbol;

/** Authorities as slugs; `all` = every one, later ones too. */
type Slugs = 'all' | readonly string[];

/**
 * What a caller may read, the only thing by which storage decides visibility. Made by `scope(principal)` in `access`
 * alone: the brand keeps an unscoped read from compiling (security.md AUTHZ-2).
 */
export interface ScopedQuery {
  readonly [SCOPED]: true;
  /** Whose cameras are the caller's own, at every level. What others granted to these authorities, he knows too (AUTHZ-1). */
  readonly own: Slugs;
  /** Of the own ones those whose cameras he may change: of these he reads addresses and exact outcomes. */
  readonly operated: Slugs;
  /** Whose pictures he sees as they are; what others granted to those of them that are his own, he sees too. */
  readonly pictured: Slugs;
  /** Levels that the caller may read of other authorities. */
  readonly levels: readonly AccessLevel[];
}
