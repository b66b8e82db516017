import { type AccessLevel, Forbidden, type Scope, type ScopedQuery, Unauthenticated } from '#catalog';

/** What a key allows: scopes, and the authorities (slugs) for which they hold; `all` = every one, later ones too. */
export interface Rights {
  readonly scopes: readonly Scope[];
  readonly authorities: 'all' | readonly string[];
}

/** Who asks, as far as rights go. */
export interface Principal {
  /** `anonymous`, or `key:` and the key's id; stands in logs, in `createdBy` and beside stored answers. */
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Slugs of the authorities that it acts for; `all` for a platform administrator. */
  readonly authorities: 'all' | readonly string[];
  readonly isAnonymous: boolean;
}

/** Everybody without credentials: reads what is public. Wrong credentials are an error, never this. */
export const ANONYMOUS: Principal = Object.freeze({
  id: 'anonymous',
  scopes: new Set<Scope>(),
  authorities: [],
  isAnonymous: true,
});

/** This program itself, where it counts all cameras for whoever runs it; nobody signs in as it. */
export const OPERATIONS: Principal = Object.freeze({
  id: 'operations',
  scopes: new Set<Scope>(['platform:admin']),
  authorities: 'all',
  isAnonymous: false,
});

const BY_KEY = 'key:';

/** Id of the key that a principal presents; null for one without a key. */
export const keyIdOf = ({ id }: Pick<Principal, 'id'>): string | null =>
  id.startsWith(BY_KEY) ? id.slice(BY_KEY.length) : null;

/**
 * Whoever presents this key. A key has at no time more than its maker (security.md AUTHN-2): `mintRights` sees to it when
 * it is made, rights are never edited, and storage revokes a key's keys together with it.
 */
export function principalOfKey(keyId: string, { scopes, authorities }: Rights): Principal {
  return { id: `${BY_KEY}${keyId}`, scopes: new Set(scopes), authorities, isAnonymous: false };
}

/** Admin of every authority, and the only one who sets `network`, `allowBasicPlaintext` and authorities themselves. */
export function isPlatformAdministrator(p: Principal): boolean {
  return p.authorities === 'all' && p.scopes.has('platform:admin');
}

/** Whether the authority is one of the caller's own; says nothing of what he may do there. */
export function actsFor(p: Principal, authority: string): boolean {
  return p.authorities === 'all' || p.authorities.includes(authority);
}

/** Whether the caller registers and changes cameras of this authority: the operator's columns are his (security.md). */
export function mayWrite(p: Principal, authority: string): boolean {
  return p.scopes.has('cameras:write') && actsFor(p, authority);
}

/** @throws Unauthenticated for an anonymous caller, Forbidden for a key that lacks the scope */
export function requireScope(p: Principal, wanted: Scope): void {
  if (p.isAnonymous) throw new Unauthenticated(`this needs a key with the scope ${wanted}`);
  if (!p.scopes.has(wanted)) throw new Forbidden(`this needs the scope ${wanted}, which the key does not have`);
}

/**
 * For what the caller may read but not change: where he may not even read, the answer is 404 and not this (AUTHZ-5).
 * @throws Unauthenticated for an anonymous caller, Forbidden for a key of other authorities
 */
export function requireAuthority(p: Principal, authority: string): void {
  if (p.isAnonymous) throw new Unauthenticated(`this needs a key that acts for ${authority}`);
  if (!actsFor(p, authority)) throw new Forbidden(`the key does not act for ${authority}`);
}

const PUBLIC: readonly AccessLevel[] = ['public'];
const PARTNER: readonly AccessLevel[] = ['public', 'agency'];

/**
 * What the caller may read, and the only maker of the branded query (AUTHZ-2). Without a role in any authority, or
 * without `cameras:read`, a key reads what everybody reads.
 */
export function scope(p: Principal): ScopedQuery {
  if (isPlatformAdministrator(p)) return scoped('all', PARTNER);
  const hasRole = p.authorities === 'all' || p.authorities.length > 0;
  return hasRole && p.scopes.has('cameras:read') ? scoped(p.authorities, PARTNER) : scoped([], PUBLIC);
}

/** The brand is a type without a value: nothing but this cast makes one. */
function scoped(own: ScopedQuery['own'], levels: readonly AccessLevel[]): ScopedQuery {
  return Object.freeze({ own, levels }) as ScopedQuery;
}
