// `near` over 100,000 cameras: through HTTP, against the same statement run bare. On DATABASE_URL where set, else on the embedded database.
//   node bench/near.mjs [--cameras 100000] [--seconds 10] [--connections 16]
import autocannon from 'autocannon';
import { parseArgs } from 'node:util';
import { MACHINE, seeded, startServer } from './server.mjs';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '16' },
  },
});
const [cameras, seconds, connections] = [values.cameras, values.seconds, values.connections].map(Number);
const { scope, ANONYMOUS } = await import('#access');
const { connect, CameraFinder } = await import('#storage');

/** Cameras spread over Taiwan's extent, seeded. */
const random = seeded();
const place = () => [120 + 2 * random(), 22 + 3 * random()].map((degrees) => Number(degrees.toFixed(6)));

const { url, key, close } = await startServer();

try {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const made = await fetch(`${url}/v1/authorities`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ slug: 'bench', name: 'Bench' }),
  });
  if (![201, 409].includes(made.status)) throw new Error(await made.text());
  const began = performance.now();
  for (let at = 0; at < cameras; at += 10_000) {
    const rows = Array.from({ length: Math.min(10_000, cameras - at) }, (_, i) =>
      JSON.stringify({
        authority: 'bench',
        localId: String(at + i),
        name: `Bench camera ${at + i}`,
        location: { type: 'Point', coordinates: place() },
        services: [{ kind: 'snapshot', url: `http://198.18.0.1/${at + i}.jpg` }],
        lifecycle: 'suspended',
      }),
    );
    const answer = await fetch(`${url}/v1/imports?authority=bench&profile=ndjson`, {
      method: 'POST',
      headers,
      body: rows.join('\n'),
    });
    const report = await answer.json();
    if (answer.status !== 200 || report.totals.failed > 0) throw new Error(JSON.stringify(report).slice(0, 500));
  }
  const importedS = (performance.now() - began) / 1000;

  const paths = Array.from({ length: 5_000 }, () => `/v1/cameras?near=${place().join(',')}&radiusM=2000&limit=20`);
  const http = await measureHttp(paths);
  const bare = process.env.DATABASE_URL ? await measureBare(paths) : null;
  console.log(
    JSON.stringify(
      {
        machine: MACHINE,
        database: process.env.DATABASE_URL ? 'PostgreSQL' : 'embedded PostGIS',
        cameras,
        importRowsPerS: Math.round(cameras / importedS),
        http,
        bare,
        ratio: bare === null ? null : Number((http.perS / bare.perS).toFixed(2)),
      },
      null,
      2,
    ),
  );
} finally {
  await close();
}

async function measureHttp(paths) {
  await autocannon({ url, connections, duration: 2, requests: paths.map((path) => ({ path })) });
  const { requests, latency, non2xx, errors } = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: paths.map((path) => ({ path })),
  });
  return { perS: Math.round(requests.average), p50Ms: latency.p50, p97Ms: latency.p97_5, wrong: non2xx + errors };
}

/** The very statement, by the same pool size, without HTTP. */
async function measureBare(paths) {
  const db = await connect({ role: 'api', url: process.env.DATABASE_URL });
  const finder = new CameraFinder(db);
  const searches = paths.map((path) => {
    const [lon, lat] = new URL(path, 'http://x').searchParams.get('near').split(',').map(Number);
    return { search: { near: [lon, lat], radiusM: 2000, limit: 20 }, limit: 20, form: 'json', baseUrl: 'http://x' };
  });
  const until = performance.now() + seconds * 1000;
  const times = [];
  const loop = async (start) => {
    for (let i = start; performance.now() < until; i += 1) {
      const before = performance.now();
      await finder.search(scope(ANONYMOUS), searches[i % searches.length]);
      times.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, i) => loop(i * 311)));
  await db.destroy();
  times.sort((a, b) => a - b);
  return { perS: Math.round(times.length / seconds), p50Ms: Number(times[Math.floor(times.length / 2)].toFixed(1)) };
}
