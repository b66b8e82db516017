import { setTimeout as wait } from 'node:timers/promises';

const TRIES = 20;

/** An answer, read whole. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly json: Record<string, unknown>;
}

export interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, as a script of our own page would. */
  readonly body?: unknown;
}

/** As much of a browser as sessions need: cookies by origin, and redirects one by one. */
export class Browser {
  /** Cookies of each origin, by name. */
  readonly jar = new Map<string, Map<string, string>>();

  /** Cookies that an origin gave. */
  cookiesOf(url: string): Map<string, string> {
    const { origin } = new URL(url);
    const cookies = this.jar.get(origin) ?? new Map<string, string>();
    this.jar.set(origin, cookies);
    return cookies;
  }

  /** Asks again where the server had no time: the machine that runs the tests is small. */
  async visit(url: string, visit: Visit = {}): Promise<Seen> {
    for (let tried = 1; ; tried += 1) {
      const seen = await this.visitOnce(url, visit);
      if (seen.json.code !== 'overloaded' || tried === TRIES) return seen;
      await wait(500);
    }
  }

  private async visitOnce(url: string, { method = 'GET', headers = {}, body }: Visit): Promise<Seen> {
    const cookies = this.cookiesOf(url);
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        ...(cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const line of response.headers.getSetCookie()) keep(line, cookies);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  }

  /** Follows redirects, with the cookies of each origin, to the first answer that is none or that `isEnd`. */
  async follow(url: string, isEnd: (url: string) => boolean = () => false): Promise<Seen & { readonly url: string }> {
    for (let at = url, hops = 0; ; hops += 1) {
      if (isEnd(at)) return { url: at, status: 0, headers: new Headers(), text: '', json: {} };
      const seen = await this.visit(at);
      const location = seen.headers.get('location');
      if (location === null || seen.status < 300 || seen.status > 399) return { ...seen, url: at };
      if (hops > 10) throw new Error(`more than ten redirects, the last to ${location}`);
      at = new URL(location, at).href;
    }
  }
}

function keep(line: string, cookies: Map<string, string>): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (/;\s*max-age=0\b/i.test(line) || /expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name);
  else cookies.set(name, value);
}

/** What a script of our own page sends with a request that changes something. */
export const OWN_PAGE = { 'sec-fetch-site': 'same-origin' } as const;
