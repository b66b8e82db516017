import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { isPlatformAdministrator, makeWebhookSecret, type Principal, reachOf } from '#access';
import {
  canonicalJson,
  Forbidden,
  isPlainObject,
  MalformedBody,
  mergePatch,
  NotFound,
  ValidationFailed,
  type Webhook,
  WebhookDocument,
  webhookFaults,
  type WebhookWithSecret,
} from '#catalog';
import { Authorities, Webhooks } from '#storage';
import { checked } from '../checked.js';
import { requireMatch } from '../conditional.js';
import type { ApiParts } from '../parts.js';
import { requireTarget, type WebhookGround } from './webhook-target.js';

/** One write of one caller, inside the transaction that it belongs to. */
export interface WebhookWrite {
  readonly tx: EntityManager;
  readonly by: Principal;
  readonly keyring: ApiParts['keyring'];
  readonly ground: WebhookGround;
}

/** Members of a webhook that the server makes. */
const MADE: readonly string[] = [
  'id',
  'version',
  'owner',
  'createdAt',
  'updatedAt',
  'disabledReason',
  'disabledAt',
  'failingSince',
  'secret',
];

/** Makes a webhook, told of what the caller may know. */
export async function makeWebhook(body: unknown, write: WebhookWrite): Promise<WebhookWithSecret> {
  const { tx, by, keyring } = write;
  refuseMade(body);
  const document = checked(WebhookDocument, body);
  if (document.network !== undefined) requireAdministrator(by);
  await judge(document, write);
  const id = uuidv7();
  const secret = makeWebhookSecret(randomBytes);
  const number = 1;
  const sealed = keyring.sealWebhook({ webhookId: id, number }, secret.bytes);
  const webhook = await new Webhooks(tx).add({ id, document, owner: by.id, secret: { number, ...sealed } });
  return { ...webhook, secret: secret.text };
}

/**
 * Applies a merge patch (RFC 7396) and judges the whole. Whoever enables a webhook is its owner from then on: the one before may be
 * gone.
 */
export async function patchWebhook(
  id: string,
  patch: unknown,
  ifMatch: string | undefined,
  write: WebhookWrite,
): Promise<Webhook> {
  const { tx, by } = write;
  if (!isPlainObject(patch)) throw new MalformedBody('a merge patch of a webhook is a JSON object');
  refuseMade(patch);
  const kept = await lockForWriting(id, ifMatch, write);
  const document = checked(WebhookDocument, mergePatch(statedOf(kept), patch));
  if (canonicalJson(document.network ?? null) !== canonicalJson(kept.network ?? null)) requireAdministrator(by);
  await judge(document, write);
  const isEnabled = document.enabled !== false && kept.disabledReason !== null;
  const owner = isEnabled ? by.id : kept.owner;
  return new Webhooks(tx).replace(id, document, owner);
}

/** Deletes a webhook with all that waits for it. */
export async function deleteWebhook(id: string, ifMatch: string | undefined, write: WebhookWrite): Promise<void> {
  await lockForWriting(id, ifMatch, write);
  await new Webhooks(write.tx).remove(id);
}

/** Makes a new signing key; the one before signs too for a day. */
export async function rotateSecret(id: string, write: WebhookWrite): Promise<WebhookWithSecret> {
  const { tx, by, keyring } = write;
  const webhooks = new Webhooks(tx);
  const webhook = await webhooks.lock(id, reachOf(by, 'webhooks:write'));
  if (webhook === null) throw new NotFound(`no webhook has the id ${id}`);
  const [newest] = await webhooks.secrets(id);
  const number = (newest?.number ?? 0) + 1;
  const secret = makeWebhookSecret(randomBytes);
  await webhooks.addSecret(id, { number, ...keyring.sealWebhook({ webhookId: id, number }, secret.bytes) });
  return { ...webhook, secret: secret.text };
}

async function lockForWriting(id: string, ifMatch: string | undefined, { tx, by }: WebhookWrite): Promise<Webhook> {
  const kept = await new Webhooks(tx).lock(id, reachOf(by, 'webhooks:write'));
  if (kept === null) throw new NotFound(`no webhook has the id ${id}`);
  requireMatch(ifMatch, kept.version);
  return kept;
}

async function judge(document: WebhookDocument, { tx, ground }: WebhookWrite): Promise<void> {
  const faults = [...webhookFaults(document)];
  const { authority } = document;
  if (authority !== undefined && (await new Authorities(tx).find(authority)) === null) {
    faults.push({ pointer: '/authority', code: 'reference', detail: `no authority has the slug ${authority}` });
  }
  if (faults.length > 0) throw new ValidationFailed(faults);
  requireTarget(document, ground);
}

/** @throws Forbidden */
function requireAdministrator(by: Principal): void {
  if (!isPlatformAdministrator(by)) throw new Forbidden('only a platform administrator sets network');
}

const statedOf = (webhook: Webhook): Record<string, unknown> =>
  Object.fromEntries(Object.entries(webhook).filter(([member]) => !MADE.includes(member)));

function refuseMade(body: unknown): void {
  const made = isPlainObject(body) ? MADE.filter((member) => Object.hasOwn(body, member)) : [];
  if (made.length === 0) return;
  const detail = 'the server makes this member';
  throw new ValidationFailed(made.map((member) => ({ pointer: `/${member}`, code: 'read_only' as const, detail })));
}
