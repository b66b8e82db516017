import { type AccessLevel, Forbidden, type Scope, type ScopedQuery, Unauthenticated } from '#catalog';

/** Who asks, as far as rights go: not what he is, but what he may do, and where. */
export interface Principal {
  /**
   * `anonymous`; `key:` and the key's id; `person:` and what names the person (principal-of-person.ts). Stands in logs, in `createdBy` and
   * beside stored answers.
   */
  readonly id: string;
  readonly isAnonymous: boolean;
  /** What he may do in every authority, later ones too, and beyond authorities. */
  readonly everywhere: ReadonlySet<Scope>;
  /** What he may do in single authorities beside that, by slug. */
  readonly within: ReadonlyMap<string, ReadonlySet<Scope>>;
}

const NOTHING: ReadonlySet<Scope> = new Set();

/** Everybody without credentials: reads what is public. Wrong credentials are an error, never this. */
export const ANONYMOUS: Principal = Object.freeze({
  id: 'anonymous',
  isAnonymous: true,
  everywhere: NOTHING,
  within: new Map(),
});

/** This program itself, where it counts all cameras for whoever runs it; nobody signs in as it. */
export const OPERATIONS: Principal = Object.freeze({
  id: 'operations',
  isAnonymous: false,
  everywhere: new Set<Scope>(['platform:admin']),
  within: new Map(),
});

/** Admin of every authority, and the only one who sets `network`, `allowBasicPlaintext` and authorities themselves. */
export function isPlatformAdministrator(p: Principal): boolean {
  return p.everywhere.has('platform:admin');
}

/** Whether he may do this in this authority. */
export function mayIn(p: Principal, wanted: Scope, authority: string): boolean {
  return p.everywhere.has(wanted) || p.within.get(authority)?.has(wanted) === true;
}

/** Whether he may do this anywhere. */
export function maySomewhere(p: Principal, wanted: Scope): boolean {
  return p.everywhere.has(wanted) || [...p.within.values()].some((scopes) => scopes.has(wanted));
}

/** Slugs of the authorities in which he may do this; `all` = every one, later ones too. */
export function reachOf(p: Principal, wanted: Scope): 'all' | readonly string[] {
  if (p.everywhere.has(wanted)) return 'all';
  return [...p.within].flatMap(([slug, scopes]) => (scopes.has(wanted) ? [slug] : []));
}

/** @throws Unauthenticated for an anonymous caller, Forbidden for one who may do this nowhere */
export function requireScope(p: Principal, wanted: Scope): void {
  if (p.isAnonymous) throw new Unauthenticated(`this needs the scope ${wanted}, and so a key, a token or a session`);
  if (!maySomewhere(p, wanted)) throw new Forbidden(`this needs the scope ${wanted}, which you do not have`);
}

/**
 * For what the caller may read but not change: where he may not even read, the answer is 404 and not this (AUTHZ-5).
 * @throws Unauthenticated for an anonymous caller, Forbidden for one who may not do this here
 */
export function requireScopeIn(p: Principal, wanted: Scope, authority: string): void {
  requireScope(p, wanted);
  if (!mayIn(p, wanted, authority)) {
    throw new Forbidden(`this needs the scope ${wanted} in ${authority}; you have it elsewhere only`, authority);
  }
}

/** Whether both may do the same in the same places. */
export function haveSameRights(a: Principal, b: Principal): boolean {
  return textOf(a) === textOf(b);
}

function textOf({ everywhere, within }: Principal): string {
  const places = [...within].map(([slug, scopes]) => [slug, [...scopes].sort()] as const);
  return JSON.stringify([[...everywhere].sort(), places.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

const PUBLIC: readonly AccessLevel[] = ['public'];
const PARTNER: readonly AccessLevel[] = ['public', 'agency'];

/**
 * What the caller may read, and the only maker of the branded query (AUTHZ-2). Who may read cameras in no authority reads what everybody reads.
 */
export function scope(p: Principal): ScopedQuery {
  const may = (wanted: Scope): 'all' | readonly string[] => (isPlatformAdministrator(p) ? 'all' : reachOf(p, wanted));
  const own = may('cameras:read');
  return scoped({
    own,
    operated: common(own, may('cameras:write')),
    pictured: may('frames:read'),
    levels: own.length > 0 ? PARTNER : PUBLIC,
  });
}

/** Of those that are the caller's own, those in which he may do more. */
function common(own: ScopedQuery['own'], more: ScopedQuery['own']): ScopedQuery['own'] {
  if (own === 'all') return more;
  return more === 'all' ? own : more.filter((slug) => own.includes(slug));
}

/** The brand is a type without a value: nothing but this cast makes one. */
function scoped(members: Pick<ScopedQuery, 'own' | 'operated' | 'pictured' | 'levels'>): ScopedQuery {
  return Object.freeze(members) as ScopedQuery;
}
