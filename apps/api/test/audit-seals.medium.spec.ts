import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { COMMAND, FIRST_PREV, linkHash, SERVER } from '#access';
import { type AuditEntry, chainOf } from '#catalog';
import { Audit, AuditChains, AuditSeals, type ChainLink, transactAs } from '#storage';
import { describeOnServer, openTestDatabase, randomFrom, type TestDatabase } from '#testing';
import { sealBatch } from '../src/audit/seal-entries.js';

let database: TestDatabase;
let db: DataSource;

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
});
afterAll(() => database.close());

const note = (subject: string, authority: string | null, pool = db): Promise<void> =>
  transactAs(pool, COMMAND, (tx) =>
    new Audit(tx).note({ action: 'member.added', authority, subject: { kind: 'member', id: subject } }),
  );

async function seal(pool = db): Promise<void> {
  while (await transactAs(pool, SERVER, sealBatch));
}

/** Seals until nothing waits: transactions of other specs, in other databases of the server, hold entries back too. */
async function sealAll(): Promise<void> {
  const seals = new AuditSeals(db);
  for (const until = Date.now() + 10_000; Date.now() < until; await wait(20)) {
    await seal();
    if ((await seals.unsealedS()) === 0) return;
  }
}

async function linksOf(chain: string): Promise<ChainLink[]> {
  const links: ChainLink[] = [];
  for (;;) {
    const page = await new AuditChains(db).links(chain, links.length, 500);
    if (page.length === 0) return links;
    links.push(...page);
  }
}

/** Every link holds on to the one before, and seals what stands there. */
function expectUnbroken(links: readonly ChainLink[]): void {
  let prev = FIRST_PREV;
  for (const [i, { seal: one, entry }] of links.entries()) {
    expect([one.seq, one.prev]).toEqual([i + 1, prev]);
    expect(one.hash).toBe(linkHash(one, entry as AuditEntry));
    expect(chainOf(entry as AuditEntry)).toBe(one.chain);
    prev = one.hash;
  }
}

const subjects = (links: readonly ChainLink[]): string[] => links.map(({ entry }) => entry?.subject.id ?? '');

describe('sealing (AUD-3)', () => {
  beforeEach(() => sealAll());

  test('each authority has a chain of its own, and what is beyond authorities another', async () => {
    for (const subject of ['1', '2']) {
      for (const authority of ['a', 'b', null]) await note(subject, authority);
    }
    await sealAll();
    for (const chain of ['a', 'b', '*']) {
      const links = await linksOf(chain);
      expectUnbroken(links);
      expect(subjects(links)).toEqual(['1', '2']);
    }
    expect((await new AuditSeals(db).heads()).map(({ chain, seq }) => [chain, seq])).toEqual([
      ['*', 2],
      ['a', 2],
      ['b', 2],
    ]);
    expect(await new AuditChains(db).unsealed()).toEqual({ passedOver: null, waiting: 0 });
  });

  test('more than one batch at once', async () => {
    await transactAs(db, COMMAND, (tx) =>
      new Audit(tx).note(
        ...Array.from({ length: 1_201 }, (_, i) => ({
          ...({ action: 'member.added', authority: 'many', subject: { kind: 'member', id: String(i) } } as const),
        })),
      ),
    );
    await sealAll();
    const links = await linksOf('many');
    expectUnbroken(links);
    expect(subjects(links)).toEqual(Array.from({ length: 1_201 }, (_, i) => String(i)));
  });

  test('after a restore into a new cluster chains go on, entries of before first', async () => {
    await note('before', 'restored');
    await sealAll();
    await note('unsealed', 'restored');
    // As they would be read from a dump of a server that had counted further.
    await db.transaction(async (tx) => {
      await tx.query('alter table audit_entry no force row level security');
      await tx.query('alter table audit_entry disable trigger audit_entry_is_added_to');
      await tx.query(
        `update audit_entry set xid = (xid::text::bigint + 1000000000)::text::xid8 where subject_id = 'unsealed'`,
      );
      await tx.query('alter table audit_entry enable trigger audit_entry_is_added_to');
      await tx.query('alter table audit_entry force row level security');
    });
    await seal();
    expect(subjects(await linksOf('restored'))).toEqual(['before']);
    expect(await new AuditSeals(db).renewGeneration()).toBe(true);
    expect(await new AuditSeals(db).renewGeneration()).toBe(false);
    await note('after', 'restored');
    await sealAll();
    const links = await linksOf('restored');
    expectUnbroken(links);
    expect(subjects(links)).toEqual(['before', 'unsealed', 'after']);
    expect(links.map(({ entry }) => entry?.id.split('.')[0])).toEqual(['1', '1', '2']);
  });
});

describeOnServer('sealing beside writers (on a server: needs several sessions)', () => {
  test('an entry waits for every older transaction, and nothing is put in before it', async () => {
    await sealAll();
    const slow = db.createQueryRunner();
    await slow.startTransaction();
    await slow.query(`select set_config('app.principal', 'slow', true), set_config('app.authorities', '*', true)`);
    await new Audit(slow.manager).note({
      ...{ action: 'member.added', authority: 'slow', subject: { kind: 'member', id: 'first' } },
    });
    await note('second', 'slow');
    await seal();
    expect(await linksOf('slow')).toEqual([]);
    expect(await new AuditSeals(db).unsealedS()).toBeGreaterThan(0);
    await slow.commitTransaction();
    await slow.release();
    await sealAll();
    expect(subjects(await linksOf('slow'))).toEqual(['first', 'second']);
  });

  test('32 writers and three sealers never break a chain, and every entry has its seal', async () => {
    const pools = [...(await Promise.all([1, 2, 3].map(() => database.another()))), db];
    const random = randomFrom(7);
    const until = Date.now() + 3_000;
    let written = 0;
    const writer = async (i: number): Promise<void> => {
      for (let n = 0; Date.now() < until; n += 1) {
        await transactAs(pools[i % 4] as DataSource, COMMAND, async (tx) => {
          const one = {
            action: 'member.added',
            authority: `w${i % 3}`,
            subject: { kind: 'member', id: `${i}.${n}` },
          } as const;
          await new Audit(tx).note(one);
          await wait(random() * 15);
          if (random() < 0.3) await new Audit(tx).note({ ...one, subject: { kind: 'member', id: `${i}.${n}b` } });
        });
        written += 1;
      }
    };
    const sealer = async (pool: DataSource): Promise<void> => {
      while (Date.now() < until) {
        await seal(pool);
        await wait(random() * 20);
      }
    };
    await Promise.all([...Array.from({ length: 32 }, (_, i) => writer(i)), ...pools.slice(0, 3).map(sealer)]);
    await sealAll();
    expect(written).toBeGreaterThan(200);
    const chains = await Promise.all(['w0', 'w1', 'w2'].map(linksOf));
    for (const links of chains) expectUnbroken(links);
    const sealed = chains.flatMap(subjects);
    const [{ count } = { count: 0 }] = await db.query<{ count: number }[]>(
      `select count(*)::int as count from audit_entry where authority like 'w_'`,
    );
    expect(sealed).toHaveLength(count);
    expect(new Set(sealed).size).toBe(count);
    expect(await new AuditChains(db).unsealed()).toEqual({ passedOver: null, waiting: 0 });
  }, 60_000);
});
