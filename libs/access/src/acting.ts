import type { Actor, Scope } from '#catalog';
import type { Principal } from './principal.js';

/** The request in which somebody acts. */
export interface ActedBy {
  readonly requestId: string;
  /** Network address of the client, as a trusted proxy tells it. */
  readonly address: string;
}

/** Whoever asks, as the writer of a transaction. */
export const actingAs = (p: Principal, { requestId, address }: ActedBy): Actor =>
  actor({ principal: p.id, authorities: writesIn(p), requestId, address });

const READING: readonly Scope[] = ['cameras:read', 'frames:read', 'stream:read', 'audit:read'];
const writes = (scopes: ReadonlySet<Scope>): boolean => [...scopes].some((one) => !READING.includes(one));

/** Where he may do anything but read. */
function writesIn({ everywhere, within }: Principal): Actor['authorities'] {
  if (writes(everywhere)) return 'all';
  return [...within].flatMap(([slug, scopes]) => (writes(scopes) ? [slug] : []));
}

/** This program itself: what it keeps in order by itself, and what nobody asked for. */
export const SERVER = actor({ principal: 'server', authorities: 'all', requestId: null, address: null });

/** A person at the terminal of this machine, by the `sightline` command. */
export const COMMAND = actor({ principal: 'command', authorities: 'all', requestId: null, address: null });

/** The brand is a type without a value: nothing but this cast makes one. */
function actor(of: Pick<Actor, 'principal' | 'authorities' | 'requestId' | 'address'>): Actor {
  return Object.freeze(of) as Actor;
}
