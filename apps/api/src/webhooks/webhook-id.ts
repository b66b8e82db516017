import { NotFound, type Webhook } from '#catalog';
import { type Principal, reachOf } from '#access';
import { type Database, Webhooks } from '#storage';
import { idIn, pathIdOf } from '../path-id.js';

/** The path parameter, for OpenAPI. */
export const WEBHOOK_ID = pathIdOf('webhook');

/** A webhook that the caller sees to. @throws NotFound */
export async function webhookOf(id: string, by: Principal, db: Database): Promise<Webhook> {
  const webhook = await new Webhooks(db).find(idIn(id, 'webhook'), reachOf(by, 'webhooks:write'));
  if (webhook === null) throw new NotFound(`no webhook has the id ${id}`);
  return webhook;
}
