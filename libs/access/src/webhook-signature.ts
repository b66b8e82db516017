import { createHmac } from 'node:crypto';
import type { Random } from './api-key.js';

const SECRET_BYTES = 32;
const PREFIX = 'whsec_';

/** A signing key, and the text by which its owner knows it (Standard Webhooks 1.0). */
export interface WebhookSecret {
  readonly bytes: Buffer;
  /** `whsec_` and base64. */
  readonly text: string;
}

export function makeWebhookSecret(random: Random): WebhookSecret {
  const bytes = random(SECRET_BYTES);
  return { bytes, text: `${PREFIX}${bytes.toString('base64')}` };
}

/** What is signed: one message as it goes out. */
export interface SignedMessage {
  /** Of the event; has no dot, which parts what is signed. */
  readonly id: string;
  /** Unix time, seconds. */
  readonly timestampS: number;
  readonly body: string;
}

/**
 * Headers by which the receiver knows who sent this and when (Standard Webhooks 1.0): one signature for each key, newest first, so that a
 * receiver may change over while a key is being replaced.
 */
export function signatureHeaders(
  { id, timestampS, body }: SignedMessage,
  secrets: readonly Buffer[],
): Readonly<Record<string, string>> {
  const signed = `${id}.${timestampS}.${body}`;
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampS), 'webhook-signature': signatures.join(' ') };
}
