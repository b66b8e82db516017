import { firstPart } from './bytes.js';
import type { Behaviour, Manner } from './behaviour.js';
import type { FaultRow } from './fault-row.js';

const RESET: Manner = { at: 'answer', answer: ({ reset }) => reset() };
const REFUSED: Manner = { at: 'listener', how: 'closed' };

/** How long a device is away when it boots anew, milliseconds. */
const BOOT_MS = 20_000;

const afterBoot = (manner: Manner | null): Behaviour => ({
  at: 'times',
  timetable: {
    steps: [
      { of: REFUSED, forMs: BOOT_MS },
      { of: manner, forMs: Infinity },
    ],
    repeats: false,
  },
});

/** What can be wrong with the connection and with its time (probing.md, section 6). */
export const NETWORK_FAULTS = {
  refused: { does: 'refuses connections', outcome: 'refused', behaviour: REFUSED },
  unanswered: {
    does: 'takes no call and refuses none, as if its cable were pulled',
    outcome: 'connect_timeout',
    behaviour: { at: 'listener', how: 'deaf' },
  },
  reset: { does: 'breaks off when it is asked', outcome: 'reset', behaviour: RESET },
  reset_in_picture: {
    does: 'breaks off in mid-picture',
    outcome: 'reset',
    behaviour: {
      at: 'body',
      send: async (jpeg, { socket, later, reset }) => {
        socket.write(firstPart(jpeg));
        if (await later(100)) reset();
      },
    },
  },
  empty: {
    does: 'closes without a byte',
    outcome: 'empty_reply',
    behaviour: { at: 'answer', answer: ({ socket }) => void socket.end() },
  },
  silence: {
    does: 'never answers',
    outcome: 'first_byte_timeout',
    behaviour: { at: 'answer', answer: () => undefined },
  },
  // Limits of viewers.
  full: {
    does: 'has room for one stream, and answers 503 beyond',
    behaviour: { at: 'limit', viewers: 1, status: 503 },
  },
  full_unauthorized: {
    does: 'has room for one stream, and answers 401 beyond, as some do whose connections are used up',
    behaviour: { at: 'limit', viewers: 1, status: 401 },
  },
  // Right in the end, or now and then.
  slow: { does: 'starts slowly: answers after two seconds', behaviour: { at: 'start', delayMs: 2_000 } },
  flapping: {
    does: 'is well for a minute and breaks off for a minute, in turn',
    behaviour: {
      at: 'times',
      timetable: {
        steps: [
          { of: null, forMs: 60_000 },
          { of: RESET, forMs: 60_000 },
        ],
        repeats: true,
      },
    },
  },
  reboot: {
    does: 'boots: refuses connections for 20 seconds, then is well',
    outcome: 'refused',
    behaviour: afterBoot(null),
  },
  reboot_new_certificate: {
    does: 'boots, and comes back with another certificate',
    outcome: 'refused',
    behaviour: afterBoot({ at: 'handshake', how: 'new_certificate' }),
  },
} as const satisfies Readonly<Record<string, FaultRow>>;
