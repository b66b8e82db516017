// @ts-check
// PostgreSQL's backend, on a thread of its own. It reads its client as a real backend reads its socket: it blocks until
// bytes are there. So COPY FROM STDIN streams, and a slow reader holds the backend up instead of filling the memory.
//
// Plain JavaScript, since a worker thread loads no TypeScript under Jest; the build copies it beside session.js. It leans
// on internals of PGlite 0.5.8 (pinned): the socket callbacks, the main loop, the file system.
import { PGlite } from '@electric-sql/pglite';
import { postgis } from '@electric-sql/pglite-postgis';
import fs from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

/** @import { BackendData, BackendReport, BackendRequest } from './session.js' */

/** Status with which PGlite leaves the main loop where PostgreSQL would jump back into it after an error. */
const LONGJMP = 100;

/** Bytes in one message to the main thread, and those that it may have unread. */
const CHUNK = 256 * 1024;
const WINDOW = 4 * 1024 * 1024;

const setup = /** @type {BackendData} */ (workerData);
const [SIGNAL, UNREAD] = [0, 1];
const shared = new Int32Array(setup.shared);
const tell = (/** @type {BackendReport} */ report, /** @type {ArrayBuffer[]} */ moved = []) =>
  parentPort?.postMessage(report, moved);

/** Sleeps until the main thread asks for something. @returns {BackendRequest} */
function nextRequest() {
  for (;;) {
    const seen = Atomics.load(shared, SIGNAL);
    const received = receiveMessageOnPort(setup.requests);
    if (received !== undefined) return received.message;
    Atomics.wait(shared, SIGNAL, seen);
  }
}

/** Starts PostgreSQL in the directory; makes the database if there is none. */
function open() {
  /** @type {typeof postgis} */
  const extension = {
    ...postgis,
    setup: async (pg, options) => {
      if (setup.fsync) options.preRun.push(syncForReal);
      const stock = await postgis.setup(pg, options);
      return setup.bundle === null ? stock : { ...stock, bundlePath: new URL(setup.bundle) };
    },
  };
  const settings = {
    fsync: setup.fsync ? 'on' : 'off',
    wal_sync_method: 'fsync',
    shared_buffers: '32MB',
    min_wal_size: '32MB',
    max_wal_size: '128MB',
    max_stack_depth: '1MB',
    TimeZone: 'UTC',
    log_timezone: 'UTC',
  };
  const startParams = [
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'), // -F is fsync=off
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  return PGlite.create({ dataDir: setup.directory, extensions: { postgis: extension }, startParams });
}

/**
 * Makes fsync reach the disk. PGlite 0.5.8 drops it: its NODEFS has no `fsync`, and `fdatasync`, PostgreSQL's default for
 * the log, is a function that returns 0 (hence `wal_sync_method=fsync`). `fdatasync` here keeps a file's size too.
 *
 * @param {any} module Emscripten's
 */
function syncForReal({ FS }) {
  const { NODEFS } = FS.filesystems;
  NODEFS.stream_ops.fsync = (/** @type {any} */ stream) => {
    NODEFS.tryFSOperation(() => {
      if (stream.nfd !== undefined) fs.fdatasyncSync(stream.nfd);
      else if (process.platform !== 'win32') syncDirectory(NODEFS.realPath(stream.node));
    });
    return 0;
  };
}

/** @param {string} directory */
function syncDirectory(directory) {
  const opened = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(opened);
  } finally {
    fs.closeSync(opened);
  }
}

/** The session's own words on what a client is told at its welcome. @param {PGlite} db */
async function parameters(db) {
  const { rows } = await db.query(`
    select name, setting from pg_settings
    where name in ('server_version', 'server_encoding', 'client_encoding', 'DateStyle', 'IntervalStyle', 'TimeZone',
      'integer_datetimes', 'standard_conforming_strings', 'default_transaction_read_only', 'in_hot_standby')`);
  const settings = /** @type {{ name: string, setting: string }[]} */ (rows);
  return Object.fromEntries(settings.map(({ name, setting }) => [name, setting]));
}

