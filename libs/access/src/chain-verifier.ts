import type { AuditEntry, AuditSeal } from '#catalog';
import { FIRST_PREV, linkHash } from './audit-chain.js';

/** What is wrong with a chain. */
export const CHAIN_FAULTS = ['edited', 'deleted', 'reordered', 'rewritten', 'truncated'] as const;
export type ChainFaultKind = (typeof CHAIN_FAULTS)[number];

/** The first thing that is wrong with a chain. */
export interface ChainFault {
  readonly kind: ChainFaultKind;
  /** Number of the first entry that it concerns. */
  readonly seq: number;
  /** In words. */
  readonly text: string;
}

/** How far a chain had come by a checkpoint. */
export interface CheckpointedHead {
  readonly seq: number;
  readonly hash: string;
  /** When, RFC 3339 UTC. */
  readonly at: string;
}

/** Where verification begins: at a chain's beginning, or behind a seal whose hash is known, or taken on trust. */
export interface ChainStart {
  readonly seq: number;
  /** null: not known. */
  readonly hash: string | null;
}

const BEGINNING: ChainStart = { seq: 0, hash: FIRST_PREV };

/**
 * Follows one chain link by link (security.md AUD-4). Without checkpoints it finds whatever was changed by hand; who rewrites a whole chain, or cuts
 * its end off with its seals, is found by the checkpoints alone.
 */
export class ChainVerifier {
  private last: { readonly seq: number; readonly hash: string | null; readonly id: string | null };
  private vouchedBy: CheckpointedHead | null = null;
  private readonly heads: readonly CheckpointedHead[];
  private next = 0;

  constructor(heads: readonly CheckpointedHead[], start: ChainStart = BEGINNING) {
    this.heads = heads.filter(({ seq }) => seq > start.seq).sort((a, b) => a.seq - b.seq);
    this.last = { ...start, id: null };
  }

  /** Number of the last entry that was taken. */
  get seq(): number {
    return this.last.seq;
  }

  /** The last checkpoint that the chain agrees with; null without one. */
  get vouched(): CheckpointedHead | null {
    return this.vouchedBy;
  }

  /** Takes the next link. @returns what is wrong with it, or null */
  take(seal: AuditSeal, entry: AuditEntry | null): ChainFault | null {
    const fault = this.judge(seal, entry);
    if (fault !== null) return fault;
    this.last = { seq: seal.seq, hash: seal.hash, id: entry?.id ?? null };
    return this.compare();
  }

  /** The chain has no more links. */
  end(): ChainFault | null {
    const beyond = this.heads.at(-1);
    if (beyond === undefined || beyond.seq <= this.last.seq) return null;
    const count = beyond.seq - this.last.seq;
    const cut = count === 1 ? 'the last one was cut off' : `the last ${count} were cut off`;
    const text = `the chain ends with entry ${this.last.seq}, but it had ${beyond.seq} by the checkpoint of ${beyond.at}: ${cut}`;
    return { kind: 'truncated', seq: this.last.seq + 1, text };
  }

  private judge(seal: AuditSeal, entry: AuditEntry | null): ChainFault | null {
    const { seq, hash, id } = this.last;
    const wanted = seq + 1;
    if (seal.seq !== wanted) {
      const which = seal.seq === wanted + 1 ? `entry ${wanted} was` : `entries ${wanted} to ${seal.seq - 1} were`;
      return { kind: 'deleted', seq: wanted, text: `${which} deleted together with the seals` };
    }
    const named = `entry ${seal.seq}`;
    if (entry === null) return { kind: 'deleted', seq: seal.seq, text: `${named} was deleted: only its seal is there` };
    const what = `${named} (${describe(entry)})`;
    const isWhole = linkHash(seal, entry) === seal.hash;
    if (hash !== null && seal.prev !== hash) {
      return isWhole
        ? {
            kind: 'edited',
            seq,
            text: `entry ${seq} was edited and sealed anew: ${what} still holds on to the old seal`,
          }
        : { kind: 'reordered', seq: seal.seq, text: `${what} stands in another place than where it was sealed` };
    }
    if (!isWhole) {
      const text = `${what} was edited, or exchanged with another: it does not read as it did when it was sealed`;
      return { kind: 'edited', seq: seal.seq, text };
    }
    if (id !== null && comparePlaces(entry.id, id) <= 0) {
      return { kind: 'reordered', seq: seal.seq, text: `${what} was written before the entry that stands before it` };
    }
    return null;
  }

  /** With every checkpoint of this very place. */
  private compare(): ChainFault | null {
    for (let head = this.heads[this.next]; head?.seq === this.last.seq; head = this.heads[this.next]) {
      if (head.hash !== this.last.hash) {
        const since = this.vouchedBy === null ? 'its beginning' : `entry ${this.vouchedBy.seq}`;
        const text = `the chain was rewritten: by the checkpoint of ${head.at} entry ${head.seq} had another seal; it differs from some place after ${since}`;
        return { kind: 'rewritten', seq: head.seq, text };
      }
      this.vouchedBy = head;
      this.next += 1;
    }
    return null;
  }
}

const describe = ({ id, action, subject, principal, at }: AuditEntry): string =>
  `id ${id}, ${action} of ${subject.kind} ${subject.id} by ${principal}, ${at}`;

/** Places as generation.xid.id; the numbers outgrow what JavaScript counts exactly. */
function comparePlaces(a: string, b: string): number {
  const [left, right] = [a, b].map((place) => place.split('.').map(BigInt));
  for (const [i, number] of (left ?? []).entries()) {
    const other = right?.[i] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  return 0;
}
