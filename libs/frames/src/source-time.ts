import type { Frame } from '#catalog';

/** Marker bytes after FF. */
const APP1 = 0xe1;
const COM = 0xfe;
const EXIF = 'Exif\0\0';

/** Tags (CIPA DC-008, Exif 2.32): the pointer to the second directory, and two pairs of time and offset from UTC. */
const EXIF_DIRECTORY = 0x8769;
const TIMES = [
  { time: 0x9003, offset: 0x9011 },
  { time: 0x0132, offset: 0x9010 },
] as const;
const ASCII = 2;
/** Entries of a directory that are read. */
const MOST_ENTRIES = 256;

/**
 * When the picture was taken, as it says itself, milliseconds since 1970: Exif with an offset from UTC, or a comment with an RFC 3339
 * time. A time without a zone is no evidence: nobody knows where its clock was set. Null where nothing is said.
 */
export function sourceTimeOf({ bytes, segments }: Frame): number | null {
  for (const { marker, start, end } of segments) {
    const segment = bytes.subarray(start, end);
    const time = marker === APP1 ? exifTime(segment) : marker === COM ? commentTime(segment) : null;
    if (time !== null) return time;
  }
  return null;
}

function commentTime(segment: Buffer): number | null {
  const said = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)/.exec(
    segment.toString('latin1'),
  )?.[0];
  return said === undefined ? null : parsed(said.replace(' ', 'T'));
}

function exifTime(segment: Buffer): number | null {
  const at = segment.indexOf(EXIF, 0, 'latin1');
  if (at < 0) return null;
  try {
    return new ExifTimes(segment.subarray(at + EXIF.length)).time();
  } catch (error) {
    // A directory that points out of its segment.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Reads a TIFF structure as Exif has it. Every method throws RangeError where it points outside. */
class ExifTimes {
  readonly #view: DataView;
  readonly #isLittle: boolean;

  constructor(private readonly tiff: Buffer) {
    this.#view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
    this.#isLittle = this.#view.getUint16(0) === 0x4949;
  }

  time(): number | null {
    const main = this.#entries(this.#uint32(4));
    const pointer = main.get(EXIF_DIRECTORY);
    const inner = pointer === undefined ? new Map<number, number>() : this.#entries(this.#uint32(pointer + 8));
    const text = (tag: number): string | null => this.#text(inner.get(tag) ?? main.get(tag));
    for (const { time, offset } of TIMES) {
      const [local, zone] = [text(time), text(offset)];
      const date = local === null ? null : /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)$/.exec(local);
      if (date === null || zone === null || !/^[+-]\d\d:\d\d$/.test(zone)) continue;
      return parsed(`${date[1]}-${date[2]}-${date[3]}T${date[4]}${zone}`);
    }
    return null;
  }

  /** Where the entry of each tag of a directory begins. */
  #entries(at: number): Map<number, number> {
    const found = new Map<number, number>();
    const count = Math.min(this.#uint16(at), MOST_ENTRIES);
    for (let i = 0; i < count; i += 1) found.set(this.#uint16(at + 2 + 12 * i), at + 2 + 12 * i);
    return found;
  }

  #text(entry: number | undefined): string | null {
    if (entry === undefined || this.#uint16(entry + 2) !== ASCII) return null;
    const length = this.#uint32(entry + 4);
    const at = length <= 4 ? entry + 8 : this.#uint32(entry + 8);
    if (at + length > this.tiff.length) throw new RangeError('a text points out of its segment');
    return this.tiff
      .toString('latin1', at, at + length)
      .replace(/\0.*$/s, '')
      .trim();
  }

  #uint16 = (at: number): number => this.#view.getUint16(at, this.#isLittle);
  #uint32 = (at: number): number => this.#view.getUint32(at, this.#isLittle);
}

/** Milliseconds since 1970; null for a day or hour that there is none of. */
function parsed(rfc3339: string): number | null {
  const time = Date.parse(rfc3339);
  return Number.isNaN(time) ? null : time;
}