/** Takes PGlite's place between the backend and its client. */
class Backend {
  /** @param {PGlite} db */
  constructor(db) {
    this.module = /** @type {any} */ (db.Module);
    /** @type {Uint8Array} */
    this.input = new Uint8Array(0);
    this.taken = 0;
    this.output = new Uint8Array(CHUNK);
    this.filled = 0;
    const read = this.module.addFunction(
      (/** @type {number} */ to, /** @type {number} */ most) => this.read(to, most),
      'iii',
    );
    const write = this.module.addFunction(
      (/** @type {number} */ at, /** @type {number} */ n) => this.write(at, n),
      'iii',
    );
    this.module._pgl_set_rw_cbs(read, write);
  }

  /**
   * Lets the backend do all that whole messages ask for.
   *
   * @param {Uint8Array} batch
   * @throws what PostgreSQL did not: a C++ exception of GEOS or PROJ, a trap of WebAssembly, an exit. PGlite swallows
   * these (electric-sql/pglite #916), and the session is not to be trusted afterwards.
   */
  run(batch) {
    const { module } = this;
    this.input = batch;
    this.taken = 0;
    while (this.taken < this.input.length || module._pq_buffer_remaining_data() > 0) {
      try {
        module._PostgresMainLoopOnce();
      } catch (thrown) {
        const status = module._pgl_setPGliteExitStatus(-2);
        const own = thrown === 'unwind' || /** @type {any} */ (thrown)?.name === 'ExitStatus';
        if (!own || status !== LONGJMP) throw thrown;
        module._PostgresMainLongJmp();
      }
    }
    module._PostgresSendReadyForQueryIfNecessary();
    module._pgl_pq_flush();
    this.post(true);
  }

  /** More is read than a batch holds only where COPY FROM STDIN waits for its rows. */
  read(/** @type {number} */ to, /** @type {number} */ most) {
    if (this.taken >= this.input.length) {
      this.post(false);
      const request = nextRequest();
      if (!('more' in request)) return 0; // end of file: the backend gives up
      this.input = request.more;
      this.taken = 0;
    }
    const bytes = this.input.subarray(this.taken, this.taken + most);
    this.module.HEAPU8.set(bytes, to);
    this.taken += bytes.length;
    return bytes.length;
  }

  write(/** @type {number} */ at, /** @type {number} */ length) {
    for (let done = 0; done < length;) {
      const some = Math.min(length - done, CHUNK - this.filled);
      this.output.set(this.module.HEAPU8.subarray(at + done, at + done + some), this.filled);
      this.filled += some;
      done += some;
      if (this.filled === CHUNK) this.post(false);
    }
    return length;
  }

  /** Hands the main thread what there is, then waits while too much of it lies unread. */
  post(/** @type {boolean} */ last) {
    if (this.filled === 0 && !last) return;
    const bytes = this.output.slice(0, this.filled);
    this.filled = 0;
    Atomics.add(shared, UNREAD, bytes.length);
    tell({ bytes, last }, [bytes.buffer]);
    for (let unread = Atomics.load(shared, UNREAD); unread > WINDOW && !last; unread = Atomics.load(shared, UNREAD)) {
      Atomics.wait(shared, UNREAD, unread);
    }
  }
}

const db = await open();
if (setup.create) {
  await db.exec('create extension if not exists postgis; checkpoint');
  await db.close();
} else {
  tell({ parameters: await parameters(db) });
  try {
    const backend = new Backend(db);
    for (let request = nextRequest(); !('close' in request); request = nextRequest()) {
      if ('batch' in request) backend.run(request.batch); // rows that come after their COPY has failed are dropped
    }
    await db.close(); // with a checkpoint
    tell({ closed: true });
  } catch (thrown) {
    tell({ fatal: /** @type {any} */ (thrown)?.message ?? `C++ exception ${String(thrown)}` });
  }
}
