import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Unauthenticated } from '#catalog';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';
import { ApiKeys, type NewApiKey } from '../src/api-keys.js';
import { transact } from '../src/transact.js';

let opened: TestDatabase;
let keys: ApiKeys;

beforeAll(async () => {
  opened = await openTestDatabase();
  keys = new ApiKeys(opened.db);
});
afterAll(() => opened.close());
beforeEach(() => opened.db.query('truncate api_key'));

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
const pepper = (byte: number) => ({ kid: `k${byte}`, hmac: Buffer.alloc(32, byte) });
const PAGE = { limit: 50, within: 'all' } as const;

let made = 0;
/** A key whose ids grow in the order of making; `keyId` says which one a test speaks of. */
function key(keyId: string, with_: Partial<NewApiKey> = {}): NewApiKey {
  made += 1;
  return {
    id: `01890000-0000-7000-8000-${String(made).padStart(12, '0')}`,
    keyId,
    name: `key ${keyId}`,
    pepper: pepper(1),
    scopes: ['cameras:read', 'keys:write'],
    authorities: ['water'],
    createdBy: 'command',
    expiresAt: inDays(90),
    ...with_,
  };
}

const stateOf = async (keyId: string) => (await keys.findByKeyId(keyId))?.state;

describe('a key (AUTHN-1)', () => {
  test('is kept, shown without its secret, and found by what its bearer presents', async () => {
    const expiresAt = '2099-01-02T03:04:05.678Z';
    const stated = key('a', { expiresAt, authorities: ['water', 'roads'] });
    const added = await keys.add(stated);
    const { pepper: kept, ...shown } = stated;
    expect(added).toEqual({ ...shown, createdAt: expect.any(String), lastUsedAt: null, revokedAt: null });
    expect(added.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await keys.find(stated.id, 'all')).toEqual(added);
    expect(await keys.findByKeyId('a')).toEqual({
      keyId: 'a',
      pepper: kept,
      state: 'live',
      scopes: stated.scopes,
      authorities: stated.authorities,
      name: 'key a',
      expiresAt,
      bounds: null,
    });
  });

  test('of every authority says so, and one of none too', async () => {
    await keys.add(key('all', { authorities: 'all' }));
    await keys.add(key('none', { authorities: [], scopes: [] }));
    expect(await keys.findByKeyId('all')).toMatchObject({ authorities: 'all' });
    expect(await keys.findByKeyId('none')).toMatchObject({ authorities: [], scopes: [] });
    expect((await keys.list(PAGE)).map(({ authorities }) => authorities)).toEqual(['all', []]);
  });

  test('that nobody made is none', async () => {
    expect(await keys.findByKeyId('nobody')).toBeNull();
    expect(await keys.find(randomUUID(), 'all')).toBeNull();
  });

  test('expires by the clock of the database', async () => {
    await keys.add(key('old', { expiresAt: inDays(-1) }));
    expect(await stateOf('old')).toBe('expired');
  });

  test('of the same id is not added twice', async () => {
    await keys.add(key('a'));
    await expect(keys.add(key('a'))).rejects.toThrow(/api_key_key_id_key/);
  });

  test('moves to another pepper', async () => {
    await keys.add(key('a'));
    await keys.add(key('b'));
    await keys.setPepper('a', pepper(2));
    expect(await keys.findByKeyId('a')).toMatchObject({ pepper: pepper(2) });
    expect(await keys.findByKeyId('b')).toMatchObject({ pepper: pepper(1) });
  });
});

describe('the list', () => {
  test('comes in pages, in the order of making', async () => {
    for (const keyId of ['c', 'a', 'b']) await keys.add(key(keyId));
    const first = await keys.list({ limit: 2, within: 'all' });
    expect(first.map(({ keyId }) => keyId)).toEqual(['c', 'a']);
    const second = await keys.list({ limit: 2, within: 'all', after: first[1]?.id ?? '' });
    expect(second.map(({ keyId }) => keyId)).toEqual(['b']);
  });

  test('holds only keys that reach no further than the caller', async () => {
    await keys.add(key('water'));
    await keys.add(key('both', { authorities: ['water', 'roads'] }));
    await keys.add(key('roads', { authorities: ['roads'] }));
    await keys.add(key('none', { authorities: [] }));
    await keys.add(key('all', { authorities: 'all' }));
    const seen = async (within: readonly string[]) => (await keys.list({ ...PAGE, within })).map(({ keyId }) => keyId);
    expect(await seen(['water'])).toEqual(['water']);
    expect(await seen(['roads', 'water'])).toEqual(['water', 'both', 'roads']);
    expect(await seen([])).toEqual([]);
    const [all] = (await keys.list(PAGE)).filter(({ keyId }) => keyId === 'all');
    expect(await keys.find(all?.id ?? '', ['water', 'roads'])).toBeNull();
  });
});

