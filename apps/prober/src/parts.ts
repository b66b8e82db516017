import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import type { Credentials } from '#catalog';
import type { FrameStore, Pictures } from '#frames';
import type { DialPolicy } from '#probe';

/** How this prober works; the environment says what a person may choose. */
export interface ProberSettings {
  /** Cameras asked at once. */
  readonly probeSockets: number;
  /** Lets cameras live on this machine. */
  readonly loopbackCameras: boolean;
  /** Our own listeners, the database, the object store: no camera is ever dialled there. */
  readonly ownEndpoints?: DialPolicy['ownEndpoints'];
  /** Own listener for `/livez`, `/readyz`, `/metrics`; absent: none. */
  readonly ops?: {
    readonly host: string;
    readonly port: number;
    /** Nobody asked for this very port, so the next free one does as well. */
    readonly orNextFree: boolean;
  };
  /** Whether it removes pictures that no camera points to. One prober of a store is enough, several do no harm. Default true. */
  readonly sweeps?: boolean;
  /** How long a lease lasts, seconds: three times the longest probe. Default 60. */
  readonly leaseTtlS?: number;
}

/** A sealed secret and the row that it belongs to. */
export interface SealedRow {
  readonly cameraId: string;
  readonly authority: string;
  readonly slot: number;
  readonly kid: string;
  readonly ciphertext: Buffer;
}

/** What the process lends to this door; whoever starts it opens and closes them. */
export interface ProberParts {
  /** Connected as `prober` or `all`. */
  readonly db: DataSource;
  readonly store: FrameStore;
  readonly pictures: Pictures;
  /** Opens a secret; null where it holds none. Throws where none of our keys opens it. */
  readonly openSecret: (row: SealedRow) => Credentials | null;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Name of this process among all probers, never used by another one. */
  readonly owner: string;
  /** `Sightline/<version>`. */
  readonly userAgent: string;
  /** Monotonic milliseconds, for the phases of probes; all moments that are kept follow the database's clock. Default `performance.now`. */
  readonly now?: () => number;
}
