import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Outcome, OUTCOMES } from '#catalog';
import { randomFrom } from '#testing';
import type { Rhythm } from './due.js';
import type { Sample } from './picture-state.js';
import { mayAuthenticate } from './hold-off.js';
import { FIRST_STATE, type HealthState, stateFrom, type Standing } from './state.js';
import { type HealthEffect, type Probed, statusOf, step } from './state-machine.js';
import { WEIGHINGS } from './weights.js';

const T0 = Date.UTC(2026, 0, 1);
const RHYTHM: Rhythm = { id: '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f', intervalS: 60, minIntervalS: 10 };

interface Reply {
  readonly outcome: Outcome;
  readonly tookS?: number;
  readonly sample?: Sample;
  readonly realm?: string;
}

/** One camera under a virtual clock: asked whenever the machine says so. */
class Watched {
  state: HealthState = FIRST_STATE;
  now = T0;
  dueAt = T0;
  sent: number[] = [];
  readonly effects: { readonly at: number; readonly effect: HealthEffect }[] = [];
  private epoch = 0;
  private shots = 0;

  constructor(
    readonly rhythm: Rhythm = RHYTHM,
    private readonly random: () => number = randomFrom(7),
  ) {}

  probe(
    reply: Reply,
    { asked = false, config = 1 }: { asked?: boolean; config?: number } = {},
  ): readonly HealthEffect[] {
    const { outcome, tookS = 0, sample = { scanHash: `shot ${(this.shots += 1)}` }, realm } = reply;
    const startedAt = this.now;
    this.configure(config);
    const authenticated = mayAuthenticate(this.state.auth, asked, this.now);
    if (authenticated && outcome === 'auth_failed') this.sent.push(this.now);
    this.now += tookS * 1000;
    this.epoch += 1;
    const event: Probed = {
      kind: 'probed',
      outcome,
      startedAt,
      epoch: this.epoch,
      configVersion: config,
      rhythm: this.rhythm,
      service: { index: 0, kind: 'mjpeg' },
      sample: outcome === 'ok' ? sample : null,
      authenticated,
      ...(realm === undefined ? {} : { realm }),
      conditions: [],
    };
    return this.take(step(this.state, event, this.now, this.random()));
  }

  configure(configVersion: number): void {
    this.take(step(this.state, { kind: 'configChanged', configVersion }, this.now, 0));
  }

  site(isDown: boolean): void {
    this.take(step(this.state, { kind: 'site', isDown }, this.now, 0));
  }

  maintain(on: boolean): void {
    this.take(step(this.state, { kind: 'maintenance', on }, this.now, 0));
  }

  private take({ state, effects }: { state: HealthState; effects: readonly HealthEffect[] }): readonly HealthEffect[] {
    this.state = state;
    for (const effect of effects) {
      this.effects.push({ at: this.now, effect });
      if (effect.kind === 'schedule') this.dueAt = this.now + effect.dueInS * 1000;
    }
    return effects;
  }

  /** Probes on schedule until `untilS` seconds after the start, or until `done`. */
  run(untilS: number, reply: (atS: number) => Reply, done: () => boolean = () => false): void {
    while (this.dueAt <= T0 + untilS * 1000) {
      this.now = Math.max(this.now, this.dueAt);
      this.probe(reply((this.now - T0) / 1000));
      if (done()) return;
    }
    this.now = T0 + untilS * 1000;
  }

  get notices(): string[] {
    return this.effects.flatMap(({ effect }) => (effect.kind === 'notify' ? [effect.notice] : []));
  }
}

const ok: Reply = { outcome: 'ok', tookS: 0.2 };
const silent: Reply = { outcome: 'first_frame_timeout', tookS: 10 };

