import { Shown } from '#catalog';

const count = { type: 'integer', minimum: 0 } as const;

/** A run that works out views again. */
export class RebuildDocument {
  /** Views that are worked out: those that wait, or all. */
  @Shown({ type: 'string', enum: ['waiting', 'all'] }) which!: string;
  @Shown({ type: 'boolean' }) running!: boolean;
  /** Views worked out so far by this process. */
  @Shown(count) done!: number;
  /** Views to work out when it began. */
  @Shown(count) total!: number;
  /** RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) startedAt!: string;
  /** RFC 3339 UTC; null while it runs. */
  @Shown({ type: ['string', 'null'], format: 'date-time' }) endedAt!: string | null;
  /** Why it broke off; null where it did not. */
  @Shown({ type: ['string', 'null'] }) problem!: string | null;
}

/** How far what is kept of the cameras' views is that of the running program. */
export class GeometryState {
  /** Version of the program's geometry. */
  @Shown({ type: 'integer', minimum: 1 }) version!: number;
  /** Views that are kept: one of a fixed camera, two of a turning one. */
  @Shown(count) views!: number;
  /** Of them, those that wait to be worked out again. */
  @Shown(count) waiting!: number;
  /** The run under way in this process, or its last one; null where there was none. */
  @Shown({ oneOf: [{ $ref: '#/components/schemas/RebuildDocument' }, { type: 'null' }] })
  rebuild!: RebuildDocument | null;
}
