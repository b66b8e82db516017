import type { Exchange } from './exchange.js';
import type { Look } from './look.js';
import type { Shape } from './shape.js';
import type { Account, SignIn } from './sign-in.js';
import { stepAt, type Timetable } from './timetable.js';

/** How a device meets a TLS hello. */
export type Handshake =
  /** In plain HTTP, as what speaks no TLS. */
  | 'plain'
  /** With an alert: no cipher in common. */
  | 'alert'
  | 'silence'
  /** With another key than before. */
  | 'new_certificate'
  /** With an RSA key of 1,024 bits. */
  | 'weak_key'
  /** In this version alone, with ciphers of its time. */
  | 'TLSv1'
  | 'TLSv1.1';

/** At which point of an exchange something else happens than usual, and what. */
export type Manner =
  /** Nothing listens at the device's address, or nobody takes the calls: they are neither accepted nor refused. */
  | { readonly at: 'listener'; readonly how: 'closed' | 'deaf' }
  /** Over https alone. */
  | { readonly at: 'handshake'; readonly how: Handshake }
  /** Answers in the device's place. */
  | { readonly at: 'answer'; readonly answer: (exchange: Exchange) => void | Promise<void> }
  /** The device asks for a sign-in in this way; null: no user name and password are right. */
  | { readonly at: 'sign_in'; readonly signIn: ((account: Account) => SignIn) | null }
  /** So many streams at once; one more gets this status. */
  | { readonly at: 'limit'; readonly viewers: number; readonly status: 401 | 503 }
  /** The picture shows something else. */
  | { readonly at: 'picture'; readonly look: Look }
  /** The bytes of the picture are changed. */
  | { readonly at: 'bytes'; readonly change: (jpeg: Buffer) => Buffer }
  /** The head is sent; the first picture is sent otherwise, and no other after it. */
  | { readonly at: 'body'; readonly send: (jpeg: Buffer, exchange: Exchange) => void | Promise<void> }
  /** Stream and picture come over the wire in this shape. */
  | { readonly at: 'wire'; readonly shape: Shape }
  /** The head of the answer says this too, or instead. */
  | { readonly at: 'headers'; readonly lines: (nowMs: number) => readonly string[] }
  /** The picture is a file that is never written again: any condition is answered by 304. */
  | { readonly at: 'unchanged' }
  /** The stream has this time between two pictures. */
  | { readonly at: 'pace'; readonly periodMs: number }
  /** The answer comes, but late. */
  | { readonly at: 'start'; readonly delayMs: number };

/** A manner, or one after the other. */
export type Behaviour = Manner | { readonly at: 'times'; readonly timetable: Timetable<Behaviour | null> };

/** What is in force at a moment, and from when to when. */
export interface InForce {
  readonly manner: Manner | null;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** What a behaviour that began at `startMs` is at a moment. */
export function inForce(behaviour: Behaviour | null, startMs: number, nowMs: number): InForce {
  if (behaviour?.at !== 'times') return { manner: behaviour, sinceMs: startMs, untilMs: Infinity };
  const step = stepAt(behaviour.timetable, startMs, nowMs);
  if (step === null) return { manner: null, sinceMs: startMs, untilMs: Infinity };
  const inner = inForce(step.of, step.sinceMs, nowMs);
  return { ...inner, untilMs: Math.min(inner.untilMs, step.untilMs) };
}
