import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { maySomewhere, scope, SERVER } from '#access';
import type { ScopedQuery, WebhookDocument } from '#catalog';
import {
  EventAudience,
  type NewDelivery,
  Outbox,
  type OutboxEvent,
  OutboxReader,
  type TellableWebhook,
  transactAs,
  WebhookQueue,
  Webhooks,
} from '#storage';
import { byScope } from '../events/by-scope.js';
import { EventFilter } from '../events/event-filter.js';
import { toldOf } from '../events/tell.js';
import { principalsNow } from '../keys/principals-now.js';

/** Events of one transaction: short, so that nobody waits for it. */
const BATCH = 200;

/** A webhook whose owner may have one. */
interface Told {
  readonly webhook: TellableWebhook;
  readonly scope: ScopedQuery;
  readonly filter: EventFilter;
}

/** What a webhook wants to be told of. */
export const filterOf = ({ types, authority, bbox, near, radiusM }: WebhookDocument): EventFilter =>
  new EventFilter({ types, authorities: authority === undefined ? undefined : [authority], bbox, near, radiusM });

/**
 * Puts what happened into the queues of the webhooks that want it and whose owners may know it. One process at a time does so; where another one
 * does, nothing is done here.
 * @param onDisabled is told of a webhook whose owner is gone
 * @returns whether there is more
 */
export async function handOut(
  db: DataSource,
  aheadS: () => number,
  onDisabled: (webhookId: string) => void,
): Promise<boolean> {
  // Nothing is locked where nothing has happened.
  const { events } = await new Outbox(db).read(await new WebhookQueue(db).feed(), 1);
  if (events.length === 0) return false;
  return transactAs(db, SERVER, async (tx) => {
    const queue = new WebhookQueue(tx, aheadS);
    const at = await queue.holdFeed();
    if (at === null) return false;
    const outbox = new Outbox(tx);
    // Asked for before the webhooks: of one that is made meanwhile nothing is passed over.
    const horizon = await outbox.horizon();
    const webhooks = await queue.tellable();
    if (webhooks.length === 0) {
      await queue.passFeed(horizon);
      return false;
    }
    const reader = new OutboxReader(outbox, at);
    const page = await reader.read(BATCH);
    if (page.events.length > 0) {
      const told = await withLiveOwners(webhooks, tx, onDisabled);
      await queue.add(await deliveriesOf(page.events, told, tx));
    }
    await queue.passFeed(page.upTo);
    return page.isFull;
  });
}

/** Disables those whose owner's key was revoked or has expired, or who may have none any more. */
async function withLiveOwners(
  webhooks: readonly TellableWebhook[],
  tx: EntityManager,
  onDisabled: (webhookId: string) => void,
): Promise<readonly Told[]> {
  const owners = await principalsNow(
    tx,
    webhooks.map(({ owner }) => owner),
  );
  const told: Told[] = [];
  for (const webhook of webhooks) {
    const owner = owners.get(webhook.owner);
    if (owner !== undefined && maySomewhere(owner, 'webhooks:write')) {
      told.push({ webhook, scope: scope(owner), filter: filterOf(webhook.document) });
    } else if (await new Webhooks(tx).disable(webhook.id, 'owner_gone')) {
      onDisabled(webhook.id);
    }
  }
  return told;
}

async function deliveriesOf(
  events: readonly OutboxEvent[],
  told: readonly Told[],
  tx: EntityManager,
): Promise<readonly NewDelivery[]> {
  const audience = new EventAudience(tx);
  const deliveries: { readonly place: number; readonly delivery: NewDelivery }[] = [];
  for (const { scope: common, members } of byScope(told, (one) => one.scope)) {
    const judgements = await audience.judge(common, events);
    for (const { webhook, filter } of members) {
      events.forEach((event, place) => {
        const judgement = judgements[place];
        if (judgement === undefined || toldOf(event, judgement, filter) === null) return;
        deliveries.push({ place, delivery: { id: uuidv7(), webhookId: webhook.id, event } });
      });
    }
  }
  return deliveries.sort((a, b) => a.place - b.place).map(({ delivery }) => delivery);
}
