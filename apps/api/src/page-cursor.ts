import { createHash } from 'node:crypto';
import type { Keyring } from '#access';
import { CursorExpired, CursorMismatch } from '#catalog';

/** How long a cursor serves, milliseconds. */
const LIFE_MS = 86_400_000;

type Query = Readonly<Record<string, unknown>>;

/** Parameters that shape a page and do not choose what is listed. */
const SHAPE: readonly string[] = ['cursor', 'limit'];

/** What a cursor was made for: the address, the selectors and the form. */
function purposeOf(path: string, query: Query, form: string): string {
  const chosen = Object.entries(query)
    .filter(([name]) => !SHAPE.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([path, form, chosen]))
    .digest('base64url')
    .slice(0, 22);
}

/** Where one list goes on: signs positions into `next` links and reads them back. */
export class PageCursor {
  private readonly purpose: string;

  constructor(
    private readonly keyring: Keyring,
    private readonly path: string,
    private readonly query: Query,
    form: string,
  ) {
    this.purpose = purposeOf(path, query, form);
  }

  /**
   * The position in a cursor that this server made for this very list.
   * @throws CursorMismatch for a changed one, or one of another list; CursorExpired after 24 hours
   */
  read<Position>(text: string | undefined, now: number): Position | undefined {
    if (text === undefined) return undefined;
    const signed = this.keyring.readCursor(text);
    const payload = signed?.payload as
      { readonly for?: string; readonly at?: Position; readonly resume?: boolean } | undefined;
    if (signed === null || payload?.for !== this.purpose) {
      throw new CursorMismatch('this cursor was changed, or made for other selectors; begin again without it');
    }
    if (payload.resume !== true && now - signed.issuedAt > LIFE_MS) {
      throw new CursorExpired('this cursor is older than 24 hours; begin again without it');
    }
    return payload.at;
  }

  /** Address of the page that begins after a position. A `resume` link serves for as long as the signing key does. */
  urlAfter(position: object, baseUrl: string, { resume = false } = {}): string {
    const cursor = this.keyring.signCursor({ for: this.purpose, at: position, ...(resume ? { resume } : {}) });
    return `${baseUrl}${this.path}?${this.text({ ...this.query, cursor })}`;
  }

  /** Address of this very page. */
  self(baseUrl: string): string {
    const text = this.text(this.query);
    return `${baseUrl}${this.path}${text === '' ? '' : `?${text}`}`;
  }

  private text(query: Query): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const item of [value].flat()) parameters.append(name, String(item));
    }
    return parameters.toString();
  }
}
