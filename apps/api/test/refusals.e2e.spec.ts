import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ListedAuditEntry } from '#catalog';
import { type Sightline, startSightline } from '#testing';
import { ADMIN, type Answered, ask, type Asked, keyFor, VIEWER } from './asking.js';
import { clientOf } from './client.js';
import { addAuthority, addCamera, OPERATOR, registration } from './fixtures.js';

/** AUD-1: an agency reads in its own audit who tried what with its cameras, and was refused. */
let sightline: Sightline;
const keys = new Map<string, string>();
/** A public camera, and one that strangers may not know. */
let open: string;
let hidden: string;

const as = (who: string, method: string, path: string, asked: Asked = {}): Promise<Answered> =>
  ask(sightline, method, path, { key: keys.get(who), ...asked });
const principalOf = (who: string): string => {
  const key = keys.get(who);
  return key === undefined ? 'anonymous' : `key:${key.split('_')[1] ?? ''}`;
};

beforeAll(async () => {
  sightline = await startSightline();
  keys.set('platform', sightline.key);
  const admin = clientOf(sightline.url, sightline.key);
  for (const slug of ['tainan-wrb', 'other']) await addAuthority(admin, slug);
  const make = async (who: string, authority: string, scopes: readonly string[]): Promise<void> => {
    keys.set(who, await keyFor(sightline, [authority], scopes));
  };
  await make('auditor', 'tainan-wrb', ['audit:read']);
  await make('foreign auditor', 'other', ['audit:read']);
  await make('own viewer', 'tainan-wrb', VIEWER);
  await make('foreign operator', 'other', OPERATOR);
  await make('foreign admin', 'other', ADMIN);
  await make('foreign viewer', 'other', VIEWER);
  await make('searcher', 'other', VIEWER);
  open = (await addCamera(admin, registration({ localId: 'open' }))).id;
  hidden = (await addCamera(admin, registration({ localId: 'hidden', access: { level: 'restricted' } }))).id;
});
afterAll(() => sightline.close());

/** What the audit that one reads says of what another was refused, oldest first. */
async function refusals(reader: string, who: string): Promise<readonly ListedAuditEntry[]> {
  const query = `action=access.refused&principal=${encodeURIComponent(principalOf(who))}&limit=1000`;
  const { status, body } = await as(reader, 'GET', `/v1/audit?${query}`);
  expect(status).toBe(200);
  return ([...(body.items ?? [])] as unknown as ListedAuditEntry[]).reverse();
}

/** The same, once there are so many, and no more come. */
async function settled(reader: string, who: string, count: number): Promise<readonly ListedAuditEntry[]> {
  for (const until = Date.now() + 8_000; Date.now() < until; await wait(100)) {
    if ((await refusals(reader, who)).length >= count) break;
  }
  await wait(1_300);
  const found = await refusals(reader, who);
  expect(found.map(({ subject, reason }) => [subject, reason])).toHaveLength(count);
  return found;
}

const CHANGE = { body: { heightM: 7 }, headers: { 'if-match': '*' } };

