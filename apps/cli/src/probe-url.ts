import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type Credentials, type Frame, type ServiceKind, type TlsMode, withoutUserinfo } from '#catalog';
import { cellSumsOf, Pictures, type Signals, sourceTimeOf } from '#frames';
import { glance } from '#health';
import { DEFAULT_LIMITS, isRefusal, NonceCache, parseTarget, probe, type ProbeEvidence, requestUrl } from '#probe';
import { askPassword } from './ask-password.js';
import { asJson, asText, type Diagnosis, scrubbed } from './probe-report.js';
import { Failure } from './server.js';

export interface ProbeUrlOptions {
  readonly kind?: ServiceKind;
  /** `name:password`, or a name alone: then the password is asked for. */
  readonly user?: string;
  readonly resolution?: string;
  readonly output?: string;
  readonly insecureBasic?: boolean;
  readonly tls?: TlsMode;
  readonly legacyTls?: boolean;
  /** SHA-256 of the public key that the device showed before, base64. */
  readonly pin?: string;
  readonly json?: boolean;
  readonly version: string;
}

/** Exit code when the camera gave no picture. */
const NO_PICTURE = 2;

/** Diagnoses a camera's URL from this shell, without registering it: every step, the outcome, what to do, and the picture itself. */
export async function probeUrl(given: string, options: ProbeUrlOptions): Promise<void> {
  const { url, credentials: inUrl } = URL.canParse(given) ? withoutUserinfo(given) : { url: given, credentials: null };
  const target = parseTarget(url);
  if (isRefusal(target)) throw new Failure(`this URL cannot be probed: ${target.reason}`);
  const kind = options.kind ?? kindOf(target.scheme, url);
  const vapix = options.resolution === undefined ? {} : { vapix: { resolution: options.resolution } };
  const tls = options.tls ?? (options.legacyTls === true ? 'legacy' : undefined);
  const credentials = (await credentialsOf(options.user)) ?? inUrl;
  const pictures = await Pictures.start({ workers: 1 });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const decoded: { signals: Signals | null } = { signals: null };
  try {
    const result = await probe(
      {
        kind,
        url,
        ...vapix,
        credentials,
        allowBasicPlaintext: options.insecureBasic === true,
        ...(tls === undefined ? {} : { tls }),
        ...(options.pin === undefined ? {} : { pin: options.pin }),
        // The person's own shell: the addresses of this URL, but nothing that is never dialled (contract.md).
        policy: { cidrs: ['0.0.0.0/0', '::/0'], ports: [target.port], loopback: true },
      },
      {
        limits: DEFAULT_LIMITS,
        nonces: new NonceCache(),
        userAgent: `Sightline/${options.version}`,
        now: () => performance.now(),
        cnonce: () => randomBytes(8).toString('hex'),
        isDamaged: async (frame) => {
          const { damage, signals } = await pictures.inspect(frame);
          decoded.signals = signals;
          return damage;
        },
      },
      stop.signal,
    );
    const { frame } = result;
    const saved = frame === null ? null : (options.output ?? 'frame.jpg');
    if (frame !== null && saved !== null) await writeFile(saved, frame.bytes);
    const diagnosis: Diagnosis = {
      result,
      kind,
      url: scrubbed(requestUrl(url, vapix.vapix, kind)),
      hasCredentials: credentials !== null,
      looks: frame === null ? [] : looksOf(frame, decoded.signals, result.evidence),
      saved,
    };
    process.stdout.write(options.json === true ? asJson(diagnosis) : asText(diagnosis));
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

async function credentialsOf(user: string | undefined): Promise<Credentials | null> {
  if (user === undefined) return null;
  const at = user.indexOf(':');
  if (at < 0) return { username: user, password: await askPassword(`Password of ${user}: `) };
  return { username: user.slice(0, at), password: user.slice(at + 1) };
}

/** What the one picture seems to suffer from; of the sun nothing is known here. */
function looksOf(frame: Frame, signals: Signals | null, evidence: ProbeEvidence): Diagnosis['looks'] {
  if (signals === null) return [];
  const { grey: _grey, hidden: _hidden, ...numbers } = signals;
  const now = Date.now();
  const deviceAt = momentOf(evidence.serverDate);
  const takenAt = sourceTimeOf(frame) ?? momentOf(evidence.lastModified);
  const told = {
    ...(takenAt === null ? {} : { source: { at: takenAt, ageS: ((deviceAt ?? now) - takenAt) / 1_000 } }),
    ...(deviceAt === null ? {} : { clockOffS: (deviceAt - now) / 1_000 }),
    ...(evidence.isSourceGone === true ? { isSourceGone: true } : {}),
  };
  const look = { signals: numbers, cells: cellSumsOf(signals), likeness: null };
  return glance({ sample: { scanHash: '', look }, told }, now);
}

/** A date of HTTP; null for anything else. */
function momentOf(text: string | undefined): number | null {
  const time = text?.endsWith('GMT') === true ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? null : time;
}
