import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { type Inspection, PictureError, Pictures, withoutMetadata } from '#frames';
import { frameOf } from './frame-of.js';
import { afterStart, draw, jpegOf, open, scene, segment, withoutHuffmanTables } from './made-pictures.js';

let pictures: Pictures;
beforeAll(async () => {
  pictures = await Pictures.start({ workers: 1 });
});
afterAll(() => pictures.close());

const inspect = (jpeg: Buffer): Promise<Inspection> => pictures.inspect(frameOf(jpeg));
const pixels = async (jpeg: Buffer) => {
  const { data, info } = await sharp(jpeg).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return {
    ...info,
    at: (x: number, y: number): number[] => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)],
  };
};
/** Markers of all segments up to the scan. */
const markers = (jpeg: Buffer): number[] => frameOf(jpeg).segments.map(({ marker }) => marker);

describe.each([
  [640, 360],
  // Decoded whole, and brought down to grey by ourselves.
  [320, 180],
])('every kind of JPEG is decoded, %i x %i', (widthPx, heightPx) => {
  const drawing = scene(widthPx, heightPx);
  let expected: { mean: number; sd: number };
  beforeAll(async () => {
    // Statistics are made of a file, not of what is still to be done with it.
    const grey = await open(drawing).greyscale().png().toBuffer();
    const { mean, stdev } = (await sharp(grey).stats()).channels[0]!;
    expected = { mean, sd: stdev };
  });
  test.each<[string, () => Promise<Buffer>]>([
    ['baseline', () => jpegOf(drawing)],
    ['baseline 4:4:4', () => jpegOf(drawing, { chromaSubsampling: '4:4:4' })],
    ['progressive', () => jpegOf(drawing, { progressive: true })],
    ['one component', () => open(drawing).greyscale().jpeg().toBuffer()],
    ['CMYK with an Adobe segment', () => open(drawing).toColourspace('cmyk').jpeg().toBuffer()],
    ['without Huffman tables', async () => withoutHuffmanTables(await jpegOf(drawing, { optimiseCoding: false }))],
    ['without an end marker', async () => (await jpegOf(drawing)).subarray(0, -2)],
    ['padding behind the end', async () => Buffer.concat([await jpegOf(drawing), Buffer.alloc(4_096)])],
    [
      'Exif with a thumbnail of its own',
      async () =>
        afterStart(
          await jpegOf(drawing),
          segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), await jpegOf(scene(40, 30))])),
        ),
    ],
    [
      'interlaced AVI frames',
      async () => afterStart(await jpegOf(drawing), segment(0xe0, 'AVI1\x01\0\0\0\0\0\0\0\0\0')),
    ],
  ])('%s', async (name, make) => {
    const jpeg = await make();
    const { damage, warning, signals } = await inspect(jpeg);
    expect({ damage, warning }).toEqual({ damage: null, warning: undefined });
    expect(Math.abs(signals!.mean - expected.mean)).toBeLessThan(name.startsWith('CMYK') ? 8 : 1);
    expect(Math.abs(signals!.sd - expected.sd)).toBeLessThan(4);
    expect(signals!.plainShare).toBeLessThan(0.1);
    expect(signals!.grey.length).toBe(14_400);

    const clean = withoutMetadata(frameOf(jpeg));
    for (const source of [jpeg, clean]) {
      const thumbnail = await pixels(await pictures.thumbnail(source, { widthPx: 160 }));
      expect(thumbnail).toMatchObject({ width: 160, height: 90, channels: 3 });
      expect(
        await pixels(
          await pictures.masked(source, [
            {
              points: [
                [0, 0],
                [0.1, 0],
                [0, 0.1],
              ],
            },
          ]),
        ),
      ).toMatchObject({ width: widthPx, height: heightPx });
    }
    const [before, after] = [
      await sharp(jpeg, { failOn: 'none' }).toColourspace('srgb').raw().toBuffer(),
      await sharp(clean).toColourspace('srgb').raw().toBuffer(),
    ];
    expect(after.equals(before)).toBe(true);
  });

  test('one pixel', async () => {
    const jpeg = await jpegOf(draw(1, 1, () => [200, 200, 200]));
    const { damage, signals } = await inspect(jpeg);
    expect(damage).toBeNull();
    expect(signals).toMatchObject({ sd: 0, darkShare: 0, plainShare: 1 });
    for (const blurred of [false, true]) {
      expect(await pixels(await pictures.thumbnail(jpeg, { widthPx: 320, blurred }))).toMatchObject({
        width: 1,
        height: 1,
      });
    }
    const hidden = await pixels(
      await pictures.masked(jpeg, [
        {
          points: [
            [0.2, 0.2],
            [0.8, 0.2],
            [0.5, 0.8],
          ],
        },
      ]),
    );
    expect(hidden.at(0, 0)).toEqual([0, 0, 0]);
  });

  test('a picture of two rows is not taken for a smeared one', async () => {
    expect((await inspect(await jpegOf(draw(160, 2, (x) => [x, x, x])))).damage).toBeNull();
  });
});