describe('a refusal stands in the audit of whose thing it was (AUD-1)', () => {
  test('changing a camera that one may read: in both, the same again an hour later', async () => {
    for (let i = 0; i < 4; i += 1) {
      expect((await as('foreign operator', 'PATCH', `/v1/cameras/${open}`, CHANGE)).status).toBe(403);
      await wait(400);
    }
    const [entry] = await settled('auditor', 'foreign operator', 1);
    expect(entry).toMatchObject({
      ...{ authority: 'tainan-wrb', subject: { kind: 'camera', id: open }, result: 'refused', address: '127.0.0.1' },
      reason: expect.stringMatching(/^forbidden: .*cameras:write in tainan-wrb/),
      after: { operation: 'PATCH /v1/cameras/:id', times: expect.any(Number) },
    });
    const [own] = await settled('foreign auditor', 'foreign operator', 1);
    expect(own).toMatchObject({ authority: 'other', subject: { kind: 'operation', id: 'PATCH /v1/cameras/:id' } });
    expect(own?.requestId).toBe(entry?.requestId);
  });

  test('asking for a hidden camera: in that of its authority alone, and of an id that nobody has in none', async () => {
    for (const id of [hidden, randomUUID()]) {
      for (const rest of ['', '', '/thumbnail', '/health/history']) {
        expect((await as('foreign viewer', 'GET', `/v1/cameras/${id}${rest}`)).status).toBe(404);
      }
    }
    const found = await settled('auditor', 'foreign viewer', 3);
    expect(new Set(found.map(({ subject }) => subject.id))).toEqual(new Set([hidden]));
    expect(found.map(({ after, reason }) => `${String(after?.operation)} ${reason}`).sort()).toEqual([
      'GET /v1/cameras/:id not_found: the caller may not know it',
      'GET /v1/cameras/:id/health/history not_found: the caller may not know it',
      'GET /v1/cameras/:id/thumbnail not_found: the caller may not know it',
    ]);
    expect(await refusals('foreign auditor', 'foreign viewer')).toEqual([]);
  });

  test('nobody in particular too, by the agency’s own id as well; what is not there is no attempt', async () => {
    for (const path of [
      `/v1/cameras/${hidden}`,
      '/v1/authorities/tainan-wrb/cameras/hidden',
      '/v1/authorities/tainan-wrb/cameras/none',
      '/v1/authorities/tainan-wrb/cameras/%00',
      '/v1/authorities/nowhere/cameras/hidden',
      '/v1/authorities/NO%20SLUG/cameras/hidden',
      `/v1/cameras/${open}/thumbnail?preset=none`,
      `/v1/cameras/${open}/frames/latest`,
    ]) {
      expect([path, (await as('nobody', 'GET', path)).status]).toEqual([path, 404]);
    }
    const found = await settled('auditor', 'nobody', 2);
    expect(found.map(({ subject, principal }) => [subject.id, principal])).toEqual([
      [hidden, 'anonymous'],
      [hidden, 'anonymous'],
    ]);
  });

  test('of the caller’s own authority once, with the camera that it was', async () => {
    expect((await as('own viewer', 'PATCH', `/v1/cameras/${open}`, CHANGE)).status).toBe(403);
    const [entry] = await settled('auditor', 'own viewer', 1);
    expect(entry).toMatchObject({ subject: { kind: 'camera', id: open }, after: { times: 1 } });
  });

  test('asking for a grant of it, reading an audit, and writing into an authority that there is or not', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const grant = { camera: hidden, grantee: 'other', until, reason: 'x' };
    expect((await as('foreign admin', 'POST', '/v1/grants', { body: grant })).status).toBe(404);
    for (const authority of ['tainan-wrb', 'nowhere']) {
      const body = registration({ localId: 'mine', authority });
      expect((await as('foreign admin', 'POST', '/v1/cameras', { body })).status).toBe(403);
    }
    expect((await as('foreign auditor', 'GET', '/v1/audit?authority=tainan-wrb')).status).toBe(403);
    const tried = await settled('auditor', 'foreign admin', 2);
    expect(tried.map(({ after, subject }) => [after?.operation, subject]).sort()).toEqual([
      ['POST /v1/cameras', { kind: 'authority', id: 'tainan-wrb' }],
      ['POST /v1/grants', { kind: 'camera', id: hidden }],
    ]);
    const [read] = await settled('auditor', 'foreign auditor', 1);
    expect(read).toMatchObject({
      subject: { kind: 'authority', id: 'tainan-wrb' },
      after: { operation: 'GET /v1/audit' },
    });
    const { body } = await as('platform', 'GET', '/v1/audit?limit=1000');
    expect(new Set(body.items?.map(({ authority }) => authority))).toEqual(new Set([null, 'tainan-wrb', 'other']));
  });

  test('whoever goes through all of them leaves a few entries', async () => {
    const body = Array.from({ length: 30 }, (_, i) =>
      JSON.stringify(registration({ localId: `row ${i}`, access: { level: 'restricted' } })),
    ).join('\n');
    await fetch(`${sightline.url}/v1/imports?authority=tainan-wrb&profile=ndjson`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sightline.key}`, 'content-type': 'application/x-ndjson' },
      body,
    });
    for (let i = 0; i < 30; i += 1) {
      expect((await as('searcher', 'GET', `/v1/authorities/tainan-wrb/cameras/row%20${i}`)).status).toBe(404);
    }
    const found = await settled('auditor', 'searcher', 11);
    expect(found.filter(({ subject }) => subject.kind === 'camera')).toHaveLength(10);
    expect(found.filter(({ subject }) => subject.id === 'tainan-wrb')).toHaveLength(1);
  });
});
