import { NotFound } from '#catalog';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The id in an address. @throws NotFound for what is no UUID: there is nothing of that name */
export function grantIdOf(text: string, what: 'grant' | 'request' = 'grant'): string {
  if (!UUID.test(text)) throw new NotFound(`no ${what} has this id; ids are UUIDs`);
  return text.toLowerCase();
}

/** The path parameter, for OpenAPI. */
export const pathIdOf = (what: string) =>
  ({
    id: {
      description: `Id of the ${what}, a UUID.`,
      schema: { type: 'string', format: 'uuid' },
      example: '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f',
    },
  }) as const;
