import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { COMMAND, sealEntries, SERVER } from '#access';
import { chainOf } from '#catalog';
import { Audit, AuditSeals, transactAs } from '#storage';
import { openTestDatabase, type TestDatabase } from '#testing';
import type { CheckpointedChains } from '../src/checkpointed-chains.js';
import { verifyAudit } from '../src/verify-audit.js';

let database: TestDatabase;
let db: DataSource;

const TABLES = ['audit_entry', 'audit_seal', 'audit_feed'] as const;
const NO_CHECKPOINTS = { heads: new Map() };

/** Does what neither policies nor triggers let anybody do. */
async function tamper(...statements: readonly string[]): Promise<void> {
  for (const table of TABLES) {
    await db.query(`alter table ${table} disable trigger user`);
    await db.query(`alter table ${table} no force row level security`);
  }
  for (const statement of statements) await db.query(statement);
  for (const table of TABLES) {
    await db.query(`alter table ${table} enable trigger user`);
    await db.query(`alter table ${table} force row level security`);
  }
}

/** Gives every entry its seal; transactions of other specs, in other databases of the server, hold them back too. */
async function seal(): Promise<void> {
  for (const until = Date.now() + 10_000; Date.now() < until; await wait(20)) {
    await transactAs(db, SERVER, async (tx) => {
      const seals = new AuditSeals(tx);
      const { entries } = await seals.next(500);
      await seals.keep(sealEntries(entries, await seals.heads([...new Set(entries.map(chainOf))])));
    });
    if ((await new AuditSeals(db).unsealedS()) === 0) return;
  }
}

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
  for (let n = 1; n <= 7; n += 1) {
    for (const authority of ['wrb', 'quiet']) {
      await transactAs(db, COMMAND, (tx) =>
        new Audit(tx).note({
          ...{ action: 'member.added', authority, subject: { kind: 'member', id: `${authority} ${n}` } },
          after: { n },
        }),
      );
    }
  }
  await seal();
  for (const table of TABLES) await db.query(`create table kept_${table} as table ${table}`);
});
afterAll(() => database.close());
beforeEach(() =>
  tamper(...TABLES.flatMap((table) => [`delete from ${table}`, `insert into ${table} select * from kept_${table}`])),
);

async function verified(
  checkpoints: Pick<CheckpointedChains, 'heads'> = NO_CHECKPOINTS,
  options: { readonly authority?: string; readonly since?: string } = {},
): Promise<{ readonly faults: number; readonly said: readonly string[] }> {
  const said: string[] = [];
  const faults = await verifyAudit(db, checkpoints, { ...options, say: (line) => said.push(line) });
  return { faults, said };
}

/** Heads of the chains as they are now, as a checkpoint has them. */
async function checkpoint(): Promise<Pick<CheckpointedChains, 'heads'>> {
  const { chains } = await new AuditSeals(db).state();
  return { heads: new Map(chains.map(({ chain, ...head }) => [chain, [{ ...head, at: 'noon' }]])) };
}

/** Of an entry of a chain, for statements. */
const entryOf = (seq: number): string => `id = (select audit_id from audit_seal where chain = 'wrb' and seq = ${seq})`;

