// Builds what lets the embedded PostGIS start in two seconds instead of ten, from the installed packages: PostGIS without
// the parts that we never load (19.8 -> 7.5 MB), and an empty database that has PostGIS already (else initdb and a
// 7 MB SQL script run at the first start). Both are kept by version in node_modules/.cache, since each build empties dist/.
import { PGlite } from '@electric-sql/pglite';
import { postgis } from '@electric-sql/pglite-postgis';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

/** Files of `dist/embedded-assets/`, as `libs/embedded` looks for them. */
const POSTGIS = 'postgis.tar.gz';
const TEMPLATE = 'template.tar.gz';

/** The library of PostGIS itself, its SQL for a fresh install, and PROJ's data; no raster, topology, tiger, upgrades. */
const NEEDED =
  /^(?:lib\/postgresql\/postgis-3\.so|share\/postgresql\/extension\/postgis(?:--\d+\.\d+\.\d+\.sql|\.control)|share\/proj\/(?!.*schema\.json).*)$/;

/** Of the process that made the template, not of the database. */
const LEFT_BEHIND = /^postmaster\.(?:pid|opts)$/;

/**
 * Puts the assets, and the worker, which no compiler touches, into `dist/`.
 *
 * @param {{ root: string, log?: (message: string) => void }} options `root`: the checkout.
 * @returns {Promise<string>} the folder of the assets
 */
export async function buildEmbeddedAssets({ root, log }) {
  const assets = path.join(root, 'dist', 'embedded-assets');
  cpSync(await embeddedAssets({ root, log }), assets, { recursive: true });
  const worker = path.join('libs', 'embedded', 'src', 'worker.mjs');
  mkdirSync(path.join(root, 'dist', path.dirname(worker)), { recursive: true });
  cpSync(path.join(root, worker), path.join(root, 'dist', worker));
  return assets;
}

/**
 * Builds the assets, once for each version of the packages.
 *
 * @param {{ root: string, log?: (message: string) => void }} options `root`: the checkout.
 * @returns {Promise<string>} the folder where they are kept
 */
export async function embeddedAssets({ root, log = () => {} }) {
  const made = path.join(root, 'node_modules', '.cache', 'sightline', `embedded-${fingerprint()}`);
  if (existsSync(made)) return made;
  const startedAtMs = performance.now();
  log('building the assets of the embedded database, once for these versions ...');
  const partial = `${made}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  await build(partial);
  if (existsSync(made)) rmSync(partial, { recursive: true });
  else renameSync(partial, made);
  log(`built the assets of the embedded database in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  return made;
}

/** Changes with the packages and with this file. */
function fingerprint() {
  const require = createRequire(import.meta.url);
  const version = (name) => {
    const folder = path.dirname(path.dirname(require.resolve(name)));
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
  };
  const recipe = createHash('sha256')
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .digest('hex');
  return [version('@electric-sql/pglite'), version('@electric-sql/pglite-postgis'), recipe.slice(0, 8)].join('-');
}

async function build(folder) {
  const require = createRequire(import.meta.url);
  const stock = path.join(path.dirname(require.resolve('@electric-sql/pglite-postgis')), POSTGIS);
  const bundle = path.join(folder, POSTGIS);
  const trimmed = filterTar(gunzipSync(readFileSync(stock)), (name) => NEEDED.test(name));
  writeFileSync(bundle, gzipSync(trimmed, { level: 9 }));
  writeFileSync(path.join(folder, TEMPLATE), gzipSync(await template(pathToFileURL(bundle)), { level: 9 }));
}

/** The files of an empty database with PostGIS, as tar; shut down cleanly, so that its first start recovers nothing. */
async function template(bundlePath) {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-template-'));
  const trimmed = { ...postgis, setup: async (...given) => ({ ...(await postgis.setup(...given)), bundlePath }) };
  // Without recycling, the log that is left is one segment of zeros, which pack well.
  const startParams = [...PGlite.defaultStartParams, '-c', 'wal_recycle=off'];
  const db = await PGlite.create({ dataDir, extensions: { postgis: trimmed }, startParams });
  for (const sql of ['create extension postgis', 'vacuum (analyze)', 'select pg_switch_wal()', 'checkpoint']) {
    await db.exec(sql);
  }
  await db.close();
  const entries = readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, file: path.join(entry.parentPath, entry.name) }))
    .filter(({ entry }) => !LEFT_BEHIND.test(entry.name))
    .map(({ entry, file }) => ({
      name: path.relative(dataDir, file).split(path.sep).join('/'),
      content: entry.isDirectory() ? null : readFileSync(file),
    }));
  rmSync(dataDir, { recursive: true });
  return tarOf(entries);
}

/** POSIX ustar: 512 bytes of header, the content, padding to 512. A folder has no content. */
function tarOf(entries) {
  const blocks = entries.flatMap(({ name, content }) => {
    const header = Buffer.alloc(512);
    const octal = (value, at, digits) => header.write(`${value.toString(8).padStart(digits, '0')}\0`, at);
    header.write(name, 0);
    octal(content === null ? 0o700 : 0o600, 100, 7);
    octal(content?.length ?? 0, 124, 11);
    octal(0, 136, 11); // no time: the same database gives the same bytes
    header.write('        ', 148);
    header.write(content === null ? '5' : '0', 156);
    header.write('ustar\x0000', 257);
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      148,
      6,
    );
    return content === null ? [header] : [header, content, Buffer.alloc(-content.length & 511)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** The tar with some of its entries, as they are. */
function filterTar(tar, keep) {
  const kept = [];
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const text = (from, length) =>
      Buffer.from(tar.subarray(at + from, at + from + length))
        .toString()
        .split('\0')[0];
    const size = Number.parseInt(text(124, 12), 8) || 0;
    const end = at + 512 + Math.ceil(size / 512) * 512;
    if (keep(text(0, 100))) kept.push(tar.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...kept, Buffer.alloc(1024)]);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await buildEmbeddedAssets({ root: fileURLToPath(new URL('..', import.meta.url)), log: console.log });
}
