import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type DoorConfig, statedBudget } from './door/route-config.js';
import { BODY, BUDGET } from './operation.js';
import { FAULT_CODES, type JsonSchema, PROBLEM_CODES, schemasOf, statedClasses } from '#catalog';

type Schema = Record<string, unknown>;
type Schemas = Record<string, Schema>;

const DESCRIPTION = `The open registry of a region's cameras: which cameras can see this place, how well, and are they showing it now?

Distances are metres on the ellipsoid, positions \`[lon, lat]\` in WGS 84, times RFC 3339 in UTC, angles degrees clockwise from true north.
Errors are problem documents (RFC 9457); \`code\` is stable and \`type\` leads to its explanation.
Reading public cameras needs no key. Everything else needs \`Authorization: Bearer\` with an API key or an access token, or a session.`;

const TAGS: readonly (readonly [name: string, description: string])[] = [
  ['cameras', 'Register, find, read, change and retire cameras.'],
  ['sight', 'Where a camera looks, and whether it sees a place.'],
  ['health', 'What probes have established, and probing now.'],
  ['pictures', 'The latest picture of each camera.'],
  ['authorities', 'The agencies that answer for cameras.'],
  ['imports', 'Many cameras at once, from the file that the agency already has.'],
  ['surroundings', 'What stands around cameras and blocks their view: terrain and buildings.'],
  ['events', 'What happens to cameras, as it happens.'],
  ['webhooks', 'Events sent to addresses of others.'],
  ['keys', 'API keys.'],
  ['audit', 'Who did what.'],
  ['members', 'People, and what they are in each authority.'],
  ['access', 'What one authority lets another see, and asks another for.'],
  ['session', 'Sign-in of people with browsers.'],
  ['about', 'Pages for people.'],
  ['operations', 'For orchestrators and people on call.'],
];

/** The API's own description, OpenAPI 3.1: controllers, document classes and their rules put together. */
export function describeApi(app: INestApplication, version: string): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Sightline')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/', 'This server')
    .addSecurity('key', {
      type: 'http',
      scheme: 'bearer',
      description: 'An API key, `slk_…`, or an access token (JWT) of an issuer that this server takes.',
    })
    .addCookieAuth(
      '__Host-sightline',
      {
        type: 'apiKey',
        in: 'cookie',
        description: 'A session of a browser; over http on loopback the cookie is `sightline`.',
      },
      'session',
    );
  for (const [name, description] of TAGS) builder.addTag(name, description);
  const document = SwaggerModule.createDocument(app, builder.build());
  placeBodies(document);
  nameBudgets(document);
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  for (const [name, type] of statedClasses()) {
    const schema = schemas[name];
    if (schema !== undefined) mergeRules(schema, schemasOf(type));
  }
  for (const schema of Object.values(schemas)) schema.additionalProperties ??= false;
  openAnswers(schemas);
  schemas.Problem = PROBLEM;
  document.info.contact = { name: 'The operator of this registry' };
  return sorted(document) as OpenAPIObject;
}

/** Bodies, as `Operation` left them. */
function placeBodies({ paths }: OpenAPIObject): void {
  for (const path of Object.values(paths) as unknown as Record<string, Schema>[]) {
    for (const operation of Object.values(path)) {
      const content = operation[BODY];
      if (content === undefined) continue;
      operation.requestBody = { required: true, content };
      delete operation[BODY];
    }
  }
}

/** Every operation says what it is counted as. */
function nameBudgets({ paths }: OpenAPIObject): void {
  for (const path of Object.values(paths) as unknown as Record<string, Schema>[]) {
    for (const [method, operation] of Object.entries(path)) {
      const budget = operation[BUDGET] as DoorConfig['budget'];
      operation[BUDGET] = statedBudget(budget === undefined ? {} : { budget }, method) ?? 'none';
    }
  }
}

/** Puts the keywords of our rules beside what the compiler plugin saw of types and comments. */
function mergeRules(schema: Schema, rules: ReadonlyMap<string, JsonSchema>): void {
  const properties = (schema.properties ?? {}) as Schemas;
  for (const [member, keywords] of rules) {
    const seen = properties[member];
    if (seen === undefined) continue;
    const merged: Schema = { ...seen, ...keywords };
    // A nested list: the plugin knows what is in it, the rule how many.
    if (seen.type === 'array' && seen.items !== undefined && keywords.items === undefined) merged.items = seen.items;
    if (keywords.oneOf !== undefined) delete merged.type;
    // Keywords that spoke of the type which the rule replaces.
    if (keywords.type !== undefined && keywords.type !== seen.type) {
      for (const stale of ['additionalProperties', 'properties', 'items']) {
        if (keywords[stale] === undefined) delete merged[stale];
      }
    }
    properties[member] = merged;
  }
  for (const [member, property] of Object.entries(properties)) properties[member] = bare(property);
}

