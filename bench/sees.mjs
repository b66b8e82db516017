// "Who sees this place?" over 1,000,000 views: footprints worked out and written, then `sees=` through HTTP against the bare statement that finds
// its candidates, in one run. On an empty database of DATABASE_URL (PostgreSQL); it is left filled.
//   node bench/sees.mjs [--layout country|metro] [--cameras 1000000] [--questions 3000] [--filled: by an earlier run of the same layout]
import http from 'node:http';
import { parseArgs } from 'node:util';
import { MACHINE, seeded, startServer } from './server.mjs';

const { values } = parseArgs({
  options: {
    layout: { type: 'string', default: 'country' },
    cameras: { type: 'string', default: '1000000' },
    questions: { type: 'string', default: '3000' },
    filled: { type: 'boolean', default: false },
  },
});
const { layout } = values;
const [cameras, questions] = [values.cameras, values.questions].map(Number);
if (!process.env.DATABASE_URL) {
  console.error('bench/sees.mjs: skipped, DATABASE_URL names no empty database on a PostgreSQL server');
  process.exit(0);
}
const { scope, ANONYMOUS } = await import('#access');
const { connect, CameraFinder } = await import('#storage');

/** Where cameras stand and places lie: 400 towns of 1 km (one sigma) over Taiwan's extent, or one city of 24 by 21 km. Seeded. */
const random = seeded();
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const KM_LAT = 1 / 110.7;
const KM_LON = 1 / 102.5;
const towns = Array.from({ length: 400 }, () => [120 + 1.9 * random(), 22 + 3.2 * random()]);
const districts = Array.from({ length: 24 * 21 }, (_, i) => [
  121.4 + (i % 24) * KM_LON,
  25 + Math.floor(i / 24) * KM_LAT,
]);
const agencies = layout === 'metro' ? districts : towns;

/** Somewhere in an agency's district of a square kilometre, or town. */
function within([lon, lat]) {
  return layout === 'metro'
    ? [lon + KM_LON * random(), lat + KM_LAT * random()]
    : [lon + normal() * KM_LON, lat + normal() * KM_LAT];
}
const place = () => within(agencies[Math.floor(agencies.length * random())]);

/** Where a camera stands: agencies register theirs one agency after the other. */
const standOf = (number) => within(agencies[Math.floor((number / cameras) * agencies.length)]);

const { url, key, close } = await startServer();
const db = await connect({ role: 'migrate', url: process.env.DATABASE_URL });

try {
  const rebuiltS = values.filled ? null : await fill().then(rebuild);
  if (!values.filled) await db.query('vacuum analyze view_fov');
  const places = Array.from({ length: questions }, place);
  const bare = await measureBare(places);
  const throughHttp = await measureHttp(places, (position) => `sees=${written(position)}`);
  const others = {
    near300m: await measureHttp(places, (position) => `near=${written(position)}&radiusM=300`),
    footprintOfArea200m: await measureHttp(places, (position) => `footprint=${encodeURIComponent(squareAt(position))}`),
    footprintOfLine2km: await measureHttp(places, (position) => `footprint=${encodeURIComponent(lineAt(position))}`),
  };
  const ratio = (part) => Number((throughHttp[part] / bare.candidates[part]).toFixed(2));
  console.log(
    JSON.stringify(
      {
        machine: MACHINE,
        layout,
        cameras,
        rebuild:
          rebuiltS === null ? null : { s: Number(rebuiltS.toFixed(1)), viewsPerS: Math.round(cameras / rebuiltS) },
        bare,
        http: throughHttp,
        others,
        httpByBareCandidates: { p50: ratio('p50Ms'), p95: ratio('p95Ms') },
      },
      null,
      2,
    ),
  );
} finally {
  await db.destroy();
  await close();
}