describe('one failure and several', () => {
  test('a picture makes a new camera online', () => {
    const camera = new Watched();
    const effects = camera.probe(ok);
    expect(camera.state.status).toBe('online');
    expect(effects).toContainEqual({ kind: 'emit', from: 'unknown', to: 'online' });
    expect(camera.notices).toEqual([]);
  });

  test.each(OUTCOMES.filter((outcome) => outcome !== 'ok'))('%s once never makes it offline', (outcome) => {
    for (const before of [[], [ok]]) {
      const camera = new Watched();
      for (const reply of before) camera.probe(reply);
      camera.now = camera.dueAt;
      camera.probe({ outcome, tookS: 1 });
      expect(camera.state.standing).not.toBe('offline');
    }
  });

  test('a failure is retried after 10, 15, 45 s and up to a fifth more, then in the next round', () => {
    const camera = new Watched();
    camera.probe(ok);
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      camera.now = camera.dueAt;
      // Weight 25 three times: still suspect.
      camera.probe({ outcome: attempt < 4 ? 'bad_picture' : 'prober_internal' });
      delays.push((camera.dueAt - camera.now) / 1000);
    }
    expect(camera.state).toMatchObject({ standing: 'suspect', attempt: 3, score: 75 });
    [10, 15, 45].forEach((floorS, i) => {
      expect(delays[i]).toBeGreaterThanOrEqual(floorS);
      expect(delays[i]).toBeLessThanOrEqual(1.2 * floorS);
    });
  });

  test('a picture ends a suspicion, and its score with it', () => {
    const camera = new Watched();
    for (const reply of [ok, silent, silent, ok]) {
      camera.now = camera.dueAt;
      camera.probe(reply);
    }
    expect(camera.state).toMatchObject({ status: 'online', attempt: 0, score: 0, firstFailAt: null });
  });

  test('dns_error twice 20 s apart is offline, 12 s apart it is not', () => {
    for (const [apartS, standing] of [
      [20, 'offline'],
      [12, 'suspect'],
    ] as const) {
      const camera = new Watched();
      camera.probe(ok);
      camera.now += 60_000;
      camera.probe({ outcome: 'dns_error' });
      camera.now += apartS * 1000;
      camera.probe({ outcome: 'dns_error' });
      expect(camera.state.standing).toBe(standing);
    }
  });

  test.each([
    ['first_frame_timeout', 10, 130],
    ['refused', 0.01, 130],
    ['bad_picture', 10, 195],
    ['first_frame_timeout', 20, 160],
    ['bad_picture', 20, 230],
  ] as const)('%s taking %d s: offline within %d s, wherever the fault begins', (outcome, tookS, boundS) => {
    for (let seed = 0; seed < 200; seed += 1) {
      const camera = new Watched({ ...RHYTHM, id: `camera ${seed}` }, randomFrom(seed));
      camera.run(600, () => ok);
      // The worst moment: just after a good probe.
      camera.now = camera.state.checkedAt as number;
      const faultAt = camera.now;
      camera.run(
        2_000,
        () => ({ outcome, tookS }),
        () => camera.state.standing === 'offline',
      );
      expect(camera.state.standing).toBe('offline');
      expect((camera.now - faultAt) / 1000).toBeLessThanOrEqual(boundS);
    }
  });
});