describe('revoking (AUTHN-1, AUTHN-4)', () => {
  test('ends a key for good; a second time keeps the moment of the first', async () => {
    const { id } = await keys.add(key('a'));
    await keys.add(key('other'));
    const revoked = await keys.revoke(id, ['water']);
    expect(revoked?.revokedAt).toMatch(/Z$/);
    expect(await keys.revoke(id, 'all')).toEqual(revoked);
    expect(await stateOf('a')).toBe('revoked');
    expect(await stateOf('other')).toBe('live');
  });

  test('reaches no key beyond the caller', async () => {
    const { id } = await keys.add(key('a', { authorities: ['water', 'roads'] }));
    expect(await keys.revoke(id, ['water'])).toBeNull();
    expect(await keys.revoke(randomUUID(), 'all')).toBeNull();
    expect(await stateOf('a')).toBe('live');
  });

  test('ends the keys that the key made, and theirs, and no others', async () => {
    const { id } = await keys.add(key('a'));
    await keys.add(key('child', { createdBy: 'key:a' }));
    await keys.add(key('sibling', { createdBy: 'key:a' }));
    await keys.add(key('grandchild', { createdBy: 'key:child' }));
    await keys.add(key('stranger', { createdBy: 'command' }));
    await keys.revoke(id, 'all');
    for (const keyId of ['a', 'child', 'sibling', 'grandchild']) expect(await stateOf(keyId)).toBe('revoked');
    expect(await stateOf('stranger')).toBe('live');
  });

  test('leaves its makers alone', async () => {
    await keys.add(key('a'));
    const { id } = await keys.add(key('child', { createdBy: 'key:a' }));
    await keys.revoke(id, 'all');
    expect(await stateOf('a')).toBe('live');
  });

  test('a revoked key makes no more keys, nor does one that never was', async () => {
    const { id } = await keys.add(key('a'));
    await keys.revoke(id, 'all');
    await expect(keys.add(key('late', { createdBy: 'key:a' }))).rejects.toThrow(Unauthenticated);
    await expect(keys.add(key('orphan', { createdBy: 'key:nobody' }))).rejects.toThrow(Unauthenticated);
    expect(await keys.findByKeyId('late')).toBeNull();
  });

  test('an expired maker leaves its keys alone', async () => {
    await keys.add(key('a'));
    await keys.add(key('child', { createdBy: 'key:a' }));
    await opened.db.query(`update api_key set expires_at = now() where key_id = 'a'`);
    expect(await stateOf('a')).toBe('expired');
    expect(await stateOf('child')).toBe('live');
  });
});

describeOnServer('revoking while keys are made (several sessions)', () => {
  const settled = async (promise: Promise<unknown>): Promise<boolean> =>
    Promise.race([promise.then(() => true), wait(200).then(() => false)]);

  test('the child that comes first is revoked too', async () => {
    const { id } = await keys.add(key('a'));
    let revoking: Promise<unknown> = Promise.resolve();
    await transact(opened.db, async (tx) => {
      await new ApiKeys(tx).add(key('child', { createdBy: 'key:a' }));
      revoking = transact(opened.db, (other) => new ApiKeys(other).revoke(id, 'all'));
      expect(await settled(revoking)).toBe(false);
    });
    await revoking;
    expect(await stateOf('child')).toBe('revoked');
  });

  test('the child that comes second is not made', async () => {
    const { id } = await keys.add(key('a'));
    let making: Promise<unknown> = Promise.resolve();
    await transact(opened.db, async (tx) => {
      await new ApiKeys(tx).revoke(id, 'all');
      making = keys.add(key('child', { createdBy: 'key:a' }));
      making.catch(() => undefined);
      expect(await settled(making)).toBe(false);
    });
    await expect(making).rejects.toThrow(Unauthenticated);
  });
});

