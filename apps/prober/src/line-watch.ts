import type { Logger } from 'pino';
import { Blindness, type Outlook } from '#health';
import { isCutOff } from './machine.js';

/** What a result tells of our own line. */
export interface LineSign {
  /** Where the camera is; null where that says nothing (devices that are told apart by their ports). */
  readonly network: string | null;
  /** The way there leaves this machine. */
  readonly isOutward: boolean;
  /** The camera was there before, so that it can be missed. */
  readonly wasThere: boolean;
  /** Nobody answered at all. */
  readonly unreached: boolean;
  /** It counts against the camera. */
  readonly failed: boolean;
}

/** What becomes of a result. */
export interface Fate {
  readonly keep: () => void;
  /** As if the camera had not been asked. */
  readonly drop: () => void;
}

/** Failures wait at most so long for the certainty that they are not ours, milliseconds. */
const HOLD_MS = 10_000;
/** A look at the machine serves for so long, milliseconds. */
const LOOK_MS = 1_000;
/** A camera reached so recently disproves that the machine has no line, milliseconds. */
const PROOF_MS = 10_000;

/**
 * Keeps the failures of this prober's own line from being charged to cameras (probing.md S11): while it may be ours that
 * nobody is reached, failures wait; once it is known, they are dropped, and so are all further ones until cameras are reached again.
 */
export class LineWatch {
  private readonly blindness = new Blindness();
  private held: { readonly fate: Fate; readonly untilMs: number }[] = [];
  private timer: NodeJS.Timeout | null = null;
  private wasBlind = false;
  private reachedMs = Number.NEGATIVE_INFINITY;
  private look: { readonly atMs: number; readonly done: Promise<void> } | null = null;

  /**
   * @param changed is told when this prober has become blind, and when it sees again
   * @param cutOff whether the machine plainly has no line
   */
  constructor(
    private readonly log: Logger,
    private readonly changed: (isBlind: boolean) => void,
    private readonly cutOff: () => Promise<boolean> = isCutOff,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get isBlind(): boolean {
    return this.wasBlind;
  }

  /** Results of which it is not known yet whether they are kept. */
  get waiting(): number {
    return this.held.length;
  }

  /** Takes a result, and sees to it that it is kept or dropped, now or soon. */
  async meet(sign: LineSign, fate: Fate): Promise<void> {
    if (sign.isOutward) {
      if (sign.unreached) await this.lookAtMachine();
      else if (!sign.failed) this.reached();
    }
    if (sign.wasThere && sign.network !== null) {
      this.blindness.note({ atMs: this.now(), network: sign.network, failed: sign.unreached });
    }
    if (sign.failed) this.held.push({ fate, untilMs: this.now() + HOLD_MS });
    else fate.keep();
    this.settle();
  }

  /** Keeps what still waits: the process goes, and the results are the best there is. */
  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    if (!this.isBlind) this.keepHeld(Number.POSITIVE_INFINITY);
  }

  /** Whatever the machine says of itself, there is a way to a camera. */
  private reached(): void {
    this.reachedMs = this.now();
    this.blindness.machine({ isCut: false, atMs: this.reachedMs });
  }

  private lookAtMachine(): Promise<void> {
    const atMs = this.now();
    if (this.look === null || atMs - this.look.atMs > LOOK_MS) this.look = { atMs, done: this.judgeMachine() };
    return this.look.done;
  }

  private async judgeMachine(): Promise<void> {
    const isCut = this.now() - this.reachedMs > PROOF_MS && (await this.cutOff());
    this.blindness.machine({ isCut, atMs: this.now() });
  }

  private settle(): void {
    const outlook = this.blindness.outlook(this.now());
    this.tell(outlook);
    if (outlook === 'blind') for (const { fate } of this.held.splice(0)) fate.drop();
    else this.keepHeld(outlook === 'clear' ? Number.POSITIVE_INFINITY : this.now());
    this.settleLater();
  }

  /** Keeps what has waited until then. */
  private keepHeld(untilMs: number): void {
    const ripe = this.held.filter((one) => one.untilMs <= untilMs);
    this.held = this.held.filter((one) => one.untilMs > untilMs);
    for (const { fate } of ripe) fate.keep();
  }

  private settleLater(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const [first] = this.held;
    if (first !== undefined) this.timer = setTimeout(() => this.settle(), Math.max(1, first.untilMs - this.now()));
  }

  private tell(outlook: Outlook): void {
    const isBlind = outlook === 'blind';
    if (isBlind === this.wasBlind) return;
    this.wasBlind = isBlind;
    if (isBlind)
      this.log.error(
        'no camera is reached: this prober takes it for a fault of its own line, and judges none until it is over',
      );
    else this.log.info('cameras are reached again');
    this.changed(isBlind);
  }
}
