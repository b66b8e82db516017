import { idOfKey, isPerson, keyIdOf, type Principal, principalOfKey, principalOfPerson } from '#access';
import { ApiKeys, type Database, Members } from '#storage';

/**
 * Those principals with the rights that they have at this moment. A key that was revoked or has expired is not among them; a person always is,
 * be it without any rights.
 */
export async function principalsNow(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, Principal>> {
  const different = [...new Set(ids)];
  const keyIds = different.flatMap((id) => keyIdOf({ id }) ?? []);
  const people = different.filter((id) => isPerson({ id }));
  // One after the other: within a transaction there is one connection.
  const keys = await new ApiKeys(db).liveOf(keyIds);
  const roles = await new Members(db).rolesOf(people);
  return new Map<string, Principal>([
    ...[...keys].map(([keyId, rights]) => [idOfKey(keyId), principalOfKey(keyId, rights)] as const),
    ...[...roles].map(([id, memberships]) => [id, principalOfPerson(id, memberships)] as const),
  ]);
}