describe('offline and back', () => {
  const down = (seed = 7): Watched => {
    const camera = new Watched(RHYTHM, randomFrom(seed));
    camera.probe(ok);
    camera.run(
      400,
      () => silent,
      () => camera.state.standing === 'offline',
    );
    return camera;
  };

  test('one picture is recovering, the second within 10 s online; people are told then', () => {
    const camera = down();
    expect(camera.notices).toEqual(['down']);
    camera.now = camera.dueAt;
    camera.probe(ok);
    expect(camera.state).toMatchObject({ status: 'recovering', okRun: 1, lastOkAt: camera.now });
    expect(camera.notices).toEqual(['down']);
    // Its minimum interval counts from the start of the probe before.
    expect((camera.dueAt - camera.now) / 1000).toBeLessThanOrEqual(10);
    camera.now = camera.dueAt;
    camera.probe(ok);
    expect(camera.state.status).toBe('online');
    expect(camera.notices).toEqual(['down', 'up']);
  });

  test('a failure while recovering is offline again, without a second notice', () => {
    const camera = down();
    for (const reply of [ok, silent]) {
      camera.now = camera.dueAt;
      camera.probe(reply);
    }
    expect(camera.state.status).toBe('offline');
    expect(camera.notices).toEqual(['down']);
  });

  test('asked ever more seldom: up to 10 min, after a day up to 30 min', () => {
    const camera = down();
    const delays: { readonly atS: number; readonly delayS: number }[] = [];
    const offAt = camera.now;
    while (camera.now < offAt + 2 * 86_400_000) {
      delays.push({ atS: (camera.now - offAt) / 1000, delayS: (camera.dueAt - camera.now) / 1000 });
      camera.now = camera.dueAt;
      camera.probe(silent);
    }
    expect(delays[0]?.delayS).toBeLessThanOrEqual(60);
    const firstDay = delays.filter(({ atS }) => atS < 86_000).map(({ delayS }) => delayS);
    const later = delays.filter(({ atS }) => atS > 86_500).map(({ delayS }) => delayS);
    expect(Math.max(...firstDay)).toBeLessThanOrEqual(600);
    expect(Math.max(...firstDay)).toBeGreaterThan(500);
    expect(Math.max(...later)).toBeGreaterThan(1_200);
    expect(Math.max(...later)).toBeLessThanOrEqual(1_800);
    expect(Math.min(...later)).toBeGreaterThanOrEqual(900);
  });

  test('busy leaves offline and recovering as they are', () => {
    const camera = down();
    camera.now = camera.dueAt;
    camera.probe({ outcome: 'busy' });
    expect(camera.state).toMatchObject({ standing: 'offline', status: 'busy' });
    camera.now = camera.dueAt;
    camera.probe(silent);
    expect(camera.state.status).toBe('offline');
    // Two pictures in a row are two without a busy answer between them.
    for (const [outcome, standing] of [
      ['ok', 'recovering'],
      ['busy', 'recovering'],
      ['ok', 'recovering'],
      ['ok', 'online'],
    ] as const) {
      camera.now = camera.dueAt;
      camera.probe({ outcome });
      expect(camera.state.standing).toBe(standing);
    }
  });
});

describe('busy', () => {
  test('for 24 h: never offline, asked at up to four times the interval, no_frame after 15 min', () => {
    const camera = new Watched();
    camera.run(300, () => ok);
    const missedAt: number[] = [];
    const delays: number[] = [];
    camera.run(86_400, (atS) => {
      if (camera.state.picture.flags.no_frame?.state === 'fault') missedAt.push(atS);
      delays.push((camera.dueAt - (camera.state.checkedAt as number)) / 1000);
      expect(camera.state.standing).toBe('online');
      return { outcome: 'busy' };
    });
    expect(camera.state.status).toBe('busy');
    expect(missedAt[0]).toBeGreaterThanOrEqual(240 + 900);
    expect(missedAt[0]).toBeLessThanOrEqual(300 + 900 + 2 * 264);
    expect(Math.max(...delays)).toBeLessThanOrEqual(4 * 60 * 1.05);
    expect(Math.min(...delays.slice(5))).toBeGreaterThan(3 * 60);
    expect(camera.notices).toEqual([]);
    // The picture is back; the flag goes with the second one.
    camera.now = camera.dueAt;
    camera.probe(ok);
    expect(camera.state.status).toBe('degraded');
    camera.now = camera.dueAt;
    camera.probe(ok);
    expect(camera.state.status).toBe('online');
  });

  test('ends a suspicion', () => {
    const camera = new Watched();
    for (const reply of [ok, silent, { outcome: 'busy' } as const]) {
      camera.now = camera.dueAt;
      camera.probe(reply);
    }
    expect(camera.state).toMatchObject({ standing: 'online', status: 'busy', score: 0 });
  });
});

