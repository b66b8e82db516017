import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { THUMBNAIL_WIDTHS_PX } from '#catalog';
import { type Sightline, startSightline } from '#testing';
import { afterStart, open, scene, segment } from '../../../libs/frames/test/made-pictures.js';
import { clientOf } from './client.js';
import { addAuthority, addCamera, registration } from './fixtures.js';

/** Stands in every place of the picture where a device could write something of its own. */
const SERIAL = 'ACCC8E123456';

/** A picture with all that must not be passed on: position, maker's note, serial number, XMP, IPTC, a comment, bytes behind its end. */
async function talkativePicture(): Promise<Buffer> {
  const jpeg = await open(scene(1_600, 900))
    .withExif({
      IFD0: { Make: SERIAL, Copyright: SERIAL },
      IFD2: { MakerNote: SERIAL, BodySerialNumber: SERIAL },
      IFD3: {
        GPSLatitude: '23/1 4/1 46/1',
        GPSLatitudeRef: 'N',
        GPSLongitude: '120/1 17/1 26/1',
        GPSLongitudeRef: 'E',
      },
    })
    .jpeg({ quality: 80 })
    .toBuffer();
  const iptc = `Photoshop 3.0\0` + `8BIM\x04\x04\0\0\0\0\0\x11\x1c\x02\x78\0\x0c${SERIAL}\0`;
  return Buffer.concat([
    afterStart(
      jpeg,
      segment(0xe1, `http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/">${SERIAL}</x:xmpmeta>`),
      segment(0xed, Buffer.from(iptc, 'latin1')),
      segment(0xfe, `Serial ${SERIAL}`),
    ),
    Buffer.from(SERIAL),
  ]);
}

describe('served pictures (IMG-2)', () => {
  let sightline: Sightline;
  let picture: Buffer;
  const device = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture),
  );
  let addresses: Readonly<Record<string, string>>;

  beforeAll(async () => {
    picture = await talkativePicture();
    await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
    const { port } = device.address() as AddressInfo;
    sightline = await startSightline();
    const admin = clientOf(sightline.url, sightline.key);
    const network = { cidrs: ['127.0.0.0/8'], ports: [port] };
    await addAuthority(admin, 'tainan-wrb', { network, probing: { intervalS: 5, minIntervalS: 5 } });
    const add = async (localId: string, over: object): Promise<string> => {
      const services = [{ kind: 'snapshot' as const, url: `http://127.0.0.1:${port}/${localId}.jpg` }];
      const made = await addCamera(admin, registration({ localId, services, lifecycle: 'active', ...over }));
      return `${sightline.url}/v1/cameras/${made.id}/thumbnail`;
    };
    const mask = {
      points: [
        [0, 0],
        [0.2, 0],
        [0.2, 0.2],
      ],
    };
    addresses = {
      open: await add('open', { access: { level: 'public', publicMaxWidthPx: 1_280 } }),
      masked: await add('masked', { access: { level: 'public', publicMaxWidthPx: 1_280, privacyMasks: [mask] } }),
      blurred: await add('blurred', { access: { level: 'public', thumbnails: 'blurred' } }),
    };
    for (const address of Object.values(addresses)) {
      const until = Date.now() + 30_000;
      while ((await fetch(address)).status !== 200 && Date.now() < until) await wait(200);
    }
  }, 90_000);
  afterAll(async () => {
    await sightline.close();
    device.closeAllConnections();
    await new Promise((resolve) => device.close(resolve));
  });

  test('what the device sends has all of it', async () => {
    const { exif, xmp, iptc } = await sharp(picture).metadata();
    expect([exif?.includes(SERIAL), xmp?.includes(SERIAL), iptc?.includes(SERIAL)]).toEqual([true, true, true]);
    // Tag 0x8825 of Exif points to the position.
    expect(exif?.includes(Buffer.from('2588', 'hex')) === true || exif?.includes(Buffer.from('8825', 'hex'))).toBe(
      true,
    );
  });

  test.each(['open', 'masked', 'blurred'])('have no position, no serial, no word of the device: %s', async (which) => {
    for (const authorization of ['', `Bearer ${sightline.key}`]) {
      for (const width of THUMBNAIL_WIDTHS_PX) {
        const headers: Record<string, string> = authorization === '' ? {} : { authorization };
        const response = await fetch(`${addresses[which] ?? ''}?width=${width}`, { headers });
        expect([width, response.status]).toEqual([width, 200]);
        const bytes = Buffer.from(await response.arrayBuffer());
        const { exif, xmp, iptc, icc, format, ...size } = await sharp(bytes).metadata();
        expect({ width, exif, xmp, iptc, icc, format }).toEqual({ width, format: 'jpeg' });
        expect(size.width).toBe(which === 'blurred' && authorization === '' ? Math.min(width, 640) : width);
        expect(bytes.includes(SERIAL)).toBe(false);
        expect(JSON.stringify([...response.headers])).not.toContain(SERIAL);
      }
    }
  });

  test('a copy that is current is confirmed without its bytes, and of no other width', async () => {
    const address = addresses.open ?? '';
    // The device's picture never changes, so neither does the tag.
    const etag = (await fetch(address)).headers.get('etag') ?? '';
    const ask = (width: number): Promise<Response> =>
      fetch(`${address}?width=${width}`, { headers: { 'if-none-match': etag } });
    const same = await ask(320);
    expect([same.status, same.headers.get('etag'), (await same.arrayBuffer()).byteLength]).toEqual([304, etag, 0]);
    expect((await ask(640)).status).toBe(200);
  });

  test('asked again at once, the same reading serves and says so; no-cache has it read anew', async () => {
    const address = addresses.open ?? '';
    const age = async (cacheControl?: string): Promise<string | null> => {
      const headers: Record<string, string> = cacheControl === undefined ? {} : { 'cache-control': cacheControl };
      const response = await fetch(address, { headers });
      await response.arrayBuffer();
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'public, max-age=5']);
      return response.headers.get('age');
    };
    // Half a second may pass between two requests of a busy machine.
    const until = Date.now() + 20_000;
    let ages: readonly (string | null)[] = [];
    while (ages.at(-1) !== '1' && Date.now() < until) ages = [await age('no-cache'), await age()];
    expect(ages).toEqual([null, '1']);
    for (const anew of ['no-cache', 'no-store', 'max-age=0', 'Max-Age=0, must-revalidate', 'foo, no-cache']) {
      await age();
      expect([anew, await age(anew)]).toEqual([anew, null]);
    }
  });

  test('what was changed is seen by the very next request', async () => {
    const camera = (addresses.blurred ?? '').replace(/\/thumbnail$/, '');
    const change = (level: string): Promise<Response> =>
      fetch(camera, {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${sightline.key}`,
          'content-type': 'application/merge-patch+json',
          'if-match': '*',
        },
        body: JSON.stringify({ access: { level } }),
      });
    for (const [level, status] of [
      ['restricted', 404],
      ['public', 200],
      ['restricted', 404],
      ['public', 200],
    ] as const) {
      expect((await change(level)).status).toBe(200);
      expect([level, (await fetch(`${camera}/thumbnail`)).status]).toEqual([level, status]);
    }
  });
});
