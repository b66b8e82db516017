// "Who sees this place?" over 1,000,000 views: footprints worked out and written, then `sees=` through HTTP against the bare statement that finds
// its candidates, in turn. On an empty database of DATABASE_URL (PostgreSQL); it is left filled.
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
const { groundIn, occluderOf, sight } = await import('#geo');

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
  const rebuiltS = values.filled ? null : await fill().then(() => rebuild('all'));
  if (!values.filled) await db.query('vacuum analyze view_fov');
  const places = Array.from({ length: questions }, place);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const asks = {
    ...bareAsks(),
    sees: overHttp(agent, (position) => `sees=${written(position)}`),
    near300m: overHttp(agent, (position) => `near=${written(position)}&radiusM=300`),
    footprintOfArea200m: overHttp(agent, (position) => `footprint=${encodeURIComponent(squareAt(position))}`),
    footprintOfLine2km: overHttp(agent, (position) => `footprint=${encodeURIComponent(lineAt(position))}`),
  };
  const measured = await inTurn(places, asks);
  const update = await updateOf10000();
  agent.destroy();
  const ratio = (of) => Number((measured.sees.p50Ms / measured[of].p50Ms).toFixed(2));
  console.log(
    JSON.stringify(
      {
        machine: MACHINE,
        layout,
        cameras,
        rebuild:
          rebuiltS === null ? null : { s: Number(rebuiltS.toFixed(1)), viewsPerS: Math.round(cameras / rebuiltS) },
        ...measured,
        update10000Views: update,
        seesByBare: { candidates: ratio('bareCandidates'), withGeometry: ratio('bareWithGeometry') },
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
async function rebuild(which) {
  const headers = { authorization: `Bearer ${key}` };
  const started = await fetch(`${url}/v1/geometry/rebuild?which=${which}`, { method: 'POST', headers });
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

/** Footprint and reach of 10,000 views that wait, worked out and written; against the bare writing of what is there already. */
async function updateOf10000() {
  const chosen = `camera_id in (select id from camera order by md5(id::text) limit 10000)`;
  await db.query(`update view_fov set geometry_version = 0 where ${chosen}`);
  const s = await rebuild('waiting');
  const began = performance.now();
  await db.query(
    `update view_fov set reach = reach, footprint = footprint, geo = geo, computed_at = now() where ${chosen}`,
  );
  const bareS = (performance.now() - began) / 1_000;
  return { s: Number(s.toFixed(2)), bareS: Number(bareS.toFixed(2)) };
}

/**
 * The statement that finds candidates, ids only, as view.md's table has it; with what geometry and the order want of them;
 * with the exact answer; with lines of sight over a terrain of posts 20 m apart.
 */
function bareAsks() {
  const finder = new CameraFinder(db);
  const text =
    'select v.camera_id from view_fov v where st_intersects(v.reach, st_setsrid(st_makepoint($1, $2), 4326)) and v.is_default';
  const pool = db.driver.master;
  const withGeometry = (position) => finder.candidates(scope(ANONYMOUS), { sees: position }, { position, heightM: 0 });
  const seeing = (options) => async (position) =>
    (await withGeometry(position)).filter(({ geo }) => sight(geo, { position, heightM: 0 }, options).sees);
  const grid = hills();
  const terrain = {
    groundAt: (position) => groundIn(grid, position),
    occlude: occluderOf({ terrain: { grid, date: null } }),
  };
  return {
    bareCandidates: async (position) => (await pool.query({ name: 'bench', text, values: position })).rows,
    bareWithGeometry: withGeometry,
    bareExact: seeing({ atMs: Date.now() }),
    bareTerrain: seeing({ atMs: Date.now(), ...terrain }),
  };
}

/** Low hills over everything, a square of posts repeated. */
function hills() {
  const SIDE = 1_024;
  const post = (i) =>
    4 * Math.sin((2 * Math.PI * (i % SIDE)) / 64) * Math.cos((2 * Math.PI * Math.floor(i / SIDE)) / 128);
  const square = Float32Array.from({ length: SIDE * SIDE }, (_, i) => post(i));
  const heights = {
    columns: 12_000,
    rows: 24_000,
    at: (column, row) => square[(row % SIDE) * SIDE + (column % SIDE)],
  };
  return { heights, first: [119.9, 25.4], stepLonDeg: 0.02 * KM_LON, stepLatDeg: 0.02 * KM_LAT, cellM: 20 };
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

/** A list asked for as a client on one connection asks. */
function overHttp(agent, queryOf) {
  return (position) =>
    new Promise((resolve, reject) => {
      const request = http.get(`${url}/v1/cameras?${queryOf(position)}`, { agent }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => {
          const body = Buffer.concat(parts);
          if (answer.statusCode === 200) resolve(() => JSON.parse(body).items);
          else reject(new Error(body.toString()));
        });
      });
      request.on('error', reject);
    });
}

/** All kinds of questions in turn, each about another place, so that noise and caches are the same for all. */
async function inTurn(places, asks) {
  const kinds = Object.entries(asks).map(([name, ask], i) => ({ name, ask, first: 97 * i, times: [], found: 0 }));
  for (let round = -500; round < places.length; round += 1) {
    for (const kind of kinds) {
      const position = places[(round + 500 + kind.first) % places.length];
      const before = performance.now();
      const answer = await kind.ask(position);
      if (round < 0) continue;
      kind.times.push(performance.now() - before);
      kind.found += (typeof answer === 'function' ? answer() : answer).length;
    }
  }
  const shown = ({ times, found }) => {
    times.sort((a, b) => a - b);
    const at = (share) => Number(times[Math.floor(times.length * share)].toFixed(2));
    return { p50Ms: at(0.5), p95Ms: at(0.95), cameras: Number((found / times.length).toFixed(1)) };
  };
  return Object.fromEntries(kinds.map((kind) => [kind.name, shown(kind)]));
}
