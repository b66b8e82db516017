import { expect, test } from '@jest/globals';
import type { Outcome } from '#catalog';
import { ABORTED, connectFailure, dnsFailure, mostTelling, REBOUND, socketFailure, TIMEOUT } from './dial-failure.js';

test.each<[Outcome, readonly string[]]>([
  ['connect_timeout', [TIMEOUT, 'ETIMEDOUT']],
  ['refused', ['ECONNREFUSED']],
  ['reset', ['ECONNRESET', 'EPIPE']],
  ['unreachable', ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EINVAL', '']],
  ['target_not_allowed', [REBOUND]],
  ['prober_internal', [ABORTED, 'EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL', 'EACCES', 'EPERM']],
])('%s is a connection that fails by %j', (outcome, codes) => {
  for (const code of codes) expect([code, connectFailure(code).outcome]).toEqual([code, outcome]);
});

test.each<[Outcome, readonly string[]]>([
  ['reset', ['ECONNRESET', 'EPIPE', 'constructor', '']],
  ['unreachable', ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']],
  ['connect_timeout', ['ETIMEDOUT']],
  ['tls_error', ['EPROTO', 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'ERR_TLS_CERT_ALTNAME_INVALID']],
  ['prober_internal', ['EMFILE', 'ENFILE', 'ENOBUFS']],
])('%s is a connection that stood and ends by %j', (outcome, codes) => {
  for (const code of codes) {
    expect([code, socketFailure(Object.assign(new Error('x'), { code })).outcome]).toEqual([code, outcome]);
  }
});

test.each<[Outcome, readonly string[]]>([
  ['dns_error', [TIMEOUT, 'ENOTFOUND', 'ENODATA', 'EAI_AGAIN', 'ESERVFAIL', '']],
  ['prober_internal', [ABORTED, 'EMFILE', 'ENFILE', 'ENOBUFS']],
])('%s is a name that is not resolved by %j', (outcome, codes) => {
  for (const code of codes) expect([code, dnsFailure(code).outcome]).toEqual([code, outcome]);
});

test('of several addresses the failure counts that tells most of the device', () => {
  const of = (...codes: readonly string[]): Outcome | undefined => mostTelling(codes.map(connectFailure))?.outcome;
  expect(of('ENETUNREACH', 'ECONNREFUSED')).toBe('refused');
  expect(of('EMFILE', TIMEOUT, 'ECONNRESET')).toBe('reset');
  expect(of('EMFILE', 'EHOSTUNREACH')).toBe('unreachable');
  expect(of('EMFILE')).toBe('prober_internal');
  expect(of()).toBeUndefined();
});
