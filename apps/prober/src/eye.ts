import { type Frame, type PrivacyMaskDocument, type ReferenceView } from '#catalog';
import { cellSumsOf, likeness, outlinesOf, type Pictures, scanHash, type Signals } from '#frames';
import type { PictureLook } from '#health';
import type { Seen } from './keep-picture.js';

/** What looking needs besides the frame. */
export interface EyeTools {
  /** Scan hash of a picture that was fine; null where none is known. */
  readonly known: string | null;
  readonly masks: readonly PrivacyMaskDocument[];
  readonly pictures: Pictures;
  /** Milliseconds since 1970, by the database's clock. */
  readonly clock: () => number;
}

/** Looks at the frames of one round. One that was fine last time is not decoded again: the very same bytes show the very same. */
export class Eye {
  private last: { readonly seen: Seen; readonly signals: Signals | null } | null = null;

  constructor(private readonly tools: EyeTools) {}

  /** What is broken in a frame, or null. */
  readonly isDamaged = async (frame: Frame): Promise<string | null> => {
    const seen = this.seen(frame);
    const { pictures, masks, known } = this.tools;
    const { damage, signals } = seen.scanHash === known ? NOT_AGAIN : await pictures.inspect(frame, masks);
    this.last = { seen, signals };
    return damage;
  };

  /** The picture that came last, where it is this one: captured when its last byte came, before anything was made of it. */
  seenIn(frame: Frame): Seen {
    return this.last?.seen.frame === frame ? this.last.seen : this.seen(frame);
  }

  /** What a frame shows beside a reference; null where that is known already, or nothing can be said. */
  lookAt(frame: Frame, reference: ReferenceView | null): PictureLook | null {
    const signals = this.last?.seen.frame === frame ? this.last.signals : null;
    if (signals === null) return null;
    const { grey: _grey, hidden: _hidden, ...numbers } = signals;
    return {
      signals: numbers,
      cells: cellSumsOf(signals),
      likeness: reference === null ? null : likeness(reference.outlines, signals),
    };
  }

  /** The frame as a reference for later ones. */
  asReference(frame: Frame): Omit<ReferenceView, 'capturedAt'> | null {
    const signals = this.last?.seen.frame === frame ? this.last.signals : null;
    if (signals === null) return null;
    const { sd, laplacianVariance } = signals;
    return { sd, laplacianVariance, outlines: outlinesOf(signals) };
  }

  private seen(frame: Frame): Seen {
    return { frame, scanHash: scanHash(frame), receivedAt: this.tools.clock() };
  }
}

const NOT_AGAIN = { damage: null, signals: null } as const;