describe('verifying the audit (AUD-4)', () => {
  test('one that stands: a line a chain, and who vouches for its end', async () => {
    const end = 'no checkpoint vouches for its end, so that entries cut off there would not be missed.';
    expect(await verified()).toEqual({
      faults: 0,
      said: [`quiet: 7 entries, unbroken; ${end}`, `wrb: 7 entries, unbroken; ${end}`],
    });
    const { said } = await verified(await checkpoint(), { authority: 'wrb' });
    expect(said).toEqual(['wrb: 7 entries, unbroken; the checkpoint of noon vouches for it up to entry 7.']);
    await expect(verified(NO_CHECKPOINTS, { authority: 'nobody' })).rejects.toThrow('no entry of nobody');
  });

  test.each<readonly [string, readonly string[], RegExp]>([
    [
      'an edited entry',
      [`update audit_entry set principal = 'key:innocent' where ${entryOf(3)}`],
      /^wrb: entry 3 \(id .*by key:innocent.*\) was edited/,
    ],
    [
      'an edited member',
      [`update audit_entry set after = '{"n": 5}' where ${entryOf(4)}`],
      /^wrb: entry 4 .*was edited/,
    ],
    [
      'an entry moved to another authority',
      [`update audit_entry set authority = 'quiet' where ${entryOf(4)}`],
      /^wrb: entry 4 .*was edited/,
    ],
    [
      'a deleted entry',
      [`delete from audit_entry where ${entryOf(5)}`],
      /^wrb: entry 5 was deleted: only its seal is there/,
    ],
    [
      'a deleted entry with its seal',
      [`delete from audit_entry where ${entryOf(2)}`, `delete from audit_seal where chain = 'wrb' and seq = 2`],
      /^wrb: entry 2 was deleted together with the seals/,
    ],
    [
      'swapped places',
      [
        `update audit_seal set seq = seq + 100 where chain = 'wrb' and seq in (3, 4)`,
        `update audit_seal set seq = case seq when 103 then 4 else 3 end where chain = 'wrb' and seq > 100`,
      ],
      /^wrb: entry 3 .*stands in another place than where it was sealed/,
    ],
    [
      'swapped contents',
      [
        `update audit_entry set subject_id = case subject_id when 'wrb 3' then 'wrb 4' else 'wrb 3' end
         where subject_id in ('wrb 3', 'wrb 4')`,
      ],
      /^wrb: entry 3 .*was edited, or exchanged with another/,
    ],
    [
      'an edited entry with another seal',
      [
        `update audit_entry set principal = 'key:innocent' where ${entryOf(3)}`,
        `update audit_seal set hash = sha256('anything') where chain = 'wrb' and seq = 3`,
      ],
      /^wrb: entry 3 .*was edited/,
    ],
    [
      'seals that were cut off',
      [`delete from audit_seal where chain = 'wrb' and seq > 5`],
      /^wrb: the entry of id .* has no seal, though later ones have/,
    ],
    [
      'an entry put in later',
      [
        `insert into audit_entry (generation, xid, at, authority, principal, action, subject_kind, subject_id)
         select generation, xid, at, authority, 'key:innocent', 'key.minted', 'key', 'x' from audit_entry where ${entryOf(3)}`,
      ],
      /^wrb: the entry of id .*key.minted by key:innocent.* has no seal/,
    ],
  ])('%s', async (_what, statements, expected) => {
    await tamper(...statements);
    const { faults, said } = await verified();
    expect([faults, said]).toEqual([1, expect.arrayContaining([expect.stringMatching(expected)])]);
  });

  test('what a checkpoint alone tells: a tail cut off with its seals, a chain gone as a whole, one sealed anew', async () => {
    const made = await checkpoint();
    await tamper(
      `delete from audit_entry where ${entryOf(7)}`,
      `delete from audit_seal where chain = 'wrb' and seq = 7`,
    );
    expect((await verified()).faults).toBe(0);
    const cut = await verified(made);
    expect([cut.faults, cut.said.at(-1)]).toEqual([
      1,
      'wrb: the chain ends with entry 6, but it had 7 by the checkpoint of noon: the last one was cut off.',
    ]);
    await tamper(`delete from audit_seal`, `delete from audit_entry where authority = 'quiet'`);
    await tamper(
      'update audit_feed set xid = 0, entry = 0',
      `update audit_entry set principal = 'key:innocent' where subject_id = 'wrb 2'`,
    );
    await seal();
    expect((await verified()).faults).toBe(0);
    const gone = await verified(made);
    expect(gone.said).toEqual([
      expect.stringMatching(/^quiet: the chain ends with entry 0, but it had 7/),
      expect.stringMatching(/^wrb: the chain ends with entry 6/),
    ]);
    const { heads } = made;
    const [early] = [{ seq: 5, hash: heads.get('wrb')?.[0]?.hash ?? '', at: 'dawn' }];
    const anew = await verified({ heads: new Map([['wrb', [early]]]) }, { authority: 'wrb' });
    expect(anew.said).toEqual([
      expect.stringMatching(/^wrb: the chain was rewritten: by the checkpoint of dawn entry 5/),
    ]);
  });

  test('entries of before a date may be put away, those after it not', async () => {
    const [{ at } = { at: '' }] = await db.query<{ at: string }[]>(
      `select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from audit_entry where ${entryOf(4)}`,
    );
    await tamper(`delete from audit_entry where at < '${at}'`);
    expect((await verified()).faults).toBe(2);
    const { faults, said } = await verified(NO_CHECKPOINTS, { since: at });
    expect([faults, said.at(-1)]).toEqual([0, expect.stringMatching(/^wrb: 4 entries after 3, unbroken/)]);
    await tamper(`delete from audit_entry where ${entryOf(5)}`);
    expect((await verified(NO_CHECKPOINTS, { since: at })).faults).toBe(1);
  });

  test('more links than are read at once', async () => {
    await transactAs(db, COMMAND, (tx) =>
      new Audit(tx).note(
        ...Array.from({ length: 4_100 }, (_, i) => ({
          ...({ action: 'member.added', authority: 'long', subject: { kind: 'member', id: String(i) } } as const),
        })),
      ),
    );
    for (let i = 0; i < 9; i += 1) await seal();
    expect((await verified(NO_CHECKPOINTS, { authority: 'long' })).said[0]).toMatch(/^long: 4100 entries, unbroken/);
    await tamper(`update audit_entry set reason = 'x' where subject_id = '4000' and authority = 'long'`);
    expect((await verified(NO_CHECKPOINTS, { authority: 'long' })).said[0]).toMatch(/^long: entry 4001 .*was edited/);
  }, 30_000);
});