describe('refused', () => {
  test('a wrong password is sent once in 15 min, then ever more seldom, at last every 6 h', () => {
    const camera = new Watched();
    camera.run(2 * 86_400, () => ({ outcome: 'auth_failed', realm: 'AXIS' }));
    expect(camera.state).toMatchObject({ status: 'auth_failed', standing: 'unknown' });
    const gapsS = camera.sent.slice(1).map((at, i) => (at - (camera.sent[i] as number)) / 1000);
    const steps = [900, 1_800, 3_600, 7_200, 14_400, 21_600, 21_600];
    expect(gapsS.slice(0, 7).every((gapS, i) => gapS >= (steps[i] as number) && gapS < (steps[i] as number) + 70)).toBe(
      true,
    );
    expect(camera.notices).toEqual([]);
  });

  test('new credentials lift it at once', () => {
    const camera = new Watched();
    camera.probe({ outcome: 'auth_failed' });
    expect(mayAuthenticate(camera.state.auth, false, camera.now + 1_000)).toBe(false);
    camera.configure(2);
    expect(camera.state.status).toBe('unknown');
    expect(mayAuthenticate(camera.state.auth, false, camera.now + 1_000)).toBe(true);
    camera.now += 1_000;
    camera.probe(ok, { config: 2 });
    expect(camera.state.status).toBe('online');
  });

  test('a person may spend an attempt every 5 min, which does not lengthen the hold-off', () => {
    const camera = new Watched();
    camera.probe({ outcome: 'auth_failed' });
    camera.now += 4 * 60_000;
    expect(mayAuthenticate(camera.state.auth, true, camera.now)).toBe(false);
    camera.now += 61_000;
    expect(mayAuthenticate(camera.state.auth, true, camera.now)).toBe(true);
    camera.probe({ outcome: 'auth_failed' }, { asked: true });
    expect(camera.state.auth).toMatchObject({ holdS: 900, holdUntil: camera.now + 900_000 });
  });

  test('a lone 401 after pictures moves nothing and is retried after 30 to 60 s; two of them count', () => {
    const camera = new Watched();
    camera.probe(ok);
    const before = camera.state;
    camera.now = camera.dueAt;
    camera.probe({ outcome: 'auth_failed' });
    const { standing, status, outcome, score, conditions } = camera.state;
    expect({ standing, status, outcome, score, conditions }).toEqual({
      standing: 'online',
      status: 'online',
      outcome: 'ok',
      score: before.score,
      conditions: [],
    });
    const delayS = (camera.dueAt - camera.now) / 1000;
    expect(delayS).toBeGreaterThanOrEqual(30);
    expect(delayS).toBeLessThanOrEqual(60);
    camera.now = camera.dueAt;
    camera.probe(ok);
    camera.now = camera.dueAt;
    camera.probe({ outcome: 'auth_failed' });
    expect(camera.state.status).toBe('online');
    camera.now = camera.dueAt;
    camera.probe({ outcome: 'auth_failed' });
    expect(camera.state.status).toBe('auth_failed');
  });

  test('forbidden counts when it comes twice, 30 s apart', () => {
    const camera = new Watched();
    camera.probe({ outcome: 'forbidden' });
    expect(camera.state.status).toBe('unknown');
    camera.now += 5_000;
    camera.probe({ outcome: 'forbidden' }, { asked: true });
    expect(camera.state.status).toBe('unknown');
    camera.now += 25_000;
    camera.probe({ outcome: 'forbidden' });
    expect(camera.state.status).toBe('auth_failed');
  });

  test('ends a suspicion; being offline ends what was shown of it, but not the hold-off', () => {
    const camera = new Watched();
    camera.probe(ok);
    for (const reply of [silent, { outcome: 'auth_failed' }, { outcome: 'auth_failed' }] as const) {
      camera.now = camera.dueAt;
      camera.probe(reply);
    }
    expect(camera.state).toMatchObject({ status: 'auth_failed', standing: 'online', score: 0 });
    const { holdUntil } = camera.state.auth;
    camera.run(
      600,
      () => silent,
      () => camera.state.standing === 'offline',
    );
    expect(camera.state.status).toBe('offline');
    expect(camera.state.auth).toMatchObject({ refused: false, holdUntil });
  });

  test('another device at the address is tried sooner, but once in 15 min at most', () => {
    const camera = new Watched();
    let count = 0;
    camera.run(86_400, () => ({ outcome: 'auth_failed', realm: `device ${(count += 1)}` }));
    const gapsS = camera.sent.slice(1).map((at, i) => (at - (camera.sent[i] as number)) / 1000);
    expect(Math.min(...gapsS)).toBeGreaterThanOrEqual(900);
    expect(Math.max(...gapsS)).toBeLessThan(1_100);
  });
});

