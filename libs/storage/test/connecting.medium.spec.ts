import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { connect, migrate, UnfitDatabase } from '#storage';
import { describeOnServer, engine, onServer } from '#testing';

const urlOf = (database: string, over: Partial<URL> = {}): string => {
  const url = new URL(engine.kind === 'server' ? engine.url : '');
  url.pathname = `/${database}`;
  return Object.assign(url, over).href;
};

describeOnServer('a database that cannot serve is told in one sentence', () => {
  test('without PostGIS: what to run, and by whom', async () => {
    const name = `sightline_bare_${process.pid}`;
    await onServer(urlOf('postgres'), (client) => client.query(`create database ${name} template template0`));
    const db = await connect({ role: 'migrate', url: urlOf(name) });
    try {
      await expect(migrate(db)).rejects.toThrow(UnfitDatabase);
      await expect(migrate(db)).rejects.toThrow(/Have a superuser run in this database: create extension postgis;/);
    } finally {
      await db.destroy();
      await onServer(urlOf('postgres'), (client) => client.query(`drop database ${name} with (force)`));
    }
  });

  test('no such database, nobody there: at once, or when patience ends', async () => {
    await expect(connect({ role: 'api', url: urlOf('no_such_database') })).rejects.toThrow(
      /this database does not exist/,
    );
    const began = performance.now();
    const nobody = connect({ role: 'api', url: 'postgres://nobody@127.0.0.1:1/none', patienceMs: 600 });
    await expect(nobody).rejects.toThrow(/did not answer within 0.6 s/);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('a statement that takes too long is given up by the client, and the next one has a connection', async () => {
    const db = await connect({ role: 'api', url: urlOf('postgres') });
    try {
      const slow = db.query(`select set_config('statement_timeout', '0', false), pg_sleep(20)`);
      await expect(slow).rejects.toThrow(/timeout/i);
      expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      await db.destroy();
    }
  });

  test('connections that were needed stay when it is quiet, for the next time that many come at once', async () => {
    const db = await connect({ role: 'api', url: urlOf('postgres') });
    const own = async (): Promise<readonly number[]> => {
      const rows = await Promise.all(
        Array.from({ length: 10 }, () => db.query<{ pid: number }[]>('select pg_backend_pid() as pid, pg_sleep(0.2)')),
      );
      return [...new Set(rows.map(([row]) => row?.pid ?? 0))].sort();
    };
    try {
      const before = await own();
      expect(before).toHaveLength(10);
      // The pool's own idle time is ten seconds.
      await wait(11_000);
      expect(await own()).toEqual(before);
    } finally {
      await db.destroy();
    }
  }, 30_000);
});
