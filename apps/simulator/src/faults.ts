import type { Socket } from 'node:net';

/** What can be wrong with a picture although it arrives whole; `live` is nothing. */
export const LOOKS = [
  'live',
  'frozen',
  'frozen_clock',
  'card',
  'card_clock',
  'stale',
  'black',
  'flat',
  'covered',
  'overexposed',
  'dark',
  'blurred',
  'fog',
  'moved',
  'nudged',
] as const;
export type Look = (typeof LOOKS)[number];

/** What can be wrong between the network and the picture. */
const TROUBLES = [
  'refused',
  'reset',
  'empty',
  'silence',
  'not_http',
  'busy',
  'unauthorized',
  'forbidden',
  'not_found',
  'bad_gateway',
  'moved_away',
  'html',
  'error_text',
  'no_frame',
  'stalled',
  'drip',
  'cut',
  'damaged',
  'too_large',
  'slow',
  'flapping',
] as const;

/** Everything that a simulated camera can be told to suffer from. */
export const FAULTS = [...LOOKS.filter((look) => look !== 'live'), ...TROUBLES] as const;
export type Fault = Exclude<Look, 'live'> | (typeof TROUBLES)[number];

export const isFault = (word: unknown): word is Fault => (FAULTS as readonly unknown[]).includes(word);

/** A connection whose request has been read. */
export interface Exchange {
  readonly socket: Socket;
  /** Whether a stream was asked for, not a single picture. */
  readonly isStream: boolean;
  /** Resolves after a time; false where the connection ended before. */
  readonly later: (ms: number) => Promise<boolean>;
}

/** At which point of an exchange a fault steps in, and what it does there. */
export type Behaviour =
  /** Nothing listens at the device's address. */
  | { readonly at: 'listener' }
  /** Answers in the device's place. */
  | { readonly at: 'answer'; readonly answer: (exchange: Exchange) => void | Promise<void> }
  /** No user name and password are right. */
  | { readonly at: 'sign_in' }
  /** The picture shows something else. */
  | { readonly at: 'picture'; readonly look: Look }
  /** The bytes of the picture are changed. */
  | { readonly at: 'bytes'; readonly change: (jpeg: Buffer) => Buffer }
  /** The head is sent; the first picture is sent otherwise, and no other after it. */
  | { readonly at: 'body'; readonly send: (jpeg: Buffer, exchange: Exchange) => void | Promise<void> }
  /** The answer comes, but late. */
  | { readonly at: 'start'; readonly delayMs: number }
  /** Comes and goes. */
  | { readonly at: 'times'; readonly faultAt: (nowMs: number) => Fault | null };

const look = (kind: Look): Behaviour => ({ at: 'picture', look: kind });

const answer = (status: string, type: string, body: string, ...headers: readonly string[]): Behaviour => ({
  at: 'answer',
  answer: ({ socket }) => {
    const head = [`HTTP/1.1 ${status}`, `Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`];
    socket.end([...head, ...headers, 'Connection: close', '', body].join('\r\n'));
  },
});

/** A small page, such as every device serves where it has no picture. */
export const page = (title: string): string =>
  `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;

/** Half of a frame: scan data has begun, and much of it is missing. */
const firstPart = (jpeg: Buffer): Buffer => jpeg.subarray(0, Math.floor(jpeg.length * 0.55));

/** Bytes of one endless picture, beyond every cap of a reader. */
const ENDLESS_BYTES = 40 * 1024 * 1024;

async function sendEndless(jpeg: Buffer, { socket, later }: Exchange): Promise<void> {
  socket.write(firstPart(jpeg));
  const scan = Buffer.alloc(65_536, 0x5a);
  for (let sent = 0; sent < ENDLESS_BYTES && !socket.destroyed; sent += scan.length) {
    while (socket.writableNeedDrain) if (!(await later(5))) return;
    socket.write(scan);
  }
  socket.end();
}

async function sendDrop(jpeg: Buffer, { socket, later }: Exchange): Promise<void> {
  for (const byte of jpeg) {
    socket.write(Buffer.of(byte));
    if (!(await later(1_000))) return;
  }
}

/** One behaviour a fault; the outcome or flag of probing.md that it is there to provoke stands beside it. */
export const BEHAVIOURS: Readonly<Record<Fault, Behaviour>> = {
  // Picture flags (section 7).
  frozen: look('frozen'),
  frozen_clock: look('frozen_clock'), // frozen, though no two pictures are equal
  card: look('card'), // placeholder
  card_clock: look('card_clock'), // placeholder
  stale: look('stale'), // stale, frozen: taken three hours ago, as `Last-Modified` says
  black: look('black'),
  flat: look('flat'),
  covered: look('covered'),
  overexposed: look('overexposed'),
  dark: look('dark'), // dark while the sun is up
  blurred: look('blurred'),
  fog: look('fog'), // no fault
  moved: look('moved'), // turned by 30 % of the picture
  nudged: look('nudged'), // by 5 %: no fault
  // Outcomes (section 6).
  refused: { at: 'listener' },
  reset: { at: 'answer', answer: ({ socket }) => void socket.resetAndDestroy() },
  empty: { at: 'answer', answer: ({ socket }) => void socket.end() }, // empty_reply
  silence: { at: 'answer', answer: () => undefined }, // first_byte_timeout
  not_http: { at: 'answer', answer: ({ socket }) => void socket.end('SSH-2.0-dropbear_2022.83\r\n') }, // protocol_error
  busy: answer('503 Service Unavailable', 'text/plain', 'Maximum number of clients reached\n', 'Retry-After: 10'),
  unauthorized: { at: 'sign_in' }, // auth_failed
  forbidden: answer('403 Forbidden', 'text/plain', 'Forbidden\n'),
  not_found: answer('404 Not Found', 'text/html', page('404 Not Found')),
  bad_gateway: answer('502 Bad Gateway', 'text/html', page('502 Bad Gateway')), // unreachable
  moved_away: answer('302 Found', 'text/html', page('302 Found'), 'Location: /login.html'), // moved
  html: answer('200 OK', 'text/html', page('Web client')), // not_a_picture
  error_text: answer('200 OK', 'text/plain', '<!-- Camera 1 not available. -->\n'), // not_a_picture
  no_frame: {
    at: 'answer',
    answer: ({ socket, isStream }) => {
      const type = isStream ? 'multipart/x-mixed-replace; boundary=myboundary' : 'image/jpeg';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`);
    },
  }, // first_frame_timeout
  stalled: { at: 'body', send: (jpeg, { socket }) => void socket.write(firstPart(jpeg)) },
  drip: { at: 'body', send: sendDrop }, // one byte a second: first_frame_timeout
  cut: { at: 'body', send: (jpeg, { socket }) => void socket.end(firstPart(jpeg)) }, // bad_picture
  damaged: { at: 'bytes', change: (jpeg) => Buffer.concat([firstPart(jpeg), Buffer.of(0xff, 0xd9)]) }, // bad_picture
  too_large: { at: 'body', send: sendEndless },
  // Right in the end.
  slow: { at: 'start', delayMs: 2_000 },
  flapping: { at: 'times', faultAt: (nowMs) => (Math.floor(nowMs / 60_000) % 2 === 0 ? null : 'reset') },
};

/** What a fault does at a moment; null without one. */
export function behaviourAt(fault: Fault | null, nowMs: number): Behaviour | null {
  if (fault === null) return null;
  const behaviour = BEHAVIOURS[fault];
  return behaviour.at === 'times' ? behaviourAt(behaviour.faultAt(nowMs), nowMs) : behaviour;
}
