// The real worker: `sightline prober` on an empty database of DATABASE_URL (PostgreSQL) and a simulator of so many cameras, in processes of their
// own. First what it costs to watch them; then, with --bad, a quarter of them fail in five ways, and every finding is compared with what was done.
//   node bench/worker.mjs [--cameras 10000] [--interval 60] [--minutes 3] [--bad]
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MACHINE } from './server.mjs';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '10000' },
    interval: { type: 'string', default: '60' },
    minutes: { type: 'string', default: '3' },
    bad: { type: 'boolean', default: false },
  },
});
const [cameras, intervalS, minutes] = [values.cameras, values.interval, values.minutes].map(Number);
if (!process.env.DATABASE_URL) {
  console.error('bench/worker.mjs: skipped, DATABASE_URL names no empty database on a PostgreSQL server');
  process.exit(0);
}
const { mintKey } = await import('#access');
const { connect } = await import('#storage');

/** Where the simulator is told of faults. */
const CONTROL_PORT = 31_770;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-bench-'));
const { key } = mintKey(randomBytes);
const env = {
  ...process.env,
  PORT: '0',
  SIGHTLINE_DATA_DIR: dataDir,
  SIGHTLINE_ADMIN_KEY: key,
  SIGHTLINE_LOOPBACK_CAMERAS: 'on',
  SIGHTLINE_RATE_LIMITS: 'off',
  SIGHTLINE_LOG_LEVEL: 'info',
};
const main = new URL('../dist/apps/cli/src/main.js', import.meta.url).pathname;
const processes = [];

/** Starts a command of ours; resolves with what it first printed that fits. */
function run(args, wanted) {
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  processes.push(child);
  return new Promise((resolve, reject) => {
    // Each by itself: a line of the log must not fall into the middle of what is printed.
    const said = { stdout: '', stderr: '' };
    let isFound = false;
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (text) => {
        if (isFound) return;
        said[stream] += text;
        const found = wanted.exec(said[stream]);
        if (!found) return;
        isFound = true;
        resolve({ child, found: found[1] });
      });
    }
    child.once('exit', () => reject(new Error(`sightline ${args[0]} ended: ${said.stderr}`)));
  });
}