describe('no evidence', () => {
  test('a fault of ours is tried again once after 10 s, and moves nothing', () => {
    const camera = new Watched();
    camera.probe(ok);
    camera.now = camera.dueAt;
    camera.probe({ outcome: 'prober_internal', tookS: 1 });
    expect((camera.dueAt - camera.now) / 1000).toBe(10);
    camera.now = camera.dueAt;
    camera.probe({ outcome: 'prober_internal' });
    expect((camera.dueAt - camera.now) / 1000).toBeGreaterThan(2);
    expect(camera.state).toMatchObject({ standing: 'online', status: 'online', outcome: 'ok', ownFaults: 2 });
  });

  test('an address that may not be dialled is unknown, without a word', () => {
    const camera = new Watched();
    camera.probe(ok);
    camera.now = camera.dueAt;
    camera.probe({ outcome: 'target_not_allowed' });
    expect(camera.state).toMatchObject({ status: 'unknown', outcome: 'target_not_allowed' });
    expect(camera.notices).toEqual([]);
  });

  test('a result of an older lease, an older configuration, or one begun earlier changes nothing', () => {
    const camera = new Watched();
    camera.now += 100_000;
    camera.probe(ok, { config: 3 });
    const at = { kind: 'probed', outcome: 'dns_error', rhythm: RHYTHM, sample: null, authenticated: false } as const;
    const rest = { ...at, service: { index: 0, kind: 'mjpeg' }, conditions: [] } as const;
    const later = { startedAt: camera.now + 1, epoch: 2, configVersion: 3 };
    for (const stale of [{ epoch: 1 }, { epoch: 0 }, { configVersion: 2 }, { startedAt: T0 }]) {
      const { state, effects } = step(camera.state, { ...rest, ...later, ...stale }, camera.now + 1_000, 0.5);
      expect(state).toBe(camera.state);
      expect(effects).toEqual([]);
    }
    expect(step(camera.state, { ...rest, ...later }, camera.now + 1_000, 0.5).state.standing).toBe('suspect');
  });

  test('a state of another form is forgotten', () => {
    expect(stateFrom({ ...FIRST_STATE, standing: 'online' }).standing).toBe('online');
    for (const kept of [null, undefined, 'x', {}, { v: 0, standing: 'online' }])
      expect(stateFrom(kept)).toBe(FIRST_STATE);
  });
});

describe('pictures that seldom change', () => {
  test('are asked for at half their period once that is learnt, at most every 10 min', () => {
    const camera = new Watched();
    // A new picture every five minutes, the same again in between.
    const shot = (atS: number): Reply => ({ ...ok, sample: { scanHash: `shot ${Math.floor(atS / 300)}` } });
    const sent: number[] = [];
    camera.run(7_200, (atS) => {
      sent.push(atS);
      return shot(atS);
    });
    const gaps = (from: number, to: number): number[] =>
      sent.flatMap((at, i) => (at > from && at <= to ? [at - (sent[i - 1] ?? at)] : []));
    expect(Math.max(...gaps(60, 1_200))).toBeLessThan(70);
    // Two intervals, ± 10 %: four would be more than half of it.
    expect(Math.min(...gaps(4_000, 7_200))).toBeGreaterThan(107);
    expect(Math.max(...gaps(4_000, 7_200))).toBeLessThan(133);
    expect(camera.state.status).toBe('online');
  });

  test('are asked for as declared, where somebody declared it', () => {
    const camera = new Watched({ ...RHYTHM, refreshS: 20 });
    camera.run(7_200, (atS) => ({ ...ok, sample: { scanHash: `shot ${Math.floor(atS / 300)}` } }));
    expect((camera.dueAt - camera.now) / 1000).toBeLessThan(70);
  });
});

