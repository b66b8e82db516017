import type { EntityManager } from 'typeorm';
import { type Principal, scope } from '#access';
import { type AccessTarget, type Fault, ValidationFailed } from '#catalog';
import { Authorities, CameraFinder } from '#storage';

/**
 * Slug of the authority whose cameras are meant.
 * @throws NotFound for what the caller may not know, alike for what there is not (AUTHZ-5)
 */
export async function ownerOf({ camera, authority }: AccessTarget, by: Principal, tx: EntityManager): Promise<string> {
  if (camera !== undefined) return (await new CameraFinder(tx).get(camera, scope(by), '')).authority;
  if (authority === undefined) throw new Error('bug: a target that was checked names something');
  return (await new Authorities(tx).get(authority)).slug;
}

/** Refuses a grantee that is no authority, or the owner itself. @throws ValidationFailed */
export async function requireGrantee(grantee: string, faults: readonly Fault[], tx: EntityManager): Promise<void> {
  if (faults.length > 0) throw new ValidationFailed(faults);
  if ((await new Authorities(tx).find(grantee)) !== null) return;
  const detail = `no authority has the slug ${grantee}`;
  throw new ValidationFailed([{ pointer: '/grantee', code: 'reference', detail }]);
}
