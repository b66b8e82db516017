import type { Keyring } from '#access';
import type { KeyUse } from '#storage';

/** What stands under each key, a line a key, with what may be done about it. */
export function tableOf(uses: readonly KeyUse[], keyring: Keyring): string {
  const held = keyring.kids.map((kid) => uses.find((use) => use.kid === kid) ?? unused(kid));
  const missing = uses.filter(({ kid }) => !keyring.kids.includes(kid));
  const rows = [...held, ...missing].map((use) => [
    use.kid,
    String(use.cameras),
    String(use.webhooks),
    String(use.apiKeys),
    wordsOf(use, keyring),
  ]);
  const lines = [['key', 'cameras', 'webhooks', 'API keys', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0))))
    .map((line) => line.join('  ').trimEnd())
    .join('\n');
}

const unused = (kid: string): KeyUse => ({ kid, cameras: 0, webhooks: 0, apiKeys: 0 });

function wordsOf({ kid, cameras, webhooks, apiKeys }: KeyUse, keyring: Keyring): string {
  if (kid === keyring.writing) return 'writes';
  if (!keyring.kids.includes(kid)) return 'is not in SIGHTLINE_SECRET_KEY: nothing of it opens';
  if (cameras + webhooks > 0) return 'is needed: sightline keys rotate moves what stands under it';
  if (apiKeys > 0) return 'is needed until these API keys are used once more, are revoked or end';
  return 'may go';
}
