import type { DataSource } from 'typeorm';
import { type ChainFault, ChainVerifier } from '#access';
import { PLATFORM_CHAIN } from '#catalog';
import { AuditChains, AuditSeals } from '#storage';
import type { CheckpointedChains } from './checkpointed-chains.js';
import { Failure } from './server.js';

/** What of the audit is verified. */
export interface Verification {
  /** One chain alone. */
  readonly authority?: string;
  /** Entries of before are not looked at; RFC 3339 or a date. */
  readonly since?: string;
  /** Takes a line for the person who asks. */
  readonly say: (line: string) => void;
}

/** Links that are read at once. */
const PAGE = 2_000;

/**
 * Follows the chains of the audit from their beginnings, a page at a time, so that memory does not grow with it, and says of each that it is unbroken, or
 * the first thing that is wrong with it.
 * @returns how many faults were found
 * @throws Failure for an authority of which nothing is known
 */
export async function verifyAudit(
  db: DataSource,
  { heads }: Pick<CheckpointedChains, 'heads'>,
  verification: Verification,
): Promise<number> {
  const { authority } = verification;
  const { chains } = await new AuditSeals(db).state();
  const names = [...new Set([...chains.map(({ chain }) => chain), ...heads.keys()])].sort();
  const wanted = authority === undefined ? names : names.filter((name) => name === authority);
  if (wanted.length === 0 && authority !== undefined) throw new Failure(`the audit has no entry of ${authority}`);
  let faults = 0;
  for (const chain of wanted) faults += await verifyChain(chain, heads, verification, db);
  return authority === undefined ? faults + (await verifySealing(verification, db)) : faults;
}

/** @returns how many faults were found: the first ends it */
async function verifyChain(
  chain: string,
  heads: CheckpointedChains['heads'],
  { since, say }: Verification,
  db: DataSource,
): Promise<number> {
  const chains = new AuditChains(db);
  const ofChain = heads.get(chain) ?? [];
  const from = since === undefined ? 0 : await chains.seqBefore(chain, since);
  const start = { seq: from, hash: ofChain.find(({ seq }) => seq === from)?.hash ?? null };
  const verifier = from === 0 ? new ChainVerifier(ofChain) : new ChainVerifier(ofChain, start);
  const tell = ({ text }: ChainFault): number => {
    say(`${nameOf(chain)}: ${text}.`);
    return 1;
  };
  for (let isOver = false; !isOver;) {
    const links = await chains.links(chain, verifier.seq, PAGE);
    for (const { seal, entry } of links) {
      const fault = verifier.take(seal, entry);
      if (fault !== null) return tell(fault);
    }
    isOver = links.length < PAGE;
  }
  const fault = verifier.end();
  if (fault !== null) return tell(fault);
  const count = `${countOf(verifier.seq - from)}${from === 0 ? '' : ` after ${from}`}`;
  say(`${nameOf(chain)}: ${count}, unbroken; ${vouching(verifier)}.`);
  return 0;
}

/** Entries that have no seal, though the sealer has passed them. */
async function verifySealing({ say }: Verification, db: DataSource): Promise<number> {
  const { passedOver, waiting } = await new AuditChains(db).unsealed();
  if (waiting > 0) say(`${countOf(waiting)} written just now wait for their seals.`);
  if (passedOver === null) return 0;
  const { id, action, principal, at, authority } = passedOver;
  const what = `the entry of id ${id} (${action} by ${principal}, ${at})`;
  const why = 'its seal was deleted, or it was put in later';
  say(`${nameOf(authority ?? PLATFORM_CHAIN)}: ${what} has no seal, though later ones have: ${why}.`);
  return 1;
}

const nameOf = (chain: string): string => (chain === PLATFORM_CHAIN ? 'beyond authorities' : chain);

const countOf = (count: number): string => `${count} ${count === 1 ? 'entry' : 'entries'}`;

function vouching({ seq, vouched }: ChainVerifier): string {
  if (vouched === null) return 'no checkpoint vouches for its end, so that entries cut off there would not be missed';
  const upTo = `the checkpoint of ${vouched.at} vouches for it up to entry ${vouched.seq}`;
  return vouched.seq === seq ? upTo : `${upTo}, nothing yet for the ${seq - vouched.seq} after it`;
}
