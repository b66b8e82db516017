import { createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { selfSigned } from './certificate.js';

const NOW = Date.UTC(2026, 0, 31, 12);

describe('a certificate that signs itself', () => {
  test.each([
    ['ec', 'ec', { namedCurve: 'prime256v1' }],
    ['rsa-1024', 'rsa', { modulusLength: 1_024 }],
  ] as const)('%s: OpenSSL reads it, and its own key verifies it', (kind, type, details) => {
    const { key, cert } = selfSigned('AXIS_ACCC8E000001', kind, NOW);
    const read = new X509Certificate(cert);
    expect([read.subject, read.issuer]).toEqual(['CN=AXIS_ACCC8E000001', 'CN=AXIS_ACCC8E000001']);
    expect([read.verify(createPublicKey(key)), read.checkIssued(read)]).toEqual([true, true]);
    expect(read.publicKey.asymmetricKeyType).toBe(type);
    expect(read.publicKey.asymmetricKeyDetails).toMatchObject(details);
    expect([Date.parse(read.validFrom), Date.parse(read.validTo)]).toEqual([
      Date.UTC(2026, 0, 30, 12),
      NOW + 3_650 * 86_400_000,
    ]);
  });

  test('no two have a serial or a key in common', () => {
    const made = Array.from({ length: 20 }, () => new X509Certificate(selfSigned('a', 'ec', NOW).cert));
    expect(new Set(made.map(({ serialNumber }) => serialNumber)).size).toBe(20);
    expect(new Set(made.map(({ fingerprint256 }) => fingerprint256)).size).toBe(20);
  });
});
