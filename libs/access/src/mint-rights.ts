import { Forbidden, type Refusal, type Scope, Unauthenticated, ValidationFailed } from '#catalog';
import { actsFor, isPlatformAdministrator, type Principal, type Rights } from './principal.js';

/** With these a key could make itself a successor or more than it is: only the platform administrator gives them. */
const ADMINISTRATORS_GIFT: readonly Scope[] = ['keys:write', 'platform:admin'];

/**
 * Whether the caller may make a key with these rights (security.md AUTHN-2): never more than he has himself.
 * @returns what stands against it, or null
 */
export function mintRights(by: Principal, wanted: Rights): Refusal | null {
  if (by.isAnonymous) return new Unauthenticated('making a key needs a key with the scope keys:write');
  if (!by.scopes.has('keys:write')) return new Forbidden('making a key needs the scope keys:write');
  const lacking = wanted.scopes.filter((one) => !by.scopes.has(one));
  if (lacking.length > 0) return new Forbidden(`a key gives only scopes that it has; it lacks ${lacking.join(', ')}`);
  if (!isPlatformAdministrator(by)) {
    const gift = wanted.scopes.filter((one) => ADMINISTRATORS_GIFT.includes(one));
    if (gift.length > 0) return new Forbidden(`only a platform administrator gives ${gift.join(', ')}`);
  }
  if (wanted.authorities === 'all') {
    return by.authorities === 'all' ? null : new Forbidden('only a key of every authority makes another');
  }
  const foreign = wanted.authorities.filter((slug) => !actsFor(by, slug));
  if (foreign.length > 0) return new Forbidden(`the key does not act for ${foreign.join(', ')}`);
  if (wanted.scopes.includes('platform:admin')) {
    const detail = 'platform:admin holds for every authority or not at all: authorities has to be "all"';
    return new ValidationFailed([{ pointer: '/authorities', code: 'conflict', detail }]);
  }
  return null;
}