describe('the grey picture of a small one', () => {
  /** Mean luma under each pixel, by so many samples that each lies within one pixel of either picture. */
  async function sampled(jpeg: Buffer): Promise<number[]> {
    const { width, height, at } = await pixels(jpeg);
    const lumas = Array.from({ length: width * height }, (_, i) => {
      const [r, g, b] = at(i % width, Math.floor(i / width)) as [number, number, number];
      return 0.299 * r + 0.587 * g + 0.114 * b;
    });
    const { floor } = Math;
    return Array.from({ length: 160 * 90 }, (_, i) => {
      const [column, row] = [i % 160, floor(i / 160)];
      let sum = 0;
      for (let y = row * height; y < (row + 1) * height; y += 1) {
        const from = floor(y / 90) * width;
        for (let x = column * width; x < (column + 1) * width; x += 1) sum += lumas[from + floor(x / 160)]!;
      }
      return sum / (width * height);
    });
  }

  test.each<[string, () => Promise<Buffer>]>([
    ['whole pixels in each', () => jpegOf(scene(320, 180))],
    ['parts of pixels', () => jpegOf(scene(173, 101))],
    ['a CIF, the largest', () => jpegOf(scene(352, 288))],
    ['its own size', () => jpegOf(scene(160, 90))],
    ['one component', () => open(scene(200, 150)).greyscale().jpeg().toBuffer()],
  ])('is the mean of what each pixel covers: %s', async (_, make) => {
    const jpeg = await make();
    const [{ signals }, wanted] = [await inspect(jpeg), await sampled(jpeg)];
    const off = wanted.map((value, at) => Math.abs(value - signals!.grey[at]!));
    expect(Math.max(...off)).toBeLessThan(1);
  });
});

describe('damage', () => {
  const drawing = scene();
  const { widthPx, heightPx, rgb } = drawing;

  test('cut in half, with and without an end marker: the decoder complains and the lower part is flat', async () => {
    const jpeg = await jpegOf(drawing);
    const found = await inspect(jpeg.subarray(0, jpeg.length / 2));
    expect(found.damage).toMatch(/^the lower \d+ % of the picture never came$/);
    expect(found.warning).toMatch('premature end');
    expect(found.signals).not.toBeNull();
    const ended = await inspect(Buffer.concat([jpeg.subarray(0, jpeg.length / 2), Buffer.from([0xff, 0xd9])]));
    expect(ended.damage).toMatch('never came');
  });

  test('a complaint without damage stays a picture', async () => {
    const jpeg = await jpegOf(drawing);
    const found = await inspect(jpeg.subarray(0, jpeg.length - 1_500));
    expect(found).toMatchObject({ damage: null, warning: expect.stringMatching(/^VipsJpeg: [^\n]*premature end/) });
    expect(
      (await pictures.thumbnail(withoutMetadata(frameOf(jpeg.subarray(0, jpeg.length - 1_500))), { widthPx: 160 }))
        .length,
    ).toBeGreaterThan(500);
  });

  test('a grey lower part that was encoded so is a scene', async () => {
    const half = draw(widthPx, heightPx, (x, y) =>
      y < 360
        ? ([...rgb.subarray((y * widthPx + x) * 3, (y * widthPx + x) * 3 + 3)] as [number, number, number])
        : [128, 128, 128],
    );
    expect((await inspect(await jpegOf(half))).damage).toBeNull();
  });

  test('one row smeared down the lower half, whole to every decoder', async () => {
    const smeared = draw(widthPx, heightPx, (x, y) => {
      const at = (Math.min(y, 180) * widthPx + x) * 3;
      return [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!];
    });
    const found = await inspect(await jpegOf(smeared));
    expect(found.damage).toMatch('smeared');
    expect(found.warning).toBeUndefined();
  });

  test.each<[string, (x: number, y: number) => [number, number, number]]>([
    ['black', () => [0, 0, 0]],
    ['white', () => [255, 255, 255]],
    [
      'vertical stripes with noise',
      (x, y) => [(x % 90) + ((x * 7 + y * 13) % 11), (x % 90) + ((x * 3 + y * 17) % 11), x % 90],
    ],
    ['fine noise', (x, y) => [(x * 7_919 + y * 104_729) % 251, (x * 31 + y * 57) % 251, 90]],
  ])('%s is not damaged', async (_, colour) => {
    expect((await inspect(await jpegOf(draw(640, 360, colour)))).damage).toBeNull();
  });

  test('flat pictures have few bits a pixel, whatever Exif they carry; scenes have many', async () => {
    const exif = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), Buffer.alloc(60_000, 1)]));
    const grey = afterStart(await jpegOf(draw(640, 360, () => [128, 128, 128])), exif);
    const { signals } = await inspect(grey);
    expect(signals!.bitsPerPixel).toBeLessThan(0.06);
    expect(signals).toMatchObject({ sd: 0, laplacianVariance: 0 });
    expect((await inspect(await jpegOf(drawing))).signals!.bitsPerPixel).toBeGreaterThan(0.5);
  });
});

