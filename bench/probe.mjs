// First-frame probes: how many a core-second of the prober's own CPU, against the simulator's own ceiling in the same run.
//   node bench/probe.mjs [--seconds 8] [--sockets 32]
import { connect } from 'node:net';
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, sockets: { type: 'string', default: '32' } },
});
const [seconds, sockets] = [values.seconds, values.sockets].map(Number);
const { probe, DEFAULT_LIMITS, NonceCache } = await import('#probe');

const main = new URL('../dist/apps/cli/src/main.js', import.meta.url).pathname;
const simulator = spawn(process.execPath, [main, 'simulator', '--port', '0', '--cameras', '64', '--json'], {
  stdio: ['ignore', 'pipe', 'ignore'],
});
const street = await new Promise((resolve) => {
  let out = '';
  simulator.stdout.on('data', (text) => {
    out += text;
    if (out.includes('\n')) resolve(JSON.parse(out.slice(0, out.indexOf('\n'))));
  });
});
const urls = street.cameras
  .filter(({ authority }) => authority === 'demo-load')
  .map(({ services }) => services.find(({ kind }) => kind === 'mjpeg').url);

try {
  const tools = { limits: DEFAULT_LIMITS, nonces: new NonceCache(), userAgent: 'bench', now: () => performance.now() };
  const policy = {
    cidrs: ['127.0.0.0/8'],
    ports: [...new Set(urls.map((url) => Number(new URL(url).port)))],
    loopback: true,
  };
  const { signal } = new AbortController();
  const ours = async (url) => {
    const { outcome } = await probe(
      { kind: 'mjpeg', url, credentials: null, allowBasicPlaintext: false, policy },
      tools,
      signal,
    );
    if (outcome !== 'ok') throw new Error(`outcome ${outcome}`);
  };
  await measure(ours, 1);
  const ceiling = await measure(plainly, seconds);
  const probes = await measure(ours, seconds);
  console.log(
    JSON.stringify(
      {
        machine: `${cpus().length} × ${cpus()[0]?.model}, Node ${process.versions.node}`,
        simulatorCeiling: ceiling,
        probes,
        ratioOfCeiling: Number((probes.perS / ceiling.perS).toFixed(2)),
      },
      null,
      2,
    ),
  );
} finally {
  simulator.kill('SIGTERM');
}

/** The least that gets one picture: connect, ask, read to the first end of image, close. */
function plainly(url) {
  const { hostname, port, pathname, search, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
    );
    socket.on('data', (bytes) => {
      if (bytes.includes('\xff\xd9', 0, 'latin1')) {
        socket.destroy();
        resolve();
      }
    });
    socket.once('error', reject);
  });
}

async function measure(ask, forS) {
  const until = performance.now() + forS * 1000;
  const cpu = process.cpuUsage();
  let done = 0;
  const loop = async (start) => {
    for (let i = start; performance.now() < until; i += 1) {
      await ask(urls[i % urls.length]);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: sockets }, (_, i) => loop(i)));
  const { user, system } = process.cpuUsage(cpu);
  return { perS: Math.round(done / forS), perCoreSecond: Math.round(done / ((user + system) / 1e6)) };
}
