import { ANSWER_FAULTS } from './answer-faults.js';
import type { FaultRow } from './fault-row.js';
import { NETWORK_FAULTS } from './network-faults.js';
import { PICTURE_FAULTS } from './picture-faults.js';
import type { Shape } from './shape.js';
import { SHAPES } from './shapes.js';
import { SIGN_IN_FAULTS } from './sign-in-faults.js';
import { TLS_FAULTS } from './tls-faults.js';

/** The families of faults, each with a name for people. */
const FAMILIES = {
  Pictures: PICTURE_FAULTS,
  Connections: NETWORK_FAULTS,
  Answers: ANSWER_FAULTS,
  'Sign-in': SIGN_IN_FAULTS,
  TLS: TLS_FAULTS,
} as const;

type ShapeFault = `shape_${keyof typeof SHAPES}`;

/** Everything that a simulated camera can be told to suffer from. */
export type Fault =
  | keyof typeof PICTURE_FAULTS
  | keyof typeof NETWORK_FAULTS
  | keyof typeof ANSWER_FAULTS
  | keyof typeof SIGN_IN_FAULTS
  | keyof typeof TLS_FAULTS
  | ShapeFault;

/** The same by family: what each does, and what it is there to provoke. */
export const FAULT_FAMILIES: readonly (readonly [family: string, rows: readonly (readonly [Fault, FaultRow])[]])[] = [
  ...Object.entries(FAMILIES).map(([family, rows]) => [family, Object.entries(rows) as [Fault, FaultRow][]] as const),
  [
    'Shapes on the wire',
    Object.entries(SHAPES).map(([name, shape]: [string, Shape]) => [
      `shape_${name}` as ShapeFault,
      {
        does: shape.does,
        ...(shape.outcome === undefined ? {} : { outcome: shape.outcome }),
        behaviour: { at: 'wire', shape },
      },
    ]),
  ],
];

const ROWS: ReadonlyMap<string, FaultRow> = new Map(FAULT_FAMILIES.flatMap(([, rows]) => rows));

/** The names of all faults. */
export const FAULTS: readonly Fault[] = FAULT_FAMILIES.flatMap(([, rows]) => rows.map(([fault]) => fault));

export const isFault = (word: unknown): word is Fault => typeof word === 'string' && ROWS.has(word);

/** What a fault is. */
export function faultRow(fault: Fault): FaultRow {
  const row = ROWS.get(fault);
  if (row === undefined) throw new Error(`bug: no fault ${fault}`);
  return row;
}
