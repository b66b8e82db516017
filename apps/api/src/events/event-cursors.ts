import type { Keyring } from '#access';
import { CursorMismatch } from '#catalog';
import type { OutboxEvent, OutboxPosition } from '#storage';

/** A place to go on from, as a client hands it back. */
export interface GivenCursor {
  readonly position: OutboxPosition;
  /** Of which moment it is, Unix time, milliseconds. */
  readonly at: number;
}

const FORM = /^(\d{1,10})\.(\d{1,20})\.(\d{1,19})$/;

/** Ids of events: their place in the order, signed, and the same at every delivery. */
export class EventCursors {
  constructor(private readonly keyring: Keyring) {}

  ofEvent(event: OutboxEvent): string {
    return this.of(event, Date.parse(event.at));
  }

  /** @param at of which moment, Unix time, milliseconds */
  of({ generation, xid, id }: OutboxPosition, at: number): string {
    return this.keyring.signCursor({ event: `${generation}.${xid}.${id}` }, at);
  }

  /** @throws CursorMismatch for text that this server never gave as the id of an event */
  read(text: string): GivenCursor {
    const signed = this.keyring.readCursor(text);
    const place = (signed?.payload as { readonly event?: unknown } | undefined)?.event;
    const [, generation, xid, id] = FORM.exec(typeof place === 'string' ? place : '') ?? [];
    if (signed === null || generation === undefined || xid === undefined || id === undefined) {
      throw new CursorMismatch('this is no id of an event of ours, or it was changed; begin again without it');
    }
    return { position: { generation: Number(generation), xid, id }, at: signed.issuedAt };
  }
}
