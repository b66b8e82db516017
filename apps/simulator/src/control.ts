import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { CameraRegistration } from '#catalog';
import { type Concerned, readCall } from './control-call.js';
import type { Device } from './device.js';
import { provokedBy } from './fault-table.js';
import { type Fault, FAULT_FAMILIES, FAULTS } from './faults.js';

/** A camera that runs: its registration and the channel of the device that plays it; null where nothing is built yet. */
export interface RunningCamera {
  readonly registration: CameraRegistration;
  /** Where its device stands: those of one site fail together. */
  readonly site: string;
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

/** Most devices that are made deaf at once: each costs a thread. */
const MOST_DEAF = 64;

/**
 * The door for people and tests, on loopback only:
 * - `GET /` a page that lists the devices with their addresses, faults and a live picture;
 * - `GET /control` the same as JSON, `{ faults, cameras: [{ authority, localId, site, name, urls, fault }] }`;
 * - `POST /control` with `Content-Type: application/json` says what is wrong from now on, and with which cameras:
 *   `{"authority", "localId"}` with one, `{"site"}` with all of a site, `{"everything": true}` with all;
 *   `"fault"`: one of {@link FAULTS}, or null for nothing; or `"timetable": [{"fault", "forS"}, …]` with `"repeats"`, its steps
 *   one after the other. Answers what was asked and, of several cameras, how many. 400 says what is wrong with a call, 404
 *   that there is no such camera or site, 409 that the camera has no device.
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
  if (pathname === '/control' && request.method === 'POST') return set(cameras, request);
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
  site: camera.site,
  name: camera.registration.name,
  urls: camera.registration.services.map(({ url }) => url),
  fault: faultOf(camera),
});

async function set(cameras: readonly RunningCamera[], request: IncomingMessage): Promise<Answer> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return refused(400, 'expected Content-Type: application/json');
  }
  const body = await readBody(request);
  const call = typeof body === 'string' ? body : readCall(body);
  if (typeof call === 'string') return refused(400, call);
  const { concerned, suffering, said } = call;
  const found = cameras.filter((camera) => isConcerned(camera, concerned));
  if (found.length === 0) return refused(404, `there is no ${nameOf(concerned)}`);
  const built = found.flatMap(({ device, channel }) => (device === null ? [] : [{ device, channel }]));
  if (built.length === 0) return refused(409, `${nameOf(concerned)} is only planned: it has no device`);
  if (built.length > MOST_DEAF && suffering.steps.some(({ of }) => of === 'unanswered')) {
    return refused(400, `unanswered costs a thread a device: at most ${MOST_DEAF} at once, not ${built.length}`);
  }
  const nowMs = Date.now();
  await Promise.all(built.map(({ device, channel }) => device.suffer(channel, suffering, nowMs)));
  return json(200, 'localId' in concerned ? said : { ...said, cameras: built.length });
}

function isConcerned({ registration, site }: RunningCamera, concerned: Concerned): boolean {
  if ('everything' in concerned) return true;
  if ('site' in concerned) return site === concerned.site;
  return registration.authority === concerned.authority && registration.localId === concerned.localId;
}

function nameOf(concerned: Concerned): string {
  if ('everything' in concerned) return 'camera';
  return 'site' in concerned ? `site ${concerned.site}` : `camera ${concerned.authority}/${concerned.localId}`;
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
<code>null</code> ends it; <code>"site"</code> in place of both names sets it for a whole site.</p>
<ul>
${rows.join('\n')}
</ul>
<h2>Faults</h2>
${faultTables()}
</body></html>
`;
}

const faultTables = (): string =>
  FAULT_FAMILIES.map(([family, faults]) => {
    const lines = faults.map(([fault, row]) => {
      const cells = [fault, row.does, provokedBy(row)].map((text) => `<td>${escaped(text)}</td>`);
      return `<tr>${cells.join('')}</tr>`;
    });
    return `<h3>${family}</h3><table>${lines.join('\n')}</table>`;
  }).join('\n');

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