describe('what is made holds nothing but the picture (IMG-2)', () => {
  const secret = 'ACCC8E123456';
  const words = ['Exif', 'ICC_PROFILE', 'http://ns.adobe.com', 'Photoshop', 'GPS', secret, 'P3'];

  async function loaded(): Promise<Buffer> {
    const jpeg = await open(scene(400, 200))
      .withIccProfile('p3')
      .withExif({
        IFD0: { Make: secret, Copyright: secret },
        IFD3: { GPSLatitude: '23/1 0/1 0/1', GPSLatitudeRef: 'N' },
      })
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 80 })
      .toBuffer();
    const more = [
      segment(0xe1, `http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>${secret}</x:xmpmeta>`),
      segment(0xed, `Photoshop 3.0\0${secret}`),
      segment(0xfe, secret),
      segment(0xe0, `JFXX\0\x10${secret}`),
    ];
    return Buffer.concat([
      afterStart(jpeg, ...more).subarray(0, -2),
      segment(0xfe, secret),
      Buffer.from([0xff, 0xd9]),
      Buffer.from(secret),
    ]);
  }

  test('no Exif, position, profile, XMP, comment or serial in any output', async () => {
    const jpeg = await loaded();
    for (const word of words.slice(0, 5)) expect(jpeg.includes(word)).toBe(word !== 'GPS');
    const masks = [
      {
        points: [
          [0, 0],
          [0.1, 0],
          [0, 0.1],
        ] as [number, number][],
      },
    ];
    const made = {
      clean: withoutMetadata(frameOf(jpeg)),
      thumbnail: await pictures.thumbnail(jpeg, { widthPx: 320 }),
      full: await pictures.thumbnail(jpeg, { widthPx: 1280 }),
      blurred: await pictures.thumbnail(jpeg, { widthPx: 320, blurred: true }),
      veiled: await pictures.thumbnail(jpeg, { widthPx: 320, masks }),
      masked: await pictures.masked(jpeg, masks),
    };
    for (const [name, bytes] of Object.entries(made)) {
      for (const word of words) expect([name, word, bytes.includes(word)]).toEqual([name, word, false]);
      expect([name, markers(bytes).filter((marker) => marker >= 0xe1 || marker === 0xfe)]).toEqual([name, []]);
      const { exif, icc, xmp, iptc, orientation, space } = await sharp(bytes).metadata();
      expect({ exif, icc, xmp, iptc, orientation, space }).toEqual({ space: 'srgb' });
    }
  });

  test('orientation in Exif turns nothing: masks and views are stated of the pixels as pulled', async () => {
    const jpeg = await loaded();
    expect((await sharp(jpeg).metadata()).orientation).toBe(6);
    expect(await pixels(await pictures.thumbnail(jpeg, { widthPx: 160 }))).toMatchObject({ width: 160, height: 80 });
  });
});

describe('thumbnails', () => {
  test('keep the shape, have the asked width, and are never enlarged', async () => {
    const jpeg = await jpegOf(scene(640, 352));
    for (const [widthPx, width, height] of [
      [160, 160, 88],
      [320, 320, 176],
      [640, 640, 352],
      [1_280, 640, 352],
    ] as const) {
      for (const blurred of [false, true]) {
        const made = await sharp(await pictures.thumbnail(jpeg, { widthPx, blurred })).metadata();
        expect(made).toMatchObject({
          width,
          height,
          format: 'jpeg',
          space: 'srgb',
          chromaSubsampling: '4:2:0',
          isProgressive: false,
        });
      }
    }
  });

  test('one of a very tall picture is bounded too', async () => {
    const jpeg = await jpegOf(draw(40, 8_000, (x, y) => [x, y % 256, 0]));
    expect(await pixels(await pictures.thumbnail(jpeg, { widthPx: 160 }))).toMatchObject({ width: 3, height: 640 });
  });

  test('blurred: stripes of an 80th of the width are gone, large shapes stay', async () => {
    const stripes = await jpegOf(
      draw(1_280, 720, (x) => (x % 16 < 8 ? [0, 0, 0] : [255, 255, 255])),
      { quality: 95 },
    );
    const contrast = async (jpeg: Buffer): Promise<number> => (await sharp(jpeg).stats()).channels[0]!.stdev;
    expect(await contrast(await pictures.thumbnail(stripes, { widthPx: 640 }))).toBeGreaterThan(100);
    expect(await contrast(await pictures.thumbnail(stripes, { widthPx: 640, blurred: true }))).toBeLessThan(6);
    const halves = await jpegOf(draw(1_280, 720, (x) => (x < 640 ? [20, 20, 20] : [220, 220, 220])));
    const { at } = await pixels(await pictures.thumbnail(halves, { widthPx: 640, blurred: true }));
    expect(at(100, 100)[0]).toBeLessThan(30);
    expect(at(540, 100)[0]).toBeGreaterThan(210);
  });
});

