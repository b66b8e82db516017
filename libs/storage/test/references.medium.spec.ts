import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { HeldPictures, References } from '#storage';
import { openTestDatabase, type TestDatabase } from '#testing';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.query(`
    insert into authority (slug, version, document, access_floor)
    values ('wrb', 1, '{"slug": "wrb", "name": "Water"}', 'public')`);
});
afterAll(() => database.close());

async function camera(): Promise<string> {
  const id = randomUUID();
  await database.db.query(
    `insert into camera (
       id, authority, local_id, version, document, public_document, position, lifecycle, access_level, completeness,
       mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
     values ($1, 'wrb', $2, 1, '{}', '{}', st_setsrid(st_makepoint(120, 23), 4326), 'active', 'public', 'point',
       'fixed', '{}', '{}', '', '{1}', '', 1)`,
    [id, id],
  );
  return id;
}

test('pictures that are held are counted by service, whoever registered it', async () => {
  const pictures = new HeldPictures(database.db);
  const [a, b, c] = [await camera(), await camera(), await camera()];
  const hold = (cameraId: string, scanHash: string, serviceHash: string) => ({ cameraId, scanHash, serviceHash });
  await pictures.add([hold(a, 'card', '1'), hold(b, 'card', '2'), hold(c, 'card', '2'), hold(a, 'other', '1')]);
  expect(await pictures.services(['card', 'other', 'never'])).toEqual(
    new Map([
      ['card', 2],
      ['other', 1],
    ]),
  );
  // Again, at another address; and a camera that is gone meanwhile.
  await pictures.add([hold(c, 'card', '3'), hold(randomUUID(), 'card', '4')]);
  expect((await pictures.services(['card'])).get('card')).toBe(3);

  // What few showed long ago is forgotten when the camera holds another; a card is not.
  await database.db.query(`update held_picture set seen_at = now() - interval '31 days'`);
  await pictures.add([hold(a, 'new', '1')]);
  expect(await pictures.services(['card', 'other', 'new'])).toEqual(
    new Map([
      ['card', 3],
      ['new', 1],
    ]),
  );
});

test('accepting a view replaces what was known in every light', async () => {
  const references = new References(database.db);
  const id = await camera();
  const view = { capturedAt: '2026-01-01T00:00:00.000Z', sd: 40, laplacianVariance: 900, outlines: 'AAAA' };
  await references.accept(id, { of: 'view 1', light: 'night', view, by: 'key:a' });
  const accepted = await references.accept(id, { of: 'view 1', light: 'day', view, by: 'key:b' });
  expect(accepted).toMatchObject({ source: 'operator', acceptedBy: 'key:b' });
  const rows = await database.db.query<Record<string, unknown>[]>(
    'select * from camera_reference where camera_id = $1',
    [id],
  );
  expect(rows).toEqual([
    expect.objectContaining({
      revision: 2,
      fingerprint: 'view 1',
      source: 'operator',
      accepted_by: 'key:b',
      views: { day: view },
    }),
  ]);
});
