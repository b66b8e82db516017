import { Body, Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { LINK_LIFE_S, ThumbnailLink, ThumbnailLinkRequest } from '#catalog';
import { Audit, StoredPictures, transactAs } from '#storage';
import { actorOf } from '../acting.js';
import { sendResult } from '../answer.js';
import { CAMERA_ID, idOf } from '../cameras/camera-id.js';
import { checked, selected } from '../checked.js';
import { baseUrlOf } from '../links.js';
import { requireJson } from '../media-type.js';
import { FORMS, negotiate } from '../negotiate.js';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { linkTo } from './thumbnail-links.js';

/** Pictures for pages whose visitors have no key. */
@Controller('v1')
export class LinkController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Post('cameras/:id/thumbnail/link')
  @Operation({
    id: 'linkCameraThumbnail',
    tag: 'pictures',
    summary: 'Make a link that shows the picture without a key',
    description:
      'For `<img>` in a page of your own: an address that serves for at most an hour and needs no key. At each use it is judged by the rights that you have then and by what the camera shows then, so it ends with your key. Whoever has the address sees the picture. Each is an entry of the audit.',
    permission: 'cameras:read',
    path: CAMERA_ID,
    body: { [FORMS.json]: ThumbnailLinkRequest },
    answers: { 200: { description: 'The link.', content: { [FORMS.json]: ThumbnailLink } } },
    refuses: ['not_found'],
  })
  async link(
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    negotiate(undefined, request.headers.accept, ['json']);
    const { width = 320, preset, expiresInS = LINK_LIFE_S } = checked(ThumbnailLinkRequest, body);
    const { principal } = request;
    const cameraId = idOf(id);
    // Whether there is such a camera for the caller; what it shows is judged when the link is used.
    const pictures = new StoredPictures(this.parts.db);
    const { authority } = await (preset === undefined
      ? pictures.main(cameraId, scope(principal))
      : pictures.ofPreset(cameraId, preset, scope(principal)));
    const endsAt = Math.floor(Date.now() / 1_000) + expiresInS;
    const expiresAt = new Date(endsAt * 1_000).toISOString().replace('.000Z', 'Z');
    // Before it is given away, and without its signature: with that the entry would be a link itself (security.md AUD-1).
    await transactAs(this.parts.db, actorOf(request), (tx) =>
      new Audit(tx).note({
        action: 'picture.linked',
        authority,
        subject: { kind: 'camera', id: cameraId },
        after: { widthPx: width, ...(preset === undefined ? {} : { preset }), expiresAt },
      }),
    );
    const path = linkTo(this.parts.keyring, { cameraId, width, preset, by: principal.id, expiresAt: endsAt });
    return sendResult(reply, 200, {
      url: baseUrlOf(request, this.parts.settings) + path,
      expiresAt,
    });
  }
}
