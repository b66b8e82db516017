// What benches share: a server of the built program in a process of its own, and numbers that come again.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';

/** On what machine a figure was measured. */
export const MACHINE = `${cpus().length} × ${cpus()[0]?.model}, Node ${process.versions.node}`;

/** Seeded, from 0 to below 1 (a linear congruence is even enough for places). */
export function seeded() {
  let state = 20261127;
  return () => (state = (state * 1664525 + 1013904223) % 4294967296) / 4294967296;
}

/**
 * Starts `sightline up` without the demo, on DATABASE_URL where set, else on an embedded database of its own.
 * @param env settings beside those
 */
export async function startServer(env = {}) {
  const { mintKey } = await import('#access');
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-bench-'));
  const { key } = mintKey(randomBytes);
  const main = new URL('../dist/apps/cli/src/main.js', import.meta.url).pathname;
  const server = spawn(process.execPath, [main, 'up'], {
    env: {
      ...process.env,
      PORT: '0',
      SIGHTLINE_DATA_DIR: dataDir,
      SIGHTLINE_ADMIN_KEY: key,
      SIGHTLINE_DEMO: 'off',
      SIGHTLINE_RATE_LIMITS: 'off',
      SIGHTLINE_LOG_LEVEL: 'error',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    let out = '';
    server.stdout.on('data', (text) => {
      out += text;
      const found = /(http:\/\/[\d.]+:\d+)\//.exec(out);
      if (found) resolve(found[1]);
    });
    server.once('exit', () => reject(new Error('the server ended')));
  });
  return {
    url,
    key,
    close: async () => {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('exit', resolve));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