describe('people are told', () => {
  test('nothing under maintenance; what is still bad at its end, then', () => {
    const camera = new Watched();
    camera.probe(ok);
    camera.maintain(true);
    camera.run(600, () => silent);
    expect(camera.state.standing).toBe('offline');
    expect(camera.notices).toEqual([]);
    camera.maintain(false);
    expect(camera.notices).toEqual(['down']);
  });

  test('nothing while the whole site is down; what is still down after it, then', () => {
    const [back, gone] = [new Watched(), new Watched()];
    for (const camera of [back, gone]) {
      camera.probe(ok);
      camera.site(true);
      camera.run(600, () => silent);
      expect(camera.state.standing).toBe('offline');
    }
    back.run(600, () => ok);
    back.probe(ok);
    expect(back.state.standing).toBe('recovering');
    for (const camera of [back, gone]) camera.site(false);
    // Whether it came back with the others, its next result tells.
    expect(gone.notices).toEqual([]);
    gone.probe(ok);
    gone.probe(silent);
    back.probe(ok);
    expect(back.notices).toEqual([]);
    expect(gone.notices).toEqual(['down']);
  });

  test('again after an hour, a day, then daily, and no more once it is up', () => {
    const camera = new Watched();
    camera.probe(ok);
    camera.run(3.5 * 86_400, () => silent);
    expect(camera.notices).toEqual(['down', ...Array<string>(4).fill('still_down')]);
    const hours = camera.effects.flatMap(({ at, effect }) =>
      effect.kind === 'notify' && effect.notice === 'still_down' ? [(at - T0) / 3_600_000] : [],
    );
    // No sooner, and at most one round of the back-off later.
    for (const [i, due] of [1, 24, 48, 72].entries()) {
      expect(hours[i]).toBeGreaterThanOrEqual(due);
      expect(hours[i]).toBeLessThan(due + 0.6);
    }
    camera.run(5 * 86_400, () => ok);
    expect(camera.notices.slice(5)).toEqual(['up']);
  });

  test('of a time in which nobody watched by one reminder', () => {
    const camera = new Watched();
    camera.probe(ok);
    camera.run(600, () => silent);
    camera.now = T0 + 4.2 * 86_400_000;
    camera.probe(silent);
    camera.now = camera.dueAt;
    camera.probe(silent);
    expect(camera.notices).toEqual(['down', 'still_down']);
  });

  test('flapping once, and nothing between; the share is that of Icinga 2', () => {
    const camera = new Watched();
    // Down and up again takes five results: 2 of 5 move it, Σ ≈ 0.4 × 0.99.
    const pattern: readonly Reply[] = [silent, silent, silent, ok, ok];
    for (let i = 0; i < 40; i += 1) {
      camera.now = Math.max(camera.dueAt, camera.now + 30_000);
      camera.probe(pattern[i % pattern.length] as Reply);
    }
    expect(camera.state.notice.flapping).toBe(true);
    expect(camera.notices.filter((notice) => notice === 'flapping')).toHaveLength(1);
    expect(camera.notices.at(-1)).toBe('flapping');
    camera.run((camera.now - T0) / 1000 + 3_600, () => ok);
    expect(camera.state.notice.flapping).toBe(false);
  });

  test('worked by hand: moves at places 2 and 7, then 12, then 17 of 20', () => {
    // (0.84 + 0.94) ÷ 20 = 0.089; + 1.04 → 0.141; + 1.14 → 0.198: four moves of twenty are no flapping.
    const camera = new Watched();
    camera.probe(ok);
    expect(camera.state.notice.moves).toBe('0');
    const state = { ...camera.state, notice: { ...camera.state.notice, moves: '00100001000010000100' } };
    camera.state = state;
    camera.now = camera.dueAt;
    camera.probe(ok);
    expect(camera.state.notice).toMatchObject({ flapping: false, moves: '01000010000100001000' });
    // Σ over places 14 to 19 of 0.8 + 0.02 i = 1.08 + … + 1.18 = 6.78 → 0.339.
    camera.state = {
      ...camera.state,
      notice: { ...camera.state.notice, moves: '00000000000000011111', side: 'offline' },
    };
    camera.state = { ...camera.state, standing: 'recovering', okRun: 1 };
    camera.now = camera.dueAt;
    camera.probe(ok);
    expect(camera.state.notice).toMatchObject({ flapping: true, moves: '00000000000000111111' });
    // Σ over 12 to 16 = 1.04 + … + 1.12 = 5.4 → 0.27: between the two thresholds it goes on, and does not begin.
    for (const flapping of [true, false]) {
      camera.state = { ...camera.state, notice: { ...camera.state.notice, flapping, moves: '00000000000001111100' } };
      camera.now = camera.dueAt;
      camera.probe(ok);
      expect(camera.state.notice).toMatchObject({ flapping, moves: '00000000000011111000' });
    }
  });
});

