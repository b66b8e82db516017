/** What the database needs now and then. PGlite has neither autovacuum nor a checkpointer. */
export type Chore = 'checkpoint' | 'vacuum';

/** When a chore was last done, and how far the write-ahead log was then, bytes. */
export type Done = Readonly<Record<Chore, { readonly atMs: number; readonly logBytes: number }>>;

/** A chore is due when the log has grown by so much, or at all and so long ago. */
const LIMITS: Readonly<Record<Chore, { readonly bytes: number; readonly ms: number }>> = {
  checkpoint: { bytes: 32 * 2 ** 20, ms: 5 * 60_000 },
  vacuum: { bytes: 64 * 2 ** 20, ms: 60_000 },
};

const CHORES = ['vacuum', 'checkpoint'] as const;

const LOOK_MS = 2_000;

/** Chores that are due, the checkpoint last, since VACUUM writes. */
export function chores(done: Done, nowMs: number, logBytes: number): readonly Chore[] {
  return CHORES.filter((chore) => {
    const grownBytes = logBytes - done[chore].logBytes;
    const { bytes, ms } = LIMITS[chore];
    return grownBytes >= bytes || (grownBytes > 0 && nowMs - done[chore].atMs >= ms);
  });
}

const LOG_BYTES = `select pg_current_wal_lsn() - '0/0'::pg_lsn`;

/** Tables with work for VACUUM: autovacuum's own thresholds (PostgreSQL manual, "The Autovacuum Daemon"). */
const UNTIDY = `
  select format('%I.%I', n.nspname, c.relname)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_stat_all_tables s on s.relid = c.oid
  where c.relkind in ('r', 'm')
    and c.relpersistence = 'p'
    and (s.n_dead_tup > 50 + 0.2 * c.reltuples
      or s.n_ins_since_vacuum > 1000 + 0.2 * c.reltuples
      or s.n_mod_since_analyze > 50 + 0.1 * c.reltuples
      or age(c.relfrozenxid) > 200000000)
  order by s.n_dead_tup desc nulls last, c.oid`;

/** What upkeep needs of the hub. */
export interface Asked {
  readonly batches: number;
  ask(sql: string): Promise<readonly (readonly (string | null)[])[]>;
}

/** Keeps tables lean and the log short while the database is used; an idle one is left alone. */
export class Upkeep {
  #done: Done | null = null;
  #batches = 0;
  /** Something was written since the last chores, so that time alone can make one due. */
  #written = false;
  #busy: Promise<void> = Promise.resolve();
  #stopped = false;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly hub: Asked,
    private readonly log: (message: string) => void,
  ) {
    this.#timer = setInterval(() => {
      this.#busy = this.#busy.then(() => this.#look());
    }, LOOK_MS);
    this.#timer.unref();
  }

  /** Resolves when no statement of upkeep runs or will. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#busy;
  }

  async #look(): Promise<void> {
    if (this.#stopped || (this.hub.batches === this.#batches && !this.#written)) return;
    try {
      const nowMs = performance.now();
      const logBytes = await this.#logBytes();
      const start = { atMs: nowMs, logBytes };
      this.#done ??= { checkpoint: start, vacuum: start };
      for (const chore of chores(this.#done, nowMs, logBytes)) {
        await this.#do(chore);
        this.#done = { ...this.#done, [chore]: { atMs: performance.now(), logBytes: await this.#logBytes() } };
      }
      const done = this.#done;
      this.#written = CHORES.some((chore) => done[chore].logBytes < logBytes);
    } catch (error) {
      if (!this.#stopped)
        this.log(`upkeep of the embedded database: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#batches = this.hub.batches;
  }

  async #logBytes(): Promise<number> {
    const [row] = await this.hub.ask(LOG_BYTES);
    return Number(row?.[0]);
  }

  async #do(chore: Chore): Promise<void> {
    if (chore === 'checkpoint') {
      await this.hub.ask('checkpoint');
      return;
    }
    for (const [table] of await this.hub.ask(UNTIDY)) {
      if (this.#stopped) return;
      await this.hub.ask(`vacuum (analyze) ${table}`); // each by itself, so that clients get their turns between
    }
  }
}
