import type { FaultRow } from './fault-row.js';

/** What can be wrong with TLS; over plain http nothing of it shows. */
export const TLS_FAULTS = {
  new_certificate: {
    does: 'shows another key than before',
    over: 'https',
    outcome: 'tls_error',
    behaviour: { at: 'handshake', how: 'new_certificate' },
  },
  no_tls: {
    does: 'answers a TLS hello in plain HTTP',
    over: 'https',
    outcome: 'tls_error',
    behaviour: { at: 'handshake', how: 'plain' },
  },
  tls_alert: {
    does: 'breaks the handshake off with an alert',
    over: 'https',
    outcome: 'tls_error',
    behaviour: { at: 'handshake', how: 'alert' },
  },
  tls_silence: {
    does: 'does not answer a TLS hello',
    over: 'https',
    outcome: 'tls_error',
    behaviour: { at: 'handshake', how: 'silence' },
  },
  tls_1_0: {
    does: 'speaks TLS 1.0 alone, which only legacy reaches',
    over: 'https',
    outcome: 'tls_error',
    behaviour: { at: 'handshake', how: 'TLSv1' },
  },
  tls_1_1: {
    does: 'speaks TLS 1.1 alone, which only legacy reaches',
    over: 'https',
    outcome: 'tls_error',
    behaviour: { at: 'handshake', how: 'TLSv1.1' },
  },
  weak_key: {
    does: 'shows an RSA key of 1,024 bits, which legacy takes',
    over: 'https',
    tls: 'legacy',
    behaviour: { at: 'handshake', how: 'weak_key' },
  },
} as const satisfies Readonly<Record<string, FaultRow>>;
