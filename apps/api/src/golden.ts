import { pino } from 'pino';
import { Registry } from 'prom-client';
import { SETTINGS } from '#settings';
import type { ApiParts } from './parts.js';
import { PROBLEMS } from './problems/catalogue.js';
import { describe } from './start.js';

/** What the program says of itself in files that are committed: text by path. */
export async function describeProgram(version: string): Promise<Readonly<Record<string, string>>> {
  const parts = {
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    settings: { trustProxy: [], tokenIssuers: [], host: '127.0.0.1', port: 0 },
    version,
  } as unknown as ApiParts;
  return {
    'openapi.json': `${JSON.stringify(await describe(parts), null, 2)}\n`,
    'docs/problems.md': problemsPage(),
    'docs/settings.md': settingsPage(),
  };
}

const MADE = '<!-- Written by scripts/golden.mjs; change the table in the source instead. -->';

function problemsPage(): string {
  const sections = Object.entries(PROBLEMS).map(
    ([code, { status, title, cause, cure, retryable }]) =>
      `## ${code}\n\n${title}. Status ${status}${retryable ? '; the same request may succeed later' : ''}.\n\n` +
      `**Cause.** ${cause}\n\n**Cure.** ${cure}\n`,
  );
  const head = `${MADE}\n\n# Problems\n\nEvery error is a problem document (RFC 9457). Its \`code\` is stable and is never renamed.\n`;
  return `${head}\n${sections.join('\n')}`;
}

function settingsPage(): string {
  const rows = SETTINGS.map(({ name, fallback, meaning }) => `| \`${name}\` | ${fallback} | ${meaning} |`);
  const head = `${MADE}\n\n# Settings\n\nFrom the environment, read once. Switches are \`on\` or \`off\`. An unknown \`SIGHTLINE_*\` or a bad value ends the program with one message that names them all.\n`;
  return `${head}\n| setting | default | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
}
