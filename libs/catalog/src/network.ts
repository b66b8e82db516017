import { isIP } from 'node:net';
import { shown } from './problems.js';
import { type Finding, judgeNumber } from './rules.js';

/** Judges one entry of `network.cidrs`: an address with a prefix length, or the word `public`. */
export function judgeCidr(value: unknown): Finding {
  if (typeof value !== 'string') return ['type', `expected a network such as 10.1.0.0/16, got ${shown(value)}`];
  if (value === 'public') return null;
  const [address = '', length = '', rest] = value.split('/');
  const family = isIP(address);
  const bits = Number(length);
  const known = family !== 0 && rest === undefined && /^\d{1,3}$/.test(length) && bits <= (family === 4 ? 32 : 128);
  return known && !address.includes('%')
    ? null
    : ['format', `expected a network such as 10.1.0.0/16 or the word public, got ${shown(value)}`];
}

/** Judges one port. */
export const judgePort = (value: unknown): Finding => judgeNumber(value, { min: 1, max: 65_535 }, true);