execFileSync(process.execPath, [main, 'migrate'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
const db = await connect({ role: 'migrate', url: process.env.DATABASE_URL });
try {
  const { found: list } = await run(
    ['simulator', '--port', String(CONTROL_PORT), '--cameras', String(cameras), '--json'],
    /^(\{"authorities.*)\n/m,
  );
  const street = JSON.parse(list).cameras.filter(({ authority }) => authority === 'demo-load');
  const { found: url } = await run(['api'], /"url":"(http:\/\/[\d.]+:\d+)/);
  await register(url, street);
  const { child: prober, found: opsPort } = await run(['prober'], /"opsPort":(\d+)/);
  const ops = `http://127.0.0.1:${opsPort}`;

  const began = performance.now();
  await until(async () => (await counts()).online === street.length, 120 + (3 * street.length) / 500);
  const allOnlineS = Math.round((performance.now() - began) / 1000);
  // All were due at once; by then the rounds that had to wait for others are made up for.
  await sleep(Math.max(10_000, 2_000 * intervalS));
  const healthy = await watch(prober.pid, ops, minutes);
  const result = { machine: MACHINE, cameras: street.length, intervalS, allOnlineS, healthy };
  console.log(
    JSON.stringify(values.bad ? { ...result, bad: await makeBad(street, prober.pid, ops) } : result, null, 2),
  );
} finally {
  for (const child of processes.reverse()) child.kill('SIGTERM');
  await db.destroy();
  await sleep(2_000);
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);

async function register(url, street) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const send = async (where, body) => {
    const answer = await fetch(`${url}${where}`, { method: 'POST', headers, body });
    const text = await answer.text();
    if (!answer.ok || JSON.parse(text).totals?.failed > 0) throw new Error(text.slice(0, 500));
  };
  const ports = [...new Set(street.flatMap(({ services }) => services.map((one) => Number(new URL(one.url).port))))];
  const probing = { intervalS, minIntervalS: Math.min(10, intervalS) };
  await send(
    '/v1/authorities',
    JSON.stringify({
      slug: 'demo-load',
      name: 'Load',
      network: { cidrs: ['127.0.0.0/8'], ports },
      probing,
      allowBasicPlaintext: true,
    }),
  );
  for (let at = 0; at < street.length; at += 1_000) {
    const rows = street.slice(at, at + 1_000).map((camera) => JSON.stringify(camera));
    await send('/v1/imports?authority=demo-load&profile=ndjson', rows.join('\n'));
  }
}

/** Cameras by their own status. */
async function counts() {
  const rows = await db.query('select status, count(*)::int as cameras from camera_health group by status');
  return Object.fromEntries(rows.map(({ status, cameras: n }) => [status, n]));
}

async function until(isSo, patienceS) {
  const end = performance.now() + patienceS * 1000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not in ${patienceS} s: ${JSON.stringify(await counts())}`);
    await sleep(500);
  }
}

/** Processor seconds of a process and its children so far, by both; memory in MB and open files of the process itself. */
function costOf(pid) {
  const cpuOf = (id) => {
    const fields = readFileSync(`/proc/${id}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return { parent: Number(fields[1]), cpuS: (Number(fields[11]) + Number(fields[12])) / 100 };
  };
  const children = readdirSync('/proc').filter((id) => {
    try {
      return /^\d+$/.test(id) && cpuOf(id).parent === pid;
    } catch {
      return false;
    }
  });
  const [, rssKb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  const picturesS = children.reduce((sum, id) => sum + cpuOf(id).cpuS, 0);
  return {
    cpuS: cpuOf(pid).cpuS + picturesS,
    picturesS,
    rssMb: Math.round(rssKb / 1024),
    handles: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Sums of a metric by one label. */
async function metric(ops, name) {
  const text = await (await fetch(`${ops}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .map((line) => [/le="([^"]+)"/.exec(line)?.[1], Number(line.split(' ').at(-1))]);
}

async function probesOf(ops) {
  return (await metric(ops, 'sightline_probe_outcomes_total')).reduce((sum, [, n]) => sum + n, 0);
}

/** What watching costs over some minutes. */
async function watch(pid, ops, forMinutes) {
  const [before, probesBefore, lagBefore] = [
    costOf(pid),
    await probesOf(ops),
    await metric(ops, 'sightline_probe_schedule_lag_seconds_bucket'),
  ];
  const began = performance.now();
  await sleep(forMinutes * 60_000);
  const s = (performance.now() - began) / 1000;
  const [after, probes, lagAfter] = [
    costOf(pid),
    (await probesOf(ops)) - probesBefore,
    await metric(ops, 'sightline_probe_schedule_lag_seconds_bucket'),
  ];
  const inBuckets = lagAfter.map(([le, n], i) => [le, n - lagBefore[i][1]]);
  const total = inBuckets.at(-1)[1];
  return {
    probesPerS: Number((probes / s).toFixed(1)),
    cores: Number(((after.cpuS - before.cpuS) / s).toFixed(2)),
    coresOfPictures: Number(((after.picturesS - before.picturesS) / s).toFixed(2)),
    cpuMsPerProbe: Number((((after.cpuS - before.cpuS) / probes) * 1000).toFixed(2)),
    lateP99AtMostS: inBuckets.find(([, n]) => n >= 0.99 * total)?.[0],
    rssMb: [before.rssMb, after.rssMb],
    handles: [before.handles, after.handles],
    statuses: await counts(),
  };
}

/** Five faults on every twentieth camera each; what people are to read of them, and after how many seconds at most. */
async function makeBad(street, pid, ops) {
  const bound = 130 * (intervalS / 60) + 40;
  const faults = [
    {
      fault: 'frozen',
      isFound: ({ faults: found }) => found.includes('frozen'),
      boundS: Math.max(3 * intervalS, 120) + 2 * intervalS,
    },
    { fault: 'busy', isFound: ({ status }) => status === 'busy', boundS: 2 * intervalS },
    { fault: 'drip', isFound: ({ status }) => status === 'offline', boundS: bound },
    { fault: 'refused', isFound: ({ status }) => status === 'offline', boundS: bound },
    { fault: 'unauthorized', isFound: ({ status }) => status === 'auth_failed', boundS: 2 * intervalS + 60 },
  ];
  const faultOf = new Map(street.map(({ localId }, i) => [localId, i % 20 < faults.length ? faults[i % 20] : null]));
  const control = `http://127.0.0.1:${CONTROL_PORT}`;
  const sinceMs = performance.now();
  for (const [localId, one] of faultOf) {
    if (one === null) continue;
    const answer = await fetch(`${control}/control`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ authority: 'demo-load', localId, fault: one.fault }),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }
  const foundAtS = new Map();
  const end = performance.now() + 600_000;
  const before = costOf(pid);
  while (performance.now() < end) {
    await sleep(2_000);
    const rows = await db.query(
      'select c.local_id as "localId", h.status, h.faults from camera c join camera_health h on h.camera_id = c.id',
    );
    for (const row of rows) {
      const one = faultOf.get(row.localId);
      if (one && !foundAtS.has(row.localId) && one.isFound(row))
        foundAtS.set(row.localId, (performance.now() - sinceMs) / 1000);
    }
  }
  const wrong = await db.query(
    `select c.local_id as "localId" from health_transition t join camera c on c.id = t.camera_id where t.to_status = 'offline'`,
  );
  const falseOffline = wrong.filter(({ localId }) => !['drip', 'refused'].includes(faultOf.get(localId)?.fault)).length;
  const byFault = faults.map(({ fault, boundS }) => {
    const all = [...faultOf]
      .filter(([, one]) => one?.fault === fault)
      .map(([localId]) => foundAtS.get(localId) ?? Infinity)
      .sort((a, b) => a - b);
    return {
      fault,
      cameras: all.length,
      found: all.filter(Number.isFinite).length,
      medianS: Math.round(all[all.length >> 1]),
      slowestS: Math.round(all.at(-1)),
      boundS,
    };
  });
  const after = costOf(pid);
  return {
    forS: 600,
    falseOffline,
    byFault,
    cores: Number(((after.cpuS - before.cpuS) / 600).toFixed(2)),
    rssMb: [before.rssMb, after.rssMb],
    handles: [before.handles, after.handles],
    statuses: await counts(),
    blind: (await metric(ops, 'sightline_prober_blind'))[0]?.[1],
  };
}
