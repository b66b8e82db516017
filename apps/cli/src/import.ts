import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImportReport } from '#catalog';
import type { Settings } from '#settings';
import { Failure, Server } from './server.js';

export interface ImportOptions {
  readonly authority: string;
  readonly profile?: string;
  readonly dryRun?: boolean;
  readonly mode?: string;
  readonly lifecycle?: string;
  readonly keyFrom?: string;
  readonly headingFrom?: string;
  readonly json?: boolean;
}

/** Exit code when the file was taken but rows of it failed. */
const SOME_FAILED = 2;
/** Problems shown on the terminal; the whole report is behind `--json`. */
const MAX_SHOWN = 20;

/** Sends a file of cameras to the running server and says what became of it. */
export async function importFile(file: string, options: ImportOptions, { serverUrl, key }: Settings): Promise<void> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${file} cannot be read (${error.code ?? error.message})`);
  });
  if (key === undefined) throw new Failure('importing needs a key: set SIGHTLINE_KEY, or --key');
  const query = new URLSearchParams({ authority: options.authority });
  for (const name of ['profile', 'mode', 'lifecycle', 'keyFrom', 'headingFrom'] as const) {
    if (options[name] !== undefined) query.set(name, options[name]);
  }
  if (options.dryRun === true) query.set('dryRun', 'true');
  const ticking = showProgress(`importing ${path.basename(file)} (${inKilobytes(bytes.length)})`);
  const reply = await new Server(serverUrl, key)
    .send('POST', `/v1/imports?${query.toString()}`, bytes)
    .finally(() => ticking.stop());
  if (reply.status !== 200) throw reply.failure();
  const report = reply.body as ImportReport;
  process.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : inWords(report));
  if (report.totals.failed > 0) process.exitCode = SOME_FAILED;
}

const inKilobytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 1_024)).toLocaleString('en')} kB`;

/** Seconds that pass, on a terminal only. */
function showProgress(what: string): { stop(): void } {
  if (!process.stderr.isTTY) return { stop: () => undefined };
  const began = performance.now();
  const show = (): void => {
    process.stderr.write(`\r${what} … ${Math.round((performance.now() - began) / 1_000)} s`);
  };
  const timer = setInterval(show, 1_000);
  show();
  return {
    stop: () => {
      clearInterval(timer);
      process.stderr.write('\r\u001b[K');
    },
  };
}

/** The report for a person: totals, codes, and the first problems. */
export function inWords({ profile, dryRun, totals, byCode, rows }: ImportReport): string {
  const { created, updated, unchanged, skipped, failed, warnings } = totals;
  const lines = [
    `${dryRun ? 'Tried' : 'Imported'} ${totals.rows} rows (${profile}): ` +
      `${created} created, ${updated} updated, ${unchanged} unchanged, ${skipped} skipped, ${failed} failed; ${warnings} warnings.`,
  ];
  if (totals.rows > 0 && unchanged === totals.rows) lines.push('Nothing changed.');
  if (dryRun) lines.push('Nothing was kept: this was a dry run.');
  const codes = Object.entries(byCode).sort(([, a], [, b]) => b - a);
  if (codes.length > 0) lines.push(`Codes: ${codes.map(([code, count]) => `${code} ${count}`).join(', ')}.`);
  const wrong = rows.filter(({ action }) => action === 'failed');
  for (const { row, localId, problems } of wrong.slice(0, MAX_SHOWN)) {
    const why = problems
      .filter(({ severity }) => severity === 'error')
      .map(({ code, pointer, detail }) => `${pointer} ${code}: ${detail}`);
    lines.push(`  row ${row}${localId === null ? '' : ` (${localId})`}: ${why.join('; ')}`);
  }
  if (wrong.length > MAX_SHOWN) lines.push(`  … and ${wrong.length - MAX_SHOWN} more; --json shows all.`);
  return `${lines.join('\n')}\n`;
}
