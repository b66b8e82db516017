import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AlreadyRegistered, type MemberDocument } from '#catalog';
import { openTestDatabase, type TestDatabase } from '#testing';
import { SERVER } from '#access';
import { ApiKeys } from '../src/api-keys.js';
import { Authorities } from '../src/authorities.js';
import { Members, type MembersWithin } from '../src/members.js';
import { Sessions } from '../src/sessions.js';
import { transactAs } from '../src/transact.js';

let opened: TestDatabase;

beforeAll(async () => {
  opened = await openTestDatabase();
  for (const slug of ['water', 'roads']) {
    await transactAs(opened.db, SERVER, (tx) => new Authorities(tx).add({ slug, name: slug }));
  }
});
afterAll(() => opened.close());
beforeEach(() => opened.db.query('truncate member, session, api_key'));

const EVERYBODY: MembersWithin = { authorities: 'all', platform: true };
let made = 0;
const id = (): string => `01890000-0000-7000-8000-${String((made += 1)).padStart(12, '0')}`;

const add = (principal: string, document: Partial<MemberDocument>) =>
  transactAs(opened.db, SERVER, (tx) =>
    new Members(tx).add({
      id: id(),
      principal,
      document: { issuer: 'https://issuer.example', subject: principal, role: 'viewer', ...document },
      createdBy: 'key:a',
    }),
  );
const members = (): Members => new Members(opened.db);

describe('members', () => {
  test('are answered as they were given, with what the server made', async () => {
    const stated = { name: 'Lin', authority: 'water', role: 'operator' as const };
    const added = await add('person:lin', stated);
    expect(added).toMatchObject({
      ...stated,
      subject: 'person:lin',
      principal: 'person:lin',
      version: 1,
      createdBy: 'key:a',
    });
    expect(added.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await members().find(added.id, EVERYBODY)).toEqual(added);
    expect(await add('person:lin', { role: 'auditor' })).not.toHaveProperty('authority');
  });

  test('have one role a place', async () => {
    const first = await add('person:lin', { authority: 'water' });
    await add('person:lin', { authority: 'roads' });
    await add('person:lin', { role: 'auditor' });
    const again = (document: Partial<MemberDocument>) => add('person:lin', document);
    await expect(again({ authority: 'water', role: 'admin' })).rejects.toMatchObject({
      existing: `/v1/members/${first.id}`,
    });
    await expect(again({ role: 'administrator' })).rejects.toThrow(AlreadyRegistered);
    await expect(
      opened.db.query(
        `insert into member (id, issuer, subject, principal, role, created_by)
         values (gen_random_uuid(), 'https://issuer.example', 'x', 'person:lin', 'auditor', 'x')`,
      ),
    ).rejects.toThrow(/member_principal_platform_idx|row-level security/);
  });

  test('are seen by those of their authority, and roles beyond authorities by administrators', async () => {
    const [water, roads, platform] = [
      await add('person:a', { authority: 'water' }),
      await add('person:b', { authority: 'roads' }),
      await add('person:c', { role: 'administrator' }),
    ];
    const seen = async (within: MembersWithin) => (await members().list({ limit: 10, within })).map((one) => one.id);
    expect(await seen(EVERYBODY)).toEqual([water.id, roads.id, platform.id]);
    expect(await seen({ authorities: 'all', platform: false })).toEqual([water.id, roads.id]);
    expect(await seen({ authorities: ['water'], platform: false })).toEqual([water.id]);
    expect(await seen({ authorities: [], platform: false })).toEqual([]);
    expect(await members().find(platform.id, { authorities: ['water'], platform: false })).toBeNull();
    const [, second] = await members().list({ limit: 2, within: EVERYBODY });
    expect(await members().list({ limit: 2, within: EVERYBODY, after: second?.id ?? '' })).toHaveLength(1);
  });

  test('are what they are in each place, asked for by person', async () => {
    await add('person:a', { authority: 'water', role: 'admin' });
    await add('person:a', { role: 'auditor' });
    await add('person:b', { authority: 'roads' });
    const roles = await members().rolesOf(['person:a', 'person:nobody']);
    expect(roles.get('person:a')).toEqual([
      { authority: null, role: 'auditor' },
      { authority: 'water', role: 'admin' },
    ]);
    expect(roles.get('person:nobody')).toEqual([]);
    expect(roles.has('person:b')).toBe(false);
  });
});

