import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { principalOfKey, scope } from '#access';
import { AlreadyDecided, AlreadyRegistered, NotFound, type Scope, type ScopedQuery } from '#catalog';
import {
  AccessRequests,
  CameraFinder,
  Cameras,
  type Database,
  EventAudience,
  Grants,
  type NewAccessRequest,
  type NewGrant,
  StoredPictures,
} from '#storage';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';
import { record } from './records.js';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await openTestDatabase();
  ({ db } = database);
  await db.query(
    `insert into authority (slug, version, document, access_floor)
     values ('wrb', 1, '{}', 'public'), ('eoc', 1, '{}', 'public'), ('park', 1, '{}', 'public')`,
  );
});
afterAll(() => database.close());
beforeEach(async () => {
  for (const table of ['access_request', 'access_grant', 'camera']) await db.query(`delete from ${table}`);
});

const HOUR_MS = 3_600_000;
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

const caller = (authorities: 'all' | string[], ...scopes: Scope[]): ScopedQuery =>
  scope(principalOfKey('x', { scopes, authorities }));
const EOC = caller(['eoc'], 'cameras:read', 'frames:read');

async function addRestricted(): Promise<string> {
  const camera = record({ accessLevel: 'restricted' }, { access: { level: 'restricted' } });
  await new Cameras(db).add([camera]);
  return camera.id;
}

async function give(over: Partial<NewGrant> = {}): Promise<string> {
  const grant = { camera: null, grantee: 'eoc', until: inMs(HOUR_MS), reason: 'typhoon', createdBy: 'key:a', ...over };
  return (await new Grants(db).add({ id: randomUUID(), owner: 'wrb', ...grant })).id;
}

