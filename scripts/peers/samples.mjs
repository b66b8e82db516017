// Some samples of a peer, as the prober takes them: asked, decoded, put to the state machine.
import { setTimeout as wait } from 'node:timers/promises';
import { tap } from './tap.mjs';

/** Between two samples, as it passes and as the state machine is told: its patience of minutes is not to be waited for. */
const GAP_MS = 1_500;
const TOLD_GAP_MS = 60_000;
const RHYTHM = { id: 'peer', intervalS: 60, minIntervalS: 5 };

/** What a probe of which we were the fault is worth: another, so often at most. */
const MOST_REPEATS = 3;

/** An answer that says something of the peer: on a full machine this process stands still at times, and then says so of itself. */
async function askInPeace(ask, countConnections) {
  for (let repeats = 0; ; repeats += 1) {
    const before = countConnections();
    const answer = await ask();
    const isOurs = answer.result.outcome === 'prober_internal';
    if (!isOurs || repeats >= MOST_REPEATS) return { answer, connections: countConnections() - before };
  }
}

/** Asks peers as the prober does. */
export async function openSampler(version) {
  const [
    { DEFAULT_LIMITS, NonceCache, probe },
    { cellSumsOf, Pictures, scanHash, sourceTimeOf },
    { FIRST_STATE, step },
  ] = await Promise.all([import('#probe'), import('#frames'), import('#health')]);
  const pictures = await Pictures.start({ workers: 1 });
  const tools = {
    limits: DEFAULT_LIMITS,
    nonces: new NonceCache(),
    userAgent: `Sightline/${version}`,
    now: () => performance.now(),
  };

  /** One probe, and what its picture shows. */
  const ask = async (peer, more) => {
    let decoded = null;
    const isDamaged = async (frame) => {
      const { damage, signals } = await pictures.inspect(frame);
      decoded = signals;
      return damage;
    };
    const { url, kind, user, password, tls, pin } = peer;
    const result = await probe(
      {
        kind,
        url,
        credentials: user ? { username: user, password } : null,
        allowBasicPlaintext: true,
        policy: { cidrs: ['127.0.0.0/8'], ports: [Number(new URL(url).port)], loopback: true },
        ...(tls === undefined ? {} : { tls }),
        ...(pin === undefined ? {} : { pin }),
        ...more,
      },
      { ...tools, isDamaged },
      new AbortController().signal,
    );
    return { result, decoded };
  };

  const momentOf = (text) => (text?.endsWith('GMT') ? Date.parse(text) : NaN);
  const seenIn = ({ result: { outcome, frame, evidence }, decoded }, validators) => {
    const now = Date.now();
    const deviceAt = momentOf(evidence.serverDate);
    const takenAt =
      (frame === null ? null : sourceTimeOf(frame)) ?? momentOf(evidence.lastModified ?? validators?.lastModified);
    const told = {
      ...(Number.isNaN(takenAt) ? {} : { source: { at: takenAt, ageS: ((deviceAt || now) - takenAt) / 1_000 } }),
      ...(evidence.isSourceGone === true ? { isSourceGone: true } : {}),
    };
    if (frame === null || decoded === null) return { sample: outcome === 'ok' ? 'unchanged' : null, told };
    const { grey: _grey, hidden: _hidden, ...signals } = decoded;
    return {
      sample: { scanHash: scanHash(frame), look: { signals, cells: cellSumsOf(decoded), likeness: null } },
      told,
    };
  };

  /** So many samples, and what the state machine makes of them. */
  const sample = async (peer, samples) => {
    const { hostname, port, protocol, pathname, search } = new URL(peer.url);
    const counted = peer.user && protocol === 'http:' ? await tap(hostname, Number(port)) : null;
    const asked = counted === null ? peer : { ...peer, url: `http://127.0.0.1:${counted.port}${pathname}${search}` };
    let state = FIRST_STATE;
    let validators;
    const beganMs = Date.now();
    const outcomes = [];
    const requests = [];
    let firstPictureMs = null;
    for (let i = 0; i < samples; i += 1) {
      if (i > 0) await wait(GAP_MS);
      const { answer, connections } = await askInPeace(
        () => ask(asked, peer.kind === 'snapshot' && validators ? { cached: validators } : {}),
        () => counted?.connections() ?? 0,
      );
      const { outcome, phases, evidence, frame } = answer.result;
      outcomes.push(outcome);
      if (counted !== null) requests.push(connections);
      if (outcome === 'ok' && firstPictureMs === null && frame !== null) {
        firstPictureMs = ['connectMs', 'tlsMs', 'firstByteMs', 'firstFrameMs'].reduce(
          (sum, at) => sum + (phases[at] ?? 0),
          0,
        );
      }
      const toldMs = beganMs + i * TOLD_GAP_MS;
      const seen = seenIn(answer, validators);
      if (frame !== null) validators = { etag: evidence.etag, lastModified: evidence.lastModified };
      ({ state } = step(
        state,
        {
          kind: 'probed',
          outcome,
          startedAt: toldMs,
          epoch: i + 1,
          configVersion: 1,
          rhythm: RHYTHM,
          service: { index: 0, kind: peer.kind },
          authenticated: evidence.auth !== 'none',
          conditions: [],
          ...seen,
        },
        toldMs,
        0.5,
      ));
    }
    await counted?.close();
    const flags = Object.entries(state.picture.flags).flatMap(([flag, { state: found }]) =>
      found === 'fault' ? [flag] : [],
    );
    const algorithms = (counted?.heads ?? []).flatMap(
      (head) => /^authorization:.*algorithm=([\w-]+)/im.exec(head)?.[1] ?? [],
    );
    return { outcomes, requests, algorithm: algorithms[0] ?? null, firstPictureMs, status: state.status, flags };
  };

  return { ask, sample, close: () => pictures.close() };
}
