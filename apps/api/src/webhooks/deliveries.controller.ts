import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NotFound, PAGE_SELECTORS, WebhookDelivery, WebhookDisabled } from '#catalog';
import { type KeptDelivery, WebhookQueue, Webhooks } from '#storage';
import { actingIn } from '../acting.js';
import { sendResult } from '../answer.js';
import { selected } from '../checked.js';
import { EventCursors } from '../events/event-cursors.js';
import { FORMS } from '../negotiate.js';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { idIn } from '../path-id.js';
import { sendPage } from '../send-page.js';
import { DeliveryWorker } from './delivery-worker.js';
import { WEBHOOK_ID, webhookOf } from './webhook-id.js';
import { WebhookDeliveryPage } from './webhook-pages.document.js';

const TAG = 'webhooks';

/** What was sent to webhooks, and what became of it. */
@Controller('v1/webhooks/:id/deliveries')
export class DeliveriesController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(EventCursors) private readonly cursors: EventCursors,
    @Inject(DeliveryWorker) private readonly worker: DeliveryWorker,
  ) {}

  @Get()
  @Operation({
    id: 'listWebhookDeliveries',
    tag: TAG,
    summary: 'List what a webhook was sent',
    description: 'Newest first, of the last seven days; what waits included.',
    permission: 'webhooks:write',
    path: WEBHOOK_ID,
    query: PAGE_SELECTORS,
    answers: { 200: { description: 'One page of deliveries.', content: { [FORMS.json]: WebhookDeliveryPage } } },
    refuses: ['not_found', 'cursor_mismatch', 'cursor_expired'],
  })
  async list(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const webhook = await webhookOf(id, request.principal, this.parts.db);
    return sendPage(request, reply, this.parts, {
      path: `/v1/webhooks/${webhook.id}/deliveries`,
      find: async (limit, after) => {
        const kept = await new WebhookQueue(this.parts.db).list(webhook.id, limit, after);
        return kept.map((delivery) => this.shown(delivery));
      },
      keyOf: (delivery) => delivery.id,
    });
  }

  @Post(':deliveryId/replay')
  @Operation({
    id: 'replayWebhookDelivery',
    tag: TAG,
    summary: 'Send an event to a webhook once more',
    description: 'As soon as may be, under the same `webhook-id`, whatever became of it before.',
    permission: 'webhooks:write',
    path: {
      ...WEBHOOK_ID,
      deliveryId: {
        description: 'Id of the delivery, a UUID.',
        schema: { type: 'string', format: 'uuid' },
        example: '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e70',
      },
    },
    answers: { 202: { description: 'The delivery, waiting.', content: { [FORMS.json]: WebhookDelivery } } },
    refuses: ['not_found', 'webhook_disabled', 'storage_full'],
  })
  async replay(
    @Param('id') id: string,
    @Param('deliveryId') deliveryId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    const webhook = await webhookOf(id, request.principal, this.parts.db);
    if (webhook.disabledReason !== null) throw new WebhookDisabled('enable the webhook first');
    const delivery = await actingIn(
      request,
      this.parts,
    )(async (tx) => {
      const again = await new WebhookQueue(tx).replay(webhook.id, idIn(deliveryId, 'delivery'));
      if (again !== null) await new Webhooks(tx).noteReplay(webhook.id);
      return again;
    });
    if (delivery === null) throw new NotFound(`this webhook has no delivery of the id ${deliveryId}`);
    this.worker.wake();
    return sendResult(reply, 202, this.shown(delivery));
  }

  private shown({ event, ...delivery }: KeptDelivery): WebhookDelivery {
    const { id, ...rest } = delivery;
    return { id, eventId: this.cursors.ofEvent(event), type: event.kind, ...rest };
  }
}
