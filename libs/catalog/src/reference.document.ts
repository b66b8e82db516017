import { REFERENCE_SOURCES, type ReferenceSource } from './picture-signals.js';
import { Shown } from './member-schema.js';

const moment = { type: 'string', format: 'date-time' } as const;

/** The view with which pictures of a camera are compared from now on. */
export class ReferenceDocument {
  /** When it was accepted, RFC 3339 UTC. */
  @Shown(moment) acceptedAt!: string;
  /** Who accepted it. */
  acceptedBy!: string;
  /** When its picture was taken, RFC 3339 UTC. */
  @Shown(moment) capturedAt!: string;
  /** `operator`: a person accepted it. The first good picture is one by itself, `automatic`, until then. */
  @Shown({ type: 'string', enum: REFERENCE_SOURCES }) source!: ReferenceSource;
}
