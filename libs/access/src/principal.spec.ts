import { describe, expect, test } from '@jest/globals';
import { Forbidden, type Refusal, type Scope, SCOPES, Unauthenticated, ValidationFailed } from '#catalog';
import { mintRights } from './mint-rights.js';
import {
  actsFor,
  ANONYMOUS,
  isPlatformAdministrator,
  mayWrite,
  type Principal,
  principalOfKey,
  requireAuthority,
  requireScope,
  type Rights,
  scope,
} from './principal.js';

const principal = (scopes: readonly Scope[], authorities: Rights['authorities']): Principal =>
  principalOfKey('Ab12345678', { scopes, authorities });

const ADMIN = principal(SCOPES, 'all');
const OPERATOR = principal(['cameras:read', 'cameras:write', 'credentials:write'], ['water']);
const VIEWER = principal(['cameras:read', 'frames:read'], ['roads', 'water']);

describe('rights', () => {
  test('a principal is named for its key', () => {
    expect(VIEWER).toMatchObject({ id: 'key:Ab12345678', isAnonymous: false });
    expect(ANONYMOUS).toMatchObject({ id: 'anonymous', isAnonymous: true });
  });

  test.each<[string, Principal, boolean, boolean, boolean]>([
    ['anonymous', ANONYMOUS, false, false, false],
    ['viewer', VIEWER, false, true, false],
    ['operator', OPERATOR, false, true, true],
    ['foreign operator', principal(['cameras:write'], ['roads']), false, false, false],
    ['key of every authority', principal(['cameras:write'], 'all'), false, true, true],
    ['administrator', ADMIN, true, true, true],
    ['platform:admin alone', principal(['platform:admin'], 'all'), true, true, false],
    ['platform:admin of one authority', principal(['platform:admin'], ['water']), false, true, false],
  ])('%s', (_who, p, administrates, acts, writes) => {
    expect(isPlatformAdministrator(p)).toBe(administrates);
    expect(actsFor(p, 'water')).toBe(acts);
    expect(mayWrite(p, 'water')).toBe(writes);
  });

  test('a missing scope is 403 with a key and 401 without', () => {
    expect(() => requireScope(OPERATOR, 'cameras:write')).not.toThrow();
    expect(() => requireScope(VIEWER, 'cameras:write')).toThrow(Forbidden);
    expect(() => requireScope(ANONYMOUS, 'cameras:read')).toThrow(Unauthenticated);
  });

  test('a foreign authority is 403 with a key and 401 without', () => {
    expect(() => requireAuthority(VIEWER, 'water')).not.toThrow();
    expect(() => requireAuthority(ADMIN, 'water')).not.toThrow();
    expect(() => requireAuthority(OPERATOR, 'roads')).toThrow(Forbidden);
    expect(() => requireAuthority(ANONYMOUS, 'water')).toThrow(Unauthenticated);
  });
});

describe('what a caller reads', () => {
  test.each<[string, Principal, unknown, readonly string[]]>([
    ['anonymous', ANONYMOUS, [], ['public']],
    ['viewer', VIEWER, ['roads', 'water'], ['public', 'agency']],
    ['key without cameras:read', principal(['cameras:write'], ['water']), [], ['public']],
    ['key without an authority', principal(['cameras:read'], []), [], ['public']],
    ['key of every authority', principal(['cameras:read'], 'all'), 'all', ['public', 'agency']],
    ['key of every authority without cameras:read', principal(['frames:read'], 'all'), [], ['public']],
    ['administrator', ADMIN, 'all', ['public', 'agency']],
    ['platform:admin alone', principal(['platform:admin'], 'all'), 'all', ['public', 'agency']],
    ['platform:admin of one authority', principal(['platform:admin'], ['water']), [], ['public']],
  ])('%s', (_who, p, own, levels) => {
    expect(scope(p)).toEqual({ own, levels });
  });

  test('cannot be widened afterwards', () => {
    expect(Object.isFrozen(scope(VIEWER))).toBe(true);
  });
});

describe('minting', () => {
  const MINTER = principal(['cameras:read', 'cameras:write', 'keys:write'], ['water', 'roads']);

  test.each<[string, Principal, Rights, (new (...args: never[]) => Refusal) | null]>([
    ['part of its own', MINTER, { scopes: ['cameras:read'], authorities: ['water'] }, null],
    ['no authority at all', MINTER, { scopes: ['cameras:read'], authorities: [] }, null],
    ['everything, by the administrator', ADMIN, { scopes: SCOPES, authorities: 'all' }, null],
    [
      'keys:write for one authority, by the administrator',
      ADMIN,
      { scopes: ['keys:write'], authorities: ['water'] },
      null,
    ],
    ['anything, by nobody', ANONYMOUS, { scopes: [], authorities: [] }, Unauthenticated],
    ['without keys:write', OPERATOR, { scopes: ['cameras:read'], authorities: ['water'] }, Forbidden],
    ['a scope that it lacks', MINTER, { scopes: ['cameras:read', 'frames:read'], authorities: ['water'] }, Forbidden],
    ['a foreign authority', MINTER, { scopes: ['cameras:read'], authorities: ['water', 'park'] }, Forbidden],
    ['every authority', MINTER, { scopes: ['cameras:read'], authorities: 'all' }, Forbidden],
    ['keys:write', MINTER, { scopes: ['keys:write'], authorities: ['water'] }, Forbidden],
    [
      'keys:write, for every authority but not as administrator',
      principal(['keys:write'], 'all'),
      { scopes: ['keys:write'], authorities: ['water'] },
      Forbidden,
    ],
    [
      'platform:admin, by one who has the scope for one authority',
      principal(['keys:write', 'platform:admin'], ['water']),
      { scopes: ['platform:admin'], authorities: ['water'] },
      Forbidden,
    ],
    [
      'a scope that the administrator lacks',
      principal(['keys:write', 'platform:admin'], 'all'),
      { scopes: ['audit:read'], authorities: 'all' },
      Forbidden,
    ],
    [
      'platform:admin for one authority',
      ADMIN,
      { scopes: ['platform:admin'], authorities: ['water'] },
      ValidationFailed,
    ],
  ])('%s', (_what, by, wanted, refusal) => {
    const answer = mintRights(by, wanted);
    if (refusal === null) expect(answer).toBeNull();
    else expect(answer).toBeInstanceOf(refusal);
  });
});
