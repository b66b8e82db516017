import { type Fault, TargetNotAllowed, ValidationFailed, type WebhookDocument } from '#catalog';
import { type DialPolicy, isRefusal, literalRefusal, parseTarget, type Target } from '#probe';

/** What of this installation counts for where webhooks may go. */
export interface WebhookGround {
  /** SIGHTLINE_LOOPBACK_CAMERAS: for trying things out on one machine. */
  readonly loopback: boolean;
  /** Our own listeners and the database. */
  readonly ownEndpoints: NonNullable<DialPolicy['ownEndpoints']>;
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'] as const;

/**
 * Where a webhook may go (security.md SSRF-12): public addresses, and the networks that a platform administrator gave it; on any port but those that
 * are never dialled.
 */
export const policyFor = (
  { url, network }: Pick<WebhookDocument, 'url' | 'network'>,
  { loopback, ownEndpoints }: WebhookGround,
): DialPolicy => {
  const target = parseTarget(url);
  return {
    cidrs: ['public', ...(loopback ? LOOPBACK : []), ...(network?.cidrs ?? [])],
    ports: isRefusal(target) ? [] : [target.port],
    loopback,
    ownEndpoints,
  };
};

/**
 * Judges the address as it is registered; names are judged when they are dialled.
 * @throws ValidationFailed, TargetNotAllowed
 */
export function requireTarget(document: Pick<WebhookDocument, 'url' | 'network'>, ground: WebhookGround): void {
  const target = parseTarget(document.url);
  const fault = (code: Fault['code'], detail: string): Fault => ({ pointer: '/url', code, detail });
  if (isRefusal(target)) throw new ValidationFailed([fault('bad_url', target.reason)]);
  if (target.scheme !== 'https' && !mayBePlain(target, document, ground)) {
    const detail = 'a webhook is an https URL; plain http only within networks that a platform administrator gave it';
    throw new ValidationFailed([fault('unsupported_scheme', detail)]);
  }
  const refusal = literalRefusal(document.url, policyFor(document, ground));
  if (refusal !== null) throw new TargetNotAllowed([fault('target_not_allowed', refusal)]);
}

const mayBePlain = (
  { scheme, host }: Target,
  { network }: Pick<WebhookDocument, 'network'>,
  { loopback }: WebhookGround,
): boolean => scheme === 'http' && (network !== undefined || (loopback && /^(?:127\.|::1$|localhost$)/.test(host)));
