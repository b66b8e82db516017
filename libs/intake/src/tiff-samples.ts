import { UnusableRaster } from '#catalog';

/** How numbers stand in a raster. */
export interface NumberForm {
  readonly kind: 'unsigned' | 'signed' | 'float';
  /** Bytes of a number. */
  readonly bytes: 1 | 2 | 4 | 8;
  readonly isLittleEndian: boolean;
}

export type Samples =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** TIFF's SampleFormat. */
const KINDS: Readonly<Record<number, NumberForm['kind']>> = { 1: 'unsigned', 2: 'signed', 3: 'float' };

/** Forms that are read, by kind and bytes, and the array that holds them. */
const ARRAYS = {
  unsigned1: Uint8Array,
  signed1: Int8Array,
  unsigned2: Uint16Array,
  signed2: Int16Array,
  unsigned4: Uint32Array,
  signed4: Int32Array,
  float4: Float32Array,
  float8: Float64Array,
} as const;
type FormName = keyof typeof ARRAYS;

const nameOf = ({ kind, bytes }: Pick<NumberForm, 'kind' | 'bytes'>): string => `${kind}${bytes}`;

/** @throws UnusableRaster for numbers that are not read */
export function formOf(sampleFormat: number, bitsPerSample: number, isLittleEndian: boolean): NumberForm {
  const form = {
    kind: KINDS[sampleFormat] ?? 'float',
    bytes: (bitsPerSample / 8) as NumberForm['bytes'],
    isLittleEndian,
  };
  if (KINDS[sampleFormat] !== undefined && nameOf(form) in ARRAYS) return form;
  throw new UnusableRaster(
    'unsupported_raster',
    `numbers of ${bitsPerSample} bits and sample format ${sampleFormat} are not read; Int16, UInt16, Float32 and others are`,
  );
}

/**
 * The numbers that a block's bytes are, without copying.
 * @param bytes from the start of their memory, in this machine's byte order
 */
export function numbersOf(bytes: Uint8Array, form: NumberForm): Samples {
  return new ARRAYS[nameOf(form) as FormName](bytes.buffer as ArrayBuffer, 0, bytes.length / form.bytes);
}

/**
 * Undoes the differencing of an unpacked block (TIFF 6.0 section 14, and Adobe's technical note 3 for floats), in place, and leaves its bytes
 * in this machine's order. geotiff does both in the order of the machine, and so wrongly for the files of the other one.
 */
export function undoPredictor(bytes: Uint8Array, predictor: number, columns: number, form: NumberForm): Uint8Array {
  // Predictor 3 has taken numbers apart, the high bytes first whatever the file's order.
  if (predictor === 3) joinFloats(bytes, columns, form.bytes);
  else if (form.isLittleEndian !== HOST_IS_LITTLE_ENDIAN) swap(bytes, form.bytes);
  if (predictor === 2) addUp(bytes, columns, form.bytes);
  return bytes;
}

function swap(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** Each number was the difference from the one to its left, modulo its bits. */
function addUp(bytes: Uint8Array, columns: number, size: number): void {
  const buffer = bytes.buffer as ArrayBuffer;
  if (size === 8) {
    const wide = new BigUint64Array(buffer, 0, bytes.length / 8);
    for (let i = 1; i < wide.length; i += 1) if (i % columns !== 0) wide[i] = wide[i]! + wide[i - 1]!;
    return;
  }
  const numbers = new { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[size as 1 | 2 | 4](
    buffer,
    0,
    bytes.length / size,
  );
  for (let start = 0; start < numbers.length; start += columns) {
    for (let i = start + 1; i < start + columns; i += 1) numbers[i] = numbers[i]! + numbers[i - 1]!;
  }
}

/** A row held all first bytes of its numbers, then all second ones and so on, as differences. */
function joinFloats(bytes: Uint8Array, columns: number, size: number): void {
  const rowBytes = columns * size;
  const apart = new Uint8Array(rowBytes);
  for (let start = 0; start < bytes.length; start += rowBytes) {
    let sum = 0;
    for (let i = 0; i < rowBytes; i += 1) {
      sum = (sum + bytes[start + i]!) & 0xff;
      apart[i] = sum;
    }
    for (let column = 0; column < columns; column += 1) {
      for (let byte = 0; byte < size; byte += 1) {
        const place = HOST_IS_LITTLE_ENDIAN ? size - 1 - byte : byte;
        bytes[start + column * size + place] = apart[byte * columns + column]!;
      }
    }
  }
}
