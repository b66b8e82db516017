import { applyDecorators, SetMetadata, type Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import {
  ApiExtension,
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiSecurity,
  getSchemaPath,
} from '@nestjs/swagger';
import type { JsonSchema, ProblemCode, Selector } from '#catalog';
import { type OperationBudget, SPATIAL_SELECTORS } from './door/budgets.js';
import type { DoorConfig, Permission } from './door/route-config.js';
import { PROBLEMS } from './problems/catalogue.js';

export const PERMISSION = 'permission';

/** Where a body's media types wait until the document is put together: @nestjs/swagger 12 knows one schema a body. */
export const BODY = 'x-body';

/** What a request of an operation is counted as (security.md RATE-1). */
export const BUDGET = 'x-budget';

type SchemaObject = Record<string, unknown>;

/** A body as OpenAPI describes it: media type and what is in it. */
export type Content = Readonly<Record<string, Type<object> | JsonSchema>>;

/** One answer of an operation. */
export interface AnswerDescription {
  readonly description: string;
  readonly content?: Content;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Everything that OpenAPI says of an operation beyond its address. */
export interface OperationDescription {
  /** camelCase verb and noun, unique. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly permission: Permission;
  /** What a request is counted as. Absent: `read` or `writes`, by its method. */
  readonly budget?: OperationBudget | 'none';
  /** It is answered under overload too. */
  readonly isVital?: boolean;
  readonly path?: Readonly<Record<string, PathParameter>>;
  readonly query?: Readonly<Record<string, Selector<unknown>>>;
  readonly headers?: Readonly<Record<string, HeaderParameter>>;
  readonly body?: Content;
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  readonly refuses?: readonly ProblemCode[];
}

interface PathParameter {
  readonly description: string;
  readonly schema: SchemaObject;
  readonly example: string;
}

interface HeaderParameter {
  readonly description: string;
  readonly required?: boolean;
  readonly example: string;
}

/** Problems that every operation may answer with. */
const ALWAYS: readonly ProblemCode[] = [
  'unauthenticated',
  'token_expired',
  'not_acceptable',
  'rate_limited',
  'internal',
  'database_unavailable',
  'overloaded',
  'issuer_unavailable',
  'shutting_down',
];
const WITH_BODY: readonly ProblemCode[] = [
  'malformed_body',
  'validation_failed',
  'body_too_large',
  'unsupported_media_type',
  'request_timeout',
  'csrf_rejected',
];

/** Declares an operation once: its permission, which the guard enforces, and all that OpenAPI says of it. */
export function Operation(operation: OperationDescription): MethodDecorator {
  const { id, tag, summary, description, permission, path = {}, query = {}, headers = {}, body, answers } = operation;
  const refuses = new Set<ProblemCode>([
    ...ALWAYS,
    'unknown_parameter',
    'invalid_parameter',
    ...(permission === 'public' ? [] : (['forbidden', 'csrf_rejected'] as const)),
    ...(body === undefined ? [] : WITH_BODY),
    ...(operation.refuses ?? []),
  ]);
  return applyDecorators(
    SetMetadata(PERMISSION, permission),
    RouteConfig({ door: doorConfigOf(operation) }),
    ApiOperation({ operationId: id, tags: [tag], summary, description }),
    ApiExtension('x-permission', permission),
    ...(operation.budget === undefined ? [] : [ApiExtension(BUDGET, operation.budget)]),
    ...(permission === 'public'
      ? [ApiSecurity({}), ApiSecurity('key'), ApiSecurity('session')]
      : [ApiSecurity('key'), ApiSecurity('session')]),
    ...Object.entries(path).map(([name, parameter]) => ApiParam({ name, ...parameter })),
    ...Object.entries(query).map(([name, selector]) => queryParameter(name, selector)),
    ...Object.entries(headers).map(([name, { required = false, example, description: text }]) =>
      ApiHeader({ name, required, description: text, example, schema: { type: 'string' } }),
    ),
    ...(body === undefined ? [] : [ApiExtraModels(...modelsOf(body)), ApiExtension(BODY, contentOf(body))]),
    ...Object.entries(answers).flatMap(([status, answer]) => answerDecorators(Number(status), answer)),
    ...problemAnswers([...refuses]),
  );
}

function doorConfigOf({ permission, budget, isVital = false, query = {} }: OperationDescription): DoorConfig {
  return {
    permission,
    ...(budget === undefined ? {} : { budget }),
    spatialSelectors: Object.keys(query).filter((name) => SPATIAL_SELECTORS.includes(name)),
    isVital,
  };
}

function queryParameter(
  name: string,
  { description, schema, example, repeatable }: Selector<unknown>,
): MethodDecorator {
  const isList = repeatable === true || schema.type === 'array';
  return ApiQuery({
    name,
    required: false,
    description:
      repeatable === true ? `${description} May be given several times; the values are alternatives.` : description,
    schema: repeatable === true ? { type: 'array', items: schema } : schema,
    ...(example === undefined ? {} : { example: repeatable === true ? [example] : example }),
    ...(isList ? { style: 'form', explode: repeatable === true } : {}),
  });
}

const isClass = (value: Type<object> | JsonSchema): value is Type<object> => typeof value === 'function';

const modelsOf = (content: Content): Type<object>[] => Object.values(content).filter(isClass);

function contentOf(content: Content): Record<string, { schema: SchemaObject }> {
  return Object.fromEntries(
    Object.entries(content).map(([type, value]) => [
      type,
      { schema: isClass(value) ? { $ref: getSchemaPath(value) } : { ...value } },
    ]),
  );
}

function answerDecorators(
  status: number,
  { description, content, headers = {} }: AnswerDescription,
): MethodDecorator[] {
  const described = Object.entries(headers).map(([name, text]) => [
    name,
    { description: text, schema: { type: 'string' as const } },
  ]);
  return [
    ...(content === undefined ? [] : [ApiExtraModels(...modelsOf(content))]),
    ApiResponse({
      status,
      description,
      ...(content === undefined ? {} : { content: contentOf(content) }),
      ...(described.length === 0 ? {} : { headers: Object.fromEntries(described) as never }),
    }),
  ];
}

function problemAnswers(codes: readonly ProblemCode[]): MethodDecorator[] {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus].map(
    ([status, list]) =>
      ApiResponse({
        status,
        description: list.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
        content: {
          'application/problem+json': {
            schema: {
              allOf: [
                { $ref: '#/components/schemas/Problem' },
                { type: 'object', properties: { code: { type: 'string', enum: list } } },
              ],
            },
          },
        },
      }) as MethodDecorator,
  );
}

/** Headers of conditional requests, for operations that change a document. */
export const IF_MATCH = {
  'If-Match': {
    description: 'ETag of the document for which the change was made; `*` overwrites whatever there is.',
    required: true,
    example: '"3.pq2wT0fX8k1Z"',
  },
} as const;

export const IF_NONE_MATCH = {
  'If-None-Match': { description: 'ETag of the copy that the client has.', example: '"3.pq2wT0fX8k1Z"' },
} as const;

export const IDEMPOTENCY_KEY = {
  'Idempotency-Key': {
    description:
      '1 to 255 visible ASCII characters; a repeated request within 24 hours has the first one’s effect and answer.',
    example: '6f1c9b3e-register-1639',
  },
} as const;

export const ETAG_HEADER = { ETag: 'Strong tag of this representation; its first part is the version.' } as const;
