import { isPerson } from '#access';
import type { Session } from '#catalog';
import { type Database, Members } from '#storage';
import type { Caller } from '../keys/caller.js';

/** Who asks, as he may read it himself. */
export async function whoAmI({ principal, expiresAt, keyName, person }: Caller, db: Database): Promise<Session> {
  const { id, everywhere, within } = principal;
  const members = new Members(db);
  const roles = isPerson(principal) ? ((await members.rolesOf([id])).get(id) ?? []) : [];
  const name = isPerson(principal) ? ((await members.nameOf(id)) ?? person?.name ?? null) : keyName;
  const places = [[null, everywhere] as const, ...within].filter(([, scopes]) => scopes.size > 0);
  return {
    principal: id,
    name,
    issuer: person?.issuer ?? null,
    subject: person?.subject ?? null,
    roles: [...roles],
    rights: places.map(([authority, scopes]) => ({ authority, scopes: [...scopes] })),
    expiresAt,
  };
}