describe('AUTHN-5: sessions', () => {
  const hash = (byte: number): Buffer => Buffer.alloc(32, byte);
  const begin = (byte: number, principal: string, endsAt: string | null = null) =>
    transactAs(opened.db, SERVER, (tx) =>
      new Sessions(tx).begin({ tokenHash: hash(byte), principal, name: 'Lin', endsAt }),
    );
  const lives = async (byte: number): Promise<boolean> => (await new Sessions(opened.db).find(hash(byte))) !== null;
  const turnBack = (column: 'used_at' | 'expires_at', by: string) =>
    transactAs(opened.db, SERVER, (tx) => tx.query(`update session set ${column} = ${column} - $1::interval`, [by]));

  test('last twelve hours, or as long as the key, and two hours without use', async () => {
    const { expiresAt } = await begin(1, 'key:a');
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(11.99 * 3_600_000);
    expect((await begin(2, 'key:a', '2020-01-01T00:00:00Z')).expiresAt).toBe('2020-01-01T00:00:00.000Z');
    expect([await lives(1), await lives(2), await lives(3)]).toEqual([true, false, false]);
    await turnBack('used_at', '119 minutes');
    expect(await lives(1)).toBe(true);
    await turnBack('used_at', '2 minutes');
    expect(await lives(1)).toBe(false);
    await transactAs(opened.db, SERVER, (tx) => new Sessions(tx).touch(hash(1)));
    expect(await lives(1)).toBe(false);
  });

  test('that are used do not idle, and a use is noted once a minute', async () => {
    await begin(1, 'key:a');
    expect(await new Sessions(opened.db).find(hash(1))).toMatchObject({ isUnnoted: false });
    await turnBack('used_at', '90 minutes');
    expect(await new Sessions(opened.db).find(hash(1))).toMatchObject({
      isUnnoted: true,
      principal: 'key:a',
      name: 'Lin',
    });
    await transactAs(opened.db, SERVER, (tx) => new Sessions(tx).touch(hash(1)));
    await turnBack('used_at', '90 minutes');
    expect(await lives(1)).toBe(true);
    await turnBack('expires_at', '13 hours');
    expect(await lives(1)).toBe(false);
  });

  test('are told from each other', async () => {
    await begin(1, 'key:a');
    await begin(2, 'key:a');
    await transactAs(opened.db, SERVER, (tx) => new Sessions(tx).end(hash(1)));
    expect(await new Sessions(opened.db).liveOf([hash(1), hash(2), hash(3)])).toEqual(
      new Set([hash(2).toString('hex')]),
    );
    expect(await new Sessions(opened.db).liveOf([])).toEqual(new Set());
  });

  test('that are over are swept away', async () => {
    await begin(1, 'key:a');
    await begin(2, 'key:a', '2020-01-01T00:00:00Z');
    await transactAs(opened.db, SERVER, (tx) => new Sessions(tx).sweep());
    expect(await opened.db.query('select token_hash from session')).toEqual([{ token_hash: hash(1) }]);
  });

  test.each<[string, (member: Awaited<ReturnType<typeof add>>) => Promise<unknown>]>([
    ['another role elsewhere', () => add('person:lin', { authority: 'roads' })],
    [
      'a change of role',
      ({ id }) => transactAs(opened.db, SERVER, (tx) => new Members(tx).replace(id, { role: 'admin' })),
    ],
    ['the loss of a role', (member) => transactAs(opened.db, SERVER, (tx) => new Members(tx).remove(member))],
  ])('end with %s, and nobody else’s do', async (_what, change) => {
    const member = await add('person:lin', { authority: 'water' });
    await begin(1, 'person:lin');
    await begin(2, 'person:wu');
    await change(member);
    expect([await lives(1), await lives(2)]).toEqual([false, true]);
  });

  test('end with their key, and with the keys that it made', async () => {
    const key = (keyId: string, createdBy: string) =>
      transactAs(opened.db, SERVER, (tx) =>
        new ApiKeys(tx).add({
          id: id(),
          keyId,
          name: keyId,
          pepper: { kid: 'k', hmac: hash(9) },
          scopes: ['cameras:read', 'keys:write'],
          authorities: ['water'],
          createdBy,
          expiresAt: '2099-01-01T00:00:00Z',
        }),
      );
    const parent = await key('parent', 'command');
    await key('child', 'key:parent');
    await key('other', 'command');
    await begin(1, 'key:parent');
    await begin(2, 'key:child');
    await begin(3, 'key:other');
    await transactAs(opened.db, SERVER, (tx) => new ApiKeys(tx).revoke(parent.id, 'all'));
    expect([await lives(1), await lives(2), await lives(3)]).toEqual([false, false, true]);
  });
});

describe('AUTHN-2: a key', () => {
  const mint = (keyId: string, createdBy: string) =>
    transactAs(opened.db, SERVER, (tx) =>
      new ApiKeys(tx).add({
        id: id(),
        keyId,
        name: keyId,
        pepper: { kid: 'k', hmac: Buffer.alloc(32) },
        scopes: ['cameras:read'],
        authorities: ['water'],
        createdBy,
        expiresAt: '2099-01-01T00:00:00Z',
      }),
    );
  const boundsOf = async (keyId: string) => (await new ApiKeys(opened.db).findByKeyId(keyId))?.bounds;

  test('that a person made is bound to the person’s roles as they are now, and so are the keys that it makes', async () => {
    await add('person:lin', { authority: 'water', role: 'operator' });
    await mint('a', 'person:lin');
    await mint('b', 'key:a');
    await mint('c', 'key:b');
    const roles = [{ authority: 'water', role: 'operator' }];
    expect([await boundsOf('a'), await boundsOf('b'), await boundsOf('c')]).toEqual([roles, roles, roles]);
    const live = await new ApiKeys(opened.db).liveOf(['a', 'c']);
    expect([live.get('a')?.bounds, live.get('c')?.bounds]).toEqual([roles, roles]);
    await opened.db.query('truncate member');
    expect([await boundsOf('a'), await boundsOf('c')]).toEqual([[], []]);
  });

  test('that nobody made is bound to nobody', async () => {
    await mint('a', 'command');
    await mint('b', 'key:a');
    expect([await boundsOf('a'), await boundsOf('b')]).toEqual([null, null]);
  });
});