async function knows(by: ScopedQuery, id: string): Promise<boolean> {
  try {
    await new CameraFinder(db).get(id, by, 'http://x');
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

const isLetIn = async (by: ScopedQuery, id: string): Promise<boolean> =>
  (await new StoredPictures(db).main(id, by)).isLetIn;

describe('AUTHZ-1: a grant', () => {
  test('of one camera lets that one be known, and seen by who sees pictures', async () => {
    const [camera, other] = [await addRestricted(), await addRestricted()];
    expect(await knows(EOC, camera)).toBe(false);
    await give({ camera });
    expect([await knows(EOC, camera), await knows(EOC, other)]).toEqual([true, false]);
    expect(await isLetIn(EOC, camera)).toBe(true);
    const withoutFrames = caller(['eoc'], 'cameras:read');
    expect([await knows(withoutFrames, camera), await isLetIn(withoutFrames, camera)]).toEqual([true, false]);
    // Pictures of his own elsewhere are none of what was granted here.
    const elsewhere = scope({
      ...principalOfKey('x', { scopes: ['cameras:read'], authorities: ['eoc'] }),
      within: new Map([
        ['eoc', new Set<Scope>(['cameras:read'])],
        ['park', new Set<Scope>(['cameras:read', 'frames:read'])],
      ]),
    });
    expect([await knows(elsewhere, camera), await isLetIn(elsewhere, camera)]).toEqual([true, false]);
  });

  test('of an authority lets all of its cameras be known, later ones too, and none of another', async () => {
    await give();
    const later = await addRestricted();
    expect(await knows(EOC, later)).toBe(true);
    await db.query(`update camera set authority = 'park' where id = $1`, [later]);
    expect(await knows(EOC, later)).toBe(false);
  });

  test('of a camera stays behind where the camera goes to another authority', async () => {
    const camera = await addRestricted();
    await give({ camera });
    await db.query(`update camera set authority = 'park' where id = $1`, [camera]);
    expect(await knows(EOC, camera)).toBe(false);
  });

  test.each<[string, ScopedQuery]>([
    ['a third authority', caller(['park'], 'cameras:read', 'frames:read')],
    ['the grantee without cameras:read', caller(['eoc'], 'frames:read')],
    ['an auditor', caller('all', 'audit:read')],
  ])('is nothing to %s', async (_who, by) => {
    const camera = await addRestricted();
    await give({ camera });
    await give();
    expect(await knows(by, camera)).toBe(false);
  });

  test('ends by itself, without a job, and at once where it is ended', async () => {
    const [camera, other] = [await addRestricted(), await addRestricted()];
    const id = await give({ camera, until: inMs(800) });
    const ended = await give({ camera: other });
    expect([await knows(EOC, camera), await knows(EOC, other)]).toEqual([true, true]);
    await new Grants(db).end(ended, 'key:a');
    expect(await knows(EOC, other)).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(await knows(EOC, camera)).toBe(false);
    const within = { given: ['wrb'], received: [] };
    expect((await new Grants(db).find(id, within))?.state).toBe('expired');
    expect(await new Grants(db).find(ended, within)).toMatchObject({ state: 'ended', endedBy: 'key:a' });
  });

  test('is judged with each event', async () => {
    const camera = await addRestricted();
    const told = async (): Promise<boolean> => {
      const [judged] = await new EventAudience(db).judge(EOC, [{ cameraId: camera, seenBefore: null }]);
      return judged?.now !== null;
    };
    expect(await told()).toBe(false);
    const id = await give({ camera });
    expect(await told()).toBe(true);
    await new Grants(db).end(id, 'key:a');
    expect(await told()).toBe(false);
  });

  test('is seen by both sides alone, and stands in the audit of both', async () => {
    const id = await give();
    const seenBy = async (slug: string): Promise<string[]> => {
      const page = { limit: 10, within: { given: [slug], received: [slug] } };
      return (await new Grants(db).list(page)).map((grant) => grant.id);
    };
    expect([await seenBy('wrb'), await seenBy('eoc'), await seenBy('park')]).toEqual([[id], [id], []]);
    const noted = await db.query(`select action, authority from audit_entry where subject_id = $1 order by authority`, [
      id,
    ]);
    expect(noted).toEqual([
      { action: 'grant.made', authority: 'eoc' },
      { action: 'grant.made', authority: 'wrb' },
    ]);
  });
});

describe('AUTHZ-1: a request for access', () => {
  const asked = (over: Partial<NewAccessRequest> = {}): NewAccessRequest => ({
    id: randomUUID(),
    owner: 'wrb',
    camera: null,
    grantee: 'eoc',
    purpose: 'disaster_response',
    until: inMs(HOUR_MS),
    reason: 'evacuation',
    createdBy: 'key:b',
    ...over,
  });

  test('is pending once for the same, and again when that is over', async () => {
    const requests = new AccessRequests(db);
    const camera = await addRestricted();
    const first = asked({ camera });
    await requests.add(first);
    const again = requests.add(asked({ camera }));
    await expect(again).rejects.toThrow(AlreadyRegistered);
    await expect(again).rejects.toMatchObject({ existing: `/v1/access-requests/${first.id}` });
    await requests.add(asked());
    await requests.settle(first.id, { state: 'refused', by: 'key:a', answer: 'no', grant: null });
    await requests.add(asked({ camera }));
  });

  test('ends once', async () => {
    const requests = new AccessRequests(db);
    const { id } = await requests.add(asked());
    const settled = await requests.settle(id, { state: 'withdrawn', by: 'key:b', answer: null, grant: null });
    expect(settled).toMatchObject({ state: 'withdrawn', decidedBy: 'key:b', answer: null, grant: null });
    await expect(requests.settle(id, { state: 'granted', by: 'key:a', answer: null, grant: null })).rejects.toThrow(
      AlreadyDecided,
    );
  });
});

describeOnServer('two who decide at once (on a server: several sessions)', () => {
  test('make one grant', async () => {
    const { id } = await new AccessRequests(db).add({
      id: randomUUID(),
      owner: 'wrb',
      camera: null,
      grantee: 'eoc',
      purpose: 'science',
      until: inMs(HOUR_MS),
      reason: 'r',
      createdBy: 'key:b',
    });
    const decide = (): Promise<unknown> =>
      database.db.transaction(async (tx) => {
        const grant = await new Grants(tx).add({
          id: randomUUID(),
          owner: 'wrb',
          camera: null,
          grantee: 'eoc',
          until: inMs(HOUR_MS),
          reason: 'r',
          createdBy: 'key:a',
        });
        return new AccessRequests(tx).settle(id, { state: 'granted', by: 'key:a', answer: null, grant: grant.id });
      });
    const results = await Promise.allSettled(Array.from({ length: 6 }, decide));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await db.query('select count(*)::int as count from access_grant')).toEqual([{ count: 1 }]);
  });
});
