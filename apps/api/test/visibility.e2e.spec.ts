import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { type Answered, ask as askAt } from './asking.js';
import { EventClient } from './event-client.js';
import { type Caller, CALLERS, type Columns, keysFor, LEVELS, MAY_KNOW, ORDER } from './visibility/callers.js';
import { type Canary, openCanaries } from './visibility/canaries.js';
import { type Request, type Row, ROWS } from './visibility/rows.js';

/**
 * VIS-1 (security.md): every operation, in each of its representations, × caller × access level. What a caller may not know is absent, and no
 * canary of it stands in the bytes or headers of any answer; what he may know is told in the columns of his role and no more. A new operation without a
 * row fails, and so does a cell that is another than in visibility-matrix.md (TEST_VISIBILITY=write writes it anew: look at the difference).
 */
const MATRIX = new URL('visibility-matrix.md', import.meta.url);

let sightline: Sightline;
let keys: ReadonlyMap<Caller, string | undefined>;
let canaries: readonly Canary[] = [];
let close = async (): Promise<void> => undefined;
/** Cells by row and caller: status and columns, level by level. */
const cells = new Map<string, string[]>();

beforeAll(async () => {
  sightline = await startSightline();
  ({ canaries, close } = await openCanaries(sightline));
  keys = await keysFor(sightline);
}, 120_000);
afterAll(async () => {
  await sightline.close();
  await close();
});

const ask = ([method, path, asked = {}]: Request, caller: Caller): Promise<Answered> =>
  askAt(sightline, method, path, { ...asked, key: keys.get(caller) });

/** All that was said: headers too. */
const saidIn = ({ headers, text }: Answered): string =>
  `${[...headers].map(([name, value]) => `${name}: ${value}`).join('\n')}\n\n${text}`;

/** The most that an answer tells of a camera; words that the caller said himself come back in links and details. */
function columnsIn(said: string, canary: Canary, path: string): Columns {
  const tells = (words: readonly string[]): boolean =>
    words.some((word) => !path.includes(word) && said.includes(word));
  if (tells(canary.ofOperators)) return 'o';
  if (tells(canary.ofViewers)) return 'v';
  return tells(canary.known) ? 'k' : '-';
}

const isMore = (a: Columns, b: Columns): boolean => ORDER.indexOf(a) > ORDER.indexOf(b);

