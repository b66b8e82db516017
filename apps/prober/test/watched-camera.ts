import { randomUUID } from 'node:crypto';
import type {
  Flag,
  HealthFlag,
  KnownService,
  Light,
  Mobility,
  PrivacyMaskDocument,
  Reference,
  ReferenceView,
} from '#catalog';
import type { FrameStore, Pictures } from '#frames';
import { KeptConnections, NonceCache } from '#probe';
import type { ClaimedCamera, FrameToKeep, HeldPictures, KnownPreset, PresetRecord, ProbeRecord } from '#storage';
import { pino } from 'pino';
import { Cards } from '../src/cards.js';
import { Devices } from '../src/devices.js';
import { Outage } from '../src/outage.js';
import { round } from '../src/round.js';

/** What the cameras of one spec have in common. */
export interface Workshop {
  readonly pictures: Pictures;
  readonly store: FrameStore;
  readonly held: Pick<HeldPictures, 'add' | 'services'>;
  /** Connections that wait for the next round; absent: none does. */
  readonly kept?: KeptConnections;
}

export interface Registered {
  readonly services: readonly KnownService[];
  readonly mobility?: Mobility;
  readonly masks?: readonly PrivacyMaskDocument[];
  readonly position?: readonly [number, number];
  readonly intervalS?: number;
  readonly keepsHistory?: boolean;
  readonly isDelayed?: boolean;
}

/** A camera that is probed round by round at moments that the test names; what was recorded is read again, as from the database. */
export class WatchedCamera {
  readonly id = randomUUID();
  record: ProbeRecord | null = null;
  reference: Reference | null = null;
  /** Presets as they were recorded last, by id, and all that was kept for its moment. */
  readonly presets = new Map<string, KnownPreset & { readonly capturedAt: string | null }>();
  readonly frames: FrameToKeep[] = [];
  private epoch = 0;
  private readonly log = pino({ enabled: false });
  private readonly cards: Cards;

  constructor(
    private readonly workshop: Workshop,
    private readonly registered: Registered,
    now: () => number = () => performance.now(),
  ) {
    this.cards = new Cards(workshop.held as HeldPictures, new Outage('cards', this.log), now);
  }

  /** One round. @returns the flags after it that say fault */
  async probe(atMs: number, { asked = false } = {}): Promise<Flag[]> {
    const { workshop, log } = this;
    const parts = { ...workshop, openSecret: () => null, userAgent: 'Sightline/test' };
    const isRecorded = await round(
      { camera: { ...this.claimed(atMs), asked }, clock: () => atMs, signal: new AbortController().signal },
      {
        ask: {
          parts,
          settings: { loopbackCameras: true },
          nonces: new NonceCache(),
          kept: workshop.kept ?? new KeptConnections(),
          devices: new Devices(),
        },
        keep: { parts, outage: new Outage('store', log) },
        cards: this.cards,
        random: () => 0.5,
        observe: () => undefined,
        record: (_lease, _answer, _known, judged) => this.keep(judged.record),
      },
    );
    if (!isRecorded) throw new Error('nothing was recorded');
    await this.cards.close();
    return this.faults;
  }

  get flags(): readonly HealthFlag[] {
    return this.record?.shown.flags ?? [];
  }

  get faults(): Flag[] {
    return this.flags.filter(({ state }) => state === 'fault').map(({ flag }) => flag);
  }

  flag(wanted: Flag): HealthFlag {
    const found = this.flags.find(({ flag }) => flag === wanted);
    if (found === undefined) throw new Error(`${wanted} is not shown`);
    return found;
  }

  private keep(record: ProbeRecord): void {
    this.record = JSON.parse(JSON.stringify(record)) as ProbeRecord;
    this.frames.push(...(this.record.frames ?? []));
    if (this.record.preset !== undefined) this.keepPreset(this.record.preset);
    const { reference } = record;
    if (reference === undefined) return;
    const { of, light, view, revision } = reference;
    const isSame = this.reference?.of === of;
    const kept: Partial<Record<Light, ReferenceView>> = isSame ? (this.reference?.views ?? {}) : {};
    const begun = { source: 'automatic' as const, acceptedAt: view.capturedAt };
    this.reference = {
      ...begun,
      ...(isSame ? this.reference : {}),
      of,
      revision: revision + 1,
      views: { ...kept, [light]: view },
    };
  }

  private keepPreset({ preset, outcome, checkedAt, memory, ...picture }: PresetRecord): void {
    const before = this.presets.get(preset);
    const frameKey = picture.frameKey === undefined ? (before?.frameKey ?? null) : picture.frameKey;
    const capturedAt = frameKey === null ? null : (picture.capturedAt ?? before?.capturedAt ?? null);
    this.presets.set(preset, { preset, outcome, checkedAt: Date.parse(checkedAt), frameKey, capturedAt, memory });
  }

  private claimed(atMs: number): ClaimedCamera {
    const { services, mobility = 'fixed', masks = [], position = [120.29, 23.08], intervalS = 60 } = this.registered;
    const { keepsHistory = false, isDelayed = false } = this.registered;
    this.epoch += 1;
    return {
      cameraId: this.id,
      epoch: this.epoch,
      configVersion: 1,
      host: '127.0.0.1',
      network: null,
      isSiteDown: false,
      lateS: 0,
      asked: false,
      readAt: atMs,
      authority: {
        slug: 'wrb',
        network: { cidrs: ['127.0.0.0/8'], ports: services.map(({ url = '' }) => Number(new URL(url).port)) },
        probing: { intervalS, minIntervalS: 5 },
      },
      lifecycle: 'active',
      isMaintained: false,
      services,
      slots: services.map((_, i) => i + 1),
      secrets: [],
      masks,
      mobility,
      position,
      view: null,
      reference: this.reference,
      state: this.record?.state ?? null,
      memory: this.record?.memory ?? null,
      frameKey: this.record?.frameKey ?? null,
      presets: [...this.presets.values()],
      keepsHistory,
      isDelayed,
    };
  }
}
