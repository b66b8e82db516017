import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** Key and certificate of a device, PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

const DAYS = 3_650;
const DAY_MS = 86_400_000;

/** DER, ITU-T X.690: a tag, the length of the content, the content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const head = body.length < 128 ? [body.length] : [0x80 | length.length, ...length];
  return Buffer.concat([Buffer.of(tag, ...head), body]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
const bits = (bytes: Buffer): Buffer => der(0x03, Buffer.of(0), bytes);
const time = (ms: number): Buffer => der(0x18, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')));

const COMMON_NAME = Buffer.from('0603550403', 'hex');
/** Signature algorithms of RFC 5758 and RFC 8017, with their parameters. */
const ECDSA_SHA256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));
const RSA_SHA256 = sequence(Buffer.from('06092a864886f70d01010b0500', 'hex'));

/**
 * A certificate that signs itself, as cameras make them (RFC 5280, version 1: no extensions): valid from yesterday, for ten years.
 * @param name common name of subject and issuer
 * @param kind P-256, or RSA with 1,024 bits as devices of the 2000s have it
 */
export function selfSigned(name: string, kind: 'ec' | 'rsa-1024', nowMs: number): Identity {
  const { privateKey, publicKey } = keyPair(kind);
  const algorithm = kind === 'ec' ? ECDSA_SHA256 : RSA_SHA256;
  const serial = randomBytes(8);
  // Positive, and not padded: the first byte is between 1 and 127.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 1;
  const subject = sequence(der(0x31, sequence(COMMON_NAME, utf8(name))));
  const stated = sequence(
    integer(serial),
    algorithm,
    subject,
    sequence(time(nowMs - DAY_MS), time(nowMs + DAYS * DAY_MS)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const certificate = sequence(stated, algorithm, bits(sign('sha256', stated, privateKey)));
  const lines = certificate.toString('base64').replace(/.{1,64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
  };
}

function keyPair(kind: 'ec' | 'rsa-1024'): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return kind === 'ec'
    ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    : generateKeyPairSync('rsa', { modulusLength: 1_024 });
}
