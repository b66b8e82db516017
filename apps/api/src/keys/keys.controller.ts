import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { KEY_LIFE_S, mintKey, mintRights, type Principal, reachOf } from '#access';
import { ApiKey, ApiKeyRequest, MintedKey, NotFound, PAGE_SELECTORS } from '#catalog';
import { ApiKeys, transactAs } from '#storage';
import { actorOf } from '../acting.js';
import { sendDocument } from '../answer.js';
import { checked, selected } from '../checked.js';
import { idempotently } from '../idempotently.js';
import { baseUrlOf } from '../links.js';
import { requireJson } from '../media-type.js';
import { FORMS, negotiate } from '../negotiate.js';
import { IDEMPOTENCY_KEY, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { idIn, pathIdOf } from '../path-id.js';
import { sendPage } from '../send-page.js';
import { ApiKeyPage } from './api-key-page.document.js';

const TAG = 'keys';
const KEY_ID = pathIdOf('key');
const DAY_S = 86_400;

/** API keys: made once, shown once, never changed. */
@Controller('v1/keys')
export class KeysController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Post()
  @Operation({
    id: 'mintKey',
    tag: TAG,
    summary: 'Make an API key',
    description:
      'With at most the scopes and authorities of the key that asks. The key itself is in this answer and never again; a repeated request with the same `Idempotency-Key` shows null in its place.',
    permission: 'keys:write',
    headers: IDEMPOTENCY_KEY,
    body: { [FORMS.json]: ApiKeyRequest },
    answers: {
      201: {
        description: 'The key.',
        content: { [FORMS.json]: MintedKey },
        headers: { Location: 'Address of the key.' },
      },
    },
    refuses: ['idempotency_key_reused', 'request_in_flight', 'storage_full'],
  })
  async mint(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    const wanted = checked(ApiKeyRequest, body);
    const refusal = mintRights(request.principal, wanted);
    if (refusal !== null) throw refusal;
    return idempotently(request, reply, this.parts, async (tx) => {
      const now = Date.now();
      const lifeS = wanted.expiresInDays === undefined ? KEY_LIFE_S.usual : wanted.expiresInDays * DAY_S;
      const minted = mintKey(randomBytes);
      const kept = await new ApiKeys(tx).add({
        id: uuidv7({ msecs: now }),
        keyId: minted.keyId,
        name: wanted.name,
        pepper: this.parts.keyring.pepper(minted.secret),
        scopes: wanted.scopes,
        authorities: wanted.authorities,
        createdBy: request.principal.id,
        expiresAt: new Date(now + lifeS * 1_000).toISOString(),
      });
      return {
        status: 201,
        headers: { location: `${baseUrlOf(request, this.parts.settings)}/v1/keys/${kept.id}` },
        body: JSON.stringify({ ...kept, key: minted.key }),
        replay: JSON.stringify({ ...kept, key: null }),
      };
    });
  }

  @Get()
  @Operation({
    id: 'listKeys',
    tag: TAG,
    summary: 'List API keys',
    description: 'Those that reach no further than the key that asks, in the order of their making.',
    permission: 'keys:write',
    query: PAGE_SELECTORS,
    answers: { 200: { description: 'One page of keys.', content: { [FORMS.json]: ApiKeyPage } } },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const within = reachIn(request.principal);
    return sendPage(request, reply, this.parts, {
      path: '/v1/keys',
      find: (limit, after) =>
        new ApiKeys(this.parts.db).list({ limit, within, ...(after === undefined ? {} : { after }) }),
      keyOf: ({ id }) => id,
    });
  }

  @Get(':id')
  @Operation({
    id: 'getKey',
    tag: TAG,
    summary: 'Read an API key',
    description: 'Everything but its secret.',
    permission: 'keys:write',
    path: KEY_ID,
    answers: { 200: { description: 'The key.', content: { [FORMS.json]: ApiKey } } },
    refuses: ['not_found'],
  })
  async get(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const key = await new ApiKeys(this.parts.db).find(idIn(id, 'key'), reachIn(request.principal));
    if (key === null) throw new NotFound(`no key has the id ${id}`);
    return sendDocument(request, reply, key);
  }

  @Delete(':id')
  @Operation({
    id: 'revokeKey',
    tag: TAG,
    summary: 'Revoke an API key',
    description: 'It is refused within five seconds everywhere, and so is every key that was made with it.',
    permission: 'keys:write',
    path: KEY_ID,
    answers: { 204: { description: 'Revoked.' } },
    refuses: ['not_found', 'storage_full'],
  })
  async revoke(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    const revoked = await transactAs(this.parts.db, actorOf(request), (tx) =>
      new ApiKeys(tx).revoke(idIn(id, 'key'), reachIn(request.principal)),
    );
    if (revoked === null) throw new NotFound(`no key has the id ${id}`);
    return reply.code(204).header('cache-control', 'no-store').send();
  }
}

/** Keys are seen to where the caller makes them. */
const reachIn = (by: Principal): ReturnType<typeof reachOf> => reachOf(by, 'keys:write');
