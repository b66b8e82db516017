import { NotFound, type Webhook } from '#catalog';
import { type Principal, reachOf } from '#access';
import { type Database, Webhooks } from '#storage';

/** The path parameter, for OpenAPI. */
export const WEBHOOK_ID = {
  id: {
    description: 'Id of the webhook, a UUID.',
    schema: { type: 'string', format: 'uuid' },
    example: '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f',
  },
} as const;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The id in an address. @throws NotFound for what is no UUID: there is nothing of that name */
export function webhookIdOf(text: string, what: 'webhook' | 'delivery' = 'webhook'): string {
  if (!UUID.test(text)) throw new NotFound(`no ${what} has this id; ids are UUIDs`);
  return text.toLowerCase();
}

/** A webhook that the caller sees to. @throws NotFound */
export async function webhookOf(id: string, by: Principal, db: Database): Promise<Webhook> {
  const webhook = await new Webhooks(db).find(webhookIdOf(id), reachOf(by, 'webhooks:write'));
  if (webhook === null) throw new NotFound(`no webhook has the id ${id}`);
  return webhook;
}
