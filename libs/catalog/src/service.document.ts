import { Shown } from './member-schema.js';
import { NETWORK_ZONES, SERVICE_KINDS, type ServiceKind, TLS_MODES, type TlsMode } from './codes.js';
import { shown } from './problems.js';
import { Form, Moment, Nested, OneOf, Optional, Real, rule, Switch, Text, type Finding, Whole } from './rules.js';

/** Arguments of an Axis VAPIX request; put into the URL where it lacks them. */
export class VapixDocument {
  /** Width and height of the picture. @example "640x480" */
  @Optional() @Form(/^\d{1,5}x\d{1,5}$/, 'a width and height such as 640x480') resolution?: string;
  /** 0 to 100; higher is smaller and coarser. @example 25 */
  @Optional() @Whole({ min: 0, max: 100 }) compression?: number;
  /** Pictures a second; 0 is as many as there are. @example 1 */
  @Optional() @Whole({ min: 0, max: 240 }) fps?: number;
  /** Number of the device's video source, or `quad`. @example "1" */
  @Optional() @Form(/^(?:\d{1,3}|quad)$/, 'a number as text, or quad') camera?: string;
  /** Named set of arguments in the device. @example "wall" */
  @Optional() @Text(1, 64) streamProfile?: string;
}

/** Sign-in for a camera: sent as `username` and `password`, sealed at once, answered as `set` and `updatedAt` alone. */
export class CredentialsDocument {
  /** User name; never returned. @example "viewer" */
  @Optional() @Text(1, 256, { writeOnly: true }) username?: string;
  /** Password; never returned. */
  @Optional() @Text(0, 256, { writeOnly: true, format: 'password' }) password?: string;
  /** True where credentials are kept; sent back unchanged it keeps them. */
  @Optional() @Switch() set?: boolean;
  /** When they were set, RFC 3339 UTC. */
  @Optional() @Moment() updatedAt?: string;
}

const SCHEMES: Readonly<Record<ServiceKind, readonly string[]>> = {
  mjpeg: ['http:', 'https:'],
  snapshot: ['http:', 'https:'],
  rtsp: ['rtsp:', 'rtsps:'],
  hls: ['http:', 'https:'],
};

/** Judges the form of a service's URL; whether its host may be dialled is judged elsewhere. */
export function judgeUrl(value: unknown, kind: string): Finding {
  if (typeof value !== 'string') return ['type', `expected a URL, got ${shown(value)}`];
  if (value.length > 2_048) return ['length', `expected at most 2048 characters, got ${value.length}`];
  // A password may stand in a URL, so a refused one is never quoted.
  if (!URL.canParse(value) || !/^[a-z]+:\/\/[^/?#]/i.test(value) || /[\s\\]/.test(value)) {
    return ['format', 'expected a whole URL such as http://10.1.2.3/axis-cgi/mjpg/video.cgi'];
  }
  const url = new URL(value);
  const schemes = SCHEMES[kind as ServiceKind] ?? Object.values(SCHEMES).flat();
  if (!schemes.includes(url.protocol)) {
    return ['unsupported_scheme', `a service of kind ${kind} has ${schemes.join(' or ')}, got ${url.protocol}`];
  }
  return url.hash === '' ? null : ['format', 'a fragment (#...) is never sent to a camera'];
}

/** An endpoint from which pictures come. */
export class ServiceDocument {
  /** Protocol. */
  @OneOf(SERVICE_KINDS) kind!: ServiceKind;

  /** Where the pictures are. Operators of the camera's authority read it whole, viewers `scheme://host:port/`. @example "http://10.1.2.3/axis-cgi/mjpg/video.cgi" */
  @rule('url', { type: 'string', format: 'uri', maxLength: 2_048 }, (value, owner) =>
    judgeUrl(value, (owner as ServiceDocument).kind),
  )
  url!: string;

  @Optional() @Nested(() => VapixDocument) vapix?: VapixDocument;
  @Optional() @Nested(() => CredentialsDocument) credentials?: CredentialsDocument | null;
  /** How the device's certificate is judged. Default `strict` for names, `pinned` for addresses. */
  @Optional() @OneOf(TLS_MODES) tls?: TlsMode;
  /** Seconds between new pictures, as declared; absent: learned. @example 60 */
  @Optional() @Real({ min: 0.05, max: 86_400 }) refreshS?: number;
  /** `main`, or the id of the preset that it shows. Default `main`. @example "main" */
  @Optional() @Text(1, 64) shows?: string;
  /** Interface of the device, in words. @example "VAPIX" */
  @Optional() @Text(1, 64) interface?: string;
  /** Codec of the stream. @example "MJPEG" */
  @Optional() @Text(1, 64) codec?: string;
  /** Network from which it is reached. */
  @Optional() @OneOf(NETWORK_ZONES) zone?: (typeof NETWORK_ZONES)[number];
}

/** That credentials are kept, and since when; never what they are. */
export class CredentialsState {
  /** Always true: without credentials the member is absent. */
  @Shown({ type: 'boolean' }) set!: boolean;
  /** When they were set, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) updatedAt!: string;
}

/**
 * A service as the registry answers it. Operators of the camera's authority read all of it; viewers `kind`, `refreshS` and of `url` which device it is;
 * others `kind` and `refreshS`.
 */
export class KnownService {
  /** Protocol. */
  @Shown({ type: 'string', enum: SERVICE_KINDS }) kind!: ServiceKind;
  /** Where the pictures are. */
  @Shown({ type: 'string', format: 'uri' }) url?: string;
  vapix?: VapixDocument;
  credentials?: CredentialsState;
  /** How the device's certificate is judged. */
  @Shown({ type: 'string', enum: TLS_MODES }) tls?: TlsMode;
  /** Seconds between new pictures, as declared. */
  @Shown({ type: 'number' }) refreshS?: number;
  /** `main`, or the id of the preset that it shows. */
  @Shown({ type: 'string' }) shows?: string;
  /** Interface of the device, in words. */
  @Shown({ type: 'string' }) interface?: string;
  /** Codec of the stream. */
  @Shown({ type: 'string' }) codec?: string;
  /** Network from which it is reached. */
  @Shown({ type: 'string', enum: NETWORK_ZONES }) zone?: (typeof NETWORK_ZONES)[number];
}
