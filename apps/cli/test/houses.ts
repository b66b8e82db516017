import sharp from 'sharp';

/** A picture of some houses with a sensor's noise, each another one: enough of a view to be compared with. */
export function houses(): Promise<Buffer> {
  const pixels = Buffer.alloc(320 * 180);
  for (let at = 0; at < pixels.length; at += 1) {
    const place = Math.floor((at % 320) / 26) + 7 * Math.floor(at / 320 / 20);
    pixels[at] = 30 + (Math.imul(place + 131, 0x9e3779b1) >>> 24) * 0.7 + Math.random() * 28;
  }
  return sharp(pixels, { raw: { width: 320, height: 180, channels: 1 } })
    .jpeg({ quality: 80 })
    .toBuffer();
}
