import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type Credentials, type ServiceKind, withoutUserinfo } from '#catalog';
import { Pictures } from '#frames';
import { DEFAULT_LIMITS, isRefusal, NonceCache, parseTarget, probe, type ProbeResult, requestUrl } from '#probe';
import { Failure } from './server.js';

export interface ProbeUrlOptions {
  readonly kind?: ServiceKind;
  /** `name:password`. */
  readonly user?: string;
  readonly resolution?: string;
  readonly output?: string;
  readonly insecureBasic?: boolean;
  readonly legacyTls?: boolean;
  readonly json?: boolean;
  readonly version: string;
}

/** Exit code when the camera gave no picture. */
const NO_PICTURE = 2;

/** Diagnoses a camera's URL from this shell, without registering it: every step, the outcome, and the picture itself. */
export async function probeUrl(given: string, options: ProbeUrlOptions): Promise<void> {
  const { url, credentials: inUrl } = withoutUserinfo(given);
  const target = parseTarget(url);
  if (isRefusal(target)) throw new Failure(`this URL cannot be probed: ${target.reason}`);
  const kind = options.kind ?? kindOf(target.scheme, url);
  const pictures = await Pictures.start({ workers: 1 });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const result = await probe(
      {
        kind,
        url,
        ...(options.resolution === undefined ? {} : { vapix: { resolution: options.resolution } }),
        credentials: credentialsOf(options.user) ?? inUrl,
        allowBasicPlaintext: options.insecureBasic === true,
        ...(options.legacyTls === true ? { tls: 'legacy' as const } : {}),
        // The person's own shell: the addresses of this URL, but nothing that is never dialled (contract.md).
        policy: { cidrs: ['0.0.0.0/0', '::/0'], ports: [target.port], loopback: true },
      },
      {
        limits: DEFAULT_LIMITS,
        nonces: new NonceCache(),
        userAgent: `Sightline/${options.version}`,
        now: () => performance.now(),
        cnonce: () => randomBytes(8).toString('hex'),
        isDamaged: async (frame) => (await pictures.inspect(frame)).damage,
      },
      stop.signal,
    );
    const saved = result.frame === null ? null : (options.output ?? 'frame.jpg');
    if (result.frame !== null && saved !== null) await writeFile(saved, result.frame.bytes);
    const asked = scrubbed(
      requestUrl(url, options.resolution === undefined ? undefined : { resolution: options.resolution }, kind),
    );
    process.stdout.write(options.json === true ? asJson(result, kind, saved) : asText(result, kind, asked, saved));
    if (result.outcome !== 'ok') process.exitCode = NO_PICTURE;
  } finally {
    await pictures.close();
  }
}

/** What a URL most likely serves; the reader takes a single picture at a stream's address too. */
function kindOf(scheme: string, url: string): ServiceKind {
  if (scheme.startsWith('rtsp')) return 'rtsp';
  if (/\.m3u8(?:$|\?)/i.test(url)) return 'hls';
  return /\.(?:jpe?g|png)(?:$|\?)|image\.cgi|\/snapshot|\/jpg\//i.test(url) ? 'snapshot' : 'mjpeg';
}

function credentialsOf(user: string | undefined): Credentials | null {
  if (user === undefined) return null;
  const at = user.indexOf(':');
  if (at < 0) throw new Failure('--user is name:password');
  return { username: user.slice(0, at), password: user.slice(at + 1) };
}

/** Values of a query may be secrets. */
const scrubbed = (url: string): string => url.replace(/([?&][^=&]*(?:pass|pwd|token|key|auth)[^=&]*=)[^&]*/gi, '$1***');

function asJson({ outcome, phases, frame, evidence }: ProbeResult, service: ServiceKind, saved: string | null): string {
  const size = frame === null ? null : { widthPx: frame.widthPx, heightPx: frame.heightPx, bytes: frame.bytes.length };
  return `${JSON.stringify({ outcome, service, phases, frame: size, evidence, saved }, null, 2)}\n`;
}

const STEPS = [
  ['dnsMs', 'name looked up'],
  ['connectMs', 'connected'],
  ['tlsMs', 'TLS agreed'],
  ['firstByteMs', 'first byte'],
  ['firstFrameMs', 'first whole picture'],
] as const;

function asText(
  { outcome, phases, frame, evidence }: ProbeResult,
  kind: ServiceKind,
  url: string,
  saved: string | null,
): string {
  const steps = STEPS.flatMap(([step, words]) => {
    const ms = phases[step];
    return ms === null ? [] : [`  ${words.padEnd(20)} ${ms.toFixed(1).padStart(8)} ms`];
  });
  const facts = [
    ...(evidence.address === undefined ? [] : [['address', evidence.address]]),
    ...(evidence.status === undefined ? [] : [['HTTP status', String(evidence.status)]]),
    ...(evidence.realm === undefined ? [] : [['realm', evidence.realm]]),
    ...(evidence.auth === 'none' ? [] : [['signed in by', evidence.auth]]),
    ...(frame === null
      ? []
      : [['picture', `${frame.widthPx} x ${frame.heightPx} pixels, ${frame.bytes.length} bytes`]]),
    ...(saved === null ? [] : [['saved as', saved]]),
  ];
  return [
    `${kind} ${url}`,
    ...steps,
    `  ${'outcome'.padEnd(20)} ${outcome}: ${evidence.reason}`,
    ...facts.map(([name = '', value = '']) => `  ${name.padEnd(20)} ${value}`),
    '',
  ].join('\n');
}