const LEGAL: Readonly<Record<Standing, readonly Standing[]>> = {
  unknown: ['unknown', 'online', 'suspect'],
  online: ['online', 'suspect', 'unknown'],
  // Back to unknown or online: a suspicion that busy or a refusal ended.
  suspect: ['suspect', 'online', 'offline', 'unknown'],
  offline: ['offline', 'recovering', 'unknown'],
  recovering: ['recovering', 'online', 'offline', 'unknown'],
};

describe('whatever happens', () => {
  const happening = fc.record({
    what: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...OUTCOMES) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'config',
          'maintenance on',
          'maintenance off',
          'site down',
          'site up',
          'stale epoch',
        ),
      },
    ),
    waitS: fc.double({ min: 0.1, max: 2_000, noNaN: true }),
    onSchedule: fc.boolean(),
  });

  test('only legal transitions; notices alternate; none in maintenance or an outage of the site; stale results change nothing', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 120 }), fc.nat(), (happenings, seed) => {
        const camera = new Watched(RHYTHM, randomFrom(seed));
        let config = 1;
        let last: string = 'up';
        for (const { what, waitS, onSchedule } of happenings) {
          const before = camera.state;
          const told = camera.notices.length;
          camera.now = onSchedule ? Math.max(camera.now, camera.dueAt) : camera.now + waitS * 1000;
          if (what === 'config') camera.configure((config += 1));
          else if (what === 'maintenance on' || what === 'maintenance off') camera.maintain(what === 'maintenance on');
          else if (what === 'site down' || what === 'site up') camera.site(what === 'site down');
          else if (what === 'stale epoch') {
            const stale = { kind: 'probed', outcome: 'ok', startedAt: camera.now, epoch: before.epoch } as const;
            const event = {
              ...stale,
              configVersion: config,
              rhythm: RHYTHM,
              sample: null,
              authenticated: true,
            } as const;
            const again = step(
              before,
              { ...event, service: { index: 0, kind: 'mjpeg' }, conditions: [] },
              camera.now,
              0.5,
            );
            expect(again).toEqual({ state: before, effects: [] });
          } else {
            const effects = camera.probe({ outcome: what }, { config });
            const schedules = effects.filter(({ kind }) => kind === 'schedule');
            expect(schedules).toHaveLength(1);
            expect((camera.dueAt - camera.now) / 1000).toBeGreaterThanOrEqual(RHYTHM.minIntervalS - 1e-6);
            if (camera.state.standing === 'online' && before.standing !== 'online') {
              expect(what === 'ok' || (before.standing === 'suspect' && before.before === 'online')).toBe(true);
            }
            if (camera.state.standing === 'offline' && before.standing !== 'offline') {
              expect(WEIGHINGS[what].effect).toBe('failure');
              expect(before.standing === 'recovering' || before.attempt >= 1).toBe(true);
            }
          }
          const { state } = camera;
          expect(LEGAL[before.standing]).toContain(state.standing);
          if (state.standing === 'unknown' && before.standing !== 'unknown' && before.standing !== 'suspect') {
            expect(what).toBe('target_not_allowed');
          }
          expect(state.status).toBe(statusOf(state));
          expect(JSON.parse(JSON.stringify(state))).toEqual(state);
          for (const notice of camera.notices.slice(told)) {
            expect(state.maintenance || state.siteDown).toBe(false);
            if (notice === 'flapping') continue;
            if (notice === 'still_down') expect(last).toBe('down');
            else {
              expect(notice).not.toBe(last);
              last = notice;
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('busy, refusals and faults of ours, in any order and number, never lead to offline', () => {
    const harmless = OUTCOMES.filter((outcome) => WEIGHINGS[outcome].effect !== 'failure');
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...harmless), { maxLength: 80 }), (outcomes) => {
        const camera = new Watched();
        for (const outcome of outcomes) {
          camera.now = Math.max(camera.now, camera.dueAt);
          camera.probe({ outcome });
          expect(['unknown', 'online']).toContain(camera.state.standing);
        }
      }),
      { numRuns: 200 },
    );
  });
});
