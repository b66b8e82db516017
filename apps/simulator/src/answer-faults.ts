import { answer, page, raw, redirect } from './answers.js';
import type { Manner } from './behaviour.js';
import { firstPart, STREAM_HEAD } from './bytes.js';
import { sendEndless } from './endless.js';
import type { Exchange } from './exchange.js';
import type { FaultRow } from './fault-row.js';

/** Sends a head that a stream or a picture would have, and nothing of either. */
function sendHead({ socket, isStream }: Exchange): void {
  socket.write(isStream ? STREAM_HEAD : 'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n\r\n');
}

async function sendDrop(jpeg: Buffer, { socket, later }: Exchange): Promise<void> {
  for (const byte of jpeg) {
    socket.write(Buffer.of(byte));
    if (!(await later(1_000))) return;
  }
}

const endless = (first: string, again: string | Buffer): Manner => ({
  at: 'answer',
  answer: (exchange) => sendEndless(first, again, exchange),
});

/** Answers that are no picture, or only the beginning of one (probing.md, section 6). */
export const ANSWER_FAULTS = {
  // Something else than HTTP, or HTTP broken beyond reading.
  not_http: {
    does: 'answers as SSH',
    outcome: 'protocol_error',
    behaviour: raw('SSH-2.0-dropbear_2022.83\r\n'),
  },
  rtsp_answer: {
    does: 'answers as RTSP',
    outcome: 'protocol_error',
    behaviour: raw('RTSP/1.0 400 Bad Request\r\nCSeq: 0\r\n\r\n'),
  },
  tls_answer: {
    does: 'answers plain HTTP with a TLS alert',
    outcome: 'protocol_error',
    behaviour: raw(Buffer.of(0x15, 3, 1, 0, 2, 2, 70)),
  },
  head_cut: {
    does: 'closes in the middle of the head',
    outcome: 'protocol_error',
    behaviour: raw('HTTP/1.1 200 OK\r\nContent-Ty'),
  },
  head_endless: {
    does: 'sends a head without end',
    outcome: 'protocol_error',
    behaviour: endless('HTTP/1.1 200 OK\r\n', `X-Padding: ${'a'.repeat(100)}\r\n`),
  },
  chunks_broken: {
    does: 'sends chunks whose sizes are no numbers',
    outcome: 'protocol_error',
    behaviour: raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nsix\r\nworlds\r\n'),
  },
  // A status.
  busy: {
    does: 'answers 503, all viewers taken',
    outcome: 'busy',
    behaviour: answer(
      '503 Service Unavailable',
      'text/plain',
      'Maximum number of clients reached\n',
      'Retry-After: 10',
    ),
  },
  throttled: {
    does: 'answers 429',
    outcome: 'busy',
    behaviour: answer('429 Too Many Requests', 'text/plain', 'Too many requests\n', 'Retry-After: 10'),
  },
  forbidden: {
    does: 'answers 403',
    outcome: 'forbidden',
    behaviour: answer('403 Forbidden', 'text/plain', 'Forbidden\n'),
  },
  proxy_sign_in: {
    does: 'answers 407, a proxy in between',
    outcome: 'forbidden',
    behaviour: answer(
      '407 Proxy Authentication Required',
      'text/plain',
      'Proxy\n',
      'Proxy-Authenticate: Basic realm="proxy"',
    ),
  },
  not_found: {
    does: 'answers 404',
    outcome: 'not_found',
    behaviour: answer('404 Not Found', 'text/html', page('404 Not Found')),
  },
  gone: { does: 'answers 410', outcome: 'not_found', behaviour: answer('410 Gone', 'text/html', page('410 Gone')) },
  bad_gateway: {
    does: 'answers 502, as a gateway that does not reach it',
    outcome: 'unreachable',
    behaviour: answer('502 Bad Gateway', 'text/html', page('502 Bad Gateway')),
  },
  gateway_timeout: {
    does: 'answers 504, as a gateway that waited in vain',
    outcome: 'unreachable',
    behaviour: answer('504 Gateway Timeout', 'text/html', page('504 Gateway Timeout')),
  },
  no_content: {
    does: 'answers 204',
    outcome: 'empty_reply',
    behaviour: raw('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'),
  },
  empty_body: {
    does: 'answers 200 and an empty body',
    outcome: 'empty_reply',
    behaviour: answer('200 OK', 'image/jpeg', ''),
  },
  not_modified: {
    does: 'answers 304 whatever was asked',
    outcome: 'protocol_error',
    behaviour: raw('HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n'),
  },
  bad_request: {
    does: 'answers 400',
    outcome: 'protocol_error',
    behaviour: answer('400 Bad Request', 'text/html', page('400 Bad Request')),
  },
  server_error: {
    does: 'answers 500',
    outcome: 'protocol_error',
    behaviour: answer('500 Internal Server Error', 'text/html', page('500 Internal Server Error')),
  },
  moved_away: { does: 'redirects to its login page', outcome: 'moved', behaviour: redirect('/login.html') },
  moved_elsewhere: {
    does: 'redirects to another host',
    outcome: 'moved',
    behaviour: redirect('http://portal.example/login'),
  },
  moved_nowhere: { does: 'redirects without saying where to', outcome: 'moved', behaviour: redirect('') },
  moved_in_circles: {
    does: 'redirects in a circle',
    outcome: 'moved',
    behaviour: redirect('/mjpg/video.mjpg'),
  },
  // No picture in the body.
  html: {
    does: 'answers with a page',
    outcome: 'not_a_picture',
    behaviour: answer('200 OK', 'text/html', page('Web client')),
  },
  error_text: {
    does: 'answers 200 and a text that says why there is no picture, as VAPIX does',
    outcome: 'not_a_picture',
    behaviour: answer('200 OK', 'text/plain', '<!-- Camera 1 not available. -->\n'),
  },
  compressed: {
    does: 'answers with a content coding that nobody asked for',
    outcome: 'not_a_picture',
    behaviour: answer('200 OK', 'image/jpeg', Buffer.from('1f8b0800000000000003', 'hex'), 'Content-Encoding: gzip'),
  },
  png: {
    does: 'answers with a PNG picture',
    outcome: 'not_a_picture',
    behaviour: answer('200 OK', 'image/png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')),
  },
  endless_zeros: {
    does: 'sends zeros without end',
    outcome: 'not_a_picture',
    behaviour: endless(STREAM_HEAD, Buffer.alloc(1_024)),
  },
  endless_text: {
    does: 'sends progress in text parts without end',
    outcome: 'not_a_picture',
    behaviour: endless(`${STREAM_HEAD}--myboundary\r\nContent-Type: text/plain\r\n\r\n`, 'starting up, please wait\n'),
  },
  endless_delimiters: {
    does: 'sends delimiters without end',
    outcome: 'not_a_picture',
    behaviour: endless(STREAM_HEAD, '--myboundary\r\n'),
  },
  // A picture that does not come to its end.
  no_frame: {
    does: 'answers 200 and a head, then nothing',
    outcome: 'first_frame_timeout',
    behaviour: { at: 'answer', answer: sendHead },
  },
  stalled: {
    does: 'stops in mid-picture',
    outcome: 'stalled',
    behaviour: { at: 'body', send: (jpeg, { socket }) => void socket.write(firstPart(jpeg)) },
  },
  drip: {
    does: 'sends one byte a second',
    outcome: 'first_frame_timeout',
    behaviour: { at: 'body', send: sendDrop },
  },
  cut: {
    does: 'closes in mid-picture',
    outcome: 'bad_picture',
    behaviour: { at: 'body', send: (jpeg, { socket }) => void socket.end(firstPart(jpeg)) },
  },
  too_large: {
    does: 'sends a picture without end',
    outcome: 'too_large',
    behaviour: {
      at: 'body',
      send: (jpeg, exchange) => sendEndless(firstPart(jpeg), Buffer.alloc(65_536, 0x5a), exchange),
    },
  },
} as const satisfies Readonly<Record<string, FaultRow>>;
