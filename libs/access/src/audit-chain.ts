import { createHash } from 'node:crypto';
import { type AuditEntry, type AuditSeal, canonicalJson, chainOf, type ChainHead } from '#catalog';

/** Stands for the seal before the first. */
export const FIRST_PREV = '0'.repeat(64);

/** An entry with the seal that it gets. */
export type SealedAuditEntry = AuditSeal & { readonly entry: AuditEntry };

/** Hash of a link of a chain (security.md AUD-3): SHA-256 over the RFC 8785 JSON of what it seals and of its place. */
export function linkHash({ chain, seq, prev }: Omit<AuditSeal, 'hash'>, entry: AuditEntry): string {
  return createHash('sha256').update(canonicalJson({ chain, seq, prev, entry })).digest('hex');
}

/**
 * Seals entries in their order, each at the end of its own chain.
 * @param heads the last seals of these chains; a chain without one begins
 */
export function sealEntries(entries: readonly AuditEntry[], heads: readonly ChainHead[]): SealedAuditEntry[] {
  const last = new Map(heads.map((head) => [head.chain, head]));
  return entries.map((entry) => {
    const chain = chainOf(entry);
    const { seq, hash: prev } = last.get(chain) ?? { seq: 0, hash: FIRST_PREV };
    const link = { chain, seq: seq + 1, prev };
    const sealed = { ...link, hash: linkHash(link, entry) };
    last.set(chain, sealed);
    return { ...sealed, entry };
  });
}
