import { Body, Controller, Delete, Get, Headers, Inject, Param, Patch, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import { reachOf } from '#access';
import { PAGE_SELECTORS, Webhook, WebhookDocument, WebhookPing, WebhookWithSecret } from '#catalog';
import { transactAs, Webhooks } from '#storage';
import { actorOf } from '../acting.js';
import { sendRepresentation, sendResult } from '../answer.js';
import { selected } from '../checked.js';
import { etagOf } from '../conditional.js';
import { idempotently } from '../idempotently.js';
import { baseUrlOf } from '../links.js';
import { requireJson } from '../media-type.js';
import { contentTypeOf, FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { idIn } from '../path-id.js';
import { sendPage } from '../send-page.js';
import { DeliveryWorker } from './delivery-worker.js';
import { OwnGround } from './own-ground.js';
import { WEBHOOK_ID, webhookOf } from './webhook-id.js';
import { WebhookPage } from './webhook-pages.document.js';
import { deleteWebhook, makeWebhook, patchWebhook, rotateSecret, type WebhookWrite } from './write-webhook.js';

const TAG = 'webhooks';
const ANSWER = {
  description: 'The webhook.',
  content: { [FORMS.json]: Webhook },
  headers: ETAG_HEADER,
} as const;
const CHANGE_PROBLEMS = [
  'not_found',
  'version_mismatch',
  'precondition_required',
  'target_not_allowed',
  'storage_full',
] as const;

/** Where events are sent, for programs that cannot listen. */
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(DeliveryWorker) private readonly worker: DeliveryWorker,
    @Inject(OwnGround) private readonly ground: OwnGround,
  ) {}

  @Post()
  @Operation({
    id: 'makeWebhook',
    tag: TAG,
    summary: 'Have events sent to an address',
    description:
      'Events of the cameras that the caller may know, judged when each is sent, signed as Standard Webhooks say. The secret is in this answer and never again; a repeated request with the same `Idempotency-Key` shows null in its place. Only 2xx within 15 seconds is a success; else it is sent again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h. 410, or five days without a success, disables the webhook.',
    permission: 'webhooks:write',
    headers: IDEMPOTENCY_KEY,
    body: { [FORMS.json]: WebhookDocument },
    answers: {
      201: {
        description: 'The webhook.',
        content: { [FORMS.json]: WebhookWithSecret },
        headers: { ...ETAG_HEADER, Location: 'Address of the webhook.' },
      },
    },
    refuses: ['target_not_allowed', 'idempotency_key_reused', 'request_in_flight', 'storage_full'],
  })
  async make(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    return idempotently(request, reply, this.parts, async (tx) => {
      const made = await makeWebhook(body, this.write(tx, request));
      const { secret: _secret, ...webhook } = made;
      return {
        status: 201,
        headers: {
          location: `${baseUrlOf(request, this.parts.settings)}/v1/webhooks/${made.id}`,
          etag: etagOf(made.version, JSON.stringify(webhook)),
        },
        body: JSON.stringify(made),
        replay: JSON.stringify({ ...made, secret: null }),
      };
    });
  }

  @Get()
  @Operation({
    id: 'listWebhooks',
    tag: TAG,
    summary: 'List webhooks',
    description: 'Those whose owner reaches no further than the caller, in the order of their making.',
    permission: 'webhooks:write',
    query: PAGE_SELECTORS,
    answers: { 200: { description: 'One page of webhooks.', content: { [FORMS.json]: WebhookPage } } },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const within = reachOf(request.principal, 'webhooks:write');
    return sendPage(request, reply, this.parts, {
      path: '/v1/webhooks',
      find: (limit, after) =>
        new Webhooks(this.parts.db).list({ limit, within, ...(after === undefined ? {} : { after }) }),
      keyOf: ({ id }) => id,
    });
  }

  @Get(':id')
  @Operation({
    id: 'getWebhook',
    tag: TAG,
    summary: 'Read a webhook',
    description: 'Everything but its secret.',
    permission: 'webhooks:write',
    path: WEBHOOK_ID,
    headers: IF_NONE_MATCH,
    answers: { 200: ANSWER, 304: { description: 'The client’s copy is current.' } },
    refuses: ['not_found'],
  })
  async get(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const webhook = await webhookOf(id, request.principal, this.parts.db);
    const body = JSON.stringify(webhook);
    const etag = etagOf(webhook.version, body);
    return sendRepresentation(request, reply, { body, contentType: contentTypeOf('json'), etag });
  }

  @Patch(':id')
  @Operation({
    id: 'patchWebhook',
    tag: TAG,
    summary: 'Change a webhook',
    description:
      'A JSON merge patch (RFC 7396). `{"enabled": true}` enables one that was disabled; whoever does so is its owner from then on.',
    permission: 'webhooks:write',
    path: WEBHOOK_ID,
    headers: IF_MATCH,
    body: {
      'application/merge-patch+json': {
        type: 'object',
        additionalProperties: true,
        description: 'Members of a webhook; null removes one.',
        example: { enabled: false },
      },
    },
    answers: { 200: ANSWER },
    refuses: CHANGE_PROBLEMS,
  })
  async patch(
    @Param('id') id: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request, ['application/merge-patch+json']);
    const webhook = await transactAs(this.parts.db, actorOf(request), (tx) =>
      patchWebhook(idIn(id, 'webhook'), body, ifMatch, this.write(tx, request)),
    );
    void reply.header('etag', etagOf(webhook.version, JSON.stringify(webhook)));
    return sendResult(reply, 200, webhook);
  }

  @Delete(':id')
  @Operation({
    id: 'deleteWebhook',
    tag: TAG,
    summary: 'Delete a webhook',
    description: 'With its deliveries; what waits is not sent any more.',
    permission: 'webhooks:write',
    path: WEBHOOK_ID,
    headers: IF_MATCH,
    answers: { 204: { description: 'Deleted.' } },
    refuses: CHANGE_PROBLEMS,
  })
  async remove(
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    await transactAs(this.parts.db, actorOf(request), (tx) =>
      deleteWebhook(idIn(id, 'webhook'), ifMatch, this.write(tx, request)),
    );
    return reply.code(204).header('cache-control', 'no-store').send();
  }

  @Post(':id/rotate-secret')
  @Operation({
    id: 'rotateWebhookSecret',
    tag: TAG,
    summary: 'Replace the secret of a webhook',
    description:
      'The new one is in this answer and never again. For 24 hours every message carries signatures of both, so that the receiver may change over in between.',
    permission: 'webhooks:write',
    path: WEBHOOK_ID,
    headers: IDEMPOTENCY_KEY,
    answers: {
      200: { description: 'The webhook with its new secret.', content: { [FORMS.json]: WebhookWithSecret } },
    },
    refuses: ['not_found', 'idempotency_key_reused', 'request_in_flight', 'storage_full'],
  })
  async rotate(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    return idempotently(request, reply, this.parts, async (tx) => {
      const webhook = await rotateSecret(idIn(id, 'webhook'), this.write(tx, request));
      const replay = JSON.stringify({ ...webhook, secret: null });
      return { status: 200, headers: {}, body: JSON.stringify(webhook), replay };
    });
  }

  @Post(':id/ping')
  @Operation({
    id: 'pingWebhook',
    tag: TAG,
    summary: 'Try a webhook',
    description:
      'Sends a signed message of the type `webhook.ping` at once and answers what came of it. It changes nothing: no queue, no second attempt.',
    permission: 'webhooks:write',
    path: WEBHOOK_ID,
    answers: { 200: { description: 'What came of it.', content: { [FORMS.json]: WebhookPing } } },
    refuses: ['not_found'],
  })
  async ping(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    const document = await webhookOf(id, request.principal, this.parts.db);
    return sendResult(reply, 200, await this.worker.ping({ id: document.id, document }));
  }

  private write(tx: EntityManager, { principal: by }: FastifyRequest): WebhookWrite {
    return { tx, by, keyring: this.parts.keyring, ground: this.ground.now() };
  }
}
