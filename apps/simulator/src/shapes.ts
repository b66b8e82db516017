import { bytes, firstPart } from './bytes.js';
import { type Shape, partOf, standardPart } from './shape.js';

const MULTIPART = 'Content-Type: multipart/x-mixed-replace; boundary=myboundary\r\n';
const head = (...lines: readonly string[]): string => `HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`;
const typed = (type: string, ...more: readonly string[]): string => head(`Content-Type: ${type}\r\n`, ...more);
const boundary = (parameter: string): string => typed(`multipart/x-mixed-replace; ${parameter}`);

const TYPE = 'Content-Type: image/jpeg';
const LENGTH = 'Content-Length: LENGTH';
const delimited = (delimiter: string): Shape['part'] => partOf([delimiter, TYPE, LENGTH, '']);
const bare = (jpeg: Buffer): Buffer => jpeg;

/** A segment of a JPEG with this marker and content (ITU-T T.81, B.1.1.4). */
function segment(marker: number, content: Buffer): Buffer {
  const length = content.length + 2;
  return Buffer.concat([Buffer.of(0xff, marker, length >> 8, length & 255), content]);
}

/** The picture with a segment behind its start marker. */
const withSegment = (jpeg: Buffer, marker: number, content: Buffer): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), segment(marker, content), jpeg.subarray(2)]);

/** The picture without its Huffman tables, which are the standard ones. */
function withoutTables(jpeg: Buffer): Buffer {
  const kept: Buffer[] = [jpeg.subarray(0, 2)];
  let at = 2;
  while (jpeg[at + 1] !== 0xda) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg[at + 1] !== 0xc4) kept.push(jpeg.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...kept, jpeg.subarray(at)]);
}

/** The picture without its end marker and the fill bytes before it. */
function withoutEnd(jpeg: Buffer): Buffer {
  let end = jpeg.length - 2;
  while (jpeg[end - 1] === 0xff) end -= 1;
  return jpeg.subarray(0, end);
}

/** A thumbnail inside Exif, with start and end markers of its own. */
const EXIF = bytes('Exif\0\0', Buffer.from('ffd8ffdb000400ffd9', 'hex'), Buffer.alloc(40));

/** Pieces of 13 bytes: borders fall into delimiters. */
const inChunks = (size: (bytes: number) => string, eol: string) => (piece: Buffer) => {
  const pieces = Array.from({ length: Math.ceil(piece.length / 13) }, (_, i) => piece.subarray(i * 13, i * 13 + 13));
  return bytes(...pieces.flatMap((one) => [size(one.length), eol, one, eol]));
};
const plainSize = (length: number): string => length.toString(16);

const parts =
  (type: string, content: Buffer): Shape['part'] =>
  () =>
    bytes(`--myboundary\r\nContent-Type: ${type}\r\nContent-Length: ${content.length}\r\n\r\n`, content, '\r\n');

