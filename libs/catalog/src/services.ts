import type { ServiceKind } from './codes.js';
import { CredentialsAmbiguous } from './errors.js';
import type { KnownService, ServiceDocument } from './service.document.js';

/** User name and password of a camera; leaves the process only sealed. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A service as kept. Its slot never changes while its kind and origin stay, and names its secret. */
export interface KeptService {
  readonly slot: number;
  readonly kind: ServiceKind;
  readonly url: string;
  /** When credentials were set, RFC 3339; null without any. */
  readonly secretAt: string | null;
}

/** What a write does to the services of a camera. */
export interface ServicePlan {
  /** The services as they are kept and shown to their authority: no secret in them. */
  readonly services: readonly KnownService[];
  /** Slot of each of them. */
  readonly slots: readonly number[];
  /** Secrets to set, by slot. Every other secret that no kept service names is destroyed. */
  readonly secrets: readonly { readonly slot: number; readonly credentials: Credentials }[];
  /** Slots whose secret stays as it is. */
  readonly keeps: readonly number[];
}

const originOf = (url: string): string => {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
};
const pathOf = (url: string): string => new URL(url).pathname;

/**
 * Matches stated services to kept ones and takes the secrets out (security.md CRED-4): a secret stays with a service
 * whose kind and origin are unchanged, so that nobody can point a URL at his own host and be sent the password.
 * @param setAt the moment written beside new credentials, RFC 3339
 * @throws CredentialsAmbiguous when two kept services with different secrets fit one that re-sends none
 */
export function planServices(
  stated: readonly ServiceDocument[],
  kept: readonly KeptService[],
  setAt: string,
): ServicePlan {
  const free = new Set(kept);
  let nextSlot = Math.max(0, ...kept.map(({ slot }) => slot)) + 1;
  const plan = {
    services: [] as KnownService[],
    slots: [] as number[],
    secrets: [] as { slot: number; credentials: Credentials }[],
    keeps: [] as number[],
  };
  for (const service of stated) {
    const { url, credentials: inUrl } = withoutUserinfo(service.url);
    const sent = sentCredentials(service) ?? inUrl;
    const clears = service.credentials === null && inUrl === null;
    const same = findKept({ kind: service.kind, url }, free, sent === null && !clears);
    if (same !== undefined) free.delete(same);
    const slot = same?.slot ?? nextSlot++;
    const { credentials: _sent, ...rest } = service;
    const secretAt = sent !== null ? setAt : clears ? null : (same?.secretAt ?? null);
    if (sent !== null) plan.secrets.push({ slot, credentials: sent });
    else if (secretAt !== null) plan.keeps.push(slot);
    plan.services.push({
      ...rest,
      url,
      ...(secretAt === null ? {} : { credentials: { set: true, updatedAt: secretAt } }),
    });
    plan.slots.push(slot);
  }
  return plan;
}

function findKept(
  { kind, url }: { readonly kind: ServiceKind; readonly url: string },
  free: ReadonlySet<KeptService>,
  wantsSecret: boolean,
): KeptService | undefined {
  const sameOrigin = [...free].filter((one) => one.kind === kind && originOf(one.url) === originOf(url));
  if (sameOrigin.length <= 1) return sameOrigin[0];
  const samePath = sameOrigin.filter((one) => pathOf(one.url) === pathOf(url));
  const sameUrl = samePath.filter((one) => one.url === url);
  const found = samePath.length === 1 ? samePath[0] : sameUrl.length > 0 ? sameUrl[0] : undefined;
  if (found === undefined && wantsSecret && sameOrigin.some(({ secretAt }) => secretAt !== null)) {
    throw new CredentialsAmbiguous(`several kept services fit ${originOf(url)}/; send the credentials again`);
  }
  return found;
}

function sentCredentials({ credentials }: ServiceDocument): Credentials | null {
  return credentials?.username !== undefined && credentials.password !== undefined
    ? { username: credentials.username, password: credentials.password }
    : null;
}

/**
 * The device behind a URL: its host, so that one recorder is asked one camera at a time (probing.md 9). On loopback it counts with
 * the port, or a simulated street would be one device.
 */
export function deviceOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  const isLoopback = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  return isLoopback ? `${hostname}:${port === '' ? protocol : port}` : hostname.toLowerCase();
}

/** Takes `user:password@` out of a URL, leaving every other byte as it was. */
export function withoutUserinfo(url: string): { readonly url: string; readonly credentials: Credentials | null } {
  const bare = url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, '$1');
  if (bare === url) return { url, credentials: null };
  const { username, password } = new URL(url);
  return { url: bare, credentials: { username: decoded(username), password: decoded(password) } };
}

/** A user name may hold a bare percent sign, which is then meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
