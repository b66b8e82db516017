import { describe, expect, test } from '@jest/globals';
import type { AuditEntry } from '#catalog';
import { FIRST_PREV, linkHash, sealEntries } from './audit-chain.js';

const entry = (id: string, authority: string | null, more: Partial<AuditEntry> = {}): AuditEntry => ({
  id,
  at: '2026-11-27T08:00:00.000001Z',
  authority,
  principal: 'key:a',
  requestId: null,
  address: null,
  action: 'camera.changed',
  subject: { kind: 'camera', id: 'c' },
  before: { name: 'a' },
  after: { name: 'b' },
  result: 'done',
  reason: null,
  ...more,
});

describe('the chain (AUD-3)', () => {
  test('its hash is what docs/AUDIT.md lets others compute', () => {
    // SHA-256 of {"chain":"wrb","entry":{"action":"camera.changed",…},"prev":"00…","seq":1}, by another program.
    expect(linkHash({ chain: 'wrb', seq: 1, prev: FIRST_PREV }, entry('1.2.3', 'wrb'))).toBe(
      '341737af011f898d80d9a8b02b646fd49e5492fb265e4da2fd25f9aaf650bc44',
    );
  });

  test('entries are sealed one after the other, each at the end of its own chain', () => {
    const head = { chain: 'a', seq: 4, hash: 'e'.repeat(64) };
    const sealed = sealEntries([entry('1', 'a'), entry('2', null), entry('3', 'a')], [head]);
    expect(sealed.map(({ chain, seq, prev }) => [chain, seq, prev])).toEqual([
      ['a', 5, head.hash],
      ['*', 1, FIRST_PREV],
      ['a', 6, sealed[0]?.hash],
    ]);
    for (const { entry: one, hash, ...link } of sealed) expect(hash).toBe(linkHash(link, one));
  });

  test('every member of an entry and its place count', () => {
    const link = { chain: 'a', seq: 1, prev: FIRST_PREV };
    const hashes = [
      linkHash(link, entry('1', 'a')),
      linkHash({ ...link, seq: 2 }, entry('1', 'a')),
      linkHash({ ...link, prev: 'f'.repeat(64) }, entry('1', 'a')),
      linkHash({ ...link, chain: 'b' }, entry('1', 'a')),
      ...(['id', 'at', 'authority', 'principal', 'requestId', 'address', 'result', 'reason'] as const).map((member) =>
        linkHash(link, entry('1', 'a', { [member]: 'other' })),
      ),
      linkHash(link, entry('1', 'a', { subject: { kind: 'key', id: 'c' } })),
      linkHash(link, entry('1', 'a', { before: null })),
      linkHash(link, entry('1', 'a', { after: { name: 'c' } })),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
