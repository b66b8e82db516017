import type { Socket } from 'node:net';

/** A connection whose request has been read. */
export interface Exchange {
  readonly socket: Socket;
  /** Whether a stream was asked for, not a single picture. */
  readonly isStream: boolean;
  /** Resolves after a time; false where the connection ended before. */
  readonly later: (ms: number) => Promise<boolean>;
  /** Breaks the connection off with RST. */
  readonly reset: () => void;
}
