import {
  DEFAULT_LIMITS,
  NonceCache,
  probe,
  type ProbeResult,
  type ProbeTools,
  type ServiceTarget,
} from '../src/index.js';
import { type Answer, bytes, fakeCamera, type FakeCamera } from './fake-camera.js';
import { jpegOf, scanData } from './jpegs.js';

export const A = jpegOf(1, { scan: scanData(1, 4_000) });
export const B = jpegOf(2, { scan: scanData(2, 3_000) });
export const MULTIPART = 'HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=myboundary\r\n\r\n';
export const part = (jpeg: Buffer): Buffer =>
  bytes(`--myboundary\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`, jpeg, '\r\n');
export const STREAM = bytes(MULTIPART, part(A), part(B));
export const SNAPSHOT = bytes(`HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: ${A.length}\r\n\r\n`, A);
export const status = (code: number, ...headers: readonly string[]): string =>
  `HTTP/1.1 ${code} X\r\n${headers.map((line) => `${line}\r\n`).join('')}Content-Length: 0\r\n\r\n`;

const cameras: FakeCamera[] = [];
/** For `afterEach`. */
export async function closeCameras(): Promise<void> {
  await Promise.all(cameras.splice(0).map((one) => one.close()));
}

export async function camera(answer: Answer): Promise<FakeCamera> {
  const made = await fakeCamera(answer);
  cameras.push(made);
  return made;
}

export interface Asking {
  readonly target?: Partial<ServiceTarget>;
  readonly tools?: Partial<ProbeTools>;
  readonly limits?: Partial<ProbeTools['limits']>;
  readonly signal?: AbortSignal;
}

export const toolsOf = ({ tools, limits }: Asking = {}): ProbeTools => ({
  limits: { ...DEFAULT_LIMITS, ...limits },
  nonces: new NonceCache(),
  userAgent: 'Sightline/0.1.0',
  now: () => performance.now(),
  ...tools,
});

export const targetOf = (url: string, target: Partial<ServiceTarget> = {}): ServiceTarget => ({
  kind: 'mjpeg',
  url,
  allowBasicPlaintext: false,
  policy: { cidrs: ['127.0.0.0/8'], ports: [Number(new URL(url).port) || 80], loopback: true },
  ...target,
});

export const ask = (url: string, asking: Asking = {}): Promise<ProbeResult> =>
  probe(targetOf(url, asking.target), toolsOf(asking), asking.signal ?? new AbortController().signal);

export const askOf = async (answer: Answer, asking: Asking = {}): Promise<ProbeResult> =>
  ask((await camera(answer)).url(), asking);

export const QUICK = { firstByteMs: 200, stallMs: 200, wholeMs: 500 };
export const CREDENTIALS = { username: 'viewer', password: 'rain & wind' };
