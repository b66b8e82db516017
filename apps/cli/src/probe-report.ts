import type { Flag, ServiceKind } from '#catalog';
import { NEXT_STEPS, OUTCOME_MEANINGS } from '#health';
import type { ProbeEvidence, ProbeResult } from '#probe';

/** What a probe from the shell established, for people and programs. */
export interface Diagnosis {
  readonly result: ProbeResult;
  readonly kind: ServiceKind;
  /** As it was asked, without secrets. */
  readonly url: string;
  readonly hasCredentials: boolean;
  /** What the one picture seems to suffer from. */
  readonly looks: readonly { readonly flag: Flag; readonly says: string }[];
  /** File of the picture; null without one. */
  readonly saved: string | null;
}

/** Values of a query may be secrets. */
export function scrubbed(url: string): string {
  const query = url.search(/[?&]/) + 1;
  return query === 0 ? url : url.slice(0, query) + url.slice(query).split('&').map(maskedValue).join('&');
}

function maskedValue(pair: string): string {
  const name = pair.search(/pass|pwd|token|key|auth/i);
  const value = name < 0 ? 0 : pair.indexOf('=', name) + 1;
  return value === 0 ? pair : `${pair.slice(0, value)}***`;
}

/** What to do next: as a rule says of the outcome, but where the evidence says more. */
function nextStepOf({ result: { outcome, evidence }, hasCredentials, looks }: Diagnosis): string {
  if (outcome === 'ok' && looks.length > 0) {
    return 'look at the picture: a server raises such a flag when several pictures over some time say so';
  }
  if (outcome === 'tls_error' && evidence.certificateChanged === true) {
    return 'if the camera was replaced or reset, take its new key; if not, find out who answers in its place before any password is sent';
  }
  if (outcome === 'auth_failed' && !hasCredentials) return 'give a user name and a password: --user <name>';
  return NEXT_STEPS[outcome];
}

export function asJson(diagnosis: Diagnosis): string {
  const { result, kind, looks, saved } = diagnosis;
  const { outcome, phases, frame, evidence } = result;
  const size = frame === null ? null : { widthPx: frame.widthPx, heightPx: frame.heightPx, bytes: frame.bytes.length };
  const words = { means: OUTCOME_MEANINGS[outcome], nextStep: nextStepOf(diagnosis) };
  return `${JSON.stringify({ outcome, ...words, service: kind, phases, frame: size, looks, evidence, saved }, null, 2)}\n`;
}

const STEPS = [
  ['dnsMs', 'name looked up'],
  ['connectMs', 'connected'],
  ['tlsMs', 'TLS agreed'],
  ['firstByteMs', 'first byte'],
  ['firstFrameMs', 'first whole picture'],
] as const;

const WIDTH = 20;
const line = (name: string, value: string): string => `  ${name.padEnd(WIDTH)} ${value}`;

export function asText(diagnosis: Diagnosis): string {
  const { result, kind, url, looks, saved } = diagnosis;
  const { outcome, phases, frame, evidence } = result;
  const steps = STEPS.flatMap(([step, words]) => {
    const ms = phases[step];
    return ms === null ? [] : [line(words, `${ms.toFixed(1).padStart(8)} ms`)];
  });
  return [
    `${kind} ${url}`,
    ...steps,
    line('outcome', `${outcome}: ${evidence.reason}`),
    line('that is', OUTCOME_MEANINGS[outcome]),
    line('next step', nextStepOf(diagnosis)),
    ...factsOf(evidence).map(([name, value]) => line(name, value)),
    ...(frame === null
      ? []
      : [line('picture', `${frame.widthPx} x ${frame.heightPx} pixels, ${frame.bytes.length} bytes`)]),
    ...looks.map(({ flag, says }) => line('looks like', `${flag}: ${says}`)),
    ...(saved === null ? [] : [line('saved as', saved)]),
    '',
  ].join('\n');
}

/** The evidence that tells something, each with its name. */
function factsOf(evidence: ProbeEvidence): readonly (readonly [name: string, value: string])[] {
  const { address, status, contentType, redirects, realm, auth, damage, pin, certificateChanged } = evidence;
  const facts: readonly (readonly [string, string | number | undefined])[] = [
    ['address', address],
    ['HTTP status', status],
    ['content type', contentType],
    ['redirects', redirects],
    ['realm', realm],
    ['signed in by', auth === 'none' ? undefined : auth],
    ['damage', damage],
    ['certificate', certificateChanged === true ? 'another key than before' : undefined],
    ['key (SHA-256)', pin],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
}