describe('masks (PRIV-2)', () => {
  const white = draw(640, 360, () => [255, 255, 255]);
  const square: [number, number][] = [
    [0.25, 0.25],
    [0.5, 0.25],
    [0.5, 0.5],
    [0.25, 0.5],
  ];

  test('cover their part and leave the rest, in full size', async () => {
    const { at, width, height } = await pixels(await pictures.masked(await jpegOf(white), [{ points: square }]));
    expect([width, height]).toEqual([640, 360]);
    for (const [x, y] of [
      [160, 90],
      [319, 179],
      [240, 130],
      [160, 179],
    ] as const)
      expect(Math.max(...at(x, y))).toBeLessThan(8);
    for (const [x, y] of [
      [10, 10],
      [140, 130],
      [340, 130],
      [240, 200],
    ] as const)
      expect(Math.min(...at(x, y))).toBeGreaterThan(247);
  });

  test('come before the thumbnail is made, sharp or blurred', async () => {
    const jpeg = await jpegOf(white);
    for (const blurred of [false, true]) {
      const { at } = await pixels(
        await pictures.thumbnail(jpeg, { widthPx: 160, blurred, masks: [{ points: square }] }),
      );
      expect(Math.max(...at(60, 33))).toBeLessThan(12);
      expect(Math.min(...at(120, 70))).toBeGreaterThan(243);
    }
  });

  test('let nothing through: with other contents behind them the bytes are the same', async () => {
    // As wide as the mask, and in whole blocks of 16: only the decoder spreads colour beyond.
    const behind = (shade: number) =>
      jpegOf(
        draw(640, 360, (x, y) =>
          x >= 160 && x < 320 && y >= 96 && y < 176 ? [shade, 255 - shade, (x * 5) % 256] : [255, 255, 255],
        ),
        { chromaSubsampling: '4:2:0', quality: 100 },
      );
    const [one, other] = [await behind(10), await behind(240)];
    expect(one.equals(other)).toBe(false);
    expect(
      (await pictures.masked(one, [{ points: square }])).equals(await pictures.masked(other, [{ points: square }])),
    ).toBe(true);
    const thumbnails = await Promise.all(
      [one, other].map((jpeg) => pictures.thumbnail(jpeg, { widthPx: 320, masks: [{ points: square }] })),
    );
    expect(thumbnails[0]!.equals(thumbnails[1]!)).toBe(true);
  });

  test('of a one-component, a CMYK and a damaged picture are painted too', async () => {
    const half = await jpegOf(white);
    const sources = [
      await open(white).greyscale().jpeg().toBuffer(),
      await open(white).toColourspace('cmyk').jpeg().toBuffer(),
      half.subarray(0, half.length - 100),
    ];
    for (const jpeg of sources) {
      const { at } = await pixels(await pictures.masked(jpeg, [{ points: square }]));
      expect(Math.max(...at(240, 130))).toBeLessThan(8);
      expect(Math.min(...at(10, 10))).toBeGreaterThan(240);
    }
  });

  test.each([
    ['none', []],
    [
      'two corners',
      [
        {
          points: [
            [0, 0],
            [1, 1],
          ],
        },
      ],
    ],
    [
      'corners outside',
      [
        { points: square },
        {
          points: [
            [0, 0],
            [2, 0],
            [0, 1],
          ],
        },
      ],
    ],
    ['no corners', [{}]],
  ])('%s: nothing is made', async (_, masks) => {
    const jpeg = await jpegOf(white);
    await expect(pictures.masked(jpeg, masks as never)).rejects.toMatchObject({ fault: 'bad_mask' });
    if (masks.length > 0)
      await expect(pictures.thumbnail(jpeg, { widthPx: 160, masks: masks as never })).rejects.toBeInstanceOf(
        PictureError,
      );
  });
});
