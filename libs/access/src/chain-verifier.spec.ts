import { describe, expect, test } from '@jest/globals';
import type { AuditEntry } from '#catalog';
import { sealEntries, type SealedAuditEntry } from './audit-chain.js';
import { type ChainFault, ChainVerifier } from './chain-verifier.js';

const entry = (n: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  id: `1.${100 + n}.${n}`,
  at: '2026-11-27T08:00:00.000001Z',
  authority: 'wrb',
  principal: 'key:a',
  requestId: null,
  address: null,
  action: 'camera.changed',
  subject: { kind: 'camera', id: `c${n}` },
  before: {},
  after: { n },
  result: 'done',
  reason: null,
  ...more,
});

const CHAIN = sealEntries(
  [1, 2, 3, 4, 5].map((n) => entry(n)),
  [],
);
const headOf = (seq: number, links: readonly SealedAuditEntry[] = CHAIN) => ({
  seq,
  hash: links[seq - 1]?.hash ?? '',
  at: `day ${seq}`,
});

type Link = Omit<SealedAuditEntry, 'entry'> & { readonly entry: AuditEntry | null };

function verify(links: readonly Link[], verifier = new ChainVerifier([])): ChainFault | null {
  for (const { entry: one, ...seal } of links) {
    const fault = verifier.take(seal, one);
    if (fault !== null) return fault;
  }
  return verifier.end();
}

const told = (fault: ChainFault | null): readonly unknown[] => [fault?.kind, fault?.seq];

/** The chain with one link replaced. */
const withLink = (seq: number, more: Partial<Link>): readonly Link[] =>
  CHAIN.map((link) => (link.seq === seq ? { ...link, ...more } : link));

describe('verifying a chain (AUD-4)', () => {
  test('one that stands, with and without checkpoints', () => {
    expect(verify(CHAIN)).toBeNull();
    const verifier = new ChainVerifier([headOf(4), headOf(2), headOf(2)]);
    expect(verify(CHAIN, verifier)).toBeNull();
    expect([verifier.seq, verifier.vouched]).toEqual([5, headOf(4)]);
    expect(verify([])).toBeNull();
  });

  test.each<readonly [string, readonly unknown[], readonly Link[]]>([
    ['an edited entry', ['edited', 3], withLink(3, { entry: entry(3, { principal: 'key:b' }) })],
    ['an edited first entry', ['edited', 1], withLink(1, { entry: entry(1, { at: 'x' }) })],
    ['an edited last entry', ['edited', 5], withLink(5, { entry: entry(5, { after: null }) })],
    ['an edited hash', ['edited', 2], withLink(2, { hash: 'f'.repeat(64) })],
    ['a deleted entry', ['deleted', 3], withLink(3, { entry: null })],
    ['a deleted link', ['deleted', 3], CHAIN.filter(({ seq }) => seq !== 3)],
    ['a deleted beginning', ['deleted', 1], CHAIN.slice(2)],
    [
      'two links in each other’s place',
      ['reordered', 2],
      CHAIN.map((link, i) => ({ ...(CHAIN[[0, 2, 1][i] ?? i] ?? link), seq: i + 1 })),
    ],
    ['an entry sealed anew after it was edited', ['edited', 3], resealed(3, { principal: 'key:b' })],
  ])('%s', (_what, expected, links) => {
    expect(told(verify(links))).toEqual(expected);
  });

  test('entries that were sealed in another order than they were written', () => {
    const turned = sealEntries([entry(1), entry(3), entry(2)], []);
    expect(told(verify(turned))).toEqual(['reordered', 3]);
    // Numbers as numbers, not as texts.
    expect(verify(sealEntries([entry(9), entry(10), entry(900)], []))).toBeNull();
  });

  test('what a checkpoint alone tells: a chain written anew, or cut off', () => {
    const anew = sealEntries(
      [1, 2, 3, 4, 5].map((n) => entry(n, n === 3 ? { principal: 'key:b' } : {})),
      [],
    );
    expect(verify(anew)).toBeNull();
    expect(told(verify(anew, new ChainVerifier([headOf(2), headOf(4)])))).toEqual(['rewritten', 4]);
    expect(told(verify(CHAIN.slice(0, 3), new ChainVerifier([headOf(5)])))).toEqual(['truncated', 4]);
    expect(told(verify([], new ChainVerifier([headOf(5)])))).toEqual(['truncated', 1]);
  });

  test('from the middle on, behind a seal that is known or not', () => {
    const rest = CHAIN.slice(2);
    expect(verify(rest, new ChainVerifier([headOf(1), headOf(4)], { seq: 2, hash: null }))).toBeNull();
    expect(verify(rest, new ChainVerifier([], { seq: 2, hash: headOf(2).hash }))).toBeNull();
    expect(told(verify(rest, new ChainVerifier([], { seq: 2, hash: headOf(1).hash })))).not.toEqual([
      undefined,
      undefined,
    ]);
  });
});

/** A chain of which one entry was edited and its own seal made to fit. */
function resealed(seq: number, more: Partial<AuditEntry>): readonly Link[] {
  const before = CHAIN[seq - 2];
  const [link] = sealEntries([entry(seq, more)], before === undefined ? [] : [before]);
  return withLink(seq, link ?? {});
}
