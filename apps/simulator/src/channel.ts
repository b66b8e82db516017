import { type Behaviour, inForce, type InForce } from './behaviour.js';
import { type Fault, faultRow } from './faults.js';
import type { Look } from './look.js';
import type { Asked, Frame } from './picture.js';
import { always, stepAt, type Timetable } from './timetable.js';

/** Where a device gets its pictures from. */
export interface PictureSource {
  frame(
    asked: Asked,
    nowMs: number,
    maxAgeMs: number,
    look: { readonly kind: Look; readonly sinceMs: number },
  ): Promise<Frame>;
}

/** When a camera suffers from what. */
export type Suffering = Timetable<Fault | null>;

/** One picture source of a device, and what is wrong with it. */
export class Channel {
  private suffering: Suffering = always(null);
  private startMs = 0;

  constructor(readonly picture: PictureSource) {}

  /** From now on this is wrong, and nothing else. */
  suffer(suffering: Suffering, nowMs: number): void {
    this.suffering = suffering;
    this.startMs = nowMs;
  }

  /** The fault of a moment. */
  faultAt(nowMs: number): Fault | null {
    return stepAt(this.suffering, this.startMs, nowMs)?.of ?? null;
  }

  /** What the device does at a moment. */
  at(nowMs: number): InForce {
    const step = stepAt(this.suffering, this.startMs, nowMs);
    if (step === null) return { manner: null, sinceMs: nowMs, untilMs: Infinity };
    const behaviour: Behaviour | null = step.of === null ? null : faultRow(step.of).behaviour;
    const now = inForce(behaviour, step.sinceMs, nowMs);
    return { ...now, untilMs: Math.min(now.untilMs, step.untilMs) };
  }
}
