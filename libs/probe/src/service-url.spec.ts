import { describe, expect, test } from '@jest/globals';
import { SERVICE_KINDS, type ServiceKind, type VapixDocument } from '#catalog';
import { parseTarget } from './address-policy.js';
import { requestUrl } from './service-url.js';

const ALL: VapixDocument = { streamProfile: 'wall', camera: '1', fps: 1, compression: 25, resolution: '640x480' };
const URL = 'http://10.1.2.3/axis-cgi/mjpg/video.cgi';

describe('the URL of a request', () => {
  test.each<[string, string, VapixDocument | undefined, ServiceKind, string]>([
    ['nothing stated', URL, undefined, 'mjpeg', ''],
    ['an empty document', URL, {}, 'mjpeg', ''],
    [
      'all, in the order of probing.md',
      URL,
      ALL,
      'mjpeg',
      '?resolution=640x480&compression=25&fps=1&camera=1&streamprofile=wall',
    ],
    ['no fps of a snapshot', URL, ALL, 'snapshot', '?resolution=640x480&compression=25&camera=1&streamprofile=wall'],
    ['zero is a value', URL, { fps: 0, compression: 0 }, 'mjpeg', '?compression=0&fps=0'],
    ['nothing of RTSP', 'rtsp://10.1.2.3/axis-media/media.amp', ALL, 'rtsp', ''],
    ['nothing of HLS', `${URL}/live.m3u8`, ALL, 'hls', ''],
    ['a query goes on', `${URL}?date=1`, { fps: 5 }, 'mjpeg', '&fps=5'],
    ['a query that ends with &', `${URL}?date=1&`, { fps: 5 }, 'mjpeg', 'fps=5'],
    ['a query that ends with &&', `${URL}?date=1&&`, { fps: 5 }, 'mjpeg', 'fps=5'],
    ['a bare question mark', `${URL}?`, { fps: 5 }, 'mjpeg', 'fps=5'],
    [
      'what the URL says stays',
      `${URL}?resolution=320x240&FPS=2`,
      ALL,
      'mjpeg',
      '&compression=25&camera=1&streamprofile=wall',
    ],
    ['an argument without a value counts', `${URL}?camera`, { camera: '1' }, 'mjpeg', ''],
    ['an empty one too', `${URL}?camera=`, { camera: '1' }, 'mjpeg', ''],
    ['a longer name is another', `${URL}?xcamera=1&camera2=3`, { camera: 'quad' }, 'mjpeg', '&camera=quad'],
    ['a value that looks like it is none', `${URL}?x=camera`, { camera: '1' }, 'mjpeg', '&camera=1'],
    ['behind a second question mark', `${URL}?a=b?camera=1`, { camera: '1' }, 'mjpeg', '&camera=1'],
    [
      'a profile of any text',
      URL,
      { streamProfile: 'Größe & 1+1=2#?' },
      'mjpeg',
      '?streamprofile=Gr%C3%B6%C3%9Fe%20%26%201%2B1%3D2%23%3F',
    ],
    ['half a pair', URL, { streamProfile: 'a\ud800' }, 'snapshot', '?streamprofile=a%EF%BF%BD'],
  ])('%s', (_, url, vapix, kind, added) => {
    expect(requestUrl(url, vapix, kind)).toBe(`${url}${added}`);
  });

  test('the registered bytes stay as they are, to the wire', () => {
    for (const rest of [
      '/a/../%41//b?x=%zz&y=&&z',
      '/cgi?a="<>`{|}^\'',
      '/?',
      '?q',
      '',
      '/%E5%90%8D?a;b',
      '/x?a=1&A=2&a=3',
    ]) {
      const url = `http://Cam.Example:8080${rest}`;
      for (const kind of SERVICE_KINDS) {
        expect(requestUrl(url, undefined, kind)).toBe(url);
        const asked = requestUrl(url, { resolution: '1x1' }, kind);
        expect(asked.startsWith(url)).toBe(true);
        expect(parseTarget(asked)).toMatchObject({
          path: `${rest.startsWith('/') ? '' : '/'}${asked.slice('http://Cam.Example:8080'.length)}`,
        });
      }
    }
  });
});
