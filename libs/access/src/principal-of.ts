import { createHash } from 'node:crypto';
import type { Membership, Scope } from '#catalog';
import type { Principal } from './principal.js';
import { SCOPES_OF_ROLE } from './roles.js';

/** What a key allows: scopes, and the authorities (slugs) for which they hold; `all` = every one, later ones too. */
export interface Rights {
  readonly scopes: readonly Scope[];
  readonly authorities: 'all' | readonly string[];
}

/** What a key allows now. */
export interface KeyRights extends Rights {
  /** Roles of the person in whose name it was made, as they are now; null: it was made in nobody's. */
  readonly bounds?: readonly Membership[] | null;
}

const BY_KEY = 'key:';
const BY_PERSON = 'person:';
/** Of a person's name; 126 bits, so that no two persons share one. */
const NAME_LENGTH = 21;

/** Id of the key that a principal presents; null for one without a key. */
export const keyIdOf = ({ id }: Pick<Principal, 'id'>): string | null =>
  id.startsWith(BY_KEY) ? id.slice(BY_KEY.length) : null;

/** Principal id of a key. */
export const idOfKey = (keyId: string): string => `${BY_KEY}${keyId}`;

/**
 * Principal id of whom an issuer calls by this subject (OpenID Connect: the pair is unique for ever). A hash, since the id stands in logs, and
 * subjects are mail addresses often enough.
 */
export function idOfPerson({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url');
  return BY_PERSON + digest.slice(0, NAME_LENGTH);
}

/** Whether a principal is a person, known by token or session. */
export const isPerson = ({ id }: Pick<Principal, 'id'>): boolean => id.startsWith(BY_PERSON);

/** The person of this id, with what the roles allow; without any he is known, and reads what everybody reads. */
export function principalOfPerson(id: string, memberships: readonly Membership[]): Principal {
  const everywhere = new Set<Scope>();
  const within = new Map<string, Set<Scope>>();
  for (const { authority, role } of memberships) {
    const scopes = authority === null ? everywhere : (within.get(authority) ?? new Set());
    if (authority !== null) within.set(authority, scopes);
    for (const one of SCOPES_OF_ROLE[role]) scopes.add(one);
  }
  return { id, isAnonymous: false, everywhere, within };
}

/**
 * Whoever presents this key. A key has at no time more than its maker (security.md AUTHN-2): `mintRights` sees to it when it is made, rights are
 * never edited, storage revokes a key's keys together with it, and what a person made is cut here to what that person may do now.
 */
export function principalOfKey(keyId: string, { scopes, authorities, bounds = null }: KeyRights): Principal {
  const id = idOfKey(keyId);
  // Beyond authorities there is no half: a key of some authorities is no platform administrator's.
  const local = scopes.filter((one) => one !== 'platform:admin');
  const key: Principal =
    authorities === 'all'
      ? { id, isAnonymous: false, everywhere: new Set(scopes), within: new Map() }
      : {
          id,
          isAnonymous: false,
          everywhere: new Set(),
          within: new Map(authorities.map((slug) => [slug, new Set(local)])),
        };
  return bounds === null ? key : withinBounds(key, principalOfPerson(id, bounds));
}

function withinBounds({ id, everywhere, within }: Principal, bounds: Principal): Principal {
  const places = new Map<string, ReadonlySet<Scope>>();
  for (const slug of new Set([...within.keys(), ...(everywhere.size > 0 ? bounds.within.keys() : [])])) {
    const allowed = union(bounds.everywhere, bounds.within.get(slug));
    places.set(slug, common(union(everywhere, within.get(slug)), allowed));
  }
  return { id, isAnonymous: false, everywhere: common(everywhere, bounds.everywhere), within: places };
}

const union = (a: ReadonlySet<Scope>, b: ReadonlySet<Scope> = new Set()): ReadonlySet<Scope> => new Set([...a, ...b]);
const common = (a: ReadonlySet<Scope>, b: ReadonlySet<Scope>): ReadonlySet<Scope> =>
  new Set([...a].filter((one) => b.has(one)));
