import { DECLARED_STATUSES, type DeclaredStatus, EXTERNAL_SCHEMES, TARGET_KINDS, TARGET_SIDES } from './codes.js';
import { PointDocument } from './geometry.document.js';
import { type Finding, Form, Moment, Nested, OneOf, Optional, Real, rule, Text } from './rules.js';
import { shown } from './problems.js';

/** Where the camera stands, in words. */
export class AddressDocument {
  /** ISO 3166-1 alpha-2. @example "TW" */
  @Optional() @Form(/^[A-Z]{2}$/, 'an ISO 3166-1 code of two capitals') country?: string;
  /** City or county. @example "Tainan" */
  @Optional() @Text(1, 200) city?: string;
  /** District. @example "Sinshih" */
  @Optional() @Text(1, 200) district?: string;
  /** Village. */
  @Optional() @Text(1, 200) village?: string;
  /** Street and number. */
  @Optional() @Text(1, 200) street?: string;
}

/** The road at which the camera stands. */
export class RoadDocument {
  /** The agency's id of the road. @example "000010" */
  @Optional() @Text(1, 64) id?: string;
  /** Name of the road. @example "National Freeway 1" */
  @Optional() @Text(1, 200) name?: string;
  /** Class in the agency's scheme. */
  @Optional() @Text(1, 64) class?: string;
  /** Direction of the carriageway; never where the camera looks. @example "N" */
  @Optional() @Text(1, 64) direction?: string;
  /** Section, in words. */
  @Optional() @Text(1, 200) section?: string;
  /** Position along the road, metres. @example 314200 */
  @Optional() @Real({ min: 0, max: 20_000_000 }) positionM?: number;
}

/** The device itself. The serial number is shown to the camera's own authority only. */
export class DeviceDocument {
  /** Maker. @example "Axis" */
  @Optional() @Text(1, 100) manufacturer?: string;
  /** Model. @example "P1455-LE" */
  @Optional() @Text(1, 100) model?: string;
  /** Serial number. */
  @Optional() @Text(1, 100) serialNumber?: string;
  /** Firmware. @example "11.5.64" */
  @Optional() @Text(1, 100) firmware?: string;
}

/** Something that the camera is there to watch. */
export class ObservedTargetDocument {
  /** What it is. */
  @OneOf(TARGET_KINDS) kind!: (typeof TARGET_KINDS)[number];
  /** Its name. @example "Sinshih bridge" */
  @Optional() @Text(1, 200) name?: string;
  /** Side of the structure in the river's sense. */
  @Optional() @OneOf(TARGET_SIDES) side?: (typeof TARGET_SIDES)[number];
  @Optional() @Nested(() => PointDocument) geometry?: PointDocument;
  /** Identifier elsewhere. */
  @Optional() @Text(1, 2_048) uri?: string;
}

/** The camera's name in another system. */
export class ExternalRefDocument {
  /** The other system. */
  @OneOf(EXTERNAL_SCHEMES) scheme!: (typeof EXTERNAL_SCHEMES)[number];
  /** Its name there. @example "node/123" */
  @Text(1, 500) value!: string;
}

/** A planned time in which faults are expected. */
export class MaintenanceDocument {
  /** Begins, RFC 3339. */
  @Optional() @Moment() from?: string;
  /** Ends, and the camera is active again, RFC 3339. */
  @Optional() @Moment() to?: string;
  /** Why. @example "Pole is painted" */
  @Optional() @Text(1, 500) reason?: string;
}

/** What the owner says of the camera's state; shown beside what probes measured, never in its place. */
export class DeclaredDocument {
  /** State in the registry's words. */
  @OneOf(DECLARED_STATUSES) status!: DeclaredStatus;
  /** The owner's own code, kept as it came. @example "0" */
  @Optional() @Text(1, 64) code?: string;
  /** When the owner said so, RFC 3339. */
  @Optional() @Moment() at?: string;
}

/** Where one attribute came from, where that differs from its group. */
export class ProvenanceDocument {
  /** The attribute, RFC 6901. @example "/view/azimuthDeg" */
  @rule('pointer', { type: 'string', format: 'json-pointer', maxLength: 200 }, judgePointer) pointer!: string;
  /** Where it came from; a word of positionSource or view.source where one fits. @example "name_text" */
  @Text(1, 64) source!: string;
  /** Uncertainty in the attribute's unit, one sigma. @example 20 */
  @Optional() @Real({ min: 0, max: 1_000_000 }) accuracy?: number;
  /** The words it was taken from. @example "(向西)" */
  @Optional() @Text(1, 500) text?: string;
  /** When, RFC 3339. */
  @Optional() @Moment() at?: string;
  /** By whom. */
  @Optional() @Text(1, 200) by?: string;
}

function judgePointer(value: unknown): Finding {
  return typeof value === 'string' && value.length <= 200 && /^(?:\/(?:[^~/]|~[01])*)+$/.test(value)
    ? null
    : ['format', `expected a JSON pointer such as /view/azimuthDeg, got ${shown(value)}`];
}

/** From which record of which system the camera was imported; made by the server. */
export class SourceDocument {
  /** Profile of the import. @example "wra-flood" */
  @Optional() @Text(1, 64) system?: string;
  /** The record's id there. */
  @Optional() @Text(1, 200) recordId?: string;
  /** When it changed there, RFC 3339. */
  @Optional() @Moment() updatedAt?: string;
  /** When it was imported, RFC 3339. */
  @Optional() @Moment() ingestedAt?: string;
  /** The import that brought it. */
  @Optional() @Text(1, 64) importId?: string;
}