/** A reference with nothing beside it is written as one. */
function bare(property: Schema): Schema {
  const { allOf, ...rest } = property as { allOf?: readonly Schema[] } & Schema;
  if (allOf?.length !== 1) return property;
  return { ...allOf[0], ...rest, ...(rest.type === 'object' ? { type: undefined } : {}) };
}

/** What we answer may grow within v1: clients ignore members that they do not know. */
function openAnswers(schemas: Schemas): void {
  for (const name of ANSWERS) {
    const schema = schemas[name];
    if (schema !== undefined) schema.additionalProperties = true;
  }
}

const ANSWERS = [
  'Camera',
  'CameraPage',
  'CameraCollection',
  'CameraFeature',
  'CameraLinks',
  'CameraThumbnail',
  'ThumbnailLink',
  'KnownService',
  'CredentialsState',
  'Health',
  'FlagEvidence',
  'HealthFlag',
  'ReferenceDocument',
  'HealthService',
  'HealthHistoryDocument',
  'StatusChange',
  'HealthBucket',
  'FirstFrameLatency',
  'AvailabilityByTime',
  'AvailabilityDocument',
  'HealthSummary',
  'HealthGroup',
  'HealthCounts',
  'ProbeReport',
  'ProbePhases',
  'ProbeFrame',
  'Authority',
  'AuthorityPage',
  'Grant',
  'GrantPage',
  'AccessRequest',
  'AccessRequestPage',
  'ApiKey',
  'ApiKeyPage',
  'MintedKey',
  'ImportReport',
  'ImportTotals',
  'ImportRow',
  'ImportProblem',
  'BuildingSet',
  'BuildingSetPage',
  'BuildingProblem',
  'TerrainRaster',
  'TerrainPage',
  'CollectionLink',
  'SightDocument',
  'CameraSight',
  'AimDocument',
  'PixelDocument',
  'LevelDocument',
  'OcclusionDocument',
  'OrderFactor',
  'FootprintFeature',
  'FootprintProperties',
  'GeoPoseDocument',
  'GeoPosePosition',
  'GeoPoseAngles',
  'ViewingFrustumFeature',
  'CoverageAnswer',
  'CoverageOcclusion',
  'CoveragePointsAnswer',
  'PointCoverage',
  'SeeingCamera',
  'EventDocument',
  'EventCamera',
  'EventNotice',
  'Webhook',
  'WebhookPage',
  'WebhookWithSecret',
  'WebhookDelivery',
  'WebhookDeliveryPage',
  'WebhookPing',
  'Member',
  'MemberPage',
  'Session',
  'SessionRole',
  'SessionRights',
  'AuditPage',
  'ListedAuditEntry',
  'AuditSubject',
  'AuditSeal',
  'GeometryState',
  'RebuildDocument',
];

const PROBLEM: Schema = {
  type: 'object',
  description: 'A problem document (RFC 9457).',
  additionalProperties: true,
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'retryable'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'Address of the explanation of `code`.' },
    title: { type: 'string', description: 'Constant per code.', example: 'The document is not valid' },
    status: { type: 'integer', minimum: 400, maximum: 599, description: 'HTTP status.', example: 400 },
    detail: { type: 'string', description: 'What happened, for people.' },
    instance: { type: 'string', format: 'uri', description: '`urn:uuid:` and the id of the request.' },
    code: { type: 'string', enum: PROBLEM_CODES, description: 'Stable name of the problem.' },
    retryable: { type: 'boolean', description: 'Whether the same request may succeed later.' },
    existing: { type: 'string', format: 'uri', description: 'Address of what stands in the way.' },
    errors: {
      type: 'array',
      description: 'Single faults.',
      items: {
        type: 'object',
        additionalProperties: true,
        required: ['code', 'detail'],
        properties: {
          pointer: { type: 'string', description: 'Place in the body (RFC 6901).', example: '/view/azimuthDeg' },
          parameter: { type: 'string', description: 'Name of a query parameter.', example: 'near' },
          header: { type: 'string', description: 'Name of a header.', example: 'Idempotency-Key' },
          code: { type: 'string', enum: FAULT_CODES, description: 'Stable name of the fault.' },
          detail: { type: 'string', description: 'What was expected, for people.' },
        },
      },
    },
  },
};

/** Paths and schemas in the order of their names, so that the committed document changes only where the API does. */
function sorted(document: OpenAPIObject): unknown {
  const byName = <T>(members: Record<string, T> | undefined): Record<string, T> =>
    Object.fromEntries(Object.entries(members ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  const { components = {}, paths, ...rest } = document;
  const whole = {
    ...rest,
    paths: byName(paths),
    components: { ...components, schemas: byName(components.schemas as Schemas) },
  };
  return JSON.parse(JSON.stringify(whole)) as unknown;
}
