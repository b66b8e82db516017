// How a decoded picture becomes the small grey one from which all is judged. Plain JavaScript, since the decoding process runs it.
// @ts-check

/** Shares of red, green and blue in grey, of 256: the luma of JPEG itself (ITU-R BT.601, as in JFIF). */
const RED = 77;
const GREEN = 150;
const BLUE = 29;

/**
 * Mean luma of the part of a picture that each pixel of a smaller (or equal) one covers; parts of pixels count by their area.
 * @param {Uint8Array} pixels row by row, red, green and blue first of the channels of each; fewer than three are grey
 * @param {{ width: number, height: number, channels: number }} shape of these
 * @param {import('./picture-decoder.js').Size} size of what is wanted, at most the picture's in both directions
 * @returns {Buffer} a byte a pixel, row by row
 */
export function greyOf(pixels, { width, height, channels }, { widthPx, heightPx }) {
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const grey = Buffer.allocUnsafe(widthPx * heightPx);
  const scale = (widthPx * heightPx) / (width * height * (RED + GREEN + BLUE));
  const columns = new Float64Array(width);
  for (let row = 0; row < heightPx; row += 1) {
    const top = (row * height) / heightPx;
    const bottom = ((row + 1) * height) / heightPx;
    columns.fill(0);
    for (let y = Math.floor(top); y < bottom; y += 1) {
      const share = Math.min(y + 1, bottom) - Math.max(y, top);
      for (let x = 0, at = y * width * channels; x < width; x += 1, at += channels) {
        const luma = RED * Number(pixels[at]) + GREEN * Number(pixels[at + green]) + BLUE * Number(pixels[at + blue]);
        columns[x] = Number(columns[x]) + share * luma;
      }
    }
    for (let column = 0; column < widthPx; column += 1) {
      const left = (column * width) / widthPx;
      const right = ((column + 1) * width) / widthPx;
      let sum = 0;
      for (let x = Math.floor(left); x < right; x += 1) {
        sum += Number(columns[x]) * (Math.min(x + 1, right) - Math.max(x, left));
      }
      grey[row * widthPx + column] = sum * scale + 0.5;
    }
  }
  return grey;
}
