// Coverage of 1 km² at 1 m with 2,000 views: through HTTP, against the pure function in this process, in one run. On DATABASE_URL where set, else on the
// embedded database.
//   node bench/coverage.mjs [--cameras 2000] [--rounds 15]
import { parseArgs } from 'node:util';
import { MACHINE, seeded, startServer } from './server.mjs';

const { values } = parseArgs({
  options: { cameras: { type: 'string', default: '2000' }, rounds: { type: 'string', default: '15' } },
});
const [cameras, rounds] = [values.cameras, values.rounds].map(Number);
const { areaCoverage, coverageViewOf, LocalFrame } = await import('#geo');

/** Views within a square kilometre, seeded. */
const random = seeded();
const frame = new LocalFrame([121.5, 25]);
const at = (e, n) => frame.toLonLat(e, n).map((degrees) => Number(degrees.toFixed(7)));
const registrations = Array.from({ length: cameras }, (_, i) => ({
  authority: 'bench',
  localId: String(i),
  name: `Bench camera ${i}`,
  location: { type: 'Point', coordinates: at(1_000 * random() - 500, 1_000 * random() - 500) },
  heightM: Number((4 + 20 * random()).toFixed(1)),
  positionSource: 'survey',
  view: {
    azimuthDeg: Number((359.9 * random()).toFixed(1)),
    tiltDeg: Number((-2 - 20 * random()).toFixed(1)),
    hfovDeg: Number((30 + 60 * random()).toFixed(1)),
    vfovDeg: Number((20 + 40 * random()).toFixed(1)),
    farM: Math.round(50 + 150 * random()),
    imageWidthPx: 1920,
    imageHeightPx: 1080,
    source: 'survey',
  },
  services: [{ kind: 'snapshot', url: `http://198.18.0.1/${i}.jpg` }],
}));
const ring = [at(-500, -500), at(500, -500), at(500, 500), at(-500, 500), at(-500, -500)];

const { url, key, close } = await startServer();

try {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const post = async (address, body) => {
    const answer = await fetch(`${url}${address}`, { method: 'POST', headers, body });
    const text = await answer.text();
    if (!answer.ok && answer.status !== 409) throw new Error(text.slice(0, 500));
    return JSON.parse(text);
  };
  await post('/v1/authorities', JSON.stringify({ slug: 'bench', name: 'Bench' }));
  await post('/v1/imports?authority=bench&profile=ndjson', registrations.map((one) => JSON.stringify(one)).join('\n'));

  const area = JSON.stringify({ area: { type: 'Polygon', coordinates: [ring] } });
  let answer;
  const http = await median(async () => (answer = await post('/v1/coverage', area)));
  const views = registrations.map((camera, i) => coverageViewOf({ ...camera, id: String(i) }, Date.now()));
  let pure;
  const bare = await median(async () => (pure = areaCoverage([[ring]], views)));
  if (Math.abs(answer.coveredFraction - pure.coveredFraction) > 1e-9) throw new Error('the two do not agree');
  console.log(
    JSON.stringify(
      {
        machine: MACHINE,
        database: process.env.DATABASE_URL ? 'PostgreSQL' : 'embedded PostGIS',
        views: answer.cameras,
        cellM: answer.cellM,
        coveredFraction: Number(answer.coveredFraction.toFixed(4)),
        httpMs: http,
        pureMs: bare,
        ratio: Number((http / bare).toFixed(2)),
      },
      null,
      2,
    ),
  );
} finally {
  await close();
}

async function median(work) {
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  return Math.round(times.sort((a, b) => a - b)[rounds >> 1]);
}
