import { below, isPlainObject, ValidationFailed } from '#catalog';

/** Refuses members that only the server writes, where a body makes or changes a document (api.md, "Request documents"). @throws ValidationFailed */
export function refuseMade(body: unknown, made: readonly string[]): void {
  const stated = isPlainObject(body) ? made.filter((member) => Object.hasOwn(body, member)) : [];
  if (stated.length === 0) return;
  const detail = 'the server makes this member';
  throw new ValidationFailed(
    stated.map((member) => ({ pointer: below('', member), code: 'read_only' as const, detail })),
  );
}