/** Cameras as a registration leaves them, by SQL alone: what is measured is what comes after. */
async function fill() {
  await db.query(
    `insert into authority (slug, version, document, access_floor) values ('bench', 1, '{"slug": "bench", "name": "Bench"}', 'public')`,
  );
  const ROWS = 20_000;
  for (let at = 0; at < cameras; at += ROWS) {
    const rows = Array.from({ length: Math.min(ROWS, cameras - at) }, (_, i) => {
      const number = at + i;
      const id = `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
      const document = {
        authority: 'bench',
        localId: String(number),
        name: `Bench camera ${number}`,
        location: { type: 'Point', coordinates: standOf(number).map((degrees) => Number(degrees.toFixed(7))) },
        heightM: Number((4 + 20 * random()).toFixed(1)),
        positionSource: 'survey',
        mobility: 'fixed',
        lifecycle: 'active',
        access: { level: 'public' },
        view: {
          azimuthDeg: Number((359.9 * random()).toFixed(1)),
          tiltDeg: Number((-2 - 20 * random()).toFixed(1)),
          hfovDeg: Number((30 + 60 * random()).toFixed(1)),
          vfovDeg: Number((20 + 40 * random()).toFixed(1)),
          farM: Math.round(100 + 650 * random()),
          imageWidthPx: 1920,
          imageHeightPx: 1080,
          source: 'survey',
        },
        services: [{ kind: 'snapshot', refreshS: 60 }],
        uid: `urn:sightline:camera:bench:${number}`,
        missing: [],
      };
      return { id, local_id: String(number), document };
    });
    await db.query(
      `
      with r as (select * from jsonb_to_recordset($1::jsonb) as r (id uuid, local_id text, document jsonb)),
      c as (
        insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
                            completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
        select id, 'bench', local_id, 1, document, document,
               st_setsrid(st_makepoint((document #>> '{location,coordinates,0}')::float8,
                                       (document #>> '{location,coordinates,1}')::float8), 4326),
               'active', 'public', 'frustum', 'fixed', '{}', '{}', '', '{}', '', 1
        from r),
      h as (insert into camera_health (camera_id) select id from r)
      insert into view_fov (camera_id, basis, is_default, geometry_version, far_m, geo) select id, 'fixed', false, 0, 0, '{}' from r`,
      [JSON.stringify(rows)],
    );
  }
  await db.query('vacuum analyze');
}

/** Footprint and reach of every view, worked out and written. */
async function rebuild() {
  const headers = { authorization: `Bearer ${key}` };
  const began = performance.now();
  const started = await fetch(`${url}/v1/geometry/rebuild`, { method: 'POST', headers });
  if (started.status !== 202) throw new Error(await started.text());
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const state = await (await fetch(`${url}/v1/geometry`, { headers })).json();
    process.stderr.write(`\r${state.rebuild.done} of ${state.rebuild.total} views `);
    if (!state.rebuild.running) {
      if (state.waiting > 0) throw new Error(`${state.waiting} views still wait`);
      return (Date.parse(state.rebuild.endedAt) - Date.parse(state.rebuild.startedAt)) / 1_000;
    }
  }
}

/** The statement that finds candidates, ids only, as view.md's table has it; and with what geometry and the order want of them. */
async function measureBare(places) {
  const finder = new CameraFinder(db);
  const text =
    'select v.camera_id from view_fov v where st_intersects(v.reach, st_setsrid(st_makepoint($1, $2), 4326)) and v.is_default';
  const pool = db.driver.master;
  const ids = (position) => pool.query({ name: 'bench', text, values: position });
  const whole = (position) => finder.candidates(scope(ANONYMOUS), { sees: position }, { position, heightM: 0 });
  return { candidates: await timed(places, ids), candidatesWithGeometry: await timed(places, whole) };
}

/** A square of 200 m about a place, and a line of 2 km through it. */
function squareAt([lon, lat]) {
  const [w, s, e, n] = [lon - 0.1 * KM_LON, lat - 0.1 * KM_LAT, lon + 0.1 * KM_LON, lat + 0.1 * KM_LAT];
  return `POLYGON((${w} ${s},${e} ${s},${e} ${n},${w} ${n},${w} ${s}))`;
}
function lineAt([lon, lat]) {
  return `LINESTRING(${lon - KM_LON} ${lat},${lon} ${lat + 0.1 * KM_LAT},${lon + KM_LON} ${lat})`;
}
function written(position) {
  return position.map((degrees) => degrees.toFixed(7)).join(',');
}

/** One question after the other, as a client on one connection asks. */
async function measureHttp(places, queryOf) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let seen = 0;
  const ask = (position) =>
    new Promise((resolve, reject) => {
      const request = http.get(`${url}/v1/cameras?${queryOf(position)}`, { agent }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve(Buffer.concat(parts));
          else reject(new Error(Buffer.concat(parts).toString()));
        });
      });
      request.on('error', reject);
    });
  const times = await timed(places, ask, (body) => (seen += JSON.parse(body).items.length));
  agent.destroy();
  return { ...times, camerasShown: Number((seen / places.length).toFixed(1)) };
}

async function timed(places, ask, look = () => undefined) {
  for (const position of places.slice(0, 500)) await ask(position);
  const times = [];
  for (const position of places) {
    const before = performance.now();
    const answer = await ask(position);
    times.push(performance.now() - before);
    look(answer);
  }
  times.sort((a, b) => a - b);
  const at = (share) => Number(times[Math.floor(times.length * share)].toFixed(2));
  return { p50Ms: at(0.5), p95Ms: at(0.95) };
}
