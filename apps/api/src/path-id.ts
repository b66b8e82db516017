import { NotFound, UUID } from '#catalog';

const EXAMPLE = '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f';

/** The path parameter `id`, for OpenAPI. @param what has the id, one word for people */
export const pathIdOf = (what: string) =>
  ({
    id: { description: `Id of the ${what}, a UUID.`, schema: { type: 'string', format: 'uuid' }, example: EXAMPLE },
  }) as const;

/** The id in an address. @throws NotFound for what is no UUID: there is nothing of that name */
export function idIn(text: string, what: string): string {
  if (!UUID.test(text)) throw new NotFound(`no ${what} has this id; ids are UUIDs such as ${EXAMPLE}`);
  return text.toLowerCase();
}
