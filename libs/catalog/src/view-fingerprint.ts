import { createHash } from 'node:crypto';
import type { PrivacyMaskDocument } from './access.document.js';
import type { KnownService } from './service.document.js';
import type { ViewDocument } from './view.document.js';

/** What decides what the pictures of a service show, as it is kept. */
export interface ShownView {
  readonly service: KnownService;
  readonly view: ViewDocument | null;
  readonly masks: readonly PrivacyMaskDocument[];
}

/** Arguments of an address that name a channel; others may be made anew for each request, as signatures are. */
const CHANNEL = ['camera', 'channel'];

/** Stays while pictures of a service can be compared with older ones: another device, channel, pose or mask makes it another. */
export function viewFingerprint({ service: { kind, url = '', vapix, shows }, view, masks }: ShownView): string {
  const place = URL.canParse(url) ? new URL(url) : null;
  const channel = CHANNEL.map((name) => place?.searchParams.get(name) ?? null);
  const address = place === null ? url : [place.host, place.pathname];
  return createHash('sha256')
    .update(JSON.stringify([kind, address, channel, vapix ?? null, shows ?? null, view, masks]))
    .digest('base64url')
    .slice(0, 22);
}
