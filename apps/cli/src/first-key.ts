import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { COMMAND, KEY_LIFE_S, type Keyring, mintKey, parseKey } from '#access';
import { type Scope, SCOPES } from '#catalog';
import { ApiKeys, type Database, transactAs } from '#storage';

/** The administrator's key that was given does not serve; the message says why. */
export class BadAdminKey extends Error {
  override readonly name = 'BadAdminKey';
}

interface Given {
  readonly db: DataSource;
  readonly keyring: Keyring;
  /** `SIGHTLINE_ADMIN_KEY`. */
  readonly adminKey: string | undefined;
}

/**
 * Sees to it that there is a platform administrator's key: the one given, which holds while it is set, else one that is made when
 * there is none.
 * @returns the key just made, to be shown once; null where there is one already
 * @throws BadAdminKey
 */
export async function ensureAdministrator({ db, keyring, adminKey }: Given): Promise<string | null> {
  const given = adminKey === undefined ? null : parseKey(adminKey);
  if (adminKey !== undefined && given === null) {
    throw new BadAdminKey('SIGHTLINE_ADMIN_KEY has a typing error: its check digits do not fit.');
  }
  return transactAs(db, COMMAND, async (tx) => {
    const keys = new ApiKeys(tx);
    await keys.alone();
    const held = given === null ? null : { ...given, id: uuidv7(), name: 'SIGHTLINE_ADMIN_KEY' };
    const holds = await keys.hold(
      held === null ? null : { ...held, pepper: keyring.pepper(held.secret), scopes: SCOPES },
    );
    if (held !== null && !holds) throw new BadAdminKey('SIGHTLINE_ADMIN_KEY was revoked: set another one.');
    if (held !== null || (await keys.hasAdministrator())) return null;
    const made = await makeKey(tx, keyring, { name: 'first administrator', scopes: SCOPES, lifeS: KEY_LIFE_S.most });
    return made.key;
  });
}

/** Makes a key of every authority by the hand of the person who started the program. */
export async function makeKey(
  db: Database,
  keyring: Keyring,
  { name, scopes, lifeS }: { readonly name: string; readonly scopes: readonly Scope[]; readonly lifeS: number },
): Promise<{ readonly id: string; readonly key: string }> {
  const { key, keyId, secret } = mintKey(randomBytes);
  const kept = await new ApiKeys(db).add({
    id: uuidv7(),
    keyId,
    name,
    pepper: keyring.pepper(secret),
    scopes,
    authorities: 'all',
    createdBy: 'command',
    expiresAt: new Date(Date.now() + lifeS * 1_000).toISOString(),
  });
  return { id: kept.id, key };
}
