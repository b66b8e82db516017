// Thumbnails of a warm store through HTTP, 200s and 304s apart, against a bare node:http server that sends the very same bytes and headers.
// On DATABASE_URL where set, else on the embedded database.
// Of few cameras a reading serves many requests; of 1,000 at 1,000 requests a second each is a reading of its own.
//   node bench/thumbnail.mjs [--cameras 20] [--seconds 8] [--connections 16]
import autocannon from 'autocannon';
import { Agent, createServer, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { MACHINE, seeded, startServer } from './server.mjs';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '16' },
  },
});
const [cameras, seconds, connections] = [values.cameras, values.seconds, values.connections].map(Number);

/** A scene of bands and noise, about as large as a picture of a street. */
const random = seeded();
const [widthPx, heightPx] = [1280, 720];
const rgb = Buffer.alloc(widthPx * heightPx * 3);
for (let at = 0; at < rgb.length; at += 1)
  rgb[at] = 120 + 60 * Math.sin(at / 40_000) + 30 * Math.sin(at / 97) + 15 * random();
const picture = await sharp(rgb, { raw: { width: widthPx, height: heightPx, channels: 3 } })
  .jpeg({ quality: 75 })
  .toBuffer();
const device = createServer((_, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture));
await new Promise((resolve) => device.listen(0, '127.0.0.1', resolve));
const { port } = device.address();

const { url, key, close } = await startServer({ SIGHTLINE_LOOPBACK_CAMERAS: 'on' });
let bare = null;

try {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const post = async (address, body) => {
    const answer = await fetch(`${url}${address}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text.slice(0, 500));
    return JSON.parse(text);
  };
  const slug = `bench-${Date.now()}`;
  const network = { cidrs: ['127.0.0.0/8'], ports: [port] };
  await post('/v1/authorities', { slug, name: 'Bench', network, probing: { intervalS: 3_600 } });
  const paths = [];
  for (let i = 0; i < cameras; i += 1) {
    const { id } = await post('/v1/cameras', {
      authority: slug,
      localId: String(i),
      name: `Bench camera ${i}`,
      location: { type: 'Point', coordinates: [121 + i / 1_000, 24] },
      services: [{ kind: 'snapshot', url: `http://127.0.0.1:${port}/${i}.jpg` }],
      lifecycle: 'active',
      access: { level: 'public' },
    });
    paths.push(`/v1/cameras/${id}/thumbnail`);
  }
  const tags = [];
  // Some at a time: an address has a thousand connections at most.
  for (let at = 0; at < paths.length; at += 50) tags.push(...(await Promise.all(paths.slice(at, at + 50).map(tagOf))));
  const first = await shown(paths[0]);
  const body = Buffer.from(await first.arrayBuffer());

  bare = await bareServer(body, Object.fromEntries(first.headers));
  const requests = paths.map((path) => ({ path }));
  const known = paths.map((path, i) => ({ path, headers: { 'if-none-match': tags[i] } }));
  const rows = [];
  for (const [what, target, asked] of [
    ['200, 320 pixels', url, requests],
    ['304', url, known],
    ['200, 640 pixels, made once', url, paths.map((path) => ({ path: `${path}?width=640` }))],
    ['the same bytes by a bare server', bare.url, requests],
  ]) {
    await autocannon({ url: target, connections, duration: 2, requests: asked });
    const all = await autocannon({ url: target, connections, duration: seconds, requests: asked });
    rows.push({
      what,
      perS: Math.round(all.requests.average),
      p50Ms: all.latency.p50,
      p99Ms: all.latency.p99,
      wrong: all.errors + (what === '304' ? all['2xx'] : all.non2xx),
    });
  }
  // In turns, three times each: a machine that stands still for a moment makes the tail of one series.
  const steady = { bare: [], ours: [] };
  for (let i = 0; i < 3; i += 1) {
    steady.bare.push(await steadily(1_000, paths, bare.url));
    steady.ours.push(await steadily(1_000, paths, url));
  }
  rows.push({ what: '200, 1,000 asked a second, median series of three', ...medianOf(steady.ours) });
  rows.push({ what: 'the same by the bare server', ...medianOf(steady.bare) });
  const ratio = Number((rows[0].perS / rows[3].perS).toFixed(2));
  console.log(
    JSON.stringify(
      {
        machine: MACHINE,
        database: process.env.DATABASE_URL ? 'PostgreSQL' : 'embedded PostGIS',
        cameras,
        thumbnailBytes: body.length,
        rows,
        ratio,
      },
      null,
      2,
    ),
  );
} finally {
  await bare?.close();
  await close();
  device.closeAllConnections();
  device.close();
}

/** The thumbnail of a camera, once the prober has made it. */
async function shown(path) {
  for (const until = Date.now() + 60_000; Date.now() < until; await wait(200)) {
    const answer = await fetch(`${url}${path}`);
    if (answer.status === 200) return answer;
  }
  throw new Error('no picture came');
}

async function tagOf(path) {
  const answer = await shown(path);
  await answer.arrayBuffer();
  return answer.headers.get('etag');
}

/** Asks so often a second whatever comes of it, and counts from when a request was due: autocannon would send a second's share at once. */
async function steadily(perS, paths, base) {
  const agent = new Agent({ keepAlive: true });
  const times = [];
  let wrong = 0;
  const ask = (path, dueMs) =>
    new Promise((resolve) => {
      const sent = request(`${base}${path}`, { agent }, (answer) => {
        if (answer.statusCode !== 200) wrong += 1;
        answer.resume().once('end', () => resolve(times.push(performance.now() - dueMs)));
      });
      sent.once('error', () => resolve((wrong += 1))).end();
    });
  const began = performance.now();
  const asked = [];
  while (asked.length < perS * seconds) {
    const due = Math.min(perS * seconds, Math.floor(((performance.now() - began) * perS) / 1_000));
    while (asked.length < due)
      asked.push(ask(paths[asked.length % paths.length], began + (asked.length * 1_000) / perS));
    await wait(1);
  }
  await Promise.all(asked);
  const tookS = (performance.now() - began) / 1_000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share) => Number(times[Math.floor(times.length * share)].toFixed(1));
  return { perS: Math.round(times.length / tookS), p50Ms: at(0.5), p99Ms: at(0.99), wrong };
}

/** The series whose p99 is the median. */
function medianOf(all) {
  return all.sort((one, other) => one.p99Ms - other.p99Ms)[all.length >> 1];
}

/** In a thread of its own: the client's work is not its. */
async function bareServer(bytes, headers) {
  const worker = new Worker(
    `const { parentPort, workerData: { bytes, headers } } = require('node:worker_threads');
     const server = require('node:http').createServer((_, response) => response.writeHead(200, headers).end(bytes));
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
    { eval: true, workerData: { bytes, headers } },
  );
  const at = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return { url: `http://127.0.0.1:${at}`, close: () => worker.terminate() };
}