describe('the moment of last use', () => {
  const usedAt = async (): Promise<Record<string, string | null>> =>
    Object.fromEntries((await keys.list(PAGE)).map(({ keyId, lastUsedAt }) => [keyId, lastUsedAt]));

  test('is kept to the minute, for many keys at once', async () => {
    for (const keyId of ['a', 'b', 'c']) await keys.add(key(keyId));
    await keys.touch(['a', 'c', 'unknown']);
    const { a, b, c } = await usedAt();
    expect(a).toMatch(/:00\.000Z$/);
    expect(Math.abs(Date.now() - Date.parse(a ?? ''))).toBeLessThan(120_000);
    expect(c).not.toBeNull();
    expect(b).toBeNull();
  });

  test('is written once a minute', async () => {
    await keys.add(key('a'));
    const rowVersion = () => opened.db.query<{ xmin: string }[]>('select xmin::text from api_key');
    // Were the minute to turn between the two, a second write would be right: then once more.
    for (let tries = 0; tries < 2; tries += 1) {
      await keys.touch(['a']);
      const [before, at] = [await rowVersion(), (await usedAt()).a];
      await keys.touch(['a', 'a']);
      if ((await usedAt()).a !== at) continue;
      expect(await rowVersion()).toEqual(before);
      return;
    }
  });

  test('nothing to note is nothing to do', async () => {
    await expect(keys.touch([])).resolves.toBeUndefined();
  });
});

describe('the first administrator', () => {
  const admin = { scopes: ['platform:admin'], authorities: 'all' } as const;

  test.each<[string, Partial<NewApiKey>, boolean]>([
    ['a live one', admin, true],
    ['an expired one', { ...admin, expiresAt: inDays(-1) }, false],
    ['one of a single authority', { ...admin, authorities: ['water'] }, false],
    ['a key of every authority without the scope', { ...admin, scopes: ['keys:write'] }, false],
  ])('%s', async (_what, with_, there) => {
    expect(await keys.hasAdministrator()).toBe(false);
    await keys.add(key('a', with_));
    expect(await keys.hasAdministrator()).toBe(there);
  });

  test('a revoked one is none', async () => {
    const { id } = await keys.add(key('a', admin));
    await keys.revoke(id, 'all');
    expect(await keys.hasAdministrator()).toBe(false);
  });
});

describe('the key of SIGHTLINE_ADMIN_KEY (AUTHN-1)', () => {
  const hold = (keyId: string | null): Promise<boolean> => {
    const { authorities: _all, createdBy: _settings, expiresAt: _never, ...stated } = key(keyId ?? '');
    return transact(opened.db, (tx) =>
      new ApiKeys(tx).hold(keyId === null ? null : { ...stated, scopes: ['platform:admin'] }),
    );
  };

  test('holds without end, the same at every start', async () => {
    expect(await hold('a')).toBe(true);
    const before = await keys.list(PAGE);
    expect(await hold('a')).toBe(true);
    expect(await keys.list(PAGE)).toEqual(before);
    expect(before).toMatchObject([{ keyId: 'a', createdBy: 'settings', authorities: 'all', expiresAt: null }]);
    expect(await keys.hasAdministrator()).toBe(true);
  });

  test('many processes that start at once make one row', async () => {
    expect(await Promise.all(Array.from({ length: 8 }, () => hold('a')))).toEqual(Array(8).fill(true));
    expect(await keys.list(PAGE)).toHaveLength(1);
  });

  test('is replaced by another value, and ends with the setting; the keys that it made stay', async () => {
    await hold('a');
    await keys.add(key('child', { createdBy: 'key:a' }));
    expect(await hold('b')).toBe(true);
    expect(await stateOf('a')).toBe('expired');
    expect(await stateOf('b')).toBe('live');
    expect(await hold(null)).toBe(false);
    expect(await stateOf('b')).toBe('expired');
    expect(await stateOf('child')).toBe('live');
    expect(await hold('a')).toBe(true);
    expect(await stateOf('a')).toBe('live');
  });

  test('stays revoked once a person revoked it', async () => {
    await hold('a');
    const [row] = await keys.list(PAGE);
    await keys.revoke(row?.id ?? '', 'all');
    expect(await hold('a')).toBe(false);
    expect(await stateOf('a')).toBe('revoked');
  });

  test('may be the one that was printed once; other keys are not its affair', async () => {
    await keys.add(key('printed', { authorities: 'all', scopes: ['platform:admin'] }));
    await keys.add(key('other'));
    expect(await hold('printed')).toBe(true);
    expect(await keys.list(PAGE)).toMatchObject([{ createdBy: 'settings', expiresAt: null }, { keyId: 'other' }]);
    await hold(null);
    expect(await stateOf('other')).toBe('live');
  });

  test('only it may be without end', async () => {
    await keys.add(key('a'));
    await expect(opened.db.query('update api_key set expires_at = null')).rejects.toThrow(/api_key_expires_at_check/);
  });
});
