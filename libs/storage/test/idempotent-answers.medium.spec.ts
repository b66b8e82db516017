import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type AuthorityDocument, Forbidden, IdempotencyKeyReused, RequestInFlight } from '#catalog';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';
import { Authorities } from '../src/authorities.js';
import { IdempotentAnswers, type StoredAnswer } from '../src/idempotent-answers.js';
import { transact } from '../src/transact.js';

let opened: TestDatabase;

beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());
beforeEach(() => opened.db.query('truncate idempotent_answer, authority cascade'));

const fingerprintOf = (content: string): Buffer => createHash('sha256').update(content).digest();
const CREATED: StoredAnswer = { status: 201, headers: { location: '/v1/x', etag: '"1.j"' }, body: '{"ü":1}' };

let effects = 0;
/** One request as the API does it: an authority is registered under another slug at each attempt. */
async function request({
  by = 'key:a',
  key = 'k',
  content = 'POST /v1/x',
  answer = CREATED,
  refuse = false,
} = {}): Promise<{ answer: StoredAnswer; isReplay: boolean }> {
  return transact(opened.db, async (tx) => {
    const answers = new IdempotentAnswers(tx);
    const kept = await answers.begin(by, key, fingerprintOf(content));
    if (kept !== null) return { answer: kept, isReplay: true };
    effects += 1;
    const document = { slug: `a${effects}`, name: 'A', kind: 'public' } as AuthorityDocument;
    await new Authorities(tx).add(document);
    if (refuse) throw new Forbidden('no');
    await answers.finish(by, key, answer);
    return { answer, isReplay: false };
  });
}

const effectsKept = async (): Promise<number> => (await opened.db.query<unknown[]>('select from authority')).length;

describe('a request with an Idempotency-Key', () => {
  test('is done once; its answer comes again, word for word', async () => {
    expect(await request()).toEqual({ answer: CREATED, isReplay: false });
    expect(await request()).toEqual({ answer: CREATED, isReplay: true });
    expect(await effectsKept()).toBe(1);
  });

  test('may have had an answer without body and headers', async () => {
    const answer = { status: 204, headers: {}, body: null };
    await request({ answer: answer as unknown as StoredAnswer });
    expect(await request()).toEqual({ answer, isReplay: true });
  });

  test('is a caller’s own: the same key of another caller, and another key, are other requests', async () => {
    await request();
    expect(await request({ by: 'key:b' })).toMatchObject({ isReplay: false });
    expect(await request({ key: 'K' })).toMatchObject({ isReplay: false });
    expect(await effectsKept()).toBe(3);
  });

  test('of other content is refused, and the first answer stays', async () => {
    await request();
    await expect(request({ content: 'POST /v1/x other' })).rejects.toThrow(IdempotencyKeyReused);
    expect(await request()).toMatchObject({ isReplay: true });
    expect(await effectsKept()).toBe(1);
  });

  test('that is refused leaves neither effect nor answer: mended, it is done', async () => {
    await expect(request({ refuse: true })).rejects.toThrow(Forbidden);
    expect(await effectsKept()).toBe(0);
    expect(await request({ content: 'POST /v1/x mended' })).toMatchObject({ isReplay: false });
    expect(await effectsKept()).toBe(1);
  });

  test('keeps no refusal as its answer', async () => {
    await expect(request({ answer: { ...CREATED, status: 422 } })).rejects.toThrow(/idempotent_answer_status_check/);
    expect(await effectsKept()).toBe(0);
  });

  test('100 at once make one effect; the rest are replays or told to wait', async () => {
    const all = await Promise.allSettled(Array.from({ length: 100 }, () => request()));
    const done = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refused = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(done.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
    for (const { answer } of done) expect(answer).toEqual(CREATED);
    for (const reason of refused) expect(reason).toBeInstanceOf(RequestInFlight);
    expect(await effectsKept()).toBe(1);
  });

  test('that was answered keeps that answer', async () => {
    await request();
    await expect(new IdempotentAnswers(opened.db).finish('key:a', 'k', CREATED)).rejects.toThrow(/^bug: /);
  });

  test('unfinished is a bug, and so is an end without a beginning', async () => {
    await new IdempotentAnswers(opened.db).begin('key:a', 'k', fingerprintOf('POST /v1/x'));
    await expect(request()).rejects.toThrow(/^bug: /);
    await expect(new IdempotentAnswers(opened.db).finish('key:a', 'other', CREATED)).rejects.toThrow(/^bug: /);
  });
});

describeOnServer('a request that still runs (several sessions)', () => {
  test('is waited for, then replayed', async () => {
    let second: ReturnType<typeof request> | undefined;
    await transact(opened.db, async (tx) => {
      const answers = new IdempotentAnswers(tx);
      expect(await answers.begin('key:a', 'k', fingerprintOf('POST /v1/x'))).toBeNull();
      second = request();
      await tx.query('select pg_sleep(0.3)');
      await answers.finish('key:a', 'k', CREATED);
    });
    expect(await second).toEqual({ answer: CREATED, isReplay: true });
  });

  test('is waited for two seconds, then the second is told so', async () => {
    let second: Promise<unknown> = Promise.resolve();
    await transact(opened.db, async (tx) => {
      const answers = new IdempotentAnswers(tx);
      await answers.begin('key:a', 'k', fingerprintOf('POST /v1/x'));
      second = expect(request()).rejects.toThrow(RequestInFlight);
      await second;
      await answers.finish('key:a', 'k', CREATED);
    });
    expect(await request()).toMatchObject({ isReplay: true });
  });

  test('and fails: the one that waited does it', async () => {
    let second: ReturnType<typeof request> | undefined;
    const first = transact(opened.db, async (tx) => {
      await new IdempotentAnswers(tx).begin('key:a', 'k', fingerprintOf('POST /v1/x'));
      second = request();
      await tx.query('select pg_sleep(0.3)');
      throw new Forbidden('no');
    });
    await expect(first).rejects.toThrow(Forbidden);
    expect(await second).toMatchObject({ isReplay: false });
  });
});

describe('after a day', () => {
  const age = (hours: number) =>
    opened.db.query(`update idempotent_answer set created_at = now() - make_interval(hours => $1)`, [hours]);

  test('a key begins anew, with any content, before a sweep too', async () => {
    await request();
    await age(23);
    expect(await request()).toMatchObject({ isReplay: true });
    await age(25);
    expect(await request({ content: 'other' })).toMatchObject({ isReplay: false });
    expect(await request({ content: 'other' })).toMatchObject({ isReplay: true });
    expect(await effectsKept()).toBe(2);
  });

  test('answers are swept, a thousand at a time, and no younger ones', async () => {
    await opened.db.query(
      `insert into idempotent_answer (principal, key, fingerprint, status, created_at)
       select 'key:a', n::text, '\\x00', 201, now() - interval '25 hours' from generate_series(1, 1001) n`,
    );
    await request({ key: 'young' });
    const answers = new IdempotentAnswers(opened.db);
    expect(await answers.sweep()).toBe(1000);
    expect(await answers.sweep()).toBe(1);
    expect(await answers.sweep()).toBe(0);
    expect(await request({ key: 'young' })).toMatchObject({ isReplay: true });
  });
});
