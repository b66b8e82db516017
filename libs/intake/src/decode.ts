import type { RowProblem } from './row.js';

/** Text of a file, or why it is none. */
export type Decoded = { readonly text: string } | { readonly refused: RowProblem };

/**
 * First step of every profile: UTF-8 or UTF-16 without its byte order mark. Pages are refused here, since portals answer
 * 200 with a page where the data has moved.
 */
export function decodeText(bytes: Uint8Array): Decoded {
  const encoding = encodingOf(bytes);
  const text = decodedAs(encoding, bytes);
  if (text === null) {
    return refusal(
      'bad_encoding',
      `these bytes are no ${encoding.toUpperCase()}; save the file as UTF-8 and send it again`,
    );
  }
  const head = text.slice(0, 200).trimStart().toLowerCase();
  if (head === '') return refusal('not_data', 'the file is empty');
  if (head.startsWith('<html') || head.startsWith('<!doctype')) {
    return refusal('not_data', 'the file is a web page, not data');
  }
  return { text };
}

/** Reads the beginning of a file for looking at it: whatever does not decode is replaced. */
export const decodeHead = (bytes: Uint8Array, length: number): string =>
  new TextDecoder(encodingOf(bytes)).decode(bytes.subarray(0, length));

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** By the byte order mark, else by the zero half of the first character, which is ASCII in every format read here. */
function encodingOf([first, second]: Uint8Array): Encoding {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0 && second !== undefined && second > 0) return 'utf-16be';
  return first !== undefined && first > 0 && second === 0 ? 'utf-16le' : 'utf-8';
}

function decodedAs(encoding: Encoding, bytes: Uint8Array): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return null;
    throw error;
  }
}

/** The answer for a file of which no row is read. */
export function refusal(code: RowProblem['code'], detail: string, pointer = ''): { readonly refused: RowProblem } {
  return { refused: { pointer, code, severity: 'error', detail } };
}
