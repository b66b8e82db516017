import type { Keyring } from '#access';
import { signatureHeaders } from '#access';
import type { DeliveryProblem } from '#catalog';
import { post, type Posted } from '#probe';
import type { SealedWebhookSecret, TellableWebhook } from '#storage';
import { policyFor, type WebhookGround } from './webhook-target.js';

/** What sending wants besides the message. */
export interface SendTools {
  readonly keyring: Keyring;
  readonly ground: () => WebhookGround;
  readonly userAgent: string;
  /** Unix time, milliseconds. */
  readonly now: () => number;
  /** Longest wait for an answer, milliseconds. */
  readonly wholeMs: number;
  readonly signal: AbortSignal;
}

/** How one attempt ended; `given_up` says nothing of the receiver. */
export type Sent =
  | { readonly status: number; readonly problem: 'status' | 'redirect' | null }
  | { readonly status: null; readonly problem: Exclude<DeliveryProblem, 'status' | 'redirect'> }
  | 'given_up';

/** Signs a message and posts it to a webhook. @throws UnreadableSecret */
export async function sendEvent(
  { id, document }: Pick<TellableWebhook, 'id' | 'document'>,
  message: { readonly id: string; readonly body: string },
  secrets: readonly SealedWebhookSecret[],
  { keyring, ground, userAgent, now, wholeMs, signal }: SendTools,
): Promise<Sent> {
  const keys = secrets.map(({ number, ...sealed }) => keyring.openWebhook({ webhookId: id, number }, sealed));
  const timestampS = Math.floor(now() / 1_000);
  const headers = {
    'content-type': 'application/json',
    'user-agent': userAgent,
    ...signatureHeaders({ ...message, timestampS }, keys),
  };
  const posted = await post(
    { url: document.url, headers, body: message.body },
    { policy: policyFor(document, ground()), wholeMs, signal },
  );
  return sentOf(posted);
}

function sentOf(posted: Posted): Sent {
  if ('status' in posted) {
    const { status } = posted;
    if (status >= 200 && status < 300) return { status, problem: null };
    return { status, problem: status >= 300 && status < 400 ? 'redirect' : 'status' };
  }
  return posted.problem === 'given_up' ? 'given_up' : { status: null, problem: posted.problem };
}
