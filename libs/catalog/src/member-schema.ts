/** JSON Schema 2020-12 keywords of one member of a document class. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What the rules of a class say of its members, by class; the API merges it into OpenAPI. */
const stated = new Map<object, Map<string, JsonSchema>>();

/** States keywords of a member; several statements add up. */
export function stateSchema(prototype: object, member: string, schema: JsonSchema): void {
  const members = stated.get(prototype) ?? new Map<string, JsonSchema>();
  stated.set(prototype, members);
  members.set(member, { ...members.get(member), ...schema });
}

/** Keywords of every member of a class, inherited ones included. */
export function schemasOf(type: new () => object): ReadonlyMap<string, JsonSchema> {
  const members = new Map<string, JsonSchema>();
  for (let at = type.prototype as object | null; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    for (const [member, schema] of stated.get(at) ?? []) {
      if (!members.has(member)) members.set(member, schema);
    }
  }
  return members;
}

/** Describes a member that the server makes and nobody sends. */
export const Shown =
  (schema: JsonSchema): PropertyDecorator =>
  (prototype, member) =>
    stateSchema(prototype, String(member), { readOnly: true, ...schema });

/** Every class whose members say something, by name; subclasses that add nothing are found by their own name's lookup. */
export function statedClasses(): ReadonlyMap<string, new () => object> {
  return new Map(
    [...stated.keys()].map((prototype) => [prototype.constructor.name, prototype.constructor as new () => object]),
  );
}
