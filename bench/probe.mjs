// Probes by one core: the first frame of a stream, a snapshot on a new connection, and the answer 304 on a new connection and on one that was kept, each against
// the bare loop that opens a socket (or has it), asks and reads the same from the same server in the same run (the least that can be done).
//   node bench/probe.mjs [--rounds 5] [--seconds 2] [--sockets 32]
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { MACHINE } from './server.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    sockets: { type: 'string', default: '32' },
    // The server of snapshots; started by this file itself.
    serve: { type: 'boolean', default: false },
  },
});
const [rounds, seconds, sockets] = [values.rounds, values.seconds, values.sockets].map(Number);
if (values.serve) await serveSnapshots();
else await main();

async function main() {
  const { probe, DEFAULT_LIMITS, KeptConnections, NonceCache } = await import('#probe');
  const cli = new URL('../dist/apps/cli/src/main.js', import.meta.url).pathname;
  const simulator = started([cli, 'simulator', '--port', '0', '--cameras', '64', '--json']);
  const streams = JSON.parse(await firstLineOf(simulator))
    .cameras.filter(({ authority }) => authority === 'demo-load')
    .map(({ services }) => services.find(({ kind }) => kind === 'mjpeg').url);
  const picture = await pictureOf(streams[0]);
  const snapshots = started([new URL(import.meta.url).pathname, '--serve']);
  snapshots.stdin.end(picture);
  // Connections of the bare loop that keeps them.
  const left = new Map();
  const snapshot = `http://127.0.0.1:${await firstLineOf(snapshots)}/snapshot.jpg`;
  try {
    const tools = {
      limits: DEFAULT_LIMITS,
      nonces: new NonceCache(),
      userAgent: 'bench',
      now: () => performance.now(),
      kept: new KeptConnections(sockets),
    };
    const { signal } = new AbortController();
    const ports = [...new Set([...streams, snapshot].map((url) => Number(new URL(url).port)))];
    const common = {
      credentials: null,
      allowBasicPlaintext: false,
      policy: { cidrs: ['127.0.0.0/8'], ports, loopback: true },
    };
    const ours = (more) => async (url, asker) => {
      const reuse = more.isKept && { reuse: { device: asker, key: '', forMs: 5_000 } };
      const { outcome, evidence } = await probe({ ...common, ...more, ...reuse, url }, tools, signal);
      if (outcome !== 'ok') throw new Error(`outcome ${outcome}: ${evidence.reason}`);
    };
    const kinds = {
      'first frame of a stream': [streams, ours({ kind: 'mjpeg' }), plainly('', '\xff\xd9')],
      'snapshot, new connection': [[snapshot], ours({ kind: 'snapshot' }), plainly('', '\xff\xd9')],
      '304, new connection': [
        [snapshot],
        ours({ kind: 'snapshot', cached: { etag: '"a"' } }),
        plainly('If-None-Match: "a"\r\n', '\r\n\r\n'),
      ],
      '304, kept connection': [
        [snapshot],
        ours({ kind: 'snapshot', cached: { etag: '"a"' }, isKept: true }),
        plainly('Connection: keep-alive\r\nIf-None-Match: "a"\r\n', '\r\n\r\n', left),
      ],
    };
    const rows = {};
    for (const [name, [urls, ask, bare]] of Object.entries(kinds)) {
      await measure(ask, urls, 1);
      const runs = [];
      for (let round = 0; round < rounds; round += 1) {
        runs.push({ bare: await measure(bare, urls, seconds), probes: await measure(ask, urls, seconds) });
      }
      const [perCoreSecond, bareOnes] = [median(runs, 'probes'), median(runs, 'bare')];
      rows[name] = { perCoreSecond, bare: bareOnes, ratio: Number((perCoreSecond / bareOnes).toFixed(2)) };
    }
    console.log(JSON.stringify({ machine: MACHINE, pictureBytes: picture.length, ...rows }, null, 2));
  } finally {
    simulator.kill('SIGTERM');
    snapshots.kill('SIGTERM');
    for (const socket of left.values()) socket.destroy();
  }
}

function median(runs, which) {
  return runs.map((run) => run[which]).sort((a, b) => a - b)[runs.length >> 1];
}

function started(args) {
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function firstLineOf({ stdout }) {
  let out = '';
  for await (const text of stdout) {
    out += text;
    if (out.includes('\n')) break;
  }
  return out.slice(0, out.indexOf('\n'));
}

/** The first picture of a stream. */
async function pictureOf(url) {
  const { body } = await fetch(url);
  let bytes = Buffer.alloc(0);
  for await (const chunk of body) {
    bytes = Buffer.concat([bytes, chunk]);
    const [from, to] = [bytes.indexOf('\xff\xd8\xff', 0, 'latin1'), bytes.indexOf('\xff\xd9', 0, 'latin1')];
    if (from >= 0 && to > from) return bytes.subarray(from, to + 2);
  }
  throw new Error('the stream ended');
}

/** Answers with the picture of standard input, or 304 where it is known; once, unless the connection is to be kept. */
async function serveSnapshots() {
  const picture = Buffer.concat(await process.stdin.toArray());
  const head = `HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nETag: "a"\r\nContent-Length: ${picture.length}\r\n\r\n`;
  const answer = Buffer.concat([Buffer.from(head), picture]);
  const unchanged = Buffer.from('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request) => {
      const reply = request.includes('If-None-Match') ? unchanged : answer;
      if (request.includes('Connection: keep-alive')) socket.write(reply);
      else socket.end(reply);
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}

/** The least that gets one answer: connect, ask, read to where it ends, close. @param kept sockets by asker, which are then left open */
function plainly(header, end, kept = null) {
  return (url, asker) => {
    const { hostname, port, pathname, search, host } = new URL(url);
    const request = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${header}\r\n`;
    return new Promise((resolve, reject) => {
      const known = kept?.get(asker);
      const socket = known ?? connect(Number(port), hostname, () => socket.write(request));
      kept?.set(asker, socket);
      known?.write(request);
      socket.removeAllListeners('data').on('data', (bytes) => {
        if (!bytes.includes(end, 0, 'latin1')) return;
        if (kept === null) socket.destroy();
        resolve();
      });
      if (known === undefined) socket.once('error', reject);
    });
  };
}

/** How many in a second of this process's own processor time. */
async function measure(ask, urls, forS) {
  const until = performance.now() + forS * 1000;
  const cpu = process.cpuUsage();
  let done = 0;
  const loop = async (start) => {
    for (let i = start; performance.now() < until; i += 1) {
      await ask(urls[i % urls.length], start);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: sockets }, (_, i) => loop(i)));
  const { user, system } = process.cpuUsage(cpu);
  return Math.round(done / ((user + system) / 1e6));
}
