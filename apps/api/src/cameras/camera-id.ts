import { NotFound } from '#catalog';

/** The path parameter, for OpenAPI. */
export const CAMERA_ID = {
  id: {
    description: 'Id of the camera, a UUID.',
    schema: { type: 'string', format: 'uuid' },
    example: '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f',
  },
} as const;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id in an address. @throws NotFound for what is no UUID: there is no camera of that name */
export function idOf(text: string): string {
  const id = text.toLowerCase();
  if (!UUID.test(id))
    throw new NotFound('no camera has this id; ids are UUIDs such as 019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f');
  return id;
}
