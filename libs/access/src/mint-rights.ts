import { Forbidden, type Refusal, type Scope, Unauthenticated, ValidationFailed } from '#catalog';
import { isPlatformAdministrator, mayIn, maySomewhere, type Principal } from './principal.js';
import type { Rights } from './principal-of.js';

/** With these a key could make itself a successor or more than it is: only the platform administrator gives them. */
const ADMINISTRATORS_GIFT: readonly Scope[] = ['keys:write', 'members:write', 'platform:admin'];

/**
 * Whether the caller may make a key with these rights (security.md AUTHN-2): never more than he has himself, in any of the authorities.
 * @returns what stands against it, or null
 */
export function mintRights(by: Principal, { scopes, authorities }: Rights): Refusal | null {
  if (by.isAnonymous) return new Unauthenticated('making a key needs the scope keys:write');
  if (!maySomewhere(by, 'keys:write')) return new Forbidden('making a key needs the scope keys:write');
  if (!isPlatformAdministrator(by)) {
    const gift = scopes.filter((one) => ADMINISTRATORS_GIFT.includes(one));
    if (gift.length > 0) return new Forbidden(`only a platform administrator gives ${gift.join(', ')}`);
  }
  const wanted: readonly Scope[] = ['keys:write', ...scopes];
  const lacking =
    authorities === 'all'
      ? wanted.filter((one) => !by.everywhere.has(one)).map((one) => `${one} in every authority`)
      : authorities.flatMap((slug) => wanted.filter((one) => !mayIn(by, one, slug)).map((one) => `${one} in ${slug}`));
  if (lacking.length > 0) return new Forbidden(`a key gives only what its maker may do; you lack ${listed(lacking)}`);
  if (scopes.includes('platform:admin') && authorities !== 'all') {
    const detail = 'platform:admin holds for every authority or not at all: authorities has to be "all"';
    return new ValidationFailed([{ pointer: '/authorities', code: 'conflict', detail }]);
  }
  return null;
}

/** At most this many are named. */
const NAMED = 5;

function listed(lacking: readonly string[]): string {
  const rest = lacking.length - NAMED;
  return lacking.slice(0, NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
