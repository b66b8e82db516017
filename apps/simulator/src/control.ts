import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { CameraRegistration } from '#catalog';
import type { Device } from './device.js';
import { type Fault, FAULTS, isFault } from './faults.js';

/** A camera that runs: its registration and the channel of the device that plays it; null where nothing is built yet. */
export interface RunningCamera {
  readonly registration: CameraRegistration;
  readonly device: Device | null;
  readonly channel: number;
}

type Answer = { readonly status: number; readonly type: string; readonly body: string | Buffer };

const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});
const refused = (status: number, error: string): Answer => json(status, { error });

/** Largest body of a control call, bytes. */
const MAX_BODY = 4_096;

/**
 * The door for people and tests, on loopback only:
 * - `GET /` a page that lists the devices with their addresses, faults and a live picture;
 * - `GET /control` the same as JSON, `{ faults, cameras: [{ authority, localId, name, urls, fault }] }`;
 * - `POST /control` with `Content-Type: application/json` and `{"authority", "localId", "fault"}` sets a fault of
 *   {@link FAULTS} now, or ends it with `null`; answers `{ authority, localId, fault }`. 400 says what is wrong with a
 *   call, 404 that there is no such camera, 409 that it has no device.
 *
 * A call that did not come by a loopback name is refused, so that no web page can reach it by a name of its own.
 */
export function createControl(cameras: readonly RunningCamera[], log: (message: string) => void): Server {
  return createServer((request, response) => {
    answer(cameras, request)
      .catch((error: unknown) => {
        log(`${request.url ?? ''}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        return refused(500, 'the simulator failed; its log says why');
      })
      .then(
        (reply) => send(response, reply, request.method === 'HEAD'),
        () => response.destroy(),
      );
  });
}

function send(response: ServerResponse, { status, type, body }: Answer, isHead: boolean): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(isHead ? undefined : body);
}

async function answer(cameras: readonly RunningCamera[], request: IncomingMessage): Promise<Answer> {
  if (!isLoopback(request)) return refused(403, 'only loopback may ask');
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (pathname === '/' && isRead) return { status: 200, type: 'text/html; charset=utf-8', body: indexPage(cameras) };
  if (pathname === '/control' && isRead) return json(200, { faults: FAULTS, cameras: cameras.map(stateOf) });
  if (pathname === '/control' && request.method === 'POST') return setFault(cameras, request);
  if (pathname.startsWith('/picture/') && isRead) return picture(cameras, pathname);
  return refused(404, `there is no ${request.method ?? ''} ${pathname}`);
}

function isLoopback({ socket, headers }: IncomingMessage): boolean {
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  return (
    /^(?:::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '') && /^(?:localhost|127(?:\.\d{1,3}){3})$/.test(host)
  );
}

const faultOf = ({ device, channel }: RunningCamera): Fault | null => device?.faultOf(channel) ?? null;

const stateOf = (camera: RunningCamera): Record<string, unknown> => ({
  authority: camera.registration.authority,
  localId: camera.registration.localId,
  name: camera.registration.name,
  urls: camera.registration.services.map(({ url }) => url),
  fault: faultOf(camera),
});

async function setFault(cameras: readonly RunningCamera[], request: IncomingMessage): Promise<Answer> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return refused(400, 'expected Content-Type: application/json');
  }
  const call = await readBody(request);
  if (typeof call === 'string') return refused(400, call);
  const { authority, localId, fault, ...others } = call;
  const [other] = Object.keys(others);
  if (other !== undefined) return refused(400, `${JSON.stringify(other)} is not known here`);
  if (typeof authority !== 'string' || typeof localId !== 'string') {
    return refused(400, 'expected authority and localId as text');
  }
  if (fault !== null && !isFault(fault)) {
    return refused(
      400,
      `expected fault to be null or one of ${FAULTS.join(', ')}; got ${JSON.stringify(fault) ?? 'nothing'}`,
    );
  }
  const camera = cameras.find(
    ({ registration }) => registration.authority === authority && registration.localId === localId,
  );
  if (camera === undefined) return refused(404, `there is no camera ${authority}/${localId}`);
  if (camera.device === null) return refused(409, `${authority}/${localId} is only planned: it has no device`);
  await camera.device.setFault(camera.channel, fault, Date.now());
  return json(200, { authority, localId, fault });
}

/** The body as an object; otherwise what is wrong with it. */
async function readBody(request: IncomingMessage): Promise<Record<string, unknown> | string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY) return `expected at most ${MAX_BODY} bytes`;
  }
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : 'expected a JSON object';
  } catch (error) {
    if (error instanceof SyntaxError) return `expected JSON: ${error.message}`;
    throw error;
  }
}

async function picture(cameras: readonly RunningCamera[], pathname: string): Promise<Answer> {
  const found = cameras.find(({ registration }) => pathname === picturePath(registration));
  if (found?.device == null) return refused(404, 'there is no such picture');
  const frame = await found.device.look(found.channel, { widthPx: 320, heightPx: 180, compression: 30 }, Date.now());
  return { status: 200, type: 'image/jpeg', body: frame.bytes };
}

const picturePath = ({ authority, localId }: CameraRegistration): string =>
  `/picture/${authority}/${encodeURIComponent(localId)}.jpg`;

/** Cameras of a load test are not shown beyond this number. */
const MAX_SHOWN = 100;

function indexPage(cameras: readonly RunningCamera[]): string {
  const rows = cameras.slice(0, MAX_SHOWN).map((camera) => {
    const { registration, device } = camera;
    const urls = registration.services.map(({ url, kind }) => `<a href="${escaped(url)}">${kind}</a>`).join(' ');
    const shown =
      device === null ? 'planned' : `<img src="${escaped(picturePath(registration))}" width="320" height="180" alt="">`;
    const fault = faultOf(camera);
    return `<li>${shown}<b>${escaped(registration.name)}</b><br>${escaped(`${registration.authority}/${registration.localId}`)}
${urls}${fault === null ? '' : ` <em>${fault}</em>`}</li>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="20"><title>Simulated street</title>
<style>body{font:14px system-ui;margin:1rem}ul{display:grid;grid-template-columns:repeat(auto-fill,320px);gap:1rem;padding:0}
li{list-style:none}img{display:block;background:#ccc}em{color:#b00}</style></head>
<body><h1>Simulated street of Sinshih</h1>
<p>${cameras.length} cameras; none of them is real. What a device shows is seen here whatever its sign-in or fault.
Set a fault: <code>curl -H 'content-type: application/json' -d '{"authority":"demo-water","localId":"1639","fault":"frozen"}' …/control</code>;
<code>null</code> ends it. Faults: ${FAULTS.join(', ')}.</p>
<ul>
${rows.join('\n')}
</ul></body></html>
`;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