interface Documented {
  readonly operationId: string;
}
const operations = (): string[] => {
  const document = JSON.parse(readFileSync(new URL('../../../openapi.json', import.meta.url), 'utf8')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Documented>>>>;
  };
  return Object.values(document.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
};

const rows = Object.entries(ROWS).flatMap(([operation, forms]) =>
  typeof forms === 'string'
    ? []
    : Object.entries(forms).map(([form, row]) => ({ title: `${operation}, ${form}`, row })),
);

describe('VIS-1: visibility', () => {
  test('every operation has a row, and every row an operation', () => {
    expect(Object.keys(ROWS).sort()).toEqual(operations().sort());
  });

  test.each(rows)(
    '$title',
    async ({ title, row }) => {
      for (const caller of CALLERS) cells.set(`${title}|${caller}`, await cellsOf(row, caller));
    },
    180_000,
  );

  async function cellsOf(row: Row, caller: Caller): Promise<string[]> {
    const found: string[] = [];
    for (const canary of canaries) {
      const request = row.of(canary);
      const [method, path] = request;
      const answered = await ask(request, caller);
      const said = saidIn(answered);
      const where = `${caller}, ${canary.level}, ${method} ${path}: ${answered.status}`;
      for (const other of canaries) {
        const tells = columnsIn(said, other, path);
        expect([where, other.level, isMore(tells, MAY_KNOW[caller][other.level]) ? said : '']).toEqual([
          where,
          other.level,
          '',
        ]);
      }
      expect([where, canary.secret.filter((word) => said.includes(word))]).toEqual([where, []]);
      expect([where, answered.status < 500]).toEqual([where, true]);
      if (row.asks === 'one' && MAY_KNOW[caller][canary.level] === '-')
        await isLikeAnyOther(request, canary, caller, answered);
      found.push(`${answered.status}${columnsIn(said, canary, path)}`);
    }
    return found;
  }

  /** AUTHZ-5: what one may not know is answered as an id that nobody ever had. */
  async function isLikeAnyOther(
    [method, path, asked]: Request,
    { id, localId }: Canary,
    caller: Caller,
    answered: Answered,
  ): Promise<void> {
    const nobody = { [id]: randomUUID(), [localId]: 'zqnobody' };
    const renamed = Object.entries(nobody).reduce((text, [from, to]) => text.replaceAll(from, to), path);
    const other = await ask([method, renamed, asked], caller);
    const plain = ({ status, text }: Answered): string =>
      `${status} ${Object.entries(nobody)
        .reduce((told, [from, to]) => told.replaceAll(from, to), text)
        .replace(/urn:uuid:[0-9a-f-]+/, 'urn:uuid:')}`;
    expect(plain(answered)).toBe(plain(other));
    const names = ({ headers }: Answered): string[] => [...headers.keys()].sort();
    expect(names(answered)).toEqual(names(other));
  }

  test('the matrix is as it was', () => {
    const line = (title: string): string =>
      `| ${title} | ${CALLERS.map((caller) => (cells.get(`${title}|${caller}`) ?? []).join(' ')).join(' | ')} |`;
    const untold = Object.entries(ROWS).flatMap(([operation, why]) =>
      typeof why === 'string' ? [`| ${operation} | ${why} |`] : [],
    );
    const page = [
      '# Who is told what',
      '',
      'Written by visibility.e2e.spec.ts. Each cell: of a public, an agency and a restricted camera, the status of the answer and how much it tells of the camera: `-` nothing, `k` what everybody reads who knows it, `v` what its agency’s viewers read, `o` what its operators read.',
      '',
      `| operation | ${CALLERS.join(' | ')} |`,
      `|---|${CALLERS.map(() => '---').join('|')}|`,
      ...rows.map(({ title }) => line(title)),
      '',
      '| operation | tells of no single camera |',
      '|---|---|',
      ...untold,
      '',
    ].join('\n');
    if (process.env.TEST_VISIBILITY === 'write') writeFileSync(MATRIX, page);
    expect(page).toBe(readFileSync(MATRIX, 'utf8'));
  });
});

describe('AUTHZ-7: nothing that is counted, shared out or streamed tells of a camera that the caller may not know', () => {
  const knows = (caller: Caller, { level }: Canary): boolean => MAY_KNOW[caller][level] !== '-';

  test('no share of an area', async () => {
    for (const caller of CALLERS) {
      for (const canary of canaries) {
        const [lon, lat] = canary.sees;
        // Ten metres, which the other cameras do not show.
        const ring = [-0.00005, 0.00005].flatMap((dLat) => [-1, 1].map((side) => [lon - side * dLat, lat + dLat]));
        const area = { type: 'Polygon', coordinates: [[...ring, ring[0]]] };
        const { body } = await ask(['POST', '/v1/coverage', { body: { area, filter: { q: canary.localId } } }], caller);
        const known = knows(caller, canary) ? 1 : 0;
        expect([caller, canary.level, body.cameras, body.coveredFraction]).toEqual([
          caller,
          canary.level,
          known,
          known,
        ]);
      }
    }
  });

  test('no count', async () => {
    for (const caller of CALLERS) {
      for (const canary of canaries) {
        const { body } = await ask(['GET', `/v1/health/summary?q=${canary.localId}`], caller);
        expect([caller, canary.level, (body.total as { cameras: number }).cameras]).toEqual([
          caller,
          canary.level,
          knows(caller, canary) ? 1 : 0,
        ]);
      }
    }
  });

  test('no event', async () => {
    const streams = new Map<Caller, EventClient>();
    for (const caller of CALLERS) {
      const key = keys.get(caller);
      const stream = new EventClient(`${sightline.url}/v1/events`, key === undefined ? {} : { key });
      streams.set(caller, await stream.opened());
    }
    const patch = { body: { tags: ['told'] }, headers: { 'if-match': '*' } };
    for (const { id } of canaries) {
      expect((await ask(['PATCH', `/v1/cameras/${id}`, patch], 'platform administrator')).status).toBe(200);
    }
    await streams.get('platform administrator')?.until(({ text }) => canaries.every(({ id }) => text.includes(id)));
    await wait(1_500);
    for (const [caller, { text, status }] of streams) {
      streams.get(caller)?.cut();
      if (status !== 200) continue;
      for (const canary of canaries) {
        expect([caller, canary.level, columnsIn(text, canary, '')]).toEqual([
          caller,
          canary.level,
          knows(caller, canary) ? 'k' : '-',
        ]);
      }
    }
  }, 60_000);
});

test.each(LEVELS)('services are told by role, of a camera that is %s', async (level) => {
  const canary = canaries.find((one) => one.level === level);
  const shapes: Readonly<Record<Columns, readonly string[]>> = {
    '-': [],
    k: ['kind'],
    v: ['kind', 'url'],
    o: ['credentials', 'kind', 'url'],
  };
  for (const caller of CALLERS) {
    const { body } = await ask(['GET', `/v1/cameras/${canary?.id}`], caller);
    const [service = {}] = (body.services ?? []) as readonly { readonly url?: string }[];
    const columns = MAY_KNOW[caller][level];
    expect([caller, Object.keys(service).sort()]).toEqual([caller, shapes[columns]]);
    if (columns === 'v') expect(service.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  }
});

test('PRIV-5: a stricter floor hides an authority’s cameras at once', async () => {
  const patch = (accessFloor: string): Promise<Answered> =>
    ask(
      ['PATCH', '/v1/authorities/tainan-wrb', { body: { accessFloor }, headers: { 'if-match': '*' } }],
      'platform administrator',
    );
  const statusFor = async (caller: Caller): Promise<number> =>
    (await ask(['GET', `/v1/cameras/${canaries[0]?.id}`], caller)).status;
  expect(await statusFor('anonymous')).toBe(200);
  expect((await patch('restricted')).status).toBe(200);
  expect([await statusFor('anonymous'), await statusFor('own viewer'), await statusFor('grantee')]).toEqual([
    404, 200, 200,
  ]);
  expect((await patch('public')).status).toBe(200);
  expect(await statusFor('anonymous')).toBe(200);
});

test('CRED-7: nothing of a secret stands in the logs', () => {
  const logs = sightline.program().stdout() + sightline.program().stderr();
  for (const { secret } of canaries) expect(secret.filter((word) => logs.includes(word))).toEqual([]);
  expect(logs).not.toContain(sightline.key);
});