/** How answers with pictures come over the wire: every family of probing.md, section 3, met in the field where a report is named. */
export const SHAPES = {
  // Head of the answer.
  standard: { does: 'as an Axis device sends it' },
  no_head: { does: 'no head: the first delimiter at once (GStreamer)', head: '' },
  no_head_picture: { does: 'no head: a picture at once', head: '', part: bare },
  icy: { does: 'ICY 200 OK', head: `ICY 200 OK\r\n${MULTIPART}\r\n` },
  small_status: { does: 'http/1.0 200 in small letters, without a reason', head: `http/1.0 200\r\n${MULTIPART}\r\n` },
  head_bare_lf: { does: 'a head whose lines end in LF', head: head(MULTIPART).replaceAll('\r\n', '\n') },
  head_mixed_ends: { does: 'a head of mixed line ends', head: `HTTP/1.1 200 OK\n${MULTIPART}\n` },
  head_blank_first: { does: 'blank lines before the head', head: `\r\n\r\n${head(MULTIPART)}` },
  head_bare_date: {
    does: 'a bare date among the headers (Home Assistant#14960)',
    head: head('Thu, 01 Jan 1970 00:00:00\r\n', MULTIPART),
  },
  head_odd_headers: {
    does: 'blanks around the colon, folded lines, control characters, Latin-1',
    head: head(
      'Server : c\xe4m\x01\r\n era\r\n',
      'Content-Type  :  multipart/x-mixed-replace;\r\n boundary=myboundary\r\n',
    ),
  },
  head_interim: { does: 'interim answers before the head', head: `HTTP/1.1 100 Continue\r\n\r\n${head(MULTIPART)}` },
  // Length and chunks of the whole answer.
  length_of_all: { does: 'Content-Length: 9999999 over all', head: head(MULTIPART, 'Content-Length: 9999999\r\n') },
  length_of_all_zero: { does: 'Content-Length: 0 over all', head: head(MULTIPART, 'Content-Length: 0\r\n') },
  length_of_all_twice: {
    does: 'two lengths over all that differ',
    head: head(MULTIPART, 'Content-Length: 5\r\nContent-Length: 99999\r\n'),
  },
  length_of_all_negative: { does: 'Content-Length: -1 over all', head: head(MULTIPART, 'Content-Length: -1\r\n') },
  chunked: {
    does: 'chunks whose borders fall into delimiters',
    head: head(MULTIPART, 'Transfer-Encoding: chunked\r\n'),
    chunk: inChunks(plainSize, '\r\n'),
  },
  chunked_odd: {
    does: 'chunk sizes with leading zeros, extensions and LF, and a wrong length beside them',
    head: head(MULTIPART, 'Content-Length: 7\r\nTransfer-Encoding: Chunked\r\n'),
    chunk: inChunks((length) => `000${plainSize(length)};a=b`, '\n'),
  },
  chunked_in_name: { does: 'chunked in name only', head: head(MULTIPART, 'Transfer-Encoding: chunked\r\n') },
  // Type of the answer, and what its body is.
  octet_stream: { does: 'multipart as application/octet-stream (ffmpeg)', head: typed('application/octet-stream') },
  as_image: { does: 'multipart as image/jpeg', head: typed('image/jpeg') },
  no_type: { does: 'multipart of no declared type', head: head() },
  as_html: { does: 'one picture as text/html', head: typed('text/html'), part: bare, parts: 1 },
  bare_pictures: {
    does: 'pictures one after another, without delimiters',
    head: typed('video/x-motion-jpeg'),
    part: bare,
  },
  one_picture: { does: 'one picture where a stream is expected', head: typed('image/jpeg'), part: bare, parts: 1 },
  cut_in_second: {
    does: 'the end in the middle of the second picture',
    parts: 1,
    finish: (jpeg) => firstPart(standardPart(jpeg)),
  },
  closing_delimiter: {
    does: 'three pictures, then the closing delimiter',
    parts: 3,
    finish: () => bytes('--myboundary--\r\n'),
  },
  // Delimiters.
  no_first_delimiter: {
    does: 'no delimiter before the first part (Tasmota#12376)',
    part: (jpeg, nth) => standardPart(jpeg).subarray(nth === 0 ? '--myboundary\r\n'.length : 0),
  },
  delimiter_declared_with_dashes: {
    does: 'a delimiter declared with its dashes (py-mjpeg#2)',
    head: boundary('boundary=--myboundary'),
  },
  delimiter_more_dashes: {
    does: 'a delimiter sent with four dashes (Axis without RFCCompliantMultipart)',
    head: boundary('boundary=--myboundary'),
    part: delimited('----myboundary'),
  },
  delimiter_no_dashes: { does: 'a delimiter sent without dashes (Panasonic, Sony)', part: delimited('myboundary') },
  delimiter_quoted: { does: 'a delimiter declared in quotes', head: boundary('boundary="myboundary"') },
  delimiter_blanks_around: {
    does: 'a delimiter declared with blanks around = (Motion#1187)',
    head: boundary('boundary = myboundary'),
  },
  delimiter_blanks_inside: {
    does: 'a delimiter with a blank in it',
    head: boundary('boundary="my boundary"'),
    part: delimited('--my boundary'),
  },
  delimiter_undeclared: { does: 'a delimiter that is not declared', head: typed('multipart/x-mixed-replace') },
  delimiter_declared_wrong: { does: 'another delimiter than declared', head: boundary('boundary=other') },
  delimiter_other_case: { does: 'a delimiter in capitals', part: delimited('--MYBOUNDARY') },
  delimiter_doubled: {
    does: 'every delimiter twice (go2rtc#1258)',
    part: (jpeg) => bytes('--myboundary\r\n', standardPart(jpeg)),
  },
  blank_before_first: { does: 'a blank line before the first delimiter (VLC)', begin: '\r\n' },
  junk_before_first: { does: 'junk before the first delimiter', begin: 'junk\r\n\0\x01\xff\xd8junk\n' },
  joined_in_picture: {
    does: 'the rest of a picture before the first delimiter',
    begin: `${'\x5a'.repeat(4_000)}\xff\xd9\r\n`,
  },
  next_head_early: {
    does: "the next part's head right behind a picture (ustreamer)",
    begin: '--myboundary\r\nContent-Type: image/jpeg\r\n\r\n',
    part: (jpeg) => bytes(jpeg, '\r\n--myboundary\r\nContent-Type: image/jpeg\r\n\r\n'),
  },
  // Heads of parts.
  no_part_head: { does: 'parts without a head', part: partOf(['--myboundary', '']) },
  no_part_head_no_blank: { does: 'parts without a head or a blank line', part: partOf(['--myboundary']) },
  part_bare_lf: {
    does: 'parts whose lines end in LF (wz_mini_hacks#538)',
    part: partOf(['--myboundary', TYPE, LENGTH, ''], { eol: '\n' }),
  },
  part_image_jpg: {
    does: 'parts of type image/jpg',
    part: partOf(['--myboundary', 'Content-Type: image/jpg', LENGTH, '']),
  },
  part_size_in_type: {
    does: 'parts of type image/jpeg;size=',
    part: partOf(['--myboundary', 'Content-Type: image/jpeg;size=LENGTH', '']),
  },
  part_no_length: { does: 'parts without a length (go2rtc#1833)', part: partOf(['--myboundary', TYPE, '']) },
  part_small_letters: {
    does: 'parts with headers in small letters, no blank behind the colon',
    part: partOf(['--myboundary', 'content-type:image/jpeg', 'content-length:LENGTH', '']),
  },
  part_length_padded: {
    does: 'a padded length and further blank lines (Motion)',
    part: partOf(['--myboundary', TYPE, 'Content-Length:          LENGTH', '', ''], { behind: '\r\n\r\n' }),
  },
  part_line_without_colon: {
    does: 'parts with a line that is no header',
    part: partOf(['--myboundary', 'Thu Jan 01 1970', TYPE, LENGTH, '']),
  },
  part_times_and_tags: {
    does: 'X-Timestamp, X-Tags and dates of 60 characters (SimpleCV#93)',
    part: partOf([
      '--myboundary',
      TYPE,
      'X-Timestamp: 1700000000.123456',
      'X-Tags:',
      `Date: ${'x'.repeat(60)}`,
      LENGTH,
      '',
    ]),
  },
  // Lengths of parts.
  length_short: {
    does: 'lengths that are ten too short',
    part: (jpeg) => bytes(`--myboundary\r\n${TYPE}\r\nContent-Length: ${jpeg.length - 10}\r\n\r\n`, jpeg, '\r\n'),
  },
  length_long: {
    does: 'lengths that are ten too long',
    part: (jpeg) => bytes(`--myboundary\r\n${TYPE}\r\nContent-Length: ${jpeg.length + 10}\r\n\r\n`, jpeg, '\r\n'),
  },
  empty_parts: {
    does: 'an empty part before each picture',
    part: (jpeg) => bytes('--myboundary\r\nContent-Length: 0\r\n\r\n\r\n', standardPart(jpeg)),
  },
  // Between pictures.
  text_parts: {
    does: 'a text part before each picture (firmware of 2004)',
    part: (jpeg) =>
      bytes('--myboundary\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nprogress 1\r\n', standardPart(jpeg)),
  },
  webcamxp: {
    does: "webcamXP's 50 bytes in place of a delimiter",
    head: typed('application/octet-stream'),
    part: (jpeg) => bytes(`mjpeg 0000007${String(jpeg.length).padStart(5, '0')}`.padEnd(50, '\0'), jpeg),
  },
  // Pictures.
  exif_thumbnail: {
    does: 'a thumbnail inside Exif, and no length',
    part: (jpeg) => partOf(['--myboundary', TYPE, ''])(withSegment(jpeg, 0xe1, EXIF)),
  },
  delimiter_in_picture: {
    does: "the delimiter's bytes in a picture",
    part: (jpeg) => standardPart(withSegment(jpeg, 0xfe, bytes('\r\n--myboundary\r\n'))),
  },
  no_end_marker: {
    does: 'pictures without their end marker (webcam-capture#269)',
    part: (jpeg) => standardPart(withoutEnd(jpeg)),
  },
  padding: {
    does: 'zeros behind the end marker, counted in',
    part: (jpeg) => standardPart(bytes(jpeg, Buffer.alloc(24))),
  },
  no_huffman_tables: {
    does: 'pictures without Huffman tables (cam2ip#51)',
    part: (jpeg) => standardPart(withoutTables(jpeg)),
  },
  bytes_before_marker: {
    does: 'zeros before the end marker (Motion#65 has such bytes before RSTn)',
    part: (jpeg) => standardPart(bytes(jpeg.subarray(0, -2), Buffer.alloc(5), jpeg.subarray(-2))),
  },
  first_damaged: {
    does: 'a first picture whose lower part is missing, as after wake-up (go2rtc#1657)',
    part: (jpeg, nth) => standardPart(nth === 0 ? bytes(firstPart(jpeg), '\xff\xd9') : jpeg),
  },
  // Not ours.
  png_parts: {
    does: 'PNG parts',
    outcome: 'not_a_picture',
    part: parts('image/png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')),
  },
  webp_parts: {
    does: 'WebP parts',
    outcome: 'not_a_picture',
    part: parts('image/webp', bytes('RIFF\x10\0\0\0WEBPVP8 ')),
  },
  h264_parts: {
    does: 'H.264 parts',
    outcome: 'not_a_picture',
    part: parts('video/h264', Buffer.from('0000000167420020ff00d8ffd9', 'hex')),
  },
  xml_parts: { does: 'XML parts', outcome: 'not_a_picture', part: parts('application/xml', bytes('<Event id="1"/>')) },
} as const satisfies Readonly<Record<string, Shape>>;
