const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

/** RFC 2046 allows 70 characters; cameras put up to four dashes more into them. */
const MAX_LENGTH = 74;
/** Shorter texts occur in picture data by chance: there they count only with dashes, or even a line end, before them. */
const RARE_LENGTH = 6;
/** Shorter texts are no delimiter without dashes. */
const BARE_LENGTH = 4;

/**
 * The boundary that a Content-Type declares, without quotes, blanks around it and one leading `--`; null where it declares none that
 * can be used. Blanks may stand around `=` and inside the value (Motion#1187), the name in any case.
 */
export function declaredBoundary(contentType: string): string | null {
  const name = contentType.toLowerCase().indexOf('boundary');
  if (name < 0) return null;
  const after = contentType.slice(name + 'boundary'.length).trimStart();
  if (!after.startsWith('=')) return null;
  const value = after.slice(1).trimStart();
  const quote = value[0] === '"' || value[0] === "'" ? value[0] : null;
  const [bare = ''] = quote === null ? value.split(';') : value.slice(1).split(quote);
  return usable(bare.trim());
}

function usable(boundary: string): string | null {
  const text = boundary.startsWith('--') ? boundary.slice(2) : boundary;
  return isPrintable(boundary) && boundary.length <= MAX_LENGTH && !/^-*$/.test(text) ? text : null;
}

/** Nothing but printable ASCII: then no byte of it can be a JPEG marker. */
const isPrintable = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/**
 * The line that stands between parts: as declared, or learned from the first line that begins with `--`. Real cameras differ in the
 * number of dashes (Axis RFCCompliantMultipartEnabled=no, Panasonic HE40, Sony SNC-EB640), in case, or declare another one than they send.
 */
export class Delimiter {
  /** Spellings that count: the declared one, and what the first line said where that was another. */
  readonly #texts: string[];
  #spelled: string | null;
  #needle: Buffer | null;

  constructor(declared: string | null) {
    this.#texts = declared === null ? [] : [declared];
    this.#spelled = declared;
    this.#needle = declared === null ? null : needleOf(declared);
  }

  /** What to look for in picture data; null while no delimiter is known. */
  get needle(): Buffer | null {
    return this.#needle;
  }

  /**
   * Tells whether a line, without its line end, is a delimiter or the closing one, and learns from it.
   * @param isFirst no line with anything in it came before: then it counts besides what was declared
   */
  matches(line: string, isFirst: boolean): boolean {
    if (line.length > 2 * MAX_LENGTH) return false;
    const text = line.trimEnd();
    const spelled = this.#texts.map((one) => spellingIn(text, one)).find((one) => one !== null) ?? null;
    if (spelled !== null) return this.#see(spelled);
    const mayLearn = (isFirst || this.#texts.length === 0) && text.startsWith('--');
    const learned = mayLearn ? usable(text) : null;
    if (learned === null) return false;
    this.#texts.push(learned);
    return this.#see(learned);
  }

  /** Offset at which a picture ends that is cut by what was found here: minus dashes and one line end. */
  endBefore(bytes: Uint8Array, found: number): { readonly end: number; readonly delimiterAt: number } {
    let delimiterAt = bytes[found] === LF ? found + 1 : found;
    while (delimiterAt > found - 4 && delimiterAt > 0 && bytes[delimiterAt - 1] === DASH) delimiterAt -= 1;
    return { end: withoutLineEnd(bytes, delimiterAt), delimiterAt };
  }

  /** Picture data is searched for the spelling seen last. */
  #see(spelled: string): true {
    if (spelled !== this.#spelled) this.#needle = needleOf(spelled);
    this.#spelled = spelled;
    return true;
  }
}

/** How a delimiter of this text is spelled in a line; null where the line is none. */
function spellingIn(line: string, text: string): string | null {
  for (const dashes of [2, 4, 0]) {
    const end = dashes + text.length;
    if (line.length < end || line.slice(0, dashes) !== '----'.slice(0, dashes)) continue;
    const spelled = line.slice(dashes, end);
    if (spelled !== text && spelled.toLowerCase() !== text.toLowerCase()) continue;
    const rest = line.slice(end);
    const isWhole = rest === '' || rest.startsWith('--') || (dashes > 0 && ' \t;'.includes(rest.charAt(0)));
    if (isWhole && (dashes > 0 || text.length >= BARE_LENGTH)) return spelled;
  }
  return null;
}

function needleOf(text: string): Buffer {
  const withDashes = text.length + 2 >= RARE_LENGTH ? `--${text}` : `\n--${text}`;
  return Buffer.from(text.length >= RARE_LENGTH ? text : withDashes, 'latin1');
}

/** The offset before one line end (CR LF or LF) that stands directly before this one. */
export function withoutLineEnd(bytes: Uint8Array, at: number): number {
  if (at === 0 || bytes[at - 1] !== LF) return at;
  return at > 1 && bytes[at - 2] === CR ? at - 2 : at - 1;
}
